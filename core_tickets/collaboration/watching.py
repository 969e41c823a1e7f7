"""Who watches a ticket, and who is named with an @ in a comment: those watch it from then on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, delete, select, tuple_

from core_tickets.batch import among
from core_tickets.collaboration import tables
from core_tickets.collaboration.book import put
from core_tickets.collaboration.mentions import mentions
from core_tickets.errors import InvalidInput
from core_tickets.model import Command, Ticket
from core_tickets.people import Roster, load_roster
from core_tickets.promises import Policy
from core_tickets.workflow import Step

_W = tables.watcher.c
Pair = tuple[int, str]


@dataclass(slots=True)
class Watching:
    """For watch, unwatch and comment."""

    roster: Roster = field(default_factory=Roster)
    known: set[Pair] = field(default_factory=set)
    changed: dict[Pair, dict[str, Any] | None] = field(default_factory=dict)

    def load(self, conn: Connection, tickets: Mapping[int, Ticket], commands: Sequence[Command]) -> None:
        asked = {
            c.ticket_id for c in commands
            if c.action in ("watch", "unwatch") or (c.action == "comment" and "@" in str(c.args.get("text")))
        }  # fmt: skip
        if not asked:
            return
        self.roster = load_roster(conn)
        found = select(_W.ticket_id, _W.person).where(among(conn, _W.ticket_id, asked & tickets.keys()))
        self.known = {(row.ticket_id, row.person) for row in conn.execute(found)}

    def enter(self, ticket: Ticket, command: Command, step: Step, now: int, _policy: Policy) -> Step:
        if command.action == "comment":
            return self._comment(ticket, command, step, now)
        pair = (ticket.id, str(step.data["person"]))
        watching = command.action == "watch"
        if watching and self.roster.people and pair[1] not in self.roster.people:
            raise InvalidInput("person", f"there is nobody {pair[1]!r}", hint="write the id of a person, such as li.na")
        if watching == (pair in self.known):
            return Step(ticket, ())
        self._turn(pair, command.actor if watching else None, now)
        return step

    def _comment(self, ticket: Ticket, command: Command, step: Step, now: int) -> Step:
        told = mentions(str(step.data["text"]), self.roster) if "@" in step.data["text"] else None
        if told is None or not (told.people or told.groups or told.unknown):
            return step
        for person in told.people:
            if (ticket.id, person) not in self.known:
                self._turn((ticket.id, person), command.actor, now)
        named = {"mentioned": told.people, "mentioned_groups": told.groups, "unknown_mentions": told.unknown}
        return replace(step, data={**step.data, **{name: list(who) for name, who in named.items() if who}})

    def _turn(self, pair: Pair, by: str | None, now: int) -> None:
        self.known ^= {pair}
        row = {"ticket_id": pair[0], "person": pair[1], "at": now, "actor": by}
        self.changed[pair] = row if by is not None else None

    def store(self, conn: Connection) -> None:
        gone = [pair for pair, row in self.changed.items() if row is None]
        if gone:
            conn.execute(delete(tables.watcher).where(tuple_(_W.ticket_id, _W.person).in_(gone)))
        put(conn, tables.watcher, [row for row in self.changed.values() if row is not None])


def watchers(conn: Connection, ids: Collection[int]) -> dict[int, list[str]]:
    """Who watches each of these tickets, in the order they began; tickets nobody watches are left out."""
    found: dict[int, list[str]] = {}
    for row in conn.execute(
        select(_W.ticket_id, _W.person).where(among(conn, _W.ticket_id, ids)).order_by(_W.at, _W.person)
    ):
        found.setdefault(row.ticket_id, []).append(row.person)
    return found


__all__ = ["Watching", "watchers"]
