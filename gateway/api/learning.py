"""What the hub learned, over HTTP: proposals with their decisions, problems, paths, articles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import Connection

import id_registry
from gateway import clock
from gateway.api.access import REFUSALS, Actor, Configurer, GatewayDep, Reader
from gateway.api.shapes import Line, Long, Number, Request, TicketId, answer
from gateway.learning import articles, deciding, effects, mining, problems, proposals
from gateway.learning.proposals import Proposal
from gateway.rights import Eyes, asker_of
from gateway.service import Gateway
from gateway.tokens import Bearer
from gateway.usecases.tickets import ticket_id

router = APIRouter(tags=["learning"], responses=REFUSALS)

KindName = Literal["promise", "article", "zombie", "duplicate"]
View = Literal["status", "group", "status_group", "assignee", "priority"]
Days = Annotated[int, Query(ge=1, le=1100)]


class Accept(Request):
    """What the reviewer changed; what is absent stays as proposed."""

    title: Annotated[Line, Field(min_length=1)] | None = Field(None, description="article")
    body: Annotated[Long, Field(min_length=1)] | None = Field(None, description="article: Markdown")
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16)] | None = Field(
        None, description="article: BCP 47"
    )
    minutes: Annotated[int, Field(ge=1, le=5_270_400)] | None = Field(
        None, description="promise: instead of the proposed"
    )


class Reject(Request):
    why: Line = ""


class Used(Request):
    ticket: TicketId
    article: Annotated[Line, Field(min_length=3, examples=["hub/TKT-2026-000001"])]


class Shown(Request):
    active: bool = Field(description="false: no longer found by search")


@router.get("/v1/proposals")
def list_proposals(
    gateway: GatewayDep, _: Reader, kind: Annotated[list[KindName] | None, Query()] = None,
    state: Annotated[list[proposals.State] | None, Query()] = None, cursor: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:  # fmt: skip
    """The newest first. Each says why, and what accepting it would do."""
    with gateway.reading() as conn:
        page = proposals.listed(conn, kind, state, cursor, limit)
    return answer({"items": [proposal_shape(p) for p in page.items], "next_cursor": page.next_cursor})


@router.get("/v1/proposals/{number}")
def read_proposal(gateway: GatewayDep, _: Reader, number: Number) -> Response:
    """One proposal, with what came of it."""
    with gateway.reading() as conn:
        return answer(proposal_shape(proposals.get(conn, number)))


@router.post("/v1/proposals/{number}/accept")
def accept_proposal(gateway: GatewayDep, who: Actor, number: Number, body: Accept | None = None) -> Response:
    """Do it. Accepting again answers what was done; 409 for one that was rejected or holds no more."""
    given = body.model_dump(exclude_none=True) if body else {}
    with gateway.reading() as conn:
        _demand(conn, gateway, who, proposals.get(conn, number))
    return answer(proposal_shape(deciding.accept(gateway, number, who.actor, who.may, given)))


@router.post("/v1/proposals/{number}/reject")
def reject_proposal(gateway: GatewayDep, who: Actor, number: Number, body: Reject | None = None) -> Response:
    """Not this, and not again."""
    why = body.why if body else ""
    return answer(proposal_shape(deciding.reject(gateway, number, who.actor, who.may, why)))


@router.get("/v1/learning/clusters")
def list_clusters(
    gateway: GatewayDep, _: Reader, trend: Literal["new", "growing", "steady", "fading"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:  # fmt: skip
    """Problems: tickets that tell of one trouble, new ones first, each with its words, its growth and the fix that is known."""
    with gateway.reading() as conn:
        return answer({"items": problems.listed(conn, trend, limit), "next_cursor": None})


@router.get("/v1/learning/paths")
def read_paths(
    gateway: GatewayDep, _: Reader, days: Days = 90, view: View = "status",
    kind: Annotated[list[Line] | None, Query()] = None,
) -> Response:  # fmt: skip
    """The paths tickets opened in the last days really took, against the planned one, with share and time."""
    now = clock.now()
    with gateway.reading() as conn:
        found = mining.paths(conn, gateway.hub, now - days * clock.DAY, now + 1, view=view, kinds=kind)
    return answer(mining.shape(found))


@router.get("/v1/learning/articles")
def list_articles(
    gateway: GatewayDep, _: Reader, cursor: Line | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Response:
    """The hub's own articles, the newest ticket first, each with its effect."""
    with gateway.reading() as conn:
        page, after = articles.listed(conn, cursor, limit)
        learned = effects.known(conn)
    return answer({"items": [article_shape(row, learned) for row in page], "next_cursor": after})


@router.get("/v1/learning/articles/{article}")
def read_article(gateway: GatewayDep, _: Reader, article: TicketId) -> Response:
    """One article with its text; its id is that of the ticket it was learned from."""
    with gateway.reading() as conn:
        row = articles.get(conn, article)
        return answer(article_shape(row, effects.known(conn)) | {"body": row.body})


@router.post("/v1/learning/articles/used")
def use_article(gateway: GatewayDep, who: Actor, used: Used) -> Response:
    """This article helped to solve this ticket; it weighs in where it is ranked."""
    number = ticket_id(used.ticket)
    gateway.transact(lambda conn: effects.mark_used(conn, used.article, number, clock.now()))
    return answer({"ticket": used.ticket, "article": used.article, "used": True})


@router.post("/v1/learning/articles/{article}")
def show_article(gateway: GatewayDep, who: Configurer, article: TicketId, shown: Shown) -> Response:
    """Withdraw an article from search, or bring it back."""
    gateway.transact(lambda conn: articles.withdraw(conn, article, clock.now(), active=shown.active))
    return read_article(gateway, who, article)


def _demand(conn: Connection, gateway: Gateway, who: Bearer, found: Proposal) -> None:
    """Who accepts that a ticket is ended may end it by hand. Raises Forbidden, core_tickets.UnknownTicket."""
    asker = asker_of(gateway.hub, who)
    if not asker.unlimited and found.kind in ("zombie", "duplicate") and found.state == "proposed":
        eyes = Eyes(conn, gateway.hub, asker)
        for action in ("link", "resolve") if found.kind == "duplicate" else ("resolve",):
            eyes.demand_action(ticket_id(found.evidence["ticket"]), action)


def proposal_shape(p: Proposal) -> dict[str, Any]:
    return {
        "id": str(p.id), "kind": p.kind, "subject": p.subject, "state": p.state, "made_at": clock.rfc3339(p.made_at),
        "evidence": dict(p.evidence), "by": p.by, "why": p.why, "decided_at": clock.rfc3339(p.decided_at),
        "effect": None if p.effect is None else dict(p.effect),
    }  # fmt: skip


def article_shape(row: Any, learned: dict[str, effects.Effect]) -> dict[str, Any]:
    name = id_registry.format_id(row.id)
    found = learned.get(f"hub/{name}")
    told = None if found is None else {
        "shown": found.shown, "used": found.used, "worked": found.worked, "score": found.score, "low": found.low,
        "high": found.high,
    }  # fmt: skip
    return {
        "id": name, "title": row.title, "language": row.language, "category": row.category, "active": row.active,
        "author": row.author, "made_at": clock.rfc3339(row.made_at), "changed_at": clock.rfc3339(row.changed_at),
        "effect": told,
    }  # fmt: skip
