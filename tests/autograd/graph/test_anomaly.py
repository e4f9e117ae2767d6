"""`detect_anomaly`: a nan or an inf is found where it is born, with the line that wrote it."""

import contextvars
import importlib
import inspect
import linecache
import math
import threading

import numpy as np
import pytest

from autograd import (
    Value,
    detect_anomaly,
    exp,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    log,
    primitive,
    scan,
    sqrt,
    stop_gradient,
    trace,
    vjp,
    vmap,
    where,
)
from autograd.engines import engine_names
from autograd.graph import context as contexts
from autograd.support.user_line import user_line
from optim import SGD, fit


def this_line(back: int = 0) -> str:
    """The caller's file and line, as a message names them."""
    frame = inspect.currentframe().f_back
    return f"{__file__}:{frame.f_lineno - back}"


def message_of(build) -> str:
    """What is raised while a formula is computed."""
    with pytest.raises(FloatingPointError) as caught, detect_anomaly(), np.errstate(over="ignore"):
        build()
    return str(caught.value)


def test_the_line_is_the_one_that_asks_where_nothing_of_the_package_is_between():
    line = user_line()
    assert (line.file, line.text) == (__file__, "line = user_line()")
    assert str(line) == f"{this_line(back=2)}: line = user_line()"


# Forward.


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Value(0.0, "x").log(), "log(x=0.0) is -inf"),
        (lambda: Value(-1.0, "x").sqrt(), "sqrt(x=-1.0) is nan"),
        (lambda: Value(1000.0).exp(), "exp(1000.0) is inf"),
        (lambda: 1 / Value(0.0, "d"), "div(1.0, d=0.0) is inf"),
        (lambda: Value(0.0, "n") / Value(0.0, "d"), "div(n=0.0, d=0.0) is nan"),
        (lambda: Value(1e200, "a") * 1e200, "mul(a=1e+200, 1e+200) is inf"),
        (lambda: Value(-8.0) ** (1 / 3), "pow(-8.0, 0.3333333333333333) is nan"),
        (lambda: where(Value(1.0), Value(1e308) * 10, 0.0), "mul(1e+308, 10.0) is inf"),
        (lambda: np.array([Value(1e308), Value(1e308)]) @ np.ones(2), "add(1e+308, 1e+308) is inf"),
    ],
)
def test_the_operation_and_its_inputs_are_named(build, named):
    assert message_of(build).startswith(f"{named}, at {__file__}:")


def test_a_primitive_of_a_users_own_is_checked():
    inverse = primitive("inverse_of", lambda x: 1 / x, lambda y, x: (-y * y,))
    assert message_of(lambda: inverse(Value(0.0))).startswith("inverse_of(0.0) is inf")


def test_the_line_of_the_users_code_is_named():
    x = Value(0.0, "x")

    def formula():
        y = x + 1
        return y * x.log()

    message = message_of(formula)
    _, number = inspect.getsourcelines(formula)
    assert message.endswith(f"at {__file__}:{number + 2}: return y * x.log()")


def test_the_line_of_the_users_code_is_named_though_numpy_stands_between():
    a = np.array([Value(1e308), Value(1e308)])
    for reduce in (lambda: a.sum(), lambda: a.mean(), lambda: np.sum(a)):
        assert f"at {__file__}:" in message_of(reduce)


def test_what_was_put_in_is_not_born_there():
    with detect_anomaly():
        x, y = Value(math.nan), Value(math.inf)
        assert math.isnan((x * 2 + 1).data)
        assert (y * 2).data == math.inf
        assert (1 / y).data == 0.0


def test_a_nan_of_infinities_is_born():
    x = Value(math.inf, "x")
    assert message_of(lambda: x - x).startswith("sub(x=inf, x=inf) is nan")


def test_good_formulas_go_through_and_give_the_same():
    def run() -> tuple[float, float]:
        x = Value(0.5)
        y = (x.sin() * x + x.exp()).log() ** 2
        y.backward()
        return y.data, x.grad

    with detect_anomaly():
        watched = run()
    assert watched == run()


# Backward.


def test_a_gradient_born_infinite_names_operation_inputs_and_line():
    with detect_anomaly():
        x = Value(0.0, "x")
        y = x.sqrt()
        recorded = this_line(back=1)
        with pytest.raises(FloatingPointError) as caught:
            y.backward()
    assert str(caught.value) == (
        "backward through sqrt(x=0.0) = 0.0 hands a gradient of inf to x=0.0, having received 1.0, "
        f"recorded at {recorded}: y = x.sqrt()"
    )


