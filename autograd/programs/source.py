"""Source: code as the Python source of one function, which users may read and keep.

The source imports only ``math``; it carries those functions of `portable` that it uses.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from autograd.derivatives.custom_operation import CustomOperation
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive
from autograd.programs.arrays import on_lists
from autograd.programs.arrays.rearranging import Rearrangement
from autograd.programs.code import Code, Instruction
from autograd.programs.control.branching import Cond
from autograd.programs.control.repeating import While, beyond_limit
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.mapping import Map, in_order
from autograd.programs.loops.packing import Item, Put, Stack, Unstack
from autograd.programs.loops.reverse.checkpointing import Checkpointed
from autograd.programs.lowering import lowered
from autograd.programs.portable import NAMES, STANDS_ON, definition
from autograd.support.user_line import Line

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
_WORDS = {"zip", "reversed", "range", "int", "float", "len"}  # that loops are written with
# What a primitive of the user's must not be called in generated source, whose functions need these.
_MODULE_NAMES = {"math", "program", "find_operation", *NAMES, *on_lists.NAMES, *vars(builtins)}


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
    text, needed = module(code)
    operations = {name: each for name, each in needed.items() if not isinstance(each, list)}
    arrays = [f"{name} = {numbers!r}" for name, numbers in needed.items() if isinstance(numbers, list)]
    head, rest = text.split("import math\n", 1)
    lines = ["import math", *_imports(operations.values()), *arrays]
    lines += [f"{name} = {_fetched(operation)}" for name, operation in operations.items()]
    return "\n".join([head + lines[0], *lines[1:], rest[1:] if operations else rest]) if needed else text


def _imports(operations: Iterable[Operation]) -> list[str]:
    """What the source needs that fetches operations from the library and from the user's modules."""
    custom = [operation for operation in operations if isinstance(operation, CustomOperation)]
    names = [operation.custom.known_as.split(":") for operation in custom if operation.custom.known_as]
    lines = [f"from {place} import {name.partition('.')[0]}" for place, name in names]
    if len(names) < len([*operations]):
        lines.insert(0, "from autograd.primitives.operation import find_operation")
    return ["", *dict.fromkeys(lines), ""] if lines else []


def _fetched(operation: Operation) -> str:
    """The expression that is an operation of the user's."""
    if not isinstance(operation, CustomOperation) or not operation.custom.known_as:
        return f"find_operation({operation.name!r})"
    _, name = operation.custom.known_as.split(":")
    example = operation.arguments.unflatten([0.0] * operation.arity)
    return f"{name}.on({', '.join(map(repr, example))})"


def module(code: Code) -> tuple[str, dict[str, Any]]:
    """The source, and what it has not in itself, by the names that it has for them.

    That is the primitives of the user's that it calls, and constant arrays, as lists.
    """
    if _foreign(code):
        code = lowered(code, split=False)
    foreign = _foreign(code)
    helpers = _helpers(code)
    called = dict(zip(foreign, _distinct_names([primitive.name for primitive in foreign], _MODULE_NAMES)))
    names = _Names({"math", "abs", *_WORDS, *helpers, *called.values()})
    inputs = [names.new(name) for name in code.inputs]
    lines = ["import math", ""]
    for name in helpers:
        lines += ["", (definition if name in NAMES else on_lists.definition)(name), ""]
    writer = _Statements(names, called)
    outputs = writer.block(code, inputs, "    ")
    lines += ["", f"def program({', '.join(inputs)}):", *_docstring(code, inputs), *writer.lines]
    lines.append(f"    return ({', '.join(outputs)}{',' if len(outputs) == 1 else ''})")
    needed = {name: primitive for primitive, name in called.items()}
    return "\n".join(lines) + "\n", {**needed, **writer.arrays}


