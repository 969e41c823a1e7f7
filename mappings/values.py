"""The kinds of value the language knows, and their bounds.

text `str` · whole number `int` · number `Decimal` · boolean `bool` · aware `datetime` · `date` · `list` · `dict`, and
null. A `float` that a record brings along is read as the decimal number it prints as.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from mappings.errors import EvaluationError

MAX_TEXT = 65_536
"""Characters of a text, and characters plus items of a list or map, that one value may have."""
MAX_DIGITS = 34
"""Digits of a number (those of IEEE decimal128)."""
MAX_EXPONENT = 999
"""Powers of ten that a number may reach, up and down."""
MAX_NESTING = 32
"""Lists and maps inside one another."""

CONTEXT = Context(
    prec=MAX_DIGITS,
    rounding=ROUND_HALF_UP,
    Emin=-MAX_EXPONENT,
    Emax=MAX_EXPONENT,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""All arithmetic happens in this context, whatever the caller's thread has set."""

_MAX_INT = 10**MAX_DIGITS


class Kind(enum.StrEnum):
    """The kind of a value, in the words that messages and documents use."""

    ANY = "any"
    NULL = "null"
    TEXT = "text"
    NUMBER = "number"
    INT = "int"
    BOOL = "bool"
    DATETIME = "datetime"
    DATE = "date"
    LIST = "list"
    MAP = "map"

    def accepts(self, other: Kind) -> bool:
        """Whether a value statically known as `other` may stand where this kind is asked for."""
        return (
            Kind.ANY in (self, other) or other is Kind.NULL or self is other or {self, other} == {Kind.NUMBER, Kind.INT}
        )


_KINDS: dict[type, Kind] = {
    type(None): Kind.NULL,
    str: Kind.TEXT,
    int: Kind.INT,
    Decimal: Kind.NUMBER,
    float: Kind.NUMBER,
    bool: Kind.BOOL,
    datetime: Kind.DATETIME,
    date: Kind.DATE,
    list: Kind.LIST,
    dict: Kind.MAP,
}


def kind_of(value: object) -> Kind:
    """The kind of a value; subclasses count as their base. Raises EvaluationError for anything the language does not
    know."""
    kind = _KINDS.get(value.__class__)
    if kind is not None:
        return kind
    for base in (bool, str, int, Decimal, float, datetime, date):
        if isinstance(value, base):
            return _KINDS[base]
    if isinstance(value, Mapping):
        return Kind.MAP
    if isinstance(value, (list, tuple)):
        return Kind.LIST
    raise EvaluationError(f"a value of type {value.__class__.__name__} is not known here")


def describe(value: object) -> str:
    """The value as error messages show it: its kind and its beginning."""
    try:
        kind = kind_of(value)
    except EvaluationError:
        return f"a {value.__class__.__name__}"
    if kind is Kind.NULL:
        return "null"
    if kind in (Kind.LIST, Kind.MAP):
        return f"a {kind}"
    try:
        shown = as_text(value)
    except EvaluationError as error:
        return str(error)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"{kind} {shown!r}" if kind is Kind.TEXT else f"{kind} {shown}"


def as_number(value: object) -> int | Decimal:
    """The value if it is a number within bounds. Raises EvaluationError."""
    kind = value.__class__
    if kind is Decimal or (kind is not bool and isinstance(value, Decimal)):
        number: Decimal = value  # type: ignore[assignment]
        return in_bounds(number)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        hint = "convert it with num()" if isinstance(value, str) else "a number is needed"
        raise EvaluationError(f"{describe(value)} is no number: {hint}")
    if isinstance(value, float):
        return in_bounds(Decimal(repr(value)))
    return whole_in_bounds(value)


def in_bounds(number: Decimal) -> Decimal:
    """The number if it is finite and its size can be handled. Raises EvaluationError."""
    if not number.is_finite():
        raise EvaluationError(f"{number} is not a finite number")
    if not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT or _is_longer(number):
        raise EvaluationError(f"a number beyond 10^{MAX_EXPONENT} is refused")
    return number


def _is_longer(number: Decimal) -> bool:
    """Has it more digits than a number may? Its text is made faster than its tuple, and is no shorter."""
    return len(str(number)) > MAX_EXPONENT and len(number.as_tuple().digits) > MAX_EXPONENT


