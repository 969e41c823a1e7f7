"""Many vehicles with the same fault become one ticket; few make none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from sqlalchemy import select

import core_tickets
from connectors.contract import Delivery
from gateway import clock, tables
from gateway.errors import BadConfiguration
from gateway.usecases import tracing
from lineage import Verdict
from tests.integration.gateway.in_process import Build, House

TBOX = {
    "id": "tbox", "connector": "mqtt",
    "config": {"url": "mqtt://127.0.0.1:1", "topics": [{"topic": "tbox/{device}", "format": "record"}]},
}  # fmt: skip


@pytest.fixture
def fleet(build: Build) -> House:
    return build({"connections": [TBOX]})


def tell(house: House, vehicles: Sequence[int], **more: Any) -> None:
    """Each vehicle tells its fault once."""
    for n in vehicles:
        payload = {"vin": f"LSV{n:05}", "model": "E5", "fault_code": "P0A1F", "mileage": 41250.5, "soc": 62, "batch": "B7",
                   "ts": house.clock.text()} | more  # fmt: skip
        live = house.gateway.hub.connection("tbox")
        at = clock.to_datetime(house.clock.now)
        house.gateway.run_in_inbox(live, Delivery(orjson.dumps(payload), {}, f"tbox/LSV{n:05}", received_at=at))


def issues(house: House) -> list[core_tickets.Ticket]:
    return [t for t in house.tickets() if t.kind == "potential_batch_issue"]


def members(house: House, ticket: core_tickets.Ticket) -> set[str]:
    c = tables.storm_member.c
    with house.gateway.reading() as conn:
        return set(conn.execute(select(c.signal_key).where(c.ticket_id == ticket.id)).scalars())


def test_a_hundred_vehicles_with_one_fault_are_one_ticket_with_all_of_them(fleet: House) -> None:
    tell(fleet, range(99))
    assert issues(fleet) == []
    tell(fleet, range(99, 105))
    (ticket,) = issues(fleet)
    assert ticket.labels["code"] == "P0A1F"
    assert "100" in ticket.title
    assert len(members(fleet, ticket)) == 105
    fleet.verify()
    assert fleet.ends() == {"suppressed": 99, "ticketed": 1, "merged": 5}


def test_the_ticket_tells_mileage_charge_and_ambient_temperature_of_the_vehicle_that_made_it(fleet: House) -> None:
    tell(fleet, range(99), soc=70, ambient=20)
    tell(fleet, [99], soc=41, ambient="33.5")
    (ticket,) = issues(fleet)
    for told in ("里程 mileage 41250.5 km", "SOC 41 %", "环境温度 ambient 33.5 °C"):
        assert told in ticket.description
    with fleet.gateway.reading() as conn:
        origin = tracing.drill(conn, ticket.id, "description")
    assert origin.verdict is Verdict.EQUAL
    assert {"payload.soc", "payload.ambient"} <= {source.field for source in origin.sources}


def test_one_vehicle_counts_once_however_often_it_tells(fleet: House) -> None:
    for _ in range(120):
        fleet.clock.forward(1)
        tell(fleet, [7])
    assert issues(fleet) == []


def test_other_models_mileages_and_codes_are_other_batches(fleet: House) -> None:
    tell(fleet, range(50))
    tell(fleet, range(50, 100), mileage=61000)
    tell(fleet, range(100, 150), model="E6")
    tell(fleet, range(150, 200), fault_code="P0B2C")
    assert issues(fleet) == []


def test_vehicles_without_a_fault_are_no_batch(fleet: House) -> None:
    tell(fleet, range(101), fault_code="")
    assert issues(fleet) == []


def test_what_is_long_past_does_not_count(fleet: House) -> None:
    tell(fleet, range(99))
    fleet.clock.forward(31 * 86_400)
    tell(fleet, [100])
    assert issues(fleet) == []


def test_a_vehicle_without_a_fault_makes_nothing(fleet: House) -> None:
    tell(fleet, range(3), fault_code=None)
    assert fleet.ends() == {"suppressed": 3}


def test_a_rule_on_vehicles_that_makes_tickets_needs_a_batch(build: Build) -> None:
    rule = {"id": "x", "on": "VehicleSignal", "ticket": {"kind": "'incident'", "priority": "'P1'", "title": "text"}}
    with pytest.raises(BadConfiguration, match="batch"):
        build({"rules": [rule]})
