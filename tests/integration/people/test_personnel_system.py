"""People, teams and shifts come from a personnel system: read over HTTP, held with their origin, and counted on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.manifest import read, shipped
from connectors.manifest.serving import Server
from connectors.rest.sandbox import Sandbox
from gateway.config import documents, store
from gateway.usecases import syncing, tracing
from tests.integration.gateway.in_process import Build, House
from tests.integration.people.house import ROUTING, config

HOUR = 3600


class Personnel:
    """The stand-in of the personnel system, and the hub that reads it."""

    def __init__(self, build: Build) -> None:
        (path,) = [p for p in shipped() if p.stem == "hris_shifts"]
        connector = read(path)
        self.sandbox = Sandbox(connector)
        self.sandbox.fill_with_samples()
        self.server = Server(self.sandbox.handle, 0)
        connection = {"id": "hr", "connector": "hris_shifts", "config": {**self.sandbox.config, "url": self.server.url}}
        self.house: House = build(config(connections=[{"id": "r", "connector": "robot"}, connection]))

    def sync(self, *streams: str) -> None:
        for stream in streams or ("team", "person", "shift", "holiday"):
            told = syncing.run(self.house.gateway, self.house.gateway.hub.connection("hr"), stream, full=True)
            assert told["error"] == ""
        self.house.gateway.reload()


@pytest.fixture
def personnel(build: Build) -> Iterator[Personnel]:
    made = Personnel(build)
    with made.server:
        yield made


def test_people_teams_shifts_and_holidays_make_the_roster(personnel: Personnel) -> None:
    personnel.sync()
    roster = personnel.house.gateway.hub.roster
    person = roster.people["li.na"]
    assert (person.name, person.groups) == ("李娜", frozenset({"T-A"}))
    assert (person.roles, person.skills) == (frozenset({"technician"}), frozenset({"PLC", "主轴"}))
    assert person.channels == {
        "email": "li.na@example.com",
        "phone": "13800000302",
        "sms": "13800000302",
        "wecom": "lina",
    }
    assert person.manager == "wang.jianguo"
    assert roster.lead("T-A") == "wang.jianguo"
    assert roster.director("T-A") == "zhou.min"
    assert roster.members("T-A") == ("li.na", "wang.jianguo")
    assert roster.days["CN"] == {"2026-10-01": False, "2026-10-10": True}
    assert not roster.shifts["li.na"].at(personnel.house.clock.now)
    assert roster.shifts["li.na"].at(personnel.house.clock.forward(4 * HOUR))


def test_tickets_go_to_the_team_that_is_on_shift(personnel: Personnel) -> None:
    personnel.sync()
    house, rules = (
        personnel.house,
        [{"id": team.lower(), "group": team, "nobody_there": "pool"} for team in ("T-A", "T-B", "T-C")],
    )
    house.gateway.apply(documents.validate(config({**ROUTING, "pool": "T-D", "rules": rules})))

    def group_of(key: str) -> str | None:
        house.tell(house.alert(key))
        return house.tickets()[-1].group

    house.clock.forward(4 * HOUR)
    assert group_of("early") == "T-A"
    house.clock.forward(8 * HOUR)
    assert group_of("late") == "T-B"
    house.clock.forward(8 * HOUR)
    assert group_of("night") == "T-C"


def test_who_is_gone_there_is_gone_here(personnel: Personnel) -> None:
    personnel.sync()
    version = personnel.house.gateway.hub.roster.version
    rows = personnel.sandbox.rows["team"]
    personnel.sandbox.rows["team"] = [r for r in rows if r["code"] != "T-B"]
    personnel.sync("team")
    roster = personnel.house.gateway.hub.roster
    assert "T-B" not in roster.groups
    assert roster.version > version


def test_reading_the_same_again_changes_no_version(personnel: Personnel) -> None:
    personnel.sync()
    before = personnel.house.gateway.hub
    personnel.sync()
    assert personnel.house.gateway.hub is before


def test_what_the_system_said_of_a_person_is_held_with_its_origin(personnel: Personnel) -> None:
    personnel.sync()
    with personnel.house.gateway.reading() as conn:
        origin: Any = tracing.drill_replica(conn, "hr", "person", "100302", "roles")
    assert origin.as_dict()["value"] == "technician"


def test_the_people_of_a_connection_that_is_taken_away_go_with_it(personnel: Personnel) -> None:
    personnel.sync()
    house = personnel.house
    with house.gateway.transaction() as conn:
        store.remove(conn, "connection", "hr", house.gateway.catalogue, house.gateway.vault, house.clock.now)
    house.gateway.reload()
    assert house.gateway.hub.roster.people == {}
