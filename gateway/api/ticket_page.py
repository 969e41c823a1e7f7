"""What one ticket's page shows beside the ticket itself: actions, then and now, charts, objects in other systems, links."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import Connection

import core_tickets
from gateway import clock
from gateway.api import shapes
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.confirmations import Said
from gateway.api.shapes import Line, Number, TicketId, answer, section_shape, ticket_shape
from gateway.collaboration import confirming
from gateway.desk import actions, comparing, progress, remote, series
from gateway.rights import Eyes, asker_of
from gateway.service import Gateway
from gateway.usecases import tickets

router = APIRouter(tags=["desk"], responses=REFUSALS)
_GONE: dict[int | str, dict[str, Any]] = {
    410: REFUSALS[404] | {"description": "The link is too old, or was taken back"}
}


class NewProgressLink(shapes.Request):
    lasts_s: Annotated[int, Field(ge=60, le=366 * 86_400)] = progress.LASTING // clock.SECOND


@router.get("/v1/tickets/{ticket}/actions")
def read_actions(gateway: GatewayDep, who: Reader, ticket: TicketId) -> Response:
    """What whoever asks may do with it now, with the fields each action asks for; and of the others, why not."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker_of(gateway.hub, who))
        version = eyes.seen(number).ticket.version
        return answer({"version": version, "items": actions.offered(conn, gateway.hub, eyes, number, clock.now())})


@router.get("/v1/tickets/{ticket}/context/now")
def read_context_again(gateway: GatewayDep, who: Reader, ticket: TicketId) -> Response:
    """The snapshot as it was stored at the opening (`then`), the same questions asked again (`now`), and what differs.
    It takes as long as the slowest source, at most its deadline; nothing is stored."""
    number, hub = tickets.ticket_id(ticket), gateway.hub
    asker = asker_of(hub, who)
    again = comparing.asked_again(gateway, number, lambda conn: Eyes(conn, hub, asker))
    with gateway.reading() as conn:
        stored = {row.name: section_shape(row) for row in comparing.sections_of(conn, number)}
    told = []
    for now in again:
        then = stored[now["name"]]
        changes = comparing.differences(then["values"] or {}, now["values"] or {}) if now["status"] == "ok" else []
        place = now["name"].replace("/", ".")
        told.append({"name": now["name"], "changes": [{"dataset": place, **change} for change in changes]})
    return answer({"ticket": ticket, "then": {"sections": [stored[now["name"]] for now in again]}, "now": {"sections": again},
                   "differences": told})  # fmt: skip


@router.get("/v1/tickets/{ticket}/series")
def read_series(gateway: GatewayDep, who: Reader, ticket: TicketId) -> Response:
    """Numbers over time of the ticket's device and snapshot, the device's gauges with the limits of the rule that opened
    the ticket, and shares in percent. Values are text, times RFC 3339."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker_of(gateway.hub, who))
        return answer(series.charts(conn, gateway.hub, eyes, number))


@router.get("/v1/tickets/{ticket}/remote/objects")
def read_objects(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """The objects in other systems it is linked with: what the hub wants each to be and what was last seen of it."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        return answer({"items": remote.objects(conn, core_tickets.get(conn, number))})


# -- the customer's link ----------------------------------------------------------------------------------------------


@router.get("/v1/tickets/{ticket}/progress-links")
def list_links(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """The links that were given out for it; never their tokens."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        core_tickets.get(conn, number)
        return answer({"items": progress.listed(conn, number, clock.now())})


@router.post("/v1/tickets/{ticket}/progress-links", status_code=201)
def make_progress_link(
    gateway: GatewayDep, who: Actor, ticket: TicketId, new: NewProgressLink | None = None
) -> Response:
    """A link for the customer's phone: it tells how far the ticket is, and takes the customer's word when it is solved."""
    number, now = tickets.ticket_id(ticket), clock.now()
    until = now + (new or NewProgressLink()).lasts_s * clock.SECOND
    made, token = gateway.transact(lambda conn: progress.make(conn, gateway.vault, number, who.actor, until, now))
    link, ends = f"{gateway.settings.url}/p/{token}", clock.rfc3339(until // clock.SECOND * clock.SECOND)
    return answer({"number": made, "link": link, "token": token, "expires_at": ends}, 201)


@router.delete("/v1/tickets/{ticket}/progress-links/{number}")
def revoke_link(gateway: GatewayDep, who: Actor, ticket: TicketId, number: Number) -> Response:
    """Take it back: whoever has it sees nothing any more."""
    mine = tickets.ticket_id(ticket)
    gateway.transact(lambda conn: progress.revoke(conn, mine, number, who.actor, clock.now()))
    return answer({"revoked": number})


@router.get("/v1/progress/{token}", responses=_GONE)
def read_progress(request: Request, gateway: GatewayDep, token: Line) -> Response:
    """What the customer sees by the link. It needs no token of the API."""
    now = _paced(request, gateway)

    def look(conn: Connection) -> dict[str, object]:
        number = progress.read(conn, gateway.vault, token, now)
        progress.looked_at(conn, gateway.vault, token, now)
        return progress.shown(conn, gateway, number, _shape, now)

    return _private(answer(gateway.transact(look)))


@router.post("/v1/progress/{token}", responses=_GONE)
def say_by_link(request: Request, gateway: GatewayDep, token: Line, said: Said) -> Response:
    """The customer's word by the link: solved, with a score, or not. 409 when there is nothing to confirm now."""
    now = _paced(request, gateway)

    def do(conn: Connection) -> dict[str, object]:
        number = progress.read(conn, gateway.vault, token, now)
        actor = confirming.customer_actor(core_tickets.get(conn, number).customer)
        confirming.say(conn, gateway, number, said.word(), actor=actor, why="客户进度链接 by the customer's link")
        return progress.shown(conn, gateway, number, _shape, now)

    told = _private(answer(gateway.transact(do)))
    gateway.wake_worker.set()
    return told


def _shape(gateway: Gateway, ticket: core_tickets.Ticket, now: int) -> dict[str, Any]:
    return ticket_shape(ticket, now, gateway.hub.promises)


def _paced(request: Request, gateway: Gateway) -> int:
    """The time of the request. Raises TooBusy."""
    now = clock.now()
    pace: progress.Pace = request.app.state.progress_pace
    pace.take(request.client.host if request.client else "", now)
    return now


def _private(told: Response) -> Response:
    told.headers["Cache-Control"] = "private, no-store"
    told.headers["Referrer-Policy"] = "no-referrer"
    return told
