"""Pairs that a person decides, over HTTP, and what a merge would move."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep, Reader
from gateway.api.shapes import Line, Moment, Number, Request, answer, gid
from gateway.matching.previewing import preview
from gateway.matching.showing import decision_shape, preview_shape, review_shape, review_whole
from id_registry import matching

router = APIRouter(prefix="/v1/ids", tags=["identity"], responses=REFUSALS)

Limit = Annotated[int, Query(ge=1, le=500)]


class Pair(Request):
    a: Line
    b: Line


class Decide(Request):
    decision: matching.Decision = Field(
        description="same: one thing, merges (can be undone); different: never one thing; later: put off"
    )
    why: Line = ""
    until: Moment | None = Field(
        None, description="later: until then; default: until somebody asks for what was put off"
    )


@router.get("/reviews")
def list_reviews(
    gateway: GatewayDep, _: Reader, state: Annotated[list[matching.ReviewState] | None, Query()] = None,
    kind: Line | None = None, source: Literal["online", "batch"] | None = None, cursor: Line | None = None, limit: Limit = 50,
) -> Response:  # fmt: skip
    """Pairs that may be one thing, the likeliest first; default: those that wait for a decision."""
    with gateway.reading() as conn:
        page = matching.list_reviews(
            conn, states=state or ["open"], kind=kind, source=source, now=clock.now(), cursor=cursor, limit=limit
        )
        items = [review_shape(conn, review) for review in page.items]
        counts: dict[str, dict[str, int]] = {}
        for (of, name), n in sorted(matching.count_reviews(conn).items()):
            counts.setdefault(of, {})[name] = n
    return answer({"items": items, "next_cursor": page.next_cursor, "counts": counts})


@router.get("/reviews/{number}")
def read_review(gateway: GatewayDep, _: Reader, number: Number) -> Response:
    """One pair: the evidence of each field, what every system says on either side, and what merging would move."""
    with gateway.reading() as conn:
        return answer(review_whole(conn, matching.read_review(conn, number)))


@router.post("/reviews/{number}/decide")
def decide_review(gateway: GatewayDep, who: Configurer, number: Number, body: Decide) -> Response:
    """One thing, two things, or later. Saying the same again changes nothing; 409 for what the registry refuses."""
    until = None if body.until is None else clock.from_datetime(body.until)
    gateway.transact(
        lambda conn: matching.decide_review(
            conn, number, body.decision, actor=who.actor, now=clock.now(), why=body.why, until=until
        )
    )
    with gateway.reading() as conn:
        return answer(review_whole(conn, matching.read_review(conn, number)))


@router.get("/{global_id}/decisions")
def read_decisions(gateway: GatewayDep, _: Reader, global_id: Line) -> Response:
    """What the matcher decided of this thing's records, the latest first, each with the evidence of every field."""
    number = gid(global_id)
    with gateway.reading() as conn:
        items = [decision_shape(each) for each in matching.decisions(conn, number)]
    return answer({"items": items, "next_cursor": None})


@router.post("/merge/preview")
def preview_merge(gateway: GatewayDep, _: Reader, pair: Pair) -> Response:
    """What a merge would move: ids, keys, records, tickets, and which values would stand; nothing is changed."""
    a, b = gid(pair.a), gid(pair.b)
    with gateway.reading() as conn:
        return answer(preview_shape(preview(conn, a, b)))
