"""The engine on NumPy: a program over arrays, in chunks that stay in cache, on all cores.

The instructions run one after the other over a few thousand samples at a time. Each writes into a buffer
whose content is not needed any more. What depends on no column is computed once a call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd.engines.batches.chunks import in_chunks, reduced
from autograd.engines.looping.stretches import selected
from autograd.engines.python import PythonEngine
from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.programs.code import Code, Instruction
from autograd.programs.lowering import lowered
from autograd.support.locks import cached_property

__all__ = ["NumpyEngine"]

# A worker runs as many samples at a time as its buffers hold in a few MiB, which caches keep. Threads
# wait for each other between calls of NumPy, so no call should be too short, nor need it be longer.
_MEMORY = 4 << 20  # bytes
_SHORTEST, _LONGEST = 1 << 10, 1 << 14  # samples


class NumpyEngine:
    """Runs a program over arrays; a single point, and a `scan`, as the engine in Python does.

    Sums are of partial sums over the chunks, added in the order of the samples. The chunks depend on
    the program and on the number of samples, and not on the number of cores.

    >>> from autograd import trace
    >>> engine = NumpyEngine(trace(lambda w, x: w * x + 1, 1.0, 1.0).code)
    >>> engine.map([0.5, np.array([1.0, 2.0])], 2, None)
    [array([1.5, 2. ])]
    >>> engine.map([0.5, np.array([1.0, 2.0])], 2, "mean")
    [1.75]
    """

    selects = True

    def __init__(self, program: Code) -> None:
        self._program = program
        self._lowered = lowered(selected(program))
        self._plans: dict[tuple[bool, ...], _Plan] = {}  # by which inputs are shared, and whether to reduce

    @cached_property
    def _at_one_point(self) -> PythonEngine:
        return PythonEngine(self._program)

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point: see `engines.Compiled`."""
        return self._at_one_point.call(inputs)

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence: see `engines.Compiled`."""
        return self._at_one_point.scan(carry, columns, shared, count)

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples: see `engines.Compiled`. The mean of no samples is nan."""
        shared = tuple(not isinstance(column, np.ndarray) for column in columns)
        key = (*shared, reduce is not None)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _Plan(self._lowered, shared, reduce is not None)
        numbers = plan.numbers(columns)
        arrays = [np.asarray(columns[slot]) for slot in plan.loads]
        size = _even(count, plan.longest)

        def run(begin: int, end: int, store: Callable[[_Workspace], None]) -> None:
            workspace = plan.workspace()
            with np.errstate(all="ignore"):
                workspace.set(numbers)
                workspace.run(arrays, slice(begin, end))
            store(workspace)
            plan.idle.append(workspace)

        results: dict[int, Any]
        if reduce is None:
            results = {slot: np.empty(count) for slot in plan.results}

            def work(_: int, begin: int, end: int) -> None:
                def store(workspace: _Workspace) -> None:
                    for slot, array in results.items():
                        array[begin:end] = workspace.slots[slot]

                run(begin, end, store)

            in_chunks(work, count, size)
        else:

            def add(sums: np.ndarray, begin: int, end: int) -> None:
                run(begin, end, lambda workspace: np.copyto(sums, workspace.sums))

            results = dict(zip(plan.results, reduced(add, count, size, len(plan.results), reduce)))
        outputs = self._lowered.outputs
        last = {output: i for i, output in enumerate(outputs)}

        def result(i: int, output: int) -> Any:
            if plan.shared[output]:
                return _repeated(numbers[output], count, reduce)
            if reduce is None and last[output] != i:  # what comes again is an array of its own
                return results[output].copy()
            return results[output]

        return [result(i, output) for i, output in enumerate(outputs)]


def _repeated(number: float, count: int, reduce: str | None) -> Any:
    """The result where all samples have the same."""
    if reduce is None:
        return np.full(count, number)
    if reduce == "sum":
        return number * count if count else 0.0
    return number if count else math.nan


