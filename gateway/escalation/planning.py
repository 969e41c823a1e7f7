"""When which step of which ladder is due, kept as one row a ticket, written in the transaction that changed the ticket."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Connection, Select, select

import core_tickets
from core_tickets.batch import among_given, given
from core_tickets.escalation import due_steps, episode
from gateway import rows
from gateway.bridge.happened import Happened, standing
from gateway.config.hub import Hub
from gateway.escalation import tables

_T = tables.timer.c
PLANNED = ("episode", "next_at", "plan", "done", "policy")

Planned = tuple[int, str, int]
"""Episode, step, due at."""


@dataclass(frozen=True, slots=True)
class Timer:
    """The row of a ticket: what will run, and what ran in the running episode."""

    ticket_id: int
    episode: int
    plan: tuple[Planned, ...]
    done: frozenset[str]
    policy: str

    @property
    def next_at(self) -> int | None:
        return min((at for _, _, at in self.plan), default=None)

    def due(self, now: int) -> list[Planned]:
        """What has to run by now, in order."""
        return sorted((p for p in self.plan if p[2] <= now), key=lambda p: (p[2], p[1]))

    def without(self, ran: Collection[Planned]) -> Timer:
        """After these ran."""
        done = self.done | {step for when, step, _ in ran if when == self.episode}
        return replace(self, plan=tuple(p for p in self.plan if p not in ran), done=done)


def timer_of(row: Any) -> Timer:
    plan = tuple((int(e), str(s), int(at)) for e, s, at in orjson.loads(row.plan))
    return Timer(row.ticket_id, row.episode, plan, frozenset(orjson.loads(row.done)), row.policy)


_LOOKS_AT = attrgetter(
    "kind", "priority", "status", "opened_at", "updated_at", "reopened_at", "storm_id", "group", "assignee", "due_fixed",
    "first_response_due", "resolution_due", "given_response_due", "given_resolution_due", "first_responded_at",
    "claimed_at", "stage_since", "paused_since", "paused_total", "resolved_at",
)  # fmt: skip
"""All that `due_steps` asks of a ticket."""


class Plans:
    """The steps of many tickets: of those opened together most are alike, and are thought of once."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: dict[Any, dict[str, int]] = {}

    def steps(self, ticket: core_tickets.Ticket) -> dict[str, int]:
        key = _LOOKS_AT(ticket)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = due_steps(ticket, self._hub.ladders, self._hub.promises)
        return found


def planned(
    ticket: core_tickets.Ticket, before: Timer | None, hub: Hub, now: int, *, anew: bool = False,
    plans: Plans | None = None,
) -> Timer:  # fmt: skip
    """The timer of a ticket as it stands. What was due before this change runs all the same, also what the change before it
    made overdue: nobody escapes a step by answering before the worker comes. `anew`: another policy came into force; it
    does not reach back, so what would have been due under it by now counts as passed."""
    current = episode(ticket)
    done = before.done if before is not None and before.episode == current else frozenset()
    overdue = [] if before is None else before.due(now)
    known = done | {step for when, step, _ in overdue if when == current}
    steps = (plans or Plans(hub)).steps(ticket)
    if anew:
        passed = {step for step, at in steps.items() if at <= now and step not in known}
        done, known = done | passed, known | passed
    fresh = [(current, step, at) for step, at in steps.items() if step not in known]
    return Timer(ticket.id, current, (*overdue, *sorted(fresh)), done, hub.escalation_version)


def plan(conn: Connection, hub: Hub, happened: Sequence[Happened], now: int) -> None:
    """A reaction: plan every ticket of which something happened anew. Two statements, three
    where it is not known how they stand."""
    ids = {h.ticket_id for h in happened}
    tickets = standing(happened)
    if stood := ids - tickets.keys():
        tickets |= core_tickets.get_many(conn, sorted(stood))
    known = ids - {h.ticket_id for h in happened if h.event == "ticket.opened"}  # a new ticket has no timer yet
    before, plans = timers(conn, known), Plans(hub)
    after = ((planned(t, before.get(t.id), hub, now, plans=plans), before.get(t.id)) for t in tickets.values())
    keep(conn, _changed(after))


def _changed(pairs: Iterable[tuple[Timer, Timer | None]]) -> list[Timer]:
    return [after for after, before in pairs if after != before and (before is not None or after.plan)]


def timers(conn: Connection, ids: Collection[int]) -> Mapping[int, Timer]:
    """The timers of these tickets."""
    if not ids:
        return {}
    found = conn.execute(_by_ticket(conn.dialect.name), given(conn, ids))
    return {row.ticket_id: timer_of(row) for row in found}


@cache
def _by_ticket(dialect: str) -> Select[Any]:
    return select(tables.timer).where(among_given(dialect, _T.ticket_id))


def keep(conn: Connection, changed: Sequence[Timer]) -> None:
    """Write these timers. One statement; in order of id, as everything that locks tickets."""
    if not changed:
        return
    kept = [
        (
            t.ticket_id,
            t.episode,
            t.next_at,
            orjson.dumps(t.plan).decode(),
            orjson.dumps(sorted(t.done)).decode(),
            t.policy,
        )
        for t in sorted(changed, key=lambda t: t.ticket_id)
    ]
    rows.upsert(conn, tables.timer, ("ticket_id", *PLANNED), kept)
