"""A small house: field service with a lead, two technicians and a buyer, and what the tests do with notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

import core_tickets
from core_tickets.people import Told, put_groups, put_people
from gateway.bridge import outbox
from gateway.config import documents
from gateway.notify import tick
from gateway.notify.tables import notice_delivery
from gateway.tables import notice
from gateway.usecases import tickets
from tests.integration.gateway.in_process import House

WECOM = {"li.na": "zhangsan", "wang.wei": "lisi", "zhou.min": "wangwu", "chen.bo": "zhaoliu"}
STAFF: Sequence[Mapping[str, Any]] = [
    {"id": "li.na", "name": "李娜", "groups": ["field"], "roles": ["technician"], "email": "li@example.com"},
    {"id": "wang.wei", "name": "王伟", "groups": ["field"], "roles": ["technician"], "email": "wang@example.com"},
    {"id": "zhou.min", "name": "周敏", "roles": ["team_lead"], "email": "zhou@example.com", "manager": "chen.bo"},
    {"id": "chen.bo", "name": "陈波", "roles": ["director"], "email": "chen@example.com"},
]
GROUPS: Sequence[Mapping[str, Any]] = [{"id": "field", "name": "现场服务", "lead": "zhou.min", "director": "chen.bo"}]


def hire(
    house: House, people: Sequence[Mapping[str, Any]] = STAFF, groups: Sequence[Mapping[str, Any]] = GROUPS
) -> None:
    """Make these people and groups known, as a personnel system would."""
    told = [Told("r", str(p["id"]), {**p, "channels": {"wecom": WECOM.get(str(p["id"]), "")} | dict(p.get("channels", {}))})
            for p in people]  # fmt: skip
    with house.gateway.transaction() as conn:
        put_people(conn, told)
        put_groups(conn, [Told("r", str(g["id"]), g) for g in groups])
    house.gateway.reload()


def open_ticket(house: House, priority: int = 0, *, group: str | None = "field", assignee: str | None = None,
                title: str = "压机过热", actor: str = "token:ann", kind: str = "incident") -> core_tickets.Ticket:  # fmt: skip
    def do(conn: Any) -> core_tickets.Ticket:
        return tickets.create(
            conn, house.gateway, kind=kind, priority=priority, title=title, description="", actor=actor, labels={},
            device=None, customer=None, assignee=assignee, group=group,
        )  # fmt: skip

    return house.gateway.transact(do)


def work(house: House, rounds: int = 20) -> None:
    """Let the worker do what is due, until there is nothing left."""
    for _ in range(rounds):
        found = tick.tick(house.gateway, house.gateway.hub, house.clock.now)
        taken = outbox.take(house.gateway, house.gateway.hub, 32)
        for each in taken:
            outbox.carry_out(house.gateway, house.gateway.hub, each)
        if not found and not taken:
            return


def told(house: House, **where: Any) -> list[Any]:
    """The rows of deliveries, eldest first."""
    query = select(notice_delivery).order_by(notice_delivery.c.id)
    for name, value in where.items():
        query = query.where(notice_delivery.c[name] == value)
    with house.gateway.reading() as conn:
        return list(conn.execute(query))


def states(house: House, channel: str) -> dict[str, str]:
    """What became of a channel's deliveries, by person."""
    return {row.person: row.state for row in told(house, channel=channel)}


def notices(house: House) -> list[tuple[str, str]]:
    """Reason and state of every notice, eldest first."""
    with house.gateway.reading() as conn:
        return [(r.reason, r.state) for r in conn.execute(select(notice).order_by(notice.c.id))]


def notes(house: House, ticket: core_tickets.Ticket, kind: str) -> list[Mapping[str, Any]]:
    """What the timeline holds of a kind of note."""
    with house.gateway.reading() as conn:
        return [e.data for e in core_tickets.timeline(conn, ticket.id, limit=500) if e.name == kind]


def apply_policy(house: House, **policy: Any) -> None:
    """Put a policy `notification` into force."""
    house.gateway.apply(documents.validate({"policies": [{"policy": "notification", **policy}]}))
    reachable(house)


def reachable(house: House) -> None:
    """Say how people reach the hub, as `public_url` does."""
    house.gateway._hub = replace(house.gateway.hub, public_url="https://hub.test")
