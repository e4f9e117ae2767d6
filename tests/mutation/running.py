"""Running tests on a mutant, in a fork of a process that has everything imported.

There are two ways. Where the change lies in a function, the fork puts the changed code in the place of the
function's: nothing is imported or collected again. What that cannot judge, because the change is in what
an import runs, meets a fork of a process that has imported the libraries only, and imports autograd changed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import linecache
import mmap
import os
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.mutation.covering import OPTIONS, TESTS, is_own
from tests.mutation.mutants import Mutant

__all__ = ["Job", "serve_by_import", "serve_by_replacement"]

KILLED, SURVIVED, TIMED_OUT, NEEDS_IMPORT = "killed", "survived", "timed out", "needs import"
_MEMORY = 4 << 30  # bytes beyond those that are mapped: a mutant may ask for more and more
_TO_IMPORT = 20.0  # seconds


@dataclass(frozen=True)
class Job:
    """A mutant and the tests that it meets.

    Attributes:
        number: by which the answer names it.
        mutant: the change.
        tests: names, in their order.
        seconds: what each takes on the unchanged code.
    """

    number: int
    mutant: Mutant
    tests: Sequence[str]
    seconds: Sequence[float]


def serve_by_replacement(jobs: Connection) -> None:
    """Collect the tests once; answer jobs until None comes, with (number, verdict, the test that failed)."""
    calls = _Calls()
    sys.setprofile(calls)
    pytest.main([*TESTS, *OPTIONS], plugins=[_Server(jobs, calls)])


def serve_by_import(jobs: Connection) -> None:
    """Answer jobs until None comes; every fork imports autograd."""
    while (job := jobs.recv()) is not None:
        answer = _in_a_fork(partial(_import_and_run, job))
        jobs.send((job.number, *answer))


# One fork.


def _in_a_fork(action: Callable[[], None]) -> tuple[str, str]:
    """A verdict, and the test that ran last: the one that failed, if one did."""
    global _note
    _note = _Note()
    child = os.fork()
    if child == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        _limit_memory()
        try:
            action()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what the tests have started and not ended
    if os.WIFSIGNALED(status):
        in_time = os.WTERMSIG(status) not in (signal.SIGALRM, signal.SIGPROF)
        verdict = KILLED if in_time else TIMED_OUT
    else:
        verdict = SURVIVED if os.WEXITSTATUS(status) == 0 else KILLED
    return verdict, "" if verdict == SURVIVED else _note.read()


class _Note:
    """A name that a fork leaves for its parent, however it ends."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 4096)  # shared with the forks that come after

    def write(self, test: str) -> None:
        self._memory[:] = test.encode()[:4096].ljust(4096, b"\0")

    def read(self) -> str:
        return self._memory[:].rstrip(b"\0").decode()


_note = _Note()


def _limit_memory() -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (mapped + _MEMORY, mapped + _MEMORY))


def _run(items: Sequence[pytest.Item], seconds: Sequence[float]) -> None:
    """Run tests, each with an alarm that ends the process."""
    for i, item in enumerate(items):
        _note.write(item.nodeid)
        _set_alarm(3 + 10 * seconds[i])
        item.config.hook.pytest_runtest_protocol(
            item=item, nextitem=items[i + 1] if i + 1 < len(items) else None
        )
    _set_alarm(0)


def _show_source(mutant: Mutant) -> None:
    """Let who asks for the text of a function, as an engine does that copies it, read the changed one."""
    path = str(Path(mutant.module).resolve())
    linecache.cache[path] = (len(mutant.source), None, mutant.source.splitlines(keepends=True), path)


def _set_alarm(seconds: float) -> None:
    """End the process after so much work; or after ten times as long, should it wait for something."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)


class _EndAtFailure:
    """A plugin of pytest that ends the process at the first failure."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            os._exit(1)


def _without_shrinking() -> None:
    """A failure is enough: Hypothesis need not look for a smaller one."""
    ci = settings.get_profile("ci")
    settings.register_profile(
        "mutation", ci, phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False
    )
    settings.load_profile("mutation")


# By replacement.


