"""Between values and table rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Row, select

from core_tickets import tables
from core_tickets.model import Change, Entry, Ticket

FIELDS = tuple(Ticket.__dataclass_fields__)
SELECT_TICKET = select(*(tables.ticket.c[f] for f in FIELDS))
MUTABLE = (*(f for f in FIELDS if f not in ("id", "opened_at", "fingerprint")), "open_key")
_LABELS = FIELDS.index("labels")
_values = attrgetter(*FIELDS)


def ticket_of(row: Row[Any]) -> Ticket:
    """A row of `SELECT_TICKET`."""
    values: list[Any] = list(row)
    values[_LABELS] = orjson.loads(values[_LABELS])
    return Ticket(*values)


def labels_json(labels: Mapping[str, str]) -> str:
    return orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode() if labels else "{}"


def row_of(ticket: Ticket) -> dict[str, Any]:
    row = dict(zip(FIELDS, _values(ticket), strict=True))
    row["labels"] = labels_json(ticket.labels)
    row["open_key"] = None if ticket.superseded_by is not None else ticket.fingerprint
    return row


def entry_row(
    ticket_id: int,
    at: int,
    name: str,
    *,
    actor: str,
    actor_kind: str,
    why: str = "",
    type: str = "change",
    version: int | None = None,
    changes: Sequence[tuple[str, Any, Any]] = (),
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "ticket_id": ticket_id,
        "at": at,
        "type": type,
        "name": name,
        "actor": actor,
        "actor_kind": actor_kind,
        "why": why,
        "version": version,
        "changes": orjson.dumps(changes, default=tuple).decode() if changes else "[]",
        "data": orjson.dumps(data).decode() if data else "{}",
    }


def entry_of(row: Row[Any]) -> Entry:
    """A row of all columns of the entry table."""
    values: list[Any] = list(row)
    values[-2] = tuple(Change(*c) for c in orjson.loads(values[-2]))
    values[-1] = orjson.loads(values[-1])
    return Entry(*values)
