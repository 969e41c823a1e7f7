"""Stock of U8 in two warehouses: the safety stock is held against both together, or against each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.u8.sandbox import Sandbox
from gateway.reconcile import stream_of
from gateway.sync import engine
from tests.integration.gateway.in_process import Clock, House, build_house

ITEM = "BRG-6205"
HouseOf = Callable[..., House]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


@pytest.fixture
def house_of(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> Iterator[HouseOf]:
    """Makes the hub with U8, with these settings changed."""
    clock, built = Clock(), list[House]()
    monkeypatch.setattr("gateway.clock.now", clock)
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'weft.db')}"

    def make(**changes: Any) -> House:
        connection = {"id": "u8", "connector": "u8", "config": {**sandbox.settings(), **changes}}
        built.append(build_house(tmp_path, url, clock, {"connections": [connection]}))
        return built[-1]

    yield make
    for house in built:
        house.gateway.close()


def tickets_of(house: House) -> list[dict[str, Any]]:
    """The labels of the item's tickets after its stock was read."""
    live = house.gateway.hub.connection("u8")
    outcome = engine.run(house.gateway, house.gateway.hub, live, stream_of(live, "stock"))
    assert (outcome.error, outcome.counts.bad) == ("", 0)
    house.ends()
    house.verify()
    return [dict(t.labels) for t in house.tickets() if t.kind == "spare_part_purchase" and t.labels["item"] == ITEM]


def test_enough_in_all_warehouses_together_is_enough(house_of: HouseOf, sandbox: Sandbox) -> None:
    sandbox.set_stock(ITEM, "12", "01")
    sandbox.set_stock(ITEM, "30", "02")
    assert tickets_of(house_of()) == []


def test_too_little_in_all_warehouses_together_is_one_ticket_of_the_item(house_of: HouseOf, sandbox: Sandbox) -> None:
    sandbox.set_stock(ITEM, "12", "01")
    sandbox.set_stock(ITEM, "3", "02")
    (labels,) = tickets_of(house_of())
    assert labels["quantity"] == "15 个"


def test_by_warehouse_each_that_has_too_little_is_a_ticket_of_its_own(house_of: HouseOf, sandbox: Sandbox) -> None:
    sandbox.set_stock(ITEM, "12", "01")
    sandbox.set_stock(ITEM, "3", "02")
    house = house_of(safety_stock_by="warehouse")
    assert [(each["warehouse"], each["quantity"]) for each in tickets_of(house)] == [("01", "12 个"), ("02", "3 个")]
    sandbox.set_stock(ITEM, "30", "02")
    tickets_of(house)
    assert sorted(t.status for t in house.tickets() if t.labels.get("item") == ITEM) == ["pending", "resolved"]


def test_by_warehouse_a_purchase_asks_for_what_that_warehouse_lacks(house_of: HouseOf, sandbox: Sandbox) -> None:
    sandbox.set_stock(ITEM, "12", "01")
    sandbox.set_stock(ITEM, "30", "02")
    house = house_of(safety_stock_by="warehouse")
    tickets_of(house)
    (ticket,) = [t for t in house.tickets() if t.labels.get("item") == ITEM]
    house.act(ticket, "approve", text="agreed")
    (command,) = house.commands()
    (line,) = orjson.loads(command.body)["lines"]
    assert (line["item"], str(line["quantity"])) == (ITEM, "188")  # up to the highest stock, 200
