"""What Kingdee says in the hub's words, and what is on by default."""

from __future__ import annotations

import re
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from connectors.kingdee import KingdeeConnector
from connectors.kingdee.config import STREAMS
from connectors.kingdee.sandbox import Sandbox
from gateway.automation.rules import compile_bridges, compile_questions, compile_rules
from gateway.automation.specs import Bridge, Defaults
from gateway.config import yaml12
from gateway.config.provided import defaults_of
from mappings import Mapping, compile_expression, format_path, load_library
from tests.unit.connectors_kingdee.conftest import Connect, read, stream

LIBRARY = load_library("mappings.kingdee")
BY_STREAM: dict[str, Mapping] = {str(mapping.stream): mapping for mapping in LIBRARY.values()}
RECORDS = {
    "items": "Article",
    "stock": "StockLevel",
    "customers": "Customer",
    "suppliers": "Supplier",
    "purchase_orders": "Order",
    "sales_orders": "Order",
    "arrivals": "Delivery",
    "receipts": "Delivery",
    "bom": "BomLine",
}


@pytest.fixture
def sandbox(clock: Any) -> Sandbox:
    """With the example company."""
    return Sandbox(clock=clock.local)


@pytest.fixture
def defaults() -> Defaults:
    return defaults_of(KingdeeConnector)


def test_every_stream_has_its_mapping() -> None:
    assert {name: str(mapping.target) for name, mapping in BY_STREAM.items()} == RECORDS
    assert set(RECORDS) == set(STREAMS)


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_a_mapping_passes_its_own_tests(name: str) -> None:
    assert LIBRARY[name].check() == []


@pytest.mark.parametrize("name", STREAMS)
def test_a_mapping_reads_only_what_the_stream_has(name: str, connect: Connect) -> None:
    properties = stream(connect(), name).schema_["properties"]
    for path in BY_STREAM[name].reads:
        owner, *inner = path
        assert owner in properties, format_path(path)
        if inner:
            assert inner[0] in properties[owner]["properties"], format_path(path)


@pytest.mark.parametrize("name", STREAMS)
def test_the_example_company_arrives_whole(name: str, connect: Connect) -> None:
    records, _ = read(connect(), name)
    assert records
    for record in records:
        result = BY_STREAM[name].run(record)
        assert (result.dead, result.errors, result.matched) == (None, (), True)


def test_the_example_companys_bearing_is_below_its_safety_stock(connect: Connect) -> None:
    records, _ = read(connect(), "stock")
    (bearing,) = [BY_STREAM["stock"].run(r).values for r in records if r["item"] == "BRG-6205"]
    assert (bearing["quantity"], bearing["available"], bearing["safety_stock"]) == (12, 12, 20)


def test_the_defaults_name_what_the_connector_offers(defaults: Defaults, connect: Connect) -> None:
    questions = {q.name: set(q.needs) for q in connect().questions()}
    assert {c.question for c in defaults.context} == set(questions)
    for context in defaults.context:
        assert set(context.inputs) == questions[context.question]


def test_the_defaults_ask_only_about_what_this_connection_knows(defaults: Defaults) -> None:
    compile_questions([(question, "k3") for question in defaults.context])
    for context in defaults.context:
        (name,) = context.inputs
        assert context.when is not None
        when, given = compile_expression(context.when), compile_expression(context.inputs[name])
        assert when.evaluate({"local": {}}) is False
        assert when.evaluate({"local": {name: "X-1"}}) is True
        assert given.evaluate({"local": {name: "X-1"}}) == "X-1"


@pytest.mark.parametrize(
    ("stock", "rule"),
    [
        ({"quantity": 12, "item_quantity": 12, "safety_stock": 20}, "kingdee-stock-below-safety"),
        ({"quantity": 12, "item_quantity": 32, "safety_stock": 20}, "kingdee-stock-suffices"),
        ({"quantity": 0, "item_quantity": 0, "low_stock": 4}, "kingdee-stock-below-safety"),
        ({"quantity": 0, "item_quantity": 0}, "kingdee-stock-suffices"),
    ],
)
def test_an_article_is_short_when_all_its_warehouses_together_are(
    stock: dict[str, int], rule: str, defaults: Defaults
) -> None:
    rules = compile_rules(defaults.rules)
    record = {"origin": "kingdee", "item": "A-1", "warehouse": "01", **{k: Decimal(v) for k, v in stock.items()}}
    found = rules.first("StockLevel", record)
    assert found is not None
    assert found.spec.id == rule
    other = rules.first("StockLevel", {**record, "origin": "u8"})
    assert other is None


def test_nothing_is_written_by_default(defaults: Defaults) -> None:
    assert defaults.bridges == []


def test_the_example_of_a_bridge_in_the_readme_works(connect: Connect) -> None:
    text = files("connectors.kingdee").joinpath("README.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(bridges:.*?)```", text, re.DOTALL)
    bridge = Bridge.model_validate(yaml12.load(block)["bridges"][0])
    (compiled,) = compile_bridges([(bridge, None)])
    facts = {
        "ticket": {"id": "TKT-2026-000001", "kind": "spare_part_purchase", "title": "备件需采购"},
        "connection": "k3",
        "record": "StockLevel",
        "alert": {"item": "BRG-6205", "quantity": 12, "item_quantity": 12, "safety_stock": 20, "top_stock": 200},
    }
    assert compiled.when is not None
    assert compiled.when.evaluate(facts) is True
    assert compiled.when.evaluate({**facts, "connection": "k4"}) is False
    body = {name: expression.evaluate(facts) for name, expression in compiled.body.items()}
    (operation,) = [o for o in KingdeeConnector.operations(connect()) if o.name == bridge.op]
    assert set(body) <= set(operation.body_schema["properties"])
    assert body["lines"] == [{"item": "BRG-6205", "quantity": 188}]
    assert body["until"] == "submitted"
