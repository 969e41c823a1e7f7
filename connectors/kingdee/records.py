"""From a row of a query to a record: values by the kinds of their columns, dotted keys nested."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.errors import BadRecord
from connectors.exact import exact_number
from connectors.kingdee.answers import is_true
from connectors.kingdee.forms import Column, Kind

LOCAL = "%Y-%m-%d %H:%M:%S"
"""How a moment is written in a filter."""
_NEVER = ("0001-01-01", "9999-12-31")
"""What .NET writes for no date, and Kingdee for no end."""


def record(columns: Sequence[Column], row: Any, zone: ZoneInfo) -> dict[str, Any]:
    """The record of one row.

    :raises BadRecord: the row has another number of values than was asked for, or one that can't be read.
    """
    if not isinstance(row, list) or len(row) != len(columns):
        raise BadRecord(f"a row of Kingdee's answer has not the {len(columns)} values that were asked for", record=row)
    made: dict[str, Any] = {}
    for column, raw in zip(columns, row, strict=True):
        try:
            value = converted(raw, column.kind, zone)
        except (BadRecord, ValueError, TypeError, OverflowError) as e:
            raise BadRecord(
                f"{column.key}: {str(raw)[:80]!r} is no {column.kind}", record=dict(_named(columns, row))
            ) from e
        owner, _, inner = column.key.partition(".")
        if inner:
            made.setdefault(owner, {})[inner] = value
        else:
            made[owner] = value
    return made


def converted(raw: Any, kind: Kind, zone: ZoneInfo) -> Any:
    """One value; None where there is nothing. Raises BadRecord, ValueError or TypeError."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None if kind != "flag" else False
    match kind:
        case "text":
            return raw.strip() if isinstance(raw, str) else text(raw)
        case "number":
            return exact_number(raw)
        case "int":
            number = exact_number(raw)
            if number != int(number):
                raise ValueError("not whole")
            return int(number)
        case "flag":
            return is_true(raw)
        case "time":
            return moment(raw, zone)


def text(value: Any) -> str:
    """A value as a key or label: 100 and 100.0 alike."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        value = exact_number(value) if not isinstance(value, bool) else value
        return str(int(value)) if value == int(value) else format(value, "f")
    return str(value)


def moment(raw: Any, zone: ZoneInfo) -> datetime | None:
    """A local time of the server as a moment in UTC; None for "never"."""
    if not isinstance(raw, str):
        raise TypeError("no text")
    if raw.startswith(_NEVER):
        return None
    at = datetime.fromisoformat(raw.strip().replace("/", "-"))
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def quoted(value: str) -> str:
    """A text as it stands in a filter."""
    return "'" + value.replace("'", "''") + "'"


def among(key: str, values: Sequence[str]) -> str:
    """The filter that a field has one of these texts."""
    return f"{key} in ({','.join(quoted(v) for v in values)})"


def _named(columns: Sequence[Column], row: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(column.key, value) for column, value in zip(columns, row, strict=True)]
