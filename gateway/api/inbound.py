"""The front door for systems: their message as they send it, answered once it is stored."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any, cast

import orjson
from fastapi import APIRouter, Request, Response

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
    return await receive(request, request.path_params["connection"], "")


@router.post("/v1/inbound/{connection}/{path_token}", status_code=202, responses=REFUSALS | _ACCEPTED, openapi_extra=_BODY,
             summary="The same, for senders that can only be given a URL")  # fmt: skip
async def inbound_with_token(request: Request) -> Response:
    """The secret stands in the path."""
    return await receive(request, request.path_params["connection"], request.path_params["path_token"])


async def receive(request: Request, connection_id: str, path_token: str) -> Response:
    gateway = cast(Gateway, request.app.state.gateway)
    try:
        live = _live(gateway, connection_id)
        body = await _body(request, live)
        headers = {k: v for k, v in request.headers.items() if not k.startswith("weft-")}
        delivery = Delivery(body, headers, "", path_token, clock.to_datetime(clock.now()))
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[WeftError | None] = loop.create_future()

        def done(error: WeftError | None) -> None:
            loop.call_soon_threadsafe(_tell, committed, error)

        incoming = gateway.receive(live, delivery, done)
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


def _tell(committed: asyncio.Future[WeftError | None], error: WeftError | None) -> None:
    if not committed.done():  # the sender may have gone
        committed.set_result(error)


def _live(gateway: Gateway, connection_id: str) -> Live:
    live = gateway.hub.connection(connection_id)
    if not live.spec.enabled:
        raise NotFound(f"Connection {connection_id!r} is switched off.")
    if live.runtime is None:
        raise Unavailable(f"Connection {connection_id!r} cannot work now; an integrator finds the reason in its status.")
    if "receives" not in live.can or "subscribes" in live.can:
        raise NotFound(f"Connection {connection_id!r} takes no messages over HTTP.")
    return live


async def _body(request: Request, live: Live) -> bytes:
    """The body, unpacked and bounded. Raises TooLarge, UnsupportedEncoding."""
    assert live.runtime is not None
    limit = live.runtime.policy.max_delivery_bytes
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise UnsupportedEncoding(f"Content-Encoding {encoding!r} is not supported; send it plain or gzip.")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"Connection {live.id!r} takes at most {limit} bytes a message.")
        chunks.append(chunk)
    body = b"".join(chunks)
    return _gunzip(body, limit, live.id) if encoding == "gzip" else body


def _gunzip(body: bytes, limit: int, connection_id: str) -> bytes:
    """Never unpacks more than the limit, however well it was packed."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise UnsupportedEncoding(f"The body is not gzip although Content-Encoding says so: {error}.") from None
    if len(plain) > limit or unpacker.unconsumed_tail:
        raise TooLarge(f"Connection {connection_id!r} takes at most {limit} bytes a message, unpacked.")
    if not unpacker.eof:
        raise UnsupportedEncoding("The gzip body is cut short.")
    return plain


def _answer(incoming: Incoming) -> Response:
    told = str(incoming.id)
    if incoming.bad is not None:
        return problem(
            422, "Stored as a dead letter", str(incoming.bad), message_id=told,
            hint=incoming.bad.hint or "mend the sender, or the mapping, and replay it: weft dead replay",
        )  # fmt: skip
    return Response(orjson.dumps({"message_id": told}), 202, media_type="application/json")


