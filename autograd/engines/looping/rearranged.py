"""What rearranges arrays, as LLVM's text: views where an array stays in place, loops that copy elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autograd.engines.looping.lengths import rows_of, total, units
from autograd.engines.looping.slots import ArrayAt
from autograd.engines.machine.ir import call, literal
from autograd.programs.arrays import on_lists, products, rearranging
from autograd.programs.arrays.lookups import Lookup, PutAt

if TYPE_CHECKING:
    from autograd.engines.looping.nests import Nest

__all__ = ["result"]

_ZERO = literal(0.0)


def result(nest: Nest, operation: Any, operands: Sequence[Any]) -> Any:
    """The name of what an operation makes, or its array."""
    return _TEXTS[type(operation)](nest, operands, *operation.settings)


def _each(nest: Nest, counts: Sequence[str | int], do: Callable[[list[str]], None]) -> None:
    """Loops within each other."""

    def level(indices: list[str]) -> None:
        if len(indices) == len(counts):
            do(indices)
            return

        def step(index: str, _: list[str]) -> list[str]:
            level([*indices, index])
            return []

        nest.looped(counts[len(indices)], [], step)

    level([])


def _total(nest: Nest, count: str | int, term: Callable[[str], str]) -> str:
    """The sum of what each index gives, from 0 on."""

    def step(index: str, totals: list[str]) -> list[str]:
        return [nest.new(f"fadd double {totals[0]}, {term(index)}")]

    return nest.looped(count, [_ZERO], step)[0]


def _add(nest: Nest, array: ArrayAt, place: str, number: str) -> None:
    sum_there = nest.new(f"fadd double {nest.element(array, place)}, {number}")
    nest.store(sum_there, array.address, place)


def _place(nest: Nest, row: str, unit: int, others: Sequence[str], strides: Sequence[int], at: int) -> str:
    """An index: that of a row, and steps within it."""
    place = nest.sum(nest.product(row, unit), at)
    for index, stride in zip(others, strides):
        place = nest.sum(place, nest.product(index, stride))
    return place


def _in_order(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[place + 1 :]) for place in range(len(shape))]


def _gather(nest: Nest, operands: Any, unit: int, offset: int, shape: Any, strides: Any) -> ArrayAt:
    (array,) = operands
    width = math.prod(shape)
    key = units(array.key, unit, width)
    count = units(array.key, unit, 1)
    if width == 1:
        return nest.shifted(array, offset, key, unit)
    made = nest.allocated(key)

    def copy(indices: list[str]) -> None:
        row, *others = indices
        there = _place(nest, row, unit, others, strides, offset)
        here = _place(nest, row, width, others, _in_order(shape), 0)
        nest.store(nest.element(array, there), made.address, here)

    _each(nest, [nest.length(count), *shape], copy)
    return made


def _scatter(nest: Nest, operands: Any, unit: int, offset: int, shape: Any, strides: Any) -> ArrayAt:
    (array,) = operands
    width = math.prod(shape)
    made = nest.allocated(units(array.key, width, unit), zeros=True)

    def add(indices: list[str]) -> None:
        row, *others = indices
        there = _place(nest, row, unit, others, strides, offset)
        here = _place(nest, row, width, others, _in_order(shape), 0)
        _add(nest, made, there, nest.element(array, here))

    _each(nest, [nest.length(units(array.key, width, 1)), *shape], add)
    return made


def _rows(nest: Nest, operands: Any, start: Any, stop: Any, step: Any, unit: int) -> ArrayAt:
    (array,) = operands
    chosen = slice(start, stop, step)
    count = rows_of(array.key, unit, chosen)
    begin = nest.length(rows_of(array.key, unit, chosen, start=True))
    key = units(count, 1, unit)
    if step in (None, 1) or unit == 1:
        return nest.shifted(array, nest.product(begin, unit), key, step or 1)
    made = nest.allocated(key)

    def copy(indices: list[str]) -> None:
        row, i = indices
        there = nest.sum(nest.product(nest.sum(nest.product(row, step), begin), unit), i)
        nest.store(nest.element(array, there), made.address, nest.sum(nest.product(row, unit), i))

    _each(nest, [nest.length(count), unit], copy)
    return made


def _put_rows(nest: Nest, operands: Any, start: Any, stop: Any, step: Any, unit: int) -> ArrayAt:
    array, like = operands
    chosen = slice(start, stop, step)
    count = rows_of(like.key, unit, chosen)
    nest.require(array.key, units(count, 1, unit))
    begin = nest.length(rows_of(like.key, unit, chosen, start=True))
    made = nest.allocated(like.key, zeros=True)

    def put(indices: list[str]) -> None:
        row, i = indices
        there = nest.sum(nest.product(nest.sum(nest.product(row, step or 1), begin), unit), i)
        nest.store(nest.element(array, nest.sum(nest.product(row, unit), i)), made.address, there)

    _each(nest, [nest.length(count), unit], put)
    return made


def _sum_rows(nest: Nest, operands: Any, unit: int) -> ArrayAt:
    (array,) = operands
    made = nest.allocated(unit, zeros=True)
    count = nest.length(units(array.key, unit, 1))
    if unit == 1:
        nest.store(_total(nest, count, lambda row: nest.element(array, row)), made.address, "0")
        return made

    def add(indices: list[str]) -> None:
        row, i = indices
        _add(nest, made, i, nest.element(array, nest.sum(nest.product(row, unit), i)))

    _each(nest, [count, unit], add)
    return made


def _spread_rows(nest: Nest, operands: Any, unit: int) -> ArrayAt:
    row, like = operands
    nest.require(row.key, unit)
    made = nest.allocated(units(like.key, unit, unit))

    def put(indices: list[str]) -> None:
        at, i = indices
        nest.store(nest.element(row, i), made.address, nest.sum(nest.product(at, unit), i))

    _each(nest, [nest.length(units(like.key, unit, 1)), unit], put)
    return made


def _join(nest: Nest, arrays: Sequence[ArrayAt], *widths: int) -> ArrayAt:
    keys = [array.key for array in arrays]
    made = nest.allocated(total(keys))
    whole, count = sum(widths), units(keys[0], widths[0], 1) if widths[0] else 1
    begin: str | int = 0
    for array, unit in zip(arrays, widths):
        if unit:
            nest.require(units(array.key, unit, 1), count)
        width: Any = unit or nest.length(array.key)

        def copy(indices: list[str], array: Any = array, width: Any = width, begin: Any = begin) -> None:
            row, i = indices
            here = nest.sum(nest.sum(nest.product(row, whole), i), begin)
            nest.store(nest.element(array, nest.sum(nest.product(row, width), i)), made.address, here)

        _each(nest, [nest.length(count), width], copy)
        begin = nest.sum(width, begin)
    return made


def _part(nest: Nest, operands: Any, place: int, *widths: int) -> ArrayAt:
    array, *others = operands
    keys = [other.key for other in others]
    nest.require(array.key, total(keys))
    if not widths[0]:
        return nest.shifted(array, nest.length(total(keys[:place])), keys[place])
    begin, unit, whole = sum(widths[:place]), widths[place], sum(widths)
    return _gather(nest, (array,), whole, begin, (unit,), (1,))


def _product(nest: Nest, operands: Any, k: int, m: int, missing: str) -> ArrayAt:
    first, second = operands
    if missing == "a":
        nest.require(first.key, k * m)
        key, count = units(second.key, m, k), units(second.key, m, 1)
    else:
        count = units(first.key, k, 1)
        key = units(first.key, k, m) if missing == "c" else k * m
        nest.require(second.key, k * m if missing == "c" else units(first.key, k, m))
    made = nest.allocated(key, zeros=True)
    n = nest.length(count)

    def at(row: str, width: int, column: str) -> str:
        return nest.sum(nest.product(row, width), column)

    def term(i: str, j: str) -> str:
        return nest.new(f"fmul double {nest.element(first, i)}, {nest.element(second, j)}")

    if missing == "b":

        def add(indices: list[str]) -> None:
            i, s, j = indices
            _add(nest, made, at(s, m, j), term(at(i, k, s), at(i, m, j)))

        _each(nest, [n, k, m], add)
        return made

    def put(indices: list[str]) -> None:
        i, j = indices
        if missing == "c":
            number = _total(nest, k, lambda s: term(at(i, k, s), at(s, m, j)))
        else:
            number = _total(nest, m, lambda s: term(at(j, m, s), at(i, m, s)))
        nest.store(number, made.address, at(i, m if missing == "c" else k, j))

    _each(nest, [n, m if missing == "c" else k], put)
    return made


class _OutOfRange:
    """Is called back where an index is out of range, and raises what the operation itself does."""

    arity = 2

    def __call__(self, index: float, count: float) -> float:
        on_lists.lookup(index, range(int(count)), 1, None)
        return 0.0

    def __hash__(self) -> int:
        return hash(_OutOfRange)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _OutOfRange)


def _row(nest: Nest, index: str, array: ArrayAt, unit: int) -> tuple[str, str, str]:
    """The row at an index, the condition that there is one, and how many there are."""
    row = nest.new(f"call i64 @llvm.fptosi.sat.i64.f64(double {index})")
    count = nest.length(units(array.key, unit, 1))
    is_whole = nest.new(f"fcmp oeq double {nest.new(f'sitofp i64 {row} to double')}, {index}")
    is_inside = nest.new(f"icmp ult i64 {row}, {count}")
    return row, nest.new(f"and i1 {is_whole}, {is_inside}"), count


def _lookup(nest: Nest, operands: Any, unit: int, place: int | None) -> Any:
    index, array = operands
    row, is_there, count = _row(nest, index, array, unit)
    begin = nest.product(row, unit)

    def raised() -> str:
        many = nest.new(f"sitofp i64 {count} to double")
        address = nest.callbacks.address(_OutOfRange())  # type: ignore[arg-type]
        return nest.new(call(address, 2).format(index, many))

    if place is not None:
        return nest.chosen(is_there, lambda: nest.element(array, nest.sum(begin, place)), raised)
    made = nest.allocated(unit, zeros=True)

    def copied() -> str:
        def copy(indices: list[str]) -> None:
            there = nest.sum(begin, indices[0])
            nest.store(nest.element(array, there), made.address, indices[0])

        _each(nest, [unit], copy)
        return _ZERO

    nest.chosen(is_there, copied, raised)
    return made


def _put_at(nest: Nest, operands: Any, unit: int, place: int | None) -> ArrayAt:
    index, entry, like = operands
    row, is_there, _ = _row(nest, index, like, unit)
    made = nest.allocated(like.key, zeros=True)

    def put() -> str:
        begin = nest.product(row, unit)
        if place is not None:
            nest.store(entry, made.address, nest.sum(begin, place))
        else:
            _each(
                nest,
                [unit],
                lambda indices: nest.store(
                    nest.element(entry, indices[0]), made.address, nest.sum(begin, indices[0])
                ),
            )
        return _ZERO

    nest.chosen(is_there, put, lambda: _ZERO)
    return made


_TEXTS: dict[type, Callable[..., Any]] = {
    rearranging.Gather: _gather,
    rearranging.Scatter: _scatter,
    rearranging.Rows: _rows,
    rearranging.PutRows: _put_rows,
    rearranging.SumRows: _sum_rows,
    rearranging.SpreadRows: _spread_rows,
    rearranging.Join: _join,
    rearranging.PartOf: _part,
    products.MatrixProduct: _product,
    Lookup: _lookup,
    PutAt: _put_at,
}
