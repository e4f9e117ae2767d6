"""Which tests run which lines, and how long each takes: measured once, kept until the code changes."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

__all__ = ["OPTIONS", "TESTS", "Covering", "is_own"]

# Notebooks run whole, and the README as one text: as tests of a line they are slow and say little.
TESTS = ("tests/autograd", "tests/optim", "tests/models", "tests/fuzzing", "autograd", "models", "optim")
OPTIONS = (
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "--capture=sys", "--quiet"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # Hypothesis is imported before pytest begins
)

# These ask how long something takes, which says nothing on a machine that runs mutants, or need a browser,
# which wants more memory than a mutant gets.
_UNFIT = (
    "test_explaining_page.py",
    "test_the_time_to_compile_grows_as_the_program_does",
    "test_nothing_is_compiled_for_a_program",
    "time_limit",
)


def _is_fit(test: str) -> bool:
    """Whether a test, by its name, can judge a mutant."""
    return not any(one in test for one in _UNFIT)


def _has_tests(file: str) -> bool:
    """Whether a file is one that pytest collects: of tests, or with examples in its docstrings."""
    return Path(file).name.startswith("test_") if file.startswith("tests/") else True


@dataclass
class Covering:
    """What was measured.

    Attributes:
        versions: a digest of each file it was measured on.
        seconds: what each test that passes takes, by its name.
        lines: of each module, the tests that run each of its lines.
        fresh: the tests that were measured just now.
    """

    versions: dict[str, str]
    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]
    fresh: list[str] = field(default_factory=list)

    @classmethod
    def measure(cls, files: Sequence[str] = TESTS) -> Covering:
        """Run tests once, with coverage."""
        recorder = _Recorder()
        recorder.coverage.start()
        pytest.main([*files, *OPTIONS], plugins=[recorder])
        recorder.coverage.stop()
        lines: dict[str, dict[int, list[str]]] = {}
        data = recorder.coverage.get_data()
        for file in data.measured_files():
            of_line = {
                line: [test for test in tests if test in recorder.seconds]
                for line, tests in data.contexts_by_lineno(file).items()
            }
            module = str(Path(file).relative_to(Path.cwd()))
            lines[module] = {line: tests for line, tests in of_line.items() if tests}
        return cls(_versions(), recorder.seconds, lines, list(recorder.seconds))

    @classmethod
    def read(cls, path: Path) -> Covering:
        """What an earlier run wrote, with what has changed since then measured again.

        Of the tests those files are run that have changed, or that run lines of a module that has.
        """
        if path.exists():
            stored = cls._parse(path.read_text(encoding="utf-8"))
            present = _versions()
            changed = {
                file
                for file in {*present, *stored.versions}
                if present.get(file) != stored.versions.get(file)
            }
            if not changed:
                return stored
            if not any(Path(file).name == "conftest.py" for file in changed):
                again = changed | stored._running(changed)
                fresh = cls.measure([file for file in sorted(again) if file in present and _has_tests(file)])
                stored._replace(again, fresh)
                return stored
        return cls.measure()

    def _running(self, modules: Collection[str]) -> set[str]:
        """The files of the tests that run lines of some of these modules."""
        by_line = [self.lines.get(module, {}) for module in modules]
        return {test.split("::")[0] for tests in by_line for found in tests.values() for test in found}

    def _replace(self, files: Collection[str], fresh: Covering) -> None:
        def is_kept(test: str) -> bool:
            return test.split("::")[0] not in files

        self.versions, self.fresh = fresh.versions, fresh.fresh
        self.seconds = {t: s for t, s in self.seconds.items() if is_kept(t)} | fresh.seconds
        for module in {*self.lines, *fresh.lines}:
            old, new = self.lines.get(module, {}), fresh.lines.get(module, {})
            self.lines[module] = {
                line: [*filter(is_kept, old.get(line, ())), *new.get(line, ())]
                for line in sorted({*old, *new})
            }

    def drop(self, tests: Collection[str]) -> None:
        """Forget tests."""
        self.fresh = [test for test in self.fresh if test not in tests]
        self.seconds = {test: seconds for test, seconds in self.seconds.items() if test not in tests}
        for by_line in self.lines.values():
            for line, found in by_line.items():
                by_line[line] = [test for test in found if test not in tests]

    @classmethod
    def _parse(cls, text: str) -> Covering:
        stored = json.loads(text)
        names = list(stored["seconds"])
        lines = {
            module: {int(line): [names[one] for one in tests] for line, tests in by_line.items()}
            for module, by_line in stored["lines"].items()
        }
        return cls(stored["versions"], stored["seconds"], lines)

    def write(self, path: Path) -> None:
        """Keep it for the next run."""
        numbers = {test: number for number, test in enumerate(self.seconds)}
        lines = {
            module: {line: [numbers[one] for one in tests] for line, tests in by_line.items()}
            for module, by_line in self.lines.items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = {"versions": self.versions, "seconds": self.seconds, "lines": lines}
        path.write_text(json.dumps(stored), encoding="utf-8")

    def tests(self, module: str, first: int, last: int, limit: float, *, imported: bool = False) -> list[str]:
        """The tests that run some of these lines: the module's own, and others up to a number of seconds.

        Of the others those of the module's folder come first, and of all the fastest. Lines that no test runs
        by itself are run when the module is imported (or not at all): all tests that run anything of the
        module judge them; or anything of the module that copies their text. Lines that few tests run may be
        run once for all, as what is cached is, and others hold also what the import runs (`imported`): all
        the module's own tests judge them.
        """
        by_line = self.lines.get(_COPIED_BY.get(module, module), {})
        found: set[str] = set()
        if module not in _COPIED_BY:
            found = found.union(*(by_line.get(line, ()) for line in range(first, last + 1)))
        may_run_once = imported or len(found) < _FEW
        found = found or set().union(*by_line.values())
        if may_run_once:
            found.update(test for test in self.seconds if is_own(test, module))
        chosen, others = [], []
        for test in sorted(found, key=lambda one: (not _is_near(one, module), self.seconds[one], one)):
            (chosen if is_own(test, module) else others).append(test)
        for test in others:
            if self.seconds[test] <= limit:
                limit -= self.seconds[test]
                chosen.append(test)
        return chosen


_FEW = 6  # tests

# Modules that are tested in the file of another.
_TESTED_WITH = {
    **dict.fromkeys(("mapping", "batches", "scanning"), "compiling"),
    **dict.fromkeys(("sweeps", "value"), "transforms"),
    **dict.fromkeys(("program", "lowering"), "tracing"),
    **dict.fromkeys(("locating", "watching"), "anomaly"),
    **dict.fromkeys(("_ir", "_loops"), "llvm"),
    "_slots": "interpreter",
    "_portable": "python",
    **dict.fromkeys(("account", "wording"), "slips"),
    "misreading": "judgement",
}
# Modules whose functions are not run but copied, and by which.
_COPIED_BY = {"autograd/engines/_portable.py": "autograd/engines/python.py"}


def is_own(test: str, module: str) -> bool:
    """Whether a test stands in the file of tests named after a module, or in the module."""
    file = test.split("::")[0]
    name = Path(module).stem
    names = (name.lstrip("_"), _TESTED_WITH.get(name, name))
    return file == module or Path(file).stem in (f"test_{one}" for one in names)


def _is_near(test: str, module: str) -> bool:
    """Whether a test stands with the tests of the module's folder, if it is in one of `autograd/`."""
    folder = Path(module).parent.name
    return folder in (Path(test.split("::")[0]).parent.name, Path(test.split("::")[0]).stem[5:])


def _versions() -> dict[str, str]:
    files = sorted(path for folder in ("autograd", "tests") for path in Path(folder).rglob("*.py"))
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if "mutation" not in path.parts
    }


class _Recorder:
    """A plugin of pytest that tells coverage which test runs."""

    def __init__(self) -> None:
        self.coverage = Coverage(data_file=None, source=["autograd"], config_file=False)
        self.seconds: dict[str, float] = {}
        self._phases: dict[str, list[Any]] = defaultdict(list)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.coverage.switch_context(item.nodeid)
        result = yield
        self.coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._phases[report.nodeid].append(report)
        if report.when == "teardown":
            phases = self._phases.pop(report.nodeid)
            if all(one.passed for one in phases) and _is_fit(report.nodeid):
                self.seconds[report.nodeid] = sum(one.duration for one in phases)
