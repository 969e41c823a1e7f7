"""Single values out of payloads: exact numbers, times, qualities. Everything here raises BadRecord and nothing else."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from connectors.errors import BadRecord

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
"""A device that reports an earlier time has never set its clock."""
MAX_DIGITS = 80
MAX_EXPONENT = 60
MAX_TEXT = 2000
MAX_NAME = 200

_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_LOOSE_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
"""Below this a number since 1970 is seconds, milliseconds, microseconds (all until the year 5138); else nanoseconds."""
_QUALITIES = {
    **dict.fromkeys(("good", "ok", "valid", "192"), "good"),
    **dict.fromkeys(("bad", "invalid", "error", "0"), "bad"),
    **dict.fromkeys(("stale", "old", "uncertain", "500", "64"), "stale"),
}


def _refuse_constant(name: str) -> NoReturn:
    raise BadRecord(f"the payload holds {name}, which is no JSON number", hint="send null for a missing value")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def text_of(body: bytes) -> str:
    """The payload as text. :raises BadRecord:"""
    try:
        return body.decode("utf-8-sig" if body[:3] == b"\xef\xbb\xbf" else "utf-8")
    except UnicodeDecodeError as e:
        raise BadRecord(
            f"the payload is no UTF-8 text (byte {e.start})", hint="is it binary? Set another `format`"
        ) from e


def json_of(body: bytes) -> Any:
    """The payload as JSON, its numbers `int` or `Decimal`. :raises BadRecord:"""
    text = text_of(body)
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as e:
        shown = text[:60] if text.strip() else "nothing"
        raise BadRecord(f"the payload is no JSON (character {e.pos}: {e.msg}): {shown!r}") from e
    except RecursionError as e:
        raise BadRecord("the payload is nested too deeply") from e
    except ValueError as e:  # Python refuses integers of more than some thousand digits
        raise BadRecord("the payload holds a number with too many digits") from e


def number(value: int | Decimal, field: str) -> Decimal:
    """An exact, finite number of bearable size. :raises BadRecord:"""
    exact = value if isinstance(value, Decimal) else Decimal(value)
    if not exact.is_finite():
        raise BadRecord(f"{field}: {exact} is no number")
    if abs(exact.adjusted()) > MAX_EXPONENT or len(str(exact)) > MAX_DIGITS:
        raise BadRecord(
            f"{field}: the number is out of range (at most {MAX_DIGITS} characters, below 10^{MAX_EXPONENT})"
        )
    return exact


def number_of(text: str, field: str) -> Decimal:
    """A number out of a text that is meant to hold one, such as the payload 21.5. :raises BadRecord:"""
    stripped = text.strip()
    if not _LOOSE_NUMBER.fullmatch(stripped):
        hint = "write a decimal point" if re.fullmatch(r"[+-]?\d+,\d+", stripped) else "digits only, e.g. 21.5"
        raise BadRecord(f"{field}: {stripped[:60]!r} is no number", hint=hint)
    return number(Decimal(stripped), field)


def scalar(value: Any, field: str) -> tuple[Decimal | None, str | None]:
    """A JSON value as (number, text): a flag is 1 or 0, a text that is a number is one, null is neither."""
    if value is None:
        return None, None
    if isinstance(value, bool):
        return Decimal(value), None
    if isinstance(value, (int, Decimal)):
        return number(value, field), None
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return number(Decimal(value), field), None
        return None, clean(value, field)
    return None, clean(json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":")), field)


def clean(text: str, field: str) -> str:
    """A text that any database can hold. :raises BadRecord: it is too long."""
    if len(text) > MAX_TEXT:
        raise BadRecord(f"{field}: a text of {len(text)} characters is no measurement (at most {MAX_TEXT})")
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def name(value: Any, field: str) -> str:
    """A name of a device, metric, site: a text or a whole number. :raises BadRecord:"""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise BadRecord(f"{field}: {str(value)[:60]!r} is no name", hint="a text or a whole number")
    text = clean(value if isinstance(value, str) else str(value), field)
    if len(text) > MAX_NAME:
        raise BadRecord(f"{field}: a name has at most {MAX_NAME} characters, this one {len(text)}")
    return text


def instant(value: Any, field: str, zone: ZoneInfo | None) -> datetime:
    """A time as UTC: ISO 8601, or a number since 1970 whose size tells its unit. :raises BadRecord:"""
    if isinstance(value, str) and not _LOOSE_NUMBER.fullmatch(value):
        return _iso(value, field, zone)
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise BadRecord(
            f"{field}: {str(value)[:60]!r} is no time", hint="2026-11-22T04:05:06Z, or milliseconds since 1970"
        )
    if isinstance(value, int):
        amount: int | Decimal = value
    else:
        amount = number(Decimal(value), field)
    for bound, factor in _UNITS:
        if abs(int(amount)) < bound:
            microseconds = int(amount * factor)
            break
    else:
        microseconds = int(amount) // 1000
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError as e:
        raise BadRecord(f"{field}: {str(value)[:60]} is no time since 1970") from e


def _iso(value: str, field: str, zone: ZoneInfo | None) -> datetime:
    try:
        parsed = datetime.fromisoformat(value.strip())
    except ValueError as e:
        raise BadRecord(
            f"{field}: {value[:60]!r} is no time", hint="2026-11-22T04:05:06Z, or milliseconds since 1970"
        ) from e
    if parsed.tzinfo is None:
        if zone is None:
            raise BadRecord(
                f"{field}: {value[:60]!r} names no time zone", hint="add Z or +08:00, or set the topic's time_zone"
            )
        parsed = parsed.replace(tzinfo=zone)
    try:
        return parsed.astimezone(UTC)
    except OverflowError as e:
        raise BadRecord(f"{field}: {value[:60]!r} is out of range") from e


def counter(value: Any, field: str) -> int:
    """A message counter. :raises BadRecord:"""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise BadRecord(f"{field}: {str(value)[:60]!r} is no counter", hint="a whole number from 0 on")
    return value


def quality_of(value: Any) -> str | None:
    """good, bad or stale for what devices and OPC call it; None: unknown."""
    return _QUALITIES.get(str(value).lower())
