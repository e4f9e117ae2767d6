"""What stands in the slots of a nest of loops: the names of numbers, and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd.engines.looping.lengths import Key

__all__ = ["Along", "ArrayAt", "Slot"]


class ArrayAt(NamedTuple):
    """An array.

    Attributes:
        address: the name of its address.
        key: its length: see `lengths`.
        stride: how many doubles it is from one element to the next.
    """

    address: str
    key: Key
    stride: int = 1


Slot = Any  # the name of a double, or an `ArrayAt`


class Along(NamedTuple):
    """What the steps of a loop have beside the carries.

    Attributes:
        columns: the columns.
        shared: what all steps share.
        ys: the addresses of the arrays of ys.
    """

    columns: Sequence[ArrayAt]
    shared: Sequence[Slot]
    ys: Sequence[str]
