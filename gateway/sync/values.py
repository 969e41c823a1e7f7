"""Canonical records as they are held: JSON, read back exactly as the mapping gave them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

import lineage
from mappings import RECORDS, Kind

_CODED = "\x01"


def dumped(record: str, values: Mapping[str, Any]) -> bytes:
    """The text that is held: numbers with all their digits, times as RFC 3339. Raises UnstorableValue."""
    try:
        orjson.dumps(values, default=repr)
    except orjson.JSONEncodeError as error:
        raise lineage.UnstorableValue("", values, str(error)) from error
    if record in RECORDS and not any(value.__class__ in (dict, list) for value in values.values()):
        return lineage.raw_text(values)
    return lineage.encode(values)


def dumped_together(record: str, values: Sequence[Mapping[str, Any]]) -> list[bytes] | None:
    """The same for many at once; None where they must be asked for one by one."""
    together = lineage.raw_texts(values) if values and record in RECORDS else None
    return None if together is None else together.lines


def loaded(record: str, text: str) -> dict[str, Any]:
    """What was dumped, without nulls."""
    if record not in RECORDS or text.startswith(_CODED):
        coded: dict[str, Any] = lineage.decode(text)
        return {name: value for name, value in coded.items() if value is not None}
    fields = RECORDS[record].fields
    values: dict[str, Any] = {}
    for name, value in json.loads(text, parse_float=Decimal).items():
        if value is None:
            continue
        kind = fields[name].kind if name in fields else Kind.ANY
        if kind is Kind.NUMBER:
            value = Decimal(value)
        elif kind is Kind.DATETIME:
            value = datetime.fromisoformat(value)
        values[name] = value
    return values
