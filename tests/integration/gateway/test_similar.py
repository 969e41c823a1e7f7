"""What the hub knows itself: solved tickets and knowledge articles that resemble a new ticket, in its snapshot."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from gateway import tables
from gateway.context import snapshot
from gateway.search.feeding import Feeder
from tests.integration.gateway.in_process import Build, House


def _feed(house: House) -> int:
    return Feeder(house.gateway.search, house.gateway.settings.home).feed(house.gateway)


def _sections(house: House) -> dict[tuple[int, str], Any]:
    """Every question that is due is asked; answers what the sections hold."""
    with house.gateway.transaction() as conn:
        snapshot.expand(conn, house.gateway.hub, house.clock.now)
        claimed = snapshot.claim(conn, house.clock.now)
    for section in claimed:
        snapshot.ask(house.gateway, house.gateway.hub, section)
    with house.gateway.reading() as conn:
        return {(r.ticket_id, r.name): r for r in conn.execute(select(tables.context_section))}


def _solved(house: House, key: str, title: str, resolution: str) -> int:
    house.tell(house.alert(key, title=title))
    ticket = house.tickets()[-1]
    house.act(ticket, "resolve", resolution=resolution)
    return ticket.id


def test_a_new_ticket_shows_how_similar_ones_were_solved(house: House) -> None:
    solved = _solved(house, "a", "7 号冲压机轴承温度过高", "更换轴承 BRG-6205")
    _solved(house, "b", "Database server CPU is high", "restarted")
    assert _feed(house) == 2
    house.tell(house.alert("c", title="9 号冲压机轴承温度过高"))
    new = house.tickets()[-1].id
    section = _sections(house)[new, "similar_tickets"]
    assert section.status == "ok"
    (similar,) = orjson.loads(section._mapping["values"])["tickets"]
    assert similar["resolution"] == "更换轴承 BRG-6205"
    assert {"轴承", "温度"} <= set(similar["shared"])
    assert solved != new


def test_an_open_ticket_is_no_example_and_a_reopened_one_no_longer(house: House) -> None:
    _solved(house, "a", "Pump 12 leaks at the seal", "new seal")
    _feed(house)
    house.clock.forward(1)
    house.act(house.tickets()[0], "reopen")
    assert _feed(house) == 1
    house.tell(house.alert("b", title="Pump 9 leaks at the seal"))
    assert _sections(house)[house.tickets()[-1].id, "similar_tickets"].status == "empty"


def test_what_was_fed_is_not_fed_again(house: House) -> None:
    _solved(house, "a", "Pump 12 leaks at the seal", "new seal")
    feeder = Feeder(house.gateway.search, house.gateway.settings.home)
    assert [feeder.feed(house.gateway), feeder.feed(house.gateway)] == [1, 0]


def test_a_lost_index_is_filled_again_from_the_database(build: Build) -> None:
    house = build()
    _solved(house, "a", "Pump 12 leaks at the seal", "new seal")
    _feed(house)
    (house.gateway.settings.home / "search-1" / "fed.json").unlink()
    assert _feed(house) == 1


def test_a_damaged_index_is_filled_again_with_all_there_was(house: House) -> None:
    _solved(house, "a", "Pump 12 leaks at the seal", "new seal")
    _feed(house)
    house.gateway.search.close()
    house.clock.forward(3600)
    (house.gateway.settings.home / "search-1" / "meta.json").write_bytes(b"{")
    assert _feed(house) == 1
    assert [hit.id for hit in house.gateway.search.similar("Pump 9 leaks at the seal", "ticket")]


def test_a_disk_that_holds_no_index_costs_the_section_and_nothing_else(house: House) -> None:
    (house.gateway.settings.home / "search-1").write_text("no folder")
    assert _feed(house) == 0
    house.tell(house.alert("b", title="Pump 9 leaks at the seal"))
    section = _sections(house)[house.tickets()[-1].id, "similar_tickets"]
    assert (section.status, "cannot be used" in section.reason) == ("pending", True)


def test_every_value_of_the_section_has_an_origin(house: House) -> None:
    _solved(house, "a", "Pump 12 leaks at the seal", "new seal")
    _feed(house)
    house.tell(house.alert("b", title="Pump 9 leaks at the seal"))
    _sections(house)
    house.verify()


def test_a_bug_in_an_answer_of_our_own_costs_its_section_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.context.own.answer", broken)
    house.tell(house.alert("a"))
    sections = _sections(house)
    for _ in range(len(snapshot.RETRIES)):
        house.clock.forward(3600)
        sections = _sections(house)
    assert {s.status for (_, name), s in sections.items() if name == "similar_tickets"} == {"failed"}
