"""Answers to messages, by the link each holds: take the ticket, say something, answer a question. Recorded as the person.

What may be done is what the person may do anyway: the same rights, the same rules of the ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
from gateway import clock
from gateway.errors import Forbidden, Refused
from gateway.notify import links
from gateway.notify.tables import notice_delivery
from gateway.rights.asking import asker_as
from gateway.rights.eyes import Eyes
from gateway.service import Gateway
from gateway.stuck.answering import Question, answer, question_for
from gateway.tables import idempotency, notice
from gateway.usecases import tickets

_D, _N = notice_delivery.c, notice.c
CLAIM, COMMENT, ANSWER = "claim", "comment", "answer"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a link is about: the delivery it answers, the ticket as its reader sees it, and what can be done."""

    delivery_id: int
    person: str
    ticket: core_tickets.Ticket
    values: Mapping[str, Any]
    reason: str
    may: tuple[str, ...]
    """Of claim, comment, answer: what the reader may do now."""
    question: Question | None
    answered: str
    """What was answered to this message before; empty: nothing."""
    entries: tuple[Mapping[str, Any], ...]
    """The latest of the timeline: at, what, who, text."""


def look(conn: Connection, gateway: Gateway, token: str) -> Reply:
    """What a link shows. Nothing is done by it. Raises NotFound, LinkExpired, Forbidden (who works here no more),
    core_tickets.UnknownTicket (who may not see the ticket any more)."""
    hub, now = gateway.hub, clock.now()
    number = links.read(gateway.vault, token, now)
    query = select(notice_delivery, _N.reason.label("about")).join_from(notice_delivery, notice, _N.id == _D.notice_id)
    row = conn.execute(query.where(_D.id == number)).first()
    if row is None:
        raise links.LinkExpired("What this link was about is no longer kept.")
    person = hub.roster.people.get(row.person)
    if person is None or not person.active:
        raise Forbidden(f"{row.person} works here no more.")
    eyes = Eyes(conn, hub, asker_as(hub, row.person))
    ticket = eyes.seen(row.ticket_id).ticket
    found = question_for(conn, row.ticket_id, row.person)
    may = tuple(what for what in (CLAIM, COMMENT, ANSWER) if _may(eyes, ticket, what, found))
    entries = eyes.project(
        [_plain(e) for e in core_tickets.timeline(conn, row.ticket_id, limit=500)][-8:], row.ticket_id
    )
    seen = eyes.project({"title": ticket.title, "description": ticket.description, "resolution": ticket.resolution,
                         "assignee": ticket.assignee}, row.ticket_id)  # fmt: skip
    return Reply(row.id, row.person, ticket, seen, row.about, may, found, row.answer or "", tuple(entries))


def act(conn: Connection, gateway: Gateway, token: str, what: str, given: Mapping[str, str], once: str) -> str:
    """Do what a form asked for, once for each form that was shown (`once`); answers what was done, in words. Raises what
    `look` raises, Refused for what is not offered, and the errors of the action."""
    reply = look(conn, gateway, token)
    if not _first_time(conn, reply.delivery_id, once):
        return "已处理 Done already"
    if what not in reply.may:
        raise Refused("This cannot be done any more; look at the ticket again. 此操作现在不可用。")
    if what == CLAIM:
        _do(conn, gateway, reply, "claim", {"by": reply.person})
        if core_tickets.get(conn, reply.ticket.id).status == "pending":
            _do(conn, gateway, reply, "start", {})
        told = "claim"
    elif what == COMMENT:
        text = given.get("text", "").strip()
        _do(conn, gateway, reply, "comment", {"text": text, "public": False})
        told = f"comment: {text}"
    else:
        assert reply.question is not None
        chosen = given.get("answer", "")
        answer(conn, gateway, reply.ticket.id, chosen, given, actor=reply.person)
        told = f"answer: {chosen}" + (f" {given['text'].strip()}" if given.get("text", "").strip() else "")
    values = {"answer": told[:2000], "answered_at": clock.now()}
    conn.execute(update(notice_delivery).where(_D.id == reply.delivery_id).values(values))
    return told


def _do(conn: Connection, gateway: Gateway, reply: Reply, action: str, args: Mapping[str, Any]) -> None:
    why = "answered a message 回复通知"
    tickets.act(conn, gateway, reply.ticket.id, action, args, actor=reply.person, why=why)


def _may(eyes: Eyes, ticket: core_tickets.Ticket, what: str, question: Question | None) -> bool:
    if what == ANSWER:
        return question is not None
    if what not in core_tickets.allowed(ticket) or (what == CLAIM and ticket.assignee == eyes.asker.person):
        return False
    try:
        eyes.demand_action(ticket.id, what)
    except Forbidden:
        return False
    return True


def _plain(entry: core_tickets.Entry) -> dict[str, Any]:
    text = entry.data.get("text") or entry.data.get("reason") or ""
    return {"at": entry.at, "what": entry.name, "who": entry.actor, "text": text if isinstance(text, str) else ""}


def _first_time(conn: Connection, delivery_id: int, once: str) -> bool:
    """Is it the first time that this form comes? A reload of the page, or an impatient second click, is not."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    taken = insert(idempotency).values(
        token_id=f"r{delivery_id}"[:26], key=once[:64], digest="", status=0, body="", at=clock.now()
    )
    return conn.execute(taken.on_conflict_do_nothing().returning(idempotency.c.key)).first() is not None
