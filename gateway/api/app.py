"""The HTTP application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api import (
    administration,
    attachments,
    collaboration,
    configuration,
    confirmations,
    connections,
    dead_letters,
    desk,
    figures,
    identity,
    ids,
    inbound,
    learning,
    lineage,
    live,
    notices,
    operations,
    pages,
    people,
    problems,
    promises,
    questions,
    replies,
    reviews,
    session,
    storms,
    studio,
    ticket_page,
    tickets,
    users,
    web,
)
from gateway.api.sight import Projected
from gateway.database import require_current
from gateway.desk.progress import Pace
from gateway.overview.broadcast import Broadcast
from gateway.service import Gateway
from gateway.settings import Settings, load
from gateway.signin.oidc import Provider
from gateway.studio.jobs import Jobs
from gateway.worker import Worker

MAX_BODY = 1 << 20

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}, "hint": {"type": "string"}},
            },
        },
    },
}


def create_app(settings: Settings | None = None, *, worker: bool = True, gateway: Gateway | None = None) -> FastAPI:
    """The application of one process. Its life begins and ends the gateway (and an embedded worker)."""
    made = gateway or Gateway(settings or load())

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        require_current(made.engine)
        made.start()
        embedded = Worker(made) if worker else None
        if embedded:
            embedded.start()
        else:
            made.follow()
        try:
            yield
        finally:
            jobs.close()
            if embedded:
                embedded.close()
            made.close()

    app = FastAPI(
        title="Weft", version=version("weft"), lifespan=life, docs_url=None, redoc_url=None,
        description="Integration hub: alerts and thresholds become tickets; every field knows where it came from.",
    )  # fmt: skip
    app.state.gateway = made
    app.state.broadcast = Broadcast(made)
    app.state.oidc = Provider(made.settings, made.vault) if made.settings.oidc_issuer else None
    app.state.progress_pace = Pace()
    app.state.jobs = jobs = Jobs(made)
    problems.install(app)
    for part in (
        inbound,
        attachments,
        collaboration,
        confirmations,
        storms,
        questions,
        promises,
        figures,
        learning,
        lineage,
        desk,
        ticket_page,
        tickets,
        people,
        notices,
        replies,
        reviews,  # before ids: /v1/ids/reviews is no global id
        identity,  # nor is /v1/ids/search
        ids,
        connections,
        dead_letters,
        configuration,
        studio,
        operations,
        administration,
        live,
        session,
        users,
        pages,
        web,  # last: it answers every other address
    ):
        app.include_router(part.router)
    app.add_middleware(Projected)
    app.add_middleware(BodyLimit)
    app.add_middleware(inbound.Door)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


class BodyLimit:
    """Refuses a request to the API whose body is over 1 MiB or no UTF-8 (JSON of UTF-16 or UTF-32 has NUL bytes, of UTF-8
    never); messages and attachments have limits of their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _has_its_own_limit(scope["path"]):
            await self._app(scope, receive, send)
            return
        size = 0

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            body = message.get("body", b"")
            size += len(body)
            if b"\0" in body:
                raise HTTPException(422, "A request's body must be text in UTF-8.")
            if size > MAX_BODY:
                raise HTTPException(413, f"A request may have at most {MAX_BODY} bytes.")
            return message

        await self._app(scope, bounded, send)


def _has_its_own_limit(path: str) -> bool:
    return path.startswith("/v1/inbound/") or (path.startswith("/v1/tickets/") and path.endswith("/attachments"))


def _openapi(app: FastAPI) -> dict[str, object]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            description=app.description,
            routes=app.routes,
        )
        schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
        app.openapi_schema = schema
    return app.openapi_schema
