"""Which components are wrong, at which points, and what the wrong ones have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from autograd.comparing.comparison import Comparison, Component, Untried
from autograd.comparing.contributions import EvaluatedDerivation, Series
from autograd.comparing.misreading import misreading
from autograd.comparing.points import Sample
from autograd.comparing.rounded import roundings
from autograd.comparing.sentences import NEARLY, Place, definitions, places_to_look, told
from autograd.comparing.slips import FEWEST_POINTS, SAFETY, Slip, explained
from autograd.derivation import Derivation
from autograd.derivation.expressions import Symbol

__all__ = ["judged"]

_SIGN = 0.5  # the cost of a wrong sign, which is told before anything else
_FAR_FETCHED = 3.0  # the cost from which on another component's derivative is the better explanation


class _Fault(NamedTuple):
    """What is wrong with a component.

    Attributes:
        says: the rest of a sentence about it.
        slip: the slip that it was recognised as, if any.
        partner: the component that it is swapped with, if it is.
        is_explained: whether it was recognised.
    """

    says: str
    slip: Slip | None = None
    partner: int | None = None
    is_explained: bool = True


def judged(
    samples: Sequence[Sample],
    names: Sequence[str],
    derivation: Derivation | None,
    reason: str = "",
    untried: Sequence[Untried] = (),
) -> Comparison:
    """The report on two gradients.

    Args:
        samples: both at each point, the given one first.
        names: of the components.
        derivation: of the function; None where it has none that can be searched.
        reason: why it has none.
        untried: the branches that no sample lies on.
    """
    if derivation is not None:
        names = [step.name.name for step in derivation.gradient]
    table = _GradientTable(samples)
    faults = table.faults(names, derivation)
    components = []
    for i, name in enumerate(names):
        hand, engine = float(table.by_hand[0, i]), float(table.by_engine[0, i])
        components.append(
            Component(
                name,
                hand,
                engine,
                0.0 if hand == engine else hand - engine,
                float(table.allowed[0, i]),
                tuple(np.flatnonzero(table.compared[:, i]).tolist()),
                tuple(np.flatnonzero(table.wrong[:, i]).tolist()),
                f"d{name} {faults[i].says}" if i in faults else "",
            )
        )
    findings, definitions_used = _findings(faults, names, derivation)
    if reason and not all(fault.is_explained for fault in faults.values()):
        findings.append(f"Factors and terms could not be looked for: {reason}")
    skipped = [component.name for component in components if not component.compared_at]
    if skipped:
        findings.append(_not_compared(skipped, len(names), samples[0]))
    elif samples[0].is_at_kink:
        findings.append("The given point is exactly at a kink: nothing was compared there.")
    points = tuple(sample.args for sample in samples)
    return Comparison(tuple(components), tuple(findings), tuple(definitions_used), points, tuple(untried))


class _GradientTable:
    """Both gradients: a row for each point, a column for each component.

    Attributes:
        by_hand: what the user's function returned.
        by_engine: the engine's derivatives.
        allowed: how far rounding may set the two apart.
        compared: where there is a number to compare with: not at a kink, where the function is nan or inf,
            the engine's derivative is nan, or rounding may have eaten all of it.
        wrong: where they are compared, and further apart.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.by_hand = np.array([sample.by_hand for sample in samples])
        self.by_engine = np.array([sample.by_engine.components for sample in samples])
        self._errors = np.array([sample.by_engine.errors for sample in samples])
        self._numbers = [sample.numbers for sample in samples]
        self._usable = np.array([sample.is_usable for sample in samples])
        self.allowed = SAFETY * self._errors + roundings(8, self.by_engine)
        with np.errstate(invalid="ignore"):
            apart = np.abs(self.by_hand - self.by_engine)
        same = self.by_hand == self.by_engine
        results = np.array([[sample.by_engine.result] for sample in samples])
        known = np.isinf(self.by_engine) | (np.isfinite(self.by_engine) & np.isfinite(self._errors))
        at_kink = np.array([[sample.is_at_kink] for sample in samples])
        self.compared = np.isfinite(results) & known & ~at_kink
        self.wrong = self.compared & ~(same | (np.isfinite(self.by_engine) & (apart <= self.allowed)))

    def faults(self, names: Sequence[str], derivation: Derivation | None) -> dict[int, _Fault]:
        """What is wrong with each component that is."""
        wrong = np.flatnonzero(self.wrong.any(axis=0)).tolist()
        if not wrong:
            return {}
        ok = self._usable
        usable = [numbers for numbers, is_usable in zip(self._numbers, ok) if is_usable]
        evaluated = EvaluatedDerivation(derivation, usable) if derivation is not None and usable else None
        faults = {}
        for i in wrong:
            right = Series(self.by_engine[ok, i], self._errors[ok, i])
            places = self.wrong[ok, i]
            slip = None
            if right.values[places].any() and np.isfinite(self.by_hand[ok, i]).all():
                slip = explained(self.by_hand[ok, i], right, places, Symbol(names[i]), evaluated)
            faults[i] = self._fault(i, slip, names, derivation)
        if derivation is not None and usable and not all(fault.is_explained for fault in faults.values()):
            read = misreading(derivation, usable, self._is_by_hand)
            if read:
                return {i: _Fault(f"would be right for {read}") for i in faults}
        return faults

    def _is_by_hand(self, gradient: Sequence[Series]) -> bool:
        """Whether a gradient equals that by hand, to rounding."""
        values = np.array([series.values for series in gradient]).T
        errors = np.array([series.errors for series in gradient]).T
        by_hand = self.by_hand[self._usable]
        return bool((np.abs(values - by_hand) <= SAFETY * errors + roundings(8, values)).all())

    def _fault(
        self, i: int, slip: Slip | None, names: Sequence[str], derivation: Derivation | None
    ) -> _Fault:
        cost = slip.cost if slip is not None else np.inf
        others = [j for j in range(len(names)) if j != i and cost > _SIGN and self._holds(i, j)]
        swapped = next((j for j in others if self._holds(j, i)), None)
        where = self._where(i)
        if swapped is not None:
            return _Fault(f"is swapped with d{names[swapped]}{where}", partner=swapped)
        if others and cost > _FAR_FETCHED:
            return _Fault(f"is the derivative by {names[others[0]]}{where}")
        if slip is not None:
            return _Fault(told(slip, derivation) + where, slip)
        return _Fault(self._unexplained(i) + where, is_explained=False)

    def _holds(self, i: int, j: int) -> bool:
        """Whether a wrong component is what another should be, wherever it is wrong."""
        places = self.wrong[:, i] & self._usable
        apart = np.abs(self.by_hand[places, i] - self.by_engine[places, j])
        return places.sum() >= FEWEST_POINTS and bool((apart <= self.allowed[places, j]).all())

    def _where(self, i: int) -> str:
        """At which points it is wrong, unless at all."""
        wrong, total = int(self.wrong[:, i].sum()), int(self.compared[:, i].sum())
        if wrong == total:
            return ""
        if self.compared[0, i] and not self.wrong[0, i]:
            return f" (at {wrong} of {total} points; at the given one it is right)"
        if self.wrong[0, i] and wrong == 1:
            return " (at the given point only)"
        return f" (at {wrong} of {total} points)"

    def _unexplained(self, i: int) -> str:
        places = self.wrong[:, i]
        hand, engine = self.by_hand[places, i], self.by_engine[places, i]
        odd = ~(np.isfinite(hand) & np.isfinite(engine))
        if odd.any() or len(hand) == 1:
            at = int(np.argmax(odd))
            return f"is {hand[at]:.6g} where it should be {engine[at]:.6g}"
        if (engine == 0).all():
            return "should be 0: the function does not depend on it there"
        apart, ratios = np.abs(hand - engine), hand[engine != 0] / engine[engine != 0]
        off = " to ".join(dict.fromkeys(f"{size:.3g}" for size in (apart.min(), apart.max())))
        if (apart <= NEARLY * np.abs(engine)).all():
            explained = self.allowed[places, i].max()
            return (
                f"is nearly right, but off by {off}, where rounding explains at most {explained:.1e}: is it "
                "found by finite differences, or a number in it short of digits?"
            )
        return (
            f"fits no known slip: it is off by {off}, and its ratio to the right one goes from "
            f"{ratios.min():.6g} to {ratios.max():.6g}"
        )


