"""The table of primitives: what it holds, `math` and finite differences, choices at kinks, kinds of operands.

How exact each value and derivative is, `test_accuracy` tests.
"""

import inspect
import itertools
import math
import random

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd
from autograd import Primitive, Value, all_primitives, trace
from benchmarks.accuracy.exact import exact
from tests.autograd.exact import Exact
from tests.autograd.primitives.test_ieee import CASES, same

TABLE = {p.name: p for p in all_primitives() if p.is_builtin}
NAMES = [
    *["add", "sub", "mul", "div", "neg", "pow", "exp", "log", "log1p", "expm1", "log2", "log10", "sqrt"],
    *["hypot", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh"],
    *["acosh", "atanh", "sigmoid", "softplus", "erf", "erfc", "relu", "absolute", "maximum", "minimum"],
    *["where", "less", "less_equal", "equal", "stop_gradient"],
]
OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "neg": "-"}
COMPARISONS = {"less": "<", "less_equal": "<=", "equal": "=="}

# Points at which a primitive and its derivatives are compared with mpmath: tails, the neighbourhood of
# 0 and 1, where digits are easily lost, and random points between.

_RANDOM = random.Random(20)
_NEAR_1 = [1 - 2**-53, 1.0, 1 + 2**-52]
_POSITIVE = [1e-300, 1e-30, 1e-8, 1e-3, 0.1, 0.5, *_NEAR_1]
_POSITIVE += [1.5, 3.0, 19.0625, 40.0, 300.0, 1e3, 1e8, 1e30, 1e300]
_POSITIVE += [_RANDOM.lognormvariate(0, 3) for _ in range(30)]
_REAL = [0.0, *_POSITIVE, *[-x for x in _POSITIVE], *[_RANDOM.uniform(-1, 1) for _ in range(20)]]
_FEW = [-1e8, -3.0, -1.0, -1e-3, 1e-8, 0.1, 0.7, 1.0, 2.5, 17.0, 1e6]
_PAIRS = [*itertools.product(_FEW, _FEW), *[(_RANDOM.gauss(0, 3), _RANDOM.gauss(0, 3)) for _ in range(30)]]
_BASES = [1e-300, 1e-20, 1e-3, 0.1, *_NEAR_1, 1.001, 2.0, 7.0, 1e3, 1e20, 1e300]
_EXPONENTS = [-2.5, -1.0, -1 / 3, -0.1, 1e-8, 0.1, 1 / 3, 0.5, 1.0, 1.7, 2.0, 3.0, 4.0]


def _points(name: str) -> list[tuple[float, ...]]:
    match name:
        case "add" | "sub" | "mul" | "div" | "hypot" | "atan2":
            return _PAIRS
        case "maximum" | "minimum" | "less" | "less_equal" | "equal":
            return [(a, b) for a, b in _PAIRS if a != b]
        case "pow":
            return list(itertools.product(_BASES, _EXPONENTS))
        case "where":
            return [(1.0, 2.0, 3.0), (0.0, 2.0, 3.0), (-0.5, 2.0, 3.0)]
        case "relu" | "absolute":
            return [(x,) for x in _REAL if x != 0.0]
        case "log" | "log2" | "log10" | "sqrt":
            low, high = 0.0, math.inf
        case "log1p":
            low, high = -1.0, math.inf
        case "acosh":
            low, high = 1.0, math.inf
        case "asin" | "acos" | "atanh":
            low, high = -1.0, 1.0
        case "exp" | "expm1" | "sinh" | "cosh" | "sigmoid" | "softplus":
            low, high = -700.0, 700.0
        case "tanh":
            low, high = -350.0, 350.0
        case "erf" | "erfc":
            low, high = -26.0, 26.0
        case _:
            low, high = -math.inf, math.inf
    ends = [x * (1 - 2**-40) for x in (low, high) if abs(x) > 1 and math.isfinite(x)]
    return [(x,) for x in [*_REAL, *ends] if low < x < high]


POINTS = {name: _points(name) for name in NAMES}
WITHIN = 4.0  # ulp: how far NumPy's functions may be from the C library's


@pytest.fixture(params=NAMES)
def entry(request) -> Primitive:
    return TABLE[request.param]


def agree(actual: float, expected: float) -> bool:
    """Whether NumPy's result is as near to the C library's as the design says."""
    return same(actual, expected) or (
        math.isfinite(expected) and abs(actual - expected) <= WITHIN * math.ulp(expected)
    )


def inside(primitive: Primitive) -> float:
    """A number that every operand may be."""
    return 1.5 if primitive.name == "acosh" else 0.5


