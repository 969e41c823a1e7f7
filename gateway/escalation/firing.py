"""What is due runs: who is meant is told, a priority is raised, a room is opened, and the ticket says why.

Each step runs once: the tickets and their timers are claimed together (SKIP LOCKED), the plan loses what ran in the same
transaction, and `escalation` holds one row for each. A worker that is killed leaves everything as it was before. Times are
moments in the plan, not waits, so a clock that jumps forward runs all that is then due, and one that jumps back runs
nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
from core_tickets import Command, Entry, Note, Ticket
from core_tickets.attribution import holder_at, holds, shares
from core_tickets.escalation import BREACH, Step, Told, whom
from core_tickets.timeline import changes
from gateway import metrics
from gateway.aftermath import follow
from gateway.bridge.happened import of
from gateway.clock import SECOND
from gateway.config.hub import Hub
from gateway.escalation import tables, telling
from gateway.escalation.planning import Planned, keep, timers
from gateway.escalation.versions import activate, settled, sweep
from gateway.notify import queue
from gateway.service import Gateway
from gateway.storm import rooms

log = structlog.get_logger(__name__)
BATCH = 500
BREACHED = BREACH + "/"
ESCALATION = "escalation"
"""On whose account rooms are opened, as the outbox names it."""
_T = tables.timer.c


@dataclass(frozen=True, slots=True)
class Fired:
    """One step that runs now."""

    ticket: Ticket
    episode: int
    key: str
    due_at: int
    step: Step
    told: Told


def tick(gateway: Gateway, now: int, *, batches: int = 40) -> int:
    """Everything that is due, and some of what another policy asks to be planned; answers how many steps ran."""
    with gateway.reading() as conn:  # most of the time there is nothing to do, and then nothing is written
        another = not settled(conn, gateway.hub)
        if not another and not _any_due(conn, now):
            return 0
    if another:
        gateway.transact(lambda conn: activate(conn, gateway.hub, now))
        for _ in range(batches):
            if not gateway.transact(lambda conn: sweep(conn, gateway.hub, now)):
                break
    total = 0
    for _ in range(batches):
        tickets, steps = gateway.transact(lambda conn: fire(conn, gateway, now))
        total += steps
        if not tickets:
            break
    return total


def _any_due(conn: Connection, now: int) -> bool:
    return conn.execute(select(_T.ticket_id).where(_T.next_at <= now).limit(1)).first() is not None


def fire(conn: Connection, gateway: Gateway, now: int) -> tuple[int, int]:
    """One batch: how many tickets were claimed, how many steps ran."""
    hub = gateway.hub
    ids = _claim(conn, now)
    if not ids:
        return 0, 0
    found = timers(conn, ids)
    tickets = core_tickets.get_many(conn, ids)
    due = {number: found[number].due(now) for number in ids}
    keep(conn, [found[number].without(due[number]) for number in ids])
    fired = [f for number in ids for f in _steps(tickets[number], due[number], hub)]
    _record(conn, fired, now)
    queue(conn, [telling.notice(f.ticket, f.episode, f.key, f.step, f.told) for f in fired if f.told.anybody], now)
    trails = changes(conn, {f.ticket.id for f in fired if f.key.startswith(BREACHED)})
    gathered = {(f.ticket.id, f.key): _gather(conn, gateway, f, now) for f in fired if _gathers(f)}
    core_tickets.note(conn, [_note(f, hub, trails, gathered, now) for f in fired])
    _raise(conn, gateway, fired, now)
    for each in fired:
        metrics.ESCALATIONS.labels(telling.reason(each.step)).inc()
    return len(ids), sum(map(len, due.values()))


def _claim(conn: Connection, now: int) -> list[int]:
    """The tickets with a step that is due, locked before their timers as in every other transaction; those that somebody
    works on at this moment are left for the next round."""
    t = core_tickets.metadata.tables["ticket"]
    query = select(_T.ticket_id).join_from(tables.timer, t, t.c.id == _T.ticket_id).where(_T.next_at <= now)
    query = query.order_by(_T.next_at, _T.ticket_id).limit(BATCH)
    return list(conn.execute(query.with_for_update(skip_locked=True)).scalars())


def _steps(ticket: Ticket, due: Sequence[Planned], hub: Hub) -> list[Fired]:
    found = []
    for episode, key, at in due:
        step = hub.ladders.named(key)
        if step is None:
            # taken out of the ladder between its planning and its time: it is recorded, and nobody is told
            step = Step(key)
        found.append(Fired(ticket, episode, key, at, step, whom(step.tell, ticket, hub.roster)))
    return found


def _record(conn: Connection, fired: Sequence[Fired], now: int) -> None:
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    rows = [
        {"ticket_id": f.ticket.id, "episode": f.episode, "step": f.key, "due_at": f.due_at, "fired_at": now,
         "outcome": orjson.dumps(outcome(f)).decode()}
        for f in fired
    ]  # fmt: skip
    if rows:
        conn.execute(insert(tables.escalation).on_conflict_do_nothing(), rows)


def outcome(fired: Fired) -> dict[str, Any]:
    """What a step did and why: kept with it, shown on the timeline."""
    step = fired.step
    told: dict[str, Any] = {"step": fired.key, "due_at": fired.due_at, "do": step.do}
    told |= {"unless": step.condition, "after": step.after} if step.condition else {"promise": step.promise}
    if step.tell:
        told |= {"people": fired.told.people, "groups": fired.told.groups, "nobody": fired.told.nobody}
    if step.share or step.before:
        told |= {"share": step.share, "before": step.before}
    return told


def _note(
    fired: Fired,
    hub: Hub,
    trails: Mapping[int, Sequence[Entry]],
    gathered: Mapping[tuple[int, str], str | None],
    now: int,
) -> Note:
    """What the timeline says of it; of a breach with who held the ticket how long until then, of a room where it is."""
    data, kind = outcome(fired), telling.reason(fired.step)
    if not fired.key.startswith(BREACHED):
        kind = "escalated" if kind == "breached" else kind
    else:
        calendar = hub.promises.calendar(fired.ticket.kind, fired.ticket.priority)
        held = holds(trails[fired.ticket.id], now, calendar)
        until = shares(held, calendar, fired.episode, fired.due_at)
        data |= {
            "holder": holder_at(held, fired.due_at - 1),
            "held_s": {who: part // SECOND for who, part in until.items()},
        }
    if fired.step.do == "room":
        data |= {"minutes": fired.step.template, "connection": gathered.get((fired.ticket.id, fired.key))}
    return Note(fired.ticket.id, kind, data, "hub", now)


def _gathers(fired: Fired) -> bool:
    return fired.step.do == "room" and fired.told.anybody and fired.ticket.status in core_tickets.OPEN


def _gather(conn: Connection, gateway: Gateway, fired: Fired, now: int) -> str | None:
    """A room of all who are told, with the minutes in it, in the same transaction: once for each step. A storm's own room is
    taken where there is one. Answers the connection it is in; None: those who were told are the room."""
    hub, ticket = gateway.hub, fired.ticket
    taking_part = {"people": fired.told.people, "groups": fired.told.groups}
    room = rooms.room_of(conn, ticket.id)
    if room is None:
        room = rooms.open_room(conn, hub, gateway.serial, ticket, taking_part, now, by=ESCALATION)
    if room is None:
        return None
    said = telling.notice(ticket, fired.episode, fired.key, fired.step, fired.told)
    rooms.post(conn, hub, gateway.serial, ticket, room, said.step, said.title, said.text, now, by=ESCALATION)
    return room[0]


def _raises(fired: Fired) -> bool:
    return fired.step.do == "raise" and fired.ticket.priority > 0 and fired.ticket.status in core_tickets.OPEN


def _raise(conn: Connection, gateway: Gateway, fired: Sequence[Fired], now: int) -> None:
    """One priority up; what that leads to is planned and told as for anybody's change."""
    commands = [
        Command(f.ticket.id, "set", {"priority": f.ticket.priority - 1}, "hub", "system", f"escalation {f.key}")
        for f in {f.ticket.id: f for f in fired if _raises(f)}.values()
    ]
    if not commands:
        return
    done = core_tickets.apply(conn, commands, now, policy=gateway.hub.promises)
    for applied in done:
        if applied.error is not None:
            log.info("escalation.not_raised", ticket=applied.ticket_id, reason=str(applied.error))
    follow(conn, gateway.hub, of(done), gateway.serial, now)
