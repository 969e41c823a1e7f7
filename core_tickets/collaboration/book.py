"""What an action keeps beside the ticket: rows read under the ticket's lock, looked at, and written with its entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from core_tickets.model import Command, Ticket
from core_tickets.promises import Policy
from core_tickets.workflow import Step, moved

__all__ = ["Book", "put", "redone"]


class Book(Protocol):
    """One per call of `apply`, and only if one of its actions is asked for. A constant number of statements a call."""

    def load(self, conn: Connection, tickets: Mapping[int, Ticket], commands: Sequence[Command]) -> None:
        """Read what the commands may need; the tickets are locked."""

    def enter(self, ticket: Ticket, command: Command, step: Step, now: int, policy: Policy) -> Step:
        """Look whether it may be done, note what to write, and answer what is done in the end. Raises TicketError, and
        then has changed nothing."""

    def store(self, conn: Connection) -> None:
        """Write what `enter` noted."""


def redone(
    ticket: Ticket,
    now: int,
    fields: Mapping[str, Any],
    data: Mapping[str, Any],
    policy: Policy,
    event: str | None = None,
) -> Step:
    """A step that rows decided: these fields set, this kept in the entry, known to bridges by `event`."""
    step = moved(ticket, now, fields, policy)
    return replace(step, data={**data, **step.data}, event=event)


def put(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert, or overwrite the row of the same primary key. All rows have the same columns."""
    if not rows:
        return
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    keys = [c.name for c in table.primary_key]
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
