"""The inbox of people over HTTP, and trying a channel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep, Reader
from gateway.api.shapes import Line, Number, Request, answer
from gateway.errors import Forbidden, NotFound
from gateway.notify import inbox, trying
from gateway.service import Gateway
from gateway.tokens import Bearer, Right

router = APIRouter(prefix="/v1", tags=["notices"], responses=REFUSALS)


class Trial(Request):
    """How a channel is tried: `to` empty only logs in; a person, an address or `default` is sent a message."""

    to: Line = ""
    operation: Line = ""


@router.get("/notices")
def list_notices(
    gateway: GatewayDep,
    who: Reader,
    person: Line | None = None,
    unread: bool = False,
    cursor: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """A person's notices, newest first; by default those of whoever asks."""
    return _page(gateway, _whose(who, person), unread, cursor, limit)


@router.get("/me/notices")
def list_my_notices(
    gateway: GatewayDep,
    who: Reader,
    unread: bool = False,
    cursor: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """One's own notices, newest first."""
    return _page(gateway, _whose(who, None), unread, cursor, limit)


def _page(gateway: Gateway, person: str, unread: bool, cursor: int | None, limit: int) -> Response:
    if person not in gateway.hub.roster.people:
        raise NotFound(f"There is nobody {person!r}.")
    with gateway.reading() as conn:
        page = inbox.listed(conn, gateway.hub, person, unread=unread, before=cursor, limit=limit)
    following = None if page.next_cursor is None else str(page.next_cursor)
    return answer({"items": page.items, "next_cursor": following, "unread": page.unread})


@router.post("/me/notices/{notice}/read")
@router.post("/notices/{notice}/read")
def read_notice(gateway: GatewayDep, who: Reader, notice: Number) -> Response:
    """It was read; once is enough."""
    own = who.person if who.person is not None or not who.may(Right.configure) else None
    if own is None and not who.may(Right.configure):
        raise Forbidden("This token is nobody's in particular, so it has no notices.")
    gateway.transact(lambda conn: inbox.read(conn, notice, own, clock.now()))
    return answer({"id": str(notice), "read": True})


@router.post("/channels/{connection}/test")
def try_channel(gateway: GatewayDep, who: Configurer, connection: Line, trial: Trial | None = None) -> Response:
    """A real login, and on request a real message. What came of it is kept: a policy may only name channels that worked."""
    asked = trial or Trial()
    tried = trying.try_channel(gateway, connection, who.actor, to=asked.to, operation=asked.operation)
    return answer({"connection": connection, "ok": tried.ok, "reason": tried.reason, "message": tried.message,
                   "sent_to": tried.sent_to})  # fmt: skip


def _whose(who: Bearer, person: str | None) -> str:
    """Whose notices. Everybody has his own; others' only who configures the hub. Raises Forbidden."""
    if person is None or person == who.person:
        if who.person is None:
            raise Forbidden("This token is nobody's in particular; name a `person`.")
        return who.person
    if not who.may(Right.configure):
        raise Forbidden("These are somebody else's notices.")
    return person
