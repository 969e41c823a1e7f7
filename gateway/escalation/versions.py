"""Which promises and ladders were in force when: kept whole, so that what was due then can be worked out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
from core_tickets import Policy
from core_tickets.escalation import Ladders
from core_tickets.people import Person, Presence, Roster
from gateway.config.hub import Hub
from gateway.escalation import tables
from gateway.escalation.planning import keep, planned, timers
from gateway.policies import Policies, PolicyKind, calendars, escalation, promises

REPLANNED = "escalation_replanned"
"""The note on a ticket whose steps changed because another policy came into force."""
BATCH = 500
_KINDS: tuple[PolicyKind[Any, Any], ...] = (calendars.KIND, promises.KIND, escalation.KIND)
_P = tables.policy.c


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What was in force from `since` on."""

    since: int
    version: str
    promises: Policy
    ladders: Ladders


def activate(conn: Connection, hub: Hub, now: int) -> None:
    """Write down that the hub works by its promises and ladders from now on, unless that is known."""
    latest = conn.execute(select(_P.since, _P.version).order_by(_P.since.desc()).limit(1)).first()
    if latest is not None and latest.version == hub.escalation_version:
        return
    since = now if latest is None else max(now, latest.since + 1)
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    row = {"since": since, "version": hub.escalation_version, "swept": 0, "body": _body(hub)}
    conn.execute(insert(tables.policy).values(row).on_conflict_do_nothing())


def settled(conn: Connection, hub: Hub) -> bool:
    """Is what the hub works by in force, and every open ticket planned by it?"""
    latest = conn.execute(select(_P.version, _P.swept).order_by(_P.since.desc()).limit(1)).first()
    return latest is not None and latest.version == hub.escalation_version and latest.swept is None


def sweep(conn: Connection, hub: Hub, now: int) -> int:
    """Plan some more of the open tickets by what came into force last; answers how many were looked at. It does not reach
    back: what would have been due before counts as passed, and the ticket's timeline says so."""
    query = select(_P.since, _P.swept).where(_P.version == hub.escalation_version, _P.swept.is_not(None))
    row = conn.execute(query.order_by(_P.since.desc()).limit(1)).first()
    if row is None:
        return 0
    t = core_tickets.metadata.tables["ticket"].c
    ids = conn.execute(
        select(t.id)
        .where(t.status.in_(core_tickets.OPEN), t.id > row.swept)
        .order_by(t.id)
        .limit(BATCH)
        .with_for_update()
    )
    found = list(ids.scalars())
    _replan(conn, hub, found, now)
    swept = found[-1] if len(found) == BATCH else None
    conn.execute(update(tables.policy).where(_P.since == row.since).values(swept=swept))
    return len(found)


def _replan(conn: Connection, hub: Hub, ids: list[int], now: int) -> None:
    before = timers(conn, ids)
    outdated = [n for n in ids if n not in before or before[n].policy != hub.escalation_version]
    tickets = core_tickets.get_many(conn, outdated)
    changed, notes = [], []
    for number in outdated:
        old, new = before.get(number), planned(tickets[number], before.get(number), hub, now, anew=True)
        changed.append(new)
        passed = sorted(new.done - (old.done if old is not None else frozenset()))
        if passed or new.plan != (old.plan if old is not None else ()):
            data = {"policy": new.policy, "passed": passed, "steps": len(new.plan)}
            notes.append(core_tickets.Note(number, REPLANNED, data, "hub", now))
    keep(conn, changed)
    core_tickets.note(conn, notes)


def rulebooks(conn: Connection) -> list[Rulebook]:
    """All there were, in order of when they came into force."""
    return [_rulebook(row) for row in conn.execute(select(tables.policy).order_by(_P.since))]


def _body(hub: Hub) -> str:
    """The documents, and what they look at in the roster."""
    roster, looked = hub.roster, calendars.KIND.of(hub.policies).values()
    members = {group: roster.members(group) for s in looked if (group := s.shifts_of)}
    body = {
        "specs": {kind.name: hub.policies.specs[kind.name].model_dump(mode="json", by_alias=True) for kind in _KINDS},
        "days": {s.records: dict(roster.days.get(s.records, {})) for s in looked if s.records},
        "shifts": {
            group: {p: roster.shifts[p].spans for p in people if p in roster.shifts}
            for group, people in members.items()
        },
    }
    return orjson.dumps(body).decode()


def _rulebook(row: Any) -> Rulebook:
    body: Mapping[str, Any] = orjson.loads(row.body)
    specs = {kind.name: kind.spec.model_validate(body["specs"][kind.name]) for kind in _KINDS}
    compiled = {kind.name: kind.compile(specs[kind.name]) for kind in _KINDS}
    groups: dict[str, set[str]] = {}
    shifts: dict[str, Presence] = {}
    for group, people in body["shifts"].items():
        for person, spans in people.items():
            groups.setdefault(person, set()).add(group)
            shifts[person] = Presence(tuple((a, b) for a, b in spans))
    people = {p: Person(p, groups=frozenset(teams)) for p, teams in groups.items()}
    roster = Roster(people=people, shifts=shifts, days=body["days"])
    policies = Policies(specs, compiled)
    return Rulebook(
        row.since,
        row.version,
        promises.in_force(policies, roster, calendars.known(policies, roster)),
        escalation.KIND.of(policies),
    )
