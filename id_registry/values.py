"""Values of canonical records as JSON text and back, unchanged: text, bool, int, Decimal, aware datetime, lists, maps.

What JSON does not have travels as a map with one key that begins with `$`. The text is canonical (sorted keys), so
equal values have equal text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from id_registry.errors import BadObservation

__all__ = ["decode", "encode", "is_blank", "size"]

_INT64 = range(-(1 << 63), 1 << 63)


def encode(value: Any, path: str) -> str:
    """The value as JSON text. Raises BadObservation naming the part under `path` that cannot be kept."""
    try:
        return orjson.dumps(_tag(value, path), option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError as e:  # what _tag lets pass fails only for its text
        raise BadObservation(f"{path} holds text that UTF-8 cannot hold", value=value, path=path) from e


def decode(text: str) -> Any:
    """The value that `encode` was given; a datetime in UTC."""
    return _untag(orjson.loads(text))


def is_blank(value: Any) -> bool:
    """Whether the value says nothing: null, empty or white text, an empty list or map."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


def size(value: Any) -> int:
    """How much the value says: characters of a text, filled entries of a list or map, 1 for anything else."""
    if is_blank(value):
        return 0
    if isinstance(value, str):
        return len(value.strip())
    if isinstance(value, list | dict):
        return sum(not is_blank(entry) for entry in (value.values() if isinstance(value, dict) else value))
    return 1


def _tag(value: Any, path: str) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if value in _INT64 else {"$int": str(value)}
        case Decimal() if value.is_finite():
            return {"$decimal": str(value)}
        case datetime() if value.tzinfo is not None:
            return {"$time": value.astimezone(UTC).isoformat()}
        case list() | tuple():
            return [_tag(entry, f"{path}[{i}]") for i, entry in enumerate(value)]
        case Mapping() if all(isinstance(name, str) for name in value):
            entries = {name: _tag(entry, f"{path}.{name}") for name, entry in value.items()}
            return {"$map": entries} if any(name.startswith("$") for name in entries) else entries
    advice = _advice(value)
    why = f"{path} is {value!r} of type {type(value).__name__}; {advice}"
    raise BadObservation(why, value=value, path=path, hint=advice)


def _advice(value: Any) -> str:
    if isinstance(value, float):
        return "give a Decimal, or text: a float has already lost digits"
    if isinstance(value, datetime):
        return "give a datetime with its time zone"
    if isinstance(value, Decimal):
        return "give a finite Decimal, or null"
    return "give text, a bool, an int, a Decimal, an aware datetime, or a list or map (with text keys) of these"


def _untag(value: Any) -> Any:
    match value:
        case {"$decimal": str(digits)}:
            return Decimal(digits)
        case {"$time": str(time)}:
            return datetime.fromisoformat(time)
        case {"$int": str(digits)}:
            return int(digits)
        case {"$map": dict(entries)}:
            return {name: _untag(entry) for name, entry in entries.items()}
        case dict():
            return {name: _untag(entry) for name, entry in value.items()}
        case list():
            return [_untag(entry) for entry in value]
    return value
