"""Canonical records as they are held: JSON without nulls, read back exactly as the mapping gave them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

import lineage
from mappings import RECORDS, Kind

_CODED = "\x01"


def dumped(record: str, values: Mapping[str, Any]) -> str:
    """The text that is held. Numbers are JSON numbers with all their digits, times RFC 3339."""
    told = {name: value for name, value in values.items() if value is not None}
    if record in RECORDS and not any(value.__class__ in (dict, list) for value in told.values()):
        return orjson.dumps(told, default=_number).decode()
    return lineage.encode(told).decode()


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError


def loaded(record: str, text: str) -> dict[str, Any]:
    """What was dumped. A field that is not there is null."""
    if record not in RECORDS or text.startswith(_CODED):
        values: dict[str, Any] = lineage.decode(text)
        return values
    values = json.loads(text, parse_float=Decimal)
    fields = RECORDS[record].fields
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            continue
        if field.kind is Kind.NUMBER:
            values[name] = Decimal(value)
        elif field.kind is Kind.DATETIME:
            values[name] = datetime.fromisoformat(value)
    return values
