"""Property tests: Hypothesis strategies of points, and of random formulas over the table of primitives.

A formula is a list of steps, each a primitive applied to inputs, constants and earlier results, so that
results are shared and used again. Every formula comes with a point, near which it is tame: no step is
close to a kink, a jump or the edge of its domain, and rounding errors stay small. That is learned from
the primitives' own answers, so a primitive of a user's own needs no description.

With `points` a model of one's own is tested at random arguments:

>>> from hypothesis import given
>>> from autograd import check_gradients, grad, sin
>>> def model(a, b):
...     return sin(a * b) / (1 + a**2)
>>> @given(points(2))
... def test_the_model_s_gradient_is_right(point):
...     assert check_gradients(model, *point), check_gradients(model, *point)
>>> test_the_model_s_gradient_is_right()

With `expressions` what works on formulas is: a transform, an optimizer, a drawing.

>>> def derivative_of_square(f):
...     return lambda *x: 2 * f(*x) * grad(f)(*x)
>>> @given(expressions())
... def test_the_square_s_derivative(expression):
...     gradient = grad(lambda *x: expression(*x) ** 2)(*expression.point)
...     expected = derivative_of_square(expression)(*expression.point)
...     assert abs(gradient - expected) <= 1e-13 * expression.stretch**2
>>> test_the_square_s_derivative()

With `looped_expressions` what works on loops is: they are recorded and compiled, and run in plain Python.

>>> from autograd import jit
>>> @given(looped_expressions())
... def test_compiled_loops_compute_what_python_does(expression):
...     assert jit(expression, "python")(*expression.point) == expression.in_python(*expression.point)
>>> test_compiled_loops_compute_what_python_does()
"""

from autograd.testing.random_formulas import TABLE, Expression, Step, expressions, points
from autograd.testing.random_loops import LoopedExpression, Repetition, looped_expressions

__all__ = [
    "TABLE",
    "Expression",
    "LoopedExpression",
    "Repetition",
    "Step",
    "expressions",
    "looped_expressions",
    "points",
]
