"""Dead letters over HTTP: by what they died of, one by one, and replayed once the cause is mended."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep, Reader
from gateway.api.shapes import Line, Number, Request, Text, answer
from gateway.ingest.stored import unpack
from gateway.usecases import dead
from gateway.usecases.dead import Wanted

router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"], responses=REFUSALS)


def wanted(
    connection: Line | None = None, stream: Line | None = None, path: Text | None = None, reason: Text | None = None,
    q: Annotated[Line | None, Query(description="words in the reason")] = None,
) -> Wanted:  # fmt: skip
    return Wanted(connection, stream, path, reason, q)


WantedDep = Annotated[Wanted, Depends(wanted)]


class Replay(Request):
    """Either `ids`, or a filter: the oldest of those that fit."""

    ids: list[Number] | None = Field(None, max_length=500)
    connection: Line | None = None
    stream: Line | None = None
    path: Text | None = None
    reason: Text | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


@router.get("")
def list_dead(
    gateway: GatewayDep, _: Reader, filters: WantedDep, cursor: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:  # fmt: skip
    """Those that nobody settled, newest first."""
    with gateway.reading() as conn:
        found = dead.listed(conn, before=cursor, limit=limit + 1, wanted=filters)
    page = found[:limit]
    return answer(
        {"items": [_letter(d) for d in page], "next_cursor": str(page[-1].message_id) if len(found) > limit else None}
    )


@router.get("/groups")
def group_dead(gateway: GatewayDep, _: Reader, filters: WantedDep) -> Response:
    """By what they died of: connection, stream, field and reason, the most frequent first."""
    with gateway.reading() as conn:
        found = dead.grouped(conn, filters)
    return answer({"items": [
        asdict(g) | {"first_at": clock.rfc3339(g.first_at), "last_at": clock.rfc3339(g.last_at)} for g in found
    ]})  # fmt: skip


@router.post("/replay")
def replay_many(gateway: GatewayDep, _: Configurer, given: Replay) -> Response:
    """Many through today's connector, mapping and rules, each for itself; answers the ends they came to."""
    ids = given.ids
    if ids is None:
        filters = Wanted(given.connection, given.stream, given.path, given.reason)
        with gateway.reading() as conn:
            ids = dead.eldest(conn, filters, given.limit)
    ends = dead.replay_all(gateway, ids)
    return answer({"replayed": len(ends), "ends": dict(Counter(ends.values())),
                   "items": [{"message_id": str(n), "end": end} for n, end in ends.items()]})  # fmt: skip


@router.get("/{message_id}")
def read_dead(gateway: GatewayDep, _: Configurer, message_id: Number) -> Response:
    """With the raw message as it came."""
    with gateway.reading() as conn:
        letter, row = dead.shown(conn, message_id)
    return answer(
        _letter(letter) | {"body": unpack(row.body, row.packed).decode("utf-8", "replace"), "topic": row.topic}
    )


@router.post("/{message_id}/replay")
def replay_dead(gateway: GatewayDep, _: Configurer, message_id: Number) -> Response:
    """Through today's connector, mapping and rules; answers the end it came to."""
    end = dead.replay(gateway, message_id)
    return answer({"message_id": str(message_id), "end": end})


def _letter(d: dead.DeadLetter) -> dict[str, Any]:
    return asdict(d) | {"message_id": str(d.message_id), "at": clock.rfc3339(d.at)}