def gradients(primitive: Primitive, point: tuple[float, ...]) -> list[float]:
    leaves = [Value(number) for number in point]
    primitive(*leaves).backward()
    return [leaf.grad for leaf in leaves]


# What the table holds.


def test_the_table_holds_what_it_should():
    assert sorted(TABLE) == sorted(NAMES)


def test_each_primitive_is_a_function_of_the_package(entry):
    assert getattr(autograd, entry.name) is entry
    assert entry.name in autograd.__all__


def test_each_unary_primitive_is_a_method_of_value(entry):
    if entry.arity == 1 and entry.name not in OPERATORS:
        assert trace(lambda v: getattr(v, entry.name)(), 0.5).counts() == {entry.name: 1}


def test_each_method_of_value_is_a_primitive_or_numpys_spelling_of_one():
    spellings = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "fabs": "absolute"}
    spellings |= {f"arc{name}h": f"a{name}h" for name in ("sin", "cos", "tan")}
    for name, method in vars(Value).items():
        if name.startswith("_") or not inspect.isfunction(method) or name in ("backward", "conjugate"):
            continue
        arity = len(inspect.signature(method).parameters)
        program = trace(method, *[0.5, 0.25][:arity])
        assert program.counts() == {spellings.get(name, name): 1}, name
    assert all(getattr(Value, theirs) is getattr(Value, ours) for theirs, ours in spellings.items())


def test_operators_record_their_primitives():
    program = trace(lambda a, b: [a + b, a - b, a * b, a / b, a**b, -a, abs(a)], 2.0, 3.0)
    assert program.counts() == dict.fromkeys([*OPERATORS, "absolute"], 1)
    assert program(2.0, 3.0) == [5.0, -1.0, 6.0, 2 / 3, 8.0, -2.0, 2.0]


def test_symbols_are_pythons_operators(entry):
    assert entry.symbol == {**OPERATORS, **COMPARISONS}.get(entry.name, "")


def test_commutative_primitives_commute_to_the_bit(entry):
    assert entry.commutative == (entry.name in ("add", "mul", "hypot", "equal"))
    if entry.commutative:
        special = itertools.product([0.0, -0.0, 1.0, math.inf, -math.inf, math.nan], repeat=2)
        for a, b in [*POINTS[entry.name], *special]:
            assert same(entry(a, b), entry(b, a)), (a, b)


# Values.


def test_values_are_those_of_math_to_the_bit(entry):
    namesake = getattr(math, entry.name, None)
    if namesake is None or entry.name == "pow" or entry.expression is not None:  # acosh is closer than C's
        return
    for point in POINTS[entry.name]:
        assert entry(*point) == namesake(*point), point


def test_an_expression_equals_its_forward_bit_for_bit(entry):
    if entry.expression is None:
        return
    bits = random.Random(3)
    numbers = np.frombuffer(bits.getrandbits(64 * 2000).to_bytes(8 * 2000, "little")).tolist()
    special = [0.0, -0.0, 1.0, math.inf, -math.inf, math.nan, 5e-324, -745.2, 709.8, 36.7, -36.7]
    points = [*zip(*[bits.sample(numbers, 2000) for _ in range(entry.arity)]), *POINTS[entry.name]]
    for point in [*points, *itertools.product(special, repeat=entry.arity)]:
        assert same(entry.expression(*point), entry(*point)), point


# Derivatives.


def test_partials_agree_with_central_differences(entry):
    """Against central differences of the primitive itself, in floats."""
    if entry.name == "stop_gradient":
        return
    for point in POINTS[entry.name]:
        if not all(1e-2 < abs(x) < 30 for x in point) or abs(entry(*point)) > 1e5:
            continue
        for i, partial in enumerate(gradients(entry, point)):
            step = 1e-5 * abs(point[i])
            above, below = (entry(*point[:i], point[i] + d, *point[i + 1 :]) for d in (step, -step))
            if math.isnan(above - below) or abs(partial) > 1e3:
                continue  # the edge of the domain, or a pole, is too near
            assert partial == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8), (point, i)


_KINKED = ["relu", "absolute", "maximum", "minimum", "where", "less", "less_equal", "equal", "stop_gradient"]
SMOOTH = [name for name in NAMES if name not in ("add", "sub", "neg", *_KINKED)]


