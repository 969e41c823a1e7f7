"""Connections over HTTP: what is installed, what is configured, does it work, what would it give."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Query, Response
from sqlalchemy import Connection, select

from connectors.contract import Connector, capabilities
from connectors.form_labels import labelled
from connectors.grades import grade_of
from connectors.settings import config_schema
from gateway import clock, tables
from gateway.api.access import REFUSALS, Configurer, GatewayDep, Reader
from gateway.api.shapes import Line, Preview, answer
from gateway.config import documents, store
from gateway.config.hub import Live
from gateway.config.provided import library_of
from gateway.errors import BadConfiguration, Conflict, NotFound, Problem
from gateway.service import Gateway
from gateway.telemetry import reading
from gateway.usecases import dead, syncing
from mappings import MappingError

router = APIRouter(prefix="/v1", tags=["connections"], responses=REFUSALS)
Given = Annotated[dict[str, Any], Body(examples=[{"id": "am-main", "connector": "prometheus", "config": {}}])]


@router.get("/connectors")
def list_connectors(gateway: GatewayDep, _: Reader) -> Response:
    """What is installed: title, capabilities, the JSON Schema of the settings, whose fields have `title_zh`,
    `description_zh` and `enum_zh` beside what is in English; and plug-ins that do not work, with why."""
    shown = [
        {
            "name": kind.name, "title": kind.title, "title_zh": kind.title_zh, "capabilities": sorted(capabilities(kind)),
            "config_schema": labelled(kind, form.schema), "secrets": list(form.secrets),
            "grade": grade_of(kind), "manifest": hasattr(kind, "manifest_digest"), "mapped": sorted(_mapped(kind)),
            "connections": [live.id for live in gateway.hub.connections.values() if live.spec.connector == kind.name],
        }
        for _, kind in sorted(gateway.catalogue.good.items()) for form in (config_schema(kind),)
    ]  # fmt: skip
    return answer({"items": shown, "broken": gateway.catalogue.broken})


def _mapped(kind: type[Connector]) -> set[str]:
    """Streams that have a built-in mapping."""
    try:
        return set(library_of(kind))
    except MappingError:
        return set()


@router.get("/connections")
def list_connections(gateway: GatewayDep, _: Reader) -> Response:
    """All connections with their state; secrets are hidden."""
    with gateway.reading() as conn:
        bodies = store.stored(conn)["connection"]
    return answer({"items": [_shape(gateway, body) for body in bodies], "next_cursor": None})


@router.post("/connections", status_code=201)
def add_connection(gateway: GatewayDep, who: Configurer, given: Given) -> Response:
    """A new connection. Refused whole, with path and remedy, when anything is wrong."""
    if any(c == given.get("id") for c in gateway.hub.connections):
        raise Conflict(f"There is a connection {given['id']!r} already; change it with PUT.")
    _apply(gateway, given, who.actor)
    return answer(_shape(gateway, _stored(gateway, str(given["id"]))), 201)


@router.get("/connections/{connection}")
def read_connection(gateway: GatewayDep, _: Reader, connection: Line) -> Response:
    return answer(_shape(gateway, _stored(gateway, connection)))


@router.put("/connections/{connection}")
def change_connection(gateway: GatewayDep, who: Configurer, connection: Line, given: Given) -> Response:
    """Replace a connection. A secret given as ******** keeps its value."""
    _stored(gateway, connection)
    if given.setdefault("id", connection) != connection:
        problem = Problem("id", "differs from the id in the path", f"write {connection!r}, or leave it out")
        raise BadConfiguration("The id cannot be changed.", [problem])
    _apply(gateway, given, who.actor)
    return answer(_shape(gateway, _stored(gateway, connection)))


@router.delete("/connections/{connection}", status_code=204)
def remove_connection(gateway: GatewayDep, who: Configurer, connection: Line) -> Response:
    """Its messages, tickets and lineage stay."""
    gateway.transact(
        lambda conn: store.remove(
            conn, "connection", connection, gateway.installed, gateway.vault, clock.now(), actor=who.actor
        )
    )
    gateway.reload()
    return Response(status_code=204)


@router.get("/connections/{connection}/telemetry")
def telemetry(
    gateway: GatewayDep, _: Reader, connection: Line, hours: Annotated[float, Query(gt=0, le=2160)] = 24
) -> Response:
    """How it did: calls, failures, latency and messages over time (by minute up to six hours, else by hour), what changed in
    the shape of what it sends, its health, and its dead letters."""
    live = gateway.hub.connection(connection)
    now = clock.now()
    with gateway.reading() as conn:
        told = reading.figures(conn, connection, now - int(hours * clock.HOUR), now + 1)
        told["shape"] = reading.changes_of_shape(conn, live)
        told["dead_letters"] = dead.count(conn, connection)
        told["health"] = _health(conn, connection)
        told["syncs"] = [s for s in syncing.status(conn) if s["connection"] == connection]
    return answer(told)


def _health(conn: Connection, connection: str) -> dict[str, Any] | None:
    c = tables.connection_health.c
    row = conn.execute(select(tables.connection_health).where(c.connection_id == connection)).first()
    if row is None:
        return None
    return {"ok": bool(row.ok), "since": clock.rfc3339(row.since), "checked_at": clock.rfc3339(row.checked_at),
            "failures": row.failures, "reason": row.reason}  # fmt: skip


@router.post("/connections/{connection}/check")
def check_connection(gateway: GatewayDep, _: Configurer, connection: Line) -> Response:
    """A real login that changes nothing: does it work, and which rights are missing and where to grant them."""
    live = _working(gateway, connection)
    assert live.runtime is not None
    return answer(live.runtime.check().model_dump(mode="json"))


@router.get("/connections/{connection}/streams")
def list_streams(gateway: GatewayDep, _: Reader, connection: Line) -> Response:
    """What can be read from it, and what each stream becomes."""
    live = _working(gateway, connection)
    assert live.runtime is not None
    streams = live.runtime.streams() if "reads" in live.can else ()
    return answer({"items": [
        {"name": s.name, "key": list(s.key), "mode": s.mode, "deletes": s.deletes, "schema": s.schema_,
         "mapping": live.mappings[s.name].name if s.name in live.mappings else None,
         "becomes": live.mappings[s.name].target if s.name in live.mappings else None}
        for s in streams
    ]})  # fmt: skip


@router.post("/connections/{connection}/preview")
def preview(gateway: GatewayDep, _: Configurer, connection: Line, given: Preview) -> Response:
    """One record through mapping and rules, changing nothing: the canonical record, and what would happen."""
    return answer(syncing.preview(gateway, _working(gateway, connection), given.stream, given.record))


@router.post("/connections/{connection}/sync/{stream}")
def sync(gateway: GatewayDep, _: Configurer, connection: Line, stream: Line, full: bool = False) -> Response:
    """Read a stream now. Answers what it found; `error` says what went wrong on the way."""
    return answer(syncing.run(gateway, _working(gateway, connection), stream, full=full))


def _working(gateway: Gateway, connection_id: str) -> Live:
    live = gateway.hub.connection(connection_id)
    if live.runtime is None:
        raise Conflict(f"Connection {connection_id!r} cannot work: {live.broken}")
    return live


def _stored(gateway: Gateway, connection_id: str) -> dict[str, Any]:
    with gateway.reading() as conn:
        for body in store.stored(conn)["connection"]:
            if body["id"] == connection_id:
                return body
    raise NotFound(f"There is no connection {connection_id!r}.")


def _apply(gateway: Gateway, given: dict[str, Any], actor: str) -> None:
    try:
        orjson.dumps(given)
    except (TypeError, ValueError) as error:
        raise BadConfiguration("The connection cannot be stored.", [Problem("", str(error))]) from None
    if "\\u0000" in orjson.dumps(given).decode():
        raise BadConfiguration(
            "The connection cannot be stored.", [Problem("", "contains the character NUL", "remove it")]
        )
    gateway.apply(documents.validate({"connections": [given]}), actor=actor)


def _shape(gateway: Gateway, body: dict[str, Any]) -> dict[str, Any]:
    shown = store.shown(body, gateway.catalogue)
    live = gateway.hub.connections.get(body["id"])
    state: dict[str, Any] = {"broken": live.broken if live else "not loaded yet"}
    if live is not None and live.runtime is not None:
        condition = live.runtime.condition
        state = {
            "broken": "", "status": condition.status, "reason": condition.reason, "failures": condition.failures,
            "circuit": condition.circuit, "capabilities": sorted(live.can),
            "inbound_url": f"{gateway.settings.url}/v1/inbound/{body['id']}"
            if "receives" in live.can and "subscribes" not in live.can else None,
        }  # fmt: skip
    return shown | {"state": state}
