"""Numbers. Exact decimals of up to 34 digits; a half is always rounded away from zero."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from mappings import operators
from mappings.errors import EvaluationError
from mappings.registry import DYNAMIC, function
from mappings.values import CONTEXT, MAX_DIGITS, as_number, describe, in_bounds, whole_in_bounds

_NUMBER = re.compile(r"[+-]?(\d{1,60}(\.\d{0,60})?|\.\d{1,60})([eE][+-]?\d{1,3})?", re.ASCII)


def read_number(value: Any) -> Decimal:
    """The number a value is or is written as. Raises EvaluationError."""
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 130 or not _NUMBER.fullmatch(text):
            raise EvaluationError(f"{describe(value)} is not written as a number")
        return in_bounds(Decimal(text))
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise EvaluationError(f"{describe(value)} is no number")
    number = as_number(value)
    return number if isinstance(number, Decimal) else Decimal(number)


@function(fallible=True)
def num(value: Any) -> Decimal:
    """The number that a text is written as (`'-2.50'`, `'1e3'`, spaces around it), or the number itself. Fails for
    anything else: '', '1,000', '12 kg'.

    num('2.50') == 2.5
    num('n/a', otherwise=0) == 0
    """
    return read_number(value)


@function("int", fallible=True)
def to_int(value: Any) -> int:
    """The whole number that a text or number is. Fails for one with a fraction: use `round` or `floor` first.

    int('42') == 42
    int(7.0) == 7
    """
    number = read_number(value)
    if number.adjusted() > MAX_DIGITS or number != number.to_integral_value():
        raise EvaluationError(f"{describe(value)} is not a whole number")
    return whole_in_bounds(int(number))


@function(predicate=True)
def is_number(value: Any) -> bool:
    """Whether `num` would not fail. False with null.

    is_number('2.50') == True
    is_number('n/a') == False
    """
    try:
        read_number(value)
    except EvaluationError:
        return False
    return True


def _quantum(digits: int) -> Decimal:
    if not -MAX_DIGITS <= digits <= MAX_DIGITS:
        raise EvaluationError(f"at most {MAX_DIGITS} digits can be rounded to")
    return _QUANTA[digits]


_QUANTA = {digits: Decimal(1).scaleb(-digits) for digits in range(-MAX_DIGITS, MAX_DIGITS + 1)}


def _rounded(value: Decimal, digits: int, mode: str | None = None) -> Decimal:
    try:
        rounded = value.quantize(_quantum(digits), mode, CONTEXT)
    except InvalidOperation:
        raise EvaluationError(f"{describe(value)} has too many digits to be rounded to {digits}") from None
    return rounded if digits >= 0 else rounded.quantize(Decimal(1), context=CONTEXT)


def _round_to(value: Any, digits: Any = 0) -> Callable[..., Any] | None:
    if digits is DYNAMIC or digits < 0 or value is not DYNAMIC:
        return None
    quantum = _quantum(digits)
    return lambda number: number.quantize(quantum, None, CONTEXT)


@function("round", specialise=_round_to)
def round_half_up(value: Decimal, digits: int = 0) -> Decimal:
    """The number rounded to so many digits after the point; a half goes away from zero.

    round(0.125, 2) == 0.13
    round(-2.5) == -3
    round(1250, -2) == 1300
    """
    return _rounded(value, digits)


@function()
def floor(value: Decimal, digits: int = 0) -> Decimal:
    """The number rounded down.

    floor(-2.1) == -3
    floor(2.79, 1) == 2.7
    """
    return _rounded(value, digits, ROUND_FLOOR)


@function()
def ceil(value: Decimal, digits: int = 0) -> Decimal:
    """The number rounded up.

    ceil(2.1) == 3
    """
    return _rounded(value, digits, ROUND_CEILING)


@function("abs")
def absolute(value: int | Decimal) -> int | Decimal:
    """The number without its sign.

    abs(-2.5) == 2.5
    """
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


@function()
def clamp(value: int | Decimal, low: int | Decimal, high: int | Decimal) -> int | Decimal:
    """The number, but not less than `low` and not more than `high`.

    clamp(107, 0, 100) == 100
    """
    return low if value < low else high if value > high else value


def _members(values: tuple[Any, ...]) -> list[Any]:
    """The values of one list (nulls left out), or the arguments themselves."""
    if len(values) == 1 and isinstance(values[0], (list, tuple)):
        return [value for value in values[0] if value is not None]
    return list(values)


@function("min", aggregate=True)
def least(value: Any, *values: Any) -> Any:
    """The least of the arguments, or of one list (nulls left out; null when nothing remains). Numbers, texts or times.

    min(3, 2.5) == 2.5
    min([4, None, 3]) == 3
    """
    found = None
    for member in _members((value, *values)):
        if found is None or operators.less(member, found):
            found = member
    return found


@function("max", aggregate=True)
def greatest(value: Any, *values: Any) -> Any:
    """The greatest of the arguments, or of one list (nulls left out; null when nothing remains). Numbers, texts or
    times.

    max(3, 2.5) == 3
    max([]) is None
    """
    found = None
    for member in _members((value, *values)):
        if found is None or operators.less(found, member):
            found = member
    return found


@function("sum", aggregate=True)
def total(values: list[Any]) -> int | Decimal:
    """The sum of a list of numbers, nulls left out; 0 when it is empty.

    sum([1, None, 2.5]) == 3.5
    """
    result: Any = 0
    for member in _members((values,)):
        result = operators.add(result, member)
    return as_number(result)


@function(aggregate=True)
def mean(values: list[Any]) -> Decimal | None:
    """The mean of a list of numbers, nulls left out; null when nothing remains.

    mean([1, 2, None]) == 1.5
    """
    members = _members((values,))
    return operators.divide(total(members), len(members)) if members else None


@function()
def format_number(value: Decimal, digits: int = 2, group: str = "") -> str:
    """The number as text with exactly so many digits after the point and, between thousands, `group`.

    format_number(1234.5) == '1234.50'
    format_number(1234567.891, 1, ',') == '1,234,567.9'
    """
    if not 0 <= digits <= MAX_DIGITS:
        raise EvaluationError(f"format_number() writes 0 to {MAX_DIGITS} digits")
    if len(group) > 1:
        raise EvaluationError("format_number() groups with one character at most")
    return f"{_rounded(value, digits):,f}".replace(",", group)
