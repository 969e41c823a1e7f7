"""Lineage over HTTP, as it is looked at: the fields of a ticket, and views of the schema graph with what may be exported."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

import id_registry
import lineage
from gateway import clock
from gateway.api.access import REFUSALS, GatewayDep, Reader
from gateway.api.shapes import Line, Long, TicketId, answer, gid
from gateway.errors import NotFound, Problem, Refused
from gateway.rights import Eyes, asker_of
from gateway.tokens import Bearer, Right
from gateway.usecases import looking, tickets
from lineage import Node, views

router = APIRouter(tags=["lineage"], responses=REFUSALS)

Kind = Literal["DIRECT", "INDIRECT"]


class NodeOf(BaseModel):
    """A field of a dataset; without a field the dataset itself: that its records exist."""

    dataset: str
    field: str | None


class NodeShown(NodeOf):
    """`depth`: steps from the start. Of its neighbours on either side so many are shown, of all."""

    system: str
    depth: int
    upstream_shown: int
    upstream_total: int
    downstream_shown: int
    downstream_total: int


class EdgeShown(BaseModel):
    """`target` is made from `source` by `via`: a mapping, a rule, a bridge."""

    source: NodeOf
    target: NodeOf
    type: str = Field(description="DIRECT: the value is made of it; INDIRECT: it decides about the value")
    subtype: str
    masking: bool
    via: str


class ViewShown(BaseModel):
    start: NodeOf
    nodes: list[NodeShown]
    edges: list[EdgeShown]
    withheld: int = Field(description="neighbours that you may not see")
    truncated: bool


class DatasetShown(BaseModel):
    dataset: str
    fields: int
    edges: int


class SystemShown(BaseModel):
    id: str
    title: str
    title_zh: str
    connector: str
    datasets: list[DatasetShown]


class SystemList(BaseModel):
    items: list[SystemShown]
    fields: int
    edges: int


class FoundField(NodeOf):
    system: str


class FoundFields(BaseModel):
    items: list[FoundField]
    total: int


class TicketField(BaseModel):
    field: str
    value: Any


class TicketFields(BaseModel):
    ticket: str
    items: list[TicketField]


def told(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The documented shape of an answer."""
    return {200: {"model": model}}


Openings = Annotated[
    list[Long] | None,
    Query(
        max_length=200,
        description='neighbours to show besides, as JSON: `["Ticket", "title", "downstream", 24]`, field null for the dataset',
    ),
]