def whole_in_bounds(number: int) -> int:
    """The whole number if it has at most MAX_DIGITS digits. Raises EvaluationError."""
    if -_MAX_INT < number < _MAX_INT:
        return number
    raise EvaluationError(f"a whole number of more than {MAX_DIGITS} digits is refused")


def as_decimal(value: object) -> Decimal:
    """The number as a Decimal. Raises EvaluationError."""
    number = as_number(value)
    return number if isinstance(number, Decimal) else Decimal(number)


def plain(number: Decimal) -> str:
    """The number in plain digits, never with an exponent: `1E+3` is `1000`; trailing zeros stay."""
    return format(in_bounds(number), "f")


def as_text(value: Any) -> str:
    """A scalar as text: numbers in plain digits, booleans `true` and `false`, times as RFC 3339 in UTC.

    Raises EvaluationError for null, a list or a map.
    """
    kind = kind_of(value)
    if kind is Kind.TEXT:
        return str(value)
    if kind in (Kind.NUMBER, Kind.INT):
        number = as_number(value)
        return plain(number) if isinstance(number, Decimal) else str(number)
    if kind is Kind.BOOL:
        return "true" if value else "false"
    if kind is Kind.DATETIME:
        return in_utc(value).isoformat().replace("+00:00", "Z")
    if kind is Kind.DATE:
        return str(value.isoformat())
    raise EvaluationError(f"{describe(value)} has no text of its own: use join() or json()")


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC. Raises EvaluationError when it has no zone or leaves the calendar."""
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise EvaluationError(f"the time {moment.isoformat()} has no zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise EvaluationError(f"the time {moment.isoformat()} lies outside the calendar") from error


def same(a: Any, b: Any, *, checked: bool = False) -> bool:
    """Equality of the language: like JSON's. Kinds never mix (`1` is not `'1'`, `True` is not `1`); `1` equals `1.0`.

    Raises EvaluationError for lists and maps beyond the bounds of one value (`checked`: known to be within).
    """
    if a is None or b is None:
        return a is b
    kind, other = kind_of(a), kind_of(b)
    if kind in (Kind.NUMBER, Kind.INT):
        return other in (Kind.NUMBER, Kind.INT) and bool(_exact(a) == _exact(b))
    if kind is not other:
        return False
    if kind is Kind.DATETIME:
        return in_utc(a) == in_utc(b)
    if kind not in (Kind.LIST, Kind.MAP):
        return bool(a == b)
    if not checked:
        size(a)
        size(b)
    if kind is Kind.LIST:
        return len(a) == len(b) and all(same(x, y, checked=True) for x, y in zip(a, b, strict=True))
    return a.keys() == b.keys() and all(same(value, b[key], checked=True) for key, value in a.items())


def _exact(number: Any) -> Any:
    return Decimal(repr(number)) if isinstance(number, float) else number


def size(value: object, depth: int = 0) -> int:
    """Characters plus items in a value, itself counted as one. Raises EvaluationError beyond the bounds of one
    value."""
    if isinstance(value, str):
        total = 1 + len(value)
    elif value.__class__ is dict and (texts := _characters(value)) is not None:
        _go_deeper(depth)
        total = 1 + texts
    elif isinstance(value, Mapping):
        _go_deeper(depth)
        total = 1
        for key, item in value.items():
            total += 1 + len(key) if type(key) is str else size(key, depth + 1)
            total += 1 + len(item) if type(item) is str else size(item, depth + 1)
            if total > MAX_TEXT:
                _check_size(total)
    elif isinstance(value, (list, tuple)):
        _go_deeper(depth)
        total = 1
        for item in value:
            total += size(item, depth + 1)
            _check_size(total)
    else:
        total = 1
    _check_size(total - 1)
    return total


def _characters(value: Any) -> int | None:
    """Characters plus items in a map of texts; None of any other, which has to be looked at item by item."""
    try:
        return 2 * len(value) + len("".join(value)) + len("".join(value.values()))
    except TypeError:
        return None


def short_enough(text: str) -> str:
    """The text if it is not longer than MAX_TEXT. Raises EvaluationError."""
    _check_size(len(text))
    return text


def _check_size(total: int) -> None:
    if total > MAX_TEXT:
        raise EvaluationError(f"a value of more than {MAX_TEXT} characters is refused: shorten it with truncate()")


def _go_deeper(depth: int) -> None:
    if depth >= MAX_NESTING:
        raise EvaluationError(f"lists and maps nested deeper than {MAX_NESTING} are refused")
