"""Drafts become tickets: opened, merged into the one that is there, or reopening it. See docs/tickets.md for the races.

The order of the statements keeps racing batches from deadlock: first insert (in order of fingerprint, so that two
transactions wait for each other in one direction only), then lock what was there (in order of id), then write. Nothing
is waited for once rows are locked: a key passes to a successor under the lock of the row that held it, and whoever
waited for that row in vain lets all locks go before it looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from core_tickets import tables
from core_tickets.batch import among, insert_new, insert_rows, update_rows
from core_tickets.model import BLANK, Change, Draft, Opened, Ticket
from core_tickets.promises import STANDARD, Policy, due, opened_because
from core_tickets.rows import MUTABLE, SELECT_TICKET, entry_row, labels_json, row_of, ticket_of
from core_tickets.workflow import meet, moved, raise_priority, reopened

__all__ = ["open_or_merge"]

_T = tables.ticket.c
_HELD = select(
    _T.id, _T.open_key, _T.status, _T.priority, _T.version, _T.closed_at, _T.occurrences, _T.first_seen, _T.last_seen
)
# What a draft can set, with its value before; `labels` are stored as text and so come separately.
_OPENING = tuple(
    (name, BLANK[name])
    for name in (
        "status", "kind", "priority", "title", "description", "fingerprint", "storm_id", "device", "customer", "source",
        "source_key", "url", "assignee", "group", "opened_at", "first_response_due", "resolution_due", "due_fixed",
    )
)  # fmt: skip


def open_or_merge(conn: Connection, drafts: Sequence[Draft], now: int, *, policy: Policy = STANDARD) -> list[Opened]:
    """One answer per draft, in their order. A constant number of statements; needs READ COMMITTED on PostgreSQL.

    Several drafts of one fingerprint make one ticket: the first of them opens it, with the highest of their priorities.
    An exact repeat only counts (`occurrences`, `first_seen`, `last_seen`): no version, no line in the timeline.
    """
    intake = _Intake(conn, now, policy)
    intake.take(_group(drafts))
    insert_rows(conn, tables.entry, intake.entries)
    return [intake.opened[place] for place in range(len(drafts))]


@dataclass(slots=True)
class _Group:
    """The drafts of one batch that have one fingerprint, in their order."""

    key: str | None
    drafts: list[Draft] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    @property
    def priority(self) -> int:
        return min([d.priority for d in self.drafts])

    @property
    def urgent(self) -> Draft:
        """The first one of the highest priority."""
        return min(self.drafts, key=attrgetter("priority"))

    def counted(self, now: int, ticket: Any = None) -> dict[str, int]:
        """The counters of `ticket` (a row or a value; None: a new one) with these drafts counted in."""
        times = [now if d.seen_at is None else d.seen_at for d in self.drafts]
        if ticket is None:
            return {"occurrences": len(times), "first_seen": min(times), "last_seen": max(times)}
        return {
            "occurrences": ticket.occurrences + len(times),
            "first_seen": min(ticket.first_seen, *times),
            "last_seen": max(ticket.last_seen, *times),
        }


def _group(drafts: Sequence[Draft]) -> list[_Group]:
    alone: list[_Group] = []
    keyed: dict[str, _Group] = {}
    for place, draft in enumerate(drafts):
        if draft.fingerprint is None:
            alone.append(group := _Group(None))
        else:
            group = keyed.setdefault(draft.fingerprint, _Group(draft.fingerprint))
        group.drafts.append(draft)
        group.places.append(place)
    return alone + [keyed[key] for key in sorted(keyed)]


def _ticket(row: Mapping[str, Any], draft: Draft) -> Ticket:
    """A new row as it stands."""
    values = {name: value for name, value in row.items() if name != "open_key"}
    return Ticket(**{**values, "labels": draft.labels})


@dataclass(slots=True)
class _Intake:
    """One call of `open_or_merge`."""

    conn: Connection
    now: int
    policy: Policy
    opened: dict[int, Opened] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def take(self, groups: list[_Group]) -> None:
        """Answer all groups."""
        met: dict[int, _Group] = {}
        fresh = groups
        while fresh:  # again only for keys that another transaction took between the look and the insert
            holders = self._holders(fresh)
            met |= {holders[g.key]: g for g in fresh if g.key in holders}
            fresh = self._insert([g for g in fresh if g.key not in holders])
        while met:  # again only when a key went to a successor while we waited for the ticket that had it
            held = self._lock(met)
            if held is not None:
                self._meet(held, met)
                break
            holders = self._holders(met.values())
            met = {holders[g.key]: g for g in met.values()}

    def _holders(self, groups: Iterable[_Group]) -> dict[str | None, int]:
        keys = [g.key for g in groups if g.key is not None]
        if not keys:
            return {}
        found = self.conn.execute(select(_T.open_key, _T.id).where(among(self.conn, _T.open_key, keys)))
        return {row.open_key: row.id for row in found}

    def _lock(self, met: dict[int, _Group]) -> Sequence[Any] | None:
        """Lock the tickets that hold the keys. None, and nothing is locked, when one of them no longer holds its key:
        waiting for its successor with the others locked could be a deadlock."""
        query = _HELD.where(among(self.conn, _T.id, met)).order_by(_T.id).with_for_update()
        with self.conn.begin_nested() as savepoint:
            held = self.conn.execute(query).all()
            if all(row.open_key == met[row.id].key for row in held):
                return held
            savepoint.rollback()
        return None

    def _insert(self, groups: list[_Group]) -> list[_Group]:
        """Open a ticket for each group; returns those whose key was taken."""
        rows = [self._new(g) for g in groups]
        inserted = insert_new(self.conn, tables.ticket, rows, "open_key")
        taken = []
        for group, row in zip(groups, rows, strict=True):
            if row["id"] in inserted:
                self._opened(group, row)
            else:
                taken.append(group)
        return taken

    def _meet(self, held: Sequence[Any], met: dict[int, _Group]) -> None:
        """Count the exact repeats, hand the others on."""
        repeats: list[dict[str, Any]] = []
        rarer: dict[int, tuple[_Group, str]] = {}
        for row in held:
            group = met[row.id]
            outcome = meet(row.status, row.closed_at, max(d.reopen_within for d in group.drafts), self.now)
            if outcome == "merge" and group.priority >= row.priority:
                repeats.append({"id": row.id} | group.counted(self.now, row))
                self._answer(group, row.id, "merged", row.version)
            else:
                rarer[row.id] = (group, outcome)
        update_rows(self.conn, tables.ticket, repeats, ("occurrences", "first_seen", "last_seen"))
        if rarer:
            self._change(rarer)

    def _change(self, met: dict[int, tuple[_Group, str]]) -> None:
        """The rarer meetings, each with a line in the audit trail. The tickets are locked."""
        changed: list[Ticket] = []
        successors: list[dict[str, Any]] = []
        for row in self.conn.execute(SELECT_TICKET.where(among(self.conn, _T.id, met))):
            ticket = ticket_of(row)
            group, outcome = met[ticket.id]
            if outcome == "supersede":
                successor = self._new(group)
                successors.append(successor)
                self._opened(group, successor, {"previous": ticket.id})
                done = moved(ticket, self.now, {"superseded_by": successor["id"]}, self.policy)
            else:
                fields = raise_priority(ticket, group.priority, self.policy)
                if outcome == "reopen":
                    fields |= reopened(replace(ticket, **fields), self.now, self.policy)
                done = moved(ticket, self.now, fields | group.counted(self.now, ticket), self.policy)
                answer = "reopened" if outcome == "reopen" else "merged"
                self._answer(group, ticket.id, answer, done.ticket.version, done.changes)
            changed.append(done.ticket)
            data = done.data
            if group.priority < ticket.priority and "grading" in group.urgent.decided:
                data = {**data, "grading": group.urgent.decided["grading"]}
            self._enter(group.urgent, ticket.id, done.ticket.version, outcome, done.changes, data)
        update_rows(self.conn, tables.ticket, [row_of(t) for t in changed], MUTABLE)
        insert_rows(self.conn, tables.ticket, successors)

    def _new(self, group: _Group) -> dict[str, Any]:
        """The row of a new ticket; the columns it lacks have their defaults."""
        draft, priority, now = group.drafts[0], group.priority, self.now
        first, last = draft.first_response_due, draft.resolution_due
        promised = due(self.policy, draft.kind, priority, now)
        return {
            "id": draft.id,
            "kind": draft.kind,
            "priority": priority,
            "status": "pending",
            "title": draft.title,
            "description": draft.description,
            "fingerprint": draft.fingerprint,
            "open_key": draft.fingerprint,
            "storm_id": draft.storm_id,
            "device": draft.device,
            "customer": draft.customer,
            "labels": labels_json(draft.labels),
            "source": draft.source,
            "source_key": draft.source_key,
            "url": draft.url,
            "assignee": draft.assignee,
            "group": draft.group,
            "opened_at": now,
            "updated_at": now,
            "first_response_due": promised.first_response if first is None else first,
            "resolution_due": promised.resolution if last is None else last,
            "due_fixed": first is not None or last is not None,
            **group.counted(now),
        }

    def _opened(self, group: _Group, row: dict[str, Any], data: dict[str, Any] | None = None) -> None:
        """The first line of a timeline holds every field that is not blank, so that the trail replays from nothing."""
        draft = group.drafts[0]
        changes = [(name, None, value) for name, blank in _OPENING if (value := row[name]) != blank]
        if draft.labels:
            changes.append(("labels", None, draft.labels))
        promised = opened_because(self.policy, row["kind"], row["priority"], by_hand=row["due_fixed"])
        self._enter(draft, row["id"], 1, "open", changes, {**(data or {}), **draft.decided, "promise": promised})
        self._answer(group, row["id"], "opened", 1, ticket=_ticket(row, draft))

    def _enter(
        self,
        draft: Draft,
        ticket_id: int,
        version: int,
        name: str,
        changes: Sequence[tuple[str, Any, Any]],
        data: Mapping[str, Any],
    ) -> None:
        who = {"actor": draft.actor, "actor_kind": draft.actor_kind, "why": draft.why}
        self.entries.append(entry_row(ticket_id, self.now, name, **who, version=version, changes=changes, data=data))

    def _answer(
        self, group: _Group, ticket_id: int, outcome: str, version: int, changes: tuple[Change, ...] = (),
        ticket: Ticket | None = None,
    ) -> None:  # fmt: skip
        """The first draft of the group did it; the others of the same batch were merged into that."""
        first, *others = group.places
        self.opened[first] = Opened(ticket_id, outcome, version, changes, ticket)
        for place in others:
            self.opened[place] = Opened(ticket_id, "merged", version)
