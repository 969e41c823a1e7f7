"""Tickets over HTTP: list, make, read, act, context, lineage, remote operations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection, select

import core_tickets
from gateway import clock, tables
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.once import IdempotencyKey, once
from gateway.api.shapes import (
    Action,
    Line,
    NewTicket,
    Number,
    RemoteCommand,
    TicketId,
    answer,
    entry_shape,
    gid,
    section_shape,
    ticket_shape,
)
from gateway.bridge import outbox
from gateway.collaboration.shown import together
from gateway.desk.asking import PageQuestion
from gateway.rights import Eyes, asker_of
from gateway.tokens import Bearer, Right
from gateway.usecases import explaining, histories, looking, tickets, tracing

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], responses=REFUSALS)

ActionName = Literal[
    "start",
    "block",
    "unblock",
    "resolve",
    "approve",
    "refuse",
    "reopen",
    "close",
    "assign",
    "comment",
    "claim",
    "hand_over",
    "return",
    "promise",
    "set",
]


@router.get("")
def list_tickets(
    gateway: GatewayDep,
    who: Reader,
    asked: Annotated[PageQuestion, Query()],
) -> Response:
    """A page is `{"items": [...], "next_cursor": ...}`; give `next_cursor` back with the same filters and order."""
    now, asker = clock.now(), asker_of(gateway.hub, who)
    filters = asked.filters(asker, who.actor, now)
    with gateway.reading() as conn:
        page = Eyes(conn, gateway.hub, asker).search(filters, asked.cursor, asked.limit, asked.order)
    return answer(
        {"items": [ticket_shape(t, now, gateway.hub.promises) for t in page.items], "next_cursor": page.next_cursor}
    )


@router.post("", status_code=201)
def make_ticket(gateway: GatewayDep, who: Actor, new: NewTicket, idempotency_key: IdempotencyKey = None) -> Response:
    """A ticket by hand."""

    def do(conn: Connection) -> tuple[int, Any]:
        ticket = tickets.create(
            conn, gateway, kind=new.kind, priority=int(new.priority[1]), title=new.title, description=new.description,
            actor=_name(who), labels=new.labels, device=gid(new.device) if new.device else None,
            customer=gid(new.customer) if new.customer else None, assignee=new.assignee, group=new.group,
        )  # fmt: skip
        return 201, ticket_shape(ticket, clock.now(), gateway.hub.promises)

    return once(gateway, who, idempotency_key, new.model_dump_json(), do)


@router.get("/{ticket}")
def read_ticket(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """The ticket with its timeline, commands, and, of a storm, its members."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        found = core_tickets.get(conn, number)
        shown = ticket_shape(found, clock.now(), gateway.hub.promises)
        entries = core_tickets.timeline(conn, number, limit=500)
        shown["timeline"] = [entry_shape(e) for e in entries]
        shown |= together(conn, gateway.hub, found, entries, clock.now())
        shown["commands"] = tickets.commands_of(conn, number)
        m = tables.storm_member.c
        members = conn.execute(select(tables.storm_member).where(m.ticket_id == number).order_by(m.at).limit(1000))
        shown["members"] = [
            {"title": r.title, "signal": r.signal_key, "message": str(r.message_id), "at": clock.rfc3339(r.at),
             "resolved_at": clock.rfc3339(r.resolved_at)}
            for r in members
        ]  # fmt: skip
    return answer(shown)


