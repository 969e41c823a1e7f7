"""What the streams give becomes canonical records, and what is on by default fits the connector."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from connectors.mes import MesConfig, MesConnector
from connectors.mes.operations import REPORT
from connectors.mes.records import SHAPES
from connectors.mes.sandbox import Sandbox
from gateway.config import yaml12
from mappings import compile_expression, format_path, load_library
from tests.unit.connectors_mes.conftest import Connect, records

MAPPINGS = load_library("mappings.mes")
TARGETS = {
    "equipment": "Device",
    "downtime": "Downtime",
    "oee": "Oee",
    "work_orders": "Order",
    "inspections": "Inspection",
}


@pytest.fixture
def defaults() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml12.load(files("connectors.mes").joinpath("defaults.yaml").read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_mapping_passes_its_own_tests(name: str) -> None:
    assert MAPPINGS[name].check() == []


@pytest.mark.parametrize("stream", TARGETS)
def test_a_mapping_reads_only_what_its_stream_has(stream: str) -> None:
    made = MAPPINGS[f"mes_{stream}"]

    assert made.target == TARGETS[stream]
    assert {format_path(path).split(".")[0] for path in made.reads} <= set(SHAPES[stream].kinds)


@pytest.mark.parametrize("stream", TARGETS)
def test_every_record_of_the_example_company_is_mapped(sandbox: Sandbox, connect: Connect, stream: str) -> None:
    found = records(connect(sandbox), stream)

    results = [MAPPINGS[f"mes_{stream}"].run(record) for record in found]

    assert found
    assert [(result.dead, result.errors) for result in results if result.dead or result.errors] == []


def test_the_bad_batch_is_a_failed_inbound_inspection(sandbox: Sandbox, connect: Connect) -> None:
    mapped = [MAPPINGS["mes_inspections"].run(r).values for r in records(connect(sandbox), "inspections")]

    (bad,) = (inspection for inspection in mapped if inspection["result"] == "fail")
    assert (bad["item"], bad["supplier"], bad["inbound"]) == ("BRG-6205", "V001", True)
    assert bad["defect_rate"] == Decimal("0.06")


def test_what_is_on_by_default_asks_only_for_what_the_connector_offers(defaults: dict[str, Any]) -> None:
    connector = MesConnector(MesConfig(url="https://mes.example.test"))
    questions = {question.name: set(question.needs) for question in connector.questions()}
    (operation,) = connector.operations()
    properties = operation.body_schema["properties"]

    assert {entry["question"]: set(entry["inputs"]) for entry in defaults["context"]} == questions
    for bridge in defaults["bridges"]:
        assert bridge["op"] == REPORT
        assert set(operation.body_schema["required"]) <= set(bridge["body"]) <= set(properties)


def test_a_maintenance_ticket_is_requested_when_work_starts_and_reported_when_it_is_resolved(
    defaults: dict[str, Any],
) -> None:
    ticket = {"id": "TKT-2026-000001", "kind": "maintenance", "priority": "P1", "title": "停机", "cause": "轴承磨损"}
    seen = {"ticket": ticket, "local": {"device": "press-7"}, "alert": {}}
    bodies = {}
    for bridge in defaults["bridges"]:
        assert compile_expression(bridge["when"]).evaluate(seen) is True
        assert compile_expression(bridge["when"]).evaluate({**seen, "local": {}}) is False
        assert compile_expression(bridge["when"]).evaluate({**seen, "ticket": {**ticket, "kind": "incident"}}) is False
        bodies[bridge["on"]] = {name: compile_expression(text).evaluate(seen) for name, text in bridge["body"].items()}

    assert bodies["ticket.started"]["type"] == "request"
    assert bodies["ticket.resolved"]["description"] == "停机\n轴承磨损"
