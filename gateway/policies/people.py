"""The policy `people`: persons and groups by hand, for a house without a personnel system, or beside one.

What is written here counts before what a personnel system says of the same person; roles, groups and skills add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from core_tickets.people import BY_HAND, Told
from gateway.automation.specs import Spec
from gateway.errors import BadConfiguration, Problem
from gateway.policies.kind import PolicyKind, Surroundings
from mappings.suggestions import among

Id = str
CHANNELS = ("wecom", "dingtalk", "feishu", "email", "phone", "sms")


class PersonSpec(Spec):
    """One person, or what is to be said of one whom a personnel system knows."""

    id: Id = Field(min_length=1, max_length=200, description="what tickets call the person, such as li.na")
    name: str = ""
    active: bool = True
    roles: list[str] = []
    groups: list[str] = []
    skills: list[str] = []
    modules: list[str] = []
    regions: list[str] = []
    channels: dict[str, str] = Field({}, description="address by channel: " + ", ".join(CHANNELS))
    manager: str | None = None
    zone: str | None = None
    language: str | None = None

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"there is no time zone {zone!r}; write one such as Asia/Shanghai") from error
        return zone


class GroupSpec(Spec):
    """One group."""

    id: Id = Field(min_length=1, max_length=200, description="what tickets call the group, such as line-1")
    name: str = ""
    lead: str | None = None
    director: str | None = None
    calendar: str = ""
    modules: list[str] = []
    regions: list[str] = []
    active: bool = True


class PeopleSpec(Spec):
    policy: Literal["people"] = "people"
    persons: list[PersonSpec] = []
    groups: list[GroupSpec] = []


@dataclass(frozen=True, slots=True)
class ByHand:
    """What the configuration tells of people and groups."""

    people: tuple[Told, ...] = ()
    groups: tuple[Told, ...] = ()


def _compile(spec: PeopleSpec) -> ByHand:
    problems: list[Problem] = []
    for name, ids in (("persons", [p.id for p in spec.persons]), ("groups", [g.id for g in spec.groups])):
        seen: dict[str, str] = {}
        for n, each in enumerate(ids):
            if (other := seen.setdefault(each.strip().casefold(), each)) is not each or each in ids[:n]:
                problems.append(
                    Problem(f"{name}[{n}].id", f"{each!r} is there twice (as {other!r})", "keep one of them")
                )
    if problems:
        raise BadConfiguration("The people have problems; nothing was changed.", problems)
    return ByHand(tuple(_told(p) for p in spec.persons), tuple(_told(g) for g in spec.groups))


def _told(spec: PersonSpec | GroupSpec) -> Told:
    fields: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True) | {"id": spec.id.strip()}
    return Told(BY_HAND, spec.id, fields)


def _check(spec: PeopleSpec, around: Surroundings) -> Sequence[Problem]:
    """Whoever is named must be there."""
    roster, found = around.roster, list[Problem]()
    for n, person in enumerate(spec.persons):
        for m, group in enumerate(person.groups):
            if group not in roster.groups:
                found.append(_unknown(f"persons[{n}].groups[{m}]", "group", group, roster.groups))
        if person.manager is not None and person.manager not in roster.people:
            found.append(_unknown(f"persons[{n}].manager", "person", person.manager, roster.people))
        for channel in person.channels:
            if channel not in CHANNELS and channel not in around.connections.values():
                hint = among(channel, [*CHANNELS, *around.connections.values()])
                found.append(Problem(f"persons[{n}].channels.{channel}", "there is no such channel", hint))
    for n, each in enumerate(spec.groups):
        for name in ("lead", "director"):
            who = getattr(each, name)
            if who is not None and who not in roster.people:
                found.append(_unknown(f"groups[{n}].{name}", "person", who, roster.people))
    return found


def _unknown(path: str, what: str, name: str, known: Mapping[str, Any]) -> Problem:
    return Problem(path, f"there is no {what} {name!r}", among(name, known))


KIND: PolicyKind[PeopleSpec, ByHand] = PolicyKind("people", PeopleSpec, _compile, _check)
