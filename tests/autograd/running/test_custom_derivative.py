"""A function with a derivative of one's own: its rules, everywhere that a function can be used."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

from autograd import (
    Program,
    TracingError,
    Value,
    check_gradients,
    custom_derivative,
    detect_anomaly,
    draw,
    exp,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    log,
    log1p,
    maximum,
    minimum,
    scan,
    stop_gradient,
    trace,
    value_and_grad,
    vmap,
    where,
)
from autograd.engines import engine_names

ENGINES = engine_names()


@custom_derivative
def product_log(a):
    """Lambert's W: the x with x*exp(x) = a, by Newton's iteration."""
    x = log1p(a)
    for _ in range(20):
        x = x - (x - a * exp(-x)) / (1 + x)
    return x


@product_log.pull
def _(args, x, adjoint):
    return (adjoint / (exp(x) * (1 + x)),)


def derivatives_of_product_log(a):
    """The first three, by SciPy's value."""
    special = pytest.importorskip("scipy.special")
    w = special.lambertw(a).real
    first = math.exp(-w) / (1 + w)
    second = -math.exp(-2 * w) * (w + 2) / (1 + w) ** 3
    third = math.exp(-3 * w) * (2 * w * w + 8 * w + 9) / (1 + w) ** 5
    return w, first, second, third


@custom_derivative
def steep(p, q):
    """A structure of a structure; a rule for forward mode only."""
    return {"s": p["a"][0] * q[1], "v": np.array([p["a"][1], q[0]]) * p["b"]}


@steep.push
def _(args, _, tangents):
    (p, q), (dp, dq) = args, tangents
    first = np.array([dp["a"][1], dq[0]]) * p["b"]
    return {"s": dp["a"][0] * q[1] + p["a"][0] * dq[1], "v": first + np.array([p["a"][1], q[0]]) * dp["b"]}


P, Q = {"a": [1.0, 2.0], "b": 3.0}, (4.0, 5.0)


def loss(f):
    return lambda p, q: (f(p, q)["v"] ** 2).sum() * f(p, q)["s"]


@custom_derivative(external=True)
def integral(end, a):
    """The integral of exp(-a*t*t) from 0, by SciPy."""
    return _quad(lambda t: math.exp(-a * t * t), end)


@custom_derivative(external=True)
def moment(end, a):
    return _quad(lambda t: -t * t * math.exp(-a * t * t), end)


@integral.pull
def _(args, _, adjoint):
    end, a = args
    return adjoint * exp(-a * end * end), adjoint * moment(end, a)


def _quad(f, end):
    integrate = pytest.importorskip("scipy.integrate")
    return integrate.quad(f, 0.0, end, epsabs=1e-13, epsrel=1e-13)[0]


@custom_derivative
def rounded(x):
    """A step with the derivative of the identity: the straight-through estimator."""
    return where(x < 0.5, 0.0, 1.0)


@rounded.push
def _(_, __, tangents):
    return tangents[0]


@custom_derivative
def clipped(x):
    """The identity, whose gradient is clipped."""
    return x


@clipped.pull
def _(_, __, adjoint):
    return (maximum(minimum(adjoint, 1.0), -1.0),)


@custom_derivative
def log1pexp(x):
    return log(1 + exp(x))


@log1pexp.push
def _(args, _, tangents):
    return (1 - 1 / (1 + exp(args[0]))) * tangents[0]


def test_it_computes_what_the_function_does():
    assert product_log(1.0) == pytest.approx(0.5671432904097838, abs=1e-15)
    assert steep(P, Q) == {"s": 5.0, "v": pytest.approx([6.0, 12.0])}
    assert product_log(a=1) == product_log(1.0)
    assert type(product_log(1.0)) is float
    assert product_log.__name__ == "product_log"
    assert "Lambert" in product_log.__doc__


def test_derivatives_of_the_first_three_orders_come_from_the_rule():
    value, first, second, third = derivatives_of_product_log(1.3)
    assert product_log(1.3) == pytest.approx(value, rel=1e-15)
    a = Value(1.3)
    product_log(a).backward()
    assert a.grad == pytest.approx(first, rel=1e-14)
    assert grad(product_log)(1.3) == a.grad
    assert grad(grad(product_log))(1.3) == pytest.approx(second, rel=1e-13)
    assert grad(grad(grad(product_log)))(1.3) == pytest.approx(third, rel=1e-12)
    assert hvp(product_log, (1.3,), (2.0,)) == pytest.approx(2 * second, rel=1e-13)


def test_the_example_of_jax_has_no_nan():
    """`custom_jvp` of log(1 + exp(x)) at 100, from JAX's documentation."""
    assert math.isnan(grad(lambda x: log(1 + exp(x)))(1000.0))
    assert grad(log1pexp)(1000.0) == jvp(log1pexp, (1000.0,), (1.0,))[1] == 1.0
    assert grad(grad(log1pexp))(0.0) == pytest.approx(0.25, rel=1e-15)


