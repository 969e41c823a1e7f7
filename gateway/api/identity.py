"""Identity over HTTP beyond ids: finding things, who speaks of them, taking them apart."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

import core_tickets
import id_registry
from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep, Reader
from gateway.api.lineage import told
from gateway.api.shapes import Line, Merge, Request, answer, gid
from gateway.matching.showing import event_shape
from gateway.rights import Eyes, asker_of
from gateway.usecases import identity

router = APIRouter(prefix="/v1/ids", tags=["identity"], responses=REFUSALS)
format_id = id_registry.format_id


class FoundThing(BaseModel):
    id: str = Field(description="its live id")
    kind: str
    name: str | None
    by: str = Field(description="id, key or name: what it was found by")
    text: str
    system: str
    systems: list[str]


class FoundThings(BaseModel):
    items: list[FoundThing]


class TicketOfThing(BaseModel):
    id: str
    title: str
    status: str
    priority: str
    kind: str
    opened_at: str


class RecordsOfThing(BaseModel):
    connection: str
    stream: str
    count: int


class Uses(BaseModel):
    """`tickets` counts all; `latest` names those that you see of the newest 20."""

    tickets: int
    latest: list[TicketOfThing]
    records: list[RecordsOfThing]


class Split(Request):
    out: list[Line] = Field(min_length=1, max_length=1000, description="ids as they were born that are another thing")
    reason: Line = ""
    apart: bool = Field(True, description="and they must never be merged again")


@router.get("/search", responses=told(FoundThings))
def search(
    gateway: GatewayDep, who: Reader, q: Line, kind: Annotated[list[Line] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:  # fmt: skip
    """Things by id, by what a system calls them, or by a part of their name."""
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker_of(gateway.hub, who))
        kinds = [k for k in kind or id_registry.KINDS if eyes.may_thing(k)]
        found = id_registry.find(conn, q, kinds=kinds, limit=limit)
        names = id_registry.golden_values(conn, [m.gid for m in found], "name")
        items = [
            {"id": format_id(m.gid), "kind": m.kind, "name": names.get(m.gid), "by": m.by, "text": m.text, "system": m.system,
             "systems": list(dict.fromkeys(x.system for x in id_registry.crosswalk(conn, m.gid)))}
            for m in found
        ]  # fmt: skip
    return answer({"items": items})


@router.get("/{global_id}/uses", responses=told(Uses))
def read_uses(gateway: GatewayDep, who: Reader, global_id: Line) -> Response:
    """The tickets and held records that speak of the thing."""
    number = gid(global_id)
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker_of(gateway.hub, who))
        ids = identity.members(conn, number)
        return answer(_uses(identity.tickets_of(conn, eyes, ids), identity.records_of(conn, ids)))


@router.post("/{global_id}/split")
def split(gateway: GatewayDep, who: Configurer, global_id: Line, asked: Split) -> Response:
    """Take records out of a thing, whichever merges brought them in. They become a thing of their own."""
    number, out = gid(global_id), [gid(each) for each in asked.out]

    def do(conn: Connection) -> id_registry.Split:
        return id_registry.split(
            conn, number, out, actor=who.actor, reason=asked.reason, now=clock.now(), apart=asked.apart
        )

    done = gateway.transact(do)
    return answer(
        {"stayed": format_id(done.stayed), "left": format_id(done.left),
         "undone": [event_shape(e) for e in done.undone], "made": [event_shape(e) for e in done.made]}
    )  # fmt: skip


@router.post("/apart")
def keep_apart(gateway: GatewayDep, who: Configurer, pair: Merge) -> Response:
    """Two ids that must never be one thing, nor anything merged with them. 409 when they are one now: undo that first."""
    a, b = gid(pair.a), gid(pair.b)
    new = gateway.transact(lambda conn: id_registry.forbid(conn, a, b, actor=who.actor, now=clock.now()))
    return answer({"a": pair.a, "b": pair.b, "already": not new})


@router.delete("/apart")
def allow_again(gateway: GatewayDep, _: Configurer, a: Line, b: Line) -> Response:
    """Take that back for exactly this pair."""
    first, second = gid(a), gid(b)
    taken = gateway.transact(lambda conn: id_registry.allow(conn, first, second))
    return answer({"a": a, "b": b, "already": not taken})


def _uses(tickets: identity.Tickets, records: tuple[identity.Records, ...]) -> dict[str, Any]:
    return {
        "tickets": tickets.total,
        "latest": [_ticket(ticket) for ticket in tickets.latest],
        "records": [{"connection": r.connection, "stream": r.stream, "count": r.held} for r in records],
    }


def _ticket(ticket: core_tickets.Ticket) -> dict[str, Any]:
    return {"id": format_id(ticket.id), "title": ticket.title, "status": ticket.status, "priority": f"P{ticket.priority}",
            "kind": ticket.kind, "opened_at": clock.rfc3339(ticket.opened_at)}  # fmt: skip
