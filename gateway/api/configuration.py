"""The configuration over HTTP: as a document, what it was before, and back to any of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep
from gateway.api.shapes import Line, Long, Number, Request, answer
from gateway.config import differences, documents, history, store
from gateway.config.history import Version
from gateway.service import Gateway

router = APIRouter(prefix="/v1/configuration", tags=["configuration"], responses=REFUSALS)


class Restore(Request):
    note: Line = ""
    dry_run: bool = Field(False, description="only say what would change")


class Applied(Request):
    text: Long | None = Field(None, description="YAML, as `weft apply` takes it")
    note: Line = ""
    dry_run: bool = Field(False, description="only say what would change")


@router.get("")
def export(gateway: GatewayDep, _: Configurer) -> Response:
    """Everything that runs, as a document that can be applied; secrets are references or `********`."""
    with gateway.reading() as conn:
        return answer(store.export(conn, gateway.catalogue, gateway.hub) | {"generation": gateway.hub.generation})


@router.post("/apply")
def apply(gateway: GatewayDep, who: Configurer, given: Applied) -> Response:
    """A configuration document as YAML: put into force whole, or refused with path and remedy of every problem."""
    found = documents.parse([("text", given.text or "")])
    changes = gateway.apply(found, dry_run=given.dry_run, actor=who.actor, note=given.note)
    told = [{"kind": c.kind, "id": c.id, "what": c.what, "fields": list(c.fields)} for c in changes]
    return answer({"dry_run": given.dry_run, "changes": told})


@router.get("/versions")
def list_versions(
    gateway: GatewayDep, _: Configurer, cursor: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:  # fmt: skip
    """Every configuration there was, newest first, with who made it, when, and what it changed."""
    with gateway.reading() as conn:
        found = history.listed(conn, cursor, limit + 1)
        items = {v.generation: history.items_of(conn, v.generation) for v in found}
        now = store.generation(conn)
    before = {v.generation: items[b.generation] for v, b in pairwise(found)}
    shown = [_version(v, now) | {"changes": _changes(before.get(v.generation, {}), items[v.generation])}
             for v in found[:limit]]  # fmt: skip
    more = str(found[limit - 1].generation) if len(found) > limit else None
    return answer({"items": shown, "next_cursor": more})


@router.get("/versions/{generation}")
def read_version(gateway: GatewayDep, _: Configurer, generation: Number, against: Number | None = None) -> Response:
    """What a configuration changed against the one before it, or `against` another, item by item."""
    with gateway.reading() as conn:
        items = history.items_of(conn, generation)
        earlier = against if against is not None else history.previous(conn, generation)
        before = {} if earlier is None else history.items_of(conn, earlier)
        version = next(v for v in history.listed(conn, generation + 1, 1))
        now = store.generation(conn)
    changes = differences.told(store.differences(before, items), before, items, gateway.catalogue)
    return answer(_version(version, now) | {"against": earlier, "changes": changes})


@router.post("/versions/{generation}/restore")
def restore(gateway: GatewayDep, who: Configurer, generation: Number, given: Restore) -> Response:
    """Put a configuration of before into force again, exactly; refused whole where it would not work any more."""
    before, after = _now_and_then(gateway, generation)
    note = given.note or f"back to {generation}"
    changes, _ = gateway.roll_back(generation, actor=who.actor, note=note, dry_run=given.dry_run)
    told = differences.told(changes, before, after, gateway.catalogue)
    return answer({"dry_run": given.dry_run, "generation": gateway.hub.generation, "changes": told})


def _now_and_then(gateway: Gateway, generation: int) -> tuple[history.Items, history.Items]:
    with gateway.reading() as conn:
        return store.stored(conn), history.items_of(conn, generation)


def _version(version: Version, now: int) -> dict[str, Any]:
    return {"generation": version.generation, "at": clock.rfc3339(version.at), "actor": version.actor,
            "note": version.note, "current": version.generation == now}  # fmt: skip


def _changes(before: history.Items, after: history.Items) -> list[dict[str, Any]]:
    found = store.differences(before, after)[:20]
    return [{"kind": c.kind, "id": c.id, "what": c.what, "fields": list(c.fields)} for c in found]
