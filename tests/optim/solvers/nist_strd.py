"""NIST's 27 reference problems of nonlinear regression: formulas, data, starts and certified values.

The data file beside says where they come from. Rat43's certified errors are those of 15 - 4 = 11 degrees of
freedom (the page says 9, which would be another number of parameters).
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from autograd import atan, cos, exp, sin

TURN = 2 * math.pi


def _cubics(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


def _peaks(x, b1, b2, b3, b4, b5, b6, b7, b8):
    return b1 * exp(-b2 * x) + b3 * exp(-((x - b4) ** 2) / b5**2) + b6 * exp(-((x - b7) ** 2) / b8**2)


def _decays(x, b1, b2, b3, b4, b5, b6):
    return b1 * exp(-b2 * x) + b3 * exp(-b4 * x) + b5 * exp(-b6 * x)


def _cycles(x, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    year, second, third = TURN * x / 12, TURN * x / b4, TURN * x / b7
    return (
        (b1 + b2 * cos(year) + b3 * sin(year))
        + (b5 * cos(second) + b6 * sin(second))
        + (b8 * cos(third) + b9 * sin(third))
    )


FORMULAS = {
    "Bennett5": lambda x, b1, b2, b3: b1 * (b2 + x) ** (-1 / b3),
    "BoxBOD": lambda x, b1, b2: b1 * (1 - exp(-b2 * x)),
    "Chwirut1": lambda x, b1, b2, b3: exp(-b1 * x) / (b2 + b3 * x),
    "Chwirut2": lambda x, b1, b2, b3: exp(-b1 * x) / (b2 + b3 * x),
    "DanWood": lambda x, b1, b2: b1 * x**b2,
    "ENSO": _cycles,
    "Eckerle4": lambda x, b1, b2, b3: (b1 / b2) * exp(-0.5 * ((x - b3) / b2) ** 2),
    "Gauss1": _peaks,
    "Gauss2": _peaks,
    "Gauss3": _peaks,
    "Hahn1": _cubics,
    "Kirby2": lambda x, b1, b2, b3, b4, b5: (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2),
    "Lanczos1": _decays,
    "Lanczos2": _decays,
    "Lanczos3": _decays,
    "MGH09": lambda x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4),
    "MGH10": lambda x, b1, b2, b3: b1 * exp(b2 / (x + b3)),
    "MGH17": lambda x, b1, b2, b3, b4, b5: b1 + b2 * exp(-x * b4) + b3 * exp(-x * b5),
    "Misra1a": lambda x, b1, b2: b1 * (1 - exp(-b2 * x)),
    "Misra1b": lambda x, b1, b2: b1 * (1 - (1 + b2 * x / 2) ** -2),
    "Misra1c": lambda x, b1, b2: b1 * (1 - (1 + 2 * b2 * x) ** -0.5),
    "Misra1d": lambda x, b1, b2: b1 * b2 * x / (1 + b2 * x),
    "Nelson": lambda x, b1, b2, b3: b1 - b2 * x[0] * exp(-b3 * x[1]),
    "Rat42": lambda x, b1, b2, b3: b1 / (1 + exp(b2 - b3 * x)),
    "Rat43": lambda x, b1, b2, b3, b4: b1 / (1 + exp(b2 - b3 * x)) ** (1 / b4),
    "Roszman1": lambda x, b1, b2, b3, b4: b1 - b2 * x - atan(b3 / (x - b4)) / math.pi,
    "Thurber": _cubics,
}


class Problem:
    """One of them.

    Attributes:
        f, x, y: the formula and the data, as `curve_fit` takes them.
        starts: the two starting points.
        certified: the parameters, to 11 digits.
        errors: their standard errors, to 11 digits.
        square: the residual sum of squares.
    """

    def __init__(self, name, record):
        self.name = name
        self.f = FORMULAS[name]
        self.x, self.y = np.array(record["x"], float), np.array(record["y"], float)
        if name == "Nelson":
            self.y = np.log(self.y)
        self.starts = record["starts"]
        self.certified, self.errors = np.array(record["certified"]), np.array(record["errors"])
        self.square = record["square"]

    def __str__(self):
        return self.name


_RECORDS = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))["problems"]
PROBLEMS = [Problem(name, record) for name, record in _RECORDS.items()]
