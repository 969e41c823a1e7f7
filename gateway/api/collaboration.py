"""Working together on a ticket over HTTP: watchers, sub-tickets, links, joint approval, nodes between departments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

import core_tickets
from gateway import clock
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.once import IdempotencyKey, once
from gateway.api.shapes import Line, Long, NewTicket, Request, TicketId, answer, gid, ticket_shape
from gateway.collaboration import shown, working_time
from gateway.rights import Eyes, asker_of
from gateway.service import Gateway
from gateway.tokens import Bearer
from gateway.usecases import tickets

router = APIRouter(prefix="/v1/tickets", tags=["working together"], responses=REFUSALS)


class Why(Request):
    why: Line = ""
    expected_version: Annotated[int, Field(ge=1, lt=1 << 31)] | None = None


class Whom(Why):
    person: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, description="default: oneself")


class Other(Why):
    other: TicketId


class NewChild(NewTicket):
    required: bool = Field(True, description="the parent waits for it")


class ExistingChild(Other):
    required: bool = Field(True, description="the parent waits for it")


class Asking(Why):
    approvers: list[Annotated[Line, Field(min_length=1, max_length=200)]] = Field(
        min_length=1, max_length=20, description="li.na, role:buyer (anybody of that role) or group:north"
    )
    text: Long = ""
    remind_every_s: Annotated[int, Field(ge=60, le=30 * 86_400)] | None = Field(
        None, description="default: the policy `stages`"
    )


class Saying(Why):
    text: Long = ""


class Handing(Why):
    group: Annotated[Line, Field(min_length=1, max_length=200)]
    minutes: Annotated[int, Field(ge=1, le=525_600)] | None = Field(
        None, description="working minutes the receiving group gets; default: the policy `stages`"
    )
    text: Long = ""


def _act(
    gateway: Gateway, who: Bearer, ticket: str, action: str, args: dict[str, Any], body: Why, key: str | None
) -> Response:
    number = tickets.ticket_id(ticket)

    def do(conn: Connection) -> tuple[int, Any]:
        Eyes(conn, gateway.hub, asker_of(gateway.hub, who)).demand_action(number, action)  # as the ticket is now
        applied = tickets.act(
            conn, gateway, number, action, args, actor=who.actor, why=body.why, expected_version=body.expected_version
        )
        assert applied.ticket is not None
        return 200, _shape(conn, gateway, applied.ticket)

    done = once(gateway, who, key, f"{action} {ticket} {body.model_dump_json()}", do)
    gateway.wake_worker.set()
    return done


def _shape(conn: Connection, gateway: Gateway, ticket: core_tickets.Ticket) -> dict[str, Any]:
    now, entries = clock.now(), core_tickets.timeline(conn, ticket.id, limit=500)
    return ticket_shape(ticket, now, gateway.hub.promises) | shown.together(conn, gateway.hub, ticket, entries, now)


@router.get("/{ticket}/together")
def read_together(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """Watchers, attachments, sub-tickets, links, joint approvals, handoffs, stays by department, what is still required."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        return answer(_shape(conn, gateway, core_tickets.get(conn, number)))


@router.post("/{ticket}/watch")
def watch(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: Whom | None = None, idempotency_key: IdempotencyKey = None
) -> Response:
    """Watch a ticket, or let somebody watch it."""
    asked = body or Whom()
    return _act(gateway, who, ticket, "watch", {"person": asked.person or who.actor}, asked, idempotency_key)


@router.post("/{ticket}/unwatch")
def unwatch(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: Whom | None = None, idempotency_key: IdempotencyKey = None
) -> Response:
    asked = body or Whom()
    return _act(gateway, who, ticket, "unwatch", {"person": asked.person or who.actor}, asked, idempotency_key)


@router.post("/{ticket}/link")
def link(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: Other, idempotency_key: IdempotencyKey = None
) -> Response:
    return _act(gateway, who, ticket, "link", {"other": tickets.ticket_id(body.other)}, body, idempotency_key)