def test_a_gradient_that_overflows_is_found():
    with detect_anomaly():
        x = Value(1e-300, "x")
        y = (x * 1e200) * 1e200
        with pytest.raises(
            FloatingPointError, match=r"mul\(x=1e-300, 1e\+200\) .* gradient of inf to x=1e-300"
        ):
            y.backward()


def test_gradients_that_overflow_only_together_are_found():
    def f(x):
        return x * 1.5e308 + x * 1e308

    message = r"^the gradients handed to (x=)?1e-09 add up to inf, with 1(.5)?e\+308 from mul"
    with detect_anomaly():
        y = f(Value(1e-9))
        with pytest.raises(FloatingPointError, match=message):
            y.backward()
        with pytest.raises(FloatingPointError, match=message):
            grad(f)(1e-9)


def test_a_graph_recorded_outside_is_checked_too():
    x = Value(0.0, "x")
    y = x.sqrt()
    with (
        detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"backward through sqrt\(x=0.0\)") as caught,
    ):
        y.backward()
    assert "recorded at" not in str(caught.value)


def test_a_wrong_rule_of_a_users_own_is_found():
    wrong = primitive("wrong_at_0", lambda x: x, lambda y, x: (1 / x,))
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"backward through wrong_at_0\(0.0\)"):
        wrong(Value(0.0)).backward()


def test_a_sum_of_gradients_that_overflows_is_found():
    with detect_anomaly():
        x = Value(1e-10, "x")
        y = 1e308 * x + 1e308 * x
        with pytest.raises(FloatingPointError, match="x=1e-10"):
            y.backward()


def test_what_no_gradient_reaches_is_no_anomaly():
    with detect_anomaly():
        x = Value(0.0)
        (x + stop_gradient(x.sqrt())).backward()
        assert x.grad == 1.0


def test_a_gradient_that_was_put_in_infinite_is_no_sum_that_overflows():
    with detect_anomaly():
        x = Value(1.0)
        x.grad = math.inf
        (x * 2).backward()
        assert x.grad == math.inf


# Transforms.


def rooted(x):
    shifted = x - 1
    return sqrt(shifted) ** 3


ROOT_LINE = f"{__file__}:{inspect.getsourcelines(rooted)[1] + 2}: return sqrt(shifted) ** 3"


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: grad(sqrt)(0.0), "backward through sqrt(0.0) = 0.0 hands a gradient of inf to 0.0"),
        (lambda: grad(rooted)(1.0), "backward through sqrt(0.0) = 0.0 hands a gradient of nan to 0.0"),
        (lambda: vjp(rooted, 1.0)[1](1.0), "backward through sqrt(0.0) = 0.0 hands a gradient of nan"),
        (lambda: jacobian(lambda x: [rooted(x), x])(1.0), "forward through sqrt(0.0) = 0.0 gives a tangent"),
        (
            lambda: jvp(rooted, (1.0,), (2.0,)),
            "forward through sqrt(0.0) = 0.0 gives a tangent of inf, having received 2.0",
        ),
        (lambda: grad(grad(rooted))(1.0), "backward through sqrt(0.0) = 0.0 hands a gradient of nan"),
        (lambda: grad(rooted)(Value(1.0, "x")), "backward through sqrt(0.0) = 0.0 hands a gradient of nan"),
        (lambda: hvp(rooted, (1.0,), (1.0,)), "backward through sqrt(0.0) = 0.0 hands a gradient of nan"),
        (lambda: hessian(rooted)(1.0), "backward through sqrt(0.0) = 0.0 hands a gradient of nan"),
    ],
)  # fmt: skip
def test_a_derivative_is_checked_whichever_transform_takes_it(build, words):
    message = message_of(build)
    assert message.startswith(words)
    assert "gradient of inf" in message or message.endswith(f"recorded at {ROOT_LINE}")


def test_a_derivative_of_a_derivative_belongs_to_the_line_of_the_formula():
    def power(x):
        return x**1.5

    _, number = inspect.getsourcelines(power)
    assert message_of(lambda: grad(grad(power))(0.0)) == (
        "backward through pow(0.0, 0.5) = 0.0 hands a gradient of inf to 0.0, having received 1.5, "
        f"recorded at {__file__}:{number + 1}: return x**1.5"
    )


