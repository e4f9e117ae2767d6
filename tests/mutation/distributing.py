"""Handing jobs to processes that answer them."""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from tests.mutation.covering import Covering
from tests.mutation.mutants import unchanged
from tests.mutation.running import SURVIVED, Job

__all__ = ["distribute", "failing_unchanged", "in_a_process"]

_forking = multiprocessing.get_context("fork")


def in_a_process(action: Callable[[], Covering]) -> Covering:
    """Its result, computed in a process of its own: here autograd must not be imported."""
    ours, theirs = _forking.Pipe()
    process = _forking.Process(target=lambda: theirs.send(action()))
    process.start()
    theirs.close()
    result: Covering = ours.recv()
    process.join()
    return result


def failing_unchanged(
    covering: Covering, serve: Callable[[Connection], None], workers: int
) -> dict[str, str]:
    """The fresh tests that fail, or take too long, in a fork on the code as it is.

    They would kill any mutant.
    """
    module = unchanged(next(iter(covering.lines)))
    files: dict[str, list[str]] = defaultdict(list)
    for test in covering.fresh:
        files[test.split("::")[0]].append(test)
    left = list(files.values())
    failing: dict[str, str] = {}
    while left:
        jobs = [
            Job(number, module, tests, [covering.seconds[one] for one in tests])
            for number, tests in enumerate(left)
        ]
        rest: list[list[str]] = []

        def keep(job: Job, verdict: str, test: str, rest: list[list[str]] = rest) -> None:
            if verdict != SURVIVED:
                if test not in job.tests:
                    raise RuntimeError(f"the tests do not run in a fork: {verdict} at {test}")
                failing[test] = verdict
                rest.append([one for one in job.tests if one != test])

        distribute(jobs, serve, workers, keep)
        left = [tests for tests in rest if tests]
    return failing


def distribute(
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
    try:
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
    except BaseException:
        for process in processes:  # they wait for jobs, and this one would wait for them
            process.terminate()
        raise
    for process in processes:
        process.join()
