"""What an answer does: each is one or two actions on the ticket, as the person who answers, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, update

import core_tickets
import id_registry
from core_tickets import stuck
from gateway import clock
from gateway.config.durations import parse
from gateway.errors import Conflict, NotFound, Problem, Refused
from gateway.service import Gateway
from gateway.stuck.tables import stuck_question, stuck_watch
from gateway.usecases import tickets

_Q, _W = stuck_question.c, stuck_watch.c
WAITING = ("open", "unanswered")
LONGEST = 90 * clock.DAY
ANSWERING = "回答提问 answered a question"
Action = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that was put to people. `state`: open, unanswered (the lead was told; it can still be answered),
    answered, settled (the ticket moved by itself)."""

    id: int
    ticket_id: int
    asked_at: int
    due_at: int
    people: tuple[str, ...]
    asked: stuck.Question
    state: str
    answer: str | None
    answered_by: str | None
    answered_at: int | None

    @property
    def answers(self) -> tuple[stuck.Answer, ...]:
        return tuple(stuck.ANSWERS[a] for a in self.asked.answers)


def questions(conn: Connection, ticket_id: int) -> list[Question]:
    """All that was asked about a ticket, the latest first."""
    query = select(stuck_question).where(_Q.ticket_id == ticket_id).order_by(_Q.id.desc()).limit(100)
    return [_question(row) for row in conn.execute(query)]


def question_for(conn: Connection, ticket_id: int, person: str | None = None) -> Question | None:
    """What waits for an answer. `person`: only what was put to this one."""
    query = select(stuck_question).where(_Q.ticket_id == ticket_id, _Q.state.in_(WAITING)).order_by(_Q.id.desc())
    found = conn.execute(query.limit(1)).first()
    if found is None or (person is not None and person not in orjson.loads(found.people)):
        return None
    return _question(found)


def _question(row: Any) -> Question:
    return Question(
        row.id, row.ticket_id, row.asked_at, row.due_at, tuple(orjson.loads(row.people)),
        stuck.Question.of(orjson.loads(row.body)), row.state, row.answer, row.answered_by, row.answered_at,
    )  # fmt: skip


def answer(
    conn: Connection, gateway: Gateway, ticket_id: int, chosen: str, given: Mapping[str, Any], *, actor: str
) -> Question:
    """Answer what waits, once. `given`: `text` and `until` (RFC 3339, or a time from now such as 2h) where the answer needs
    them. Raises NotFound when nothing was asked, Refused for another answer than was offered or one that lacks something,
    Conflict when somebody was faster, and core_tickets' errors when the ticket does not allow it any more."""
    now = clock.now()
    found = question_for(conn, ticket_id)
    if found is None:
        raise NotFound("Nothing is asked about this ticket now.")
    if chosen not in found.asked.answers:
        hint = "answers: " + ", ".join(found.asked.answers)
        raise Refused("This answer was not offered.", [Problem("answer", f"{chosen!r} is none of them", hint)])
    text, until = _needed(stuck.ANSWERS[chosen], given, now)
    taken = {"state": "answered", "answer": chosen, "answered_by": actor, "answered_at": now}
    mine = (_Q.id == found.id) & _Q.state.in_(WAITING)
    if not conn.execute(update(stuck_question).where(mine).values(taken)).rowcount:
        raise Conflict("Somebody answered this question a moment ago.")
    told = {"question": found.id, "about": found.asked.about, "answer": chosen, "text": text,
            "until": clock.rfc3339(until)}  # fmt: skip
    core_tickets.note(conn, [core_tickets.Note(ticket_id, "answered", told, actor, now, "person")])
    _Doing(conn, gateway, ticket_id, actor).do(chosen, text, until, found.asked.other)
    if until is not None:
        conn.execute(update(stuck_watch).where(_W.ticket_id == ticket_id).values(next_at=until, promised_until=until))
    return found


def _needed(wanted: stuck.Answer, given: Mapping[str, Any], now: int) -> tuple[str, int | None]:
    text = str(given.get("text") or "").strip()
    if wanted.needs == "text" and not text:
        raise Refused(
            "The answer lacks something.", [Problem("text", "is missing", "say which, why, or what was done")]
        )
    if wanted.needs != "until":
        return text, None
    try:
        until = _moment(given.get("until") or "", now)
    except ValueError as error:
        problem = Problem("until", str(error), "such as 2h, or 2026-11-22T18:00:00+08:00")
        raise Refused("The answer lacks something.", [problem]) from None
    if not now < until <= now + LONGEST:
        raise Refused(
            "The answer does not fit.", [Problem("until", "must be within the next 90 days", "such as 2h or 1d")]
        )
    return text, until


def _moment(told: Any, now: int) -> int:
    if isinstance(told, str) and "T" in told:
        moment = datetime.fromisoformat(told)
        if moment.tzinfo is None:
            raise ValueError("has no time zone")
        return clock.from_datetime(moment)
    if not told:
        raise ValueError("is missing")
    return now + parse(told)


@dataclass(frozen=True, slots=True)
class _Doing:
    """The actions of one answer."""

    conn: Connection
    gateway: Gateway
    ticket_id: int
    actor: str

    def do(self, chosen: str, text: str, until: int | None, other: int | None) -> None:
        match chosen:
            case "start":
                self.act(self.begin())
            case "resume":
                self.act([("unblock", {})])
            case "waiting_for_customer":
                self.act(self.block("waiting_for_customer", text))
            case "wait_for_purchase":
                named = id_registry.format_id(other) if other is not None else text
                self.act([*self.block("waiting_for_part", named), *self.link(other)])
            case "need_part":
                self.buy(text)
            case "working":
                given = {"resolution_due": until, "reason": text or ANSWERING}
                self.act([*self.begin(), ("promise", given)])
            case "hand_back":
                self.act([("return", {"reason": text})])
            case "solved":
                self.act([("resolve", {"resolution": text})])

    def act(self, actions: Sequence[Action]) -> None:
        """What follows, follows from all of them."""
        given = [(action, args, ANSWERING) for action, args in actions]
        tickets.acts(self.conn, self.gateway, self.ticket_id, given, actor=self.actor)

    def begin(self) -> list[Action]:
        """Who answers that it goes on has begun."""
        pending = core_tickets.get(self.conn, self.ticket_id).status == "pending"
        return [("start", {})] if pending else []

    def block(self, reason: str, text: str) -> list[Action]:
        running = core_tickets.get(self.conn, self.ticket_id).status in ("pending", "in_progress")
        return [*self.begin(), ("block", {"reason": reason, "text": text})] if running else []

    def link(self, other: int | None) -> list[Action]:
        return [] if other is None else [("link", {"other": other})]

    def buy(self, part: str) -> None:
        """A purchase of its own, linked: the requisition goes on by its approval and the bridges of the ERP."""
        ticket = core_tickets.get(self.conn, self.ticket_id)
        number = id_registry.format_id(ticket.id)
        made = tickets.create(
            self.conn, self.gateway, kind="spare_part_purchase", priority=max(ticket.priority, 1),
            title=f"备件采购：{part[:200]} · Spare part for {number}",
            description=f"{ticket.title}\n{part}", actor=self.actor,
            labels={"part": part[:200], "for": number}, device=ticket.device, customer=ticket.customer,
            assignee=None, group=None,
        )  # fmt: skip
        held_up = self.block("waiting_for_part", f"{id_registry.format_id(made.id)} {part[:200]}")
        self.act([*held_up, *self.link(made.id)])
