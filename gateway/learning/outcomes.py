"""What became of solved tickets, for whoever asks how they were solved, and what is usual for a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, or_, select

import core_tickets
from core_tickets import Ticket
from core_tickets.batch import among
from core_tickets.learning import Outcome, nearest_rank
from core_tickets.learning.worth import UNFIXED
from core_tickets.tables import entry, ticket
from gateway.clock import DAY
from gateway.learning import memory

MEDIANS = "medians"
LOOKED_AT = 100_000
YEAR = 365 * DAY
_T, _E = ticket.c, entry.c


def outcomes(conn: Connection, tickets: Sequence[Ticket], now: int) -> dict[int, Outcome]:
    """Of each solved ticket; the others are absent. Three statements."""
    solved = [t for t in tickets if t.resolved_at is not None and t.status in ("resolved", "closed")]
    if not solved:
        return {}
    medians = memory.recall(conn, MEDIANS, dict[str, int]())
    successors = core_tickets.get_many(conn, [t.superseded_by for t in solved if t.superseded_by is not None])
    query = select(_E.ticket_id, _E.actor_kind).where(
        among(conn, _E.ticket_id, [t.id for t in solved]), _E.name == "resolve"
    )
    by = {row.ticket_id: row.actor_kind for row in conn.execute(query.order_by(_E.id))}
    made: dict[int, Outcome] = {}
    for t in solved:
        assert t.resolved_at is not None
        after = successors.get(t.superseded_by or 0)
        held = (now if after is None else after.opened_at) - t.resolved_at
        made[t.id] = Outcome(
            t.cause, took(t), medians.get(f"{t.kind}/{t.priority}"), max(held, 0), reopened=after is not None,
            confirmed=True if t.confirmed_at is not None else None, by_person=by.get(t.id, "person") == "person",
        )  # fmt: skip
    return made


def took(t: Ticket) -> int:
    """From the opening to the solution, without what was waited for the customer; microseconds."""
    assert t.resolved_at is not None
    return max(t.resolved_at - t.opened_at - t.paused_total, 0)


def came_back(outcome: Outcome, needed: int) -> bool:
    """Did the trouble return before the solution had held for so long?"""
    return outcome.reopened and outcome.held < needed


def learn_medians(conn: Connection, now: int) -> Mapping[str, int]:
    """The median duration of each kind and priority over the last year, of tickets that somebody mended."""
    query = (
        select(_T.kind, _T.priority, _T.opened_at, _T.resolved_at, _T.paused_total)
        .where(_T.resolved_at > now - YEAR, _T.status.in_(("resolved", "closed")), _T.storm_id.is_(None))
        .where(or_(_T.cause.is_(None), _T.cause.not_in(sorted(UNFIXED))))
        .order_by(_T.id.desc())
        .limit(LOOKED_AT)
    )
    told: dict[str, list[int]] = {}
    for t in conn.execute(query):
        told.setdefault(f"{t.kind}/{t.priority}", []).append(max(t.resolved_at - t.opened_at - t.paused_total, 0))
    return {name: nearest_rank(sorted(values), 0.5) for name, values in sorted(told.items())}