@router.post("/{ticket}/unlink")
def unlink(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: Other, idempotency_key: IdempotencyKey = None
) -> Response:
    return _act(gateway, who, ticket, "unlink", {"other": tickets.ticket_id(body.other)}, body, idempotency_key)


@router.post("/{ticket}/children", status_code=201)
def make_child(
    gateway: GatewayDep, who: Actor, ticket: TicketId, new: NewChild, idempotency_key: IdempotencyKey = None
) -> Response:
    """A new sub-ticket. Without a device or customer of its own it is about those of its parent."""
    number = tickets.ticket_id(ticket)

    def do(conn: Connection) -> tuple[int, Any]:
        parent = core_tickets.get(conn, number)
        made = tickets.create(
            conn, gateway, kind=new.kind, priority=int(new.priority[1]), title=new.title, description=new.description,
            actor=who.actor, labels=new.labels, device=gid(new.device) if new.device else parent.device,
            customer=gid(new.customer) if new.customer else parent.customer, assignee=new.assignee, group=new.group,
        )  # fmt: skip
        args = {"other": made.id, "required": new.required}
        tickets.act(conn, gateway, number, "add_child", args, actor=who.actor)
        return 201, _shape(conn, gateway, core_tickets.get(conn, made.id))

    done = once(gateway, who, idempotency_key, f"children {ticket} {new.model_dump_json()}", do)
    gateway.wake_worker.set()
    return done


@router.post("/{ticket}/add_child")
def add_child(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: ExistingChild, idempotency_key: IdempotencyKey = None
) -> Response:
    """A ticket that is there becomes a sub-ticket, or changes whether it is required."""
    args = {"other": tickets.ticket_id(body.other), "required": body.required}
    return _act(gateway, who, ticket, "add_child", args, body, idempotency_key)


@router.post("/{ticket}/remove_child")
def remove_child(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: Other, idempotency_key: IdempotencyKey = None
) -> Response:
    return _act(gateway, who, ticket, "remove_child", {"other": tickets.ticket_id(body.other)}, body, idempotency_key)


@router.post("/{ticket}/request_approval")
def request_approval(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: Asking, idempotency_key: IdempotencyKey = None
) -> Response:
    """Ask several at once. One refusal returns the ticket, all acceptances move it on."""
    every = body.remind_every_s * clock.SECOND if body.remind_every_s else working_time.remind_every(gateway.hub)
    args = {"approvers": body.approvers, "text": body.text, "remind_every": every}
    return _act(gateway, who, ticket, "request_approval", args, body, idempotency_key)


@router.post("/{ticket}/handoff")
def handoff(
    gateway: GatewayDep, who: Actor, ticket: TicketId, body: Handing, idempotency_key: IdempotencyKey = None
) -> Response:
    """Hand it to another department, with a due time of its own."""
    due = working_time.handoff_due(gateway.hub, body.group, body.minutes, clock.now())
    args = {"group": body.group, "text": body.text} | ({} if due is None else {"due": due})
    return _act(gateway, who, ticket, "handoff", args, body, idempotency_key)


SAYING: Mapping[str, str] = {
    "accept": "Agree, as one of those who were asked.",
    "decline": "Refuse, with the reason in `text`: the ticket goes back to whoever asked.",
    "withdraw_approval": "",
    "accept_handoff": "The receiving side takes it.",
    "return_handoff": "The receiving side gives it back, with the reason in `text`.",
    "finish_handoff": "The receiving side is done with it: it goes back to where it came from.",
}
"""Actions that take a text and nothing else, with what the API's page says of them."""


def _saying(action: str) -> Callable[..., Response]:
    def said(
        gateway: GatewayDep,
        who: Actor,
        ticket: TicketId,
        body: Saying | None = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        asked = body or Saying()
        return _act(gateway, who, ticket, action, {"text": asked.text}, asked, idempotency_key)

    said.__name__ = action
    return said


for _action, _told in SAYING.items():
    router.add_api_route(f"/{{ticket}}/{_action}", _saying(_action), methods=["POST"], description=_told)
