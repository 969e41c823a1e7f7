"""Questions about tickets that do not move, over HTTP: what was asked, and answering it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

import core_tickets
from gateway import clock
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.once import IdempotencyKey, once
from gateway.api.shapes import Line, Long, Request, TicketId, answer, ticket_shape
from gateway.stuck import answering
from gateway.usecases import tickets

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], responses=REFUSALS)


class GivenAnswer(Request):
    """One of the answers that were offered; what else it needs is said with each of them."""

    answer: Line
    text: Long = ""
    until: Line = ""


@router.get("/{ticket}/questions")
def read_questions(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """What was asked because the ticket did not move, the latest first, with the answers that were offered."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        core_tickets.get(conn, number)
        found = answering.questions(conn, number)
    return answer({"items": [question_shape(q) for q in found]})


@router.post("/{ticket}/answer")
def give_answer(
    gateway: GatewayDep, who: Actor, ticket: TicketId, given: GivenAnswer, idempotency_key: IdempotencyKey = None
) -> Response:
    """Answer what is asked now; what follows from it is done at once. `until`: RFC 3339, or a time from now such as 2h."""
    number = tickets.ticket_id(ticket)

    def do(conn: Connection) -> tuple[int, Any]:
        core_tickets.get(conn, number)
        answering.answer(conn, gateway, number, given.answer, given.model_dump(), actor=who.actor)
        return 200, ticket_shape(core_tickets.get(conn, number), clock.now(), gateway.hub.promises)

    done = once(gateway, who, idempotency_key, f"answer {ticket} {given.model_dump_json()}", do)
    gateway.wake_worker.set()
    return done


def question_shape(question: answering.Question) -> dict[str, Any]:
    """A question as the API tells it."""
    return {
        "id": str(question.id), "about": question.asked.about, "zh": question.asked.zh, "en": question.asked.en,
        "answers": [{"id": a.id, "zh": a.zh, "en": a.en, "needs": a.needs} for a in question.answers],
        "people": list(question.people), "state": question.state, "asked_at": clock.rfc3339(question.asked_at),
        "due_at": clock.rfc3339(question.due_at), "answer": question.answer, "answered_by": question.answered_by,
        "answered_at": clock.rfc3339(question.answered_at),
    }  # fmt: skip
