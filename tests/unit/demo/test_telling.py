"""What the terminal of the tour shows of tickets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.demo.story import steps
from gateway.demo.telling import MANY, Teller
from gateway.settings import Settings

STEPS = {step.id: step for step in steps()}


class Hub:
    """The tickets that the API answers with, newest first."""

    def __init__(self) -> None:
        self.tickets: list[dict[str, Any]] = []

    def open(self, title: str, kind: str = "incident", priority: str = "P1") -> dict[str, Any]:
        ticket = {"id": f"TKT-2026-{len(self.tickets) + 1:06}", "title": title, "kind": kind, "priority": priority,
                  "status": "pending"}  # fmt: skip
        self.tickets.insert(0, ticket)
        return ticket

    def get(self, url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, json={"items": self.tickets}, request=httpx.Request("GET", url))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    monkeypatch.setattr("gateway.demo.telling.httpx.get", hub.get)
    return hub


@pytest.fixture
def teller(hub: Hub) -> Teller:
    return Teller(Settings(home=Path("var/tour")), "weft_token")


def test_a_ticket_is_told_once_and_again_when_its_status_changes(
    hub: Hub, teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    ticket = hub.open("Pump too hot")
    teller.look()
    teller.look()
    ticket["status"] = "resolved"
    teller.look()
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2
    assert "P1  Pump too hot" in told[0]
    assert "pending → resolved" in told[1]


def test_the_ticket_of_a_step_comes_with_commands_that_can_be_copied(
    hub: Hub, teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    teller.step(STEPS["payment"])
    hub.open("支付失败率过高 Payments fail: Payment gateway 1")
    teller.look()
    told = capsys.readouterr().out
    assert "WEFT_HOME=var/tour .venv/bin/weft explain TKT-2026-000001" in told
    assert "http://127.0.0.1:8480/v1/tickets/TKT-2026-000001/resolve" in told
    assert """-d '{"resolution": """ in told
    assert ".venv/bin/python -m gateway.demo.look zabbix" in told
    assert "weft_token" not in told


def test_a_ticket_of_no_step_is_told_without_hints(
    hub: Hub, teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.open("Load of this machine")
    teller.look()
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_of_many_tickets_of_one_kind_only_the_first_are_told(
    hub: Hub, teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        hub.open(f"Too little coolant: spindle-{number}")
    teller.look()
    told = capsys.readouterr().out.splitlines()
    assert len(told) == MANY + 1
    assert "more and more" in told[-1]
