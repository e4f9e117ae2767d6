"""A reverse-mode scalar autodiff engine: write a formula for one sample, get its exact gradients."""

from typing import TYPE_CHECKING

from autograd.graph.anomaly import detect_anomaly
from autograd.primitives.table import (
    absolute, acos, acosh, add, asin, asinh, atan, atan2, atanh, cos, cosh, div, equal, erf, erfc, exp,
    expm1, hypot, less, less_equal, log, log1p, log2, log10, maximum, minimum, mul, neg, pow, relu,
    sigmoid, sin, sinh, softplus, sqrt, stop_gradient, sub, tan, tanh, where,
)  # fmt: skip
from autograd.programs.control.cond import cond, switch
from autograd.programs.control.while_loop import while_loop
from autograd.running.custom_derivative import custom_derivative
from autograd.running.fori_loop import fori_loop
from autograd.programs.loops.array import Array, array
from autograd.running.jit import jit
from autograd.running.vmap import vmap
from autograd.programs.program import Program, trace
from autograd.primitives.primitive import Primitive, all_primitives, primitive
from autograd.running.scan import scan
from autograd.graph.comparisons import logical_not
from autograd.graph.refusals import TracingError
from autograd.graph.scopes import scope
from autograd.derivatives.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.graph.value import Value
from autograd.support.later import later
from autograd import random
import autograd.notebooks  # noqa: F401  attaches what a notebook shows

# What checks, derives, draws and explains takes longer to import than all the rest.
__getattr__ = later(globals(), {
    "autograd.checking": ["check_gradients"],
    "autograd.derivation": ["Derivation", "derive"],
    "autograd.drawing": ["draw"],
    "autograd.comparing": ["Comparison", "compare"],
    "autograd.explaining": ["Explanation", "explain"],
})  # fmt: skip

if TYPE_CHECKING:
    from autograd.checking import check_gradients
    from autograd.derivation import Derivation, derive
    from autograd.drawing import draw
    from autograd.comparing import Comparison, compare
    from autograd.explaining import Explanation, explain

__all__ = [
    "Array", "Comparison", "Derivation", "Explanation", "Primitive", "Program", "TracingError", "Value",
    "absolute", "acos", "acosh", "add", "all_primitives", "array", "asin", "asinh", "atan", "atan2", "atanh",
    "check_gradients", "compare", "cond", "cos", "cosh", "custom_derivative", "derive", "detect_anomaly",
    "div", "draw", "equal", "erf", "erfc", "exp", "explain", "expm1", "fori_loop", "grad", "hessian", "hvp",
    "hypot", "jacobian", "jit", "jvp", "less", "less_equal", "log", "log10", "log1p", "log2", "logical_not",
    "maximum", "minimum", "mul", "neg", "pow", "primitive", "random", "relu", "scan", "scope", "sigmoid",
    "sin", "sinh", "softplus", "sqrt", "stop_gradient", "sub", "switch", "tan", "tanh", "trace",
    "value_and_grad", "vjp", "vmap", "where", "while_loop",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
