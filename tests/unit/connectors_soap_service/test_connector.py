"""A service that a manifest describes: what is called, and what its faults mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors.contract import Ask, Command, Outcome
from connectors.errors import AuthProblem, ConfigProblem, Transient
from connectors.manifest import BadManifest, connector_of, kinds, yaml_text
from connectors.settings import parse_config
from connectors.soap_service.sandbox import Sandbox
from tests.conformance.test_soap import QUESTION, SCAFFOLD, changed


class Service:
    """A connector on its own stand-in, and the requests that it made."""

    def __init__(self, kind: Any, *, version: str = "1.1", **config: Any) -> None:
        told = {"url": "http://service.test/orders", "user": "weft", "password": "the-password-1", "timeout_s": 2.0}
        made = parse_config(kind, {**told, "soap_version": version, **config})
        self.sandbox = Sandbox(kind, {name: getattr(made, name) for name in type(made).model_fields} | told)
        self.requests: list[httpx.Request] = []
        self.answer: httpx.Response | None = None
        self.connector = kind(made, transport=httpx.MockTransport(self.handle))

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer or self.sandbox.handle(request)

    def read(self) -> list[Any]:
        (stream,) = self.connector.streams()
        return [record for batch in self.connector.read(stream, None) for record in batch.records]


def row(no: str, minute: int = 0) -> dict[str, Any]:
    return {"no": no, "item": "BRG-6205", "quantity": "1.50", "changedAt": f"2026-11-01T08:{minute:02}:00Z"}


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_a_list_of_one_and_an_empty_list_are_lists(n: int) -> None:
    service = Service(connector_of(SCAFFOLD))
    service.sandbox.rows["order"] = [row(f"W-{i}", i) for i in range(n)]
    found = {record["no"]: record["quantity"] for record in service.read()}
    assert found == {f"W-{i}": Decimal("1.50") for i in range(n)}


def test_a_command_is_one_call_whose_values_are_the_commands_own() -> None:
    service = Service(connector_of(SCAFFOLD))
    command = Command("c-1", "report", {"no": "W-1"}, {"quantity": Decimal("2.5")})
    receipt = service.connector.write(command)
    assert receipt.outcome is Outcome.applied
    (effect,) = service.sandbox.effects
    assert (effect.found["key.no"], effect.found["body.quantity"]) == ("W-1", Decimal("2.5"))
    assert service.connector.confirm(command) is not None
    assert service.connector.confirm(Command("c-2", "report", {"no": "W-1"}, {"quantity": Decimal(1)})) is None


def test_arguments_that_do_not_fit_the_wsdl_are_a_refusal_and_never_sent() -> None:
    report = yaml_text.load(SCAFFOLD)["operations"]["report"]
    call = {"operation": "ReportOrder", "arguments": {"no": "{key.no}", "quantity": "1", "colour": "red"}}
    service = Service(changed("odd", operations={"report": report | {"call": call}}))
    receipt = service.connector.write(Command("c", "report", {"no": "W-1"}, {"quantity": Decimal(1)}))
    assert receipt.outcome is Outcome.rejected
    assert "colour" in receipt.reason
    assert service.requests == []


def test_what_the_service_does_not_know_is_no_answer() -> None:
    service = Service(changed("asked", questions={"report_of": QUESTION}))
    assert service.connector.lookup(Ask("report_of", {"reference": "nowhere"}, 2)) is None
    answer = service.connector.lookup(Ask("report_of", {"reference": "x-1"}, 2))
    assert answer.values == {"report": "R-7"}
    assert answer.link == "http://service.test/orders/reports/x-1"


def test_other_credentials_are_refused() -> None:
    service = Service(connector_of(SCAFFOLD), password="another-password")
    with pytest.raises(AuthProblem):
        service.connector.check()


def test_a_fault_of_the_service_is_no_refusal() -> None:
    service = Service(connector_of(SCAFFOLD))
    service.answer = service.sandbox._fault("Server", "deadlock")
    with pytest.raises(Transient):
        service.read()


def test_check_names_operations_that_the_wsdl_does_not_have() -> None:
    check = {"call": {"operation": "GetVersion"}, "sample": "1.0"}
    stream = yaml_text.load(SCAFFOLD)["streams"]["order"]
    call = {**stream["call"], "operation": "GetOrderz"}
    service = Service(changed("newer", check=check, streams={"order": stream | {"call": call}}))
    with pytest.raises(ConfigProblem, match="GetOrderz"):
        service.connector.check()


def test_a_wsdl_with_a_document_type_is_not_read() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]>' + yaml_text.load(SCAFFOLD)["wsdl_text"]
    kind = changed("bomb", wsdl_text=bomb)
    config = parse_config(kind, {"url": "http://service.test", "user": "u", "password": "the-password-1"})
    with pytest.raises(ConfigProblem):
        kind(config, transport=httpx.MockTransport(lambda _: httpx.Response(500))).check()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"streams": {}, "operations": {}, "mappings": {}}, "at least one of streams"),
        (
            {"check": {"call": {"operation": "GetVersion", "arguments": {"a": "{since}"}}, "sample": 1}},
            "has no value here",
        ),
        ({"auth": {"kind": "wsse", "username": "{config.nobody}", "password": "{config.password}"}}, "config.nobody"),
        ({"auth": {"kind": "element", "name": "Key", "value": "x"}}, "auth"),
        ({"faults": [{"match": "(", "means": "auth"}]}, "no regular expression"),
        ({"zone": "Mars/Base"}, "there is no time zone"),
    ],
)
def test_a_mistake_is_refused_with_what_to_write_instead(more: dict[str, Any], told: str) -> None:
    with pytest.raises(BadManifest) as refusal:
        changed("wrong", **more)
    assert told in str(refusal.value)


def test_a_service_has_no_links_to_follow() -> None:
    stream = yaml_text.load(SCAFFOLD)["streams"]["order"]
    call = {"operation": "GetOrders", "arguments": {"changedSince": "{since}"}}
    with pytest.raises(BadManifest, match="no links"):
        changed("linked", streams={"order": stream | {"paging": {"kind": "link", "next": "next"}, "call": call}})


def test_the_scaffold_of_this_kind_is_there() -> None:
    assert connector_of(kinds()["soap"].scaffold("orders")) is connector_of(SCAFFOLD)
