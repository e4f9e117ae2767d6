"""In which steps of a loop's derivative the derivative of a carry is there at all.

Where nothing of a result depends on what a carry was in the last step, its adjoint is absent there, and is
to contribute nothing: 0 times a partial that is inf would be nan. The loop that goes back carries a flag for
such adjoints, which guards them; carries whose derivatives come and go together share one. The same holds
for tangents, from the first step on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd.derivatives.guards import Guarded
from autograd.graph.value import Value
from autograd.primitives.table import where
from autograd.programs.code import Code

if TYPE_CHECKING:
    from autograd.programs.control.repeating import While
    from autograd.programs.loops.loop import Loop

__all__ = ["Flags", "flags_of"]

Step = Callable[[Code, set[int]], set[int]]


class Flags(NamedTuple):
    """The flags of a loop's derivative.

    Attributes:
        of: for each carry that has a flag the flag's place among them.
        starts: the flags at the first step, 1.0 where the derivatives are there.
        causes: for each flag those flags one of which must hold for it to hold in the next step; None where
            it holds there in any case.
    """

    of: dict[int, int]
    starts: list[float]
    causes: list[list[int] | None]

    def inputs(self) -> list[Value]:
        """A leaf that stands for each flag."""
        return [Value(0.5, "is_there") for _ in self.starts]

    def guarded(self, carry: int, derivative: Any, flags: Sequence[Any]) -> Any:
        """The derivative of a carry, there where its flag holds."""
        return Guarded(derivative, ((flags[self.of[carry]], True),)) if carry in self.of else derivative

    def following(self, flags: Sequence[Any]) -> list[Any]:
        """The flags of the next step."""
        return [
            1.0
            if causes is None
            else reduce(lambda holds, cause: where(flags[cause], 1.0, holds), causes, 0.0)
            for causes in self.causes
        ]


def flags_of(
    loop: Loop | While, given: Sequence[bool], carried: Iterable[int], reach: Step, reached_by: Step
) -> Flags:
    """The flags that a loop's derivative needs.

    Args:
        loop: the loop.
        given: whether there is a derivative, of each carry at the first step, and of all else at every step.
        carried: the carries whose derivatives are carried.
        reach: what has a derivative in the next step, given a body and what has one.
        reached_by: what must have a derivative for one of these carries to have one in the next step.
    """
    body = loop.body
    always = {place for place, is_given in enumerate(given) if is_given and place >= loop.carries}
    carries = {place for place in carried if place not in body.arrays}
    present = [{place for place in carries if given[place]}]
    while (following := reach(body, present[-1] | always) & carries) not in present:
        present.append(following)
    groups: dict[tuple[bool, ...], list[int]] = {}
    for carry in sorted(carries):
        groups.setdefault(tuple([carry in those for those in present]), []).append(carry)
    flagged = [(pattern, members) for pattern, members in groups.items() if not all(pattern)]
    of = {carry: place for place, (_, members) in enumerate(flagged) for carry in members}
    causes: list[list[int] | None] = []
    for _, members in flagged:
        sources = reached_by(body, {members[0]})
        is_sure = any(source in always or (source in carries and source not in of) for source in sources)
        causes.append(None if is_sure else sorted({of[source] for source in sources if source in of}))
    return Flags(of, [float(pattern[0]) for pattern, _ in flagged], causes)
