"""From a notice to people: a group is everybody in it who is there now, else its lead; and what events call people by."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

import core_tickets
from core_tickets.batch import among
from core_tickets.people import Roster
from core_tickets.tables import entry
from gateway.config.hub import Hub
from gateway.notify.presence import there

_E = entry.c


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told, in order of id, and why somebody who was named is not."""

    people: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def resolve(hub: Hub, people: Iterable[str], groups: Iterable[str], now: int, *, urgent: bool) -> Audience:
    """The active people who are meant. `urgent`: of a group that is away its lead; else it can wait for the group."""
    roster = hub.roster
    found: dict[str, None] = {}
    left: list[str] = []
    for person in people:
        known = roster.people.get(person)
        if known is None:
            left.append(f"{person}: is nobody the hub knows")
        elif not known.active:
            left.append(f"{person}: works here no more")
        else:
            found[person] = None
    for group in groups:
        told, why = _of_group(hub, group, now, urgent=urgent)
        found |= dict.fromkeys(told)
        if why:
            left.append(why)
    return Audience(tuple(sorted(found)), tuple(left))


def _of_group(hub: Hub, group: str, now: int, *, urgent: bool) -> tuple[tuple[str, ...], str]:
    roster = hub.roster
    if group not in roster.groups and not roster.members(group):
        return (), f"group {group}: there is no such group"
    members = roster.members(group)
    present = tuple(p for p in members if there(hub, p, group, now))
    if present or (members and not urgent):
        return present or members, ""
    lead = roster.people.get(roster.lead(group) or "")
    if lead is not None and lead.active:
        return (lead.id,), f"group {group}: none of {len(members)} is there now, so its lead"
    return (), f"group {group}: none of {len(members)} is there now, and it has no lead"


def meant(
    words: Iterable[str], ticket: core_tickets.Ticket, roster: Roster, watchers: Iterable[str], creator: str | None
) -> tuple[str, ...]:
    """The people that words of a policy stand for, besides who holds the ticket (a notice has these from its beginning)."""
    people: list[str | None] = []
    for word in words:
        match word:
            case "lead":
                people.append(roster.lead(ticket.group))
            case "director":
                people.append(roster.director(ticket.group))
            case "creator":
                people.append(creator if creator in roster.people else None)
            case "watchers":
                people += watchers
    return tuple(dict.fromkeys(p for p in people if p))


def creators(conn: Connection, ids: Collection[int]) -> dict[int, str]:
    """The persons who opened these tickets by hand."""
    opened = select(_E.ticket_id, _E.actor).where(
        among(conn, _E.ticket_id, ids), _E.name == "open", _E.actor_kind == "person"
    )
    return {row.ticket_id: row.actor for row in conn.execute(opened)}


def doers(conn: Connection, versions: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Who brought a ticket to a version: nobody is told what he did himself."""
    mine = (among(conn, _E.ticket_id, {ticket_id for ticket_id, _ in versions}), _E.actor_kind == "person")
    found = select(_E.ticket_id, _E.version, _E.actor).where(*mine, _E.version.in_(sorted({v for _, v in versions})))
    return {(ticket_id, version): actor for ticket_id, version, actor in conn.execute(found)}
