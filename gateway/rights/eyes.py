"""What one asker sees of the hub, within one transaction: tickets, answers, lists."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
from core_tickets.batch import among
from core_tickets.queries import cursor_behind
from core_tickets.rights import Asker, Decision, Rights, Sieve, Sight, protected_values
from core_tickets.rights.projection import Projection, Seen
from core_tickets.rights.scope import TOLD, scope, told_of
from gateway import tables
from gateway.config.hub import Hub
from gateway.errors import Forbidden
from gateway.policies.rights import KIND

_ID = re.compile(r"TKT-\d{4}-\d{6,9}")
MOST = 500
"""Tickets that one answer may speak of; the known values of others are not looked for in it."""
SCANNED = 2_000
COUNTED = 2_000
_FILTERS = {"status": "status", "priority": "priority", "kind": "kind", "assignee": "assignee", "group": "group",
            "device": "device", "customer": "customer", "storm_id": "storm_id", "fingerprint": "fingerprint",
            "source": "connection", "open": "status", "groups": "group", "unassigned": "assignee", "ungrouped": "group",
            "folded": "storm_id", "due_before": "resolution_due"}  # fmt: skip
_ORDERS = {"recent": "updated_at", "urgent": "priority", "due": "resolution_due"}
"""What the place in a list tells of a ticket."""


@dataclass
class Eyes:
    """Made for one answer and thrown away with it."""

    conn: Connection
    hub: Hub
    asker: Asker
    _sights: dict[int, Seen] = field(default_factory=dict)

    @cached_property
    def rights(self) -> Rights:
        return KIND.of(self.hub.policies)

    @cached_property
    def anywhere(self) -> Sight:
        """Of what belongs to no ticket."""
        return self.rights.sight(self.asker, None)

    # -- tickets ------------------------------------------------------------------------------------------------------

    def seen(self, number: int) -> Seen:
        """A ticket. Raises core_tickets.UnknownTicket, alike for one that is not there and one not to be seen."""
        found = self.seen_many([number]).get(number)
        if found is None or not found.sight.visible:
            raise core_tickets.UnknownTicket(number)
        return found

    def seen_many(self, ids: Collection[int]) -> dict[int, Seen]:
        """Tickets with what is seen of each, also those of which nothing is."""
        self.look_at(core_tickets.get_many(self.conn, [i for i in ids if i not in self._sights]).values())
        return {i: self._sights[i] for i in ids if i in self._sights}

    def look_at(self, tickets: Iterable[core_tickets.Ticket]) -> None:
        """The same of tickets that were read already."""
        fresh = [t for t in tickets if t.id not in self._sights]
        others = self._others([t.id for t in fresh])
        for t in fresh:
            relations = self.asker.relations(t, others.get(t.id, ()))
            self._sights[t.id] = Seen(t, self.rights.sight(self.asker, t, relations))

    def _others(self, ids: Collection[int]) -> dict[int, set[str]]:
        """How the person stands to tickets by what other tables tell."""
        found: dict[int, set[str]] = {}
        if self.asker.person is None or self.asker.unlimited or not ids:
            return found
        for relation, column in TOLD.items():
            for number in self.conn.execute(
                told_of(relation, self.asker).where(among(self.conn, column, ids))
            ).scalars():
                found.setdefault(number, set()).add(relation)
        return found

    def demand(self, number: int, *paths: str) -> Seen:
        """The ticket, with these parts of it readable. Raises Forbidden with the reason."""
        seen = self.seen(number)
        for path in paths:
            _raise_unless(seen.sight.of(path))
        return seen

    def demand_action(self, number: int, action: str) -> None:
        """Raises Forbidden, which names the role and what would be needed."""
        seen = self.seen(number)
        _raise_unless(seen.sight.action(action, seen.ticket))

    def search(
        self,
        filters: core_tickets.Filters,
        cursor: str | None = None,
        limit: int = 50,
        order: core_tickets.Order = "newest",
    ) -> core_tickets.Page:
        """A page of what the asker sees. Words are looked for in titles as the asker reads them, so that no search tells
        what reading does not."""
        asked = [path for name, path in _FILTERS.items() if getattr(filters, name) not in (None, False)]
        asked += ["title"] * bool(filters.q) + ([_ORDERS[order]] if order in _ORDERS else [])
        if filters.folded is not None:
            asked.append("storm_id")
        within = scope(self.rights, self.asker, asked)
        if within is None:
            return core_tickets.search(self.conn, filters, cursor, limit, order=order)
        wanted = replace(filters, q=None, scope=within)
        found: list[core_tickets.Ticket] = []
        for _ in range(SCANNED // limit + 1):
            page = core_tickets.search(self.conn, wanted, cursor, limit, order=order)
            self.look_at(page.items)
            for n, ticket in enumerate(page.items):
                if self._shows(ticket, filters.q):
                    found.append(ticket)
                    if len(found) == limit and (n + 1 < len(page.items) or page.next_cursor):
                        return core_tickets.Page(found, cursor_behind(ticket, order))
            cursor = page.next_cursor
            if cursor is None:
                break
        return core_tickets.Page(found, cursor)

    def counts(self, filters: core_tickets.Filters) -> tuple[dict[tuple[str, int], int], bool]:
        """How many of each (status, priority) the asker sees, and whether that is all: who does not see everything is
        told of so many as were looked at one by one."""
        if self.asker.unlimited:
            return core_tickets.counts(self.conn, filters), True
        counted: dict[tuple[str, int], int] = {}
        cursor: str | None = None
        for _ in range(COUNTED // core_tickets.MAX_LIMIT):
            page = self.search(filters, cursor, core_tickets.MAX_LIMIT)
            for ticket in page.items:
                seen = self._sights[ticket.id].sight
                place = (ticket.status if seen.of("status") else "", ticket.priority if seen.of("priority") else -1)
                counted[place] = counted.get(place, 0) + 1
            cursor = page.next_cursor
            if cursor is None:
                return counted, True
        return counted, False

    def _shows(self, ticket: core_tickets.Ticket, words: str | None) -> bool:
        if not self._sights[ticket.id].sight.visible:
            return False
        if not words:
            return True
        title = self._projection([ticket.id], ticket.id).sieve.text(ticket.title)
        return words.casefold() in title.casefold()

    # -- answers ------------------------------------------------------------------------------------------------------

    def project(self, answer: Any, about: int | None = None) -> Any:
        """Any answer as the asker may have it. `about`: the ticket it is about."""
        if self.asker.unlimited:
            return answer
        told = orjson.loads(orjson.dumps(answer, default=str, option=orjson.OPT_NON_STR_KEYS))
        ids = {about} if about is not None else set()
        ids |= set(map(id_registry.parse_id, sorted(set(_ID.findall(orjson.dumps(told).decode())))[:MOST]))
        return self._projection(ids, about).project(told)

    def clean(self, values: Any, about: int) -> Any:
        """Values about a ticket, of any type, without protected data; what is no ticket's field is not asked for."""
        return values if self.asker.unlimited else self._projection([about], about).sieve.clean(values)

    def _projection(self, ids: Collection[int], about: int | None) -> Projection:
        seen = self.seen_many(ids)
        sight = seen[about].sight if about in seen else self.anywhere
        sights = [sight, *(each.sight for each in seen.values())]
        known = {} if all(Sieve(s).open for s in sights) else self._known([s.ticket for s in seen.values()])
        shown = {id_registry.format_id(number): each for number, each in seen.items()}
        return Projection(shown, Sieve(sight, known), seen.get(about) if about is not None else None)

    def _known(self, tickets: Collection[core_tickets.Ticket]) -> dict[str, str]:
        """Protected values that these tickets' customers and snapshots hold, by their text, with their kind of data."""
        vocabulary = self.rights.data
        known: dict[str, str] = {}
        for customer in {t.customer for t in tickets if t.customer is not None}:
            golden = id_registry.golden(self.conn, customer)
            told = {name: [f.value, *(c.value for c in (f.winner, *f.losers))] for name, f in golden.fields.items()}
            known.update(protected_values(told, vocabulary))
        for t in tickets:
            known.update(protected_values(dict(t.labels), vocabulary))
        if tickets:
            c = tables.context_section.c
            held = select(c["values"]).where(
                among(self.conn, c.ticket_id, [t.id for t in tickets]), c["values"].is_not(None)
            )
            for text in self.conn.execute(held).scalars():
                known.update(protected_values(orjson.loads(text), vocabulary))
        return known

    # -- the rest of the hub ------------------------------------------------------------------------------------------

    @property
    def may_create(self) -> bool:
        """Make tickets by hand."""
        return self.asker.unlimited or any({"*", "create"} & set(grant.do) for _, grant in self.anywhere.grants)

    def may_thing(self, kind: str) -> bool:
        """Ids and records of such a thing."""
        roles = self.rights.roles_of(self.asker.roles)
        return self.asker.unlimited or any({"*", kind} & role.things for role in roles)

    def demand_thing(self, kind: str) -> None:
        """The same. Raises Forbidden."""
        if not self.may_thing(kind):
            roles = self.rights.roles_of(self.asker.roles)
            raise Forbidden(
                f"{_names(self.asker)} may not read ids and records of kind {kind} (policy rights{_lines(roles)})."
            )

    def may_page(self, path: str, *, writes: bool) -> bool:
        """Another part of the API, by the beginning of its path."""
        if self.asker.unlimited:
            return True
        pages = [page for role in self.rights.roles_of(self.asker.roles) for page in role.pages]
        open_ = [page.removeprefix("* ") for page in pages if not writes or page.startswith("* ")]
        return any(path == page or path.startswith(page.rstrip("/") + "/") for page in open_)

    def demand_page(self, path: str, *, writes: bool = False) -> None:
        """Raises Forbidden."""
        if not self.may_page(path, writes=writes):
            raise self._refused(path)

    def _refused(self, path: str) -> Forbidden:
        roles = self.rights.roles_of(self.asker.roles)
        able = sorted(
            r.name for r in self.rights.roles.values() if any(path.startswith(p.removeprefix("* ")) for p in r.pages)
        )
        takes = f"it takes one of: {', '.join(able)}" if able else "no role may"
        return Forbidden(f"{_names(self.asker)} may not use {path} (policy rights{_lines(roles)}); {takes}.")


def _raise_unless(decision: Decision) -> None:
    if not decision:
        raise Forbidden(decision.why[:1].upper() + decision.why[1:] + ".")


def _names(asker: Asker) -> str:
    return f"Role {', '.join(sorted(asker.roles))}" if asker.roles else "Who has no role"


def _lines(roles: Iterable[Any]) -> str:
    told = ", ".join(str(role.line) for role in roles)
    return f", line {told}" if told else ""
