"""From the stand-in's records to canonical ones: the way the hub goes."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Ask, Command
from connectors.example_company import CUSTOMERS
from connectors.salesforce import SalesforceConnector
from connectors.salesforce.sandbox import Sandbox
from gateway.automation.rules import (
    CompiledBridge,
    Formula,
    compile_bridges,
    compile_questions,
    compile_rules,
)
from gateway.config.provided import defaults_of
from mappings import Mapping, load_library
from tests.unit.connectors_salesforce.conftest import NOW, Make, account, records

LIBRARY = {mapping.stream: mapping for mapping in load_library("mappings.salesforce").values()}


def bridges() -> tuple[CompiledBridge, ...]:
    known = {mapping.name: Formula(mapping, of_library=True) for mapping in LIBRARY.values()}
    return compile_bridges([(b, "salesforce") for b in defaults_of(SalesforceConnector).bridges], lambda *_: known)


@pytest.mark.parametrize("mapping", LIBRARY.values(), ids=list(LIBRARY))
def test_each_mapping_passes_its_own_tests(mapping: Mapping) -> None:
    assert mapping.check() == []


def test_every_stream_has_a_mapping(make: Make) -> None:
    assert {stream.name for stream in make().streams()} | {"health_inputs"} == LIBRARY.keys()


def test_customer_numbers_of_three_spellings_become_one_form(make: Make) -> None:
    mapped = {r["Name"]: LIBRARY["accounts"].run(r).values for r in records(make(), "accounts")}
    assert {c.name: c.crm for c in CUSTOMERS} == {name: values["number"] for name, values in mapped.items()}
    assert {c.name: c.credit_code or None for c in CUSTOMERS} == {n: v["credit_code"] for n, v in mapped.items()}
    assert mapped["Nordhafen Pumpen GmbH"]["country"] == "DE"


def test_the_number_can_be_followed_back_to_what_somebody_typed(make: Make) -> None:
    (typed,) = [r for r in records(make(), "accounts") if r["Name"] == "Nordhafen Pumpen GmbH"]
    trace = LIBRARY["accounts"].trace("number", typed)
    assert trace.value == "EC-20241130-0457"
    assert any("ＥＣ－20241130－0457" in str(step) for step in trace.steps)
    assert ("Customer_No__c",) in {
        edge.source_path for edge in LIBRARY["accounts"].edges if edge.target_field == "number"
    }


def test_a_number_that_is_none_is_told_and_not_passed_over(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.change("Account", account(sandbox)["Id"], Customer_No__c="see ERP")
    (changed,) = [r for r in records(make(), "accounts") if r["Customer_No__c"] == "see ERP"]
    dead = LIBRARY["accounts"].run(changed).dead
    assert dead is not None
    assert dead.field == "number"
    assert "SEE ERP is no customer number such as EC-20260215-8891" in dead.message


# -- cases and tickets ------------------------------------------------------------------------------------------------


def mapped(make: Make, case: str) -> MappingOf[str, Any] | None:
    (found,) = [r for r in records(make(), "cases") if r["Id"] == case]
    result = LIBRARY["cases"].run(found)
    assert result.dead is None
    return result.values if result.matched else None


def test_a_complaint_fires_ends_and_fires_anew_when_it_is_reopened(make: Make, sandbox: Sandbox) -> None:
    state = sandbox.state
    case = state.put("Case", NOW - timedelta(days=3), Subject="划伤", Type="投诉", AccountId=account(sandbox)["Id"])[
        "Id"
    ]
    told = [mapped(make, case)]
    for days, status in ((2, "Closed"), (1, "Working")):
        state.change("Case", case, NOW - timedelta(days=days), Status=status)
        told.append(mapped(make, case))
    assert [(t["status"], t["episode"], t["key"]) for t in told if t] == [
        ("firing", f"{case}/0", case),
        ("resolved", f"{case}/0", case),
        ("firing", f"{case}/1", case),
    ]
    assert told[2] is not None
    assert told[2]["starts_at"] == NOW - timedelta(days=1)
    assert told[2]["customer"] == account(sandbox)["Id"]


def test_a_case_that_the_hub_made_never_becomes_a_ticket_of_its_own(make: Make, sandbox: Sandbox) -> None:
    for number, body in enumerate(({"Subject": "过热", "Status": "New"}, {"Status": "Closed"}, {"Type": "投诉"})):
        made = make().write(Command(str(number), "upsert_case", {"ticket": "TKT-2026-000001"}, body))
        assert mapped(make, made.external_id) is None


def test_the_defaults_compile() -> None:
    defaults = defaults_of(SalesforceConnector)
    assert compile_rules(defaults.rules)
    assert len(bridges()) == len(defaults.bridges)
    assert len(compile_questions([(q, "sf") for q in defaults.context])) == 3


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"Type": "投诉"}, "salesforce-complaint"),
        ({"Type": "Question", "IsEscalated": True}, "salesforce-complaint"),
        ({"Type": "Question"}, "salesforce-other-case"),
        ({"Type": "Question", "Status": "Closed"}, "salesforce-complaint"),
    ],
)
def test_which_case_makes_a_ticket(make: Make, sandbox: Sandbox, values: dict[str, Any], rule: str) -> None:
    case = sandbox.state.put("Case", Subject="划伤", Priority="High", AccountId=account(sandbox)["Id"], **values)["Id"]
    alert = mapped(make, case)
    assert alert is not None
    seen = {**alert, "origin": "salesforce", "connection": "sf"}
    first = compile_rules(defaults_of(SalesforceConnector).rules).first("Alert", seen)
    assert first is not None
    assert first.spec.id == rule


def test_a_complaint_becomes_a_ticket_of_kind_complaint(make: Make, sandbox: Sandbox) -> None:
    case = sandbox.state.put("Case", Subject="划伤", Type="投诉", Priority="High", AccountId=account(sandbox)["Id"])[
        "Id"
    ]
    rules = compile_rules(defaults_of(SalesforceConnector).rules)
    seen = {
        **(mapped(make, case) or {}),
        "origin": "salesforce",
        "connection": "sf",
        "ids": {"customer": "CUST-2026-000001"},
    }
    rule = rules.first("Alert", seen)
    assert rule is not None
    assert rule.template is not None
    ticket = rule.template.run(seen).values
    assert {k: ticket[k] for k in ("kind", "priority", "title", "customer", "url")} == {
        "kind": "complaint",
        "priority": "P2",
        "title": "划伤",
        "customer": "CUST-2026-000001",
        "url": f"{sandbox.origin}/{case}",
    }


def test_every_bridge_gives_a_command_that_the_connector_carries_out(make: Make, sandbox: Sandbox) -> None:
    case = sandbox.state.put("Case", Subject="划伤", Type="投诉")["Id"]
    ticket = {"id": "TKT-2026-000001", "title": "过热", "description": "", "priority": "P1", "resolution": "已更换"}
    record = {"ticket": ticket, "record": "Alert", "alert": {"key": case}, "event": {"message": "看看"}, "target": "sf"}
    local = {"customer": account(sandbox)["Id"]}
    done: dict[str, str] = {}
    for bridge in bridges():
        origin = "zabbix" if bridge.spec.connector else "salesforce"
        seen = {**record, "origin": origin, "local": local, "result": {"score": Decimal(80)}}
        assert bridge.when is not None
        assert bridge.when.evaluate(seen) is True
        key, body = ({n: e.evaluate(seen) for n, e in part.items()} for part in (bridge.key, bridge.body))
        done[bridge.spec.id] = make().write(Command(bridge.spec.id, bridge.spec.op, key, body)).outcome
    assert set(done.values()) <= {"applied", "duplicate"}
    (made,) = [row for row in sandbox.state.tables["Case"].values() if row["Weft_Ticket__c"] == "TKT-2026-000001"]
    assert (made["Subject"], made["AccountId"], made["Priority"]) == (
        "[TKT-2026-000001] 过热",
        local["customer"],
        "High",
    )


def test_a_ticket_of_another_system_about_nobody_known_makes_no_case() -> None:
    seen = {"ticket": {"resolution": "x"}, "origin": "zabbix", "local": {"customer": None}, "event": {"message": "x"}}
    assert not any(b.when.evaluate({**seen, "record": "Alert"}) for b in bridges() if b.when is not None)


# -- the health score -------------------------------------------------------------------------------------------------


def test_the_score_is_computed_of_what_the_connector_counts(make: Make, sandbox: Sandbox) -> None:
    for name, score in (("杭州精工机械有限公司", 98), ("苏州恒信电子股份有限公司", 84), ("Nordhafen Pumpen GmbH", 100)):
        answer = make().lookup(Ask("health_inputs", {"customer": account(sandbox, name)["Id"]}, 5))
        assert answer is not None
        result = LIBRARY["health_inputs"].run(answer.values)
        assert (result.dead, result.errors) == (None, ())
        assert result.values["score"] == Decimal(score), name


def test_the_score_written_back_names_every_count_it_is_made_of(make: Make, sandbox: Sandbox) -> None:
    mapping, customer = LIBRARY["health_inputs"], account(sandbox)["Id"]
    answer = make().lookup(Ask("health_inputs", {"customer": customer}, 5))
    assert answer is not None
    score = mapping.run(answer.values).values["score"]
    receipt = make().write(Command("1", "set_health", {"account_id": customer}, {"score": str(score)}))
    assert receipt.outcome == "applied"
    assert account(sandbox)["Health_Score__c"] == score
    sources = {".".join(map(str, e.source_path)) for e in mapping.edges if e.target_field == "score"}
    counts = {"open_cases", "open_complaints", "complaints_90d", "interactions_90d", "days_since_interaction"}
    assert sources == counts | {"ticket.resolved_at", "ticket.resolution_due", "ticket.reopened_at"}