class _Calls:
    """A profiler that keeps which code of autograd has run."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()

    def __call__(self, frame: Any, event: str, _: object) -> None:
        if event == "call" and "/autograd/" in frame.f_code.co_filename:
            self.codes.add(frame.f_code)


class _Server:
    """A plugin of pytest that answers jobs in the place of running the tests."""

    def __init__(self, jobs: Connection, calls: _Calls) -> None:
        self._jobs = jobs
        self._calls = calls

    def pytest_collection(self) -> None:
        _without_shrinking()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.setprofile(None)
        items = {item.nodeid: item for item in session.items}
        functions = _functions()
        gc.collect()
        gc.freeze()  # a fork shares what its garbage collector does not touch
        while (job := self._jobs.recv()) is not None:
            swaps, called = _swaps(job.mutant, functions, self._calls.codes)
            if swaps is None:
                self._jobs.send((job.number, NEEDS_IMPORT, ""))
                continue
            known = [one for one in zip(job.tests, job.seconds) if one[0] in items]
            run = partial(_run, [items[test] for test, _ in known], [seconds for _, seconds in known])
            verdict, test = _in_a_fork(partial(_replace, session, job.mutant, swaps, run))
            # a failure is one; but to pass says little of a function that the import has run, unchanged
            self._jobs.send((job.number, NEEDS_IMPORT if called and verdict == SURVIVED else verdict, test))
        return True


def _replace(
    session: pytest.Session,
    mutant: Mutant,
    swaps: list[tuple[FunctionType, CodeType]],
    run: Callable[[], None],
) -> None:
    session.config.pluginmanager.register(_EndAtFailure())
    _show_source(mutant)
    for function, code in swaps:
        function.__code__ = code
    run()


def _functions() -> dict[tuple[str, int, str], list[FunctionType]]:
    """Every living function of autograd, by its place."""
    found = defaultdict(list)
    for one in gc.get_objects():
        if type(one) is FunctionType and "/autograd/" in one.__code__.co_filename:
            found[_place(one.__code__)].append(one)
    return found


def _place(code: CodeType) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_name


def _swaps(
    mutant: Mutant, functions: Any, called: set[CodeType]
) -> tuple[list[tuple[FunctionType, CodeType]] | None, bool]:
    """Which functions get which code, and whether what is changed in it has run since the import.

    None where the change is not, or not only, in functions that are there.
    """
    path = str(Path(mutant.module).resolve())
    source = Path(path).read_text(encoding="utf-8")
    if mutant.source == source:
        return [], False
    old = compile(source, path, "exec", dont_inherit=True)
    new = compile(mutant.source, path, "exec", dont_inherit=True)
    swaps = []
    has_run = False
    for before, after in _changed(old, new):
        if _differ_themselves(before, after):
            has_run |= before in called
            if not _is_function(before):
                return None, False
        if before.co_freevars != after.co_freevars:
            return None, False
        living = functions.get(_place(before), ())
        swaps += [(one, after) for one in living if one.__code__ == before]
    return swaps or None, has_run


def _is_function(code: CodeType) -> bool:
    """A module's code and a class's run once, at the import."""
    return bool(code.co_flags & inspect.CO_NEWLOCALS)


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The pairs of code that differ, in themselves or inside, outermost first."""
    if old == new:
        return
    yield old, new
    inside = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (old, new)]
    if len(inside[0]) == len(inside[1]):
        for before, after in zip(*inside):
            yield from _changed(before, after)


def _differ_themselves(old: CodeType, new: CodeType) -> bool:
    return _without_inner(old) != _without_inner(new)


def _without_inner(code: CodeType) -> CodeType:
    return code.replace(co_consts=tuple(0 if isinstance(one, CodeType) else one for one in code.co_consts))


# By import.


def _import_and_run(job: Job) -> None:
    sys.dont_write_bytecode = True
    _note.write("import")
    _set_alarm(_TO_IMPORT)
    _show_source(job.mutant)
    finder = _Finder(job.mutant)
    sys.meta_path.insert(0, finder)
    importlib.import_module(finder.name)  # before pytest, which reads the files that it collects by itself
    own = [one for one in job.tests if is_own(one, job.mutant.module)]
    rest = [one for one in job.tests if not is_own(one, job.mutant.module)]
    for tests in (own, rest):
        if tests:
            _note.write("import")
            _set_alarm(_TO_IMPORT)
            plugins = [_EndAtFailure(), _InOrder(tests, dict(zip(job.tests, job.seconds)))]
            files = dict.fromkeys(
                one.split("::")[0] for one in tests
            )  # a name can hold what pytest reads as more
            status = pytest.main([*files, *OPTIONS], plugins=plugins)
            if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                os._exit(1)


class _InOrder:
    """A plugin of pytest that runs the collected tests in a given order."""

    def __init__(self, tests: Sequence[str], seconds: dict[str, float]) -> None:
        self._tests = tests
        self._seconds = seconds

    def pytest_collection(self) -> None:
        _without_shrinking()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        found = [test for test in self._tests if test in items]
        _run([items[test] for test in found], [self._seconds[test] for test in found])
        return True


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the one module that is changed."""

    def __init__(self, mutant: Mutant) -> None:
        path = Path(mutant.module)
        parts = path.parts[:-1] if path.stem == "__init__" else (*path.parts[:-1], path.stem)
        self.name = ".".join(parts)
        self._path = str(path.resolve())
        self._source = mutant.source

    def find_spec(self, name: str, *_: object) -> Any:
        if name != self.name:
            return None
        loader = _Loader(name, self._path)
        loader.changed = self._source.encode()
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    changed: bytes

    def get_code(self, _: str) -> CodeType:
        return self.source_to_code(self.changed, self.path)
