"""What is going on, once or as it changes."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter, Request, Response
from sse_starlette import EventSourceResponse

from gateway.api.access import REFUSALS, GatewayDep, Reader
from gateway.api.shapes import answer
from gateway.overview.broadcast import Broadcast
from gateway.rights import asker_of

router = APIRouter(prefix="/v1", tags=["overview"], responses=REFUSALS)
HEARTBEAT_S = 15
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events `overview`, each with what GET /v1/overview answers.",
          "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}  # fmt: skip


def broadcast_of(request: Request) -> Broadcast:
    return cast(Broadcast, request.app.state.broadcast)


@router.get("/overview")
def read_overview(request: Request, gateway: GatewayDep, who: Reader) -> Response:
    """Messages of the last day by source and end, open tickets by priority and group, promises at risk, connections,
    syncs, dead letters; at most some seconds old. A part that the asker may not see is null."""
    request.state.looked_through = True
    return answer(broadcast_of(request).figures(asker_of(gateway.hub, who)))


@router.get("/live", response_class=EventSourceResponse, responses=_STREAM)
def listen(request: Request, gateway: GatewayDep, who: Reader) -> EventSourceResponse:
    """The overview as server-sent events: at once, and whenever a figure changes; a heartbeat in between. It ends
    after five minutes, and whoever may still asks again."""
    request.state.looked_through = True
    broadcast = broadcast_of(request)
    broadcast.demand_room()
    events = broadcast.listen(asker_of(gateway.hub, who))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(events, ping=HEARTBEAT_S, headers=headers)