class _Names:
    """Python names, none of them twice: see `_distinct_names`."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._in_use = {*reserved, *keyword.kwlist}
        self._repeats: Counter[str] = Counter()

    def new(self, label: str) -> str:
        """A name that is like a label."""
        stem = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_") or "v"
        name = stem = f"v{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
        while name in self._in_use:
            self._repeats[stem] += 1
            name = f"{stem}_{self._repeats[stem] + 1}"
        self._in_use.add(name)
        return name


class _Statements:
    """Writes code as statements.

    Attributes:
        lines: the statements.
        arrays: the constant arrays, as lists, by their names.
    """

    def __init__(self, names: _Names, called: dict[Operation, str]) -> None:
        self.lines: list[str] = []
        self.arrays: dict[str, list[float]] = {}
        self._names = names
        self._called = called

    def block(
        self, code: Code, inputs: Sequence[str], indent: str, known: Mapping[int, str] | None = None
    ) -> list[str]:
        """Write the instructions of code; returns the names of its outputs.

        Args:
            code: the code.
            inputs: a name for each input.
            indent: what each line begins with.
            known: the names of slots that have been written already.
        """
        known = known or {}
        names = [*inputs]
        for at, constant in enumerate(code.constants, len(inputs)):
            names.append(known[at] if at in known else self._constant(constant))
        line = None
        for instruction in code.instructions:
            if instruction.results[0] in known:
                names += [known[at] for at in instruction.results]
                continue
            line = self._told(instruction, line, indent)
            operands = [names[operand] for operand in instruction.operands]
            if isinstance(instruction.operation, Checkpointed):  # with all carries kept, to the same bits
                names += self.block(instruction.operation.body, operands, indent)
                continue
            results = self._new(code, instruction)
            names += results
            operation = instruction.operation
            if isinstance(operation, Map):
                operation, order = operation.as_loop
                operands = in_order(operands, order, _literal(0.0))
            if isinstance(operation, Loop):
                self._loop(operation, operands, results, indent)
            elif isinstance(operation, Cond):
                self._choice(operation, operands, results, indent)
            elif isinstance(operation, While):
                self._while(operation, operands, results, indent)
            else:
                self._statement(operation, operands, results, indent)
        return [names[output] for output in code.outputs]

    def _statement(
        self, operation: Operation, operands: Sequence[str], results: Sequence[str], indent: str
    ) -> None:
        if isinstance(operation, Put):
            number, like = operands
            self.lines.append(f"{indent}{results[0]} = [0.0] * len({like})")
            self.lines.append(f"{indent}{results[0]}[{operation.index}] = {number}")
            return
        target = ", ".join(results) + ("," if isinstance(operation, Unstack) and len(results) == 1 else "")
        self.lines.append(f"{indent}{target} = {_call(operation, operands, self._called)}")

    def _told(self, instruction: Instruction, before: Line | None, indent: str) -> Line | None:
        """Tell the line that an instruction comes from, unless it is the same as before."""
        line = instruction.line
        if line is None or line == before:
            return before
        self.lines.append(f"{indent}# line {line.number}: {harmless(line.text)}")
        return line

    def _new(self, code: Code, instruction: Instruction) -> list[str]:
        """Names for an instruction's results."""
        labels = instruction.labels or [""] * len(instruction.results)
        named = zip(labels, instruction.results)
        return [self._names.new(label or f"t{at - code.start + 1}") for label, at in named]

    def _same_at_each_step(self, loop: Loop, shared: Sequence[str], indent: str) -> dict[int, str]:
        """The names of what does not change from step to step; writes what computes numbers of such."""
        code = loop.body
        known = dict(enumerate(shared, loop.carries + loop.columns))
        known |= dict(enumerate(map(self._constant, code.constants), len(code.inputs)))
        line = None
        for instruction in code.instructions:
            operation = instruction.operation
            is_number = isinstance(operation, Primitive) and operation.is_builtin  # which never raises
            if is_number and known.keys() >= set(instruction.operands):
                line = self._told(instruction, line, indent)
                results = self._new(code, instruction)
                self._statement(operation, [known[at] for at in instruction.operands], results, indent)
                known |= dict(zip(instruction.results, results))
        return known

    def _loop(self, loop: Loop, operands: Sequence[str], results: Sequence[str], indent: str) -> None:
        count, *rest = operands
        starts, columns, shared = loop.split(rest)
        carries, ys = results[: loop.carries], results[loop.carries :]
        fixed = self._same_at_each_step(loop, shared, indent)
        if carries:
            self.lines.append(f"{indent}{', '.join(carries)} = {', '.join(starts)}")
        self.lines += [f"{indent}{y} = []" for y in ys]
        elements = [self._names.new(name) for name in loop.split(loop.body.inputs)[1]]
        around = [f"reversed({column})" if loop.is_reversed else column for column in columns]
        over = f"zip({', '.join(around)})" if len(around) > 1 else "".join(around)
        self.lines.append(f"{indent}for {', '.join(elements) or '_'} in {over or f'range(int({count}))'}:")
        within = indent + "    "
        outputs = self.block(loop.body, [*carries, *elements, *shared], within, fixed)
        self.lines += [f"{within}{y}.append({output})" for y, output in zip(ys, outputs[loop.carries :])]
        if carries:
            self.lines.append(f"{within}{', '.join(carries)} = {', '.join(outputs[: loop.carries])}")
        if loop.is_reversed:
            self.lines += [f"{indent}{y}.reverse()" for y in ys]

    def _choice(self, cond: Cond, operands: Sequence[str], results: Sequence[str], indent: str) -> None:
        index, *rest = operands
        within = indent + "    "
        for place in range(len(cond.bodies) - 1, -1, -1):
            word = "else" if not place else "if" if place == len(cond.bodies) - 1 else "elif"
            self.lines.append(f"{indent}{word}{f' {index} >= {place}.0' if place else ''}:")
            outputs = self.block(cond.bodies[place], rest, within)
            self.lines.append(f"{within}{', '.join(results)} = {', '.join(outputs)}")

    def _while(self, loop: While, operands: Sequence[str], results: Sequence[str], indent: str) -> None:
        limit, *starts = operands
        carries, ys, shared = results[: loop.carries], results[loop.carries :], starts[loop.carries :]
        within = indent + "    "
        if carries:
            self.lines.append(f"{indent}{', '.join(carries)} = {', '.join(starts[: loop.carries])}")
        self.lines += [f"{indent}{y} = []" for y in ys]
        steps = self._names.new("steps")
        self.lines += [f"{indent}{steps} = 0"] * (limit != "math.inf")
        self.lines.append(f"{indent}while True:")
        (holds,) = self.block(loop.condition, [*carries, *shared], within)
        self.lines += [f"{within}if not {holds}:", f"{within}    break"]
        if limit != "math.inf":
            names = [_in_braces(name) for name in loop.body.inputs]
            told = ", ".join([f"{name}={{{carry}}}" for name, carry in zip(names, carries)])
            text = beyond_limit(_in_braces(loop.condition.name), f"{{{steps}}}", told)
            self.lines.append(f"{within}if {steps} >= {limit}:")
            self.lines.append(f'{within}    raise RuntimeError(f"{text}")')
            self.lines.append(f"{within}{steps} += 1")
        outputs = self.block(loop.body, [*carries, *shared], within)
        self.lines += [f"{within}{y}.append({output})" for y, output in zip(ys, outputs[loop.carries :])]
        if carries:
            self.lines.append(f"{within}{', '.join(carries)} = {', '.join(outputs[: loop.carries])}")

    def _constant(self, constant: Any) -> str:
        if type(constant) is float:
            return _literal(constant)
        name = self._names.new("array")
        self.arrays[name] = constant.tolist()
        return name


