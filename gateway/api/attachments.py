"""Attachments over HTTP: the body is the file, streamed in and out; it is never shown as a page of the hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection

import core_tickets
from core_tickets import collaboration
from gateway import clock
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.shapes import Line, Number, TicketId, answer
from gateway.collaboration import attachments
from gateway.collaboration.shown import attachment_shape
from gateway.errors import Conflict, NotFound
from gateway.policies.attachments import KIND
from gateway.service import Gateway
from gateway.usecases import tickets

router = APIRouter(prefix="/v1/tickets", tags=["working together"], responses=REFUSALS)

CHUNK = 1 << 18
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}}
Name = Annotated[Line, Query(min_length=1, max_length=255, description="the file's name, as people see it")]
Label = Annotated[Line, Query(max_length=64, description="what it is for: photo, signature, report ...")]


@router.get("/{ticket}/attachments")
def list_attachments(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        core_tickets.get(conn, number)
        held = collaboration.attachments(conn, [number]).get(number, [])
    return answer({"items": [attachment_shape(a) for a in held]})


@router.post("/{ticket}/attachments", status_code=201, openapi_extra=_FILE)
async def attach(
    request: Request, gateway: GatewayDep, who: Actor, ticket: TicketId, name: Name, label: Label = ""
) -> Response:
    """The body is the file itself, of any length up to the policy `attachments`; its type is found in its contents. The
    same file under the same name and label again changes nothing."""
    number = tickets.ticket_id(ticket)
    await run_sync(_room_for, gateway, number)
    receiving = attachments.store_of(gateway).receive(KIND.of(gateway.hub.policies))
    try:
        async for chunk in request.stream():
            if chunk:
                await run_sync(receiving.feed, chunk)
        stored = await run_sync(receiving.finish)
    finally:
        receiving.abandon()
    args = {
        "sha256": stored.sha256,
        "name": _plain(name),
        "media_type": stored.media_type,
        "size": stored.size,
        "label": label,
    }
    return await run_sync(lambda: _attached(gateway, number, args, who.actor))


def _room_for(gateway: Gateway, number: int) -> None:
    """Before anything is taken in. Raises UnknownTicket, Conflict."""
    most = KIND.of(gateway.hub.policies).per_ticket
    with gateway.reading() as conn:
        core_tickets.get(conn, number)
        if len(collaboration.attachments(conn, [number]).get(number, [])) >= most:
            raise Conflict(f"A ticket may have at most {most} attachments; remove one first.")


def _attached(gateway: Gateway, number: int, args: dict[str, Any], actor: str) -> Response:
    def do(conn: Connection) -> collaboration.Attachment:
        tickets.act(conn, gateway, number, "attach", args, actor=actor)
        mine = collaboration.attachments(conn, [number])[number]
        same = (args["sha256"], args["name"], args["label"])
        return next(a for a in mine if (a.sha256, a.name, a.label) == same)

    made = gateway.transact(do)
    gateway.wake_worker.set()
    return answer(attachment_shape(made), 201)


@router.get("/{ticket}/attachments/{attachment}", response_class=StreamingResponse)
def download(gateway: GatewayDep, _: Reader, ticket: TicketId, attachment: Number) -> Response:
    """The file, always to be saved: a browser neither shows nor runs it within the hub's own pages."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        core_tickets.get(conn, number)
        held = collaboration.attachments(conn, [number]).get(number, [])
    found = next((a for a in held if a.number == attachment), None)
    if found is None:
        raise NotFound(f"This ticket has no attachment {attachment}.")
    file = attachments.store_of(gateway).open(found.sha256)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "Content-Length": str(found.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "ETag": f'"{found.sha256}"',
        "Last-Modified": clock.to_datetime(found.at).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    return StreamingResponse(_chunks(file), media_type=found.media_type, headers=headers)


@router.delete("/{ticket}/attachments/{attachment}")
def detach(gateway: GatewayDep, who: Actor, ticket: TicketId, attachment: Number, why: Line = "") -> Response:
    """Take it away: the timeline keeps that it was there, the file goes within a day unless another ticket has it."""
    number = tickets.ticket_id(ticket)
    args = {"attachment": attachment, "text": why}
    gateway.transact(lambda conn: tickets.act(conn, gateway, number, "detach", args, actor=who.actor))
    gateway.wake_worker.set()
    return answer({"removed": attachment})


def _plain(name: str) -> str:
    """The name without a path: what is behind the last separator of any system."""
    return name.replace("\\", "/").rpartition("/")[2].strip() or "file"


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
