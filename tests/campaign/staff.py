"""Who works in the house of the campaign, when, and by which policies: 300 people in 13 groups, three shifts in four of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from core_tickets.people import ShiftTold, Told, put_people, put_shifts

HRIS = "hris"
"""The connection whose records the people's shifts and leave are."""
ZONE = ZoneInfo("Asia/Shanghai")
SECOND = 1_000_000
MODULES = ("spindle", "hydraulics", "plc", "network", "power")
REGIONS = ("HZ", "SZ")
AREAS = tuple((module, region) for module in MODULES for region in REGIONS)
SKILLS = ("PLC", "robot", "welding", "optics", "english")
SHIFTS = (("00:00", "08:00"), ("08:00", "16:00"), ("16:00", "24:00"))
ROUND_THE_CLOCK = AREAS[:4]
"""The areas whose people work in shifts."""
IN_A_GROUP = 27
DISPATCHERS, MANAGERS = 18, 12


def group_of(area: tuple[str, str]) -> str:
    return f"{area[0]}-{area[1].lower()}"


def person_of(group: str, number: int) -> str:
    return f"{group}.{number:02}"


def directors() -> tuple[str, ...]:
    return tuple(person_of("management", n) for n in range(4))


def dispatchers() -> tuple[str, ...]:
    return tuple(person_of("dispatch", n) for n in range(DISPATCHERS))


def people_policy(seed: int) -> dict[str, Any]:
    """300 persons and their groups."""
    dice = random.Random(f"people {seed}")
    persons: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []

    def person(group: str, number: int, role: str, **more: Any) -> None:
        name = person_of(group, number)
        persons.append({"id": name, "roles": [role], "groups": [group], "channels": {"wecom": name}, **more})

    for number, area in enumerate(AREAS):
        group = group_of(area)
        lead, director = person_of(group, 0), directors()[number % len(directors())]
        groups.append({"id": group, "name": group, "lead": lead, "director": director, "calendar": "plant",
                       "modules": [area[0]], "regions": [area[1]]})  # fmt: skip
        person(group, 0, "team_lead", manager=director)
        for n in range(1, IN_A_GROUP):
            person(group, n, "technician", skills=dice.sample(SKILLS, 2), manager=lead)
    groups.append({"id": "dispatch", "name": "调度", "lead": person_of("dispatch", 0), "director": directors()[0]})
    groups.append({"id": "management", "name": "管理", "lead": directors()[0]})
    for n in range(DISPATCHERS):
        person("dispatch", n, "dispatcher")
    for n in range(MANAGERS):
        person("management", n, "director" if n < 4 else "board" if n < 6 else "buyer")
    return {"policy": "people", "persons": persons, "groups": groups}


def policies(seed: int) -> list[dict[str, Any]]:
    """All policies of the house; one set for the whole year."""
    return [
        people_policy(seed),
        {"policy": "calendars", "calendars": [
            {"id": "office", "hours": {"mon-fri": ["09:00-12:00", "13:00-18:00"]}, "holidays": "CN"},
            {"id": "plant", "hours": {"mon-fri": ["08:00-12:00", "13:00-17:00"], "sat": ["08:00-12:00"]},
             "holidays": "CN", "make_up": ["08:00-12:00"], "days": {"2025-12-31": ["08:00-10:00"]}},
        ]},
        {"policy": "promises", "warn_share": 20, "lines": list(LINES)},
        {"policy": "escalation", "ladders": list(LADDERS)},
        {"policy": "grading", "levels": {"P0": 80, "P1": 50, "P2": 20}, "combine": "raise", "rules": [
            {"id": "stopped", "words": ["产线停", "line down"], "points": 90},
            {"id": "by-hand", "channel": "hand", "points": 5},
        ]},
        {"policy": "routing", "pool": "dispatch", "hours": "plant", "most": 25, "rules": [
            {"id": "robots", "words": ["robot", "机器人"], "skill": "robot", "module": "*", "nobody_there": "pool"},
            {"id": "area", "module": "*", "region": "*"},
        ]},
    ]  # fmt: skip


