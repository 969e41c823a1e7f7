"""Mappings, rules, bridges and questions that are on for a connection with nothing but its config."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Command, Outcome
from connectors.example_company import CUSTOMERS, ITEMS, SUPPLIERS
from connectors.u8 import U8Connector
from connectors.u8.questions import QUESTIONS
from connectors.u8.requisitions import OPERATIONS
from connectors.u8.sandbox import Sandbox
from connectors.u8.tables import SOURCES
from gateway.automation.rules import compile_bridges, compile_questions, compile_rules
from gateway.config.provided import defaults_of
from mappings import Mapping, load_library
from tests.unit.connectors_u8.conftest import Make, records

LIBRARY = {mapping.stream: mapping for mapping in load_library("mappings.u8").values()}
DEFAULTS = defaults_of(U8Connector)


@pytest.mark.parametrize("mapping", LIBRARY.values(), ids=list(LIBRARY))
def test_each_mapping_passes_its_own_tests(mapping: Mapping) -> None:
    assert mapping.check() == []


def test_every_stream_has_a_mapping() -> None:
    assert SOURCES.keys() == LIBRARY.keys()


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_mapping_reads_only_what_its_stream_has(name: str) -> None:
    known = {column.name for column in SOURCES[name].columns}
    assert {str(path[0]) for path in LIBRARY[name].reads} <= known


@pytest.mark.parametrize("name", list(SOURCES))
def test_every_record_of_the_stand_in_is_mapped(make: Make, name: str) -> None:
    for record in records(make(), name):
        result = LIBRARY[name].run(record)
        assert result.dead is None
        assert result.errors == ()


def test_the_example_company_comes_out_of_it(make: Make) -> None:
    connector = make()
    mapped = {
        name: [LIBRARY[name].run(r).values for r in records(connector, name)]
        for name in ("stock", "customers", "vendors")
    }
    stock = {v["item"]: (v["quantity"], v["safety_stock"], v["item_quantity"]) for v in mapped["stock"]}
    assert {i.code: (i.stock, i.safety, i.stock) for i in ITEMS}.items() <= stock.items()
    assert {v["id"]: v["credit_code"] for v in mapped["customers"]} == {c.erp: c.credit_code or None for c in CUSTOMERS}
    assert {v["id"]: v["credit_code"] for v in mapped["vendors"]} == {s.code: s.credit_code for s in SUPPLIERS}


def decided(record: dict[str, Any]) -> str:
    """Which of the default rules takes this stock record, by the hub's own way."""
    rule = compile_rules(DEFAULTS.rules).first("StockLevel", record)
    return rule.spec.id if rule is not None else ""


def stock(**changes: Any) -> dict[str, Any]:
    usual = {"item": "BRG-6205", "warehouse": "01", "quantity": Decimal(5), "safety_stock": Decimal(20)}
    return {**usual, "item_quantity": Decimal(12), "origin": "u8", "connection": "erp", **changes}


def test_the_stock_of_all_warehouses_is_compared_with_the_items_safety_stock() -> None:
    assert decided(stock()) == "u8-stock-below-safety"
    assert decided(stock(item_quantity=Decimal(20))) == "u8-stock-suffices"
    assert decided(stock(safety_stock=Decimal(0))) == "u8-stock-suffices"
    assert decided(stock(safety_stock=None)) == "u8-stock-suffices"


def test_the_stock_of_other_systems_is_left_to_the_hubs_own_rule() -> None:
    assert decided(stock(origin="kingdee")) == ""


def test_bridges_call_operations_that_there_are() -> None:
    assert {bridge.op for bridge in DEFAULTS.bridges} <= {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize(("top", "ordered"), [(Decimal(200), "188"), (None, "28"), (Decimal(0), "28")])
def test_an_approved_ticket_orders_up_to_the_highest_stock(
    make: Make, sandbox: Sandbox, top: Decimal | None, ordered: str
) -> None:
    (bridge,) = compile_bridges([(bridge, "u8") for bridge in DEFAULTS.bridges])
    ticket = {"id": "TKT-2026-000001", "kind": "spare_part_purchase"}
    record = {"ticket": ticket, "origin": "u8", "record": "StockLevel", "alert": stock(top_stock=top)}
    assert bridge.when is not None
    assert bridge.when.evaluate(record) is True
    key = {name: e.evaluate(record) for name, e in bridge.key.items()}
    body = {name: e.evaluate(record) for name, e in bridge.body.items()}
    receipt = make(requisitions="sql").write(Command("c-1", bridge.spec.op, key, body))
    assert receipt.outcome is Outcome.applied
    assert [(line["item"], line["quantity"]) for line in sandbox.requisitions()[0]["lines"]] == [("BRG-6205", ordered)]


def test_every_question_is_asked() -> None:
    assert {asked.question for asked in DEFAULTS.context} == {question.name for question in QUESTIONS}
    assert compile_questions([(asked, "erp") for asked in DEFAULTS.context])
