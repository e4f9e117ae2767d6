"""Published time series."""

from __future__ import annotations

from importlib import resources

import numpy as np

from models.datasets import Array

__all__ = ["mark_pound"]


def mark_pound() -> Array:
    """The daily returns of the German mark against the British pound from 1984 to 1991, in percent.

    The 1,974 returns on which implementations of GARCH are compared.

    Returns:
        An array of shape (1974,).

    Source: T. Bollerslev and E. Ghysels, Periodic Autoregressive Conditional Heteroskedasticity, Journal of
    Business & Economic Statistics 14, 1996; the journal's data archive.

    >>> returns = mark_pound()
    >>> len(returns), round(float(returns.mean()), 6)
    (1974, -0.016427)
    """
    with resources.files("models").joinpath("mark_pound.txt").open("r", encoding="utf-8") as file:
        return np.loadtxt(file)
