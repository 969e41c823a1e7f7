"""One step of the worker: notices that wait are given to people, what is due is sent, what came of it is kept.

All of it is rows in the hub's own database; calls are made by the outbox. Several workers may do it at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, exists, or_, select, update

import core_tickets
from core_tickets.collaboration import watchers
from core_tickets.people import Roster
from gateway.config.hub import Hub
from gateway.notify import audience
from gateway.notify.addressing import INBOX, Planned, Steps, open_channels, plan
from gateway.notify.audience import Audience
from gateway.notify.notices import Notice, queue
from gateway.notify.presence import on_shift
from gateway.notify.reaction import EVENTS
from gateway.notify.tables import notice_delivery
from gateway.policies.notification import KIND, Notification, Tier
from gateway.service import Gateway
from gateway.tables import context_job, context_section, notice

log = structlog.get_logger(__name__)

MOST = 100
NOBODY = "nobody_reached"
_N, _D = notice.c, notice_delivery.c
_OF_EVENTS = frozenset(EVENTS.values())


@dataclass
class Telling:
    """What one call works with; read once."""

    conn: Connection
    hub: Hub
    now: int
    policy: Notification = field(init=False)
    roster: Roster = field(init=False)
    _steps: dict[int, Steps] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.policy = KIND.of(self.hub.policies)
        self.roster = self.hub.roster

    def tier(self, priority: int) -> Tier:
        return self.policy.tiers[priority]

    def steps(self, priority: int) -> Steps:
        """The open channels of a tier."""
        if priority not in self._steps:
            self._steps[priority] = open_channels(self.hub, self.tier(priority))
        return self._steps[priority]

    def plan(self, person: str, priority: int, first: int, taken: frozenset[str] = frozenset()) -> list[Planned]:
        """The rows of a person for the tier's steps from `first` on."""
        tier = self.tier(priority)
        quiet = None if tier.breaks_quiet_hours else self.policy.quiet
        at_work = on_shift(self.hub, person, self.now)
        known = self.roster.people[person]
        return plan(known, self.steps(priority), first, self.now, quiet=quiet, at_work=at_work, taken=taken)


def give_out(gateway: Gateway, hub: Hub, now: int) -> int:
    """Write down for each waiting notice whom it goes to over what; answers how many there were."""
    with gateway.transaction() as conn:
        rows = _waiting(conn, KIND.of(hub.policies), now)
        if not rows:
            return 0
        telling = Telling(conn, hub, now)
        tickets = core_tickets.get_many(conn, {row.ticket_id for row in rows})
        meant = _audiences(telling, rows, tickets)
        for row in rows:
            if row.ticket_id in tickets:
                _give_out_one(telling, row, tickets[row.ticket_id], meant[row.id])
            else:
                _settle(conn, row.id, "nobody")
    return len(rows)


def _waiting(conn: Connection, policy: Notification, now: int) -> Sequence[Any]:
    """Those whose snapshot is complete, or that have waited for it long enough."""
    job, section = context_job.c, context_section.c
    asked = exists().where(job.ticket_id == _N.ticket_id)
    answers = exists().where(section.ticket_id == _N.ticket_id, section.status.in_(("pending", "asking")))
    ready = or_(_N.at <= now - policy.wait_for_context, ~or_(asked, answers))
    query = select(notice).where(_N.state == "waiting", ready).order_by(_N.id).limit(MOST)
    return conn.execute(query.with_for_update(skip_locked=True)).all()


def _audiences(
    telling: Telling, rows: Sequence[Any], tickets: Mapping[int, core_tickets.Ticket]
) -> dict[int, Audience]:
    """Whom each notice means, without who brought it about."""
    conn, events = telling.conn, telling.policy.events
    of_events = [r for r in rows if r.reason in _OF_EVENTS and r.step[1:].isdecimal() and r.ticket_id in tickets]
    words = {word for row in of_events for word in events.get(row.reason, ())}
    ids = {row.ticket_id for row in of_events}
    watching = watchers(conn, ids) if "watchers" in words else {}
    creators = audience.creators(conn, ids) if "creator" in words else {}
    versions = {(row.ticket_id, int(row.step[1:])) for row in of_events}
    doers = audience.doers(conn, versions) if versions else {}
    found = {}
    for row in rows:
        people, groups = orjson.loads(row.people), orjson.loads(row.groups)
        if row in of_events:
            more = audience.meant(
                events.get(row.reason, ()), tickets[row.ticket_id], telling.roster,
                watching.get(row.ticket_id, ()), creators.get(row.ticket_id),
            )  # fmt: skip
            people = [*people, *more]
        meant = audience.resolve(
            telling.hub, people, groups, telling.now, urgent=telling.tier(row.tier).breaks_quiet_hours
        )
        doer = doers.get((row.ticket_id, int(row.step[1:]))) if row in of_events else None
        if doer in meant.people:
            others = tuple(p for p in meant.people if p != doer)
            meant = Audience(others, (*meant.left_out, f"{doer}: did it"))
        found[row.id] = meant
    return found


