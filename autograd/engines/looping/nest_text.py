"""The text of a function in LLVM's language, block by block: numbers, memory, loops and ways out of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from autograd.engines.looping.stops import NO_MEMORY

__all__ = ["NestText"]


class NestText:
    """The text of a function that may stop early.

    Args:
        block: the first block.

    Attributes:
        lines: the text so far.
        block: the block that it is in.
        numbered: numbers for names.
        stops: the text of the blocks in which the function is left early.
    """

    def __init__(self, block: str) -> None:
        self.lines: list[str] = []
        self.block = block
        self.numbered = itertools.count()
        self.stops: list[str] = []
        self._allocated: list[list[str]] = [[]]

    def new(self, text: str) -> str:
        """A fresh name, given to what a text computes."""
        name = f"%n{next(self.numbered)}"
        self.lines.append(f"{name} = {text}")
        return name

    def product(self, first: str | int, second: str | int) -> str:
        """The product of two whole numbers."""
        if type(first) is int and type(second) is int:
            return str(first * second)
        return self.new(f"mul i64 {first}, {second}") if second != 1 else str(first)

    def sum(self, first: str | int, second: str | int) -> str:
        """The sum of two whole numbers."""
        return self.new(f"add i64 {first}, {second}") if second != 0 else str(first)

    def load(self, address: str, index: str) -> str:
        """The double at an index."""
        place = self.new(f"getelementptr double, ptr {address}, i64 {index}")
        return self.new(f"load double, ptr {place}")

    def store(self, number: str, address: str, index: str) -> None:
        """Put a double at an index."""
        place = self.new(f"getelementptr double, ptr {address}, i64 {index}")
        self.lines.append(f"store double {number}, ptr {place}")

    def pointer(self, double: str) -> str:
        """An address that stands in a double."""
        whole = self.new(f"fptoui double {double} to i64")
        return self.new(f"inttoptr i64 {whole} to ptr")

    def memory(self, length: str) -> str:
        """The address of so many zeros, which are freed at the end of the step."""
        some = self.select("sgt", length, "1")
        return self.kept(self.new(f"call ptr @calloc(i64 {some}, i64 8)"))

    def kept(self, pointer: str) -> str:
        """An address of memory, which there must be, and which is freed at the end of the step."""
        self.leave_if(self.new(f"icmp eq ptr {pointer}, null"), NO_MEMORY)
        way_out = self._way_out()
        self._allocated[-1].append(pointer)
        self.stops += [
            f"{self._way_out()}:",
            f"call void @free(ptr {pointer})",
            f"br label %{way_out}",
        ]
        return pointer

    def _way_out(self) -> str:
        """The block that frees what is allocated here, the last first, and leaves the function."""
        last = next((scope[-1] for scope in reversed(self._allocated) if scope), None)
        return "left" if last is None else f"free{last[1:]}"

    def select(self, condition: str, first: str, second: str) -> str:
        """The first of two whole numbers where a condition holds between them, else the second."""
        holds = self.new(f"icmp {condition} i64 {first}, {second}")
        return self.new(f"select i1 {holds}, i64 {first}, i64 {second}")

    def leave_if_interrupted(self) -> None:
        """Stop where a handler of signals raises something."""
        self.leave_if(self.new("call i1 @interrupted(ptr %stop)"))

    def leave_if(self, condition: str, reason: int | None = None) -> None:
        """Leave the function where a condition holds, and free what is allocated there."""
        number = next(self.numbered)
        self.lines.append(f"br i1 {condition}, label %stop{number}, label %go{number}")
        self.stops.append(f"stop{number}:")
        if reason is not None:
            self.stops.append(f"store i64 {reason}, ptr %stop")
        self.stops.append(f"br label %{self._way_out()}")
        self.begin(f"go{number}")

    def open(self) -> None:
        """Begin a step."""
        self._allocated.append([])

    def free(self) -> None:
        """Free what was allocated since the step began."""
        self.lines += [f"call void @free(ptr {pointer})" for pointer in self._allocated.pop()]

    def looped(
        self,
        count: str | int,
        starts: Sequence[str],
        step: Callable[[str, list[str]], Sequence[str]],
        begin: str = "0",
        pause: int = 0,
        holds: Callable[[list[str]], str] | None = None,
    ) -> list[str]:
        """A loop, ``carries = step(index, carries)`` from an index to before another; the last carries.

        After every ``pause`` steps, unless that is 0, it looks for an interrupt. It ends before where
        ``holds`` says so of the carries.
        """
        end, limit = str(count), str(count)
        if pause:
            limit = self.select("slt", self.sum(begin, pause), end)
        number, before = next(self.numbered), self.block
        index, upto = f"%i{number}", f"%upto{number}" if pause else end
        carries = [f"%carry{number}.{i}" for i in range(len(starts))]
        self.lines.append(f"br label %head{number}")
        self.begin(f"head{number}")
        at = len(self.lines)  # of the phis, which name what is written later
        more = self.new(f"icmp slt i64 {index}, {upto}")
        behind = f"pause{number}" if pause else f"after{number}"
        self.lines.append(f"br i1 {more}, label %step{number}, label %{behind}")
        self.begin(f"step{number}")
        if holds is not None:
            self.open()
            goes_on = holds(carries)
            self.free()
            self.lines.append(f"br i1 {goes_on}, label %within{number}, label %after{number}")
            self.begin(f"within{number}")
        self.open()
        nexts = step(index, carries)
        self.free()
        following = self.new(f"add i64 {index}, 1")
        self.lines.append(f"br label %head{number}")
        edges = [(before, [begin, limit, *starts]), (self.block, [following, upto, *nexts])]
        if pause:
            self.begin(behind)
            ended = self.new(f"icmp sge i64 {index}, {end}")
            self.lines.append(f"br i1 {ended}, label %after{number}, label %poll{number}")
            self.begin(f"poll{number}")
            self.leave_if_interrupted()
            limit = self.select("slt", self.sum(index, pause), end)
            self.lines.append(f"br label %head{number}")
            edges.append((self.block, [index, limit, *carries]))
        for place, name in reversed([*enumerate([index, upto, *carries])]):
            if pause or place != 1:
                kind = "double" if place > 1 else "i64"
                numbers = ", ".join([f"[ {numbers[place]}, %{block} ]" for block, numbers in edges])
                self.lines.insert(at, f"{name} = phi {kind} {numbers}")
        self.begin(f"after{number}")
        return carries

    def chosen(self, condition: str, number: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """A double that is computed in one of two ways."""
        return self.switched([(lambda: condition, lambda: [number()]), (None, lambda: [otherwise()])])[0]

    def switched(
        self, ways: Sequence[tuple[Callable[[], str] | None, Callable[[], Sequence[str]]]]
    ) -> list[str]:
        """Doubles that are computed in the first of several ways whose condition holds.

        Args:
            ways: for each what computes the condition, None of the last, and what computes the doubles.
        """
        number = next(self.numbered)
        ends: list[tuple[str, Sequence[str]]] = []
        for place, (condition, compute) in enumerate(ways):
            if condition is not None:
                then, otherwise = f"then{number}.{place}", f"else{number}.{place}"
                self.lines.append(f"br i1 {condition()}, label %{then}, label %{otherwise}")
                self.begin(then)
            self.open()
            results = compute()
            self.free()
            ends.append((self.block, results))
            self.lines.append(f"br label %joined{number}")
            if condition is not None:
                self.begin(otherwise)
        self.begin(f"joined{number}")
        return [
            self.new(f"phi double {', '.join([f'[ {each[place]}, %{block} ]' for block, each in ends])}")
            for place in range(len(ends[0][1]))
        ]

    def begin(self, block: str) -> None:
        self.lines.append(f"{block}:")
        self.block = block
