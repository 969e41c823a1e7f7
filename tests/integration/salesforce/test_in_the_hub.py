"""A complaint of Salesforce and a ticket of the hub, both ways, over TLS: nothing doubled, nothing in circles."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import core_tickets
import id_registry
from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_server import Server
from gateway import tables
from gateway.automation.checks import run_due
from gateway.config import documents
from gateway.reconcile import Outcome, reconcile, stream_of
from gateway.sync import engine
from gateway.usecases import tracing
from id_registry import Key
from lineage import Verdict
from tests.integration.gateway.in_process import Clock, House, build_house
from tests.integration.salesforce.conftest import config_of

TROUBLED = "苏州恒信电子股份有限公司"


@pytest.fixture
def house(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, server: Server
) -> Iterator[House]:
    """A hub with Salesforce and a robot that reports alerts."""
    clock = Clock()
    monkeypatch.setattr("gateway.clock.now", clock)
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'weft.db')}"
    connection = {"id": "sf", "connector": "salesforce", "config": config_of(sandbox, server)}
    house = build_house(tmp_path, url, clock, {"connections": [connection]})
    yield house
    house.gateway.close()


def read(house: House) -> Outcome:
    live = house.gateway.hub.connection("sf")
    outcome = reconcile(house.gateway, house.gateway.hub, live, stream_of(live, "cases"))
    assert outcome.error == ""
    return outcome


def entries(house: House, ticket: core_tickets.Ticket, name: str) -> int:
    with house.gateway.reading() as conn:
        return sum(entry.name == name for entry in core_tickets.timeline(conn, ticket.id))


def case_of(sandbox: Sandbox, subject: str) -> dict[str, Any]:
    (found,) = [row for row in sandbox.state.tables["Case"].values() if row["Subject"] == subject]
    return found


def test_a_complaint_opens_a_ticket_and_what_becomes_of_it_goes_back(house: House, sandbox: Sandbox) -> None:
    read(house)
    (ticket,) = house.tickets()
    case = case_of(sandbox, "交货期延误")
    assert (ticket.kind, ticket.title, ticket.source) == ("complaint", "交货期延误", "sf")
    assert ticket.customer is not None
    house.act(ticket, "resolve", resolution="已补发，客户确认")
    house.work()
    assert (case["Status"], case["IsClosed"]) == ("Closed", True)
    (comment,) = sandbox.state.tables["CaseComment"].values()
    assert comment["ParentId"] == case["Id"]
    assert "已补发，客户确认" in comment["CommentBody"]


def test_salesforces_report_of_our_own_change_is_the_receipt_and_causes_nothing(house: House, sandbox: Sandbox) -> None:
    read(house)
    house.act(house.tickets()[0], "resolve", resolution="done")
    house.work()
    (before,) = house.tickets()
    written, queued = sandbox.state.changes, len(house.commands())
    for _ in range(3):
        house.clock.forward(60)
        read(house)
        house.work()
    (after,) = house.tickets()
    assert (after.version, after.status) == (before.version, "resolved")
    assert (sandbox.state.changes, len(house.commands())) == (written, queued)
    assert entries(house, after, "echo") == 1
    house.ends()


def test_a_case_closed_in_salesforce_resolves_its_ticket_and_is_not_written_back(
    house: House, sandbox: Sandbox
) -> None:
    read(house)
    sandbox.state.change("Case", case_of(sandbox, "交货期延误")["Id"], Status="Closed")
    house.clock.forward(60)
    read(house)
    house.work()
    assert [t.status for t in house.tickets()] == ["resolved"]
    assert sandbox.state.changes == 0


def test_a_case_reopened_in_salesforce_reopens_its_ticket(house: House, sandbox: Sandbox) -> None:
    read(house)
    case = case_of(sandbox, "交货期延误")["Id"]
    house.act(house.tickets()[0], "resolve", resolution="done")
    house.work()
    read(house)
    sandbox.state.change("Case", case, Status="Working")
    house.clock.forward(3600)
    read(house)
    house.work()
    (ticket,) = house.tickets()
    assert ticket.status == "in_progress"
    assert sandbox.state.tables["Case"][case]["Status"] == "Working"


def test_a_case_deleted_in_salesforce_resolves_its_ticket(house: House, sandbox: Sandbox) -> None:
    read(house)
    sandbox.state.remove("Case", case_of(sandbox, "交货期延误")["Id"])
    house.clock.forward(60)
    read(house)
    assert [t.status for t in house.tickets()] == ["resolved"]


def test_a_complaint_still_open_in_salesforce_is_told_with_both_links(house: House, sandbox: Sandbox) -> None:
    read(house)
    house.act(house.tickets()[0], "resolve", resolution="done")
    sandbox.fail("FIELD_CUSTOM_VALIDATION_EXCEPTION", message="结案前请填写原因", times=9, writes=True)
    house.work()
    house.clock.forward(660)
    assert run_due(house.gateway, house.gateway.hub, house.clock.now) == 1
    told = house.tickets()[1]
    assert told.kind == "data_quality"
    assert id_registry.format_id(house.tickets()[0].id) in told.description
    assert f"{sandbox.origin}/{case_of(sandbox, '交货期延误')['Id']}" in told.description
    sandbox.state.change("Case", case_of(sandbox, "交货期延误")["Id"], Status="Closed")
    house.clock.forward(3700)
    assert run_due(house.gateway, house.gateway.hub, house.clock.now) == 1
    assert house.tickets()[1].status == "resolved"


def test_a_complaint_closed_on_both_sides_is_no_contradiction(house: House) -> None:
    read(house)
    house.act(house.tickets()[0], "resolve", resolution="done")
    house.work()
    house.clock.forward(660)
    assert run_due(house.gateway, house.gateway.hub, house.clock.now) == 1
    assert len(house.tickets()) == 1


# -- tickets of other systems -----------------------------------------------------------------------------------------


@pytest.fixture
def known(house: House, sandbox: Sandbox) -> House:
    """The robot's customer C-1 is an account of Salesforce."""
    account = next(row["Id"] for row in sandbox.state.tables["Account"].values() if row["Name"] == TROUBLED)
    keys = [Key("customer", "r", "C-1"), Key("customer", "sf", account)]
    with house.gateway.transaction() as conn:
        found = id_registry.resolve(conn, keys, house.clock.now)
        id_registry.merge(conn, *found.values(), actor="test", reason="same company", now=house.clock.now)
    return house