def test_either_mode_follows_from_the_rule_of_the_other():
    _, first, _, _ = derivatives_of_product_log(1.3)
    assert jvp(product_log, (1.3,), (2.0,))[1] == pytest.approx(2 * first, rel=1e-14)
    plain = steep.function
    assert grad(loss(steep), (0, 1))(P, Q) == grad(loss(plain), (0, 1))(P, Q)
    assert str(jacobian(steep, (0, 1))(P, Q)) == str(jacobian(plain, (0, 1))(P, Q))
    assert hessian(loss(steep))(P, Q) == hessian(loss(plain))(P, Q)


def test_a_rule_that_is_not_linear_gives_no_other_mode():
    assert grad(lambda x: 5.0 * clipped(x))(2.0) == 1.0
    assert grad(lambda x: 0.5 * clipped(x))(2.0) == 0.5
    with pytest.raises(TypeError, match=r"pull of clipped is not linear.*@clipped\.push"):
        jvp(clipped, (2.0,), (1.0,))
    forward = custom_derivative(lambda x: x, pull=clipped.pull_rule, push=lambda a, y, tangents: tangents[0])
    assert jvp(forward, (2.0,), (3.0,)) == (2.0, 3.0)


def test_a_rule_is_not_asked_for_what_it_refuses_at_a_point_of_a_trace():
    @custom_derivative(external=True)
    def above_1(x):
        if x < 1.0:
            raise ArithmeticError("below 1")
        return x

    half_square = custom_derivative(lambda x: x * x / 2, pull=lambda args, _, d: (d * above_1(args[0]),))

    def twice(x):
        return scan(lambda c, _: (half_square(c), None), x, None, length=2)[0]

    along = jit(lambda x: jvp(twice, (x,), (1.0,))[1])
    assert along(3.0) == 3.0 * 4.5
    with pytest.raises(ArithmeticError, match="below 1"):
        along(0.5)


def test_a_straight_through_gradient():
    assert value_and_grad(lambda x: rounded(x) * x)(0.75) == (0.75, 1.75)
    assert not check_gradients(rounded, 0.75).passed  # as it should be


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_runs_it_and_its_derivatives(engine):
    for f, args in ((value_and_grad(product_log), (1.3,)), (grad(loss(steep), (0, 1)), (P, Q))):
        assert jit(f, engine)(*args) == f(*args)
    points = np.linspace(0.5, 2.0, 5)
    expected = [grad(product_log)(point) for point in points.tolist()]
    assert vmap(grad(product_log), engine=engine)(points) == pytest.approx(expected, rel=1e-14)


def in_a_loop(a):
    """An iteration that ends at 0.5671..., and the sum of its steps."""
    last, ys = scan(lambda x, h: (product_log(x * h), x), a, np.linspace(1.5, 2.5, 7))
    return last + ys.sum()


def in_python(a):
    total = 0.0
    for h in np.linspace(1.5, 2.5, 7).tolist():
        total, a = total + a, product_log(a * h)
    return a + total


