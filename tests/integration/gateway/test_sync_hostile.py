"""Records that no system should give, and pages that meet pushed records on their way: each harms only itself."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import BadRecord
from gateway import clock
from gateway.sync import passes
from gateway.sync.state import Counts
from gateway.usecases import syncing
from tests.integration.gateway.replicas import Keep
from tests.integration.gateway.test_sync import ZERO, another_mapping, customer, stock

LOW = {
    "id": "low", "on": "StockLevel", "when": "total.quantity is not None and total.quantity < 5",
    "ticket": {"kind": "'spare_part_purchase'", "priority": "'P2'", "title": "concat('low ', text(total.quantity))"},
}  # fmt: skip


def nested(depth: int) -> Any:
    made: Any = 1
    for _ in range(depth):
        made = {"a": made}
    return made


ODD: dict[str, dict[Any, Any]] = {
    "half a character in the key": {"item": "\ud800"},
    "no key": {"item": None},
    "nested beyond what JSON is written": {"x": nested(300)},
    "nested beyond Python's stack": {"x": nested(900)},
    "a million characters": {"name": "x" * 1_000_000},
    "NUL in a text": {"name": "n\0l"},
    "a huge negative number": {"qty": "-1e30"},
    "beyond a double": {"qty": Decimal("-1E+400")},
    "more digits than are reckoned with": {"qty": "-" + "9" * 40},
    "no number": {"qty": "NaN"},
    "infinite": {"qty": float("inf")},
    "names that are no text": {1: 2},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_record_harms_only_itself(keep_of: Callable[..., Keep], odd: dict[Any, Any]) -> None:
    keep = keep_of({"rules": [LOW]})
    keep.erp.put("stock", stock("A1"), stock("A2") | odd, stock("A3"))
    told = keep.run("stock")
    assert told["error"] == ""
    assert {"A1/01/", "A3/01/"} <= set(keep.held("stock"))
    keep.house.ends()
    keep.house.verify()


@pytest.mark.parametrize(
    "odd", [{"code": ""}, {"code": "\ud800"}, {"code": "\ud800", "_deleted": True}, {"uscc": "\ud800"}]
)
def test_a_thing_that_cannot_be_named_is_a_dead_letter(keep: Keep, odd: dict[str, Any]) -> None:
    keep.erp.put("customers", customer("c1"), customer("c2") | odd, customer("c3"))
    assert keep.sync("customers") == ZERO | {"read": 3, "added": 2, "bad": 1}
    assert keep.house.ends() == {"dead": 1}


@pytest.mark.parametrize(
    "bad",
    [
        BadRecord("no key", record={"item": "\ud800"}),
        BadRecord("half a \ud800", record={"item": "1"}, hint="mend \ud800"),
        BadRecord("nested", record=nested(300)),
        BadRecord("a\0b", record={"a\0": "\0"}, hint="\0"),
        BadRecord("bytes", record=b"\x00"),
        BadRecord("a key that is a map", record={"item": {"a": 1}}),
    ],
    ids=str,
)
def test_whatever_a_connector_cannot_use_can_be_kept(keep: Keep, bad: BadRecord) -> None:
    keep.erp.put("stock", stock("A1"))
    keep.erp.bad["stock"] = [bad]
    assert keep.sync("stock") == ZERO | {"read": 2, "added": 1, "bad": 1}
    assert keep.house.ends() == {"dead": 1}


# -- pages and pushed records --------------------------------------------------------------------------------------------


def test_what_is_pushed_while_the_whole_is_read_is_not_absent(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(250)))
    keep.sync("stock")
    keep.house.clock.forward(60)

    def push(counts: Counts) -> None:
        keep.house.clock.forward(1)
        if counts.read == 100:
            keep.push("stock", stock("NEW", 3))

    told = syncing.run(keep.house.gateway, keep.live(), "stock", progress=push)
    assert (told["error"], told["absent"]) == ("", 0)
    assert "NEW/01/" in keep.held("stock")
    keep.house.ends()


@pytest.mark.parametrize("changed_before", [False, True])
def test_a_page_older_than_a_pushed_deletion_brings_nothing_back(keep: Keep, changed_before: bool) -> None:
    keep.erp.put("customers", customer("c1", city="old"), customer("c2"))
    keep.sync("customers")
    keep.house.clock.forward(60)
    if changed_before:
        keep.push("customers", customer("c1", city="new"))
    keep.push("customers", customer("c1"), op="delete")
    keep.house.clock.now -= 30 * clock.SECOND
    keep.erp.put("customers", customer("c1", city="older"))
    assert keep.sync("customers") == ZERO | {"read": 1, "unchanged": 1}
    assert set(keep.held("customers")) == {"c2"}


def test_a_tombstone_older_than_what_was_pushed_deletes_nothing(keep: Keep) -> None:
    keep.erp.put("customers", customer("c1", city="old"))
    keep.sync("customers")
    keep.house.clock.forward(60)
    keep.push("customers", customer("c1", city="new"))
    keep.house.clock.now -= 30 * clock.SECOND
    keep.erp.put("customers", {"code": "c1", "_deleted": True})
    assert keep.sync("customers") == ZERO | {"read": 1, "unchanged": 1}
    assert keep.held("customers")["c1"]["city"] == "new"


def test_rules_are_not_told_of_a_page_that_came_late(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of({"rules": [LOW]})
    keep.erp.put("stock", stock("A1", 10))
    keep.sync("stock")
    keep.house.clock.forward(60)
    keep.push("stock", stock("A1", 20))
    keep.house.clock.now -= 30 * clock.SECOND
    keep.erp.put("stock", stock("A1", 1))
    keep.run("stock")
    assert keep.house.tickets() == []


# -- mappings and clocks -------------------------------------------------------------------------------------------------


def test_a_mapping_taken_back_after_half_a_run_leaves_nothing_of_it(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    keep.erp.put("customers", *(customer(f"c{n}") for n in range(250)))
    keep.sync("customers")
    fields = {"id": "code", "name": "upper(name)"}
    keep.apply(another_mapping("customers", "Customer", fields, {"code": "a", "name": "b"}))
    keep.erp.fails_at_page = 1
    assert keep.run("customers")["changed"] == 100
    keep.erp.fails_at_page = None
    keep.apply({"connections": [{"id": "erp", "connector": "books", "config": {"place": "erp"}}]})
    assert keep.sync("customers")["changed"] == 100
    assert {held["name"][:4] for held in keep.held("customers").values()} == {"Cust"}


def test_a_clock_that_is_set_back_keeps_no_stream_from_being_read(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1"))
    keep.sync("stock")
    keep.house.clock.forward(-86_400)
    keep.erp.put("stock", stock("A2"))
    assert keep.sync("stock")["added"] == 1
