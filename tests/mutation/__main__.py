"""Change `autograd/` a little, see the tests notice: ``python -m tests.mutation autograd/ieee.py``.

It keeps what it finds in the folder ``--out`` and writes `docs/mutation.md`. A survivor that cannot be
killed is entered in `survivors.json` with the reason.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tests.mutation.covering import Covering
from tests.mutation.mutants import Mutant, mutants, unchanged
from tests.mutation.report import Results
from tests.mutation.running import NEEDS_IMPORT, SURVIVED, Job, serve_by_import, serve_by_replacement

_LIBRARIES = (
    *("numpy", "optree", "graphviz", "llvmlite.binding", "scipy.optimize", "mpmath", "sympy"),
    "matplotlib.pyplot",
)
_HEAD = Path(__file__).with_name("head.md")
_DOCUMENT = Path("docs/mutation.md")
_forking = multiprocessing.get_context("fork")


def main() -> None:
    """Run mutants and tell what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=["autograd"], help="files or folders (autograd)")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (%(default)s)")
    parser.add_argument("--again", action="store_true", help="only those that survived the last run")
    parser.add_argument("--resume", action="store_true", help="only those that no run has judged yet")
    parser.add_argument(
        "--limit", type=float, default=20.0, help="seconds of tests for a mutant (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("out/mutation"), help="where results are kept (%(default)s)"
    )
    options = parser.parse_args()

    covering = _in_a_process(lambda: Covering.read(options.out / "covering.json"))
    results = Results(options.out / "results.json")
    chosen: list[Mutant] = []
    for module in _modules(options.modules):
        found = list(mutants(module))
        survivors = results.survivors(module)
        judged = results.begin(module, len(found))
        if options.again:
            found = [one for one in found if one.key[1:] in survivors]
        elif options.resume:
            found = [one for one in found if one.key[1:] not in judged]
        chosen += found
    if options.sample is not None:
        chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    jobs = []
    for number, mutant in enumerate(chosen):
        tests = covering.tests(mutant.module, mutant.line, mutant.last, options.limit)
        jobs.append(Job(number, mutant, tests, [covering.seconds[one] for one in tests]))
    print(f"{len(jobs)} mutants", flush=True)

    start = time.monotonic()
    to_import: list[Job] = []
    done = 0

    def keep(job: Job, verdict: str, test: str) -> None:
        nonlocal done
        if verdict == NEEDS_IMPORT:
            to_import.append(job)
            return
        results.add(job.mutant, verdict, test)
        done += 1
        if verdict == SURVIVED:
            m = job.mutant
            print(f"survived: {m.module}:{m.line}  {m.before}  ->  {m.after}", flush=True)
        if done % 100 == 0:
            results.write()
            print(f"{done} of {len(jobs)} in {time.monotonic() - start:.0f} s", flush=True)

    jobs = _without_unfit(jobs, serve_by_replacement, options.workers)
    _distribute(jobs, serve_by_replacement, options.workers, keep)
    for library in _LIBRARIES:
        importlib.import_module(library)
    to_import = _without_unfit(to_import, serve_by_import, options.workers)
    _distribute(to_import, serve_by_import, options.workers, keep)
    results.write()
    _DOCUMENT.write_text(results.document(_HEAD.read_text(encoding="utf-8").strip()), encoding="utf-8")
    print(f"{done} of {len(jobs)} in {time.monotonic() - start:.0f} s; written to {_DOCUMENT}")


def _modules(paths: Iterable[str]) -> list[str]:
    found = []
    for path in map(Path, paths):
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [str(one) for one in found]


def _in_a_process(action: Callable[[], Covering]) -> Covering:
    """Its result, computed in a process of its own: here autograd must not be imported."""
    ours, theirs = _forking.Pipe()
    process = _forking.Process(target=lambda: theirs.send(action()))
    process.start()
    theirs.close()
    result: Covering = ours.recv()
    process.join()
    return result


def _without_unfit(jobs: list[Job], serve: Callable[[Connection], None], workers: int) -> list[Job]:
    """The jobs without the tests that fail in a fork on the unchanged code: these would kill any mutant."""
    unfit: set[str] = set()
    seconds = {test: taken for job in jobs for test, taken in zip(job.tests, job.seconds)}
    files: dict[str, list[str]] = defaultdict(list)
    for test in seconds:
        files[test.split("::")[0]].append(test)
    left = list(files.values())
    while left:
        as_it_is = [
            Job(number, unchanged(jobs[0].mutant.module), tests, [seconds[one] for one in tests])
            for number, tests in enumerate(left)
        ]
        failing: list[list[str]] = []

        def keep(job: Job, verdict: str, test: str, failing: list[list[str]] = failing) -> None:
            if verdict != SURVIVED:
                culprit = test if test in job.tests else job.tests[0]
                print(f"left out, as it is {verdict} unchanged: {culprit}", flush=True)
                unfit.add(culprit)
                failing.append([one for one in job.tests if one != culprit])

        _distribute(as_it_is, serve, workers, keep)
        left = [tests for tests in failing if tests]
    if not unfit:
        return jobs
    return [_without(job, unfit) for job in jobs]


def _without(job: Job, tests: set[str]) -> Job:
    kept = [one for one in zip(job.tests, job.seconds) if one[0] not in tests]
    return replace(job, tests=[test for test, _ in kept], seconds=[seconds for _, seconds in kept])


def _distribute(
    jobs: list[Job],
    serve: Callable[[Connection], None],
    workers: int,
    keep: Callable[[Job, str, str], None],
) -> None:
    """Hand jobs to so many processes, and their answers to `keep`."""
    waiting = iter(jobs)
    by_number = {job.number: job for job in jobs}
    idle: list[Connection] = []
    processes = []
    for _ in range(min(workers, len(jobs))):
        ours, theirs = _forking.Pipe()
        processes.append(_forking.Process(target=serve, args=(theirs,)))
        processes[-1].start()
        theirs.close()
        idle.append(ours)
    busy: set[Connection] = set()
    while idle or busy:
        for connection in idle:
            job = next(waiting, None)
            connection.send(job)
            if job is not None:
                busy.add(connection)
        idle = []
        for connection in wait(list(busy)) if busy else ():
            number, verdict, test = connection.recv()
            keep(by_number[number], verdict, test)
            busy.remove(connection)
            idle.append(connection)
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
