"""Published series: all of each, as it was published."""

import numpy as np
import pytest

from models.series import mark_pound


def test_the_returns_are_those_of_the_archive():
    returns = mark_pound()
    assert len(returns) == 1974
    assert returns.mean() == pytest.approx(-0.0164268, abs=1e-7)
    assert returns.std(ddof=1) == pytest.approx(0.470244, abs=1e-6)
    assert (returns[0], returns[-1]) == (0.12533286, 0.52804687)


def test_each_call_gives_an_array_of_its_own():
    mark_pound()[0] = np.nan
    assert np.isfinite(mark_pound()).all()
