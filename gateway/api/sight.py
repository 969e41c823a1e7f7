"""What a request may reach, and what is left of its answer, for who asks in a business role.

Both stand around all routes, those of today and of tomorrow: a request about a ticket is refused where the policy
`rights` does not allow it (`gate`), and every answer goes through the eyes of who asks (`Projected`).
"""

from __future__ import annotations

from typing import Any, cast

import orjson
from anyio.to_thread import run_sync
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import id_registry
from core_tickets.rights import Asker
from gateway.errors import Forbidden
from gateway.rights import Eyes, asker_of
from gateway.service import Gateway
from gateway.tokens import Bearer
from gateway.usecases.tickets import ticket_id

TICKETS, IDS, DESK = "/v1/tickets", "/v1/ids", "/v1/desk/"
SEARCH = f"{IDS}/search"
OVERVIEW = ("/v1/overview", "/v1/live")
_OF_A_TICKET = f"{TICKETS}/{{ticket}}"
_READS = ("GET", "HEAD", "OPTIONS")


def gate(request: Request, gateway: Gateway, who: Bearer) -> None:
    """Raises Forbidden with the role and what would be needed; core_tickets.UnknownTicket, alike for a ticket that is not
    there and one that is not to be seen."""
    asker = asker_of(gateway.hub, who)
    request.state.asker = asker
    if asker.unlimited:
        return
    route = str(getattr(request.scope.get("route"), "path", request.url.path))
    reads = request.method in _READS
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker)
        if route.startswith(_OF_A_TICKET):
            _ticket(request, eyes, route, reads=reads)
        elif route == TICKETS:
            if not reads and not eyes.may_create:
                raise Forbidden("Your roles may not make tickets; the policy rights names `create` under `do`.")
        elif route.startswith(DESK):
            pass  # each of its tickets is looked at by itself
        elif route in OVERVIEW:
            pass  # each of its parts asks by itself
        elif route == SEARCH:
            pass  # finds only kinds that may be read
        elif route.startswith(IDS) and reads:
            eyes.demand_thing(_kind(request))
        else:
            eyes.demand_page(route, writes=not reads)


def _ticket(request: Request, eyes: Eyes, route: str, *, reads: bool) -> None:
    number = ticket_id(request.path_params["ticket"])
    part = route.removeprefix(_OF_A_TICKET).strip("/").split("/")[0]
    if part.startswith("{"):
        part = str(request.path_params[part.strip("{}")])
    if reads:
        eyes.demand(number, *([part] if part else []), *request.query_params.getlist("field"))
    else:
        eyes.demand_action(number, part)
    request.state.about = number


def _kind(request: Request) -> str:
    """The kind of thing that an id asked for is of. Raises id_registry.BadGlobalId."""
    given = request.path_params.get("global_id") or request.query_params.get("a")
    if given is not None:
        return id_registry.kind_of(id_registry.parse_id(str(given)))
    return str(request.query_params.get("kind", ""))


class Projected:
    """Lets no answer of JSON or text out that was not looked at through the eyes of who asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def sent(message: Message) -> None:
            state = scope.get("state") or {}
            asker = state.get("asker")
            if asker is None or asker.unlimited or state.get("looked_through") or not (held or _is_text(message)):
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                gateway = cast(Gateway, scope["app"].state.gateway)
                body = b"".join(m.get("body", b"") for m in held[1:])
                told = await run_sync(projected, gateway, asker, state.get("about"), body)
                start = held[0]
                MutableHeaders(scope=start)["content-length"] = str(len(told))
                held.clear()
                await send(start)
                await send({"type": "http.response.body", "body": told})

        await self._app(scope, receive, sent)


def _is_text(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    kind = MutableHeaders(scope=message).get("content-type", "").lower()
    return "json" in kind or kind.startswith("text/")


def projected(gateway: Gateway, asker: Asker, about: int | None, body: bytes) -> bytes:
    """A body as the asker may have it: JSON by its shape, other text by what is in it."""
    if not body:
        return body
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker)
        try:
            answer: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            return str(eyes.project(body.decode("utf-8", "replace"), about)).encode()
        return orjson.dumps(eyes.project(answer, about))
