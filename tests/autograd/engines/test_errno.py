"""Results depend on the operands only, not on the errno that an earlier computation left behind."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest

from autograd import trace
from autograd.engines import compiled
from autograd.primitives import table
from autograd.primitives.primitive import Primitive, all_primitives
from tests.autograd.programs.test_simplification import same_bits

OWN = [entry for entry in all_primitives() if entry.is_builtin]
POINTS = [0.0, -0.0, 1.0, -2.5, 5e-324, 1e308, math.inf, -math.inf, math.nan]
SET_ERRNO: dict[str, Callable[[], float]] = {
    "overflow": lambda: table.exp(1000.0),
    "underflow": lambda: table.exp(-10_000.0),
    "power": lambda: table.pow(1e300, 2.5),
    "domain": lambda: table.log(-1.0),
}
each_errno = pytest.mark.parametrize("set_errno", SET_ERRNO.values(), ids=SET_ERRNO)


@each_errno
@pytest.mark.parametrize("entry", OWN, ids=lambda entry: entry.name)
def test_no_primitive_reads_the_errno_of_an_earlier_one(
    entry: Primitive, set_errno: Callable[[], float]
) -> None:
    run = compiled(trace(lambda *args: entry(*args), *[0.5] * entry.arity).code, "python").call
    for point in itertools.product(POINTS, repeat=entry.arity):
        expected = entry(*point)
        set_errno()
        assert same_bits(entry(*point), expected), point
        set_errno()
        assert same_bits(run(point)[0], expected), point


@each_errno
def test_a_hypot_with_nan_is_nan_and_with_an_infinity_inf(set_errno: Callable[[], float]) -> None:
    run = compiled(trace(table.hypot, 0.5, 0.5).code, "python").call
    for hypot in (table.hypot, lambda a, b: run([a, b])[0]):
        for other in (1.0, 0.0, math.nan):
            set_errno()
            assert math.isnan(hypot(other, math.nan))
            set_errno()
            assert math.isnan(hypot(math.nan, other))
        for infinity in (math.inf, -math.inf):
            set_errno()
            assert hypot(infinity, math.nan) == math.inf
            set_errno()
            assert hypot(math.nan, infinity) == math.inf
        assert hypot(1.5e308, -1.5e308) == math.inf
