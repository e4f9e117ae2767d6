"""Source: code as the Python source of one function, which users may read and keep.

The source imports only ``math``; it carries those functions of `portable` that it uses.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce

from autograd.primitives.operation import Operation
from autograd.programs.code import Code
from autograd.programs.lowering import lowered
from autograd.programs.portable import NAMES, definition

__all__ = ["harmless", "module", "source"]

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
_MODULE_NAMES = {"math", "program", "find_operation", *NAMES, *vars(builtins)}


def source(code: Code) -> str:
    """Code as Python source.

    Args:
        code: any code.

    Returns:
        The source of a module that imports only ``math`` and defines ``program``, a function of the
        flat inputs that returns the tuple of the flat outputs, to the bit as every engine. A user's
        primitive whose forward cannot be traced is fetched from this library instead.

    >>> from autograd.programs.tracing import record
    >>> print(source(record(lambda x: x * 2 + 1, 0.0)[0]))
    import math
    ...
        t1 = x * 2.0
        t2 = t1 + 1.0
        return (t2,)
    <BLANKLINE>
    """
    return module(code)[0]


def module(code: Code) -> tuple[str, dict[str, Operation]]:
    """The source, and the primitives that it fetches from the library, by the names that it has for them."""
    if _foreign(code):
        code = lowered(code, split=False)
    foreign = _foreign(code)
    helpers = _helpers(code)
    called = dict(zip(foreign, _distinct_names([primitive.name for primitive in foreign], _MODULE_NAMES)))
    names = _slot_names(code, {"math", "abs", *helpers, *called.values()})
    lines = ["import math", ""]
    if foreign:
        lines += ["from autograd.primitives.operation import find_operation", ""]
        lines += [f"{name} = find_operation({primitive.name!r})" for primitive, name in called.items()]
    for name in helpers:
        lines += ["", definition(name), ""]
    lines += ["", f"def program({', '.join(names[: len(code.inputs)])}):", *_docstring(code, names)]
    line = None
    for instruction in code.instructions:
        if instruction.line is not None and instruction.line != line:
            line = instruction.line
            lines.append(f"    # line {line.number}: {harmless(line.text)}")
        operands = [names[operand] for operand in instruction.operands]
        results = ", ".join([names[result] for result in instruction.results])
        lines.append(f"    {results} = {_call(instruction.operation, operands, called)}")
    outputs = [names[output] for output in code.outputs]
    lines.append(f"    return ({', '.join(outputs)}{',' if len(outputs) == 1 else ''})")
    return "\n".join(lines) + "\n", {name: primitive for primitive, name in called.items()}


def _foreign(code: Code) -> list[Operation]:
    """The primitives that are not the library's own, each once."""
    primitives = dict.fromkeys(instruction.operation for instruction in code.instructions)
    return [primitive for primitive in primitives if not primitive.is_builtin]


def _helpers(code: Code) -> list[str]:
    """The functions of `portable` that the instructions call, those they stand on first."""
    primitives = {instruction.operation for instruction in code.instructions}
    used = {primitive.name for primitive in primitives if primitive.is_builtin} - set(_WRITTEN)
    if "softplus" in used:
        used.add("relu")
    return [name for name in NAMES if name in used]


def _slot_names(code: Code, reserved: set[str]) -> list[str]:
    """A Python name for each slot, or a number for a constant."""
    labels = [label or f"t{i}" for i, label in enumerate(code.labels()[code.start :], 1)]
    names = _distinct_names([*code.inputs, *labels], reserved)
    width = len(code.inputs)
    return [*names[:width], *map(_literal, code.constants), *names[width:]]


def _distinct_names(labels: Iterable[str], reserved: Iterable[str]) -> list[str]:
    """A Python name for each label, none of them twice and none that is reserved.

    They are of ASCII letters, since Python takes some other letters for one another (an ﬁ for fi), and
    begin with no underscore, since Python gives names such as ``__debug__`` a meaning.
    """
    in_use = {*reserved, *keyword.kwlist}
    repeats: Counter[str] = Counter()
    names = []
    for label in labels:
        stem = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_") or "v"
        name = stem = f"v{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
        while name in in_use:
            repeats[stem] += 1
            name = f"{stem}_{repeats[stem] + 1}"
        in_use.add(name)
        names.append(name)
    return names


def _literal(number: float) -> str:
    if math.isnan(number):
        return "math.nan"
    if math.isinf(number):
        return "math.inf" if number > 0 else "(-math.inf)"
    text = repr(number)
    return f"({text})" if text.startswith("-") else text


def _call(primitive: Operation, operands: Sequence[str], called: dict[Operation, str]) -> str:
    """One operation on operands; what is not the library's own is called by the name that it has here."""
    if not primitive.is_builtin:
        return f"{called[primitive]}({', '.join(operands)})"
    if primitive.folded:
        return reduce(lambda first, second: f"{primitive.name}({first}, {second})", operands)
    pattern = _WRITTEN.get(primitive.name, f"{primitive.name}({', '.join(['{}'] * primitive.arity)})")
    return pattern.format(*operands)


def _docstring(code: Code, names: Sequence[str]) -> list[str]:
    renamed = [f"{name} is {original}" for name, original in zip(names, code.inputs) if name != original]
    lines = [f'    """{harmless(code.name)}, written out in {len(code)} operations.']
    if renamed:
        lines += ["", "    Inputs: " + harmless(", ".join(renamed)) + "."]
    lines += [
        "",
        f"    Returns the tuple of its {len(code.outputs)} result(s), in the order of the function's.",
    ]
    return [*lines, '    """']


def harmless(text: str) -> str:
    """Text for a docstring, which it cannot end: names may come from a file that somebody else wrote."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text.replace("\\", "\\\\").replace('"', "'")
