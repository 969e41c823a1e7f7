"""People, groups and the report of rules over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from core_tickets.people import Group, Person, Roster
from gateway import clock
from gateway.api.access import REFUSALS, Configurer, GatewayDep, Reader
from gateway.api.shapes import Line, answer
from gateway.tokens import Right
from gateway.usecases import rule_report

router = APIRouter(responses=REFUSALS)


@router.get("/v1/people", tags=["people"])
def list_people(gateway: GatewayDep, who: Reader, group: Line | None = None, role: Line | None = None) -> Response:
    """Everybody, in order of id. Addresses are shown to who may configure; others see which channels there are."""
    roster, now = gateway.hub.roster, clock.now()
    ids = sorted(roster.people) if group is None else roster.members(group)
    people = [roster.people[i] for i in ids if role is None or role in roster.people[i].roles]
    shown = [person_shape(p, roster, now, addresses=who.may(Right.configure)) for p in people]
    return answer({"items": shown, "next_cursor": None})


@router.get("/v1/groups", tags=["people"])
def list_groups(gateway: GatewayDep, _: Reader) -> Response:
    """Every group with its members, in order of id."""
    roster = gateway.hub.roster
    shown = [group_shape(roster.groups[g], roster) for g in sorted(roster.groups)]
    return answer({"items": shown, "next_cursor": None})


@router.get("/v1/rules/report", tags=["rules"])
def report_rules(gateway: GatewayDep, _: Configurer) -> Response:
    """Rules of automation, grading and routing: how often each matched in 30 days, and which can never match."""
    with gateway.reading() as conn:
        return answer(rule_report.report(conn, gateway.hub, clock.now()))


def person_shape(person: Person, roster: Roster, now: int, *, addresses: bool) -> dict[str, Any]:
    shifts = roster.shifts.get(person.id)
    planned = shifts is not None and now < roster.planned_until
    return {
        "id": person.id, "name": person.name, "active": person.active, "roles": sorted(person.roles),
        "groups": sorted(person.groups), "skills": sorted(person.skills), "modules": sorted(person.modules),
        "regions": sorted(person.regions), "manager": person.manager, "zone": person.zone, "language": person.language,
        "channels": dict(person.channels) if addresses else sorted(person.channels),
        "on_shift": shifts.at(now) if planned and shifts is not None else None,
        "next_shift": clock.rfc3339(shifts.next(now)) if shifts is not None else None,
        "sources": [source or "configuration" for source in person.sources],
    }  # fmt: skip


def group_shape(group: Group, roster: Roster) -> dict[str, Any]:
    return {
        "id": group.id, "name": group.name, "active": group.active, "lead": group.lead,
        "director": roster.director(group.id), "calendar": group.calendar, "modules": sorted(group.modules),
        "regions": sorted(group.regions), "members": list(roster.members(group.id)),
        "sources": [source or "configuration" for source in group.sources],
    }  # fmt: skip
