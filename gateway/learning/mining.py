"""The paths tickets took, read from their timelines; core_tickets.learning compares them with the plan.

Our own, and not PM4Py: that is a laboratory of 15 packages (pandas, SciPy, matplotlib, a solver) under the AGPL, made to
find unknown models in foreign logs. Here the model is known and the log is ours, so what is wanted (variants, times, named
deviations) is a hundred lines that anybody can check.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

import id_registry
from core_tickets.batch import among
from core_tickets.learning import STATES, Mined, Plan, Trace, mine, trace
from core_tickets.rows import entry_of
from core_tickets.tables import entry, ticket
from gateway.config.hub import Hub
from gateway.errors import Problem, Refused
from gateway.policies.learning import KIND as LEARNING
from mappings.suggestions import among as one_of

TICKETS = 5_000
"""The latest so many are looked at."""
VIEWS = {"status": ("status",), "group": ("group",), "status_group": ("status", "group"), "assignee": ("assignee",),
         "priority": ("priority",)}  # fmt: skip
WORDS = {
    "skipped": ("跳过", "skipped"), "returned": ("退回", "returned to"), "looped": ("反复", "again and again"),
    "detour": ("绕行", "by way of"), "forbidden": ("流程外", "outside the workflow"),
}  # fmt: skip
_E, _T = entry.c, ticket.c


@dataclass(frozen=True, slots=True)
class Paths:
    """What was mined, of which tickets, against which plan (None: this view has none)."""

    mined: Mined
    view: str
    plan: Plan | None
    limited: bool
    """There were more tickets than are looked at; these are the latest."""


def paths(
    conn: Connection, hub: Hub, since: int, until: int, *, view: str = "status", kinds: Collection[str] | None = None
) -> Paths:
    """The ways of the tickets opened in [since, until). Raises Refused for a view there is not."""
    if view not in VIEWS:
        raise Refused("There is no such view.", [Problem("view", f"{view!r} is none", one_of(view, sorted(VIEWS)))])
    query = select(_T.id, _T.status).where(_T.opened_at >= since, _T.opened_at < until)
    if kinds is not None:
        query = query.where(_T.kind.in_(sorted(kinds)))
    rows = conn.execute(query.order_by(_T.id.desc()).limit(TICKETS + 1)).all()
    states = {row.id: row.status for row in rows[:TICKETS]}
    traces = _traces(conn, sorted(states), VIEWS[view])
    plan = Plan(LEARNING.of(hub.policies).plan, STATES.allowed, STATES.ends) if view == "status" else None
    if plan is not None:
        return Paths(mine(traces, plan), view, plan, len(rows) > TICKETS)
    done = [t for t in traces if states[t.ticket_id] in STATES.last]  # any stage is the last once it is solved
    ends = frozenset(t.stays[-1].stage for t in done if t.stays)
    mined = mine(done, Plan((), None, ends))
    return Paths(mined, view, None, len(rows) > TICKETS)


def _traces(conn: Connection, ids: Sequence[int], fields: Sequence[str]) -> list[Trace]:
    query = select(entry).where(among(conn, _E.ticket_id, ids), _E.changes != "[]").order_by(_E.ticket_id, _E.id)
    told: dict[int, list[Any]] = {}
    for row in conn.execute(query) if ids else ():
        if any(f'"{name}"' in row.changes for name in fields):  # most entries change something else
            told.setdefault(row.ticket_id, []).append(entry_of(row))
    return [trace(number, entries, fields) for number, entries in told.items()]


def shape(found: Paths) -> dict[str, Any]:
    """For people and programs; times in seconds."""
    m, planned = found.mined, found.plan is not None
    return {
        "view": found.view, "plan": list(found.plan.order) if found.plan else None, "arrived": m.arrived,
        "under_way": m.under_way, "as_planned": m.as_planned if planned else None, "limited": found.limited,
        "variants": [
            {"path": list(v.path), "tickets": v.count, "share": round(v.share, 4), "median_s": v.median // 1_000_000,
             "p90_s": v.p90 // 1_000_000, "examples": [id_registry.format_id(n) for n in v.examples],
             "deviations": [_named(d.kind, d.at) for d in v.deviations if planned or d.kind == "looped"]}
            for v in m.variants
        ],
        "steps": [
            {"from": s.source, "to": s.target, "tickets": s.tickets, "times": s.times, "median_s": s.median // 1_000_000,
             "p90_s": s.p90 // 1_000_000, "planned": s.planned if planned else None}
            for s in m.steps
        ],
        "deviations": [
            _named(d.kind, d.at) | {"tickets": n, "share": round(n / m.arrived, 4)}
            for d, n in m.deviations.items()
            if planned or d.kind == "looped"
        ],
    }  # fmt: skip


def _named(kind: str, at: str) -> dict[str, str]:
    zh, en = WORDS[kind]
    return {"kind": kind, "at": at, "zh": f"{zh} {at}", "en": f"{en} {at}"}
