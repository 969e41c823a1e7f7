"""Rules on records that are changed while their condition stands, and conditions that end before their time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.integration.gateway.replicas import Keep
from tests.integration.gateway.test_sync import another_mapping, stock


def rule(**more: Any) -> dict[str, Any]:
    ticket = {"kind": "'spare_part_purchase'", "priority": "'P2'", "title": "concat('low ', text(quantity))"}
    return {"id": "low", "on": "StockLevel", "when": "quantity is not None and quantity < 5", "ticket": ticket} | more


def titles(keep: Keep) -> list[tuple[str, str]]:
    return [(t.status, t.title) for t in keep.house.tickets()]


def test_a_rule_changed_while_its_time_runs_fires_only_if_it_holds(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of({"rules": [rule(**{"for": "1h"})]})
    keep.erp.put("stock", stock("A1", 4))
    keep.sync("stock")
    keep.apply({"rules": [rule(**{"for": "1h", "when": "quantity < 2"})]})
    keep.house.clock.forward(3601)
    keep.house.tick()
    assert titles(keep) == []
    keep.house.clock.forward(3601)
    assert keep.house.tick() == 0


def test_a_shorter_time_counts_for_what_stands_already(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of({"rules": [rule(**{"for": "24h"})]})
    keep.erp.put("stock", stock("A1", 4))
    keep.sync("stock")
    keep.apply({"rules": [rule(**{"for": "1h"})]})
    keep.sync("stock")
    keep.house.clock.forward(3601)
    keep.house.tick()
    assert titles(keep) == [("pending", "low 4")]


def test_a_longer_time_counts_for_what_stands_already(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of({"rules": [rule(**{"for": "1h"})]})
    keep.erp.put("stock", stock("A1", 4))
    keep.sync("stock")
    keep.apply({"rules": [rule(**{"for": "24h"})]})  # and nothing is read until the first time has come
    keep.house.clock.forward(3601)
    keep.house.tick()
    assert titles(keep) == []
    keep.house.clock.forward(23 * 3600)
    keep.house.tick()
    assert titles(keep) == [("pending", "low 4")]


def test_what_has_not_lasted_ends_with_its_condition_though_until_does_not_hold(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of({"rules": [rule(**{"for": "1h", "until": "quantity > 20"})]})
    keep.erp.put("stock", stock("A1", 4))
    keep.sync("stock")
    keep.erp.put("stock", stock("A1", 10))
    keep.sync("stock")
    keep.house.clock.forward(3601)
    keep.house.tick()
    assert titles(keep) == []


def test_a_record_that_becomes_part_of_a_whole_leaves_no_ticket_behind(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of()
    fields = {"item": "item", "warehouse": "warehouse", "quantity": {"expr": "num(qty)", "on_error": "dead_letter"}}
    sample = {"item": "a", "warehouse": "1", "qty": "3"}
    keep.apply(another_mapping("stock", "StockLevel", fields, sample) | {"rules": [rule()]})
    keep.erp.put("stock", stock("A1", 3, batch="B1"))
    keep.sync("stock")
    assert titles(keep) == [("pending", "low 3")]
    keep.apply(another_mapping("stock", "StockLevel", fields | {"batch": "batch"}, sample))
    keep.sync("stock")
    keep.erp.put("stock", stock("A1", 30, batch="B1"))
    keep.sync("stock")
    assert {status for status, _ in titles(keep)} == {"resolved"}
    keep.house.verify()
    keep.house.ends()
