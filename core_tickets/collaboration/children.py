"""Sub-tickets: a ticket has at most one parent, and a parent waits for the children it requires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, delete, select, tuple_

import core_tickets.tables
from core_tickets.batch import among, among_given, given
from core_tickets.collaboration import tables
from core_tickets.collaboration.book import put
from core_tickets.errors import Incomplete, InvalidInput, Missing
from core_tickets.model import Command, Ticket
from core_tickets.promises import Policy
from core_tickets.workflow import OPEN, Step, allowed

__all__ = ["Child", "Children", "children", "open_children", "parents", "waiting_for"]

_C = tables.child.c
_T = core_tickets.tables.ticket.c
DEPTH = 20


@dataclass(frozen=True, slots=True)
class Child:
    child: int
    parent: int
    required: bool
    at: int
    actor: str


@dataclass(slots=True)
class Children:
    """For add_child, remove_child, and a person's resolve."""

    above: dict[int, int] = field(default_factory=dict)
    """Parent by child, for all the commands may concern."""
    waiting: dict[int, list[int]] = field(default_factory=dict)
    changed: dict[int, Child] = field(default_factory=dict)
    gone: set[tuple[int, int]] = field(default_factory=set)

    def load(self, conn: Connection, tickets: Mapping[int, Ticket], commands: Sequence[Command]) -> None:
        moving = [c for c in commands if c.action in ("add_child", "remove_child")]
        named = {c.args.get("other") for c in moving} | {c.ticket_id for c in moving}
        level: set[int] = {i for i in tickets if i in named}
        for _ in range(DEPTH if level else 0):  # each level is one statement; trees of work are flat
            rows = list(conn.execute(select(_C.child, _C.parent).where(among(conn, _C.child, level))))
            level = {row.parent for row in rows} - self.above.keys()
            self.above |= {row.child: row.parent for row in rows}
            if not level:
                break
        resolving = {
            c.ticket_id for c in commands if c.action == "resolve" and c.actor_kind == "person" and not c.why.strip()
        }
        if resolving:
            self.waiting = open_children(conn, sorted(resolving))

    def enter(self, ticket: Ticket, command: Command, step: Step, now: int, _policy: Policy) -> Step:
        if command.action == "resolve":
            return self._resolve(ticket, command, step)
        other = int(step.data["other"])
        if command.action == "remove_child":
            if self.above.get(other) != ticket.id:
                raise InvalidInput("other", "is no child of this ticket", hint="GET the ticket; it lists its children")
            del self.above[other]
            self.changed.pop(other, None)
            self.gone.add((other, ticket.id))
            return step
        parent = self.above.get(other)
        if parent not in (None, ticket.id):
            raise InvalidInput("other", "is another ticket's child", hint="remove it there first")
        if other in self._ancestors(ticket.id):
            raise InvalidInput("other", "stands above this ticket already", hint="name another ticket")
        required = bool(step.data.get("required", True))
        self.above[other] = ticket.id
        self.gone.discard((other, ticket.id))
        self.changed[other] = Child(other, ticket.id, required, now, command.actor)
        return replace(step, data={"other": other, "required": required})

    def _ancestors(self, ticket_id: int) -> set[int]:
        found: set[int] = set()
        while (up := self.above.get(ticket_id)) is not None and up not in found:
            found.add(up)
            ticket_id = up
        return found

    def _resolve(self, ticket: Ticket, command: Command, step: Step) -> Step:
        if not (still := self.waiting.get(ticket.id)) or command.actor_kind != "person" or command.why.strip():
            return step
        raise Incomplete(ticket.id, "resolve", ticket.status, allowed(ticket), (waiting_for(still),))

    def store(self, conn: Connection) -> None:
        if self.gone:
            conn.execute(delete(tables.child).where(tuple_(_C.child, _C.parent).in_(sorted(self.gone))))
        put(conn, tables.child, [asdict(c) for c in self.changed.values()])


def waiting_for(still: Sequence[int]) -> Missing:
    """What a parent's resolving needs while these required children are open."""
    return Missing(
        "children",
        f"{len(still)} required sub-tickets are open",
        f"还有 {len(still)} 张必需的子工单未解决",
        "resolve them first, or say in `why` why not",
        "先解决它们，或在 why 中写明原因",
        tuple(still),
    )


def children(conn: Connection, ids: Sequence[int]) -> dict[int, list[Child]]:
    """The children of each of these tickets, eldest first."""
    query = select(*(_C[name] for name in Child.__dataclass_fields__)).where(among(conn, _C.parent, ids))
    found: dict[int, list[Child]] = {}
    for row in conn.execute(query.order_by(_C.at, _C.child)):
        found.setdefault(row.parent, []).append(Child(*row))
    return found


def parents(conn: Connection, ids: Sequence[int]) -> dict[int, Child]:
    """Whose child each of these tickets is; those without a parent are left out."""
    query = select(*(_C[name] for name in Child.__dataclass_fields__)).where(among(conn, _C.child, ids))
    return {row.child: Child(*row) for row in conn.execute(query)}


def open_children(conn: Connection, ids: Sequence[int]) -> dict[int, list[int]]:
    """The required children of each of these tickets that are not resolved."""
    found: dict[int, list[int]] = {}
    for row in conn.execute(_required(conn.dialect.name), given(conn, ids)):
        if row.status in OPEN:  # asked for in the query, SQLite would begin with every ticket that is open
            found.setdefault(row.parent, []).append(row.child)
    return found


@cache
def _required(dialect: str) -> Select[Any]:
    mine = (among_given(dialect, _C.parent), _C.required)
    pairs = select(_C.parent, _C.child, _T.status).join(core_tickets.tables.ticket, _T.id == _C.child)
    return pairs.where(*mine).order_by(_C.child)