@pytest.mark.parametrize("engine", ENGINES)
def test_it_works_in_loops_of_every_order(engine):
    assert jit(in_a_loop, engine)(1.3) == pytest.approx(in_python(1.3), rel=1e-15)
    derivative, plain = in_a_loop, in_python
    for _ in range(2):
        derivative, plain = grad(derivative), grad(plain)
        expected = plain(1.3)
        assert derivative(1.3) == pytest.approx(expected, rel=1e-13)
        assert jit(derivative, engine)(1.3) == pytest.approx(expected, rel=1e-13)
    assert jvp(in_a_loop, (1.3,), (1.0,))[1] == pytest.approx(grad(in_python)(1.3), rel=1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_code_from_outside_is_called_back(engine):
    value, gradient = value_and_grad(integral, (0, 1))(1.2, 0.7)
    root = math.sqrt(0.7)
    assert value == pytest.approx(math.sqrt(math.pi) / 2 / root * math.erf(root * 1.2), rel=1e-13)
    assert jit(value_and_grad(integral, (0, 1)), engine)(1.2, 0.7) == (value, gradient)
    assert vmap(integral, (0, None), engine=engine)(np.array([1.2, 1.2]), 0.7).tolist() == [value, value]

    def repeated(a):
        return scan(lambda x, _: (integral(1.0 + x, a), None), 0.0, None, length=3, engine=engine)[0]

    def in_turns(a):
        x = 0.0
        for _ in range(3):
            x = integral(1.0 + x, a)
        return x

    assert grad(repeated)(0.7) == pytest.approx(grad(in_turns)(0.7), rel=1e-13)
    with pytest.raises(TypeError, match=r"moment has no rule.*@moment\.push or @moment\.pull"):
        grad(grad(integral, 1), 1)(1.2, 0.7)


def test_code_from_outside_is_run_by_the_source(monkeypatch):
    source = trace(lambda a: integral(1.2, a) * a, 0.7).source
    namespace: dict = {}
    exec(source, namespace)
    assert namespace["program"](0.7) == (integral(1.2, 0.7) * 0.7,)


def test_code_from_outside_may_use_this_library_too():
    @custom_derivative(external=True, pull=lambda args, y, adjoint: (adjoint * 2.0,))
    def slope(x):
        square = Value(x, "x") ** 2
        square.backward()
        return float(grad(lambda v: v**2)(x)) + square.data - x**2

    assert slope(3.0) == 6.0
    for engine in ENGINES:
        assert jit(value_and_grad(slope), engine)(3.0) == (6.0, 2.0)
        assert vmap(slope, engine=engine)(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_what_raises_raises_through_compiled_code():
    @custom_derivative(external=True)
    def picky(x):
        if x > 2.0:
            raise ArithmeticError("too large")
        return x

    for engine in ENGINES:
        compiled = jit(picky, engine)
        assert compiled(1.0) == 1.0
        with pytest.raises(ArithmeticError, match="too large"):
            compiled(3.0)


def test_only_jit_freezes_what_it_closes_over():
    rate = 2.0
    scaled = custom_derivative(lambda x: rate * x, pull=lambda args, y, adjoint: (rate * adjoint,))
    points = np.array([1.0, 2.0])
    assert vmap(scaled)(points).tolist() == [2.0, 4.0]
    rate = 3.0
    assert vmap(scaled)(points).tolist() == [3.0, 6.0]
    assert scaled(1.0) == 3.0


def test_a_while_is_for_eager_code_unless_it_is_external():
    def halved(x):
        while x > 1.0:
            x = x / 2
        return x

    rule = {"pull": lambda args, y, adjoint: (adjoint * y / args[0],)}
    assert grad(custom_derivative(halved, **rule))(6.0) == 0.125
    with pytest.raises(TracingError, match="external=True"):
        jit(custom_derivative(halved, **rule))(6.0)
    assert jit(grad(custom_derivative(halved, **rule, external=True)))(6.0) == 0.125


def test_values_that_it_closes_over_are_refused():
    w = Value(3.0, "w")
    scaled = custom_derivative(lambda x: w * x, pull=lambda args, y, adjoint: (w * adjoint,))
    calls = [
        lambda: scaled(1.0),
        lambda: scaled(Value(1.0)),
        lambda: jit(scaled)(1.0),
        lambda: grad(scaled)(1.0),
        lambda: vmap(scaled)(np.ones(2)),
        lambda: grad(lambda v: custom_derivative(lambda x: v * x)(2.0))(1.0),
        lambda: jit(lambda v: custom_derivative(lambda x: v * x)(v))(1.0),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"closes over 1 Value.*make them arguments"):
            call()
    own = custom_derivative(lambda x: Value(2.0) * x, pull=lambda args, y, adjoint: (2.0 * adjoint,))
    assert own(3.0) == 6.0
    assert grad(own)(3.0) == 2.0


def test_a_rule_may_close_over_values():
    w = Value(3.0)
    scaled = custom_derivative(lambda x: 3.0 * x, pull=lambda args, y, adjoint: (w * adjoint,))
    x = Value(1.0)
    scaled(x).backward()
    assert x.grad == 3.0


def test_bad_rules_and_arguments_are_refused():
    def with_pull(answer):
        return custom_derivative(lambda x, y: x * y, pull=lambda args, result, adjoint: answer)

    with pytest.raises(TypeError, match="must return a tuple of 2"):
        grad(with_pull(1.0))(1.0, 2.0)
    with pytest.raises(TypeError, match="must return a tuple of 2"):
        grad(with_pull((1.0,)))(1.0, 2.0)
    with pytest.raises(TypeError, match="a derivative of argument 0's structure"):
        grad(with_pull(([1.0], None)))(1.0, 2.0)
    assert grad(with_pull((None, 2.0)), (0, 1))(1.0, 2.0) == (0.0, 2.0)
    pushed = custom_derivative(lambda x: [x, x], push=lambda args, result, tangents: tangents[0])
    with pytest.raises(TypeError, match="a derivative of the result's structure"):
        jvp(pushed, (1.0,), (1.0,))
    with pytest.raises(TypeError, match=r"an argument of product_log must be made of .*inside another"):
        product_log("1")
    with pytest.raises(TypeError, match="must return at least one number"):
        custom_derivative(lambda x: None)(1.0)
    with pytest.raises(TypeError, match="by position, got y by name"):
        custom_derivative(_by_name)(1.0, y=2.0)


def _by_name(x, *, y):
    return x * y


def test_defaults_and_keywords_are_arguments():
    @custom_derivative(pull=lambda args, y, adjoint: (adjoint * args[1], adjoint * args[0]))
    def scaled(x, factor=2.0):
        return x * factor

    assert scaled(3.0) == 6.0
    assert scaled(factor=4.0, x=3.0) == 12.0
    assert grad(lambda x: scaled(x))(3.0) == 2.0
    assert grad(lambda f: scaled(3.0, factor=f))(5.0) == 3.0


def test_a_wrong_rule_is_found():
    wrong = custom_derivative(product_log.function, pull=lambda args, y, adjoint: (adjoint * exp(-y),))
    report = check_gradients(wrong, 1.3)
    assert not report.passed
    for method in ("richardson", "central", "complex-step", "high-precision"):
        assert not check_gradients(wrong, 1.3, method=method).passed
        assert check_gradients(product_log, 1.3, method=method).passed
    in_turns = grad(lambda a: scan(lambda x, h: (log1pexp(x * h), x), a, np.linspace(1.5, 2.5, 7))[0])
    assert check_gradients(in_turns, 1.3).passed


def test_its_place_in_graphs_and_programs(tmp_path):
    a = Value(1.3, "a")
    y = product_log(a * 2.0)
    assert "product_log" in draw(y).source
    for again in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert again.data == y.data
    with pytest.raises(FloatingPointError, match=r"product_log\(z=-2\.0\) is nan"), detect_anomaly():
        product_log(Value(-2.0, "z"))
    program = trace(grad(grad(in_a_loop)), 1.3)
    assert pickle.loads(pickle.dumps(program))(1.3) == program(1.3)
    assert pickle.loads(pickle.dumps(product_log)) is product_log
    program.save(tmp_path / "loop.program")
    again = Program.load(tmp_path / "loop.program")
    assert str(again) == str(program)
    assert again(1.3) == program(1.3)
    printed = str(trace(product_log, 1.3))
    assert "t1 = product_log(a)" in printed
    assert "log1p(a)" in printed


def test_a_file_names_its_function(tmp_path):
    path = tmp_path / "custom.program"
    trace(lambda a: integral(a, 2.0) + steep(P, (a, 1.0))["s"], 1.0).save(path)
    assert Program.load(path)(1.5) == integral(1.5, 2.0) + 1.0
    text = path.read_text()
    for old, new in (
        (":integral", ":unknown"),
        ('"results": "*"', '"results": ["*", "*"]'),
        ('"arguments": {"tuple": ["*", "*"]}', '"arguments": ["*", "*"]'),
        ('"arguments": {"tuple": ["*", "*"]}', '"argument": {"tuple": ["*", "*"]}'),
    ):
        assert old in text
        path.write_text(_summed(text.replace(old, new)))
        with pytest.raises(ValueError, match=r"instructions\[\d\]"):
            Program.load(path)
    stacked = text.replace('["mul", [0, 4], [""]', '[{"stack": 2}, [0, 4], [""]')
    assert stacked != text
    path.write_text(_summed(stacked))
    with pytest.raises(ValueError, match=r"instructions\[\d\]\.operation\.outputs.*numbers, and no arrays"):
        Program.load(path)
    local = custom_derivative(lambda x: x)
    with pytest.raises(ValueError, match="at the top of a module"):
        trace(local, 1.0).save(path)


def _summed(text):
    import hashlib

    body = text[: text.rindex('"checksum"')]
    return f'{body}"checksum": "{hashlib.sha256(body.encode()).hexdigest()}"}}\n'


@pytest.mark.parametrize("method", ["high-precision", "richardson"])
def test_a_check_of_second_order_goes_through_the_rules(method):
    def checked(function, *point):
        return check_gradients(function, *point, order=2, method=method).passed

    by_pull = custom_derivative(
        lambda x: exp(x * x), pull=lambda args, y, adjoint: (2 * args[0] * y * adjoint,)
    )
    of_two = custom_derivative(
        lambda x, y: (exp(x * y), x * y),
        pull=lambda args, z, bars: (
            (bars[0] * z[0] + bars[1]) * args[1],
            (bars[0] * z[0] + bars[1]) * args[0],
        ),
    )
    by_push = custom_derivative(
        lambda x, y: exp(x * y),
        push=lambda args, z, tangents: z * (args[1] * tangents[0] + args[0] * tangents[1]),
    )
    wrong = custom_derivative(exp, pull=lambda args, y, adjoint: (adjoint * stop_gradient(y),))
    assert checked(by_pull, 0.6)
    assert checked(lambda x, y: of_two(x, y)[0] * of_two(y, x)[1], 0.3, 0.7)
    assert checked(by_push, 0.3, 0.7)
    assert not checked(wrong, 0.3)
