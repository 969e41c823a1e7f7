"""The front door for systems: their message as they send it, answered once it is stored.

`Door` stands before the framework: a message needs no dependencies, no model and no search for its route, and these
cost more than all the hub does to take it. The routes below are the same door, for who does not come through it, and
the place where it is documented.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.contract import Delivery
from connectors.errors import ConnectorError
from gateway import clock, metrics
from gateway.api.access import REFUSALS
from gateway.api.problems import of_error, problem
from gateway.config.hub import Live
from gateway.errors import NotFound, TooLarge, Unavailable, UnsupportedEncoding, WeftError
from gateway.ingest.inbox import Incoming
from gateway.service import Gateway

router = APIRouter(tags=["inbound"])

_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Stored. `message_id` can be asked for at /v1/messages/{id}.",
        "content": {"application/json": {"schema": {"type": "object", "required": ["message_id"],
                                                    "properties": {"message_id": {"type": "string"}}}}},
    }
}  # fmt: skip
_BODY = {"requestBody": {"content": {"application/json": {"schema": {}}, "*/*": {"schema": {}}}, "required": False}}


@router.post("/v1/inbound/{connection}", status_code=202, responses=REFUSALS | _ACCEPTED, openapi_extra=_BODY,
             summary="A vendor's message, as the vendor sends it")  # fmt: skip
async def inbound(request: Request) -> Response:
    """Checked by the connection's own secret (bearer, basic, HMAC or a token as last part of the path), not by an API
    token. 202 once it is stored; 422 when it is unusable (it is then stored as a dead letter, and the answer says so)."""
    return await take(request.scope, request.receive, request.path_params["connection"], "")


@router.post("/v1/inbound/{connection}/{path_token}", status_code=202, responses=REFUSALS | _ACCEPTED, openapi_extra=_BODY,
             summary="The same, for senders that can only be given a URL")  # fmt: skip
async def inbound_with_token(request: Request) -> Response:
    """The secret stands in the path."""
    given = request.path_params
    return await take(request.scope, request.receive, given["connection"], given["path_token"])


class Door:
    """Answers messages; everything else goes on to the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(_PREFIX):
            connection, slash, token = scope["path"][len(_PREFIX) :].partition("/")
            if connection and "/" not in token and bool(token) == bool(slash):
                try:
                    answer = await take(scope, receive, connection, token)
                except ClientDisconnect:
                    return
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


_PREFIX = "/v1/inbound/"


class _Bell:
    """Brings what the inbox's thread tells to the event loop: rung once for all that was told meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._told: deque[tuple[asyncio.Future[WeftError | None], WeftError | None]] = deque()
        self._rung = False

    def tell(self, committed: asyncio.Future[WeftError | None], error: WeftError | None) -> None:
        """Called on the inbox's thread."""
        self._told.append((committed, error))
        if not self._rung:
            self._rung = True
            self.loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        self._rung = False  # first, so that what is told from here on rings again
        while self._told:
            committed, error = self._told.popleft()
            if not committed.done():  # the sender may have gone
                committed.set_result(error)


def _bell(state: Any, loop: asyncio.AbstractEventLoop) -> _Bell:
    bell: _Bell | None = getattr(state, "bell", None)
    if bell is None or bell.loop is not loop:
        bell = state.bell = _Bell(loop)
    return bell


async def take(scope: Scope, receive: Receive, connection_id: str, path_token: str) -> Response:
    """The answer to one message, once it is committed or refused. Raises ClientDisconnect."""
    state = scope["app"].state
    gateway = cast(Gateway, state.gateway)
    try:
        live = _live(gateway, connection_id)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _body(receive, headers.get("content-encoding", ""), live)
        kept = {name: value for name, value in headers.items() if not name.startswith("weft-")}
        delivery = Delivery(body, kept, "", path_token, clock.to_datetime(clock.now()))
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[WeftError | None] = loop.create_future()
        bell = _bell(state, loop)
        incoming = gateway.receive(live, delivery, lambda error: bell.tell(committed, error))
        error = await committed
        if error is not None:
            raise error
    except (WeftError, ConnectorError) as error:
        # a wrong URL must not make a new time series for every word a scanner tries
        known = connection_id if connection_id in gateway.hub.connections else "unknown"
        metrics.REFUSED.labels(known, type(error).__name__).inc()
        answer = of_error(error)
        assert answer is not None
        return answer
    return _answer(incoming)


def _live(gateway: Gateway, connection_id: str) -> Live:
    live = gateway.hub.connection(connection_id)
    if not live.spec.enabled:
        raise NotFound(f"Connection {connection_id!r} is switched off.")
    if live.runtime is None:
        raise Unavailable(
            f"Connection {connection_id!r} cannot work now; an integrator finds the reason in its status."
        )
    if "receives" not in live.can or "subscribes" in live.can:
        raise NotFound(f"Connection {connection_id!r} takes no messages over HTTP.")
    return live


async def _body(receive: Receive, encoding: str, live: Live) -> bytes:
    """The body, unpacked and bounded. Raises TooLarge, UnsupportedEncoding, ClientDisconnect."""
    assert live.runtime is not None
    limit = live.runtime.policy.max_delivery_bytes
    encoding = encoding.strip().lower() or "identity"
    if encoding not in ("identity", "gzip"):
        raise UnsupportedEncoding(f"Content-Encoding {encoding!r} is not supported; send it plain or gzip.")
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        size += len(chunk := message.get("body", b""))
        if size > limit:
            raise TooLarge(f"Connection {live.id!r} takes at most {limit} bytes a message.")
        chunks.append(chunk)
        more = message.get("more_body", False)
    body = b"".join(chunks)
    return _gunzip(body, limit, live.id) if encoding == "gzip" else body


MEMBERS = 100
"""A gzip body may be several, one behind the other; more than this is an attack."""


def _gunzip(body: bytes, limit: int, connection_id: str) -> bytes:
    """Never unpacks more than the limit, however well it was packed."""
    plain, rest = b"", body
    for _ in range(MEMBERS):
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            plain += unpacker.decompress(rest, limit + 1 - len(plain))
        except zlib.error as error:
            raise UnsupportedEncoding(f"The body is not gzip although Content-Encoding says so: {error}.") from None
        if len(plain) > limit or unpacker.unconsumed_tail:
            raise TooLarge(f"Connection {connection_id!r} takes at most {limit} bytes a message, unpacked.")
        if not unpacker.eof:
            raise UnsupportedEncoding("The gzip body is cut short.")
        rest = unpacker.unused_data
        if not rest:
            return plain
    raise UnsupportedEncoding(f"The gzip body has more than {MEMBERS} members.")


def _answer(incoming: Incoming) -> Response:
    told = str(incoming.id)
    if incoming.bad is not None:
        return problem(
            422, "Stored as a dead letter", str(incoming.bad), message_id=told,
            hint=incoming.bad.hint or "mend the sender, or the mapping, and replay it: weft dead replay",
        )  # fmt: skip
    return Response(b'{"message_id":"%d"}' % incoming.id, 202, media_type="application/json")
