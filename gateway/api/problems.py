"""Every refusal as an RFC 9457 problem document: `type`, `title`, `status`, `detail`, `errors: [{path, message, hint}]`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException

import core_tickets
import id_registry
import lineage
from connectors.errors import AuthProblem, BadRecord, ConnectorError, InvalidConfig, Transient
from connectors.errors import TooLarge as DeliveryTooLarge
from gateway.errors import Problem, TooBusy, WeftError

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"


def problem(
    status: int,
    title: str,
    detail: str = "",
    errors: Sequence[Problem] = (),
    headers: dict[str, str] | None = None,
    **extra: Any,
) -> Response:
    """A problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail,
            "errors": [e.as_dict() for e in errors]} | extra  # fmt: skip
    return Response(_dumped(body), status, headers, MEDIA_TYPE)


def _dumped(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, default=str)
    except TypeError:  # it quotes the request: half a surrogate pair, or a number beyond 64 bits
        return json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")


def of_error(error: Exception) -> Response | None:
    """The problem document of a typed error; None: a bug."""
    match error:
        case TooBusy():
            return problem(429, error.title, error.detail, headers={"Retry-After": str(error.retry_after)})
        case WeftError():
            headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
            return problem(error.status, error.title, error.detail, error.problems, headers, **error.extra)
        case core_tickets.Incomplete():
            lacking = [Problem(m.need, f"{m.zh} {m.en}", f"{m.how_zh} {m.how}") for m in error.missing]
            in_the_way = [id_registry.format_id(t) for m in error.missing for t in m.tickets]
            return problem(409, "Something is missing", f"{error.action} needs: " + "; ".join(m.en for m in error.missing),
                           lacking, allowed=list(error.allowed), tickets=in_the_way)  # fmt: skip
        case core_tickets.NotAllowed():
            return problem(409, "Not allowed now", str(error), allowed=list(error.allowed))
        case core_tickets.VersionConflict():
            return problem(409, "Changed meanwhile", str(error), current_version=error.current)
        case core_tickets.UnknownTicket():
            return problem(404, "Not found", f"There is no ticket {id_registry.format_id(error.ticket_id)}.")
        case core_tickets.InvalidInput():
            return problem(422, "Not acceptable as given", str(error), [Problem(error.path, error.problem, error.hint)])
        case id_registry.NotFound() | lineage.NotFound():
            return problem(404, "Not found", str(error))
        case id_registry.Refused():
            return problem(409, "Refused", str(error))
        case id_registry.RegistryError() | lineage.LineageError():
            return problem(422, "Not acceptable as given", str(error))
        case InvalidConfig():
            found = [Problem(p.path, p.message, p.hint) for p in error.problems]
            return problem(422, "Configuration refused", str(error), found)
        case AuthProblem():
            return problem(401, "Unauthorized", str(error), [Problem("", str(error), error.hint)],
                           {"WWW-Authenticate": "Bearer"})  # fmt: skip
        case DeliveryTooLarge():
            return problem(413, "Too large", str(error))
        case BadRecord():
            return problem(422, "Not acceptable as given", str(error), [Problem("", str(error), error.hint)])
        case Transient():
            return problem(503, "The remote system does not answer", str(error))
        case ConnectorError():
            return problem(502, "The connector cannot do this", str(error), [Problem("", str(error), error.hint)])
        case DataError() | UnicodeEncodeError() | OverflowError():
            return problem(
                422, "Not acceptable as given", "A value cannot be stored: a number out of range or a bad character."
            )
        case _:
            return None


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    def typed(_: Request, error: Exception) -> Response:
        answer = of_error(error)
        assert answer is not None
        return answer

    typed_errors: tuple[type[Exception], ...] = (
        WeftError, core_tickets.TicketError, id_registry.RegistryError, lineage.LineageError, ConnectorError, DataError,
        UnicodeEncodeError, OverflowError,
    )  # fmt: skip
    for kind in typed_errors:
        app.add_exception_handler(kind, typed)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(422, "Not acceptable as given", "The request has problems.", [_of(e) for e in error.errors()])

    @app.exception_handler(HTTPException)
    def plain(_: Request, error: HTTPException) -> Response:
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, str(error.detail), "", headers=headers)

    @app.exception_handler(DBAPIError)
    def database(_: Request, error: DBAPIError) -> Response:
        log.warning("http.database_error", error=str(error.orig)[:300])
        return problem(503, "Unavailable", "The database did not take it; send again.", headers={"Retry-After": "1"})

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        # the route, not the path: the last part of an inbound path may be a secret
        route = getattr(request.scope.get("route"), "path", "")
        log.error("http.bug", route=route, error=f"{type(error).__name__}: {error}")
        return problem(500, "Internal error", "This is a bug of the hub; its log tells more.")


def _of(error: Any) -> Problem:
    where = [str(step) for step in error["loc"]]
    path = ".".join(
        where[1:] if where and where[0] in ("body", "query", "path", "header") and len(where) > 1 else where
    )
    return Problem(path, str(error["msg"]).removeprefix("Value error, "), "")
