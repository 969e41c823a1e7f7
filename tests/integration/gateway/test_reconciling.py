"""Reading a system's alerts: what its messages did not tell, and nothing else."""

from __future__ import annotations

from connectors.errors import BadRecord
from gateway.reconcile import Outcome, reconcile, stream_of
from gateway.usecases import dead
from tests.integration.gateway.in_process import House


def read(house: House) -> Outcome:
    live = house.gateway.hub.connection("r")
    outcome = reconcile(house.gateway, house.gateway.hub, live, stream_of(live, "alert"))
    assert outcome.error == ""
    return outcome


def test_what_ended_before_the_hub_was_there_is_not_told(house: House) -> None:
    house.world.alerts += [house.alert(f"old-{n}", "resolved") for n in range(3)] + [house.alert("new")]
    outcome = read(house)
    assert (outcome.read, outcome.told) == (4, 1)
    assert house.ends() == {"ticketed": 1}


def test_the_end_of_what_was_seen_firing_is_told(house: House) -> None:
    house.tell(house.alert("a"))
    house.world.alerts.append(house.alert("a", "resolved", starts_at=house.clock.text()))
    house.clock.forward(60)
    assert read(house).told == 1
    assert [t.status for t in house.tickets()] == ["resolved"]
    assert read(house).told == 0


def test_an_alert_that_ended_before_the_hub_was_there_and_comes_again_is_a_ticket(house: House) -> None:
    house.world.alerts.append(house.alert("a", "resolved"))
    read(house)
    house.clock.forward(60)
    house.world.alerts[:] = [house.alert("a", episode="2")]
    read(house)
    assert [t.status for t in house.tickets()] == ["pending"]


def test_a_record_that_the_connector_cannot_use_is_a_dead_letter_with_its_reason(house: House) -> None:
    house.world.unusable.append(BadRecord("the severity is 17", record={"key": "a"}, hint="ask the vendor"))
    for _ in range(2):
        assert read(house).bad == 1
    with house.gateway.reading() as conn:
        (letter,) = dead.listed(conn)
    assert (letter.reason, letter.hint) == ("the severity is 17", "ask the vendor")
