"""Cursor values as JSON: times as RFC 3339, numbers and texts as they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from connectors.errors import ConfigProblem

Moment: TypeAlias = datetime | int | str


def encode(value: Moment) -> str | int:
    """As it stands in a cursor."""
    return value.isoformat() if isinstance(value, datetime) else value


def decode(kind: str, value: Any) -> Moment:
    """Back, for a cursor field of this type. Raises ConfigProblem for what is no cursor of such a stream."""
    if kind == "datetime" and isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is not None and found.tzinfo is not None:
            return found
    elif kind == "int":
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif isinstance(value, str):
        return value
    raise ConfigProblem(
        f"{value!r} is no cursor of this stream", hint="read it from the beginning: weft sync run --full"
    )
