"""Source: code as the Python source of one function, which users may read and keep.

The source imports only ``math``; it carries those functions of `portable` that it uses.
"""

from __future__ import annotations

import inspect
import keyword
import math
import re
from collections.abc import Sequence

from autograd.programs import portable
from autograd.programs.code import Code, Instruction
from autograd.programs.lowering import lowered

__all__ = ["source"]

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


def source(code: Code) -> str:
    """A program as Python source.

    Args:
        code: any code.

    Returns:
        The source of a module that imports only ``math`` and defines ``program``, a function of the
        flat inputs that returns the tuple of the flat outputs, to the bit as every engine. A user's
        primitive whose forward cannot be traced is fetched from this library instead.

    >>> from autograd import trace
    >>> print(source(trace(lambda x: x * 2 + 1, 0.0).code))  # doctest: +ELLIPSIS
    import math
    ...
        t1 = x * 2.0
        t2 = t1 + 1.0
        return (t2,)
    """
    if not all(instruction.operation.is_builtin for instruction in code.instructions):
        code = lowered(code, split=False)
    foreign = dict.fromkeys(
        instruction.operation for instruction in code.instructions if not instruction.operation.is_builtin
    )
    helpers = _helpers(code)
    taken = {"math", "abs", "program", "find_operation", *helpers, *(operation.name for operation in foreign)}
    names = _python_names(code, taken)
    lines = ["import math", ""]
    if foreign:
        lines += ["from autograd.primitives.operation import find_operation", ""]
        lines += [f"{operation.name} = find_operation({operation.name!r})" for operation in foreign]
    for name in helpers:
        lines += ["", _without_types(inspect.getsource(getattr(portable, name))).rstrip(), ""]
    lines += ["", f"def program({', '.join(names[: len(code.inputs)])}):", *_docstring(code, names)]
    line = None
    for instruction in code.instructions:
        if instruction.line is not None and instruction.line != line:
            line = instruction.line
            lines.append(f"    # line {line.number}: {_harmless(line.text)}")
        results = ", ".join(names[result] for result in instruction.results)
        lines.append(f"    {results} = {_written(instruction, names)}")
    outputs = [names[output] for output in code.outputs]
    lines.append(f"    return ({', '.join(outputs)}{',' if len(outputs) == 1 else ''})")
    return "\n".join(lines) + "\n"


def _helpers(code: Code) -> list[str]:
    """The functions of `portable` that the instructions call, those they stand on first."""
    used = {instruction.operation.name for instruction in code.instructions} - set(_WRITTEN)
    if "softplus" in used:
        used.add("relu")
    return [name for name in vars(portable) if name in used]


def _without_types(text: str) -> str:
    return re.sub(r": float|\) -> float", lambda match: ")" if match.group().startswith(")") else "", text)


def _python_names(code: Code, taken: set[str]) -> list[str]:
    """A Python name for each slot, or a number for a constant."""
    labels = [label or f"t{i}" for i, label in enumerate(code.labels()[code.start :], 1)]

    def free(label: str) -> str:
        stem = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_") or "v"
        stem = f"v{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name)
        return name

    return [*map(free, code.inputs), *map(_literal, code.constants), *map(free, labels)]


def _literal(number: float) -> str:
    if math.isnan(number):
        return "math.nan"
    if math.isinf(number):
        return "math.inf" if number > 0 else "(-math.inf)"
    text = repr(number)
    return f"({text})" if text.startswith("-") else text


def _written(instruction: Instruction, names: Sequence[str]) -> str:
    operands = [names[operand] for operand in instruction.operands]
    operation = instruction.operation
    pattern = _WRITTEN.get(operation.name)
    if pattern is not None and operation.is_builtin:
        return pattern.format(*operands)
    return f"{operation.name}({', '.join(operands)})"


def _docstring(code: Code, names: Sequence[str]) -> list[str]:
    renamed = [f"{name} is {original}" for name, original in zip(names, code.inputs) if name != original]
    lines = [f'    """{_harmless(code.name)}, written out in {len(code)} operations.']
    if renamed:
        lines += ["", "    Inputs: " + _harmless(", ".join(renamed)) + "."]
    lines += [
        "",
        f"    Returns the tuple of its {len(code.outputs)} result(s), in the order of the function's.",
    ]
    return [*lines, '    """']


def _harmless(text: str) -> str:
    """Text for a docstring, which it cannot end: names may come from a file that somebody else wrote."""
    text = "".join(one if one.isprintable() else "?" for one in text)
    return text.replace("\\", "\\\\").replace('"', "'")
