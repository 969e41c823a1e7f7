"""Reading tickets: one, many, by filter, counted, and as the values lineage compares."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, not_, or_, select, tuple_

from core_tickets import checks, tables
from core_tickets.actions import OPEN
from core_tickets.batch import among, among_given, given
from core_tickets.errors import InvalidInput, UnknownTicket
from core_tickets.model import AUDITED, Ticket
from core_tickets.rows import SELECT_TICKET, ticket_of
from core_tickets.vocabulary import KINDS, PRIORITIES, STATUSES, format_priority

if TYPE_CHECKING:
    from core_tickets.rights.scope import Scope

__all__ = [
    "MAX_LIMIT",
    "Filters",
    "Order",
    "Page",
    "counts",
    "counts_by_group",
    "cursor_behind",
    "get",
    "get_many",
    "links",
    "read_values",
    "search",
    "touched",
    "values_of",
]

_T = tables.ticket.c
MAX_LIMIT = 500
_NEVER = 2**62
IS_OPEN = _T.status.in_(bindparam("is_open", OPEN, expanding=True, literal_execute=True))
"""As the partial indexes say it: in other words the database would not know that they hold all it looks for."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = tuple(f for f in (*AUDITED, "first_seen", "last_seen") if f.endswith(("_at", "_due", "_since", "_seen")))

Order = Literal["newest", "recent", "changed", "urgent", "due"]
"""newest: by id, the latest first; recent: the latest changed first; changed: the earliest changed first, for a reader
that follows all changes (a ticket changed while it reads comes again at the end); urgent: by priority, the eldest first;
due: by when the resolution is due, tickets that promise none are not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a ticket must be; None asks nothing, and a collection means "one of"."""

    ids: Collection[int] | None = None
    status: Collection[str] | None = None
    priority: Collection[int] | None = None
    kind: Collection[str] | None = None
    q: str | None = None
    """Part of the title, any case; % and _ are plain characters."""
    assignee: str | None = None
    group: str | None = None
    device: int | None = None
    customer: int | None = None
    storm_id: int | None = None
    """The members of this storm."""
    open: bool = False
    """Neither resolved nor closed."""
    groups: Collection[str] | None = None
    """Of one of these groups."""
    unassigned: bool = False
    """Nobody holds it."""
    ungrouped: bool = False
    """It is of no group."""
    folded: bool | None = None
    """True: only members of storms; False: none of them."""
    due_before: int | None = None
    """Open, and a promise that still runs is due before this moment."""
    due_from: int | None = None
    """With `due_before`: and none that runs is due before this one."""
    fingerprint: str | None = None
    source: str | None = None
    updated_since: int | None = None
    scope: Scope | None = None
    """Only what somebody may see: `core_tickets.rights.scope`."""


class Page(NamedTuple):
    """Tickets and where to go on; `next_cursor` None is the end."""

    items: list[Ticket]
    next_cursor: str | None


def get(conn: Connection, ticket_id: int) -> Ticket:
    """Raises UnknownTicket."""
    found = get_many(conn, [ticket_id])
    if ticket_id not in found:
        raise UnknownTicket(ticket_id)
    return found[ticket_id]


def get_many(conn: Connection, ids: Collection[int]) -> dict[int, Ticket]:
    """Those that exist."""
    found = conn.execute(_by_id(conn.dialect.name), given(conn, checks.possible_ids(ids)))
    return {t.id: t for t in map(ticket_of, found)}


@cache
def _by_id(dialect: str) -> Select[Any]:
    return SELECT_TICKET.where(among_given(dialect, _T.id))


def search(
    conn: Connection, filters: Filters, cursor: str | None = None, limit: int = 50, *, order: Order = "newest"
) -> Page:
    """One page of at most `limit` (1 to 500). Tickets opened while one pages neither repeat nor push any out.

    Raises InvalidInput for an unknown status, kind, priority or order, a limit out of range, and a cursor that is not
    one of this order's.
    """
    checks.member("order", order, _ORDERS)
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput("limit", f"{limit} is out of range", hint=f"write 1 to {MAX_LIMIT}")
    columns, descending = _ORDERS[order]
    query = SELECT_TICKET.where(*_conditions(filters)).order_by(*(c.desc() if descending else c for c in columns))
    if order == "due":
        query = query.where(_T.resolution_due.is_not(None))
    if cursor is not None:
        at = tuple_(*columns)
        after = _position(cursor, order, len(columns))
        query = query.where(at < after if descending else at > after)
    items = [ticket_of(row) for row in conn.execute(query.limit(limit + 1))]
    if len(items) <= limit:
        return Page(items, None)
    last = items[limit - 1]
    return Page(items[:limit], _cursor(order, [getattr(last, c.name) for c in columns]))


_ORDERS: dict[str, tuple[tuple[ColumnElement[int], ...], bool]] = {
    "newest": ((_T.id,), True),
    "recent": ((_T.updated_at, _T.id), True),
    "changed": ((_T.updated_at, _T.id), False),
    "urgent": ((_T.priority, _T.id), False),
    "due": ((_T.resolution_due, _T.id), False),
}


def counts(conn: Connection, filters: Filters | None = None) -> dict[tuple[str, int], int]:
    """How many tickets there are of each (status, priority); those with none are absent."""
    query = select(_T.status, _T.priority, func.count()).where(*_conditions(filters or Filters()))
    return {(status, priority): n for status, priority, n in conn.execute(query.group_by(_T.status, _T.priority))}


