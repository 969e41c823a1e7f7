"""The shapes of requests and answers. Text that no database can hold (NUL, lone surrogates) is refused by its type."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from fastapi import Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

import core_tickets
import id_registry
from gateway import clock
from gateway.escalation.words import promises_shape


def storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half a surrogate pair") from None
    return text


def _storable_json(value: Any) -> Any:
    try:
        text = orjson.dumps(value)
    except TypeError as error:
        raise ValueError(f"cannot be kept as JSON: {error}") from None
    if b"\\u0000" in text:
        raise ValueError("must not contain the character NUL")
    return value


def _of_this_age(at: datetime) -> datetime:
    if not 1970 <= at.year < 2100:
        raise ValueError("write a time from 1970 to 2099")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_of_this_age)]
Text = Annotated[str, AfterValidator(storable)]
Line = Annotated[str, Field(max_length=500), AfterValidator(storable)]
Long = Annotated[str, Field(max_length=20_000), AfterValidator(storable)]
Json = Annotated[dict[str, Any], AfterValidator(_storable_json)]
TicketId = Annotated[str, Field(max_length=40, examples=["TKT-2026-000001"]), AfterValidator(storable)]
Number = Annotated[int, Field(ge=0, lt=1 << 63)]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewTicket(Request):
    title: Annotated[Line, Field(min_length=1)]
    description: Long = ""
    kind: Literal[
        "incident",
        "spare_part_purchase",
        "maintenance",
        "complaint",
        "potential_batch_issue",
        "data_quality",
        "management",
    ] = "incident"
    priority: Literal["P0", "P1", "P2", "P3"] = "P2"
    labels: dict[Line, Line] = Field({}, max_length=50)
    device: Line | None = Field(None, description="global id, such as DEV-2026-000001")
    customer: Line | None = Field(None, description="global id, such as CUST-2026-000001")
    assignee: Line | None = None
    group: Line | None = None


class Action(Request):
    """The arguments of an action; which ones apply depends on it."""

    reason: Line | None = Field(
        None, description="promise: why then; block: one of the listed reasons; hand_over, return: why"
    )
    text: Long | None = Field(
        None, description="comment: what to say; block: more about the reason; approve, refuse: why"
    )
    public: bool | None = Field(None, description="comment: may the customer see it")
    resolution: Long | None = Field(None, description="resolve: what was done")
    cause: Line | None = Field(None, description="resolve: cause code")
    assignee: Line | None = Field(None, description="assign, hand_over: a person")
    group: Line | None = Field(None, description="assign, hand_over: a group")
    title: Annotated[Line, Field(min_length=1)] | None = Field(None, description="set")
    description: Long | None = Field(None, description="set")
    kind: Line | None = Field(None, description="set")
    priority: Literal["P0", "P1", "P2", "P3"] | None = Field(None, description="set")
    labels: Annotated[dict[Line, Line], Field(max_length=50)] | None = Field(None, description="set: all of them")
    device: Line | None = Field(None, description="set: global id, such as DEV-2026-000001")
    customer: Line | None = Field(None, description="set: global id, such as CUST-2026-000001")
    first_response_due: Moment | None = Field(None, description="promise: by when somebody answers")
    resolution_due: Moment | None = Field(None, description="promise: by when it is solved")
    why: Line = ""
    expected_version: Annotated[int, Field(ge=1, lt=1 << 31)] | None = None

    def args(self) -> dict[str, Any]:
        """As the ticket core takes them. Raises id_registry.BadGlobalId."""
        given = {name: getattr(self, name) for name in Action.model_fields if name in self.model_fields_set}
        return {k: _as_stored(k, v) for k, v in given.items() if v is not None and k not in ("why", "expected_version")}


def _as_stored(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.from_datetime(value)
    if name == "priority":
        return core_tickets.parse_priority(value)
    return gid(value) if name in ("device", "customer") else value


class RemoteCommand(Request):
    op: Line
    key: Json | None = Field(None, description="the remote object; default: the one this ticket came from")
    body: Json = {}


class Merge(Request):
    a: Line
    b: Line
    reason: Line = ""


class NewToken(Request):
    name: Annotated[Line, Field(min_length=1)]
    role: Literal["viewer", "agent", "integrator", "admin"]
    expires_in_s: Annotated[int, Field(ge=60, le=10 * 366 * 86_400)] | None = None
    person: Line | None = Field(None, min_length=1, description="id in the roster: who asks, and stands in timelines")
    roles: list[Line] = Field([], max_length=20, description="business roles; default: those of the person")
    customer: Line | None = Field(None, description="global id of the customer it is for, such as CUST-2026-000001")


class Preview(Request):
    stream: Line
    record: Json = Field(description="one record as the source gives it")


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def answer(body: Any, status: int = 200) -> Response:
    """JSON: decimals as text, times as RFC 3339 with zone."""
    text = orjson.dumps(body, default=plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    return Response(text, status, media_type="application/json")


_TIMES = ("opened_at", "updated_at", "first_seen", "last_seen", "first_response_due", "resolution_due", "first_responded_at",
          "resolved_at", "confirmed_at", "closed_at", "reopened_at", "paused_since",
          "claimed_at", "given_response_due", "given_resolution_due")  # fmt: skip


def ticket_shape(
    ticket: core_tickets.Ticket, now: int, policy: core_tickets.Policy = core_tickets.STANDARD
) -> dict[str, Any]:
    """A ticket as the API shows it. `policy`: the promises in force, hub.promises."""
    shown: dict[str, Any] = {
        "id": id_registry.format_id(ticket.id), "kind": ticket.kind, "status": ticket.status,
        "shown_as": core_tickets.shown(ticket.status), "priority": f"P{ticket.priority}", "title": ticket.title,
        "description": ticket.description, "labels": dict(ticket.labels), "assignee": ticket.assignee, "group": ticket.group,
        "blocked_reason": ticket.blocked_reason, "blocked_text": ticket.blocked_text, "resolution": ticket.resolution,
        "cause": ticket.cause, "occurrences": ticket.occurrences, "version": ticket.version, "url": ticket.url,
        "connection": ticket.source, "source_key": ticket.source_key, "fingerprint": ticket.fingerprint,
        "first_response_breached": core_tickets.first_response_breached(ticket, now),
        "resolution_breached": core_tickets.resolution_breached(ticket, now, policy),
        "promises": promises_shape(ticket, now, policy),
        "allowed": list(core_tickets.allowed(ticket)),
    }  # fmt: skip
    for name in ("device", "customer", "storm_id", "superseded_by"):
        value = getattr(ticket, name)
        shown[name] = None if value is None else id_registry.format_id(value)
    return shown | {name: clock.rfc3339(getattr(ticket, name)) for name in _TIMES}


def entry_shape(entry: core_tickets.Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id), "at": clock.rfc3339(entry.at), "type": entry.type, "name": entry.name, "actor": entry.actor,
        "actor_kind": entry.actor_kind, "why": entry.why, "version": entry.version, "data": dict(entry.data),
        "changes": [{"field": c.field, "before": c.before, "after": c.after} for c in entry.changes],
    }  # fmt: skip


def section_shape(row: Any) -> dict[str, Any]:
    """One section of a snapshot."""
    return {
        "name": row.name, "connection": row.connection_id, "question": row.question, "inputs": orjson.loads(row.inputs),
        "status": "pending" if row.status == "asking" else row.status, "late": bool(row.late), "as_of": clock.rfc3339(row.as_of),
        "answered_at": clock.rfc3339(row.answered_at), "latency_ms": row.latency_ms, "link": row.link,
        "reason": row.reason, "values": None if row.values is None else orjson.loads(row.values),
    }  # fmt: skip


def gid(text: str) -> int:
    """A global id. Raises id_registry.BadGlobalId."""
    return id_registry.parse_id(text)
