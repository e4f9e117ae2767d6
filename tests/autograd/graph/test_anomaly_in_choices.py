"""`detect_anomaly` passes over what no `where` selects, and names what one does; of arrays, too."""

import numpy as np
import pytest

from autograd import Value, array, detect_anomaly, grad, hessian, jit, jvp, less, log, sqrt, vmap, where
from autograd.engines import engine_names


def message_of(build) -> str:
    with pytest.raises(FloatingPointError) as caught, detect_anomaly():
        build()
    return str(caught.value)


def chosen(x):
    return where(less(0.0, x), 2.0 * log(x) + 1.0, where(less(x, -5.0), sqrt(x), x * x))


def test_what_no_choice_selects_is_no_anomaly():
    with detect_anomaly():
        x = Value(-1.0)
        chosen(x).backward()
        assert x.grad == grad(chosen)(-1.0) == jvp(chosen, (-1.0,), (1.0,))[1] == -2.0
        assert grad(grad(chosen))(-1.0) == hessian(lambda p: chosen(p[0]))([-1.0])[0][0] == 2.0
        for engine in engine_names():
            assert jit(grad(chosen), engine=engine)(-1.0) == -2.0
            assert jit(grad(grad(chosen)), engine=engine)(-1.0) == 2.0
            assert vmap(grad(chosen), engine=engine)(np.array([-1.0, 2.0])).tolist() == [-2.0, 1.0]
        root = where(less(0.0, Value(0.0)), sqrt(x * 0.0), x * x)
        root.backward()
        y = x.log()
        assert where(less(y, 0.0) + (y == y), y, 5.0).data == 5.0, "a nan was only compared"


def test_what_a_choice_selects_is_named_though_another_leaves_it_out():
    for run in (
        lambda: chosen(Value(-6.0)),
        lambda: chosen(Value(-6.0)).backward(),
        lambda: grad(chosen)(-6.0),
        lambda: jvp(chosen, (-6.0,), (1.0,)),
        lambda: jit(chosen, engine="python")(-6.0),
    ):
        assert message_of(run).startswith(("sqrt(-6.0) is nan", "sqrt(x=-6.0) is nan"))
    x = Value(-1.0)
    logarithm = "log(-1.0) is nan"
    assert message_of(lambda: [(y := log(x)), where(less(0.0, x), y, 0.0), y + 1.0]).startswith(logarithm)
    assert message_of(lambda: log(x)).startswith(logarithm)


def test_of_an_array_the_element_and_the_line_are_named():
    zeros = np.concatenate([np.ones(3), np.zeros(37)])
    logarithms = jit(lambda a: np.log(a).sum())  # the line
    message = message_of(lambda: np.log(array(np.array([1.0, 0.0]))))
    assert message.startswith("log(x0=0.0) is -inf in log, element 1, at ")
    assert "message_of(lambda: np.log(array" in message
    for argument in (zeros, array(zeros)):
        message = message_of(lambda: logarithms(argument))  # noqa: B023  called at once
        assert message.startswith("log(x0=0.0) is -inf in log, element 3, at ")
        assert message.endswith("# the line")