def test_what_a_rule_does_not_choose_is_no_anomaly():
    def power(a, b):
        return a**b

    with detect_anomaly():
        assert grad(power, (0, 1))(0.0, 2.0) == (0.0, 0.0), "log(0) is not chosen"
        assert hessian(lambda x: power(x[0], x[1]) + x[0] ** 2)([1.0, 2.0]) == [[4.0, 1.0], [1.0, 0.0]]
        a, b = Value(0.0), Value(2.0)
        assert [derivative.data for derivative in grad(power, (0, 1))(a, b)] == [0.0, 0.0]


def test_after_a_derivative_was_refused_operations_are_checked_as_before():
    with detect_anomaly():
        with pytest.raises(FloatingPointError):
            grad(grad(rooted))(1.0)
        with pytest.raises(FloatingPointError, match=r"log\(0.0\)"):
            Value(0.0).log().backward()


# Contexts.


def test_outside_of_the_context_nothing_is_raised():
    with detect_anomaly():
        pass
    Value(0.0).log().backward()
    assert contexts.active == 0


def test_the_context_ends_with_the_exception():
    with pytest.raises(FloatingPointError), detect_anomaly():
        Value(0.0).log()
    assert Value(0.0).log().data == -math.inf
    assert (contexts.active, vars(contexts.current())) == (0, {})


def test_contexts_nest():
    with detect_anomaly():
        with pytest.raises(FloatingPointError), detect_anomaly():
            Value(0.0).log().backward()
        with pytest.raises(FloatingPointError):
            Value(0.0).log().backward()
    assert Value(0.0).log().data == -math.inf


def in_thread(function, context=None) -> object:
    results = []
    run = function if context is None else lambda: context.run(function)
    thread = threading.Thread(target=lambda: results.append(run()))
    thread.start()
    thread.join()
    return results[0]


def test_another_thread_is_not_in_the_context():
    with detect_anomaly():
        assert in_thread(lambda: Value(0.0).log().data) == -math.inf
        with pytest.raises(FloatingPointError):
            Value(0.0).log().backward()


def test_a_context_of_another_thread_does_not_reach_here():
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with detect_anomaly():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    try:
        assert Value(0.0).log().data == -math.inf
        assert math.isinf(in_thread(lambda: Value(0.0).log().data))
    finally:
        leave.set()
        thread.join()


def test_a_context_can_be_handed_on_to_a_thread():
    def caught():
        with pytest.raises(FloatingPointError):
            Value(0.0).log().backward()
        return True

    with detect_anomaly():
        assert in_thread(caught, contextvars.copy_context())


# Programs.


def shifted_log(x):
    y = x + 1
    return y * log(x)


LOG_LINE = f"{__file__}:{inspect.getsourcelines(shifted_log)[1] + 2}: return y * log(x)"


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda engine: jit(shifted_log, engine=engine)(0.0), "log(x=0.0) is -inf in shifted_log"),
        (
            lambda engine: jit(grad(shifted_log), engine=engine)(0.0),
            "div(1.0, x=0.0) is inf in gradient_of_shifted_log",
        ),
        (
            lambda engine: vmap(shifted_log, engine=engine)(np.array([1.0, -0.5, 2.0])),
            "log(x=-0.5) is nan in shifted_log, sample 1",
        ),
        (
            lambda engine: vmap(shifted_log, reduce="mean", engine=engine)(np.array([1.0, 2.0, 0.0])),
            "log(x=0.0) is -inf in shifted_log, sample 2",
        ),
        (
            lambda engine: scan(
                lambda c, x: (c * shifted_log(x), c), 1.0, np.array([1.0, 0.0, 2.0]), engine=engine
            ),
            "log(x=0.0) is -inf in <lambda>, step 1",
        ),
        (
            lambda engine: scan(
                lambda c, x: (c - scan(lambda t, _: (t + shifted_log(x), t), 0.0, None, length=2)[0], c),
                1.0, np.arange(4.0, -1.0, -1.0), engine=engine,
            ),
            "log(x=0.0) is -inf in <lambda>, step 4, step 0",
        ),
    ],
)  # fmt: skip
def test_a_compiled_run_names_the_operation_its_operands_and_the_line(engine, run, words):
    with detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        run(engine)
    message = str(caught.value)
    assert message.startswith(words)
    assert LOG_LINE in message or "log(total)" in message