@router.get("/v1/lineage/systems", responses=told(SystemList))
def list_systems(gateway: GatewayDep, who: Reader) -> Response:
    """The systems of the field graph with their datasets."""
    with gateway.reading() as conn:
        found = looking.systems(gateway.hub, Eyes(conn, gateway.hub, asker_of(gateway.hub, who)))
    items = [
        SystemShown(
            id=s.id, title=s.title, title_zh=s.title_zh, connector=s.connector,
            datasets=[DatasetShown(dataset=d.name, fields=d.fields, edges=d.edges) for d in s.datasets],
        )
        for s in found
    ]  # fmt: skip
    all_ = [dataset for s in items for dataset in s.datasets]
    shown = SystemList(items=items, fields=sum(d.fields for d in all_), edges=sum(d.edges for d in all_) // 2)
    return answer(shown.model_dump())


@router.get("/v1/lineage/search", responses=told(FoundFields))
def search(
    gateway: GatewayDep, who: Reader, q: Line = "", dataset: Line | None = None,
    system: Annotated[list[Line] | None, Query()] = None, limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:  # fmt: skip
    """Fields by words of their name and dataset, the nearest first."""
    with gateway.reading() as conn:
        wanted = looking.only(Eyes(conn, gateway.hub, asker_of(gateway.hub, who)), system or ())
        found = views.search(looking.graph(gateway.hub), q, only=wanted, limit=limit, dataset=dataset)
    items = [_node(node) | {"system": looking.system_of(node.dataset)} for node in found.nodes]
    return answer({"items": items, "total": found.total})


@router.get("/v1/lineage/view", responses=told(ViewShown))
def view(
    gateway: GatewayDep, who: Reader, dataset: Line, field: Line | None = None, opened: Openings = None,
    depth: Annotated[int, Query(ge=0, le=6)] = 1, at_once: Annotated[int, Query(ge=1, le=100)] = views.AT_ONCE,
    system: Annotated[list[Line] | None, Query()] = None, type: Annotated[list[Kind] | None, Query()] = None,
) -> Response:  # fmt: skip
    """A field with its neighbours, and what was opened from there: at most 400 fields, and of each how many more there are."""
    shown = _view(gateway, who, dataset, field, opened, depth, at_once, system, type)
    return answer(
        {
            "start": _node(shown.start),
            "nodes": [
                _node(n.node) | {
                    "system": looking.system_of(n.node.dataset), "depth": n.depth,
                    "upstream_shown": n.upstream.shown, "upstream_total": n.upstream.total,
                    "downstream_shown": n.downstream.shown, "downstream_total": n.downstream.total,
                }
                for n in shown.nodes
            ],
            "edges": [
                {"source": _node(e.source), "target": _node(e.target), "type": e.type, "subtype": e.subtype,
                 "masking": e.masking, "via": e.via}
                for e in shown.edges
            ],
            "withheld": shown.withheld, "truncated": shown.truncated,
        }
    )  # fmt: skip


@router.get("/v1/lineage/view/openlineage")
def export_view(
    gateway: GatewayDep, who: Reader, dataset: Line, field: Line | None = None, opened: Openings = None,
    depth: Annotated[int, Query(ge=0, le=6)] = 1, at_once: Annotated[int, Query(ge=1, le=100)] = views.AT_ONCE,
    system: Annotated[list[Line] | None, Query()] = None, type: Annotated[list[Kind] | None, Query()] = None,
) -> Response:  # fmt: skip
    """The same view as OpenLineage JobEvents with column lineage."""
    shown = _view(gateway, who, dataset, field, opened, depth, at_once, system, type)
    return answer(looking.events_of_view(gateway.hub, shown, clock.now()))


@router.get("/v1/tickets/{ticket}/lineage/fields", responses=told(TicketFields))
def list_fields(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """The fields of a ticket and its snapshot that hold a value: each has an origin to ask for."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        found = looking.fields_of(conn, number)
    return answer({"ticket": ticket, "items": [{"field": name, "value": value} for name, value in found]})


@router.get("/v1/tickets/{ticket}/lineage/openlineage")
def export_value(
    gateway: GatewayDep, _: Reader, ticket: TicketId, field: Annotated[Line, Query(min_length=1)]
) -> Response:
    """The chain of a field's value as OpenLineage events, without values."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        return answer(looking.events_of_value(conn, gateway.hub, number, field))


@router.get("/v1/ids/{global_id}/lineage")
def read_attribute(
    gateway: GatewayDep, who: Reader, global_id: Line, system: Line, field: Annotated[Line, Query(min_length=1)]
) -> Response:
    """Where a system's value of a golden record's field came from: the record as it was read, and every step."""
    number = gid(global_id)
    with gateway.reading() as conn:
        known = id_registry.golden(conn, number).fields.get(field)
        said = [] if known is None else [c for c in (known.winner, *known.losers) if c.system == system]
        if not said:
            raise NotFound(f"{system} says nothing of {field} of {global_id}.")
        landing = said[0].source
        if not isinstance(landing, int):
            raise NotFound(f"What {system} says of {field} came from no record that was read.")
        origin = lineage.drill_row(conn, landing, field, stored=said[0].value, allowed=who.may(Right.configure))
    return answer(origin.as_dict() | {"systems": looking.systems_in(gateway.hub, origin)})


def _view(
    gateway: GatewayDep, who: Bearer, dataset: str, field: str | None, opened: list[str] | None, depth: int, at_once: int,
    systems: list[str] | None, types: list[Kind] | None,
) -> views.View:  # fmt: skip
    start = Node.of(dataset, field) if field else Node(dataset, None)
    openings = [_opening(text, place) for place, text in enumerate(opened or ())]
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker_of(gateway.hub, who))
        return looking.view(gateway.hub, eyes, start, depth=depth, openings=openings, systems=systems or (),
                            types=types or (), at_once=at_once)  # fmt: skip


def _opening(text: str, place: int) -> views.Opening:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        told = None
    match told:
        case [str(dataset), str() | None as field, "upstream" | "downstream" as side, int(limit)] if 0 < limit <= 400:
            return views.Opening(Node.of(dataset, field) if field else Node(dataset, None), side, limit)
    raise Refused(
        "This view cannot be opened.",
        [Problem(f"opened.{place}", f"{text!r} is no opening", 'write ["Ticket", "title", "downstream", 12]')],
    )


def _node(node: Node) -> dict[str, Any]:
    return {"dataset": node.dataset, "field": None if node.path is None else node.field}
