"""A pushed and a read problem are one alert, and what is on by default fits the connector."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml

from connectors.contract import Delivery
from connectors.zabbix import ZabbixConnector
from connectors.zabbix.records import SCHEMA
from connectors.zabbix.sandbox import Sandbox
from mappings import Mapping, compile_expression, format_path, load_library
from tests.unit.connectors_zabbix.conftest import ADMIN, HUB, VERSIONS, Clock, Connect


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return load_library("mappings.zabbix")["zabbix_problem"]


@pytest.fixture
def defaults() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(files("connectors.zabbix").joinpath("defaults.yaml").read_text("utf-8"))
    return loaded


def test_the_mapping_passes_its_own_tests(mapping: Mapping) -> None:
    assert mapping.check() == []


def test_the_mapping_reads_only_what_the_stream_has(mapping: Mapping) -> None:
    roots = {format_path(path).split(".")[0] for path in mapping.reads}
    assert roots <= set(SCHEMA["properties"])


@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)
def test_pushed_and_read_a_problem_is_the_same_alert(
    sandbox: Sandbox, connect: Connect, too_hot: Any, press: Any, clock: Clock, mapping: Mapping
) -> None:
    connector = connect(time_zone="UTC")
    connector.install(HUB, administrator=ADMIN)

    def pushed() -> dict[str, Any]:
        message = sandbox.outbox.pop()
        (event,) = connector.receive(Delivery(message.body, message.headers))
        return mapping.run(event.record).values

    def read() -> dict[str, Any]:
        records = [r for b in connector.read(connector.streams()[0], None) for r in b.records]
        return mapping.run(records[-1]).values

    only_pushed = {"value", "unit"}
    sandbox.state.receive(press["item"], 95)
    first, again = pushed(), read()
    assert {k: v for k, v in first.items() if k not in only_pushed} == {
        k: v for k, v in again.items() if k not in only_pushed
    }
    assert (first["key"], first["episode"]) == (f"{too_hot['triggerid']}@{press['host']['hostid']}", "1")
    assert (first["status"], first["severity"], first["device"], first["site"]) == ("firing", "major", "press-7", "HZ")
    clock.now += 30
    sandbox.state.receive(press["item"], 20)
    first, again = pushed(), read()
    assert {k: v for k, v in first.items() if k not in only_pushed} == {
        k: v for k, v in again.items() if k not in only_pushed
    }
    assert (first["status"], first["ends_at"]) == ("resolved", clock.moment())


def test_the_defaults_name_what_the_connector_offers(defaults: dict[str, Any]) -> None:
    operations = {o.name: o.body_schema for o in ZabbixConnector.operations(None)}  # type: ignore[arg-type]
    questions = {q.name: set(q.needs) for q in ZabbixConnector.questions(None)}  # type: ignore[arg-type]
    for bridge in defaults["bridges"]:
        assert set(bridge["body"]) <= set(operations[bridge["op"]]["properties"])
        assert set(bridge["key"]) == {"eventid"}
    for context in defaults["context"]:
        assert set(context["inputs"]) == questions[context["question"]]


def test_the_expressions_of_the_defaults_compile_and_say_what_they_should(defaults: dict[str, Any]) -> None:
    facts = {
        "origin": "zabbix",
        "alert": {"episode": "4711", "device": "press-7"},
        "ticket": {"id": "TKT-2026-000001", "resolution": "Fan replaced"},
        "event": {"message": "Ordered a fan"},
    }
    said = {}
    for bridge in defaults["bridges"]:
        assert compile_expression(bridge["when"]).evaluate(facts) is True
        assert compile_expression(bridge["when"]).evaluate(facts | {"origin": "mqtt"}) is False
        assert compile_expression(bridge["key"]["eventid"]).evaluate(facts) == "4711"
        said[bridge["op"]] = compile_expression(bridge["body"]["message"]).evaluate(facts)
    assert said == {
        "acknowledge": "Weft TKT-2026-000001: in progress",
        "close_or_acknowledge": "Weft TKT-2026-000001: resolved. Fan replaced",
        "message": "Weft TKT-2026-000001: Ordered a fan",
    }
    for context in defaults["context"]:
        assert compile_expression(context["when"]).evaluate(facts) is True
        assert compile_expression(context["inputs"]["device"]).evaluate(facts) == "press-7"