def counts_by_group(conn: Connection, filters: Filters | None = None) -> dict[tuple[str, int, str | None], int]:
    """The same of each (status, priority, group)."""
    query = select(_T.status, _T.priority, _T["group"], func.count()).where(*_conditions(filters or Filters()))
    rows = conn.execute(query.group_by(_T.status, _T.priority, _T["group"]))
    return {(status, priority, group): n for status, priority, group, n in rows}


def links(conn: Connection, ids: Collection[int]) -> dict[int, list[int]]:
    """The tickets that each of these is linked with, in order of id; those with none are absent."""
    low, high = tables.link.c.low, tables.link.c.high
    query = select(low, high).where(or_(among(conn, low, ids), among(conn, high, ids)))
    found: dict[int, list[int]] = {}
    wanted = set(ids)
    for a, b in conn.execute(query):
        for ticket_id, other in ((a, b), (b, a)):
            if ticket_id in wanted:
                found.setdefault(ticket_id, []).append(other)
    return {ticket_id: sorted(others) for ticket_id, others in found.items()}


def read_values(conn: Connection, ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The fields of tickets as canonical values, for lineage to compare: text, int, bool, map, aware UTC datetime.

    Priority reads P0 to P3; device, customer and other things are global ids as numbers. Tickets that do not exist are
    absent.
    """
    return {ticket_id: values_of(ticket) for ticket_id, ticket in get_many(conn, ids).items()}


def values_of(ticket: Ticket) -> dict[str, Any]:
    """The same of a ticket that was read."""
    values = {name: getattr(ticket, name) for name in (*AUDITED, "first_seen", "last_seen", "occurrences")}
    values["priority"] = format_priority(ticket.priority)
    for name in _TIMES:
        if values[name] is not None:
            values[name] = _EPOCH + timedelta(microseconds=values[name])
    return values


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for name, known in (("status", STATUSES), ("priority", PRIORITIES), ("kind", KINDS)):
        values = getattr(filters, name)
        if values is not None:
            conditions.append(_T[name].in_([checks.member(name, value, known) for value in values]))
    for check, names in (
        (checks.text, ("assignee", "group", "fingerprint", "source")),
        (checks.number, ("device", "customer", "storm_id")),
    ):
        for name in names:
            if (value := getattr(filters, name)) is not None:
                conditions.append(_T[name] == check(name, value))
    if filters.ids is not None:
        conditions.append(_T.id.in_(sorted(checks.possible_ids(filters.ids))))
    if filters.open or filters.due_before is not None:
        conditions.append(IS_OPEN)
    if filters.groups is not None:
        conditions.append(_T.group.in_([checks.text("group", group) for group in filters.groups]))
    if filters.unassigned:
        conditions.append(_T.assignee.is_(None))
    if filters.ungrouped:
        conditions.append(_T.group.is_(None))
    if filters.folded is not None:
        conditions.append(_T.storm_id.is_not(None) if filters.folded else _T.storm_id.is_(None))
    if filters.due_before is not None:
        conditions.append(_runs_out_before(checks.number("due_before", filters.due_before)))
        if filters.due_from is not None:
            conditions.append(not_(_runs_out_before(checks.number("due_from", filters.due_from))))
    if filters.q:
        conditions.append(_T.title.icontains(checks.text("q", filters.q), autoescape=True))
    if filters.updated_since is not None:
        conditions.append(_T.updated_at >= checks.number("updated_since", filters.updated_since))
    if filters.scope is not None:
        conditions.append(filters.scope.condition())
    return conditions


def _runs_out_before(at: int) -> ColumnElement[bool]:
    """A promise that still runs is due before this moment. What is paused for the customer does not run."""
    waits = _T.paused_since.is_not(None)
    unanswered, due = _T.first_responded_at.is_(None), (_T.first_response_due, _T.given_response_due)
    solved = (_T.resolution_due, _T.given_resolution_due)
    # NOT over NULL would be neither true nor false
    answers = [and_(unanswered, func.coalesce(column, _NEVER) < at) for column in due]
    return or_(*answers, and_(not_(waits), or_(*(func.coalesce(column, _NEVER) < at for column in solved))))


def cursor_behind(ticket: Ticket, order: Order = "newest") -> str:
    """Where a list goes on behind this ticket."""
    return _cursor(order, [getattr(ticket, c.name) for c in _ORDERS[order][0]])


def _cursor(order: str, position: list[int]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([order, *position])).decode().rstrip("=")


def _position(cursor: str, order: str, length: int) -> tuple[int, ...]:
    problem = InvalidInput("cursor", "is not one of this list", hint="give next_cursor as it came, with the same order")
    try:
        content = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise problem from None
    if not isinstance(content, list) or len(content) != length + 1 or content[0] != order:
        raise problem
    if not all(type(number) is int and 0 <= number < 2**63 for number in content[1:]):
        raise problem
    return tuple(content[1:])


def touched(conn: Connection, ids: Collection[int]) -> set[int]:
    """Those of these tickets that are open and that somebody, here or the customer, has done anything to: what is theirs is
    not ended for them."""
    e = tables.entry.c
    by_people = select(e.ticket_id).join_from(tables.entry, tables.ticket, _T.id == e.ticket_id).distinct()
    mine = (
        among(conn, e.ticket_id, ids),
        e.actor_kind.in_(("person", "customer")),
        _T.status.in_(("pending", "in_progress", "blocked")),
    )
    return set(conn.execute(by_people.where(*mine)).scalars())
