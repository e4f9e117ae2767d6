"""`Map`: a formula for one sample, applied to many, as one operation: a loop whose steps need no order."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.programs.births import raise_birth
from autograd.programs.code import Code, distinct
from autograd.programs.loops import derived_code as rules
from autograd.programs.loops.derived_code import are_present, derived_code, only, shapes_of
from autograd.programs.loops.holding import CodeOperation, Joined
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.loop_rules import is_zero, lines_of, results_of
from autograd.programs.loops.packing import expanded
from autograd.programs.simplification import Builder
from autograd.support.locks import cached_property
from autograd.support.user_line import Line

__all__ = ["Map", "in_order", "map_by", "sample_by_sample"]

LONGEST = 2000  # instructions of a body that two maps share; a longer one takes long to compile
Runner = Callable[[Code, str, Sequence[Any], int, str | None], Sequence[Any]]


class Map(CodeOperation):
    """A formula applied to each of many samples; some of its results are added up, the others stacked.

    Its operands are the number of samples, and for each input of the code an array with an entry a sample,
    or what all samples share: a number, or an array as a whole. Its results are the sums, and then an array
    for each other output. The derivative of a map in either mode is a map: what samples share receives a
    sum, and what is mapped an array.

    Run by itself it is a batch, on all cores. The sums are of partial sums over chunks, as the engine has
    them (see `engines.Compiled`), and within other loops one after the other, which is the same to the bit up
    to a chunk's length.

    Args:
        body: the code of one sample.
        columns: the places of the inputs that are mapped.
        sums: how many of the first outputs are added up.
        engine: what runs it where it is called by itself: see `map_by`.

    Attributes:
        stacked: which results are arrays.
    """

    name = "map"
    leading = ("samples",)

    def __init__(self, body: Code, columns: Sequence[int], sums: int, engine: str = "auto") -> None:
        self.body = body
        self.bodies = (body,)
        self.columns = tuple(columns)
        self.sums = sums
        self.engine = engine
        self.arity = 1 + len(body.inputs)
        self.result_count = len(body.outputs)
        self.stacked = range(sums, self.result_count)

    def _settings(self) -> tuple[Any, ...]:
        return self.columns, self.sums, self.body.key()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Map, (self.body, self.columns, self.sums, self.engine)

    # What it computes.

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The sums and the arrays."""
        return self.run_with(_running[-1], inputs)

    def run_with(self, runner: Runner, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The same, where something runs the body for all samples: see `map_by`."""
        count, *operands = inputs
        count = int(count)
        lengths = {len(operands[place]) for place in self.columns}
        if not lengths <= {count}:
            raise ValueError(f"a map of {count} samples needs arrays of that length, got {sorted(lengths)}")
        if not count:
            return (*[0.0] * self.sums, *(np.empty(0) for _ in self.stacked))
        is_summed = self.sums == self.result_count
        results = runner(self.body, self.engine, operands, count, "sum" if is_summed else None)
        if self.sums and not is_summed:
            with np.errstate(all="ignore"):  # unlike a sum of NumPy's, in order
                totals = [np.add.accumulate(terms)[-1].item() + 0.0 for terms in results[: self.sums]]
            return (*totals, *results[self.sums :])
        return tuple(results)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Any numbers, and zeros."""
        ys = np.zeros(int(inputs[0]))
        return (*[0.5] * self.sums, *[ys] * len(self.stacked))

    def expand(self, count: Any, *operands: Any, apply: Callable[..., Any] = expanded) -> Any:
        """The map, written out sample by sample; what is mapped may be any sequence."""
        mapped = set(self.columns)
        ys: list[list[Any]] = [[] for _ in range(self.result_count)]
        for i in range(int(count)):
            sample = [each[i] if place in mapped else each for place, each in enumerate(operands)]
            for y, output in zip(ys, self.body(sample, apply)):
                y.append(output)
        totals = [reduce(operator.add, y) if y else 0.0 for y in ys[: self.sums]]
        results = (*totals, *ys[self.sums :])
        return results[0] if len(results) == 1 else results

    def hunt(self, inputs: Sequence[Any], place: str = "", line: Line | None = None) -> None:
        """Repeat samples one by one, and raise where a nan or an inf is born; names the sample."""
        count, *operands = inputs
        suspects: Any = range(int(count))
        if not self.sums:
            suspects = np.flatnonzero(~np.isfinite(self.run_quietly(inputs)).all(axis=0)).tolist()
        mapped = set(self.columns)
        totals = [0.0] * self.sums
        for i in suspects:
            sample = [each[i].item() if at in mapped else each for at, each in enumerate(operands)]
            outputs = raise_birth(self.body, sample, f"{place}, sample {i}", line)
            for j, term in enumerate(outputs[: self.sums]):
                total, totals[j] = totals[j], totals[j] + term
                if math.isinf(totals[j]) and math.isfinite(total) and math.isfinite(term):
                    raise FloatingPointError(
                        f"the results of {self.body.name} add up to {totals[j]}, with {term} of sample {i}"
                    )

    # Its derivatives.

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """A map of the tangents."""
        count, *operands = inputs
        along = tangents[1:]
        present = self._present(along, self.columns)
        shapes = self._shapes(operands)
        wanted = (True,) * self.result_count
        return self._applied(rules.tangents, present, wanted, shapes, shapes, [count, *operands], along)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """A map of the adjoints."""
        operands = inputs[1:]
        asked_for = tuple(map(bool, wanted[1:]))
        if any(asked_for[place] for place in self.body.arrays):  # a sum of arrays, which no batch has
            loop, order = self.as_loop
            received: list[Any] = [None] * self.arity
            wanted_columns = [at is not None and wanted[at] for at in order]
            for at, term in zip(order, loop.pull(in_order(inputs, order), results, adjoints, wanted_columns)):
                if at is not None:
                    received[at] = term
            return received
        present = self._present(adjoints, self.stacked)
        shapes = self._shapes(operands)
        of_given = (None,) * self.result_count
        terms = self._applied(rules.adjoints, present, asked_for, shapes, of_given, inputs, adjoints)
        return [None, *terms]

    def pull_masked(
        self,
        inputs: Sequence[Any],
        results: Sequence[Any],
        adjoints: Sequence[Any],
        masks: Sequence[Any],
        wanted: Sequence[bool],
    ) -> Sequence[tuple[Any, Any]]:
        """The same of the loop."""
        loop, order = self.as_loop
        received: list[tuple[Any, Any]] = [(None, None)] * self.arity
        asked_for = [at is not None and wanted[at] for at in order]
        terms = loop.pull_masked(in_order(inputs, order), results, adjoints, masks, asked_for)
        for at, term in zip(order, terms):
            if at is not None:
                received[at] = term
        return received

    def _present(self, derivatives: Sequence[Any], arrays: Sequence[int]) -> tuple[bool, ...]:
        """Which derivatives are there; of an array a plain 0 is none."""
        present = are_present(derivatives)
        return tuple([has and not (i in arrays and is_zero(derivatives[i])) for i, has in enumerate(present)])

    def _shapes(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([None if i in self.columns else shape for i, shape in enumerate(shapes_of(operands))])

    def _applied(
        self,
        rule: Any,
        present: tuple[bool, ...],
        wanted: tuple[bool, ...],
        shapes: tuple[Any, ...],
        of_given: tuple[Any, ...],
        inputs: Sequence[Any],
        derivatives: Sequence[Any],
    ) -> list[Any]:
        """The derivatives that are wanted, None for each that is 0 everywhere."""
        made, operands, places = _derivative(
            self, rule, present, wanted, shapes, of_given, lines_of(self.body)
        )
        terms: list[Any] = [None] * len(wanted)
        if made is not None:
            count, *everything = inputs
            everything += [each for each, has in zip(derivatives, present) if has]
            for place, result in zip(places, results_of(made, [count, *[everything[at] for at in operands]])):
                terms[place] = result
        return terms

    # What becomes of it in code.

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """Those that are stacked are."""
        inside = range(len(self.body.inputs))
        if not self.body.arrays.isdisjoint(self.columns):
            raise TypeError("an element of what is mapped must be a number, got an array")
        if len(set(self.columns)) < len(self.columns):
            raise TypeError("an input is mapped twice")
        self.expect(operands, [False, *[i in self.columns or i in self.body.arrays for i in inside]])
        kinds = self.body.kinds()
        self.expect([kinds[output] for output in self.body.outputs], [False] * self.result_count)
        return (*[False] * self.sums, *[True] * len(self.stacked))

    def with_bodies(self, bodies: Sequence[Code]) -> Map:
        """The same of other code of the same inputs and outputs."""
        (body,) = bodies
        return Map(body, self.columns, self.sums, self.engine)

    @property
    def told(self) -> tuple[str, list[Any]]:
        """What a file says of it beside its body."""
        return "map", [self.sums, list(self.columns)]

    def pruned(self, needed: Sequence[bool]) -> tuple[Map, list[int], list[int]] | None:
        """The map without results that nobody needs, and without what only those need."""
        left = [place for place, need in enumerate(needed) if need]
        code, kept = only(self.body, left)
        columns = [at for at, place in enumerate(kept) if place in self.columns]
        shorter = Map(code, columns, sum(place < self.sums for place in left), self.engine)
        return shorter, [0, *[1 + place for place in kept]], left

    def joined(
        self, operands: Sequence[int], other: Operation, others: Sequence[int], results: Sequence[int]
    ) -> Joined | None:
        """One map in the place of two over the same samples; what they have in common is done once."""
        if (
            not isinstance(other, Map)
            or operands[0] != others[0]
            or not set(results).isdisjoint(others)
            or len(self.body) + len(other.body) > LONGEST
        ):
            return None
        keys: dict[tuple[int, bool], int] = {}  # operands, and whether they are mapped: the inputs
        names = []
        builder = Builder()
        outputs = []
        for each, slots in ((self, operands[1:]), (other, others[1:])):
            inputs = []
            for place, slot in enumerate(slots):
                key = slot, place in each.columns
                if key not in keys:
                    keys[key] = builder.input(place in each.body.arrays)
                    names.append(each.body.inputs[place])
                inputs.append(keys[key])
            outputs.append((inputs, each))
        made = [
            [slots[output] for slots in [builder.replay(each.body, inputs)] for output in each.body.outputs]
            for inputs, each in outputs
        ]
        sums = [*made[0][: self.sums], *made[1][: other.sums]]
        ys = [*made[0][self.sums :], *made[1][other.sums :]]
        code = builder.finish(self.body.name, distinct(names), [*sums, *ys])
        columns = [at for at, (_, is_mapped) in enumerate(keys) if is_mapped]
        own_ys, other_ys = len(sums), len(sums) + len(self.stacked)
        return Joined(
            Map(code, columns, len(sums), self.engine),
            (operands[0], *[slot for slot, _ in keys]),
            [*range(self.sums), *range(own_ys, other_ys)],
            [*range(self.sums, own_ys), *range(other_ys, len(sums) + len(ys))],
        )

    @cached_property
    def as_loop(self) -> tuple[Loop, list[int | None]]:
        """The loop that does the same one sample after the other.

        Returns:
            The loop, and which operand of the map each of its own is; None for what a sum begins with, 0.
        """
        body = self.body
        shared = [place for place in range(len(body.inputs)) if place not in self.columns]
        builder = Builder()
        totals = [builder.input() for _ in range(self.sums)]
        inputs = {place: builder.input(place in body.arrays) for place in [*self.columns, *shared]}
        slots = builder.replay(body, [inputs[place] for place in range(len(body.inputs))])
        outputs = [slots[output] for output in body.outputs]
        outputs[: self.sums] = [
            builder.operation(table.add, (total, term)) for total, term in zip(totals, outputs)
        ]
        names = distinct([*["total"] * self.sums, *[body.inputs[place] for place in inputs]])
        loop = Loop(
            builder.finish(body.name, names, outputs), self.sums, len(self.columns), engine=self.engine
        )
        return loop, [0, *[None] * self.sums, *[1 + place for place in inputs]]


def in_order(operands: Sequence[Any], order: Sequence[int | None], zero: Any = 0.0) -> list[Any]:
    """The operands of the loop that `Map.as_loop` tells, of those of the map and what stands for 0."""
    return [zero if at is None else operands[at] for at in order]


@lru_cache(maxsize=256)
def _derivative(
    of: Map,
    rule: Any,
    present: tuple[bool, ...],
    wanted: tuple[bool, ...],
    shapes: Any,
    of_given: Any,
    _: Any,
) -> tuple[Map | None, list[int], list[int]]:
    """The map of a rule's derivatives, the operands that it takes after the count, and what it computes."""
    code, operands, places = derived_code(of.body, rule, present, wanted, shapes, of_given)
    if not places:
        return None, [], []
    is_push, width = rule is rules.tangents, len(of.body.inputs)
    seeds = [place for place, has in enumerate(present) if has]
    along = of.columns if is_push else of.stacked
    columns = [
        at
        for at, place in enumerate(operands)
        if (place in of.columns if place < width else seeds[place - width] in along)
    ]
    stacked = [place in (of.stacked if is_push else of.columns) for place in places]
    order = sorted(range(len(places)), key=stacked.__getitem__)
    outputs = [code.outputs[at] for at in order]
    code = Code(code.name, code.inputs, code.constants, code.instructions, outputs, code.arrays)
    return Map(code, columns, stacked.count(False), of.engine), operands, [places[at] for at in order]


def sample_by_sample(
    body: Code, _: str, operands: Sequence[Any], count: int, how: str | None
) -> Sequence[Any]:
    """Run a map in Python."""
    mapped = {
        place: each.tolist()
        for place, each in enumerate(operands)
        if isinstance(each, np.ndarray) and place not in body.arrays
    }
    rows = [
        body([mapped[place][i] if place in mapped else each for place, each in enumerate(operands)])
        for i in range(count)
    ]
    if how is not None:
        return [reduce(operator.add, column, 0.0) for column in zip(*rows)]
    return [np.array(column, float) for column in zip(*rows)]


_running: list[Runner] = [sample_by_sample]  # the last one runs maps


def map_by(runner: Runner) -> None:
    """Have maps run otherwise than in Python.

    Args:
        runner: is called with a body, the name of an engine, for each input of the body what is there, the
            number of samples, of which there is at least one, and "sum" or None; returns for each output a
            sum, or an array.
    """
    _running.append(runner)