@pytest.mark.parametrize("name", SMOOTH)
def test_a_rule_recorded_on_values_has_the_right_derivative(name):
    """A rule is a formula like any other: on Values it is recorded, and its derivative is the second."""
    primitive = TABLE[name]
    for point in POINTS[name]:
        smallest = 0.1 if len(point) == 2 else 1e-9
        if not all(x == 0.0 or smallest < abs(x) < 15 for x in point):
            continue
        for i in range(len(point)):
            leaves = [Value(number) for number in point]
            y = primitive(*leaves)
            wanted = tuple(j == i for j in range(len(point)))
            first = primitive.partials_at(y, tuple(leaves), wanted)[i]
            if not isinstance(first, Value):
                continue
            first.backward()
            second = float(exact(name, point)[("x" if len(point) == 1 else "ab"[i]) * 2])
            # What cancels in the second derivative is of the size of the first, taken over again.
            scale = max(abs(second), abs(first.data), 1e-300)
            if math.isfinite(scale):
                assert leaves[i].grad == pytest.approx(second, rel=1e-12, abs=1e-13 * scale), (point, i)


@pytest.mark.parametrize("name", [name for name in NAMES if TABLE[name].textbook])
def test_the_textbook_form_equals_the_rule(name):
    primitive = TABLE[name]
    with mp.workdps(50):
        for point in POINTS[name]:
            numbers = [Exact(x) for x in point]
            if any(abs(x) > 100 or abs(x) == 1 for x in point):
                continue
            with mp.workdps(150):  # a textbook form may cancel where the rule does not
                y = primitive(*numbers)
                rules = [rule(y, *numbers) for rule in primitive.partials]
                textbook = [rule(y, *numbers) for rule in primitive.textbook]
            for rule, form in zip(rules, textbook):
                assert mp.almosteq(rule.number, form.number, rel_eps=mpf(10) ** -48), (point, rule, form)


# Choices at kinks, and at 0 for powers.


def test_the_derivative_at_a_kink_is_0():
    assert gradients(autograd.relu, (0.0,)) == gradients(autograd.relu, (-0.0,)) == [0.0]
    assert gradients(autograd.absolute, (0.0,)) == gradients(autograd.absolute, (-0.0,)) == [0.0]


@pytest.mark.parametrize("choose", [autograd.maximum, autograd.minimum])
def test_operands_that_tie_share_half_and_half(choose):
    assert gradients(choose, (2.0, 2.0)) == [0.5, 0.5]
    assert gradients(choose, (0.0, -0.0)) == [0.5, 0.5]
    x = Value(2.0)
    choose(x, x).backward()
    assert x.grad == 1.0


@pytest.mark.parametrize(
    ("a", "b", "by_base", "by_exponent"),
    [
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
        (0.0, 0.5, math.inf, 0.0),
        (0.0, -1.0, -math.inf, -math.inf),
        (5.0, 0.0, 0.0, math.log(5.0)),
        (-2.0, 2.0, -4.0, math.nan),
        (-2.0, -1.0, -0.25, math.nan),
    ],
)
def test_powers_are_differentiated_as_by_pytorch(a, b, by_base, by_exponent):
    by = gradients(autograd.pow, (a, b))
    assert same(by[0], by_base), by
    assert same(by[1], by_exponent), by


@pytest.mark.parametrize("b", [2.0**53, 2.0**53 + 2, 2.0**53 + 4, 2.0**54, 2.0**54 + 4, 2.0**60])
def test_one_less_than_an_even_exponent_is_odd_however_large_it_is(b):
    assert gradients(autograd.pow, (-1.0, b))[0] == -b
    assert autograd.grad(lambda a: a**b)(-1.0) == -b
    assert autograd.jit(autograd.grad(lambda a, b: a**b), engine="python")(-1.0, b) == -b


def test_the_derivative_of_a_power_by_its_base_at_0_is_the_same_traced():
    traced = autograd.jit(autograd.grad(lambda a, b: a**b), engine="python")
    assert (traced(0.0, 1.0), traced(0.0, 2.0), traced(0.0, 0.0)) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(("a", "b"), [(5e-324, 0.953), (5e-324, 0.959), (1e-300, 1.0285), (1e-300, 1.0305)])
def test_a_power_that_is_subnormal_has_an_exact_derivative_by_its_exponent(a, b):
    exact_one = mpf(a) ** mpf(b) * mp.log(mpf(a))
    assert 0.0 < a**b < 2.0**-1022 < abs(exact_one)
    for slope in (
        gradients(autograd.pow, (a, b))[1],
        autograd.jit(autograd.grad(lambda a, b: a**b, argnums=1), engine="python")(a, b),
    ):
        assert abs(mpf(slope) - exact_one) <= 4 * math.ulp(slope)


