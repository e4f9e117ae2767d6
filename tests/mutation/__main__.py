"""Change `autograd/` a little, see the tests notice: ``python -m tests.mutation autograd/ieee.py``.

It keeps what it finds in the folder ``--out`` and tells it there in `mutation.md`; once every mutant of
`autograd/` has been run, in `docs/mutation.md`. A survivor that cannot be killed is entered in
`survivors/`, in the file named after its folder, with the reason.
"""

from __future__ import annotations

import argparse
import importlib
import random
import time
from collections.abc import Iterable
from pathlib import Path

from tests.mutation.covering import Covering
from tests.mutation.distributing import distribute, failing_unchanged, in_a_process
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.report import Results, known_survivors
from tests.mutation.running import NEEDS_IMPORT, SURVIVED, Job, serve_by_import, serve_by_replacement

_LIBRARIES = (
    *("numpy", "optree", "graphviz", "llvmlite.binding", "scipy.optimize", "mpmath", "sympy"),
    "matplotlib.pyplot",
)
_HEAD = Path(__file__).with_name("head.md")
_DOCUMENT = Path("docs/mutation.md")


def main() -> None:
    """Run mutants and tell what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=["autograd"], help="files or folders (autograd)")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (%(default)s)")
    parser.add_argument("--again", action="store_true", help="only survivors without a reason")
    parser.add_argument("--resume", action="store_true", help="only those that no run has judged yet")
    parser.add_argument(
        "--limit", type=float, default=10.0, help="seconds of tests for a mutant (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("out/mutation"), help="where results are kept (%(default)s)"
    )
    options = parser.parse_args()

    covering = _covering(options.out / "covering.json", options.workers)
    results = Results(options.out / "results.json")
    explained = known_survivors()
    chosen: list[Mutant] = []
    for module in _modules(options.modules):
        found = list(mutants(module))
        survivors = results.survivors(module)
        judged = results.begin(module, len(found))
        if options.again:
            found = [one for one in found if one.key[1:] in survivors and one.key not in explained]
        elif options.resume:
            found = [one for one in found if one.key[1:] not in judged]
        chosen += found
    if options.sample is not None:
        chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))

    def job_of(number: int, mutant: Mutant, *, imported: bool = False) -> Job:
        tests = covering.tests(mutant.module, mutant.line, mutant.last, options.limit, imported=imported)
        return Job(number, mutant, tests, [covering.seconds[one] for one in tests])

    jobs = [job_of(number, mutant) for number, mutant in enumerate(chosen)]
    print(f"{len(jobs)} mutants", flush=True)

    start = time.monotonic()
    to_import: list[Job] = []
    done = 0

    def keep(job: Job, verdict: str, test: str) -> None:
        nonlocal done
        if verdict == NEEDS_IMPORT:
            to_import.append(job_of(job.number, job.mutant, imported=True))
            return
        results.add(job.mutant, verdict, test)
        done += 1
        if verdict == SURVIVED:
            m = job.mutant
            print(f"survived: {m.module}:{m.line}  {m.before}  ->  {m.after}", flush=True)
        if done % 100 == 0:
            results.write()
            print(f"{done} of {len(jobs)} in {time.monotonic() - start:.0f} s", flush=True)

    try:
        distribute(jobs, serve_by_replacement, options.workers, keep)
        distribute(to_import, serve_by_import, options.workers, keep)
    finally:
        results.write()  # what is there, should it be interrupted: --resume goes on from it
    document = _DOCUMENT if results.are_whole(_modules(["autograd"])) else options.out / "mutation.md"
    document.write_text(results.document(_HEAD.read_text(encoding="utf-8").strip()), encoding="utf-8")
    print(f"{done} of {len(jobs)} in {time.monotonic() - start:.0f} s; written to {document}")


def _covering(path: Path, workers: int) -> Covering:
    """What each test covers, of the tests that can judge a mutant."""
    covering = in_a_process(lambda: Covering.read(path))
    for library in _LIBRARIES:  # for the forks; autograd must not be among them
        importlib.import_module(library)
    if covering.fresh:
        for serve in (serve_by_replacement, serve_by_import):
            for test, verdict in failing_unchanged(covering, serve, workers).items():
                print(f"left out, as without any change it is {verdict}: {test}", flush=True)
                covering.drop([test])
        covering.write(path)
    return covering


def _modules(paths: Iterable[str]) -> list[str]:
    found = []
    for path in map(Path, paths):
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [str(one) for one in found]


if __name__ == "__main__":
    main()
