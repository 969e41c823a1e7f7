"""Stock in Kingdee falls below its safety level, buying is approved, and one requisition goes through its life: once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partialmethod
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.contract import Command, Receipt
from connectors.kingdee import KingdeeConnector
from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, USER, Sandbox
from gateway.config import yaml12
from gateway.reconcile import stream_of
from gateway.sync import engine
from tests.integration.gateway.in_process import Clock, House, build_house
from tests.integration.gateway.robot.connector import Killed
from tests.unit.connectors_kingdee.conftest import Line, clock, line, sandbox

__all__ = ["clock", "line", "sandbox"]
README = Path(__file__).parents[3] / "connectors" / "kingdee" / "README.md"
STEPS = ("Save", "Submit", "Audit")


def readme_bridge(until: str) -> dict[str, Any]:
    """The bridge that the README gives as an example, which ends at `until`."""
    (block,) = [b for b in README.read_text(encoding="utf-8").split("```") if b.startswith("yaml") and "bridges:" in b]
    (bridge,) = yaml12.load(block.removeprefix("yaml"))["bridges"]
    assert bridge["body"]["until"] == "'submitted'"
    given: dict[str, Any] = bridge | {"body": bridge["body"] | {"until": f"'{until}'"}}
    return given


@pytest.fixture
def until() -> str:
    return "audited"


@pytest.fixture
def changes() -> dict[str, Any]:
    """To the connection's settings."""
    return {}


@pytest.fixture
def house(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, line: Line, until: str,
    changes: dict[str, Any],
) -> Iterator[House]:  # fmt: skip
    """A hub with Kingdee as `k3` and the README's bridge; 12 of A-1 lie there, the safety stock is 20."""
    hub_clock = Clock()
    monkeypatch.setattr("gateway.clock.now", hub_clock)
    reached = partialmethod(KingdeeConnector.__init__, transport=httpx.MockTransport(line))
    monkeypatch.setattr(KingdeeConnector, "__init__", reached)
    monkeypatch.setattr(
        KingdeeConnector, "policy", replace(KingdeeConnector.policy, rate_per_s=1000)
    )  # of real seconds
    config = {"url": "https://erp.example.test/k3cloud/", "data_center": ACCT, "username": USER, "organization": "100",
              "app_id": APP_ID, "app_secret": APP_SECRET, **changes}  # fmt: skip
    connection = {"id": "k3", "connector": "kingdee", "config": config}
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'weft.db')}"
    made = build_house(tmp_path, url, hub_clock, {"connections": [connection], "bridges": [readme_bridge(until)]})
    sandbox.set_stock("A-1", "01", Decimal(12))
    yield made
    made.gateway.close()


def read_stock(house: House) -> None:
    live = house.gateway.hub.connection("k3")
    outcome = engine.run(house.gateway, house.gateway.hub, live, stream_of(live, "stock"))
    assert (outcome.error, outcome.counts.bad) == ("", 0)


def approve(house: House) -> None:
    read_stock(house)
    (ticket,) = house.tickets()
    assert ticket.kind == "spare_part_purchase"
    house.act(ticket, "approve", text="agreed")


def work(house: House) -> None:
    """Carry on until the command has come to its end, as its waits and leases run out."""
    for _ in range(20):
        house.work()
        if all(command.done_at for command in house.commands()):
            return
        house.clock.forward(150)


def history(sandbox: Sandbox) -> list[str]:
    return [operation for operation, form, _ in sandbox.state.history if form == "PUR_Requisition"]


def is_one_bill(house: House, sandbox: Sandbox, status: str) -> None:
    """One bill of 28, one command that is done, and every message and value accounted for."""
    (bill,) = sandbox.state.docs("PUR_Requisition").values()
    assert bill["fdocumentstatus"] == status
    assert [entry["freqqty"] for entry in bill["entries"]] == [Decimal(28)]  # up to twice the safety stock
    (command,) = house.commands()
    assert (command.op, command.state, command.reason) == ("create_requisition", "done", "")
    house.ends()
    house.verify()


@pytest.mark.parametrize(
    ("until", "status", "steps"), [("submitted", "B", STEPS[:2]), ("audited", "C", STEPS)], ids=["submitted", "audited"]
)
def test_an_approved_purchase_is_one_bill_each_of_whose_steps_was_taken_once(
    house: House, sandbox: Sandbox, status: str, steps: tuple[str, ...]
) -> None:
    read_stock(house)
    assert house.commands() == []  # nothing is bought before somebody approves
    approve(house)
    work(house)
    assert history(sandbox) == list(steps)
    is_one_bill(house, sandbox, status)


def test_stock_read_again_buys_nothing_again_and_enough_of_it_resolves_the_ticket(
    house: House, sandbox: Sandbox
) -> None:
    approve(house)
    work(house)
    read_stock(house)
    work(house)
    sandbox.set_stock("A-1", "01", Decimal(40))
    read_stock(house)
    work(house)
    assert [ticket.status for ticket in house.tickets()] == ["resolved"]
    assert history(sandbox) == list(STEPS)
    is_one_bill(house, sandbox, "C")


def test_workers_that_die_after_every_step_leave_one_bill_each_of_whose_steps_was_taken_once(
    house: House, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, died = KingdeeConnector.write, list[str]()

    def and_die(self: KingdeeConnector, command: Command) -> Receipt:
        try:
            return write(self, command)
        finally:
            died.append(history(sandbox)[-1])
            raise Killed

    monkeypatch.setattr(KingdeeConnector, "write", and_die)
    approve(house)
    for _ in STEPS:
        with pytest.raises(Killed):
            work(house)
        house.clock.forward(150)
    work(house)
    assert died == list(STEPS)
    assert history(sandbox) == list(STEPS)
    is_one_bill(house, sandbox, "C")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_whose_answer_is_lost_is_looked_for_and_not_taken_again(
    house: House, sandbox: Sandbox, line: Line, step: str
) -> None:
    approve(house)
    line.lose = step
    work(house)
    assert line.lose == ""
    assert history(sandbox) == list(STEPS)
    is_one_bill(house, sandbox, "C")


@pytest.mark.parametrize(
    ("changes", "second", "tickets"),
    [
        ({}, 30, []),  # 42 in both together
        ({}, 3, [{"item": "A-1", "quantity": "15.0 个"}]),
        ({"safety_stock_by": "warehouse"}, 30, [{"warehouse": "01", "quantity": "12 个"}]),
        (
            {"safety_stock_by": "warehouse"},
            3,
            [{"warehouse": "01", "quantity": "12 个"}, {"warehouse": "02", "quantity": "3 个"}],
        ),
    ],
    ids=["enough together", "too little together", "too little in one", "too little in both"],
)
def test_the_safety_stock_is_held_against_all_warehouses_or_against_each(
    house: House, sandbox: Sandbox, second: int, tickets: list[dict[str, str]]
) -> None:
    sandbox.set_stock("A-1", "02", Decimal(second))
    read_stock(house)
    found = house.tickets()
    assert len(found) == len(tickets)
    for ticket, wanted in zip(found, tickets, strict=True):
        assert wanted.items() <= ticket.labels.items()
    house.verify()
