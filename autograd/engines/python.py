"""The engine in Python: a program as the source of one Python function, which users may read and keep.

The source imports only ``math``; it carries those functions of `portable` that it uses. It runs one
point at a time.
"""

from __future__ import annotations

import inspect
import keyword
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.primitives.primitive import Primitive
from autograd.programs import portable
from autograd.programs.lowering import lowered
from autograd.programs.program import Instruction, Program

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
_TOO_LONG = 20_000  # instructions; Python's compiler takes its time over functions of that length


class PythonEngine:
    """Runs a program's `source`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        if len(program) > _TOO_LONG:
            self._function: Any = self._step_by_step
            return
        names: dict[str, Any] = {}
        exec(compile(source(program), f"<program {program.name}>", "exec"), names)
        self._function = names["program"]

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
            yield self._function(*[one if type(one) is float else float(one[i]) for one in columns])

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
    if any(not _is_known(instruction.primitive) for instruction in program.instructions):
        program = lowered(program)
    foreign = _distinct(one.primitive for one in program.instructions if not _is_known(one.primitive))
    helpers = _helpers(program)
    taken = {"math", "abs", "program", "find_primitive", *helpers, *(one.name for one in foreign)}
    names = _python_names(program, taken)
    first = len(program.inputs) + len(program.constants)

    lines = ["import math", ""]
    if foreign:
        lines += ["from autograd.primitives.primitive import find_primitive", ""]
        lines += [f"{one.name} = find_primitive({one.name!r})" for one in foreign]
    for name in helpers:
        lines += ["", _without_types(inspect.getsource(getattr(portable, name))).rstrip(), ""]
    lines += ["", f"def program({', '.join(names[: len(program.inputs)])}):", *_docstring(program, names)]
    line = None
    for at, instruction in enumerate(program.instructions, first):
        if instruction.line is not None and instruction.line != line:
            line = instruction.line
            lines.append(f"    # line {line.number}: {_harmless(line.text)}")
        lines.append(f"    {names[at]} = {_written(instruction, names)}")
    outputs = [names[output] for output in program.outputs]
    lines.append(f"    return ({', '.join(outputs)}{',' if len(outputs) == 1 else ''})")
    return "\n".join(lines) + "\n"


def _is_known(primitive: Primitive) -> bool:
    return primitive.is_builtin


def _distinct(primitives: Any) -> list[Primitive]:
    return list(dict.fromkeys(primitives))


def _helpers(program: Program) -> list[str]:
    """The functions of `portable` that the instructions call, those they stand on first."""
    used = {instruction.primitive.name for instruction in program.instructions} - set(_WRITTEN)
    if "softplus" in used:
        used.add("relu")
    return [name for name in vars(portable) if name in used]


def _without_types(text: str) -> str:
    return re.sub(r": float|\) -> float", lambda match: ")" if match.group().startswith(")") else "", text)


def _python_names(program: Program, taken: set[str]) -> list[str]:
    """A Python name for each slot, or a number for a constant."""
    found = []
    labels = [*program.inputs, *[None] * len(program.constants)]
    labels += [one.label or f"t{i}" for i, one in enumerate(program.instructions, 1)]
    for i, label in enumerate(labels):
        if label is None:
            found.append(_literal(program.constants[i - len(program.inputs)]))
            continue
        stem = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_") or "v"
        stem = f"v{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name)
        found.append(name)
    return found


def _literal(number: float) -> str:
    if math.isnan(number):
        return "math.nan"
    if math.isinf(number):
        return "math.inf" if number > 0 else "(-math.inf)"
    text = repr(number)
    return f"({text})" if text.startswith("-") else text


def _written(instruction: Instruction, names: Sequence[str]) -> str:
    operands = [names[operand] for operand in instruction.operands]
    pattern = _WRITTEN.get(instruction.primitive.name)
    if pattern is not None and _is_known(instruction.primitive):
        return pattern.format(*operands)
    return f"{instruction.primitive.name}({', '.join(operands)})"


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
    text = "".join(one if one.isprintable() else "?" for one in text)
    return text.replace("\\", "\\\\").replace('"', "'")
