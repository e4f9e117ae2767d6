"""Which values are drawn again beside a use instead of being joined to it by a line."""

from __future__ import annotations

from collections import Counter

from autograd.drawing.sketch import Look, Sketch

__all__ = ["HUB", "repeated"]

HUB = 8  # an input used more often is drawn again beside each use: dot's time explodes on hubs
LONGEST = 40  # columns that a line may cross: nobody follows it any further
REACH = 20_000  # and all lines together: dot's time grows with them


def repeated(sketch: Sketch) -> set[tuple[int, int]]:
    """The uses for which a value is drawn again, each as the places of user and value.

    These are all uses of an input that is used often, and the uses that a line would be too long for.
    """
    nodes, uses = sketch.nodes, sketch.uses()
    column = [0] * len(nodes)  # how many operations there are at most from a node to a result
    for place in reversed(range(len(nodes))):
        for operand in nodes[place].operands:
            column[operand] = max(column[operand], column[place] + 1)
    uses_of_hubs = set()
    lines = []
    for place, node in enumerate(nodes):
        for operand in node.operands:
            if nodes[operand].look.is_input and uses[operand] > HUB:
                uses_of_hubs.add((place, operand))
            elif nodes[operand].look is not Look.CONSTANT:
                lines.append((column[operand] - column[place] - 1, place, operand))
    longest = _longest(Counter(length for length, _, _ in lines))
    return uses_of_hubs | {(place, operand) for length, place, operand in lines if length > longest}


def _longest(lengths: Counter[int]) -> int:
    """How long a line may be, of which there are so many of each length."""
    longest = crossed = 0
    for length in sorted(lengths):
        crossed += length * lengths[length]
        if crossed > REACH or length > LONGEST:
            break
        longest = length
    return longest