@pytest.mark.parametrize("scale", [5e-324, 2.0**-1030, 2.0**-1000, 1.0, 2.0**1000, 2.0**1017])
@pytest.mark.parametrize("triple", [(3, 4, 5), (5, 12, 13), (8, 15, 17), (20, 21, 29), (65, 72, 97)])
def test_the_sine_and_cosine_of_a_triangle_do_not_depend_on_its_size(scale, triple):
    a, b, c = triple
    assert gradients(autograd.hypot, (a * scale, b * scale)) == [a / c, b / c]
    traced = autograd.jit(autograd.grad(autograd.hypot, argnums=(0, 1)), engine="python")
    assert traced(a * scale, b * scale) == (a / c, b / c)


@pytest.mark.parametrize("x", [1.007801, 1.120645, 1.007479, 1.103635, 1.08767, 1.107864])
def test_acosh_makes_up_for_the_rounding_of_its_root(x):
    right = mp.acosh(mpf(x))
    assert abs(autograd.acosh(x) - right) <= 0.5 * math.ulp(right)
    traced = autograd.jit(autograd.acosh, engine="python")(x)
    assert abs(traced - right) <= 0.5 * math.ulp(right)


def test_a_hypotenuse_that_overflows_has_the_sine_and_cosine_of_its_triangle():
    a, b = 60 * 2.0**1018, 63 * 2.0**1018
    assert math.isinf(autograd.hypot(a, b))
    assert gradients(autograd.hypot, (a, b)) == [20 / 29, 21 / 29]


def test_a_constant_exponent_gives_no_nan():
    x = Value(-2.0)
    (x**3).backward()
    assert x.grad == 12.0


def test_the_partial_by_a_constant_is_never_evaluated():
    def refuse(y, a, b):
        raise AssertionError("the partial by a constant was evaluated")

    left = autograd.primitive("only_left", lambda a, b: a * b, (lambda y, a, b: b, refuse))
    x = Value(3.0)
    left(x, 2.0).backward()
    assert x.grad == 2.0


# where, comparisons, stop_gradient.


def test_where_hands_the_gradient_to_what_it_chose():
    assert gradients(autograd.where, (1.0, 5.0, 7.0)) == [0.0, 1.0, 0.0]
    assert gradients(autograd.where, (0.0, 5.0, 7.0)) == [0.0, 0.0, 1.0]


def test_where_takes_a_comparison_a_bool_and_an_array_for_its_condition():
    v = Value(2.0)
    assert autograd.where(v > 1, v, 0.0).data == 2.0
    assert autograd.where(np.bool_(False), v, 0.0).data == 0.0
    assert autograd.where(autograd.less(1.0, v), v, 0.0).data == 2.0
    y = np.array([-1.0, 2.0])
    assert autograd.where(y > 0, y, 0.0).tolist() == [0.0, 2.0]
    assert [entry.data for entry in autograd.where(y > 0, v, 0.0)] == [0.0, 2.0]


@pytest.mark.parametrize(("name", "results"), [("less", "100"), ("less_equal", "110"), ("equal", "010")])
def test_comparisons_are_0_or_1_with_derivative_0(name, results):
    compare = TABLE[name]
    for other, result in zip((2.0, 1.0, 0.0), map(float, results)):
        a, b = Value(1.0), Value(other)
        node = compare(a, b)
        node.backward()
        assert (node.data, a.grad, b.grad) == (result, 0.0, 0.0)
        assert compare(1.0, other) == result
        assert compare(np.array([1.0]), other).tolist() == [result]


def test_stop_gradient_passes_the_value_and_not_the_gradient():
    x = Value(3.0)
    (x * autograd.stop_gradient(x)).backward()
    assert x.grad == 3.0
    assert autograd.stop_gradient(2) == 2.0


@pytest.mark.parametrize(
    "stopped",
    [
        lambda x: autograd.stop_gradient(x.sqrt()),
        lambda x: autograd.less(x.log(), 1.0),
        lambda x: autograd.where(autograd.equal(1 / x, 0.0), 1.0, 0.0),
    ],
    ids=["stop_gradient", "less", "condition of where"],
)
def test_nothing_flows_past_a_stopped_gradient(stopped):
    x = Value(0.0)
    (x + stopped(x)).backward()
    assert x.grad == 1.0


def test_maximum_and_minimum_take_any_number_of_arguments():
    values = [Value(number) for number in (3.0, 7.0, 5.0, 1.0)]
    for choose, place in ((autograd.maximum, 1), (autograd.minimum, 3)):
        for value in values:
            value.grad = 0.0
        result = choose(*values)
        result.backward()
        assert result.data == values[place].data
        assert [value.grad for value in values] == [float(i == place) for i in range(4)]
        assert choose(3, 7.5, 5) == (7.5 if choose is autograd.maximum else 3.0)
        assert choose(np.array([1.0, 9.0]), 5.0, 6.0).tolist() == ([6.0, 9.0] if place == 1 else [1.0, 5.0])
        assert choose(values[0]) is values[0]


