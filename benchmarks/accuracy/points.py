"""Points over the whole domain of each primitive: dense in exponent, and where digits are easily lost.

Seeded: the same points in every run.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import Any

from mpmath import mp, mpf

from benchmarks.accuracy.ulp import LARGEST, SMALLEST, SMALLEST_NORMAL

__all__ = ["Point", "around", "inside", "points"]

Point = tuple[float, ...]

# Of one operand: where it is defined, where it is neither saturated nor trivial, and numbers near which
# digits are lost. Of sine and its like the zeros and poles come from `_near_multiples_of_pi`.
_DOMAINS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(["log", "log2", "log10", "sqrt"], (SMALLEST, LARGEST)),
    **dict.fromkeys(["asin", "acos"], (-1.0, 1.0)),
    "atanh": (-1.0 + 2.0**-53, 1.0 - 2.0**-53),
    "log1p": (-1.0 + 2.0**-53, LARGEST),
    "acosh": (1.0, LARGEST),
}
_LIVELY: dict[str, tuple[float, float]] = {
    "exp": (-746.0, 710.0),
    "expm1": (-746.0, 710.0),
    "sinh": (-711.0, 711.0),
    "cosh": (-711.0, 711.0),
    "tanh": (-375.0, 375.0),
    "sigmoid": (-746.0, 746.0),
    "softplus": (-746.0, 746.0),
    "erf": (-27.5, 27.5),
    "erfc": (-27.5, 27.5),
}
_CENTRES: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(["log", "log2", "log10", "acosh"], (1.0,)),
    **dict.fromkeys(["asin", "acos", "atanh"], (1.0, -1.0, 0.5, -0.5)),
    "log1p": (-1.0, -0.5, 1.0),
    "exp": (709.78, -708.4, -745.13),
    "expm1": (709.78, -37.4),
    "sinh": (710.47, -710.47),
    "cosh": (710.47, -710.47),
    "tanh": (19.06, -19.06, 354.2, -354.2),
    "sigmoid": (36.7, -36.7, 708.4, -708.4, 709.78, -709.78),
    "softplus": (36.7, -36.7, 708.4, -708.4),
    "erf": (1.0, 5.92, 26.6),
    "erfc": (0.5, 1.0, 26.5),
}

# The worst that searches of 10**8 points found, for values and for derivatives, of the table's rules and of
# others that are in use.
_KNOWN: dict[str, tuple[float, ...]] = {
    "exp": (-2.9702990014647117,),
    "expm1": (0.36006774826560023,),
    "log": (0.89049967784554918,),
    "log1p": (0.41001170956660205,),
    "log2": (1.0785900591285258,),
    "log10": (0.75002962171974552,),
    "sin": (9.2787208970527058,),
    "cos": (1.3649763296791224,),
    "tan": (1.6351380770509898, 1.5486749315724573),
    "asin": (0.12500112100828373, 0.86499479872682772),
    "acos": (0.90248099432886164, 0.86499479872682772),
    "atan": (0.1233121837432153, 5.5698669536556942),
    "sinh": (710.39745691208179, 0.72204333299529322),
    "cosh": (710.39435544361925, 710.39745691208179),
    "tanh": (0.23467850707188054, 3.4647771134568739, 1.7129750578829814),
    "asinh": (0.5162157394117024, 0.00026131383259989696),
    "acosh": (1.0018448763988985, 1.0000077186863316),
    "atanh": (0.46203587406334928, 0.70599535017600912),
    "sigmoid": (-0.4516713457507015, 6.2362457847877879, -12.476645444905985, 4.8415817870780868),
    "softplus": (-1.2823607630570897, -0.4516713457507015),
    "erf": (0.045818871226275114, 5.2117303041945195),
    "erfc": (1.2174596665894437, 16.444920307865964, 5.2117303041945195),
}


def points(name: str, arity: int, count: int, seed: int = 0) -> list[Point]:
    """So many points of a primitive's domain, by name."""
    choose = random.Random(f"{name} {seed}")
    make = _power if name == "pow" else {1: _single(name), 2: _any_pair, 3: _triple}[arity]
    return list(islice((point for point in make(choose) if inside(name, point)), count))


def around(name: str, point: Point, count: int, seed: int = 0) -> list[Point]:
    """Points near one: a few doubles away, and relatively at all distances."""
    choose = random.Random(f"{name} {point} {seed}")
    points = [tuple(_near(choose, x) for x in point) for _ in range(count)]
    return [point for point in points if inside(name, point)]


def inside(name: str, point: Point) -> bool:
    """Whether a primitive is defined at a point, smooth there, and the point is finite."""
    if not all(map(math.isfinite, point)):
        return False
    match name:
        case "relu" | "absolute":
            return point[0] != 0.0
        case "maximum" | "minimum" | "less" | "less_equal" | "equal":
            return point[0] != point[1]
        case "div":
            return point[1] != 0.0
        case "hypot" | "atan2":
            return point != (0.0, 0.0) and (name == "hypot" or point[0] != 0.0 or point[1] > 0.0)
        case "pow":
            a, b = point
            return a > 0.0 or (a < 0.0 and b == math.floor(b))
    low, high = _DOMAINS.get(name, (-LARGEST, LARGEST))
    return low <= point[0] <= high


def _near(choose: random.Random, x: float) -> float:
    kind = choose.random()
    if kind < 0.2 or x == 0.0:
        return x
    if kind < 0.5:
        return x + choose.randint(-40, 40) * math.ulp(x)
    return x * (1.0 + choose.choice((-1, 1)) * math.pow(2.0, -choose.uniform(2, 50)))