@router.get("/{ticket}/context")
def read_context(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """What every system knows: sections with status, as_of, latency_ms, link and values."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        core_tickets.get(conn, number)
        c = tables.context_section.c
        found = list(conn.execute(select(tables.context_section).where(c.ticket_id == number).order_by(c.name)))
        asked = conn.execute(select(tables.context_job.c.at).where(tables.context_job.c.ticket_id == number)).first()
    sections = [section_shape(row) for row in found]
    complete = asked is None and all(s["status"] not in ("pending",) for s in sections)
    return answer({"ticket": ticket, "complete": complete, "sections": sections})


@router.get("/{ticket}/history")
def read_history(
    gateway: GatewayDep, _: Reader, ticket: TicketId, cursor: TicketId | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:  # fmt: skip
    """The other tickets of the ticket's device, the latest first: what was wrong with it, why, and what helped."""
    before = None if cursor is None else tickets.ticket_id(cursor)
    with gateway.reading() as conn:
        return answer(histories.of_device(conn, tickets.ticket_id(ticket), before=before, limit=limit))


@router.get("/{ticket}/lineage")
def read_lineage(
    gateway: GatewayDep, who: Reader, ticket: TicketId, field: Annotated[Line, Query(min_length=1)]
) -> Response:
    """Where the field's value came from: source, raw value, every step, and is it still what its inputs give."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        origin = tracing.drill(conn, number, field, allowed=who.may(Right.configure))
    return answer(origin.as_dict() | {"systems": looking.systems_in(gateway.hub, origin)})


@router.get("/{ticket}/impact")
def read_impact(
    gateway: GatewayDep, _: Reader, ticket: TicketId, field: Annotated[Line, Query(min_length=1)]
) -> Response:
    """What depends on the field: predicted by the configuration, and what was really done."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        found = tracing.impact(conn, gateway.hub, number, field)
    return answer(impact_shape(found))


def impact_shape(found: Any) -> dict[str, Any]:
    """Predicted consumers and the effects there were."""
    return {
        "field": found.field,
        "predicted": [
            {"dataset": e.target.dataset, "field": None if e.target.path is None else ".".join(map(str, e.target.path)),
             "source": {"dataset": e.source.dataset, "field": None if e.source.path is None else e.source.field},
             "via": e.via, "type": e.type, "subtype": e.subtype}
            for e in found.predicted.edges
        ],
        "done": [
            {"rule": d.rule, "dataset": d.dataset, "key": d.key, "state": d.state, "at": clock.rfc3339(d.at),
             "predicted": d.predicted}
            for d in found.done
        ],
    }  # fmt: skip


@router.get("/{ticket}/explain")
def read_explanation(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """Why it exists, why this priority, what was considered, what was sent and what came back."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        return answer(explaining.explain(conn, gateway.hub, number))


@router.get("/{ticket}/remote")
def read_remote(gateway: GatewayDep, _: Actor, ticket: TicketId) -> Response:
    """What can be done in the system the ticket came from, asked there before it is offered."""
    options = tickets.remote_options(gateway, tickets.ticket_id(ticket))
    return answer({"operations": [
        {"connection": o.connection_id, "op": o.operation.name, "title": o.operation.title, "title_zh": o.operation.title_zh,
         "possible": not o.why_not, "why_not": o.why_not, "key": dict(o.key), "body_schema": o.operation.body_schema}
        for o in options
    ]})  # fmt: skip


@router.post("/{ticket}/remote", status_code=202)
def send_remote(
    gateway: GatewayDep, who: Actor, ticket: TicketId, command: RemoteCommand, idempotency_key: IdempotencyKey = None
) -> Response:
    """Queue an operation in the source system, such as a silence; its receipt comes onto the timeline."""
    number = tickets.ticket_id(ticket)

    def do(conn: Connection) -> tuple[int, Any]:
        sent = tickets.send_remote(conn, gateway, number, command.op, command.key, command.body, _name(who))
        return 202, {"command": str(sent)}

    done = once(gateway, who, idempotency_key, f"remote {ticket} {command.model_dump_json()}", do)
    gateway.wake_worker.set()
    return done


@router.post("/{ticket}/commands/{command}/resend", status_code=202)
def resend_command(
    gateway: GatewayDep, who: Actor, ticket: TicketId, command: Number,
    sure: Annotated[bool, Query(description="You have looked: it did not happen. Else one in doubt is confirmed first.")] = False,
) -> Response:  # fmt: skip
    """Try a command again that was refused or waits for a person."""
    number = tickets.ticket_id(ticket)
    gateway.transact(lambda conn: outbox.resend(conn, number, command, _name(who), clock.now(), sure=sure))
    gateway.wake_worker.set()
    return answer({"command": str(command)}, 202)


@router.post("/{ticket}/{action}")
def act(
    gateway: GatewayDep, who: Actor, ticket: TicketId, action: ActionName, body: Action | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """One of start, block, unblock, resolve, approve, refuse, reopen, close, assign, comment, claim, hand_over, return,
    promise, set. 409 says what is allowed now."""
    number = tickets.ticket_id(ticket)
    asked = body or Action()

    def do(conn: Connection) -> tuple[int, Any]:
        Eyes(conn, gateway.hub, asker_of(gateway.hub, who)).demand_action(
            number, action
        )  # as it is now, under its lock
        applied = tickets.act(
            conn, gateway, number, action, asked.args(), actor=_name(who), why=asked.why,
            expected_version=asked.expected_version,
        )  # fmt: skip
        assert applied.ticket is not None
        return 200, ticket_shape(applied.ticket, clock.now(), gateway.hub.promises)

    done = once(gateway, who, idempotency_key, f"{action} {ticket} {asked.model_dump_json()}", do)
    gateway.wake_worker.set()
    return done


def _name(who: Bearer) -> str:
    return who.actor