LINES: tuple[Mapping[str, Any], ...] = (
    {"priority": "P0", "first_response": "15m", "claim": "30m", "resolution": "4h"},
    {"priority": "P1", "first_response": "1h", "resolution": "8h", "calendar": "plant", "stages": {"blocked": "3d"}},
    {"priority": "P2", "first_response": "4h", "resolution": "24h", "calendar": "office",
     "stages": {"pending": "12h", "blocked": "40h"}},
    {"priority": "P3", "first_response": "8h", "resolution": "40h", "calendar": "office"},
    {"kind": "complaint", "priority": "P2", "first_response": "2h", "resolution": "16h", "calendar": "office",
     "stages": {"in_progress": "10h"}},
    {"kind": "spare_part_purchase", "priority": "P2", "first_response": "8h", "resolution": "80h", "calendar": "office"},
)  # fmt: skip
LADDERS: tuple[Mapping[str, Any], ...] = (
    {"id": "p0", "priorities": ["P0"], "steps": [
        {"id": "unanswered", "unless": "answered", "after": "15m", "tell": ["lead"]},
        {"id": "unclaimed", "unless": "claimed", "after": "30m", "tell": ["director", "role:board"], "tier": "P0"},
        {"id": "unworked", "unless": "worked", "after": "2h", "tell": ["lead", "director", "assignee", "group"],
         "tier": "P0", "do": "room", "template": "## Minutes"},
    ]},
    {"id": "p1", "priorities": ["P1"], "calendar": "plant", "steps": [
        {"id": "unclaimed", "unless": "claimed", "after": "1h", "tell": ["lead"]},
        {"id": "up", "unless": "worked", "after": "6h", "tell": ["lead", "director"], "do": "raise"},
        {"id": "half-hour", "promise": "resolution", "before": "30m", "tell": ["assignee"], "tier": "P1"},
    ]},
    {"id": "p2", "priorities": ["P2"], "kinds": ["incident", "maintenance"], "calendar": "office", "steps": [
        {"id": "unresolved", "unless": "resolved", "after": "48h", "tell": ["lead"], "do": "raise"},
    ]},
    {"id": "promises", "steps": [
        {"id": "response_soon", "promise": "first_response", "before": "20%", "tell": ["assignee", "group"]},
        {"id": "response_late", "promise": "first_response", "before": "0s", "tell": ["assignee", "lead"]},
        {"id": "resolution_soon", "promise": "resolution", "before": "20%", "tell": ["assignee", "lead"]},
        {"id": "resolution_late", "promise": "resolution", "before": "0s", "tell": ["assignee", "lead", "director"]},
        {"id": "stage_late", "promise": "stage", "before": "0s", "tell": ["assignee"]},
        {"id": "given_soon", "promise": "given_resolution", "before": "20%", "tell": ["assignee"]},
        {"id": "given_late", "promise": "given_resolution", "before": "0s", "tell": ["assignee", "lead"]},
    ]},
)  # fmt: skip


def moment(day: date, time: str = "00:00") -> int:
    """Microseconds since 1970 of a local time; 24:00 is the next midnight."""
    hour, minute = (int(part) for part in time.split(":"))
    at = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(hours=hour, minutes=minute)
    return int(at.timestamp()) * SECOND


def _shifts(first: date, last: date, seed: int) -> Iterator[ShiftTold]:
    """Four crews, of which three work each day; now and then somebody is on leave for some days."""
    dice = random.Random(f"shifts {seed} {first}")
    for area in ROUND_THE_CLOCK:
        for number in range(IN_A_GROUP):
            person, crew = person_of(group_of(area), number), number % 4
            away = dice.sample(range(31), dice.choice((0, 0, 1, 3)))
            day = first
            while day < last:
                turn = (day.toordinal() // 2 + crew) % 4
                if turn < 3 and day.day not in away:
                    start, end = SHIFTS[turn]
                    yield ShiftTold(HRIS, f"{person}/{day}", "", person, moment(day, start), moment(day, end))
                day += timedelta(days=1)


def plan(conn: Connection, first: date, last: date, seed: int) -> None:
    """What the personnel system tells for these days: the shifts, and who of the others is on leave all that time."""
    put_shifts(conn, list(_shifts(first, last, seed)))
    dice = random.Random(f"leave {seed} {first}")
    told = []
    for area in AREAS[len(ROUND_THE_CLOCK) :]:
        group = group_of(area)
        away = set(dice.sample(range(1, IN_A_GROUP), 2))
        for n in range(1, IN_A_GROUP):
            name = person_of(group, n)
            told.append(Told(HRIS, name, {"id": name, "account": name, "active": n not in away}))
    put_people(conn, told)
