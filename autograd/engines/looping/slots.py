"""What stands in the slots of a nest of loops: the names of numbers, and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["COUNT", "Along", "ArrayAt", "Slot", "UnknownLengthError"]

COUNT = "count"  # the key of what is as long as the first input says


class UnknownLengthError(ValueError):
    """Code has an array whose length cannot be known before it runs."""


class ArrayAt(NamedTuple):
    """An array.

    Attributes:
        address: the name of its address.
        length: the name of its length.
        key: equal for arrays that are as long: a number, or what tells where the length comes from.
    """

    address: str
    length: str
    key: Any


Slot = Any  # the name of a double, or an `ArrayAt`


class Along(NamedTuple):
    """What the steps of a loop have beside the carries.

    Attributes:
        columns: the addresses of the columns.
        shared: what all steps share.
        ys: the addresses of the arrays of ys.
    """

    columns: Sequence[str]
    shared: Sequence[Slot]
    ys: Sequence[str]
