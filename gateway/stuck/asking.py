"""The worker's part: tickets without progress are asked about once a period, and never twice at once; what is not
answered in time is told to who leads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, exists, func, insert, select, update

import core_tickets
import id_registry
from core_tickets import stuck
from core_tickets.batch import among
from core_tickets.tables import entry
from core_tickets.tables import ticket as ticket_table
from gateway import clock
from gateway.config.hub import Hub
from gateway.notify import Notice, queue
from gateway.notify.presence import there
from gateway.policies.stuck import KIND, Stuck
from gateway.service import Gateway
from gateway.stuck.tables import stuck_question, stuck_watch

MOST = 200
_W, _Q, _E, _T = stuck_watch.c, stuck_question.c, entry.c, ticket_table.c


def tick(gateway: Gateway, hub: Hub, now: int) -> int:
    """Ask and remind, all that is due; answers how much that was. With nothing due it only reads."""
    with gateway.reading() as conn:
        due, late = conn.execute(
            select(exists().where(_W.next_at <= now), exists().where(_Q.state == "open", _Q.due_at <= now))
        ).one()
    return (remind(gateway, hub, now) if late else 0) + (ask(gateway, hub, now) if due else 0)


def ask(gateway: Gateway, hub: Hub, now: int) -> int:
    """Look at the tickets whose time has come; answers how many were looked at."""
    return gateway.transact(lambda conn: _ask_some(conn, hub, now))


def _ask_some(conn: Connection, hub: Hub, now: int) -> int:
    policy = KIND.of(hub.policies)
    due = select(stuck_watch).where(_W.next_at <= now).order_by(_W.next_at, _W.ticket_id).limit(MOST)
    rows = conn.execute(due.with_for_update(skip_locked=True)).all()
    if not rows:
        return 0
    ids = [row.ticket_id for row in rows]
    tickets = core_tickets.get_many(conn, ids)
    done, asked = progress(conn, ids), _last_asked(conn, ids)
    again: list[tuple[int, int]] = []
    for row in rows:
        ticket = tickets.get(row.ticket_id)
        next_at = None
        if ticket is not None and ticket.status in core_tickets.OPEN and ticket.storm_id is None:
            next_at = _look(conn, hub, policy, ticket, row.promised_until, done.get(row.ticket_id),
                            asked.get(row.ticket_id), now)  # fmt: skip
        if next_at is not None:
            again.append((row.ticket_id, next_at))
    _later(conn, ids, again)
    return len(rows)


def _look(
    conn: Connection, hub: Hub, policy: Stuck, ticket: core_tickets.Ticket, promised_until: int | None,
    progress_at: int | None, last: Any, now: int,
) -> int | None:  # fmt: skip
    """Ask, if it is time to. Answers when to look again; None: never, as long as nothing happens to it."""
    rule = stuck.rule_for(policy.rules, ticket)
    if rule is None or (ticket.assignee is None and ticket.status == "pending"):
        return None  # whom it belongs to is routing's business, and there is no holder to ask
    at = stuck.stuck_at(rule, ticket, progress_at, promised_until)
    if last is not None:
        at = max(at, last.asked_at + policy.ask_again_after)
        if last.state == "open" and (progress_at or 0) > last.asked_at:
            conn.execute(update(stuck_question).where(_Q.id == last.id, _Q.state == "open").values(state="settled"))
        elif last.state == "open":
            at = max(at, last.due_at + 1)
    if at > now:
        return at
    begun = ticket.reopened_at or ticket.opened_at
    _ask(conn, hub, ticket, rule, now - max(progress_at or 0, begun), now)
    return now + policy.ask_again_after


def _ask(conn: Connection, hub: Hub, ticket: core_tickets.Ticket, rule: stuck.Rule, quiet_for: int, now: int) -> None:
    facts = facts_of(conn, hub, ticket, quiet_for, now)
    people = _people(hub, ticket, facts)
    if not people:
        return
    question = stuck.choose(facts)
    answers = "\n".join(f"- {stuck.ANSWERS[a].zh} {stuck.ANSWERS[a].en}" for a in question.answers)
    body = orjson.dumps(question.as_dict()).decode()
    row = {"ticket_id": ticket.id, "asked_at": now, "due_at": now + rule.answer_within,
           "people": orjson.dumps(people).decode(), "about": question.about, "body": body, "state": "open"}  # fmt: skip
    number = conn.execute(insert(stuck_question).values(row).returning(_Q.id)).scalar_one()
    title = f"{question.zh} {question.en}"
    queue(conn, [Notice(ticket.id, "question", f"q{number}", ticket.priority, people, (), title, answers)], now)
    told = {"question": number, "about": question.about, "text": title, "people": list(people),
            "answers": list(question.answers), "quiet_for_s": quiet_for // clock.SECOND}  # fmt: skip
    core_tickets.note(conn, [core_tickets.Note(ticket.id, "asked", told, "hub", now)])


def facts_of(conn: Connection, hub: Hub, ticket: core_tickets.Ticket, quiet_for: int, now: int) -> stuck.Facts:
    """What is known about why a ticket does not move."""
    holder = ticket.assignee or hub.roster.lead(ticket.group) or ""
    known = hub.roster.people.get(holder)
    last = conn.execute(
        select(_E.actor, _E.data).where(_E.ticket_id == ticket.id, _E.type == "comment").order_by(_E.id.desc()).limit(1)
    ).first()
    return stuck.Facts(
        ticket=ticket,
        holder=holder,
        quiet_for=quiet_for,
        holder_there=there(hub, holder, ticket.group, now),
        holder_active=known is None or known.active,
        purchase=purchase_of(conn, ticket),
        asked_customer=last is not None and last.actor == holder and bool(orjson.loads(last.data).get("public")),
    )


def purchase_of(conn: Connection, ticket: core_tickets.Ticket) -> stuck.Purchase | None:
    """The open purchase that is linked with the ticket, else one for its device."""
    linked = core_tickets.links(conn, [ticket.id]).get(ticket.id, [])
    about = _T.id.in_(linked) if linked else _T.id == 0
    if ticket.device is not None:
        about = about | (_T.device == ticket.device)
    query = select(_T.id, _T.title).where(
        about, _T.kind == "spare_part_purchase", _T.status.in_(core_tickets.OPEN), _T.id != ticket.id
    )
    found = sorted(conn.execute(query).all(), key=lambda row: (row.id not in linked, -row.id))
    if not found:
        return None
    first = found[0]
    return stuck.Purchase(first.id, f"{id_registry.format_id(first.id)} {first.title[:80]}", first.id in linked)


def _people(hub: Hub, ticket: core_tickets.Ticket, facts: stuck.Facts) -> tuple[str, ...]:
    """The holder; who leads as well, where the holder is not there to answer."""
    lead = hub.roster.lead(ticket.group)
    holder = facts.holder if facts.holder_active else ""
    absent = not (facts.holder_there and facts.holder_active)
    return tuple(dict.fromkeys(p for p in (holder, lead if absent else None) if p))


def remind(gateway: Gateway, hub: Hub, now: int) -> int:
    """Tell who leads of questions nobody answered in time; answers how many there were."""
    return gateway.transact(lambda conn: _remind_some(conn, hub, now))


def _remind_some(conn: Connection, hub: Hub, now: int) -> int:
    due = select(stuck_question).where(_Q.state == "open", _Q.due_at <= now).order_by(_Q.id).limit(MOST)
    rows = conn.execute(due.with_for_update(skip_locked=True)).all()
    if not rows:
        return 0
    tickets = core_tickets.get_many(conn, [row.ticket_id for row in rows])
    done = progress(conn, [row.ticket_id for row in rows])
    for row in rows:
        ticket = tickets.get(row.ticket_id)
        moved = ticket is None or ticket.status not in core_tickets.OPEN or done.get(row.ticket_id, 0) > row.asked_at
        state = "settled" if moved else "unanswered"
        conn.execute(update(stuck_question).where(_Q.id == row.id).values(state=state))
        if not moved and ticket is not None:
            _tell_lead(conn, hub, ticket, row, now)
    return len(rows)


def _tell_lead(conn: Connection, hub: Hub, ticket: core_tickets.Ticket, row: Any, now: int) -> None:
    asked = orjson.loads(row.people)
    question = stuck.Question.of(orjson.loads(row.body))
    leading = (hub.roster.lead(ticket.group), hub.roster.director(ticket.group), *(_managers(hub, asked)))
    people = next(((p,) for p in leading if p and p not in asked), ())
    who = "、".join(asked)
    title = f"{who} 没有回答 has not answered: {question.zh} {question.en}"
    queue(conn, [Notice(ticket.id, "unanswered", f"q{row.id}", ticket.priority, people, (), title)], now)
    told = {"question": row.id, "asked": asked, "told": list(people)}
    core_tickets.note(conn, [core_tickets.Note(ticket.id, "not_answered", told, "hub", now)])


def _managers(hub: Hub, people: Sequence[str]) -> list[str | None]:
    return [known.manager for p in people if (known := hub.roster.people.get(p)) is not None]


def progress(conn: Connection, ids: Collection[int]) -> dict[int, int]:
    """When a person last did something to each of these tickets."""
    query = select(_E.ticket_id, func.max(_E.at)).where(among(conn, _E.ticket_id, ids), _E.actor_kind == "person")
    return {ticket_id: at for ticket_id, at in conn.execute(query.group_by(_E.ticket_id))}  # noqa: C416


def _last_asked(conn: Connection, ids: Collection[int]) -> Mapping[int, Any]:
    query = select(stuck_question).where(among(conn, _Q.ticket_id, ids)).order_by(_Q.id)
    return {row.ticket_id: row for row in conn.execute(query)}


def _later(conn: Connection, ids: Sequence[int], again: Sequence[tuple[int, int]]) -> None:
    """When to look at each again; the others are over."""
    kept = {number for number, _ in again}
    gone = [number for number in ids if number not in kept]
    if gone:
        conn.execute(delete(stuck_watch).where(_W.ticket_id.in_(gone)))
    for number, at in again:
        conn.execute(update(stuck_watch).where(_W.ticket_id == number).values(next_at=at))
