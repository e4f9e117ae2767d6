"""Expressions in LaTeX, in what MathJax, KaTeX and LaTeX itself all understand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograd.derivation.expressions import Applied, Derivative, Numeral, Power, Slope, Symbol, Symbolic
from autograd.derivation.text import TextWriter, comparison, is_comparison
from autograd.primitives import table
from autograd.primitives.notation import Binding

__all__ = ["LatexWriter", "latex", "latex_name"]

_FUNCTIONS = {
    "exp": r"\exp", "log": r"\log", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh",
    "cosh": r"\cosh", "tanh": r"\tanh", "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan",
    "maximum": r"\max", "minimum": r"\min", "sigmoid": r"\sigma", "log2": r"\log_2", "log10": r"\log_{10}",
}  # fmt: skip
_SIGNS = {"<": "<", ">": ">", "<=": r"\le", ">=": r"\ge", "==": "="}
_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta",
    "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
}  # fmt: skip
_ESCAPES = {sign: "\\" + sign for sign in "_#$%&{}"} | {"\\": r"\backslash ", "^": r"\hat{}", "~": r"\sim "}


class LatexWriter(TextWriter):
    r"""Writes ``-\frac{2 (y - p) x}{r}``."""

    def written(self, expression: Symbolic) -> tuple[str, Binding]:
        written, binding = super().written(expression)
        is_open = (
            isinstance(expression, Applied) and expression.primitive is table.where
        )  # has no right brace
        return written, Binding.SUM if is_open else binding

    def enclosed(self, written: str, left: str = "(", right: str = ")") -> str:
        tall = r"\frac" in written or r"\begin" in written
        return rf"\left{left}{written}\right{right}" if tall else f"{left}{written}{right}"

    def symbol(self, symbol: Symbol) -> str:
        return r"\infty" if symbol.name == "inf" else latex_name(symbol.name)

    def derivative(self, derivative: Derivative) -> str:
        sign = r"\partial " if derivative.partial else "d"
        return rf"\frac{{{sign}{latex_name(derivative.of)}}}{{{sign}{latex_name(derivative.by)}}}"

    def chain(self, parts: Sequence[Symbolic]) -> str:
        return r" \cdot ".join(self.within(Binding.PRODUCT, part) for part in parts)

    def comparison(self, left: Symbolic, sign: str, right: Symbolic) -> tuple[str, Binding]:
        return self.enclosed(self._compared(left, sign, right), "[", "]"), Binding.ATOM

    def call(self, call: Applied | Slope) -> str:
        primitive, args = call.primitive, call.args
        if isinstance(call, Slope):
            name = _upright(primitive.name)
            head = f"{name}'" if len(args) == 1 else rf"\partial_{{{call.place + 1}}} {name}"
            return head + self._arguments(args)
        if primitive is table.sqrt:
            return rf"\sqrt{{{self.write(*args)}}}"
        if primitive is table.absolute:
            return self.enclosed(self.write(*args), "|", "|")
        if primitive is table.where:
            condition, chosen, other = args
            return (
                rf"\begin{{cases}} {self.write(chosen)} & \text{{if }} {self._condition(condition)} \\ "
                rf"{self.write(other)} & \text{{otherwise}} \end{{cases}}"
            )
        return _FUNCTIONS.get(primitive.name, _upright(primitive.name)) + self._arguments(args)

    def power(self, power: Power) -> str:
        base, exponent = power.base, self.write(power.exponent)
        if isinstance(base, Applied) and base.primitive.name in _FUNCTIONS and exponent.isdigit():
            return f"{_FUNCTIONS[base.primitive.name]}^{{{exponent}}}{self._arguments(base.args)}"
        if isinstance(base, Numeral) and "e" in base.decimal:  # its power of ten can have no other
            return f"{self.enclosed(self.write(base))}^{{{exponent}}}"
        return f"{self.within(Binding.ATOM, base)}^{{{exponent}}}"

    def number(self, number: Numeral) -> str:
        digits, _, exponent = number.decimal.partition("e")
        return digits + (rf" \cdot 10^{{{int(exponent)}}}" if exponent else "")

    def quotient(self, above: Sequence[Symbolic], below: Sequence[Symbolic]) -> str:
        if not below:
            return self._product(above)
        return rf"\frac{{{self._alone(above)}}}{{{self._alone(below)}}}"

    def _alone(self, factors: Sequence[Symbolic]) -> str:
        """Factors that have a place for themselves: a single one needs no parentheses there."""
        return self.write(*factors) if len(factors) == 1 else self._product(factors)

    def _product(self, factors: Sequence[Symbolic]) -> str:
        """Factors side by side, with a dot between those that would be read as one."""
        first, *rest = [self.within(Binding.POWER, part) for part in factors]
        written, before = first, first
        for factor in rest:
            written += (r" \cdot " if _run_together(before, factor) else " ") + factor
            before = factor
        return written

    def _arguments(self, args: Sequence[Symbolic]) -> str:
        return self.enclosed(", ".join(map(self.write, args)))

    def _condition(self, expression: Symbolic) -> str:
        """A comparison that stands alone."""
        if isinstance(expression, Applied) and is_comparison(expression):
            return self._compared(*comparison(expression))
        return rf"{self.write(expression)} \ne 0"

    def _compared(self, left: Symbolic, sign: str, right: Symbolic) -> str:
        return f"{self.write(left)} {_SIGNS[sign]} {self.write(right)}"


def _run_together(before: str, after: str) -> bool:
    """Whether two factors need a sign between them: before a digit, and next to a word."""
    if before.startswith(r"\mathrm") or after[0].isdigit():
        return True
    return after.startswith(r"\mathrm") and not before[0].isdigit()


def latex(expression: Symbolic) -> str:
    r"""An expression in math mode.

    >>> u, w = Symbol("u"), Symbol("w1")
    >>> print(latex(-3 * (1 - u**2) / w), latex(Derivative("L", "w1")))
    -\frac{3 (1 - u^{2})}{w_{1}} \frac{dL}{dw_{1}}
    """
    return LatexWriter().write(expression)


_PARTS = re.compile(
    r"(?P<stem>[^\W\d_]+)_?(?P<digits>\d*)(?P<primes>'*)(?P<indices>(\[[^\]]*\])*)(?P<more>'*)"
)


def latex_name(name: str) -> str:
    r"""A name: a letter in italics, a word upright, Greek as such, numbers and indices lowered.

    >>> print(latex_name("w1"), latex_name("p['a'][0]"), latex_name("alpha"), latex_name("y'"))
    w_{1} p_{\mathrm{a},0} \alpha y'
    """
    parts = _PARTS.fullmatch(name)
    if parts is None:
        return _upright(name)
    stem = parts["stem"]
    base = rf"\{stem}" if stem in _GREEK else stem if len(stem) == 1 else _upright(stem)
    lowered = [parts["digits"], *(index.strip() for index in re.split(r"[\[\],]+", parts["indices"]))]
    indices = ",".join(part if part.isdigit() else _upright(part.strip("'")) for part in lowered if part)
    return base + (f"_{{{indices}}}" if indices else "") + parts["primes"] + parts["more"]


def _upright(word: str) -> str:
    return rf"\mathrm{{{''.join(_ESCAPES.get(letter, letter) for letter in word)}}}"
