"""The text of a checkpointed reverse: a loop over segments, in which three loops stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autograd.engines.looping.slots import Along, ArrayAt, Slot
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.reverse.checkpointing import Checkpointed
from autograd.programs.loops.reverse.revolve import DEEPEST, ROWS, TABLE, Policy

if TYPE_CHECKING:
    from autograd.engines.looping.nests import Nest

__all__ = ["checkpointed"]

_TABLE = np.array(TABLE, np.int64)
_SEGMENTS = 256  # after so many, a power of two, an interrupt is looked for


def checkpointed(nest: Nest, operation: Checkpointed, operands: Sequence[Slot]) -> Sequence[Slot]:
    """Write a checkpointed reverse into a nest, as `Checkpointed.run_with` runs it; returns the results."""
    return _SegmentsText(nest, operation, operands).written()


class _SegmentsText:
    """What the text of a checkpointed reverse needs at several places.

    Args:
        nest: what it is written into.
        operation: the operation.
        operands: its operands.
    """

    def __init__(self, nest: Nest, operation: Checkpointed, operands: Sequence[Slot]) -> None:
        self.nest = nest
        self.parts = parts = operation.parts
        self.policy = operation.policy
        body = operation.body
        slots = [*operands, *map(nest.constant, body.constants), *[None] * (body.size - body.start)]
        self.key, self.count = nest.steps_of(parts.keeping, operands[0])
        nest.steps_of(parts.backward, operands[0])
        self.starts, columns, self.shared = parts.keeping.split([slots[at] for at in parts.forward[1:]])
        self.adjoints, self.back_columns, self.back_shared = parts.backward.split(
            [slots[at] for at in parts.back[1:]]
        )
        for column in [*columns, *filter(None, self.back_columns)]:
            nest.require(column.key, self.key)
        self.columns = columns
        self.width = width = parts.keeping.carries
        kept_at = body.start + width
        self.which = [
            at - kept_at for at in parts.back[1 + parts.backward.carries :]
        ]  # of a column that is kept
        self.segment, self.rows = _sizes(nest, operation.policy, self.count)
        self.states = nest.memory(nest.new(f"mul i64 {self.rows}, {width}"))
        self.places = nest.memory(self.rows)
        self.kept = [nest.memory(self.segment) for _ in range(parts.keeping.result_count - width)]
        stacked = range(parts.backward.carries, parts.backward.result_count)
        self.ys = [nest.memory(self.count) for _ in stacked]

    def written(self) -> Sequence[Slot]:
        """Write the loop over segments; returns the results."""
        nest, width = self.nest, self.width
        for i, start in enumerate(self.starts):
            nest.store(start, self.states, str(i))
        number, before = next(nest.numbered), nest.block
        name = f"segments{number}"
        nest.lines.append(f"br label %{name}")
        nest.begin(name)
        at = len(nest.lines)  # of the phis, which name what is written later
        row, end, turn = f"%row{number}", f"%end{number}", f"%turn{number}"
        carried = [f"%adjoint{number}.{i}" for i in range(len(self.adjoints))]
        begin_at = nest.new(f"getelementptr i64, ptr {self.places}, i64 {row}")
        begin = nest.new(f"load i64, ptr {begin_at}")
        first = nest.new(f"mul i64 {row}, {width}")
        state = nest.new(f"getelementptr double, ptr {self.states}, i64 {first}")
        carries = [nest.load(state, str(i)) for i in range(width)]
        length = nest.new(f"sub i64 {end}, {begin}")
        is_short = nest.new(f"icmp sle i64 {length}, {self.segment}")
        nest.lines.append(f"br i1 {is_short}, label %{name}.back, label %{name}.on")

        nest.begin(f"{name}.on")
        steps = _before_next(nest, self.policy, length, self.segment, self.rows, row)
        middle = nest.new(f"add i64 {begin}, {steps}")
        reached = self._repeated(
            self.parts.advance, self._bounds(begin, middle), carries, self.columns, self.shared, []
        )
        next_state = nest.new(f"getelementptr double, ptr {state}, i64 {width}")
        for i, carry in enumerate(reached):
            nest.store(carry, next_state, str(i))
        next_at = nest.new(f"getelementptr i64, ptr {begin_at}, i64 1")
        nest.lines.append(f"store i64 {middle}, ptr {next_at}")
        next_row, filled = nest.new(f"add i64 {row}, 1"), nest.block
        nest.lines.append(f"br label %{name}")

        nest.begin(f"{name}.back")
        received = self._gone_back(self._bounds(begin, end), carries, carried)
        next_turn = nest.new(f"add i64 {turn}, 1")
        self._poll(f"{name}.poll", next_turn)
        last_row, gone = nest.new(f"sub i64 {row}, 1"), nest.block
        is_more = nest.new(f"icmp sge i64 {last_row}, 0")
        nest.lines.append(f"br i1 {is_more}, label %{name}, label %{name}.done")
        nest.lines[at:at] = [
            f"{row} = phi i64 [ 0, %{before} ], [ {next_row}, %{filled} ], [ {last_row}, %{gone} ]",
            f"{end} = phi i64 [ {self.count}, %{before} ], [ {end}, %{filled} ], [ {begin}, %{gone} ]",
            f"{turn} = phi i64 [ 0, %{before} ], [ {turn}, %{filled} ], [ {next_turn}, %{gone} ]",
            *(
                f"{carry} = phi double [ {start}, %{before} ], [ {carry}, %{filled} ], [ {term}, %{gone} ]"
                for carry, start, term in zip(carried, self.adjoints, received)
            ),
        ]
        nest.begin(f"{name}.done")
        results = [*received, *(ArrayAt(y, self.key) for y in self.ys)]
        return [results[place] for place in self.parts.results]

    def _poll(self, name: str, turn: str) -> None:
        """Look for an interrupt after every so many segments."""
        nest = self.nest
        left = nest.new(f"and i64 {turn}, {_SEGMENTS - 1}")
        is_due = nest.new(f"icmp eq i64 {left}, 0")
        nest.lines.append(f"br i1 {is_due}, label %{name}, label %{name}ed")
        nest.begin(name)
        nest.leave_if_interrupted()
        nest.lines.append(f"br label %{name}ed")
        nest.begin(f"{name}ed")

    def _gone_back(
        self, bounds: tuple[str, str], carries: Sequence[str], adjoints: Sequence[str]
    ) -> Sequence[str]:
        """Write the two loops over one segment; returns the adjoints' names."""
        nest, parts = self.nest, self.parts
        offset = nest.new(f"sub i64 0, {bounds[0]}")
        kept = [nest.new(f"getelementptr double, ptr {array}, i64 {offset}") for array in self.kept]
        self._repeated(parts.keeping, bounds, carries, self.columns, self.shared, kept)
        columns = [
            ArrayAt(kept[place], self.key) if column is None else column
            for column, place in zip(self.back_columns, self.which)
        ]
        return self._repeated(parts.backward, bounds, adjoints, columns, self.back_shared, self.ys)

    def _repeated(
        self,
        loop: Loop,
        bounds: tuple[str, str],
        starts: Sequence[str],
        columns: Sequence[ArrayAt],
        shared: Sequence[Slot],
        ys: Sequence[str],
    ) -> Sequence[str]:
        return self.nest.repeated(loop, bounds, starts, Along(columns, shared, ys), self.key)

    def _bounds(self, first: str, last: str) -> tuple[str, str]:
        """Where the columns' elements stand that belong to the steps from one to before another."""
        if not self.parts.keeping.is_reversed:
            return first, last
        nest = self.nest
        return nest.new(f"sub i64 {self.count}, {last}"), nest.new(f"sub i64 {self.count}, {first}")


