"""What can be asked about a customer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.contract import Answer, Ask
from connectors.salesforce.sandbox import Sandbox
from tests.unit.connectors_salesforce.conftest import NOW, Make, account


def asked(make: Make, question: str, customer: str, **settings: Any) -> Answer:
    answer = make(**settings).lookup(Ask(question, {"customer": customer}, 5))
    assert answer is not None
    return answer


def test_the_last_three_interactions_are_tasks_and_meetings_newest_first(make: Make, sandbox: Sandbox) -> None:
    found = asked(make, "last_interactions", account(sandbox)["Id"]).values["interactions"]
    assert [(each["kind"], each["subject"], each["direction"]) for each in found] == [
        ("call", "王芳来电：7 号冲压机异响", "inbound"),
        ("meeting", "季度巡检", None),
        ("email", "备件报价", "outbound"),
    ]
    assert found[0]["at"] == NOW - timedelta(days=3)
    assert (found[0]["actor"], found[0]["contact"]) == ("李娜", "王芳")
    assert found[0]["url"] == f"{sandbox.origin}/{found[0]['id']}"


def test_what_is_planned_or_still_to_be_done_was_no_interaction(make: Make, sandbox: Sandbox) -> None:
    customer = account(sandbox)["Id"]
    sandbox.state.put("Task", WhatId=customer, Subject="to do", Status="Not Started")
    later = (NOW + timedelta(days=1)).isoformat()
    sandbox.state.put("Event", WhatId=customer, Subject="tomorrow", StartDateTime=later)
    found = asked(make, "last_interactions", customer).values["interactions"]
    assert {"to do", "tomorrow"}.isdisjoint(each["subject"] for each in found)


def test_open_complaints_come_with_their_links_and_tickets(make: Make, sandbox: Sandbox) -> None:
    customer = account(sandbox, "苏州恒信电子股份有限公司")["Id"]
    sandbox.state.put("Case", AccountId=customer, Subject="升级", Type="Question", IsEscalated=True,
                      Weft_Ticket__c="TKT-2026-000007")  # fmt: skip
    sandbox.state.put("Case", AccountId=customer, Subject="a question", Type="Question")
    sandbox.state.put("Case", AccountId=customer, Subject="over", Type="投诉", Status="Closed")
    answer = asked(make, "open_complaints", customer)
    assert answer.values["count"] == 2
    late, escalated = answer.values["complaints"]
    assert (late["subject"], late["type"], late["escalated"], late["ticket"]) == ("交货期延误", "投诉", False, None)
    assert (escalated["subject"], escalated["ticket"]) == ("升级", "TKT-2026-000007")
    assert late["url"] == f"{sandbox.origin}/{late['id']}"
    assert answer.link == late["url"], "a person wants to see the complaint"


def test_one_case_alone_can_be_asked_for(make: Make, sandbox: Sandbox) -> None:
    customer = account(sandbox, "苏州恒信电子股份有限公司")["Id"]
    (case,) = [row["Id"] for row in sandbox.state.tables["Case"].values() if row["AccountId"] == customer]
    sandbox.state.put("Case", AccountId=customer, Subject="another", Type="投诉")
    for status, count in (("Working", 1), ("Closed", 0)):
        sandbox.state.change("Case", case, Status=status)
        answer = make().lookup(Ask("open_complaints", {"customer": customer, "case": case}, 5))
        assert answer is not None
        assert answer.values["count"] == count
    answer = make().lookup(Ask("open_complaints", {"customer": customer, "case": "no'such"}, 5))
    assert answer is not None
    assert (answer.values["count"], answer.link) == (0, f"{sandbox.origin}/{customer}")


def test_of_very_many_complaints_the_oldest_are_listed_and_all_are_counted(make: Make, sandbox: Sandbox) -> None:
    customer = sandbox.state.put("Account", Name="busy")["Id"]
    for number in range(60):
        sandbox.state.put(
            "Case", NOW - timedelta(hours=60 - number), AccountId=customer, Subject=f"{number}", Type="投诉"
        )
    values = asked(make, "open_complaints", customer).values
    assert values["count"] == 60
    assert [each["subject"] for each in values["complaints"]] == [str(n) for n in range(50)]


def test_the_account_has_the_extra_columns_and_the_score(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.change("Account", account(sandbox)["Id"], Health_Score__c=80)
    values = asked(make, "account", account(sandbox)["Id"], extra_columns={"account": ["SLA__c"]}).values
    assert (values["Name"], values["SLA__c"], values["health"]) == ("杭州精工机械有限公司", "Gold", 80)


def test_the_inputs_of_the_score_are_counted(make: Make, sandbox: Sandbox) -> None:
    customer = account(sandbox)["Id"]
    values = dict(asked(make, "health_inputs", customer).values)
    assert values.pop("last_interaction_at") == NOW - timedelta(days=3)
    assert values == {
        "customer": customer,
        "open_cases": 1,
        "open_complaints": 0,
        "complaints_90d": 1,
        "interactions_90d": 4,
        "days_since_interaction": 3,
        "score_before": None,
    }


def test_a_customer_nobody_has_talked_to_has_no_days_since(make: Make, sandbox: Sandbox) -> None:
    values = asked(make, "health_inputs", sandbox.state.put("Account", Name="new")["Id"]).values
    assert (values["days_since_interaction"], values["interactions_90d"]) == (None, 0)


@pytest.mark.parametrize("types", [[], ["it's \\ one"]])
def test_any_types_of_complaint_can_be_asked_for(make: Make, sandbox: Sandbox, types: list[str]) -> None:
    customer = account(sandbox)["Id"]
    sandbox.state.put("Case", AccountId=customer, Subject="x", Type="it's \\ one")
    assert asked(make, "open_complaints", customer, complaint_types=types).values["count"] == len(types)


def test_a_deleted_account_is_not_known(make: Make, sandbox: Sandbox) -> None:
    gone = account(sandbox)["Id"]
    sandbox.state.remove("Account", gone)
    assert make().lookup(Ask("account", {"customer": gone}, 5)) is None