def _any(choose: random.Random, low: float = -1074, high: float = 1023.99) -> float:
    """A double with any exponent of a range and any sign."""
    return choose.choice((-1, 1)) * math.ldexp(1.0 + choose.random(), int(choose.uniform(low, high)))


def _beside(choose: random.Random, centre: float) -> float:
    """A double near a number, at any distance from it."""
    return centre + choose.choice((-1, 1)) * math.ldexp(1.0 + choose.random(), -int(choose.uniform(1, 54)))


def _single(name: str) -> Callable[[random.Random], Iterator[Point]]:
    low, high = _DOMAINS.get(name, (-LARGEST, LARGEST))
    left, right = _LIVELY.get(name, (max(low, -30.0), min(high, 30.0)))
    centres = (*_CENTRES.get(name, ()), *[end for end in (low, high) if abs(end) <= 1.0])
    ends = [low, high, math.nextafter(low, high), math.nextafter(high, low), SMALLEST, -SMALLEST]
    ends += [SMALLEST_NORMAL, -SMALLEST_NORMAL, 0.0, 1.0, -1.0, *_KNOWN.get(name, ())]
    ends += [centre + step for centre in centres for step in (0.0, 0.5, -0.5, 1e-9, -1e-9)]

    def numbers(choose: random.Random) -> Iterator[float]:
        yield from ends
        while True:
            yield _any(choose)
            yield _any(choose, -60, 12)
            yield choose.uniform(left, right)
            yield choose.choice((-1, 1)) * choose.uniform(0.0, 3.0)
            if centres:
                yield _beside(choose, choose.choice(centres))
            if name in ("sin", "cos", "tan"):
                yield from _near_multiples_of_pi(choose)

    return lambda choose: ((x,) for x in numbers(choose))


def _near_multiples_of_pi(choose: random.Random) -> list[float]:
    """Doubles next to a multiple of pi/2: of a small one, a large one, and the nearest in some binade."""
    exponent = choose.randint(0, 970)
    with mp.workdps(700):
        wholes = _best_denominators(mpf(2) ** exponent / (mp.pi / 2))
        multiples = [float(int(mpf(2) ** choose.uniform(0, limit)) * mp.pi / 2) for limit in (12, 1020)]
    near = [x + choose.choice((0, 0, 1, -1, 2)) * math.ulp(x) for x in multiples]
    return [choose.choice((-1, 1)) * x for x in (*near, *[math.ldexp(whole, exponent) for whole in wholes])]


def _best_denominators(number: Any) -> list[int]:
    """The last two whole numbers below 2**53 whose product with a number is nearest to a whole one.

    They are the denominators of the convergents of its continued fraction (W. Kahan, Minimizing q*m - n,
    1983).
    """
    previous, last = 0, 1
    rest = number - mp.floor(number)
    while True:
        rest = 1 / rest
        following = int(mp.floor(rest)) * last + previous
        if following >= 2**53:
            return [previous, last]
        previous, last = last, following
        rest -= mp.floor(rest)


def _any_pair(choose: random.Random) -> Iterator[Point]:
    yield from product((0.0, SMALLEST, SMALLEST_NORMAL, 1.0, 3.0, LARGEST), repeat=2)
    while True:
        a = _any(choose)
        yield a, _any(choose)
        yield a, a * _any(choose, -60, 60)
        yield a * _any(choose, -60, 60), a
        yield a, _beside(choose, 1.0) * a
        yield _any(choose, -30, 30), _any(choose, -30, 30)
        yield _any(choose, -1074, -960), _any(choose, -1074, 10)
        yield _any(choose, -1074, 10), _any(choose, -1074, -960)


def _power(choose: random.Random) -> Iterator[Point]:
    """Bases and exponents whose power is a double, or nearly one; integers for negative bases."""
    while True:
        y = choose.uniform(-760.0, 725.0)  # the logarithm of the result
        yield from _with_result(y, abs(_any(choose)))
        yield from _with_result(y, abs(_any(choose, -60, 60)))
        yield from _with_result(y, abs(_beside(choose, 1.0)))
        yield from _with_result(choose.uniform(-30, 30), choose.uniform(0.0, 30.0))
        yield from _with_result(choose.uniform(-30, 30), abs(_beside(choose, 1.0)))
        yield abs(_any(choose)), _any(choose, -1074, -8)
        exponent = float(choose.randint(-12, 12))
        yield _any(choose, -1074 / max(1.0, abs(exponent)), 1023 / max(1.0, abs(exponent))), exponent
        yield _any(choose, -90, 90), exponent
        whole = float(int(math.ldexp(1.0 + choose.random(), choose.randint(2, 60))))
        yield -math.exp(choose.choice((-1, 1)) * choose.uniform(0.0, 740.0) / whole), whole
        yield -math.exp(choose.choice((-1, 1)) * choose.uniform(0.0, 740.0) / whole), -whole
        yield abs(_any(choose)), choose.choice((0.5, -0.5, 1.5, 2.5, -1.5, 1 / 3, 0.25, 1.0, 2.0, -1.0))
        yield abs(_any(choose)), _beside(choose, choose.choice((0.0, 1.0, 2.0, -1.0, 0.5)))


def _with_result(log_y: float, a: float) -> Iterator[Point]:
    if a not in (0.0, 1.0) and math.isfinite(a):
        yield a, log_y / math.log(a)


def _triple(choose: random.Random) -> Iterator[Point]:
    while True:
        yield choose.choice((0.0, -0.0, 1.0, _any(choose))), _any(choose), _any(choose)
