"""The store of compiled code: code is found again by what it says, and what was used least is dropped."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from autograd.engines import Compiled, compiled
from autograd.programs.code import Code, Instruction
from autograd.support.locks import fork_safe_lock

__all__ = ["Bounded", "estimated_bytes", "found_or_compiled", "lifted"]

K = TypeVar("K")
V = TypeVar("V")

MOST_BYTES = 256 << 20  # in the store, by the estimate below

# What compiled code occupies, rounded up from the growth of a process over programs of 6 and of 600
# instructions: so much for each program, whatever it says, and so much for each of its instructions.
_FIXED_BYTES = {"llvm": 1 << 16, "numpy": 4 << 20}  # NumPy's is the buffers of its workers
_OTHERS_FIXED_BYTES = 16 << 10
_BYTES_OF_AN_INSTRUCTION = 2 << 10


def estimated_bytes(code: Code, engine: str) -> int:
    """About how much memory code takes that an engine has compiled, by the number of its instructions."""
    return _FIXED_BYTES.get(engine, _OTHERS_FIXED_BYTES) + _BYTES_OF_AN_INSTRUCTION * code.weight()


class Bounded(OrderedDict[K, V]):
    """A dictionary that holds so much, and drops the oldest entries where it would hold more.

    Reading it is a dictionary's `get`, without a lock. The entry put in last stays, whatever it weighs.

    Args:
        most: what its values may weigh together.
        weight: what a value weighs.

    >>> words = Bounded(8, len)
    >>> for word in ("one", "two", "three"):
    ...     _ = words.keep(word, word)
    >>> list(words)
    ['two', 'three']
    """

    def __init__(self, most: float, weight: Callable[[V], int]) -> None:
        super().__init__()
        self._most = most
        self._weight = weight
        self._total = 0
        self._changing = fork_safe_lock()

    def keep(self, key: K, value: V) -> V:
        """Put a value in, or take the one that another thread put in meanwhile; returns the one kept."""
        with self._changing:
            if key in self:
                return self[key]
            self[key] = value
            self._total += self._weight(value)
            while self._total > self._most and len(self) > 1:
                self._total -= self._weight(self.popitem(last=False)[1])
        return value

    def renewed(self, key: K) -> V | None:
        """The value of a key, which counts as put in last from then on; None where there is none."""
        with self._changing:
            value = self.get(key)
            if value is not None:
                self.move_to_end(key)
        return value


def _weight(entry: tuple[Compiled, int]) -> int:
    return entry[1]


_store: Bounded[Any, tuple[Compiled, int]] = Bounded(MOST_BYTES, _weight)


def found_or_compiled(code: Code, engine: str, *, lift: bool = False) -> Compiled:
    """Code made ready by an engine, or what the store has of code that says the same.

    Names, labels and lines do not matter. Constants do, to the bit, unless they are lifted. Operations are
    the same where they are the same objects, whatever they are called.

    Args:
        code: the code.
        engine: the engine's name.
        lift: whether its constants become inputs, after the others, so that code with other constants is
            the same code.

    Raises:
        ValueError: there is no engine of that name.
        ModuleNotFoundError: the engine needs a package that is not installed; names it.
    """
    key = engine, code.key(lift=lift), lift
    entry = _store.renewed(key)
    if entry is None:
        ready = compiled(bare(code, lift=lift), engine)
        entry = _store.keep(key, (ready, estimated_bytes(code, engine)))
    return entry[0]


def lifted(code: Code) -> tuple[float, ...]:
    """The constants that become inputs where they are lifted: the numbers, and no arrays."""
    return tuple([constant for constant in code.constants if type(constant) is float])


def bare(code: Code, *, lift: bool) -> Code:
    """The same code without the labels, lines and scopes of the function that it came from."""
    if not lift:
        instructions = [Instruction(*instruction[:3]) for instruction in code.instructions]
        return Code(code.name, code.inputs, code.constants, instructions, code.outputs, code.arrays)
    numbers = [i for i, constant in enumerate(code.constants) if type(constant) is float]
    arrays = [i for i in range(len(code.constants)) if i not in set(numbers)]
    width = len(code.inputs)
    place = {width + i: width + at for at, i in enumerate([*numbers, *arrays])}
    instructions = [
        Instruction(operation, tuple([place.get(slot, slot) for slot in operands]), results)
        for operation, operands, results, *_ in code.instructions
    ]
    return Code(
        code.name,
        (*code.inputs, *[f"k{i}" for i in range(len(numbers))]),
        [code.constants[i] for i in arrays],
        instructions,
        [place.get(slot, slot) for slot in code.outputs],
        code.arrays,
    )
