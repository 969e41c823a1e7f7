"""The overview: figures that add up, for each only what they may see, worked out once for many who listen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from core_tickets.rights import EVERYBODY
from gateway.overview import broadcast
from gateway.overview.broadcast import Broadcast
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are worked out anew each time."""
    monkeypatch.setattr(broadcast, "EVERY_S", 0.0)
    monkeypatch.setattr(broadcast, "PAUSE", 0)


@pytest.mark.usefixtures("fresh")
def test_each_figure_is_what_its_list_has(api: Api) -> None:
    house = api.house
    house.tell(house.alert("a"), house.alert("b", severity="warning"), house.alert("c", severity="info"))
    house.tell(house.alert("a"))
    house.deliver(b'[{"stream": "alert", "key": "no episode"}]')
    told = api.ask("GET", "/v1/overview").json()
    tickets = told["tickets"]
    listed = api.ask("GET", "/v1/tickets?open=true&limit=500").json()["items"]
    assert tickets["open"] == len(listed) > 0
    assert sum(tickets["by_priority"].values()) == sum(g["open"] for g in tickets["by_group"]) == len(listed)
    for priority, n in tickets["by_priority"].items():
        assert n == len(api.ask("GET", f"/v1/tickets?open=true&priority={priority}").json()["items"])
    (source,) = told["flow"]["sources"]
    audit = api.ask("GET", "/v1/audit").json()
    assert (source["connection"], source["received"]) == ("r", audit["received"])
    assert source["ends"] == {end: n for end, n in audit["ends"].items() if n}
    assert told["dead_letters"]["total"] == len(api.ask("GET", "/v1/dead-letters").json()["items"]) == 1
    assert [c["connection"] for c in told["connections"]] == ["r"]


@pytest.mark.usefixtures("fresh")
def test_promises_count_as_at_risk_before_and_as_overdue_after_their_time(api: Api) -> None:
    api.house.tell(api.house.alert("a"))
    (ticket,) = api.house.tickets()
    assert ticket.first_response_due is not None
    api.house.clock.now = ticket.first_response_due - 1
    assert [api.ask("GET", "/v1/overview").json()["tickets"][k] for k in ("at_risk", "overdue")] == [1, 0]
    api.house.clock.forward(60)
    assert [api.ask("GET", "/v1/overview").json()["tickets"][k] for k in ("at_risk", "overdue")] == [0, 1]


def test_a_hundred_who_listen_cost_one_round(build: Build) -> None:
    house = build()
    shared = Broadcast(house.gateway)

    async def first() -> dict[str, Any]:
        events = shared.listen(EVERYBODY)
        told = await anext(events)
        await events.aclose()  # type: ignore[attr-defined]
        return orjson.loads(told["data"])  # type: ignore[no-any-return]

    async def all_of_them() -> list[dict[str, Any]]:
        return await asyncio.gather(*(first() for _ in range(100)))

    told = asyncio.run(all_of_them())
    assert len(told) == 100
    assert shared.rounds == 1
    assert shared.listeners == 0


def test_who_listens_is_told_when_a_figure_changes_and_not_when_none_does(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "EVERY_S", 0.01)
    monkeypatch.setattr(broadcast, "PAUSE", 0)
    house = build()
    shared = Broadcast(house.gateway)

    async def watch() -> list[int]:
        events = shared.listen(EVERYBODY)
        told = [orjson.loads((await anext(events))["data"])["tickets"]["open"]]
        waiting = asyncio.ensure_future(anext(events))
        while shared.rounds < 4:  # looked again, and said nothing
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await asyncio.to_thread(house.tell, house.alert("new"))
        told.append(orjson.loads((await waiting)["data"])["tickets"]["open"])
        await events.aclose()  # type: ignore[attr-defined]
        return told

    assert asyncio.run(asyncio.wait_for(watch(), 60)) == [0, 1]


def test_the_stream_is_for_who_may_read_and_for_so_many(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api.client.get("/v1/live").status_code == 401
    monkeypatch.setattr(broadcast, "LISTENERS", 0)
    answer = api.ask("GET", "/v1/live", "viewer")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
