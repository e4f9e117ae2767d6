"""Slips in words, and where in the derivation to look for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from autograd.comparing.contributions import factors_of, links_to
from autograd.comparing.slips import Slip
from autograd.derivation import Derivation
from autograd.derivation.expression_walks import symbols, walk
from autograd.derivation.expressions import ONE, Derivative, Numeral, Symbol, Symbolic, chained, product
from autograd.derivation.text import text

__all__ = ["NEARLY", "Place", "definitions", "phrase", "places_to_look", "told"]

Phrase = tuple["str | Symbolic", ...]

_MOST_PLACES = 3
NEARLY = 1e-4  # the relative difference up to which a wrong component is called nearly right


class Place(NamedTuple):
    """An equation of a derivation."""

    derivative: Derivative
    form: Symbolic

    def __str__(self) -> str:
        return f"{text(self.derivative)} = {text(self.form)}"


def told(slip: Slip, derivation: Derivation | None) -> str:
    """What is wrong, as the rest of a sentence about a component.

    >>> told(Slip(-1.0), None), told(Slip(0.5), None), told(Slip(1.0, missing=Symbol("x")), None)
    ('has the wrong sign', 'lacks the factor 2', 'lacks the factor x')
    """
    result = "" if derivation is None else derivation.lines.result.name
    return "".join(part if isinstance(part, str) else text(part) for part in phrase(slip, derivation, result))


def phrase(slip: Slip, derivation: Derivation | None, result: str) -> Phrase:
    """What is wrong, as the rest of a sentence, in words and expressions.

    Args:
        slip: what is wrong.
        derivation: where to look for the names of its factors, if anywhere.
        result: the name of what is differentiated.
    """
    if slip.added:
        return "has a term too many: ", _times(slip.constant, slip.extra)
    if slip.term is None:
        return ("is 0",) if slip.constant == 0 else _faults(slip, derivation)
    of = slip.term.link.of.name
    above = ONE if of == result else Derivative(result, of)
    term = chained(above, slip.term.slope)
    if slip.constant == 0:
        return "lacks the term ", term
    return "has a wrong term: ", term, " ", *_faults(slip, derivation)


def _faults(slip: Slip, derivation: Derivation | None) -> Phrase:
    """What is wrong with a multiple of what it should be, one fault after the other."""
    size = Fraction(abs(slip.constant)).limit_denominator(12)
    if float(size) != abs(slip.constant):
        return (_not_plain(slip.constant),)
    missing = slip.missing
    if slip.extra == ONE and size.numerator == 1 and _has_number(derivation, size.denominator):
        missing, size = product(Numeral(Fraction(size.denominator)), missing), Fraction(1)
    faults: list[Phrase] = []
    if missing != ONE and slip.extra != ONE:
        faults.append(("has ", slip.extra, " where ", *_named(missing, derivation), " belongs"))
    elif missing != ONE:
        faults.append(("lacks the factor ", *_named(missing, derivation)))
    elif slip.extra != ONE:
        faults.append(("has a factor ", slip.extra, " too many"))
    if size.denominator == 1 and size != 1:
        faults.append((f"has a factor {size} too many",))
    elif size != 1:
        faults.append((f"is {size} of what it should be",))
    if slip.constant < 0:
        faults.append(("has the wrong sign",))
    return tuple([part for fault in faults for part in (" and ", *fault)][1:])


def _not_plain(constant: float) -> str:
    """What is wrong where a component is an odd multiple of what it should be."""
    excess = abs(constant) - 1
    if abs(excess) > NEARLY or constant < 0:
        return f"is {constant:.6g} times what it should be"
    return (
        f"is nearly right, but too {'large' if excess > 0 else 'small'} by {abs(excess):.1e} of its size "
        "at every point, more than rounding explains (is a number in it short of digits?)"
    )


def _has_number(derivation: Derivation | None, number: int) -> bool:
    """Whether a factor is in the derivation, or may be in one that nobody has."""
    if derivation is None:
        return True
    factors = {
        factor for step in derivation.steps for link in step.links for factor in factors_of(link.slope)
    }
    numbers = [factor.value for factor in factors if isinstance(factor, Numeral)]
    return any(number in (first, first * second) for first in numbers for second in numbers)


def _times(number: float, factor: Symbolic) -> Symbolic | str:
    if factor == ONE:
        return f"{number:.6g}"
    return product(Numeral(Fraction(number).limit_denominator(12)), factor)


def _named(factor: Symbolic, derivation: Derivation | None) -> Phrase:
    """A factor, and which derivative it is, where it is one: ``s*(1 - s) = ds/dz``."""
    steps = () if derivation is None or isinstance(factor, Symbol) else derivation.between
    for step in steps:
        for link in step.links:
            if factor == link.slope:
                return factor, " = ", Derivative(link.of.name, link.by.name, link.partial)
    return (factor,)


def places_to_look(
    slip: Slip, wrong: Sequence[Symbol], right: Iterable[Symbol], derivation: Derivation
) -> list[Place]:
    """What some wrong components share in the derivation, and no right one does.

    Args:
        slip: what is wrong with them.
        wrong: the components.
        right: the components without fault.
        derivation: of the function.
    """
    name, *others = wrong
    if not others and slip.term is None:
        (step,) = [step for step in derivation.gradient if step.name == name]
        return [Place(step.derivative, step.filled if step.expanded is None else step.expanded)]
    used = [set(links_to(name, derivation)) for name in wrong]
    innocent = {link for name in right for link in links_to(name, derivation)}
    if slip.term is not None:
        blamed = [slip.term.link]
    else:
        suspects = set().union(*used) - innocent
        blamed = [link for link in suspects if slip.missing in factors_of(link.slope)]
    if not blamed:
        common = set.intersection(*used)
        blamed = list(common - innocent or common)
    steps = [step for step in derivation.steps if set(step.links) & set(blamed)]
    return [Place(step.derivative, step.filled) for step in steps[:_MOST_PLACES]]


def definitions(places: Iterable[Place], derivation: Derivation) -> list[str]:
    """The lines that define the names in some places, and those in these lines."""
    names: set[str] = set()
    for place in places:
        for part in (*walk(place.derivative), *walk(place.form)):
            names |= {part.of, part.by} if isinstance(part, Derivative) else {getattr(part, "name", "")}
    equations = []
    for line in reversed(derivation.lines.lines):
        if line.name.name in names:
            names |= {symbol.name for symbol in symbols(line.expression)}
            equations.append(f"{line.name.name} = {text(line.expression)}")
    return equations[::-1]
