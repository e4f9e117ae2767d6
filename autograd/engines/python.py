"""The engine in Python: a program as the source of one Python function, which users may read and keep.

The source imports only ``math``; it carries those functions of `portable` that it uses. It runs one
point at a time.
"""

from __future__ import annotations

import builtins
import inspect
import keyword
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autograd.primitives.primitive import Primitive
from autograd.programs import portable
from autograd.programs.lowering import lowered
from autograd.programs.program import Program

__all__ = ["PythonEngine", "source"]

# How an instruction is written where it is no call of a function of its primitive's name.
_WRITTEN = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "neg": "-{}",
    "less": "1.0 if {} < {} else 0.0",
    "less_equal": "1.0 if {} <= {} else 0.0",
    "equal": "1.0 if {} == {} else 0.0",
    "where": "{1} if {0} else {2}",
    "absolute": "abs({})",
    "stop_gradient": "{}",
    **{name: f"math.{name}({{}})" for name in ("atan", "tanh", "asinh", "erf", "erfc")},
    "atan2": "math.atan2({}, {})",
}
# What a primitive of the user's must not be called in generated source, whose functions need these.
_MODULE_NAMES = {"math", "program", "find_primitive", *vars(portable), *vars(builtins)}
_TOO_LONG = 20_000  # instructions; Python's compiler takes its time over functions of that length


class PythonEngine:
    """Runs a program's `source`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        if len(program) > _TOO_LONG:
            self._function: Any = self._step_by_step
            return
        text, primitives = _module(program)
        namespace: dict[str, Any] = {}
        exec(compile(text, f"<program {_harmless(program.name)}>", "exec"), namespace)
        namespace.update(primitives)  # and not what the same name was registered for since
        self._function = namespace["program"]

    def _step_by_step(self, *inputs: float) -> tuple[float, ...]:
        slots = [*inputs, *self._program.constants]
        for instruction in self._program.instructions:
            slots.append(instruction.primitive(*[slots[operand] for operand in instruction.operands]))
        return tuple([slots[output] for output in self._program.outputs])

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point."""
        return list(self._function(*inputs))

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples, one after the other: see `engines.Compiled`."""
        width = len(self._program.outputs)
        if reduce is None:
            collected = [np.empty(count) for _ in range(width)]
            for i, results in enumerate(self._each(columns, count)):
                for array, result in zip(collected, results):
                    array[i] = result
            return collected
        totals = [0.0] * width
        for results in self._each(columns, count):
            totals = [total + result for total, result in zip(totals, results)]
        return [total / count if count else math.nan for total in totals] if reduce == "mean" else totals

    def _each(self, columns: Sequence[Any], count: int) -> Any:
        for i in range(count):
            yield self._function(
                *[float(column[i]) if isinstance(column, np.ndarray) else column for column in columns]
            )

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on: see `engines.Compiled`."""
        width = len(carry)
        state = list(carry)
        collected = [np.empty(count) for _ in range(len(self._program.outputs) - width)]
        rows = zip(*[column.tolist() for column in columns]) if columns else ((),) * count
        for i, row in enumerate(rows):
            results = self._function(*state, *row, *shared)
            state = list(results[:width])
            for array, result in zip(collected, results[width:]):
                array[i] = result
        return state, collected


def source(program: Program) -> str:
    """A program as Python source.

    Args:
        program: any program.

    Returns:
        The source of a module that imports only ``math`` and defines ``program``, a function of the
        flat inputs that returns the tuple of the flat outputs, to the bit as every engine. A user's
        primitive whose forward cannot be traced is fetched from this library instead.

    >>> from autograd.programs.tracing import trace
    >>> print(source(trace(lambda x: x * 2 + 1, 0.0)))  # doctest: +SKIP
    """
    return _module(program)[0]