@pytest.mark.parametrize("choose", [autograd.maximum, autograd.minimum])
def test_a_single_argument_is_checked_as_any_other(choose):
    assert type(choose(3)) is float
    with pytest.raises(TypeError, match=choose.name):
        choose("a")


# Numbers and arrays.


@pytest.mark.parametrize(
    "number", [1, True, np.float32(1), np.int64(1), np.True_], ids=lambda number: type(number).__name__
)
def test_every_kind_of_number_is_computed_on_as_a_float(entry, number):
    args = [number] * entry.arity
    assert type(entry(*args)) is float
    assert same(entry(*args), entry(*[1.0] * entry.arity))


def test_arrays_are_mapped_element_by_element(entry):
    points = [*POINTS[entry.name], *[args for name, args, _ in CASES if name == entry.name]]
    results = entry(*[np.array(column) for column in zip(*points)])
    assert results.dtype == float
    for point, result in zip(points, results.tolist()):
        assert agree(result, entry(*point)), (point, result, entry(*point))


def test_arrays_keep_their_shape_and_broadcast(entry):
    shape = (2, 3)
    args = [np.full(shape, inside(entry)), *[np.full(3, 0.25), 1][: entry.arity - 1]]
    results = entry(*args)
    assert results.tolist() == [[results[0, 0]] * 3] * 2
    assert entry(*[np.zeros((0, 2))] * entry.arity).shape == (0, 2)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float32])
def test_arrays_of_every_real_kind_are_computed_on_as_float64(entry, dtype):
    results = entry(*[np.ones(2, dtype)] * entry.arity)
    assert results.dtype == np.float64
    np.testing.assert_array_equal(results, entry(*[np.ones(2)] * entry.arity))


def test_an_array_of_no_dimensions_gives_a_number(entry):
    number = inside(entry)
    assert agree(float(entry(*[np.array(number)] * entry.arity)), entry(*[number] * entry.arity))


def test_an_array_of_values_gives_an_array_of_values(entry):
    numbers = [inside(entry), inside(entry) + 0.25]
    values = np.array([Value(number) for number in numbers])
    nodes = entry(*[values] * entry.arity)
    assert nodes.dtype == object
    assert [node._operation for node in nodes] == [entry, entry]
    assert [node.data for node in nodes] == [entry(*[number] * entry.arity) for number in numbers]


def test_an_array_of_values_outside_the_domain_gives_no_warning():
    for primitive in (autograd.acosh, autograd.log, autograd.asin):
        assert math.isnan(primitive(np.array([Value(-2.0)]))[0].data)


def test_an_array_of_floats_beside_a_value_gives_an_array_of_values():
    v = Value(2.0)
    nodes = autograd.hypot(np.array([1.0, 3.0]), v)
    nodes[0].backward()
    assert [node.data for node in nodes] == [math.hypot(1, 2), math.hypot(3, 2)]
    assert v.grad == 2 / math.hypot(1, 2)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array(["2020-01-01"], "M8[D]")])
def test_an_array_of_anything_else_is_refused(entry, array):
    with pytest.raises(TypeError, match=f"an operand of {entry.name} must be real, got an array of dtype"):
        entry(*[array] * entry.arity)


@pytest.mark.parametrize("thing", ["a", None, 1j, {1.0}, object()], ids=lambda thing: type(thing).__name__)
def test_what_is_no_number_is_refused(entry, thing):
    described = f"an operand of {entry.name} must be a real number .* got {type(thing).__name__}"
    calls = [
        [thing] * entry.arity,
        [Value(1.0), *[thing] * (entry.arity - 1)],
        [thing, *[Value(1.0)] * entry.arity],
    ]
    for args in calls[: 1 if entry.arity == 1 else 3]:
        with pytest.raises(TypeError, match=described):
            entry(*args[: entry.arity])


def test_a_list_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"make it an array, sin\(np.array\(...\)\)"):
        autograd.sin([1.0, 2.0])


def test_the_wrong_number_of_arguments_is_refused(entry):
    if entry.folded:
        with pytest.raises(TypeError, match=f"{entry.name} takes at least 1 argument, got 0"):
            entry()
        return
    for args in ([], [1.0] * (entry.arity + 1), [Value(1.0)] * (entry.arity + 1)):
        expected = rf"{entry.name} takes {entry.arity} argument\(s\), got {len(args)}"
        with pytest.raises(TypeError, match=expected):
            entry(*args)
