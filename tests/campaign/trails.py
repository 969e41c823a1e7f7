"""The timelines as they lie in the database, read by hand: no line of core_tickets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, text

DUES = ("first_response_due", "resolution_due", "given_response_due", "given_resolution_due")
OPEN = ("pending", "in_progress", "blocked")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a timeline."""

    id: int
    at: int
    type: str
    name: str
    actor: str
    kind: str
    """person, rule, connector or system"""
    changes: list[tuple[str, Any, Any]]
    data: dict[str, Any]
    act: int | None = None
    """The transaction that wrote it, as PostgreSQL counts them; SQLite does not tell."""

    @property
    def moves(self) -> bool:
        """Is the ticket another one after it? Who claims what he was given changes no field, and has it from then on."""
        return bool(self.changes) or self.name in ("claim", "hand_over", "return")


@dataclass(slots=True)
class Trail:
    """A ticket's whole timeline."""

    ticket: int
    lines: list[Line] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As people read it."""
        return f"TKT-{self.ticket // 10**9 % 10**4}-{self.ticket % 10**9:06}"


def trails(conn: Connection, since: int = 0) -> Iterator[Trail]:
    """Every ticket's, one after the other; with `since` only of those that are open or of which something was written then
    or later."""
    some = """WHERE ticket_id IN (SELECT ticket_id FROM ticket_entry WHERE at >= :since UNION SELECT id FROM ticket
        WHERE status IN ('pending', 'in_progress', 'blocked'))"""
    act = "CAST(CAST(xmin AS text) AS bigint)" if conn.dialect.name == "postgresql" else "NULL"
    query = text(
        f"SELECT ticket_id, id, at, type, name, actor, actor_kind, changes, data, {act} AS act FROM ticket_entry "
        f"{some if since else ''} ORDER BY ticket_id, id"
    )
    given = {"since": since} if since else {}
    rows = conn.execute(query, given, execution_options={"stream_results": True})
    for ticket, mine in groupby(rows, key=lambda row: row.ticket_id):
        yield Trail(int(ticket), [
            Line(r.id, r.at, r.type, r.name, r.actor, r.actor_kind,
                 [(f, a, b) for f, a, b in orjson.loads(r.changes)], orjson.loads(r.data), r.act)
            for r in mine
        ])  # fmt: skip


@dataclass(slots=True)
class State:
    """What a ticket is after some of its lines."""

    fields: dict[str, Any] = field(default_factory=dict)
    opened: int = 0
    taken: bool = False
    """Somebody took it, and it was not given on since."""
    stage_since: int | None = None
    """When it came into its state; None: it was opened in it."""

    def enter(self, line: Line) -> None:
        if line.name == "open":
            self.opened = line.at
        held_before = self.taken
        if line.name in ("hand_over", "return"):
            self.taken = False
        for name, _, after in line.changes:
            self.fields[name] = after
            if name == "status" and line.name != "open":
                self.stage_since = line.at
        moved = {name: after for name, _, after in line.changes}
        himself = line.kind == "person" and moved.get("assignee") == line.actor != ""
        begun = moved.get("status", "pending") != "pending"
        if not held_before and line.name != "open" and (line.name == "claim" or himself or begun):
            self.taken = True

    def __getitem__(self, name: str) -> Any:
        return self.fields.get(name)

    @property
    def episode(self) -> int:
        """When it was opened, or last reopened."""
        return int(self["reopened_at"] or self.opened)

    @property
    def running(self) -> bool:
        return self["status"] in OPEN


class Stretch(NamedTuple):
    """A ticket as it stood from when to when."""

    state: State
    since: int
    until: int
    sure: bool
    """False: both ends are one moment, and nothing tells whether one transaction went through it or two met there."""


def stretches(trail: Trail, until: int) -> Iterator[Stretch]:
    """How the ticket stood after each transaction, one after the other, though their moments may be the same; what one
    transaction goes through nobody saw."""
    state = State()
    lines = [line for line in trail.lines if line.moves]
    for line, following in zip_longest(lines, lines[1:]):
        state.enter(line)
        if following is None:
            yield Stretch(state, line.at, until, True)
        elif following.at != line.at or line.act is None or following.act != line.act:
            yield Stretch(state, line.at, following.at, following.at != line.at or line.act is not None)
