"""From the replica to the roster: people, teams, shifts and holidays that were read are told to the ticket core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from core_tickets import people
from core_tickets.people import DayTold, ShiftTold, Told
from gateway.clock import from_datetime
from gateway.sync.pages import Row
from gateway.sync.values import loaded

WHAT: Mapping[str, str] = MappingProxyType({"Person": "people", "Team": "groups", "Shift": "shifts", "Holiday": "days"})
"""The records of people, and what of the roster each tells."""
_UNTOLD = ("changed_at", "position")


def take(
    conn: Connection, connection_id: str, stream: str, record: str, rows: Sequence[Row], gone: Sequence[Row]
) -> None:
    """Write what a source now says of people; what it says no more is taken away. Nothing for any other record."""
    if record not in WHAT:
        return
    told = [(f"{stream}/{row.key}", loaded(record, row.held.decode())) for row in rows]
    if told:
        _WRITE[record](conn, connection_id, told)
    people.drop(conn, WHAT[record], connection_id, [f"{stream}/{row.key}" for row in gone])


def forget(conn: Connection, connection_id: str, stream: str, record: str) -> None:
    """The stream became another record: what it said of people counts no more."""
    if record in WHAT:
        people.drop_below(conn, WHAT[record], connection_id, f"{stream}/")


_Many = Sequence[tuple[str, Mapping[str, Any]]]


def _facts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _UNTOLD}


def _people(conn: Connection, source: str, told: _Many) -> None:
    people.put_people(conn, [Told(source, key, _facts(values)) for key, values in told])


def _groups(conn: Connection, source: str, told: _Many) -> None:
    people.put_groups(conn, [Told(source, key, _facts(values)) for key, values in told])


def _shifts(conn: Connection, source: str, told: _Many) -> None:
    people.put_shifts(conn, [
        ShiftTold(source, key, str(v.get("team") or ""), str(v.get("person") or ""), _at(v["starts_at"]), _at(v["ends_at"]))
        for key, v in told
    ])  # fmt: skip


def _days(conn: Connection, source: str, told: _Many) -> None:
    people.put_days(conn, [
        DayTold(source, key, v["calendar"], v["day"][:10], bool(v.get("working")), str(v.get("name") or ""))
        for key, v in told
    ])  # fmt: skip


def _at(moment: datetime) -> int:
    return from_datetime(moment)


_WRITE: Mapping[str, Callable[[Connection, str, _Many], None]] = {
    "Person": _people,
    "Team": _groups,
    "Shift": _shifts,
    "Holiday": _days,
}