def _sizes(nest: Nest, policy: Policy, count: str) -> tuple[str, str]:
    """The most steps of a segment, and the number of rows: as `schedule` says."""
    if policy == "binomial":
        rows = str(ROWS[-1][1])
        for most, fewer in reversed(ROWS[:-1]):
            is_few = nest.new(f"icmp sle i64 {count}, {most}")
            rows = nest.new(f"select i1 {is_few}, i64 {fewer}, i64 {rows}")
        return rows, rows
    segment = str(policy)
    if policy == "sqrt":
        as_double = nest.new(f"sitofp i64 {count} to double")
        root = nest.new(f"call double @llvm.sqrt.f64(double {as_double})")
        whole = nest.new(f"fptosi double {root} to i64")
        segment = nest.new(f"add i64 {whole}, 1")
    at_least = nest.select("sgt", count, "1")
    up = nest.new(f"sub i64 {segment}, 1")
    total = nest.new(f"add i64 {at_least}, {up}")
    rows = nest.new(f"sdiv i64 {total}, {segment}")
    return nest.select("slt", segment, at_least), rows


def _before_next(nest: Nest, policy: Policy, length: str, segment: str, rows: str, row: str) -> str:
    """How many steps are run before the next row is filled: see `Schedule.before_next`."""
    if policy != "binomial":
        return segment
    nest.arrays.append(_TABLE)
    up = nest.new(f"sub i64 {segment}, 1")
    total = nest.new(f"add i64 {length}, {up}")
    segments = nest.new(f"sdiv i64 {total}, {segment}")
    free = nest.new(f"sub i64 {rows}, {nest.new(f'add i64 {row}, 1')}")
    line = nest.new(f"mul i64 {free}, {DEEPEST}")
    table = f"inttoptr (i64 {_TABLE.ctypes.data} to ptr)"

    def entry(offset: str) -> str:
        place = nest.new(f"getelementptr i64, ptr {table}, i64 {offset}")
        return nest.new(f"load i64, ptr {place}")

    number, before = next(nest.numbered), nest.block
    name, runs = f"runs{number}", f"%times{number}"
    nest.lines.append(f"br label %{name}")
    nest.begin(name)
    following = nest.new(f"add i64 {runs}, 1")
    nest.lines.insert(-1, f"{runs} = phi i64 [ 1, %{before} ], [ {following}, %{name} ]")
    place = nest.new(f"add i64 {line}, {runs}")
    is_enough = nest.new(f"icmp sge i64 {entry(place)}, {segments}")
    nest.lines.append(f"br i1 {is_enough}, label %{name}.done, label %{name}")
    nest.begin(f"{name}.done")
    left = nest.new(f"sub i64 {place}, 1")
    right = nest.new(f"sub i64 {left}, {DEEPEST}")
    rest = nest.new(f"sub i64 {segments}, {entry(right)}")
    whole = nest.select("slt", entry(left), rest)
    return nest.new(f"mul i64 {whole}, {segment}")