def _foreign(code: Code) -> list[Operation]:
    """The primitives that are not the library's own, each once."""
    return [operation for operation in code.operations() if not operation.is_builtin]


def _helpers(code: Code) -> list[str]:
    """The functions of `portable` and of `on_lists` that the instructions call, those they stand on first."""
    of_arrays = {each.name for each in code.operations() if isinstance(each, Rearrangement)}
    operations = [operation for operation in code.operations() if not operation.takes_arrays]
    used = {operation.name for operation in operations if operation.is_builtin} - set(_WRITTEN)
    used.update([other for name in used for other in STANDS_ON.get(name, ())])
    return [*(name for name in NAMES if name in used), *sorted(of_arrays)]


def _distinct_names(labels: Iterable[str], reserved: Iterable[str]) -> list[str]:
    """A Python name for each label, none of them twice and none that is reserved.

    They are of ASCII letters, since Python takes some other letters for one another (an ﬁ for fi), and
    begin with no underscore, since Python gives names such as ``__debug__`` a meaning.
    """
    names = _Names(reserved)
    return [names.new(label) for label in labels]


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
    if primitive.takes_arrays:
        return _of_arrays(primitive, operands)
    if primitive.folded:
        return reduce(lambda first, second: f"{primitive.name}({first}, {second})", operands)
    pattern = _WRITTEN.get(primitive.name, f"{primitive.name}({', '.join(['{}'] * primitive.arity)})")
    return pattern.format(*operands)


def _of_arrays(operation: Operation, operands: Sequence[str]) -> str:
    """An operation between numbers and arrays, which are lists."""
    if isinstance(operation, Rearrangement):
        return operation.source(operands)
    if isinstance(operation, Stack):
        return f"[{', '.join(operands)}]"
    if isinstance(operation, Item):
        return f"{operands[0]}[{operation.index}]"
    return operands[0] if isinstance(operation, Unstack) else f"float(len({operands[0]}))"


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


def _in_braces(text: str) -> str:
    """Text for a formatted string, in which it is never a formula."""
    return harmless(text).replace("{", "{{").replace("}", "}}")
