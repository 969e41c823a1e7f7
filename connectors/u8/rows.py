"""Database rows into records: how each column is converted is settled once for a statement, not for each value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from connectors.contract import Record
from connectors.errors import BadRecord
from connectors.exact import exact_number
from connectors.u8.tables import Column

Convert = Callable[[Any], Any]


class Maker:
    """Makes records of a statement's rows. `columns`: those asked for, in order, without the position at the end;
    `types`: what the driver says it gives for each."""

    def __init__(self, columns: Sequence[Column], types: Sequence[type], zone: tzinfo) -> None:
        self._names = tuple(column.name for column in columns)
        told = zip(columns, types, strict=False)
        fixes = ((c.name, _converter(c.kind, given, zone)) for c, given in told)
        self._fixes = tuple((name, convert) for name, convert in fixes if convert is not None)
        self._needed = tuple(column.name for column in columns if column.required)

    def records(self, rows: Sequence[Any]) -> tuple[list[Record], list[BadRecord]]:
        """The records of these rows, and those that can't be used."""
        names, fixes, needed = self._names, self._fixes, self._needed
        good: list[Record] = []
        bad: list[BadRecord] = []
        for row in rows:
            record = dict(zip(names, row, strict=False))
            name = ""
            try:
                for name, convert in fixes:
                    value = record[name]
                    if value is not None:
                        record[name] = convert(value)
                for name in needed:
                    if record[name] is None or record[name] == "":
                        raise BadRecord("is empty")
            except BadRecord as reason:
                bad.append(BadRecord(f"{name}: {reason}", record=_shown(names, row)))
                continue
            good.append(record)
        return good, bad


def _shown(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """The row as it came, for the dead letters."""
    return {name: value if value is None else str(value) for name, value in zip(names, row, strict=False)}


def _converter(kind: str, given: type, zone: tzinfo) -> Convert | None:
    """How a column of this kind is converted from what the driver gives; None: it is right as it comes."""
    if kind == "number":
        return None if given in (Decimal, int) else _usual if given is float else number
    if kind == "time":
        return (lambda at: at.replace(tzinfo=zone)) if given is datetime else lambda at: moment(at, zone)
    if kind == "whole":
        return None if given is int else _whole
    if kind == "flag":
        return None if given is bool else lambda value: str(value).strip().lower() in ("1", "true", "t")
    return None if given is str else str


def number(value: Any) -> Decimal:
    """A quantity, exactly as the database shows it, whichever type the driver gives. Raises BadRecord."""
    exact = exact_number(repr(value) if isinstance(value, float) else value)
    whole = exact.to_integral_value()
    return whole if whole == exact else exact


_usual = functools.lru_cache(maxsize=4096)(number)
"""U8 keeps safety stocks and limits as float: a handful of values over and over."""


def _whole(value: Any) -> int:
    exact = number(value)
    if exact != int(exact):
        raise BadRecord(f"{value!r} is no whole number", record=str(value))
    return int(exact)


def moment(value: Any, zone: tzinfo) -> datetime:
    """A local time or day of U8, in its zone. Raises BadRecord."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=zone)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadRecord(f"{value!r} is no time", record=str(value)) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
