"""The hub's own affairs over HTTP: messages, dead letters, audit, field graph, tokens, health, metrics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select

import id_registry
from gateway import clock, gauges, metrics, tables, tokens
from gateway.api.access import REFUSALS, Administrator, GatewayDep, Reader
from gateway.api.problems import problem
from gateway.api.shapes import Line, NewToken, Number, answer
from gateway.database import current_revision, fits, newest_revision
from gateway.errors import NotFound, WeftError
from gateway.rights import check_holder
from gateway.tokens import Role
from gateway.usecases import explaining, ledger, syncing, tracing
from lineage import Node

router = APIRouter(responses=REFUSALS)
WORKER_SILENT = 60 * clock.SECOND


@router.get("/v1/messages/{message_id}", tags=["inbound"])
def read_message(gateway: GatewayDep, _: Reader, message_id: Number) -> Response:
    """The ends its events came to."""
    with gateway.reading() as conn:
        found = explaining.message_status(conn, message_id)
    if found is None:
        raise NotFound(f"There is no message {message_id}.")
    return answer(found)


@router.get("/v1/audit", tags=["operations"])
def audit(gateway: GatewayDep, _: Reader) -> Response:
    """The conservation ledger: received = ticketed + merged + suppressed + dead + in flight."""
    with gateway.reading() as conn:
        report = ledger.audit(conn)
    return answer(asdict(report) | {"clean": report.clean})


@router.get("/v1/syncs", tags=["operations"])
def list_syncs(gateway: GatewayDep, _: Reader) -> Response:
    with gateway.reading() as conn:
        return answer({"items": syncing.status(conn), "next_cursor": None})


@router.get("/v1/lineage/graph", tags=["lineage"])
def graph(
    gateway: GatewayDep, _: Reader, dataset: Line, field: Line | None = None,
    depth: Annotated[int, Query(ge=1, le=20)] = 1, direction: Literal["upstream", "downstream"] = "downstream",
) -> Response:  # fmt: skip
    """The field graph around a field (or a whole dataset)."""
    schema = tracing.graph_of(gateway.hub)
    start = Node.of(dataset, field) if field else Node(dataset, None)
    found = schema.downstream(start, depth) if direction == "downstream" else schema.upstream(start, depth)
    return answer(
        {
            "start": _node(found.start), "direction": direction, "truncated": found.truncated,
            "nodes": [_node(n) | {"depth": d} for n, d in zip(found.nodes, found.depths, strict=True)],
            "edges": [{"source": _node(e.source), "target": _node(e.target), "type": e.type, "subtype": e.subtype, "via": e.via}
                      for e in found.edges],
            "counts": [_node(n) | {"shown": c.shown, "total": c.total} for n, c in found.counts.items()],
        }
    )  # fmt: skip


def _node(node: Node) -> dict[str, Any]:
    return {"dataset": node.dataset, "field": None if node.path is None else ".".join(map(str, node.path))}


@router.get("/v1/tokens", tags=["access"])
def list_tokens(gateway: GatewayDep, _: Administrator) -> Response:
    """Never the tokens themselves."""
    with gateway.reading() as conn:
        found = tokens.listed(conn)
    return answer({"items": [
        {"id": t.id, "name": t.name, "role": t.role, "created_at": clock.rfc3339(t.created_at),
         "expires_at": clock.rfc3339(t.expires_at), "revoked_at": clock.rfc3339(t.revoked_at), "person": t.person,
         "roles": t.roles, "customer": None if t.customer is None else id_registry.format_id(t.customer)}
        for t in found
    ], "next_cursor": None})  # fmt: skip


@router.post("/v1/tokens", status_code=201, tags=["access"])
def make_token(gateway: GatewayDep, _: Administrator, new: NewToken) -> Response:
    """The token is shown only now. With a person, business roles or a customer it sees and does what the policy `rights`
    says, and never more than its role."""
    customer = check_holder(gateway.hub, new.person, new.roles, new.customer)
    now = clock.now()
    expires = None if new.expires_in_s is None else now + new.expires_in_s * clock.SECOND
    with gateway.transaction() as conn:
        token_id, token = tokens.create(
            conn, name=new.name, role=Role(new.role), now=now, expires_at=expires, person=new.person, roles=new.roles,
            customer=customer,
        )  # fmt: skip
    return answer({"id": token_id, "token": token, "role": new.role}, 201)


@router.delete("/v1/tokens/{token_id}", status_code=204, tags=["access"])
def revoke_token(gateway: GatewayDep, _: Administrator, token_id: Line) -> Response:
    with gateway.transaction() as conn:
        tokens.revoke(conn, token_id, clock.now())
    return Response(status_code=204)


@router.get("/healthz", tags=["operations"])
def healthz(gateway: GatewayDep) -> Response:
    """Live: this process takes messages."""
    if not gateway.inbox.alive():
        return problem(503, "Not live", "The inbox of this process has stopped.")
    return answer({"status": "live"})


@router.get("/readyz", tags=["operations"])
def readyz(gateway: GatewayDep) -> Response:
    """Ready: database, schema, and a worker that was heard within the last minute."""
    checks: dict[str, str] = {}
    try:
        revision = current_revision(gateway.engine)
        checks["database"] = "ok"
        checks["migrations"] = "ok" if fits(revision) else f"at {revision}, needs {newest_revision()}"
        with gateway.reading() as conn:
            beat = conn.execute(select(func.max(tables.heartbeat.c.at))).scalar()
        silent = beat is None or beat < clock.now() - WORKER_SILENT
        checks["worker"] = "no worker was heard within a minute: run weft worker" if silent else "ok"
    except WeftError as error:
        checks["database"] = error.detail
    ready = all(v == "ok" for v in checks.values()) and len(checks) == 3
    if ready:
        return answer({"status": "ready", "checks": checks})
    return problem(503, "Not ready", "; ".join(f"{k}: {v}" for k, v in checks.items() if v != "ok"), checks=checks)


@router.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
def read_metrics(gateway: GatewayDep) -> Response:
    """For Prometheus."""
    gauges.read(gateway)
    return Response(generate_latest(metrics.registry()), media_type=CONTENT_TYPE_LATEST)
