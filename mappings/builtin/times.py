"""Times. A datetime is always a moment, in UTC; a local time needs its zone (`Asia/Shanghai`, `+08:00`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from mappings.builtin.numbers import read_number
from mappings.builtin.units import Unit, find_unit
from mappings.errors import EvaluationError
from mappings.registry import DYNAMIC, function, prepared
from mappings.values import CONTEXT, describe, in_utc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_OFFSET = re.compile(r"(Z|UTC|[+-]\d{2}:?\d{2})")
_DIRECTIVES: dict[str, str] = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "b": r"(?P<b>[A-Za-z]{3})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "p": r"(?P<p>[AaPp][Mm])",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,9})",
    "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """How a time is written: `%Y-%m-%d %H:%M:%S` and the like, the same wherever the hub runs."""

    text: str
    pattern: re.Pattern[str]


def read_layout(text: str) -> Layout:
    """The layout of this text. Raises EvaluationError for a sign it does not know."""
    if len(text) > 100:
        raise EvaluationError("a time format has at most 100 characters")
    pattern, seen, rest = "", set(), text
    while rest:
        sign, rest = (rest[1:2], rest[2:]) if rest[0] == "%" else ("", rest)
        if sign == "" and rest[:1] != "%":
            literal, rest = rest[0], rest[1:]
            pattern += re.escape(literal)
            continue
        if sign not in _DIRECTIVES or (sign in seen and sign != "%"):
            known = " ".join(f"%{key}" for key in _DIRECTIVES)
            raise EvaluationError(f"the time format {text!r} has an unknown or repeated '%{sign}': known are {known}")
        seen.add(sign)
        pattern += _DIRECTIVES[sign]
    if not ({"m", "b"} & seen and "d" in seen and {"Y", "y"} & seen):
        raise EvaluationError(f"the time format {text!r} needs a year, a month and a day: '%Y-%m-%d %H:%M:%S'")
    return Layout(text, re.compile(pattern, re.ASCII))


def read_zone(text: str) -> tzinfo:
    """The zone of a name (`Asia/Shanghai`) or offset (`+08:00`). Raises EvaluationError."""
    if _OFFSET.fullmatch(text):
        return _offset(text)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise EvaluationError(f"there is no time zone {text[:40]!r}: write Asia/Shanghai or +08:00") from None


def _offset(text: str) -> tzinfo:
    if text in ("Z", "UTC"):
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    if minutes >= 24 * 60 or int(text[-2:]) > 59:
        raise EvaluationError(f"there is no time zone {text!r}")
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes)) if minutes else UTC


LayoutText = Annotated[Layout | None, prepared(read_layout)]
ZoneText = Annotated[tzinfo | None, prepared(read_zone)]


def _by_layout(text: str, layout: Layout) -> datetime:
    """The time as written, without a zone unless it is written too. Raises EvaluationError."""
    match = layout.pattern.fullmatch(text.strip())
    if match is None:
        raise EvaluationError(f"{describe(text)} is not written as {layout.text!r}")
    part = match.groupdict()
    year = int(part["Y"]) if part.get("Y") else int(part["y"]) + (2000 if int(part["y"]) < 69 else 1900)
    month = _MONTHS.get(part["b"].lower(), 0) if part.get("b") else int(part["m"])
    hour = int(part.get("H") or 0)
    if part.get("I"):
        hour = int(part["I"]) % 12 + (12 if (part.get("p") or "").lower() == "pm" else 0)
    zone = _offset(part["z"]) if part.get("z") else None
    micros = int((part.get("f") or "0").ljust(6, "0")[:6])
    try:
        minute, second = int(part.get("M") or 0), int(part.get("S") or 0)
        return datetime(year, month, int(part["d"]), hour, minute, second, micros, zone)
    except ValueError as error:
        raise EvaluationError(f"{describe(text)} is no time: {error}") from None


def _by_iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        hint = "say how it is written: datetime(x, '%d.%m.%Y %H:%M')"
        raise EvaluationError(f"{describe(text)} is not an ISO 8601 time; {hint}") from None


def _moment(value: Any, layout: Layout | None, zone: tzinfo | None) -> datetime:
    if isinstance(value, str):
        local = _by_iso(value) if layout is None else _by_layout(value, layout)
    elif isinstance(value, datetime):
        local = value
    elif isinstance(value, date):
        local = datetime.combine(value, time())
    else:
        raise EvaluationError(f"{describe(value)} is no time: for seconds since 1970 write epoch()")
    if local.tzinfo is None:
        if zone is None:
            raise EvaluationError(f"{describe_local(local)} has no zone: say datetime(x, zone='Asia/Shanghai')")
        local = local.replace(tzinfo=zone)
    return in_utc(local)


def describe_local(moment: datetime) -> str:
    """A time without zone, as error messages show it."""
    return f"the time {moment.isoformat(' ')}"


@function("datetime", fallible=True)
def to_datetime(value: Any, format: LayoutText = None, zone: ZoneText = None) -> datetime:
    """The moment a text stands for, in UTC. Without a format it is read as ISO 8601. A text without a zone of its own
    needs `zone`. Fails for anything else.

    datetime('2026-11-22T08:00:00+08:00') == datetime('2026-11-22T00:00:00Z')
    datetime('22.11.2026 08:00', '%d.%m.%Y %H:%M', 'Asia/Shanghai') == datetime('2026-11-22T00:00:00Z')
    datetime('soon', otherwise=None) is None
    """
    return _moment(value, format, zone)


def _dates_as(value: Any, format: Any = None, zone: Any = None, otherwise: Any = DYNAMIC) -> Callable[..., Any] | None:
    """Days repeat: each text is read once."""
    if value is not DYNAMIC or format is DYNAMIC or zone is DYNAMIC or otherwise is not DYNAMIC:
        return None
    day = lru_cache(maxsize=4096)(lambda text: to_date(text, format, zone))
    return lambda given: day(given) if given.__class__ is str else to_date(given, format, zone)


@function("date", fallible=True, specialise=_dates_as)
def to_date(value: Any, format: LayoutText = None, zone: ZoneText = None) -> date:
    """The calendar day a text stands for, or of a moment as seen in `zone` (UTC if none is given). Fails for anything
    else.

    date('2026/11/22', '%Y/%m/%d') == date('2026-11-22')
    date(datetime('2026-11-22T20:00:00Z'), zone='Asia/Shanghai') == date('2026-11-23')
    """
    if isinstance(value, str):
        return (_by_iso(value) if format is None else _by_layout(value, format)).date()
    if isinstance(value, datetime):
        return _in_zone(value, zone).date()
    if isinstance(value, date):
        return value
    raise EvaluationError(f"{describe(value)} is no day")


def _in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    try:
        return in_utc(moment).astimezone(zone or UTC)
    except OverflowError:
        raise EvaluationError("the time lies outside the calendar") from None


def _since_1970(value: Any, per_second: int) -> datetime:
    number = read_number(value)
    if abs(number) > 10**15:
        raise EvaluationError(f"{describe(value)} lies outside the calendar")
    micros = int(CONTEXT.divide(CONTEXT.multiply(number, Decimal(1_000_000)), Decimal(per_second)).to_integral_value())
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        raise EvaluationError(f"{describe(value)} lies outside the calendar") from None


@function(fallible=True)
def epoch(value: Any) -> datetime:
    """The moment so many seconds after 1970 UTC; a number, or a text written as one.

    epoch('1795305600') == datetime('2026-11-22T00:00:00Z')
    """
    return _since_1970(value, 1)


@function(fallible=True)
def epoch_ms(value: Any) -> datetime:
    """The moment so many milliseconds after 1970 UTC; a number, or a text written as one.

    epoch_ms(1795305600500) == datetime('2026-11-22T00:00:00.5Z')
    """
    return _since_1970(value, 1000)


@function()
def to_epoch(value: datetime) -> Decimal:
    """The seconds from 1970 UTC to the moment.

    to_epoch(datetime('2026-11-22T00:00:00Z')) == 1795305600
    """
    return _seconds(value - _EPOCH)


@function()
def to_epoch_ms(value: datetime) -> int:
    """The milliseconds from 1970 UTC to the moment, whole.

    to_epoch_ms(datetime('2026-11-22T00:00:00Z')) == 1795305600000
    """
    return (value - _EPOCH) // timedelta(milliseconds=1)


def _seconds(span: timedelta) -> Decimal:
    return CONTEXT.divide(Decimal(span // timedelta(microseconds=1)), Decimal(1_000_000))


@function()
def seconds_between(start: datetime, end: datetime) -> Decimal:
    """The seconds from one moment to another; negative when the second lies before the first.

    seconds_between(datetime('2026-11-22T00:00:00Z'), datetime('2026-11-22T00:01:30Z')) == 90
    """
    return _seconds(end - start)


@function()
def shift(value: datetime, amount: Decimal, unit: Annotated[Unit, prepared(find_unit)]) -> datetime:
    """The moment so many units (s, min, h, d ...) later, or earlier for a negative amount.

    shift(datetime('2026-11-22T00:00:00Z'), -90, 'min') == datetime('2026-11-21T22:30:00Z')
    """
    if unit.dimension != "time":
        raise EvaluationError(f"shift() takes a unit of time, {unit.symbol!r} is one of {unit.dimension}")
    if abs(amount) > 10**15:
        raise EvaluationError("the time lies outside the calendar")
    factor = unit.factor * 1_000_000
    micros = CONTEXT.divide(CONTEXT.multiply(amount, Decimal(factor.numerator)), Decimal(factor.denominator))
    try:
        return value + timedelta(microseconds=int(micros.to_integral_value()))
    except OverflowError:
        raise EvaluationError("the time lies outside the calendar") from None


@function()
def hour_of(value: datetime, zone: ZoneText = None) -> int:
    """The hour of the day, 0 to 23, as seen in `zone` (UTC if none is given).

    hour_of(datetime('2026-11-22T20:00:00Z'), 'Asia/Shanghai') == 4
    """
    return _in_zone(value, zone).hour


@function()
def weekday_of(value: datetime, zone: ZoneText = None) -> int:
    """The day of the week, 1 (Monday) to 7 (Sunday), as seen in `zone` (UTC if none is given).

    weekday_of(datetime('2026-11-22T20:00:00Z')) == 7
    """
    return _in_zone(value, zone).isoweekday()


_WRITERS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda t: f"{t.year:04}",
    "y": lambda t: f"{t.year % 100:02}",
    "m": lambda t: f"{t.month:02}",
    "d": lambda t: f"{t.day:02}",
    "b": lambda t: _MONTH_NAMES[t.month - 1].title(),
    "H": lambda t: f"{t.hour:02}",
    "I": lambda t: f"{(t.hour - 1) % 12 + 1:02}",
    "p": lambda t: "AM" if t.hour < 12 else "PM",
    "M": lambda t: f"{t.minute:02}",
    "S": lambda t: f"{t.second:02}",
    "f": lambda t: f"{t.microsecond:06}",
    "z": lambda t: t.strftime("%z"),
    "%": lambda _: "%",
}
_SIGN = re.compile(r"%(.)", re.DOTALL)


@function()
def format_time(value: datetime, format: LayoutText, zone: ZoneText = None) -> str:
    """The moment as text, in `zone` (UTC if none is given).

    format_time(datetime('2026-11-22T00:30:00Z'), '%Y-%m-%d %H:%M', 'Asia/Shanghai') == '2026-11-22 08:30'
    """
    if format is None:
        raise EvaluationError("format_time() needs a format")
    local = _in_zone(value, zone)
    return _SIGN.sub(lambda match: _WRITERS[match[1]](local), format.text)
