"""What a record may hold, and how much of a JSON Schema the exam checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.contract import Operation
from connectors.exact import MAX_EXPONENT

_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str, datetime),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}


def faults_of(value: Any, path: str = "record") -> Iterator[str]:
    """What in this record the contract does not allow, each with its path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{path}: the key {key!r} is no text"
            yield from faults_of(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from faults_of(item, f"{path}[{place}]")
    elif isinstance(value, float):
        yield f"{path}: {value!r} is a float; quantities are Decimal"
    elif isinstance(value, Decimal):
        if not value.is_finite():
            yield f"{path}: {value} is no number"
        elif value and abs(value.adjusted()) > MAX_EXPONENT:
            yield f"{path}: {value} is out of all proportion; parse JSON with connectors.exact.load_json"
    elif isinstance(value, datetime):
        if value.utcoffset() is None:
            yield f"{path}: {value!r} has no time zone"
    elif value is not None and not isinstance(value, (str, int, bool)):
        yield f"{path}: {type(value).__name__} is not JSON-like"


def texts_of(value: Any) -> Iterator[str]:
    """Every text inside a JSON-like value, keys included."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, (str, bytes)):
        yield value if isinstance(value, str) else value.decode("utf-8", "replace")


def lacking(have: Mapping[str, Any], want: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The wanted fields that differ: name → (wanted, there is)."""
    return {name: (value, have.get(name)) for name, value in want.items() if have.get(name) != value}


def at_path(record: Any, path: str) -> Any:
    """The record's value at a dotted path, None where there is none."""
    for step in path.split("."):
        record = record.get(step) if isinstance(record, Mapping) else None
    return record


def schema_faults(operation: Operation) -> Iterator[str]:
    """What is missing in the JSON Schema of an operation's body."""
    schema = operation.body_schema
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), Mapping):
        yield f'{operation.name}: body_schema must be {{"type": "object", "properties": ...}}'
        return
    for name, field in schema["properties"].items():
        if not (field.get("description") or field.get("title")):
            yield f"{operation.name}.{name}: has no description"
        if not field.keys() & {"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"}:
            yield f"{operation.name}.{name}: has no type"
    unknown = set(schema.get("required", ())) - schema["properties"].keys()
    if unknown:
        yield f"{operation.name}: requires {sorted(unknown)}, which it does not describe"


def body_faults(operation: Operation, body: Mapping[str, Any]) -> Iterator[str]:
    """Where a body does not fit its operation's schema (names, required fields, plain types)."""
    schema = operation.body_schema
    properties = schema.get("properties", {})
    for name in set(schema.get("required", ())) - body.keys():
        yield f"{operation.name}: {name} is required"
    for name, value in body.items():
        if name not in properties:
            yield f"{operation.name}: {name} is not in its schema"
            continue
        kind = properties[name].get("type")
        if isinstance(kind, str) and not isinstance(value, _JSON_TYPES[kind]):
            yield f"{operation.name}: {name} must be {kind}, not {type(value).__name__}"


def is_chinese(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", text) is not None


def is_recent(at: datetime, now: datetime) -> bool:
    """Aware, and not after now (but for five minutes of clock skew)."""
    return at.utcoffset() is not None and at <= now + timedelta(minutes=5)
