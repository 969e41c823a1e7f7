"""One roster of what several sources tell. Pure.

What the configuration says counts before what a personnel system says; lists (roles, groups, skills ...) add up; who is not
active in one of them is not active. Within one source people and groups are named by its own ids, which are translated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core_tickets.people.roster import Group, Person, Presence, Roster

BY_HAND = ""
"""The source of what is written in the configuration."""
_LIST = re.compile(r"[,;，、；\n]")


@dataclass(frozen=True, slots=True)
class Told:
    """What one source says of a person or a group, in the fields of the canonical records Person and Team."""

    source: str
    key: str
    fields: Mapping[str, Any]


class ShiftTold(NamedTuple):
    """Somebody's shift: a group's (`team`) or one person's."""

    source: str
    key: str
    team: str
    person: str
    starts_at: int
    ends_at: int


class DayTold(NamedTuple):
    """A day on which a calendar says otherwise than the week."""

    source: str
    key: str
    calendar: str
    day: str
    working: bool
    name: str


def listed(value: Any) -> tuple[str, ...]:
    """A list, or a text of several things between commas."""
    parts: Iterable[Any] = _LIST.split(value) if isinstance(value, str) else value or ()
    return tuple(dict.fromkeys(text for part in parts if (text := str(part).strip())))


def person_id(fields: Mapping[str, Any]) -> str:
    """What the hub calls a person: the account, in small letters, else the source's own id."""
    account = str(fields.get("account") or "").strip().casefold()
    return account or str(fields["id"]).strip()


def roster_of(
    people: Sequence[Told], groups: Sequence[Told], shifts: Sequence[ShiftTold] = (), days: Sequence[DayTold] = (),
    version: int = 0,
) -> Roster:  # fmt: skip
    """All sources together; those of the configuration first, the others in order of name."""
    names = _Names()
    people, groups = sorted(people, key=_place), sorted(groups, key=_place)
    told_people, told_groups = _together(people, person_id), _together(groups, lambda f: str(f["id"]).strip())
    for i, told in told_people.items():
        names.people |= {(t.source, str(t.fields["id"])): i for t in told}
    for i, told in told_groups.items():
        names.groups |= {(t.source, str(t.fields[n])): i for t in told for n in ("name", "id") if t.fields.get(n)}
    made_people = {i: _person(i, told, names) for i, told in told_people.items()}
    made_groups = {i: _group(i, told, names) for i, told in told_groups.items()}
    calendars: dict[str, dict[str, bool]] = {}
    for each in sorted(days):
        calendars.setdefault(each.calendar, {})[each.day] = each.working
    return Roster(made_people, made_groups, _shifts(made_people, shifts, names), calendars, version)


def _place(told: Told) -> tuple[str, str]:
    return told.source, told.key


@dataclass(slots=True)
class _Names:
    """What the ids of each source are called in the hub."""

    people: dict[tuple[str, str], str] = field(default_factory=dict)
    groups: dict[tuple[str, str], str] = field(default_factory=dict)

    def person(self, source: str, local: Any) -> str | None:
        text = str(local or "").strip()
        return self.people.get((source, text), text) or None

    def group(self, source: str, local: Any) -> str:
        text = str(local).strip()
        return self.groups.get((source, text), text)


def _together(told: Sequence[Told], name: Callable[[Mapping[str, Any]], str]) -> dict[str, list[Told]]:
    """By id. Upper and lower case make no other person; the first to write the id says how it is written."""
    found: dict[str, list[Told]] = {}
    spelled: dict[str, str] = {}
    for each in told:
        own = name(each.fields)
        found.setdefault(spelled.setdefault(own.casefold(), own), []).append(each)
    return found


def _first(told: Sequence[Told], name: str, default: Any = "") -> Any:
    return next((t.fields[name] for t in told if t.fields.get(name) not in (None, "")), default)


def _all(told: Sequence[Told], name: str) -> frozenset[str]:
    return frozenset(item for t in told for item in listed(t.fields.get(name)))


def _active(told: Sequence[Told]) -> bool:
    return all(t.fields.get("active") is not False for t in told)


def _person(i: str, told: Sequence[Told], names: _Names) -> Person:
    channels: dict[str, str] = {}
    for each in reversed(told):
        mobile = str(each.fields.get("mobile") or "").strip()
        own = {"email": each.fields.get("email"), "phone": mobile or each.fields.get("phone"), "sms": mobile}
        given = own | dict(each.fields.get("channels") or {})
        channels |= {name: text for name, value in given.items() if (text := str(value or "").strip())}
    manager = next((names.person(t.source, t.fields["manager"]) for t in told if t.fields.get("manager")), None)
    return Person(
        id=i,
        name=str(_first(told, "name", i)),
        active=_active(told),
        roles=_all(told, "roles"),
        groups=frozenset(names.group(t.source, g) for t in told for g in listed(t.fields.get("groups"))),
        skills=_all(told, "skills"),
        modules=_all(told, "modules"),
        regions=_all(told, "regions"),
        channels=dict(sorted(channels.items())),
        manager=manager,
        zone=str(_first(told, "zone", "Asia/Shanghai")),
        language=str(_first(told, "language", "zh-CN")),
        sources=tuple(dict.fromkeys(t.source for t in told)),
    )


def _group(i: str, told: Sequence[Told], names: _Names) -> Group:
    def who(name: str) -> str | None:
        return next((names.person(t.source, t.fields[name]) for t in told if t.fields.get(name)), None)

    return Group(
        id=i,
        name=str(_first(told, "name", i)),
        lead=who("lead"),
        director=who("director"),
        calendar=str(_first(told, "calendar")),
        modules=_all(told, "modules"),
        regions=_all(told, "regions"),
        active=_active(told),
        sources=tuple(dict.fromkeys(t.source for t in told)),
    )


def _shifts(people: Mapping[str, Person], told: Sequence[ShiftTold], names: _Names) -> dict[str, Presence]:
    """The presence of each person: the shifts of the groups, and the person's own."""
    of_group: dict[str, list[tuple[int, int]]] = {}
    of_person: dict[str, list[tuple[int, int]]] = {}
    for each in told:
        span = (each.starts_at, each.ends_at)
        if each.person:
            of_person.setdefault(names.person(each.source, each.person) or "", []).append(span)
        elif each.team:
            of_group.setdefault(names.group(each.source, each.team), []).append(span)
    made: dict[frozenset[str], Presence] = {}
    found: dict[str, Presence] = {}
    for i, person in people.items():
        working = frozenset(person.groups & of_group.keys())
        if i in of_person:
            spans = [*of_person[i], *(s for g in working for s in of_group[g])]
            found[i] = Presence(joined(spans))
        elif working:
            if working not in made:
                made[working] = Presence(joined([s for g in working for s in of_group[g]]))
            found[i] = made[working]
    return found


def joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order, those that touch or overlap made one; empty ones left out."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(s for s in spans if s[0] < s[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)
