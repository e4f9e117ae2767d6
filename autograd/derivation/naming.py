"""Names: what a person would call the intermediate results of a formula."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable
from itertools import count

from autograd.derivation.expressions import ARITHMETIC, CONSTANTS
from autograd.primitives import table
from autograd.programs.code import Code, Instruction

__all__ = ["input_names", "numbered", "result_name", "result_names"]

_LETTERS = "uqvrhkmabcg"  # for sums and products, in turn
_FUNCTION_LETTERS = {"exp": "e", "tanh": "t", "sigmoid": "s", "log": "g", "sqrt": "r", "sin": "a", "cos": "c"}
_MANY = 4  # sums and products, beyond which they are numbered

# A name as argument names are: primes, indices and attributes may follow.
_NAME = re.compile(r"[^\W\d]\w*'*(\[[\w', ]*\]|\.\w+)*'*")


def input_names(labels: Iterable[str]) -> list[str]:
    """Names for the inputs, all different, from labels of any form.

    >>> input_names(["w[0]", "learning rate", "x", "x", "y'"])
    ['w[0]', 'learning_rate', 'x', 'x_2', "y'"]
    """
    names: list[str] = []
    for label in labels:
        name = _readable(label) or "v"
        names.append(_free(name, {*names, *CONSTANTS}))
    return names


def result_names(program: Code, named: Container[int], inputs: Iterable[str]) -> dict[int, str]:
    """Names for some of a program's results.

    The user's labels are kept. Other names are letters: a letter of the function's own name for its result, L
    (a loss) or f for the program's result, p (a prediction) for what is compared with an input, z for the
    argument of a function, and letters in turn for the rest.

    Args:
        program: what computes them.
        named: the slots to name.
        inputs: the names of its inputs.
    """
    first = len(program.inputs) + len(program.constants)
    slots = {at: instruction for at, instruction in enumerate(program.instructions, first) if at in named}
    names = {}
    used = {*inputs, *CONSTANTS}

    def give(at: int, name: str) -> None:
        names[at] = _free(name, used)
        used.add(names[at])

    for at, instruction in slots.items():
        if instruction.label:
            give(at, _readable(instruction.label) or "v")
    (output,) = program.outputs
    if output in slots and output not in names:
        give(output, result_name(program, used))
    stems = _stems(program, {at: slots[at] for at in slots if at not in names})
    counts = Counter(stems.values())
    letters = iter(_LETTERS if counts[""] <= _MANY else ())
    for at, stem in stems.items():
        if stem:
            give(at, numbered(stem, used) if counts[stem] > 1 else stem)
        else:
            letter = next((letter for letter in letters if letter not in used), "")
            give(at, letter or numbered("u", used))
    return names


def result_name(program: Code, used: Container[str]) -> str:
    """What to call what a program returns."""
    is_loss = any(word in program.name for word in ("loss", "cost", "error"))
    return next((name for name in ("L" if is_loss else "f", "F") if name not in used), "result")


def _stems(program: Code, slots: dict[int, Instruction]) -> dict[int, str]:
    """The letter that tells what each slot is, or ""."""
    stems = {at: _FUNCTION_LETTERS.get(instruction.operation.name, "") for at, instruction in slots.items()}
    for instruction in program.instructions:
        operands = instruction.operands
        if instruction.operation is table.sub and min(operands) < len(program.inputs):
            stem = "p"  # a prediction, compared with a target
        elif instruction.operation not in ARITHMETIC and len(operands) == 1:
            stem = "z"  # an activation function's argument
        else:
            continue
        at = max(operands)
        if stems.get(at) == "":
            stems[at] = stem
    return stems


def _readable(label: str) -> str:
    """A label as a name: what cannot stand in one becomes an underscore."""
    if _NAME.fullmatch(label):
        return label
    name = re.sub(r"\W+", "_", label).strip("_")
    return f"v{name}" if name[:1].isdigit() else name


def _free(name: str, used: Container[str]) -> str:
    """The name, or the first of name_2, name_3, ... that is free."""
    return numbered(f"{name}_", used, 2) if name in used else name


def numbered(stem: str, used: Container[str], first: int = 1) -> str:
    """The first of stem1, stem2, ... that is free."""
    return next(f"{stem}{number}" for number in count(first) if f"{stem}{number}" not in used)