def _give_out_one(telling: Telling, row: Any, ticket: core_tickets.Ticket, meant: Audience) -> None:
    conn, now = telling.conn, telling.now
    if not meant.people:
        _nobody_meant(telling, row, ticket, meant)
        return
    rows = [
        {
            "notice_id": row.id, "ticket_id": row.ticket_id, "person": person, "channel": INBOX, "step": 0, "op": "",
            "address": "", "state": "delivered", "due_at": now, "reason": "", "at": now, "sent_at": now, "done_at": now,
        }
        for person in meant.people
    ]  # fmt: skip
    planned = {person: telling.plan(person, row.tier, 0) for person in meant.people}
    for person, told in planned.items():
        rows += [delivery_row(row.id, row.ticket_id, person, each, now) for each in told]
    conn.execute(notice_delivery.insert(), rows)
    if meant.left_out:
        note(
            conn, row.ticket_id, "not_told", {"reason": row.reason, "notice": row.id, "why": list(meant.left_out)}, now
        )
    if any(each.state in ("waiting", "held") for told in planned.values() for each in told):
        _settle(conn, row.id, "telling")
    else:
        finish(telling, row, ticket)


def delivery_row(notice_id: int, ticket_id: int, person: str, planned: Planned, now: int) -> dict[str, Any]:
    """A row of `notice_delivery`."""
    done = now if planned.state in ("failed", "skipped") else None
    return {
        "notice_id": notice_id, "ticket_id": ticket_id, "person": person, "channel": planned.channel,
        "step": planned.step, "op": planned.op, "address": planned.address, "state": planned.state,
        "due_at": planned.due_at, "reason": planned.reason, "at": now, "sent_at": None, "done_at": done,
    }  # fmt: skip


def _nobody_meant(telling: Telling, row: Any, ticket: core_tickets.Ticket, meant: Audience) -> None:
    """Only who did it was meant, or nobody is known: that is no news. Else somebody should have been told."""
    _settle(telling.conn, row.id, "nobody")
    named = orjson.loads(row.people) or orjson.loads(row.groups)
    if telling.roster.people and named and not any(why.endswith(": did it") for why in meant.left_out):
        _loudly(telling, row, ticket, list(meant.left_out))


def finish(telling: Telling, row: Any, ticket: core_tickets.Ticket) -> None:
    """Every row of a notice is over: was anybody reached?"""
    conn, now = telling.conn, telling.now
    found = conn.execute(
        select(_D.person, _D.channel, _D.state, _D.reason).where(_D.notice_id == row.id).order_by(_D.person, _D.id)
    ).all()
    outside = [d for d in found if d.channel != INBOX]
    reached = {d.person for d in outside if d.state == "delivered"}
    reached |= {d.person for d in found} - {
        d.person for d in outside
    }  # nothing is connected: the inbox is all there is
    if telling.tier(row.tier).inbox_suffices:
        reached |= {d.person for d in found}
    _settle(conn, row.id, "sent" if reached else "nobody")
    told = [{"person": d.person, "channel": d.channel, "state": d.state, "why": d.reason} for d in outside]
    if told:
        note(conn, row.ticket_id, "notified", {"reason": row.reason, "notice": row.id, "told": told}, now)
    if not reached:
        why = [f"{d.person} over {d.channel}: {d.state}" + (f", {d.reason}" if d.reason else "") for d in outside]
        _loudly(telling, row, ticket, why)


def _loudly(telling: Telling, row: Any, ticket: core_tickets.Ticket, why: list[str]) -> None:
    """Nobody was reached: it stands in the timeline, and somebody else is told."""
    conn, now = telling.conn, telling.now
    log.warning("notice.nobody_reached", ticket=row.ticket_id, reason=row.reason, why=why[:5])
    note(conn, row.ticket_id, NOBODY, {"reason": row.reason, "notice": row.id, "why": why[:20]}, now)
    if row.reason == NOBODY:
        return
    fallback, roster = telling.policy.nobody, telling.roster
    tried = set(orjson.loads(row.people))
    leading = [p for p in (roster.lead(ticket.group), roster.director(ticket.group)) if p and p not in tried]
    people = tuple(fallback.people) or (() if fallback.groups else tuple(leading))
    if people or fallback.groups:
        text = "没有人收到此通知 Nobody received this:\n" + "\n".join(f"- {each}" for each in why[:5])
        told = Notice(row.ticket_id, NOBODY, str(row.id), row.tier, people, tuple(fallback.groups), "", text)
        queue(conn, [told], now)


def note(conn: Connection, ticket_id: int, kind: str, data: Mapping[str, Any], now: int) -> None:
    """A line of the ticket's timeline by the hub."""
    core_tickets.note(conn, [core_tickets.Note(ticket_id, kind, data, "hub", now)])


def _settle(conn: Connection, notice_id: int, state: str) -> None:
    conn.execute(update(notice).where(_N.id == notice_id).values(state=state))
