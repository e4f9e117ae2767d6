"""Contestants of a race: each does its work in turn, in this process or in a child with its own packages.

A child speaks lines of JSON over its standard input and output. Asked ``{"do": "check", "work": NAME}``
it answers ``{"numbers": [...]}``; asked ``"turn"``, ``{"seconds": ...}`` for one call; asked ``"forms"``,
``{"forms": [...]}``, the ways in which it does the work; to a failure ``{"error": "..."}``. Only the
standard library is imported, so that a peer's process can load this file too.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Child", "Contestant", "Job", "Local", "PeerMissingError", "agree", "numbers_of", "race", "serve"]

TURN_SECONDS = 0.02  # a turn calls as often as fits in here, at least once
AGREEMENT = 1e-9  # of the largest number of a result


class PeerMissingError(Exception):
    """A peer that cannot be had; says why."""


class Contestant(Protocol):
    """Whoever does a piece of work."""

    def check(self) -> list[float]:
        """Do it once; the resulting numbers. Makes ready whatever the first call makes ready."""

    def turn(self) -> float:
        """Do it for a while; the seconds that one call takes."""


def numbers_of(result: Any) -> list[float]:
    """The numbers of a result, in order: of nested lists, tuples and dicts, and of arrays of any library."""
    return list(_numbers(result))


def _numbers(result: Any) -> Iterator[float]:
    if isinstance(result, (tuple, list)):
        for item in result:
            yield from _numbers(item)
    elif isinstance(result, dict):
        yield from _numbers(list(result.values()))
    elif hasattr(result, "tolist"):
        yield from _numbers(result.tolist())
    elif result is not None:
        yield float(result)


class Local:
    """Work of this process.

    Args:
        call: what is timed.
        numbers: turns what it returns into numbers.
    """

    def __init__(self, call: Callable[[], Any], numbers: Callable[[Any], list[float]] = numbers_of) -> None:
        self._call = call
        self._numbers = numbers
        self._calls = 0

    def check(self) -> list[float]:
        """Do it once; the resulting numbers."""
        return self._numbers(self._call())

    def turn(self) -> float:
        """Do it for a while, as often as the first call's time allows, from a collected heap."""
        if not self._calls:
            self._calls = max(1, int(TURN_SECONDS / self._timed(1)))
        return self._timed(self._calls)

    def _timed(self, calls: int) -> float:
        gc.collect()
        call = self._call
        started = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - started) / calls


class Job:
    """Work of this process that is done once a turn, from nothing: what is made ready counts.

    Args:
        call: what is timed.
        forget: what is done before each turn, untimed.
        numbers: turns what it returns into numbers.
    """

    def __init__(
        self,
        call: Callable[[], Any],
        forget: Callable[[], object] | None = None,
        numbers: Callable[[Any], list[float]] = numbers_of,
    ) -> None:
        self._call = call
        self._forget = forget
        self._numbers = numbers
        self._last: list[float] | None = None

    def check(self) -> list[float]:
        """The numbers of the last turn, which is had for it if there was none."""
        if self._last is None:
            self.turn()
        assert self._last is not None
        return self._last

    def turn(self) -> float:
        """Do it."""
        if self._forget is not None:
            self._forget()
        gc.collect()
        started = time.perf_counter()
        result = self._call()
        seconds = time.perf_counter() - started
        self._last = self._numbers(result)
        return seconds


class Child:
    """A peer in a process, and an environment, of its own.

    Args:
        name: what to call it.
        python: the interpreter of its environment.
        script: the file that serves its work.
        settings: what the work needs to know: numbers, and paths of arrays in files.

    Raises:
        PeerMissingError: there is no such environment, or the package does not load in it.
    """

    def __init__(self, name: str, python: Path, script: Path, settings: Mapping[str, Any]) -> None:
        self.name = name
        if not python.exists():
            raise PeerMissingError(f"no environment: python -m benchmarks.environments {name}")
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [str(python), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean,
            cwd=script.parent,
        )
        try:
            self.version = str(self._ask(settings)["version"])
        except RuntimeError as error:
            self.close()
            raise PeerMissingError(str(error)) from error

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{self.name} ended with status {process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer

    def parts(self, work: str) -> dict[str, Contestant]:
        """Its parts in a piece of work: none, one, or one for each form that the peer may be driven in."""
        forms = self._ask({"do": "forms", "work": work})["forms"]
        return {
            f"{self.name}, {form}" if form else self.name: _Remote(self, f"{work}/{form}" if form else work)
            for form in forms
        }

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()


class _Remote:
    """A child's part in a piece of work."""

    def __init__(self, child: Child, work: str) -> None:
        self._child = child
        self._work = work

    def check(self) -> list[float]:
        return [float(number) for number in self._child._ask({"do": "check", "work": self._work})["numbers"]]

    def turn(self) -> float:
        return float(self._child._ask({"do": "turn", "work": self._work})["seconds"])


def serve(
    load: Callable[[dict[str, Any]], tuple[str, Mapping[str, Callable[[], Contestant]]]],
) -> None:
    """A child's life: load the package, then answer until standard input closes.

    Args:
        load: takes the settings; imports the package and returns its version, and for each piece of
            work the function that makes it ready; a piece of work that is done in several forms has an
            entry ``WORK/FORM`` for each.
    """
    answers, sys.stdout = sys.stdout, sys.stderr  # what a package prints is no answer

    def answer(message: Mapping[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    ready: dict[str, Contestant] = {}
    works: Mapping[str, Callable[[], Contestant]] = {}
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if "do" not in question:
                version, works = load(question)
                answer({"version": version})
                continue
            work = question["work"]
            if question["do"] == "forms":
                names = (name.partition("/") for name in works)
                answer({"forms": [form for name, _, form in names if name == work]})
            else:
                if work not in ready:
                    ready[work] = works[work]()
                if question["do"] == "check":
                    answer({"numbers": ready[work].check()})
                else:
                    answer({"seconds": ready[work].turn()})
        except Exception as error:
            if not isinstance(error, ImportError):
                traceback.print_exc()
            answer({"error": f"{type(error).__name__}: {error}"})


def race(contestants: Mapping[str, Contestant], rounds: int, *, warm: bool = True) -> dict[str, list[float]]:
    """Time all in turn, and hold everybody's results against the first one's.

    Args:
        contestants: by name.
        rounds: how many turns each has.
        warm: whether a check and a turn that is not counted come first; otherwise the check comes last.

    Returns:
        For each contestant the seconds a call took, one entry a round.

    Raises:
        ValueError: two do not compute the same numbers.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    if warm:
        agree(contestants)
        for contestant in contestants.values():
            contestant.turn()
    for _ in range(rounds):
        for name, contestant in contestants.items():
            seconds[name].append(contestant.turn())
    if not warm:
        agree(contestants)
    return seconds


def agree(contestants: Mapping[str, Contestant]) -> None:
    """Hold everybody's numbers against the first one's.

    Raises:
        ValueError: they differ by more than 1e-9 of the largest, or in how many they are.
    """
    results = {name: contestant.check() for name, contestant in contestants.items()}
    first, expected = next(iter(results.items()), ("", []))
    scale = max(map(abs, expected), default=0.0)
    for name, numbers in results.items():
        if len(numbers) != len(expected):
            raise ValueError(f"{name} returned {len(numbers)} numbers, {first} {len(expected)}")
        worst = max((abs(a - b) for a, b in zip(numbers, expected)), default=0.0)
        if not worst <= AGREEMENT * scale:
            raise ValueError(
                f"{name} and {first} differ by {worst:.3g}, where the largest number is {scale:.3g}"
            )
