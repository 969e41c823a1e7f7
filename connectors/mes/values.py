"""Single values as MES systems send them, typed or as texts. What can't be read raises `BadRecord`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.errors import BadRecord
from connectors.exact import exact_number

_DOT_NET = re.compile(r"/Date\((-?\d{1,14})([+-]\d{4})?\)/")
_SLASHES = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?")
_FLAGS = {
    **dict.fromkeys(("true", "1", "y", "yes", "是", "t"), True),
    **dict.fromkeys(("false", "0", "n", "no", "否", "f"), False),
}


def text(value: Any) -> str | None:
    """A text without blanks around it; null for an empty one."""
    if isinstance(value, (list, dict)):
        raise BadRecord(f"{str(value)[:60]!r} is no text", record=value)
    return None if value is None else str(value).strip() or None


def number(value: Any) -> Decimal | None:
    """An exact number; `85.5%` and `1,234` are read too."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        value = value.strip().removesuffix("%").replace(",", "")
    return exact_number(value)


def flag(value: Any) -> bool | None:
    if value is None or value == "":
        return None
    found = value if isinstance(value, bool) else _FLAGS.get(str(value).strip().lower())
    if found is None:
        raise BadRecord(f"{str(value)[:60]!r} is neither yes nor no", record=value)
    return found


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A time in UTC: ISO 8601, `2026/11/22 8:00:05`, `/Date(1795305600000)/`; without a zone it is in `zone`. Null for
    an empty text and for .NET's 0001-01-01, which means never."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return None if value.year == 1 else value.astimezone(UTC)
    given = str(value).strip()
    if (ticks := _DOT_NET.fullmatch(given)) is not None:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(ticks[1]))
    try:
        if (parts := _SLASHES.fullmatch(given)) is not None:
            year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups())
            found = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        else:
            found = datetime.fromisoformat(given)
    except ValueError:
        raise BadRecord(f"{given[:60]!r} is no time", record=value) from None
    if found.year == 1:
        return None
    return (found.replace(tzinfo=zone) if found.tzinfo is None else found).astimezone(UTC)
