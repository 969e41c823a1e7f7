"""Commands on tickets, in batches: what one of them does wrong harms no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, delete, select, tuple_

from core_tickets import checks, tables
from core_tickets.batch import among, among_given, given, insert_rows, update_rows
from core_tickets.collaboration import BOOKS, Book
from core_tickets.errors import TicketError, UnknownTicket
from core_tickets.model import Applied, Command, Ticket
from core_tickets.promises import STANDARD, Policy
from core_tickets.rows import MUTABLE, SELECT_TICKET, entry_row, row_of, ticket_of
from core_tickets.workflow import ACTIONS, Step, step

__all__ = ["apply"]

_T = tables.ticket.c
_LINK = tables.link.c
_LINKING = ("link", "unlink")
_NAMING = ("other", "storm_id")  # args that name another ticket


def apply(conn: Connection, commands: Sequence[Command], now: int, *, policy: Policy = STANDARD) -> list[Applied]:
    """One answer per command, in their order; `error` on those that were refused. A constant number of statements.

    Commands on one ticket see what those before them did. A command that asks for what is already so is answered with
    no changes, and leaves no line. The version grows by one with every command that changes a field.
    """
    if not commands:
        return []
    work = _Work(conn, now, policy)
    work.load(commands)
    answers = [work.do(command) for command in commands]
    work.store()
    return answers


@cache
def _lock(dialect: str) -> Select[Any]:
    return SELECT_TICKET.where(among_given(dialect, _T.id)).order_by(_T.id).with_for_update()


@dataclass(slots=True)
class _Work:
    """One call of `apply`."""

    conn: Connection
    now: int
    policy: Policy
    tickets: dict[int, Ticket] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    entries: list[dict[str, Any]] = field(default_factory=list)
    links: set[tuple[int, int]] = field(default_factory=set)
    books: dict[type[Book], Book] = field(default_factory=dict)
    """What the actions of this call keep beside the tickets."""
    relinked: dict[tuple[int, int], str | None] = field(default_factory=dict)
    """Pairs of tickets whose link this call makes (by whom) or takes away (None)."""

    def load(self, commands: Sequence[Command]) -> None:
        """Lock every ticket that is named, in order of id, and read the links that are to change."""
        linking = [c for c in commands if c.action in _LINKING]
        ids = {c.ticket_id for c in commands}.union(c.args.get(name) for c in commands for name in _NAMING)
        locked = self.conn.execute(_lock(self.conn.dialect.name), given(self.conn, checks.possible_ids(ids)))
        self.tickets = {t.id: t for t in map(ticket_of, locked.all())}
        if linking:
            found = select(_LINK.low, _LINK.high).where(among(self.conn, _LINK.low, self.tickets))
            self.links = {(row.low, row.high) for row in self.conn.execute(found)}
        for kind in dict.fromkeys(kind for c in commands for kind in BOOKS.get(c.action, ())):
            self.books[kind] = kind()
            self.books[kind].load(self.conn, self.tickets, commands)

    def do(self, command: Command) -> Applied:
        ticket = self.tickets.get(command.ticket_id)
        try:
            if ticket is None:
                raise UnknownTicket(command.ticket_id)
            done = step(ticket, command, self.now, self.policy)
            for name in _NAMING:
                if (other := command.args.get(name)) is not None and other not in self.tickets:
                    raise UnknownTicket(other)
            if command.action in _LINKING:
                done = self._link(ticket, command, done)
            for kind in BOOKS.get(command.action, ()):
                done = self.books[kind].enter(ticket, command, done, self.now, self.policy)
        except TicketError as error:
            return Applied(command.ticket_id, command.action, ticket, error=error)
        if not done.recorded:
            return Applied(command.ticket_id, command.action, ticket)
        self.tickets[ticket.id] = done.ticket
        self.changed.add(ticket.id)
        self._enter(command, done)
        event = done.event or ACTIONS[command.action].event
        return Applied(ticket.id, command.action, done.ticket, done.changes, event=event)

    def _link(self, ticket: Ticket, command: Command, done: Step) -> Step:
        other = self.tickets[done.data["other"]]
        pair = (min(ticket.id, other.id), max(ticket.id, other.id))
        making = command.action == "link"
        if making == (pair in self.links):
            return Step(ticket, ())
        self.links ^= {pair}
        self.relinked[pair] = command.actor if making else None
        self._enter(command, Step(other, (), {"other": ticket.id}))
        return done

    def _enter(self, command: Command, done: Step) -> None:
        row = entry_row(
            done.ticket.id,
            self.now,
            command.action,
            actor=command.actor,
            actor_kind=command.actor_kind,
            why=command.why,
            type="comment" if command.action == "comment" else "change",
            version=done.ticket.version,
            changes=done.changes,
            data=done.data,
        )
        self.entries.append(row)

    def store(self) -> None:
        changed = [row_of(self.tickets[i]) for i in sorted(self.changed)]
        update_rows(self.conn, tables.ticket, changed, MUTABLE)
        insert_rows(self.conn, tables.entry, self.entries)
        for book in self.books.values():
            book.store(self.conn)
        if self.relinked:
            self.conn.execute(delete(tables.link).where(tuple_(_LINK.low, _LINK.high).in_(list(self.relinked))))
            made = [(pair, actor) for pair, actor in self.relinked.items() if actor is not None]
            rows = [{"low": low, "high": high, "at": self.now, "actor": actor} for (low, high), actor in made]
            insert_rows(self.conn, tables.link, rows)
