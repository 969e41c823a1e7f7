"""What we did ourselves comes back as a message: it is the receipt, and causes nothing."""

from __future__ import annotations

import pytest

from gateway.bridge import outbox
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.robot.connector import World


@pytest.fixture
def echoing(build: Build) -> House:
    """A hub whose robot echoes; its one ticket was resolved by a person."""
    house = build(world=World(echoes=True))
    house.tell(house.alert("a"))
    house.clock.forward(10)
    house.act(house.tickets()[0], "resolve", resolution="mended")
    return house


def echo(house: House, key: str = "a", **more: object) -> dict[str, object]:
    return house.alert(key, "resolved", starts_at=house.clock.text(-10), **more)


def notes(house: House) -> list[str]:
    from core_tickets import timeline

    with house.gateway.reading() as conn:
        return [e.name for t in house.tickets() for e in timeline(conn, t.id) if e.type == "note"]


def test_an_echo_is_the_receipt_of_the_command_and_moves_no_ticket(echoing: House) -> None:
    echoing.work()
    version = echoing.tickets()[0].version
    echoing.tell(echo(echoing))
    (command,) = echoing.commands()
    assert command.state == "done"
    assert command.echoed_at == echoing.clock.now
    assert echoing.tickets()[0].version == version
    assert notes(echoing).count("echo") == 1
    assert echoing.ends() == {"ticketed": 1, "merged": 1}


def test_an_echo_that_comes_before_its_receipt_is_recognised_when_that_comes(echoing: House) -> None:
    with echoing.gateway.transaction() as conn:
        (claimed,) = outbox.claim(conn, echoing.clock.now)
    echoing.tell(echo(echoing))
    outbox.carry_out(echoing.gateway, echoing.gateway.hub, claimed)
    assert echoing.commands()[0].echoed_at is not None
    assert notes(echoing).count("echo") == 1
    assert echoing.tickets()[0].status == "resolved"


def test_an_echo_taken_early_is_not_awaited_again(echoing: House) -> None:
    with echoing.gateway.transaction() as conn:
        (claimed,) = outbox.claim(conn, echoing.clock.now)
    echoing.tell(echo(echoing))
    outbox.carry_out(echoing.gateway, echoing.gateway.hub, claimed)
    echoing.clock.forward(10)
    echoing.tell(echoing.alert("a", episode="2"))
    assert echoing.tickets()[0].status == "in_progress"
    echoing.tell(echoing.alert("a", "resolved", episode="2"))
    assert echoing.tickets()[0].status == "resolved"


def test_an_echo_that_comes_twice_is_taken_once(echoing: House) -> None:
    echoing.work()
    for number in range(2):
        echoing.tell(echo(echoing, id=f"m{number}"))
    echoing.tell(echo(echoing, id="m0"))
    assert notes(echoing).count("echo") == 1
    assert echoing.tickets()[0].status == "resolved"
    echoing.ends()


def test_a_message_about_another_object_is_no_echo(echoing: House) -> None:
    echoing.tell(echoing.alert("b"))
    echoing.work()
    echoing.tell(echo(echoing, "b"))
    assert echoing.commands()[0].echoed_at is None
    assert [t.status for t in echoing.tickets()] == ["resolved", "resolved"]


def test_a_reopening_by_a_person_is_not_undone_by_a_late_echo(echoing: House) -> None:
    echoing.work()
    echoing.clock.forward(60)
    echoing.act(echoing.tickets()[0], "reopen")
    echoing.clock.forward(600)
    echoing.tell(echo(echoing))
    assert echoing.tickets()[0].status == "in_progress"
    assert len(echoing.commands()) == 1


def test_what_we_wrote_does_not_come_back_as_another_command(echoing: House) -> None:
    for _ in range(5):
        echoing.work()
        echoing.clock.forward(30)
        echoing.tell(echo(echoing, id=str(echoing.clock.now)))
    assert len(echoing.commands()) == 1
    assert sum(echoing.world.effects.values()) == 1


def test_a_comment_travels_out_once_and_its_echo_adds_no_second(echoing: House) -> None:
    echoing.work()
    echoing.act(echoing.tickets()[0], "comment", text="on my way")
    echoing.work()
    said = [c for c in echoing.commands() if c.op == "say"]
    assert len(said) == 1
    echoing.tell(echoing.alert("a", "update", message="on my way"))
    assert "source_update" not in notes(echoing)
    echoing.tell(echoing.alert("a", "update", message="who is coming?"))
    assert notes(echoing).count("source_update") == 1


def test_each_of_several_comments_travels_out(echoing: House) -> None:
    echoing.work()
    for text in ("on my way", "at the gate", "on my way"):
        echoing.clock.forward(1)
        echoing.act(echoing.tickets()[0], "comment", text=text)
    assert len([c for c in echoing.commands() if c.op == "say"]) == 3


def test_an_end_told_by_the_source_is_not_written_back_to_it(house: House) -> None:
    house.tell(house.alert("a"))
    house.tell(house.alert("a", "resolved"))
    assert house.tickets()[0].status == "resolved"
    assert house.commands() == []
