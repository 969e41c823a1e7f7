"""Who works in the houses of these tests, and what they promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core_tickets import Ticket, get
from gateway.escalation import auditing, firing, tables
from gateway.tables import notice
from gateway.usecases import tickets
from tests.integration.gateway.in_process import House

MINUTE, HOUR = 60, 3600
PEOPLE: Mapping[str, Any] = {
    "policy": "people",
    "persons": [
        {"id": "li.na", "groups": ["line-1"], "roles": ["technician"]},
        {"id": "wang.wei", "groups": ["line-1"], "roles": ["team_lead"]},
        {"id": "zhao.min", "groups": ["management"], "roles": ["director"]},
        {"id": "qian.yi", "groups": ["management"], "roles": ["board"]},
    ],
    "groups": [
        {"id": "line-1", "lead": "wang.wei", "director": "zhao.min"},
        {"id": "management", "lead": "zhao.min"},
    ],
}


def open_ticket(house: House, priority: int = 0, **more: Any) -> Ticket:
    """A ticket of the group line-1 that nobody holds."""
    given: dict[str, Any] = {
        "kind": "incident", "priority": priority, "title": "泵停 Pump stands", "description": "", "actor": "token:ann",
        "labels": {}, "device": None, "customer": None, "assignee": None, "group": "line-1",
    } | more  # fmt: skip
    return house.gateway.transact(lambda conn: tickets.create(conn, house.gateway, **given))


def tick(house: House) -> int:
    return firing.tick(house.gateway, house.clock.now)


def after(house: House, seconds: float) -> int:
    """So much later: what runs then."""
    house.clock.forward(seconds)
    return tick(house)


def fired(house: House, ticket: Ticket) -> list[str]:
    """The steps that ran, in order, without the records of broken promises."""
    c = tables.escalation.c
    with house.gateway.reading() as conn:
        found = conn.execute(select(c.step).where(c.ticket_id == ticket.id).order_by(c.due_at, c.step))
        return [step for step in found.scalars() if not step.startswith("breach/")]


def told(house: House, ticket: Ticket, step: str) -> Any:
    """The notice of a step."""
    with house.gateway.reading() as conn:
        found = select(notice).where(notice.c.ticket_id == ticket.id, notice.c.step.startswith(f"{step}@"))
        return conn.execute(found).one()


def again(house: House, ticket: Ticket) -> Ticket:
    with house.gateway.reading() as conn:
        return get(conn, ticket.id)


def proof(house: House) -> auditing.Proof:
    with house.gateway.reading() as conn:
        return auditing.prove(conn, house.clock.now)