def _module(program: Program) -> tuple[str, dict[str, Primitive]]:
    """The source, and the primitives that it fetches from the library, by the names that it has for them."""
    if _foreign(program):
        program = lowered(program)
    foreign = _foreign(program)
    helpers = _helpers(program)
    called = dict(zip(foreign, _distinct_names([primitive.name for primitive in foreign], _MODULE_NAMES)))
    names = _slot_names(program, {"math", "abs", *helpers, *called.values()})
    first = len(program.inputs) + len(program.constants)

    lines = ["import math", ""]
    if foreign:
        lines += ["from autograd.primitives.primitive import find_primitive", ""]
        lines += [f"{name} = find_primitive({primitive.name!r})" for primitive, name in called.items()]
    for name in helpers:
        lines += ["", _without_types(inspect.getsource(getattr(portable, name))).rstrip(), ""]
    lines += ["", f"def program({', '.join(names[: len(program.inputs)])}):", *_docstring(program, names)]
    line = None
    for at, instruction in enumerate(program.instructions, first):
        if instruction.line is not None and instruction.line != line:
            line = instruction.line
            lines.append(f"    # line {line.number}: {_harmless(line.text)}")
        operands = [names[operand] for operand in instruction.operands]
        lines.append(f"    {names[at]} = {_call(instruction.primitive, operands, called)}")
    outputs = [names[output] for output in program.outputs]
    lines.append(f"    return ({', '.join(outputs)}{',' if len(outputs) == 1 else ''})")
    return "\n".join(lines) + "\n", {name: primitive for primitive, name in called.items()}


def _foreign(program: Program) -> list[Primitive]:
    """The primitives that are not the library's own, each once."""
    primitives = dict.fromkeys(instruction.primitive for instruction in program.instructions)
    return [primitive for primitive in primitives if not primitive.is_builtin]


def _helpers(program: Program) -> list[str]:
    """The functions of `portable` that the instructions call, those they stand on first."""
    primitives = {instruction.primitive for instruction in program.instructions}
    used = {primitive.name for primitive in primitives if primitive.is_builtin} - set(_WRITTEN)
    if "softplus" in used:
        used.add("relu")
    return [name for name in vars(portable) if name in used]


def _without_types(text: str) -> str:
    return re.sub(r": float|\) -> float", lambda match: ")" if match.group().startswith(")") else "", text)


def _slot_names(program: Program, reserved: set[str]) -> list[str]:
    """A Python name for each slot, or a number for a constant."""
    labels = [instruction.label or f"t{i}" for i, instruction in enumerate(program.instructions, 1)]
    names = _distinct_names([*program.inputs, *labels], reserved)
    width = len(program.inputs)
    return [*names[:width], *map(_literal, program.constants), *names[width:]]


def _distinct_names(labels: Iterable[str], reserved: Iterable[str]) -> list[str]:
    """A Python name for each label, none of them twice and none that is reserved.

    They are of ASCII letters, since Python takes some other letters for one another (an ﬁ for fi), and
    begin with no underscore, since Python gives names such as ``__debug__`` a meaning.
    """
    taken = {*reserved, *keyword.kwlist}
    repeats: Counter[str] = Counter()
    names = []
    for label in labels:
        stem = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_") or "v"
        name = stem = f"v{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
        while name in taken:
            repeats[stem] += 1
            name = f"{stem}_{repeats[stem] + 1}"
        taken.add(name)
        names.append(name)
    return names


def _literal(number: float) -> str:
    if math.isnan(number):
        return "math.nan"
    if math.isinf(number):
        return "math.inf" if number > 0 else "(-math.inf)"
    text = repr(number)
    return f"({text})" if text.startswith("-") else text


def _call(primitive: Primitive, operands: Sequence[str], called: dict[Primitive, str]) -> str:
    """One operation on operands; what is not the library's own is called by the name that it has here."""
    if not primitive.is_builtin:
        return f"{called[primitive]}({', '.join(operands)})"
    pattern = _WRITTEN.get(primitive.name, f"{primitive.name}({', '.join(['{}'] * primitive.arity)})")
    return pattern.format(*operands)


def _docstring(program: Program, names: Sequence[str]) -> list[str]:
    renamed = [f"{name} is {original}" for name, original in zip(names, program.inputs) if name != original]
    lines = [f'    """{_harmless(program.name)}, written out in {len(program)} operations.']
    if renamed:
        lines += ["", "    Inputs: " + _harmless(", ".join(renamed)) + "."]
    lines += [
        "",
        f"    Returns the tuple of its {len(program.outputs)} result(s), in the order of the function's.",
    ]
    return [*lines, '    """']


def _harmless(text: str) -> str:
    """Text for a docstring, which it cannot end: names may come from a file that somebody else wrote."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text.replace("\\", "\\\\").replace('"', "'")
