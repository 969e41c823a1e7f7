"""Tickets that nobody has begun find somebody else when their holder goes off shift or leaves, and when their group is back.

What cannot be given to anybody now stays where it is, and is looked at again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from core_tickets import Ticket, tables
from core_tickets.batch import among
from core_tickets.rows import SELECT_TICKET, ticket_of
from gateway.aftermath import follow
from gateway.config.hub import Hub
from gateway.policies import routing as policy
from gateway.routing.again import give
from gateway.service import Gateway

AT_ONCE = 200
_T = tables.ticket.c


@dataclass(slots=True)
class Relief:
    """Looks after tickets that nobody has begun; one worker at a time. `after`: where the next look goes on."""

    after: int = 0

    def tick(self, gateway: Gateway, now: int) -> int:
        """Route a few again whose holder is off shift or has left, or that wait for a group that is back; answers how many
        changed hands."""
        hub = gateway.hub
        chosen = policy.KIND.of(hub.policies)
        if not chosen.routing.active or not chosen.again:
            return 0

        def relieve(conn: Connection) -> int:
            left = waiting_for(conn, absent(hub, now))
            waiting = self._waiting(conn, hub)
            gone = {t.id for t in left}
            given = {t.id: t.group for t in waiting if t.id not in gone} | {t.id: None for t in left}
            tickets = [*left, *(t for t in waiting if t.id not in gone)]
            done = give(conn, hub, tickets, given, now, even_nobody=False)
            follow(conn, hub, done, gateway.serial, now)
            return len(done)

        return gateway.transact(relieve)

    def _waiting(self, conn: Connection, hub: Hub) -> list[Ticket]:
        """Some that belong to a group and to nobody in it, from where the last look ended."""
        pool = policy.KIND.of(hub.policies).routing.pool
        groups = [g for g in hub.roster.groups if g != pool and hub.roster.members(g)]
        if not groups:
            return []
        open_ones = (_T.status == "pending", _T.assignee.is_(None), among(conn, _T.group, groups), _T.id > self.after)
        found = [ticket_of(r) for r in conn.execute(SELECT_TICKET.where(*open_ones).order_by(_T.id).limit(AT_ONCE))]
        self.after = found[-1].id if len(found) == AT_ONCE else 0
        return found


def absent(hub: Hub, now: int) -> set[str]:
    """Who has left, or is between two shifts of the plan. Whoever has no shifts keeps their tickets over night."""
    roster = hub.roster
    planned = now < roster.planned_until
    return {
        person.id
        for person in roster.people.values()
        if not person.active or (planned and person.id in roster.shifts and not roster.shifts[person.id].at(now))
    }


def waiting_for(conn: Connection, people: Collection[str]) -> list[Ticket]:
    """Tickets that these people hold and nobody has begun or claimed, the most urgent first."""
    if not people:
        return []
    theirs = (among(conn, _T.assignee, people), _T.status == "pending", _T.claimed_at.is_(None))
    query = SELECT_TICKET.where(*theirs).order_by(_T.priority, _T.id).limit(AT_ONCE)
    return [ticket_of(row) for row in conn.execute(query)]
