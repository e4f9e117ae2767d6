"""What operations on whole arrays do to flat lists of any numbers; generated source carries these functions.

An array of any rank is the flat list of its elements, the last axis running fastest. Each function stands by
itself, and takes the settings of the operation of its name after its operands.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

__all__ = ["NAMES", "definition"]


def gather(array: Any, unit: Any, offset: Any, shape: Any, strides: Any) -> Any:
    places = [offset]
    for length, stride in zip(shape, strides):
        places = [place + i * stride for place in places for i in range(length)]
    return [array[begin + place] for begin in range(0, len(array), unit) for place in places]


def scatter(array: Any, unit: Any, offset: Any, shape: Any, strides: Any) -> Any:
    places = [offset]
    for length, stride in zip(shape, strides):
        places = [place + i * stride for place in places for i in range(length)]
    result = [0.0] * (len(array) // len(places) * unit)
    for at in range(len(array)):
        place = at // len(places) * unit + places[at % len(places)]
        result[place] = result[place] + array[at]
    return result


def rows(array: Any, start: Any, stop: Any, step: Any, unit: Any) -> Any:
    chosen = range(len(array) // unit)[start:stop:step]
    return [array[row * unit + i] for row in chosen for i in range(unit)]


def put_rows(array: Any, like: Any, start: Any, stop: Any, step: Any, unit: Any) -> Any:
    result = [0.0] * len(like)
    for at, row in enumerate(range(len(like) // unit)[start:stop:step]):
        result[row * unit : (row + 1) * unit] = array[at * unit : (at + 1) * unit]
    return result


def sum_rows(array: Any, unit: Any) -> Any:
    result = [0.0] * unit
    for at in range(len(array)):
        result[at % unit] = result[at % unit] + array[at]
    return result


def spread_rows(array: Any, like: Any, unit: Any) -> Any:
    return list(array) * (len(like) // unit)


def join(units: Any, *arrays: Any) -> Any:
    count = len(arrays[0]) // units[0] if units[0] else 1
    widths = [unit or len(array) for array, unit in zip(arrays, units)]
    return [
        array[row * width + i]
        for row in range(count)
        for array, width in zip(arrays, widths)
        for i in range(width)
    ]


def part(index: Any, units: Any, array: Any, *arrays: Any) -> Any:
    widths = [unit or len(each) for each, unit in zip(arrays, units)]
    begin, total = sum(widths[:index]), sum(widths)
    return [
        array[row * total + begin + i]
        for row in range(len(array) // total if total else 0)
        for i in range(widths[index])
    ]


def product(first: Any, second: Any, k: Any, m: Any, missing: Any) -> Any:
    size = {"n": len(second) // m if missing == "a" else len(first) // k, "k": k, "m": m}
    axes = {"a": "nk", "b": "km", "c": "nm"}
    of_first, of_second = [axes[name] for name in "abc" if name != missing]
    outer, inner = list(axes[missing])
    summed = {"a": "m", "b": "n", "c": "k"}[missing]
    result = []
    for i in range(size[outer]):
        for j in range(size[inner]):
            total = 0.0
            for s in range(size[summed]):
                at = {outer: i, inner: j, summed: s}
                left = first[at[of_first[0]] * size[of_first[1]] + at[of_first[1]]]
                right = second[at[of_second[0]] * size[of_second[1]] + at[of_second[1]]]
                total = total + left * right
            result.append(total)
    return result


def lookup(index: Any, array: Any, unit: Any, place: Any) -> Any:
    row = int(index) if index == index and abs(index) < 2.0**53 else -1
    if row != index or not 0 <= row < len(array) // unit:
        raise IndexError(f"index {index} is no place in an array of {len(array) // unit} entries, from 0")
    return array[row * unit : (row + 1) * unit] if place is None else array[row * unit + place]


def put_at(index: Any, entry: Any, like: Any, unit: Any, place: Any) -> Any:
    result = [0.0] * len(like)
    row = int(index)
    if place is None:
        result[row * unit : (row + 1) * unit] = entry
    else:
        result[row * unit + place] = entry
    return result


def ties(extremes: Any, *_: Any) -> Any:
    return extremes


NAMES = tuple([name for name, function in [*globals().items()] if inspect.isfunction(function)])


def definition(name: str) -> str:
    """The source of the function of that name."""
    return re.sub(r": Any|(?<=\)) -> Any", "", inspect.getsource(globals()[name]).rstrip())
