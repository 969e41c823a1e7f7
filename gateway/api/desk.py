"""The desk's list over HTTP: counts, CSV, saved filters, one action on many tickets.

Everything here goes ticket by ticket through the eyes of who asks, so it is open to whoever may read or act at all.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field, ValidationError
from sqlalchemy import Connection

from core_tickets.rights import Asker
from gateway import clock
from gateway.api import problems, shapes
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.once import IdempotencyKey, once
from gateway.api.shapes import Action, Line, Number, TicketId, answer, ticket_shape
from gateway.desk import export, filters
from gateway.desk.asking import SOON, Question
from gateway.desk.forms import MANY
from gateway.errors import Forbidden, Problem, Refused
from gateway.rights import Eyes, asker_of
from gateway.service import Gateway
from gateway.tokens import Bearer, Right
from gateway.usecases import tickets

router = APIRouter(prefix="/v1/desk", tags=["desk"], responses=REFUSALS)


class One(shapes.Request):
    ticket: TicketId
    expected_version: Annotated[int, Field(ge=1, lt=1 << 31)] | None = Field(
        None, description="refuse when somebody changed it meanwhile"
    )


class Bulk(Action):
    """One action on many tickets; its arguments are those of `POST /v1/tickets/{ticket}/{action}`."""

    action: Literal[MANY]  # type: ignore[valid-type]
    tickets: Annotated[list[One], Field(min_length=1, max_length=200)]
    person: Line | None = Field(None, description="watch, unwatch: whom; default: oneself")


class NewFilter(shapes.Request):
    name: Annotated[Line, Field(min_length=1, max_length=100)]
    query: shapes.Json = Field(description="parameters of GET /v1/tickets")
    shared: bool = Field(False, description="everybody who works here sees it")


@router.get("/counts")
def count(gateway: GatewayDep, who: Reader, asked: Annotated[Question, Query()]) -> Response:
    """How many tickets there are of each state and priority, of all that the filters ask for. `complete` false: at least
    so many; who does not see every ticket is told of those that were looked at one by one."""
    now, asker = clock.now(), asker_of(gateway.hub, who)
    with gateway.reading() as conn:
        counted, complete = Eyes(conn, gateway.hub, asker).counts(asked.filters(asker, who.actor, now))
    by_status: dict[str, int] = {}
    by_priority: dict[str, int] = {}
    for (status, priority), n in counted.items():
        by_status[status] = by_status.get(status, 0) + n
        by_priority[f"P{priority}"] = by_priority.get(f"P{priority}", 0) + n
    return answer({"total": sum(counted.values()), "complete": complete, "status": by_status, "priority": by_priority,
                   "soon_s": SOON // clock.SECOND})  # fmt: skip


@router.get("/tickets.csv", response_class=StreamingResponse)
def download(
    request: Request, gateway: GatewayDep, who: Reader, asked: Annotated[Question, Query()]
) -> StreamingResponse:
    """The list as CSV in UTF-8 with a mark that Excel reads; headings in the language of `Accept-Language`. At most
    200,000 rows. Cells that a spreadsheet would run begin with an apostrophe."""
    now, asker = clock.now(), asker_of(gateway.hub, who)
    lang: export.Language = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"
    wanted = asked.filters(asker, who.actor, now)
    with gateway.reading() as conn:  # what is asked wrongly is refused before the first byte
        Eyes(conn, gateway.hub, asker).search(wanted, None, 1, asked.order)
    request.state.looked_through = True  # row by row, below
    rows = export.rows(gateway, asker, wanted, asked.order, lambda t: ticket_shape(t, now, gateway.hub.promises), lang)
    headers = {"Content-Disposition": f'attachment; filename="{export.file_name(now)}"', "Cache-Control": "private, no-store",
               "X-Content-Type-Options": "nosniff"}  # fmt: skip
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/bulk")
def act_on_many(gateway: GatewayDep, who: Actor, bulk: Bulk, idempotency_key: IdempotencyKey = None) -> Response:
    """Each ticket for itself: one that is refused keeps no other from being done. `results` in the order given; what was
    refused has the problem document it would have had alone."""
    asker = asker_of(gateway.hub, who)
    results = [_one(gateway, who, asker, bulk, one, idempotency_key) for one in bulk.tickets]
    gateway.wake_worker.set()
    return answer({"done": sum(r["done"] for r in results), "refused": sum(not r["done"] for r in results),
                   "results": results})  # fmt: skip


def _one(gateway: Gateway, who: Bearer, asker: Asker, bulk: Bulk, one: One, key: str | None) -> dict[str, Any]:
    def do(conn: Connection) -> tuple[int, Any]:
        number = tickets.ticket_id(one.ticket)
        Eyes(conn, gateway.hub, asker).demand_action(number, bulk.action)  # as it is now, under its lock
        args = bulk.args() | ({"person": bulk.person or who.actor} if "watch" in bulk.action else {})
        applied = tickets.act(
            conn, gateway, number, bulk.action, args, actor=who.actor, why=bulk.why,
            expected_version=one.expected_version if one.expected_version is not None else bulk.expected_version,
        )  # fmt: skip
        assert applied.ticket is not None
        return 200, {"status": applied.ticket.status, "version": applied.ticket.version}

    request = f"{bulk.action} {one.model_dump_json()} {bulk.model_dump_json(exclude={'tickets'})}"
    try:
        own_key = None if key is None else f"{key[:200]}.{one.ticket}"
        told = once(gateway, who, own_key, request, do)
    except Exception as error:
        refused = problems.of_error(error)
        if refused is None:
            raise
        return {"ticket": one.ticket, "done": False, "problem": orjson.loads(bytes(refused.body))}
    return {"ticket": one.ticket, "done": True, **orjson.loads(bytes(told.body))}


# -- saved filters ----------------------------------------------------------------------------------------------------


@router.get("/filters")
def list_filters(gateway: GatewayDep, who: Reader) -> Response:
    """One's own saved filters, and those that others share."""
    _works_here(who)
    with gateway.reading() as conn:
        return answer({"items": filters.listed(conn, who.actor)})


@router.put("/filters")
def save_filter(gateway: GatewayDep, who: Reader, new: NewFilter) -> Response:
    """Under its name; one's own of the same name is replaced. Sharing takes the right to act."""
    _works_here(who)
    if new.shared and not who.may(Right.act):
        raise Forbidden("Whoever only reads may not share a filter; save it for yourself.")
    try:
        Question.model_validate(new.query)
    except ValidationError as error:
        found = [Problem("query." + ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise Refused("The filter asks for what there is not.", found) from None
    return answer(gateway.transact(
        lambda conn: filters.save(conn, who.actor, new.name, new.query, shared=new.shared, now=clock.now())
    ))  # fmt: skip


@router.delete("/filters/{number}")
def delete_filter(gateway: GatewayDep, who: Reader, number: Number) -> Response:
    """One's own; a shared one also by who may configure."""
    _works_here(who)
    gateway.transact(lambda conn: filters.remove(conn, number, who.actor, anybodys=who.may(Right.configure)))
    return answer({"deleted": number})


def _works_here(who: Bearer) -> None:
    if who.customer is not None:
        raise Forbidden("Saved filters are for those who work here.")