@pytest.mark.parametrize("engine", engine_names())
def test_a_formula_from_elsewhere_has_its_own_line(engine, tmp_path, monkeypatch):
    """From another file; from a notebook's cell, whose text linecache has; from a lambda."""
    text = "from autograd import log\n\n\ndef far(x):\n    return log(x) * 2\n"
    (tmp_path / f"formulas_of_{engine}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    far = importlib.import_module(f"formulas_of_{engine}").far
    cell = "<ipython-input-7-0123456789ab>"
    monkeypatch.setitem(linecache.cache, cell, (len(text), None, text.splitlines(keepends=True), cell))
    names = {}
    exec(compile(text, cell, "exec"), names)
    short = lambda x: log(x) * 2  # noqa: E731
    for formula, place in (
        (far, f"{far.__code__.co_filename}:5: return log(x) * 2"),
        (names["far"], f"{cell}:5: return log(x) * 2"),
        (short, f"{__file__}:{inspect.getsourcelines(short)[1]}: short = lambda x: log(x) * 2"),
    ):
        for run in (
            lambda f: jit(f, engine=engine)(0.0),
            lambda f: vmap(f, engine=engine)(np.zeros(2)),
            lambda f: jit(grad(grad(f)), engine=engine)(0.0),
            lambda f: f(Value(0.0)),
        ):
            assert f"at {place}" in message_of(lambda: run(formula))  # noqa: B023


@pytest.mark.parametrize("engine", engine_names())
def test_a_primitive_of_a_users_own_is_named_in_compiled_runs(engine):
    inverse = primitive("inverse_of", lambda x: 1 / x, lambda y, x: (-y * y,))
    assert "inverse_of(x=0.0) is inf" in message_of(lambda: jit(lambda x: inverse(x), engine=engine)(0.0))


@pytest.mark.parametrize("engine", [*engine_names(), "eager"])
def test_a_birth_in_a_training_is_found(engine):
    x = np.array([1.0, 0.0])
    message = message_of(
        lambda: fit(lambda w, x: log(w * x), 1.0, (x,), SGD(lr=0.1), 1, engine=engine)  # the line
    )
    assert "is inf" in message or "log(0.0) is -inf" in message
    assert message.endswith("# the line")


@pytest.mark.parametrize("engine", engine_names())
def test_a_sum_over_samples_that_overflows_is_found(engine):
    def large(x):
        return x * 1e307

    message = message_of(lambda: vmap(large, reduce="sum", engine=engine)(np.full(20, 1.0)))
    assert message == "the results of large add up to inf, with 1e+307 of sample 17"


def test_a_program_names_them_too():
    program = trace(shifted_log, 1.0)
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"log\(x=0.0\) is -inf in shifted_log"):
        program(0.0)
    assert program(0.0) == -math.inf, "outside the context it is a number like any other"


def test_the_first_birth_of_several_is_named():
    def difference(x):
        big = exp(x)
        return big - big * x

    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"exp\(x=1000.0\) is inf"):
        jit(difference, engine="python")(1000.0)


def test_what_a_program_leaves_out_or_was_given_is_not_born():
    masked = jit(grad(lambda a, b: a**b, (0, 1)), engine="python")
    with detect_anomaly():
        assert masked(0.0, 2.0) == (0.0, 0.0), "log(0) is not chosen"
        assert jit(lambda x: x + 1, engine="python")(math.inf) == math.inf
        assert math.isnan(jit(shifted_log, engine="python")(math.nan))
        assert vmap(lambda x: x * 2, engine="python")(np.array([math.nan, 1.0]))[1] == 2.0


def test_numbers_of_a_trace_do_not_matter():
    with detect_anomaly():
        assert trace(shifted_log, 0.0)(1.0) == 0.0


def test_a_program_names_its_own_results_by_their_labels():
    def f(x):
        difference = x - x
        difference.label = "difference"
        return difference.log()

    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"log\(difference=0\.0\) is -inf in f"):
        trace(f, 1.0)(2.0)


@pytest.mark.parametrize(("at", "words"), [(2.0, r"log\(0\.0\) is -inf"), (-2.0, r"log\(-1\.0\) is nan")])
def test_of_two_births_a_program_names_the_one_that_was_chosen(at, words):
    program = trace(lambda x: where(x > 0, (x - x).log(), (x - x - 1).log()), 1.0)
    with detect_anomaly(), pytest.raises(FloatingPointError, match=words):
        program(at)
