"""What all tests share: Hypothesis profiles, so that they are deterministic, a short stack, a count."""

import gc
import sys
import traceback

import pytest
from hypothesis import HealthCheck, settings

from autograd import Value

# The same examples in every run, here and in CI. `pytest --hypothesis-profile=explore` looks further.
_slow_machines = [HealthCheck.too_slow]
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=_slow_machines,
)
settings.register_profile("explore", deadline=None, max_examples=5_000, suppress_health_check=_slow_machines)
settings.load_profile("ci")


@pytest.fixture
def few_frames_left():
    """No more than 60 frames of stack beyond the test's own, so that recursion shows at once."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(traceback.extract_stack()) + 60)
    yield
    sys.setrecursionlimit(limit)


@pytest.fixture
def living_values():
    """A function that counts the Values in memory, while the garbage collector stands still."""
    gc.collect()
    gc.disable()
    yield lambda: sum(type(instance) is Value for instance in gc.get_objects())
    gc.enable()


def pytest_make_parametrize_id(config, val, argname):
    """A function as a parameter goes by its name: its address would differ between parallel workers."""
    return getattr(val, "__name__", argname) if " at 0x" in repr(val) else None


def pytest_collection_finish():
    """Thousands of tests and their modules stay until the end: the garbage collector need not walk them."""
    gc.freeze()