def _findings(
    faults: dict[int, _Fault], names: Sequence[str], derivation: Derivation | None
) -> tuple[list[str], list[str]]:
    """A sentence for each slip, shared by the components that have it; and what the names in them mean."""
    groups: dict[str, list[int]] = {}
    for i, fault in faults.items():
        if fault.partner is None or i < fault.partner:
            groups.setdefault(fault.says, []).append(i)
    right = [Symbol(name) for i, name in enumerate(names) if i not in faults]
    sentences: list[str] = []
    looked_at: list[Place] = []
    for says, members in groups.items():
        wrong = [Symbol(names[i]) for i in members]
        sentence = f"{_listed(wrong, len(names))} {says}"
        slip = faults[members[0]].slip
        places = places_to_look(slip, wrong, right, derivation) if slip and derivation else []
        if places:
            sentence += ", where" + "".join(f"\n    {place}" for place in places)
        sentences.append(sentence if places or sentence.endswith("?") else f"{sentence}.")
        looked_at += places
    return sentences, definitions(looked_at, derivation) if derivation else []


def _not_compared(names: Sequence[str], total: int, first: Sample) -> str:
    """That there was nothing to compare some components with, and what to do."""
    every = len(names) == total
    what = "Nothing could" if every else ", ".join(f"d{name}" for name in names) + " could not"
    result = first.by_engine.result
    if first.is_at_kink:
        why = "the given point is exactly at a kink, and no point near by was found beside it"
    elif np.isfinite(result):
        why = "the engine has no derivative there that rounding leaves digits of"
    else:
        why = (
            f"the function is {result} at the given point, and no point near by was found where it is finite"
        )
    return f"{what} be compared: {why}. Compare at another point."


def _listed(wrong: Sequence[Symbol], total: int) -> str:
    if 2 < len(wrong) == total:
        return "Every component"
    return ", ".join(f"d{name.name}" for name in wrong) + (": each" if len(wrong) > 1 else "")
