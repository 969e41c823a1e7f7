"""The customer's word over HTTP: by a token, or by a signed link that needs none."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

import core_tickets
import id_registry
from gateway import clock
from gateway.api.access import REFUSALS, Actor, GatewayDep
from gateway.api.once import IdempotencyKey, once
from gateway.api.shapes import Line, Long, Request, TicketId, answer, ticket_shape
from gateway.collaboration import confirming
from gateway.collaboration.confirming import Word
from gateway.usecases import tickets

router = APIRouter(
    tags=["working together"], responses={**REFUSALS, 410: REFUSALS[404] | {"description": "The link is too old"}}
)


class Said(Request):
    """What the customer says."""

    solved: bool = Field(True, description="false: it is not, and the ticket is opened again")
    score: Annotated[int, Field(ge=1, le=5)] | None = None
    text: Long = ""
    signature: Annotated[int, Field(ge=1, lt=1 << 31)] | None = Field(
        None, description="number of the attachment that is it"
    )

    def word(self) -> Word:
        return Word(self.solved, self.text, self.score, self.signature)


class NewLink(Request):
    lasts_s: Annotated[int, Field(ge=60, le=366 * 86_400)] = confirming.LASTING // clock.SECOND


@router.post("/v1/tickets/{ticket}/confirm")
def confirm(
    gateway: GatewayDep, who: Actor, ticket: TicketId, said: Said | None = None, why: Line = "",
    idempotency_key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """The customer's own word, with a token of the customer's; or as somebody here was told it, who then stands in the
    timeline. Finished is what the customer confirmed: `confirmed_at`; `resolved_at` is what the technician did."""
    number, asked = tickets.ticket_id(ticket), said or Said()

    def do(conn: Connection) -> tuple[int, Any]:
        if who.customer is not None:
            actor = confirming.customer_actor(who.customer)
        else:
            actor = confirming.told_by(conn, core_tickets.get(conn, number), who.actor)
        done = confirming.say(conn, gateway, number, asked.word(), actor=actor, why=why)
        return 200, ticket_shape(done, clock.now(), gateway.hub.promises)

    done = once(gateway, who, idempotency_key, f"confirm {ticket} {asked.model_dump_json()}", do)
    gateway.wake_worker.set()
    return done


@router.post("/v1/tickets/{ticket}/confirmation-link", status_code=201)
def make_link(gateway: GatewayDep, who: Actor, ticket: TicketId, new: NewLink | None = None) -> Response:
    """A link to send to the customer; whoever has it speaks for the customer until it expires."""
    number, now = tickets.ticket_id(ticket), clock.now()
    until = now + (new or NewLink()).lasts_s * clock.SECOND
    told = {"expires_at": clock.rfc3339(until // clock.SECOND * clock.SECOND)}
    # who made it is kept: whoever has it speaks for the customer
    note = core_tickets.Note(number, "confirmation_link", told, who.actor, now, "person")
    gateway.transact(lambda conn: core_tickets.note(conn, [note]))
    token = confirming.make_link(gateway.vault, number, until)
    link = f"{gateway.settings.url}/v1/confirmations/{token}"
    return answer(
        {"link": link, "token": token, "expires_at": clock.rfc3339(until // clock.SECOND * clock.SECOND)}, 201
    )


@router.get("/v1/confirmations/{token}")
def read_link(gateway: GatewayDep, token: Line) -> Response:
    """What the customer is asked about. Looking does nothing."""
    number = confirming.read_link(gateway.vault, token, clock.now())
    with gateway.reading() as conn:
        ticket = core_tickets.get(conn, number)
    return answer({
        "ticket": id_registry.format_id(number), "title": ticket.title, "status": ticket.status,
        "resolution": ticket.resolution, "resolved_at": clock.rfc3339(ticket.resolved_at),
        "confirmed_at": clock.rfc3339(ticket.confirmed_at),
        "may_answer": "confirm" in core_tickets.allowed(ticket),
    })  # fmt: skip


@router.post("/v1/confirmations/{token}")
def use_link(gateway: GatewayDep, token: Line, said: Said) -> Response:
    """The customer's word by the link. 409 when there is nothing to confirm now."""
    number = confirming.read_link(gateway.vault, token, clock.now())

    def do(conn: Connection) -> core_tickets.Ticket:
        customer = core_tickets.get(conn, number).customer
        actor = confirming.customer_actor(customer)
        return confirming.say(
            conn, gateway, number, said.word(), actor=actor, why="客户确认链接 by the customer's link"
        )

    ticket = gateway.transact(do)
    gateway.wake_worker.set()
    return answer({"ticket": id_registry.format_id(number), "status": ticket.status,
                   "confirmed_at": clock.rfc3339(ticket.confirmed_at)})  # fmt: skip
