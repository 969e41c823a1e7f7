"""Global ids over HTTP: one thing, one live id."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

import id_registry
from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep, Reader
from gateway.api.shapes import Line, Merge, answer, gid
from gateway.errors import NotFound
from gateway.matching.showing import event_shape
from id_registry import Key

router = APIRouter(prefix="/v1/ids", tags=["identity"], responses=REFUSALS)


@router.get("")
def find(gateway: GatewayDep, _: Reader, system: Line, kind: Line, local_id: Line) -> Response:
    """The global id of what a system calls `local_id`."""
    key = Key(kind, system, local_id)
    with gateway.reading() as conn:
        found = id_registry.lookup(conn, [key])
        if key not in found:
            raise NotFound(f"System {system!r} has no {kind} {local_id!r} that the hub has seen.")
        return answer(_shape(conn, found[key], found[key]))


@router.post("/merge")
def merge(gateway: GatewayDep, who: Configurer, pair: Merge) -> Response:
    """Two ids found to be one thing; the elder stays the live one. Can be undone exactly."""
    a, b = gid(pair.a), gid(pair.b)
    event = gateway.transact(
        lambda conn: id_registry.merge(conn, a, b, actor=who.actor, reason=pair.reason, now=clock.now())
    )
    return answer(event_shape(event))


@router.post("/merges/{merge}/undo")
def undo(gateway: GatewayDep, who: Configurer, merge: Annotated[int, Path(ge=0, lt=1 << 63)]) -> Response:
    """Take a merge back, whichever came after it."""
    event = gateway.transact(lambda conn: id_registry.undo(conn, merge, actor=who.actor, now=clock.now()))
    return answer(event_shape(event))


@router.get("/{global_id}")
def read(gateway: GatewayDep, _: Reader, global_id: Line) -> Response:
    """The thing, its live id, and its name in every system. A merged id answers with its live one."""
    number = gid(global_id)
    with gateway.reading() as conn:
        live = id_registry.live(conn, [number])[number]
        return answer(_shape(conn, number, live))


@router.get("/{global_id}/golden")
def read_golden(gateway: GatewayDep, _: Reader, global_id: Line) -> Response:
    """The thing's golden record: of each field the value that counts, whose it is, why, and what others say."""
    number = gid(global_id)
    with gateway.reading() as conn:
        live = id_registry.live(conn, [number])[number]
        if not id_registry.was_minted(conn, live):
            raise NotFound(f"There is no {id_registry.format_id(number)}.")
        golden = id_registry.golden(conn, live)
    fields = [
        {**_candidate(name, f.winner), "rule": f.rule, "others": [_candidate(name, c) for c in f.losers]}
        for name, f in golden.fields.items()
    ]  # fmt: skip
    return answer({"id": id_registry.format_id(number), "live": id_registry.format_id(live), "fields": fields})


def _shape(conn: Any, asked: int, live: int) -> dict[str, Any]:
    names = id_registry.crosswalk(conn, live)
    if not names and not id_registry.was_minted(conn, live):
        raise NotFound(f"There is no {id_registry.format_id(asked)}.")
    return {
        "id": id_registry.format_id(asked), "live": id_registry.format_id(live), "kind": id_registry.kind_of(live),
        "crosswalk": [
            {"system": x.system, "local_id": x.local, "birth_id": id_registry.format_id(x.birth),
             "first_seen": clock.rfc3339(x.first_seen), "last_seen": clock.rfc3339(x.last_seen)}
            for x in names
        ],
        "name": id_registry.golden_values(conn, [live], "name").get(live),
        "merges": [event_shape(e) for e in id_registry.history(conn, live)],
        "forbidden": [forbidden_shape(pair) for pair in id_registry.forbidden(conn, live)],
    }  # fmt: skip


def forbidden_shape(pair: id_registry.ForbiddenPair) -> dict[str, Any]:
    """Two ids that must never be one thing."""
    return {"a": id_registry.format_id(pair.a), "b": id_registry.format_id(pair.b), "at": clock.rfc3339(pair.at),
            "actor": pair.actor}  # fmt: skip


def _candidate(field: str, said: id_registry.Candidate) -> dict[str, Any]:
    """What one record says of a field. `traceable`: its lineage can be asked for."""
    return {
        "field": field, "value": said.value, "system": said.system, "birth_id": id_registry.format_id(said.gid),
        "since": clock.rfc3339(said.since), "read_at": clock.rfc3339(said.read_at),
        "traceable": isinstance(said.source, int),
    }  # fmt: skip