def own_cases(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [row for row in sandbox.state.tables["Case"].values() if row["Weft_Ticket__c"]]


def test_an_alert_about_a_customer_of_salesforce_becomes_one_case_that_follows_its_ticket(
    known: House, sandbox: Sandbox
) -> None:
    known.tell(known.alert("a", customer="C-1"))
    known.work()
    (ticket,) = known.tickets()
    (case,) = own_cases(sandbox)
    number = id_registry.format_id(ticket.id)
    assert (case["Weft_Ticket__c"], case["Subject"], case["Status"]) == (number, f"[{number}] alert a", "New")
    assert sandbox.state.tables["Account"][case["AccountId"]]["Name"] == TROUBLED
    for action, status in (("start", "Working"), ("resolve", "Closed"), ("reopen", "Working")):
        known.act(known.tickets()[0], action, **({"resolution": "done"} if action == "resolve" else {}))
        known.work()
        assert case["Status"] == status
    assert len(own_cases(sandbox)) == 1


def test_the_case_that_the_hub_made_opens_no_second_ticket(known: House, sandbox: Sandbox) -> None:
    known.tell(known.alert("a", customer="C-1"))
    known.work()
    sandbox.state.change("Case", own_cases(sandbox)[0]["Id"], Type="投诉", IsEscalated=True)
    known.clock.forward(60)
    read(known)
    assert [t.title for t in known.tickets()] == ["alert a", "交货期延误"]


def test_an_alert_about_nobody_known_there_makes_no_case(known: House, sandbox: Sandbox) -> None:
    known.tell(known.alert("a", customer="C-2"), known.alert("b"))
    known.work()
    assert len(known.tickets()) == 2
    assert own_cases(sandbox) == []


def test_a_comment_on_the_ticket_is_one_comment_on_its_case(known: House, sandbox: Sandbox) -> None:
    known.tell(known.alert("a", customer="C-1"))
    known.work()
    known.act(known.tickets()[0], "comment", text="明天上门")
    known.work()
    known.work()
    (comment,) = sandbox.state.tables["CaseComment"].values()
    assert "明天上门" in comment["CommentBody"]
    assert comment["ParentId"] == own_cases(sandbox)[0]["Id"]


# -- the customer's health --------------------------------------------------------------------------------------------


def account_of(sandbox: Sandbox) -> dict[str, Any]:
    (found,) = [row for row in sandbox.state.tables["Account"].values() if row["Name"] == TROUBLED]
    return found


def close_one(house: House) -> core_tickets.Ticket:
    house.tell(house.alert("a", customer="C-1"))
    house.work()
    for action, args in (("start", {}), ("resolve", {"resolution": "done", "cause": "other"}), ("close", {})):
        house.act(house.tickets()[0], action, **args)
    return house.tickets()[0]


def test_when_a_ticket_is_closed_the_health_of_its_customer_is_computed_and_written(
    known: House, sandbox: Sandbox
) -> None:
    ticket = close_one(known)
    known.work()
    (command,) = [c for c in known.commands() if c.op == "set_health"]
    assert (command.state, command.reason) == ("done", "")
    with known.gateway.reading() as conn:
        origin = tracing.drill(conn, ticket.id, "bridge.sf.salesforce-health.score")
    assert origin.verdict is Verdict.EQUAL
    assert origin.value == account_of(sandbox)["Health_Score__c"]
    read = {source.field: source.raw for source in origin.sources}
    assert (read["open_complaints"], origin.sources[0].key) == (1, account_of(sandbox)["Id"])
    assert {fact.name for fact in origin.facts} >= {"ticket.resolved_at"}
    assert origin.traces[0].mapping == "salesforce_health"
    known.verify()


def test_a_ticket_without_a_customer_of_salesforce_changes_nobodys_health(known: House) -> None:
    known.tell(known.alert("b", customer="C-2"))
    for action, args in (("resolve", {"resolution": "done", "cause": "other"}), ("close", {})):
        known.act(known.tickets()[0], action, **args)
    assert [c.op for c in known.commands() if c.connection_id == "sf"] == []


def test_a_formula_of_ones_own_takes_the_place_of_the_connectors(known: House, sandbox: Sandbox) -> None:
    mine = {
        "mapping": "mine", "from": {"connector": "salesforce", "stream": "health_inputs"},
        "to": {"dataset": "customer_health", "key": ["customer"]},
        "fields": {"customer": "customer", "score": {"expr": "42 + open_complaints", "type": "number"}},
        "tests": [{"in": {"customer": "001", "open_complaints": 1}, "out": {"score": "43"}}],
    }  # fmt: skip
    spec = known.gateway.hub.connection("sf").spec.model_dump() | {"mappings": {"health_inputs": "mine"}}
    known.gateway.apply(documents.validate({"mappings": [mine], "connections": [spec]}))
    close_one(known)
    known.work()
    assert account_of(sandbox)["Health_Score__c"] == 43


# -- customers --------------------------------------------------------------------------------------------------------


def test_customers_get_ids_and_one_whose_number_cannot_be_read_is_a_dead_letter(house: House, sandbox: Sandbox) -> None:
    account = next(row["Id"] for row in sandbox.state.tables["Account"].values() if row["Name"] == TROUBLED)
    sandbox.state.change("Account", account, Customer_No__c="see ERP")
    live = house.gateway.hub.connection("sf")
    for stream, bad in (("accounts", 1), ("contacts", 0), ("tasks", 0), ("events", 0)):
        outcome = engine.run(house.gateway, house.gateway.hub, live, stream_of(live, stream))
        assert (outcome.error, outcome.counts.bad) == ("", bad), stream
    known = [row["Id"] for row in sandbox.state.tables["Account"].values() if row["Id"] != account]
    with house.gateway.reading() as conn:
        found = id_registry.lookup(conn, [Key("customer", "sf", each) for each in known])
        letters = list(conn.execute(select(tables.dead_letter)))
    assert len(found) == 2
    assert "SEE ERP is no customer number" in str(letters)
