"""Problems found in the hub's own tickets, and the paths tickets really took."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

import id_registry
from gateway import clock
from gateway.errors import Refused
from gateway.learning import mining, problems, rounds
from gateway.learning.tables import problem_text
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import Api, open_api

DAY_S = 86_400
BEARING = ("3 号离心泵轴承过热", "Pump 7 bearing overheating", "9 号泵轴承温度过高")
CPU = ("数据库服务器 CPU 使用率过高", "Database server CPU usage is high", "High CPU load on database server db-3")


def alerts(house: House, *titles: str) -> None:
    for n, title in enumerate(titles):
        house.tell(house.alert(f"{title}-{n}", title=title, rule=title))
        house.clock.forward(60)


def look(house: House) -> list[dict[str, Any]]:
    rounds.run(house.gateway, house.gateway.hub, house.clock.now)
    with house.gateway.reading() as conn:
        return problems.listed(conn)


def test_tickets_of_one_trouble_are_one_new_problem_in_whatever_language(house: House) -> None:
    alerts(house, *BEARING, *CPU, "发票抬头错误")
    found = look(house)
    assert [(p["tickets"], p["trend"]) for p in found] == [(3, "new"), (3, "new")]
    first = house.tickets()[0]
    assert id_registry.format_id(first.id) in {p["id"] for p in found}
    assert all("首次出现" in p["reason"] for p in found)


def test_a_round_needs_nothing_of_the_network(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(*what: Any, **_: Any) -> Any:
        asked.append(what)
        raise OSError("the network is not reachable")

    alerts(house, *BEARING, *CPU)
    house.act(house.tickets()[0], "resolve", resolution="更换 6205 轴承并重新加注润滑脂", cause="wear")
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert [p["tickets"] for p in look(house)] == [3, 3]
    assert asked == []
    with pytest.raises(OSError, match="not reachable"):
        socket.create_connection(("127.0.0.1", 9))


def test_a_problem_keeps_its_number_as_it_grows(house: House) -> None:
    alerts(house, *BEARING)
    (before,) = look(house)
    house.clock.forward(20 * DAY_S)
    alerts(house, *(f"{n} 号泵轴承过热" for n in range(20, 28)))
    (after,) = look(house)
    assert (after["id"], after["first_seen"]) == (before["id"], before["first_seen"])
    assert (after["tickets"], after["trend"]) == (11, "growing")


def test_a_problem_says_which_fix_is_known(house: House) -> None:
    alerts(house, *BEARING)
    house.act(house.tickets()[0], "resolve", resolution="更换轴承", cause="wear")
    house.clock.forward(31 * DAY_S)
    (found,) = look(house)
    assert found["known"]["resolution"] == "更换轴承"
    assert found["known"]["worth"] >= 50


def test_looking_again_finds_the_same(house: House) -> None:
    alerts(house, *BEARING, *CPU)
    assert look(house) == look(house)


def test_a_ticket_whose_text_changed_is_read_again(house: House) -> None:
    alerts(house, *BEARING)
    assert problems.read_texts(house.gateway, house.clock.now) == 3
    assert problems.read_texts(house.gateway, house.clock.now) == 0
    house.clock.forward(1)
    house.act(house.tickets()[0], "set", title="发票抬头错误")
    assert problems.read_texts(house.gateway, house.clock.now) == 1
    with house.gateway.reading() as conn:
        read = conn.execute(select(problem_text.c.terms).where(problem_text.c.ticket_id == house.tickets()[0].id))
        assert "=invoice" in read.scalar_one()


def test_the_paths_really_taken_are_told_with_share_and_time(house: House) -> None:
    alerts(house, "a", "b", "c", "d")
    for n, ticket in enumerate(house.tickets()):
        if n < 2:
            house.act(ticket, "start")
            house.clock.forward(600)
        if n < 3:
            house.act(ticket, "resolve", resolution="x", cause="other")
    with house.gateway.reading() as conn:
        found = mining.paths(conn, house.gateway.hub, 0, house.clock.now + 1)
    told = mining.shape(found)
    assert (told["arrived"], told["under_way"], told["as_planned"]) == (3, 1, 2)
    planned, skipped = told["variants"]
    assert (planned["path"], planned["tickets"]) == (["pending", "in_progress", "resolved"], 2)
    assert [d["kind"] for d in skipped["deviations"]] == ["skipped"]
    assert told["deviations"][0]["zh"] == "跳过 in_progress"


def test_paths_go_through_groups_too(house: House) -> None:
    alerts(house, "a")
    (ticket,) = house.tickets()
    for group in ("line-1", "line-2", "line-1", "line-2"):
        house.act(ticket, "assign", group=group)
    house.act(ticket, "resolve", resolution="x", cause="other")
    with house.gateway.reading() as conn:
        told = mining.shape(mining.paths(conn, house.gateway.hub, 0, house.clock.now + 1, view="group"))
    (variant,) = told["variants"]
    assert variant["path"][-4:] == ["line-1", "line-2", "line-1", "line-2"]
    assert {"kind": "looped", "at": "line-2"}.items() <= variant["deviations"][0].items()


def test_a_view_there_is_not_is_refused_with_those_there_are(house: House) -> None:
    with pytest.raises(Refused) as refused, house.gateway.reading() as conn:
        mining.paths(conn, house.gateway.hub, 0, clock.now(), view="grop")
    assert "group" in refused.value.problems[0].hint


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def test_clusters_and_paths_are_read_over_http(api: Api) -> None:
    alerts(api.house, *BEARING)
    look(api.house)
    (shown,) = api.ask("GET", "/v1/learning/clusters?trend=new", "viewer").json()["items"]
    assert (len(shown["members"]), shown["trend"]) == (3, "new")
    told = api.ask("GET", "/v1/learning/paths?days=30&kind=incident", "viewer").json()
    assert (told["arrived"], told["under_way"]) == (0, 3)
    assert api.ask("GET", "/v1/learning/paths?view=none").status_code == 422