def _even(count: int, longest: int) -> int:
    """The length of chunks that are all about equally long, and none longer than so many samples."""
    chunks = -(-count // longest)
    return -(-count // chunks) if chunks else 1


class _Plan:
    """Which instructions run once a call, which for each chunk, and which buffer each one writes to.

    Attributes:
        shared: for each slot whether all samples have the same number there.
        loads: the inputs that are columns and are used.
        steps: the instructions that run for each chunk, with their slots.
        numbered: the shared slots that those use.
        results: the outputs that are not shared, each once.
        reduced: whether only their sums are wanted, taken at once, so that their buffers are free again.
        masks: the comparisons that no step but `where` takes, which hold bools.
        place: the buffer of each slot that is not shared.
        width: how many buffers there are.
        longest: how many samples a chunk has at most.
        idle: workspaces that no call uses.
    """

    def __init__(self, program: Code, shared: Sequence[bool], reduced: bool) -> None:
        inputs = len(program.inputs)
        self._constants = dict(enumerate(program.constants, inputs))
        self._once: list[tuple[int, Instruction]] = []
        self.steps: list[tuple[int, Instruction]] = []
        self.shared = [*shared, *[True] * len(program.constants)]
        for at, instruction in enumerate(program.instructions, len(self.shared)):
            self.shared.append(all(self.shared[operand] for operand in instruction.operands))
            (self._once if self.shared[at] else self.steps).append((at, instruction))
        self.results = [slot for slot in dict.fromkeys(program.outputs) if not self.shared[slot]]
        last_use = {operand: at for at, step in self.steps for operand in step.operands}
        for slot in self.results:
            last_use[slot] = last_use.get(slot, slot) if reduced else len(self.shared)
        self.reduced = reduced
        self.numbered = [slot for slot in last_use if self.shared[slot]]
        self.loads = [slot for slot in range(inputs) if slot in last_use and not shared[slot]]
        numbers = {
            operand
            for _, step in self.steps
            if step.operation is not table.where
            for operand in step.operands
        }
        self.masks = {at for at, step in self.steps if step.operation in _COMPARISONS} - numbers
        self.place, self.width = self._buffers(last_use)
        self.longest = min(max(_MEMORY // (8 * max(self.width, 1)), _SHORTEST), _LONGEST)
        self.idle: list[_Workspace] = []

    def _buffers(self, last_use: dict[int, int]) -> tuple[dict[int, int], int]:
        """A buffer for each slot; the buffer of a slot that is not used again serves another."""
        place = {slot: buffer for buffer, slot in enumerate(self.loads)}
        width = len(self.loads)
        free: list[int] = []
        for at, step in self.steps:
            done = [
                place[operand]
                for operand in set(step.operands)
                if not self.shared[operand] and last_use[operand] == at
            ]
            in_place = step.operation not in _IN_STEPS
            if in_place:
                free += done
            if not free:
                free.append(width)
                width += 1
            place[at] = free.pop()
            if not in_place:
                free += done
            if last_use[at] == at:
                free.append(place[at])
        return place, width

    def numbers(self, columns: Sequence[Any]) -> dict[int, float]:
        """What is the same for all samples: inputs, constants and what is computed from them."""
        numbers = {slot: float(column) for slot, column in enumerate(columns) if self.shared[slot]}
        numbers.update(self._constants)
        for at, instruction in self._once:
            numbers[at] = instruction.operation(*[numbers[operand] for operand in instruction.operands])
        return numbers

    def workspace(self) -> _Workspace:
        """One that no call uses."""
        try:
            return self.idle.pop()
        except IndexError:
            return _Workspace(self)


class _Workspace:
    """One worker's buffers, and the instructions bound to them."""

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        self._numbers = {slot: np.empty(()) for slot in plan.numbered}
        self._buffers = np.empty((plan.width, plan.longest))
        self.sums = np.empty(len(plan.results))
        self._bound: list[tuple[Callable[..., Any], list[Any]]] = []
        self._length = -1
        self.slots: dict[int, np.ndarray] = {}

    def set(self, numbers: dict[int, float]) -> None:
        """Give the numbers that all samples share."""
        for slot, number in self._numbers.items():
            number[()] = numbers[slot]

    def run(self, arrays: Sequence[np.ndarray], chunk: slice) -> None:
        """Run the instructions for a chunk of the samples; the results are in `slots`, or in `sums`."""
        if self._length != chunk.stop - chunk.start:
            self._bind(chunk.stop - chunk.start)
        for slot, array in zip(self._plan.loads, arrays):
            np.copyto(self.slots[slot], array[chunk])
        for function, operands in self._bound:
            function(*operands)

    def _bind(self, length: int) -> None:
        self._length = length
        self.slots = dict(self._numbers)
        for slot, buffer in self._plan.place.items():
            whole = self._buffers[buffer]
            self.slots[slot] = (whole.view(bool) if slot in self._plan.masks else whole)[:length]
        cells = [self.sums[i : i + 1].reshape(()) for i in range(len(self.sums))]
        sums = dict(zip(self._plan.results, cells)) if self._plan.reduced else {}
        self._bound = [self._sum(slot, sums[slot]) for slot in self._plan.loads if slot in sums]
        for at, step in self._plan.steps:
            self._bound.append(
                (_function(step.operation), [self.slots[slot] for slot in (*step.operands, at)])
            )
            if at in sums:
                self._bound.append(self._sum(at, sums[at]))

    def _sum(self, slot: int, cell: np.ndarray) -> tuple[Callable[..., Any], list[Any]]:
        return np.add.reduce, [self.slots[slot], 0, None, cell]


# How an instruction is carried out: a function of the operands' arrays, and then of the result's.


def _where(condition: np.ndarray, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    if condition.ndim == 0:
        np.copyto(out, a if condition else b)
    else:
        np.copyto(out, b)
        np.putmask(out, condition, a)


def _power(base: np.ndarray, exponent: np.ndarray, out: np.ndarray) -> None:
    if exponent.ndim == 0:  # as a column: for one exponent 0.5 NumPy takes the root, of -inf and -0 too
        exponent = np.full(base.shape, exponent)
    np.power(base, exponent, out)
    squares = exponent == 2.0
    if squares.any():
        np.multiply(base, base, out, where=squares)


_COMPARISONS: dict[Operation, Callable[..., Any]] = {
    table.less: np.less,
    table.less_equal: np.less_equal,
    table.equal: np.equal,
}
# The result of these may be written only where no operand is.
_IN_STEPS: dict[Operation, Callable[..., Any]] = {table.where: _where, table.pow: _power}


def _function(primitive: Operation) -> Callable[..., Any]:
    known = _COMPARISONS.get(primitive) or _IN_STEPS.get(primitive)
    on_arrays = primitive.on_arrays or (_scipy_erf() if primitive is table.erf else None)
    if known is not None:
        return known
    if isinstance(on_arrays, np.ufunc):
        return on_arrays
    if on_arrays is not None:
        return lambda *operands: np.copyto(operands[-1], on_arrays(*operands[:-1]))
    return partial(np.frompyfunc(primitive, primitive.arity, 1), casting="unsafe")


def _scipy_erf() -> Callable[..., Any] | None:
    """SciPy's, where it is installed: within 2 ulp. Its erfc is not: 470 ulp off at 24.9."""
    try:
        from scipy.special import erf
    except ModuleNotFoundError:
        return None
    return erf  # type: ignore[no-any-return]
