"""A machine that stands, its ticket, and what the MES is told of the repair: each thing once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.mes import MesConnector
from connectors.mes.sandbox import KEY, Sandbox
from gateway import clock
from gateway.reconcile import stream_of
from gateway.sync import engine
from tests.integration.gateway.in_process import Clock, House, build_house

STREAMS = ("equipment", "downtime", "work_orders")


class Line:
    """The way to the MES; on demand the answer to the next report is lost on its way back."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.lose_report = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        reports = len(taken(self._sandbox))
        answer = self._sandbox.handle(request)
        if self.lose_report and len(taken(self._sandbox)) > reports:
            self.lose_report = False
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer


def taken(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The reports that the MES took, as its work orders."""
    return [row for row in sandbox.state.tables["work_orders"].values() if row.get("requestId")]


@pytest.fixture
def hub_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("gateway.clock.now", made)
    return made


@pytest.fixture
def sandbox(hub_clock: Clock) -> Sandbox:
    """One machine, which never stopped."""
    made = Sandbox(lambda: clock.to_datetime(hub_clock.now), filled=False)
    made.state.machine("press-7", "7 号冲压机")
    return made


@pytest.fixture
def line(sandbox: Sandbox) -> Line:
    return Line(sandbox)


@pytest.fixture
def house(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch, hub_clock: Clock, line: Line
) -> Iterator[House]:
    """A hub with the MES and nothing of its own but what the connector brings along."""
    reached = partialmethod(MesConnector.__init__, transport=httpx.MockTransport(line))
    monkeypatch.setattr(MesConnector, "__init__", reached)
    monkeypatch.setattr(MesConnector, "policy", replace(MesConnector.policy, rate_per_s=1000))  # of real seconds
    config = {"url": "https://mes.example.test/mes", "key": KEY}
    connection = {"id": "mes", "connector": "mes", "config": config}
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'weft.db')}"
    made = build_house(tmp_path, url, hub_clock, {"connections": [connection]})
    yield made
    made.gateway.close()


def read(house: House) -> None:
    """Every stream once, and what is due by then."""
    live = house.gateway.hub.connection("mes")
    for stream in STREAMS:
        outcome = engine.run(house.gateway, house.gateway.hub, live, stream_of(live, stream))
        assert (outcome.error, outcome.counts.bad) == ("", 0), stream
    house.tick()


def work(house: House) -> None:
    """Carry on until every command has come to its end."""
    for _ in range(10):
        house.work()
        if all(command.done_at for command in house.commands()):
            return
        house.clock.forward(60)


def stopped(house: House, sandbox: Sandbox) -> None:
    """The machine stands for 16 minutes, and its ticket is there."""
    sandbox.state.stop("press-7")
    house.clock.forward(16 * 60)
    read(house)
    (ticket,) = house.tickets()
    assert (ticket.kind, ticket.labels["device"]) == ("maintenance", "press-7")


def repaired(house: House) -> None:
    house.act(house.tickets()[0], "start")
    work(house)
    house.act(house.tickets()[0], "resolve", resolution="更换轴承", cause="hardware")
    work(house)


def told(sandbox: Sandbox) -> list[tuple[str, str]]:
    return [(row["reportType"], row["equipmentId"]) for row in taken(sandbox)]


def test_work_that_starts_is_one_request_and_its_end_one_report_with_cause_and_resolution(
    house: House, sandbox: Sandbox
) -> None:
    stopped(house, sandbox)
    work(house)
    assert told(sandbox) == []
    house.act(house.tickets()[0], "start")
    work(house)
    assert told(sandbox) == [("request", "press-7")]
    house.act(house.tickets()[0], "resolve", resolution="更换轴承", cause="hardware")
    work(house)
    assert told(sandbox) == [("request", "press-7"), ("report", "press-7")]
    assert "更换轴承" in taken(sandbox)[1]["description"]
    assert "hardware" in taken(sandbox)[1]["description"]
    house.ends()
    house.verify()


def test_the_orders_we_made_are_read_back_and_make_neither_ticket_nor_command(house: House, sandbox: Sandbox) -> None:
    stopped(house, sandbox)
    repaired(house)
    (before,) = house.tickets()
    for _ in range(2):
        house.clock.forward(60)
        read(house)
        work(house)
    (after,) = house.tickets()
    assert (after.version, after.status) == (before.version, "resolved")
    assert [command.state for command in house.commands()] == ["done", "done"]
    assert len(taken(sandbox)) == 2
    house.ends()


def test_a_report_whose_answer_is_lost_is_found_by_its_request_and_not_made_again(
    house: House, sandbox: Sandbox, line: Line
) -> None:
    stopped(house, sandbox)
    line.lose_report = True
    repaired(house)
    assert not line.lose_report
    assert told(sandbox) == [("request", "press-7"), ("report", "press-7")]
    assert [command.state for command in house.commands()] == ["done", "done"]
    house.verify()
