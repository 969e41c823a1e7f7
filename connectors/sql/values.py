"""Values as databases give them, made JSON-like without loss; and cursor values as JSON, to be bound again as they came."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from connectors.contract import Cursor
from connectors.errors import BadRecord, ConfigProblem
from connectors.manifest import Field

_FRACTION = re.compile(r"[.,]\d+")
_MADE: Mapping[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "number": Decimal,
    "bytes": bytes.fromhex,
    "uuid": UUID,
}


def plain(value: Any, zone: ZoneInfo) -> Any:
    """A column's value. Times without a zone are of `zone` and become UTC, dates ISO texts, bytes hex texts.

    Raises BadRecord for what is no value of a record.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise BadRecord(f"{value} is no number")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadRecord(f"{value} is no number")
        return Decimal(repr(value))
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    return _rarely(value, zone)


def _rarely(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return Decimal(value // timedelta(microseconds=1)) / 1_000_000
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item, zone) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, zone) for item in value]
    if type(value).__module__ in ("ipaddress", "psycopg.types.string"):
        return str(value)
    raise BadRecord(f"a {type(value).__name__} can't be taken; cast it to a text in a SELECT")


# -- cursors ------------------------------------------------------------------------------------------------------------


def encode(value: Any) -> Cursor:
    """A raw column value as JSON."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal | float):
        return {"number": str(value) if isinstance(value, Decimal) else repr(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    raise ConfigProblem(f"a {type(value).__name__} can't be in a key or cursor", hint="cast it to a text in a SELECT")


def decode(value: Any) -> Any:
    """The raw value again. Raises ConfigProblem for what is none."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, dict) and len(value) == 1:
        [(kind, text)] = value.items()
        made = _MADE.get(kind)
        if made is not None and isinstance(text, str):
            return made(text)
    raise ConfigProblem(f"{str(value)[:100]!r} is no cursor of this stream")


def earlier(value: Any, by: timedelta, field: Field) -> Any:
    """A raw cursor value that lies so far before, in the very form the database has it."""
    if isinstance(value, datetime):
        return value - by
    if isinstance(value, date):
        return value - timedelta(days=math.ceil(by / timedelta(days=1)))
    if isinstance(value, int | Decimal) and field.format in ("unix", "unix_ms"):
        return value - by // timedelta(milliseconds=1 if field.format == "unix_ms" else 1000)
    if isinstance(value, str):
        return _earlier_text(value, by, field)
    raise ConfigProblem(
        f"the cursor's values are {type(value).__name__}, of which nothing can be looked back",
        hint="set lookback to 0s, or choose a cursor that is a time",
    )


def _earlier_text(text: str, by: timedelta, field: Field) -> str:
    """SQLite keeps times as texts and compares them as such: the form must stay the same."""
    try:
        if field.format == "iso":
            when = datetime.fromisoformat(text) - by
            separator = text[10] if len(text) > 10 else "T"
            told = when.isoformat(separator, "microseconds" if _FRACTION.search(text) else "seconds")
            told = told.replace("+00:00", "Z") if text.endswith("Z") else told
            return told[:10] if len(text) == 10 else told
        return (datetime.strptime(text, field.format) - by).strftime(field.format)  # noqa: DTZ007 - as the database has it
    except ValueError:
        raise ConfigProblem(
            f"the cursor's value {text[:60]!r} is no time of format {field.format}", hint="set the field's `format`"
        ) from None


def renamed(columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The columns' names as they were declared: databases change their case."""
    by_lower = {name.lower(): name for name in wanted}
    return [name if name in wanted else by_lower.get(name.lower(), name) for name in columns]
