"""Optional packages: named, with the command that installs them, where they are missing."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["MissingExtraError", "require"]


class MissingExtraError(ModuleNotFoundError):
    """A package that only an optional extra installs is not there."""


def require(extra: str, *packages: str) -> None:
    """Check that an extra's packages can be imported; nothing is imported.

    Args:
        extra: the extra's name, as ``pip`` takes it.
        packages: the packages that are needed from it.

    Raises:
        MissingExtraError: one of them is missing; the message has the command that installs them.

    >>> require("plots", "numpy")
    >>> require("plots", "no_such_package")
    Traceback (most recent call last):
    autograd.support.extras.MissingExtraError: ...
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise MissingExtraError(
            f'{" and ".join(missing)} is not installed: run  pip install "valuegrad[{extra}]"'
        )
