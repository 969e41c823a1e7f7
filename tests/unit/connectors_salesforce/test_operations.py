"""Writing: one record a command, once, and never over what is so already."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Command, Echo, Outcome, Receipt
from connectors.errors import AuthProblem, ConfigProblem, Transient
from connectors.runtime import Connection
from connectors.salesforce.operations import COMMENT_BYTES, _same, comment_text
from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_state import Row
from tests.unit.connectors_salesforce.conftest import Make, account, records, targets

TICKET = "TKT-2026-000001"


def upsert(number: str = "1", key: Any = TICKET, **body: Any) -> Command:
    return Command(number, "upsert_case", {"ticket": key}, body or {"Subject": "过热", "Status": "New"})


def cases(sandbox: Sandbox, ticket: str = TICKET) -> list[Row]:
    return [row for row in sandbox.state.tables["Case"].values() if row["Weft_Ticket__c"] == ticket]


def test_a_tickets_case_is_made_once_and_then_updated(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    made = connector.write(upsert("1", Subject="过热", Status="New", AccountId=account(sandbox)["Id"]))
    changed = connector.write(upsert("2", Status="Closed"))
    (case,) = cases(sandbox)
    assert (made.outcome, changed.outcome) == (Outcome.applied, Outcome.applied)
    assert made.external_id == changed.external_id == case["Id"]
    assert (case["Subject"], case["Status"], case["AccountId"]) == ("过热", "Closed", account(sandbox)["Id"])


def test_what_is_so_already_is_not_written_again(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    connector.write(upsert())
    before = sandbox.state.changes
    again = connector.write(upsert("2"))
    assert (again.outcome, sandbox.state.changes) == (Outcome.duplicate, before)


@pytest.mark.parametrize("ticket", ["a/b?c#d", "100% 'quoted' \\ & more", "工单 1", "a+b", "../.."])
def test_any_ticket_number_survives_the_way_into_the_address(make: Make, sandbox: Sandbox, ticket: str) -> None:
    connector = make()
    command = upsert("1", ticket)
    assert connector.confirm(command) is None
    assert connector.write(command).outcome is Outcome.applied
    assert connector.confirm(command) is not None
    assert len(cases(sandbox, ticket)) == 1


def test_values_are_compared_as_salesforce_keeps_them(make: Make, sandbox: Sandbox) -> None:
    body = {"Subject": "  过热 ", "Description": "a\r\nb", "AccountId": account(sandbox)["Id"][:15], "Reason": ""}
    make().write(upsert("1", **body))
    assert make().write(upsert("2", **body)).outcome is Outcome.duplicate


@pytest.mark.parametrize(
    ("name", "wanted", "kept", "same"),
    [
        ("AccountId", "001WF0000000001", "001WF0000000001YAA", True),
        ("AccountId", "001WF0000000001YAA", "001WF0000000002YAA", False),
        ("Credit_Code__c", "91330100MA27X0001E", "91330100MA27X0099Z", False),
        ("Code__c", "123456789012345", "123456789012345678", False),
        ("Due__c", "2026-11-22T13:00:00+08:00", "2026-11-22T05:00:00.000+0000", True),
        ("Due__c", "2026-11-22T13:00:00+08:00", "2026-11-22T06:00:00.000+0000", False),
        ("Hours__c", "2.50", Decimal("2.5"), True),
        ("Hours__c", "many", Decimal("2.5"), False),
        ("Done__c", "true", True, False),
        ("Done__c", True, True, True),
        ("Reason", None, None, True),
        ("Reason", "", None, True),
        ("Reason", "x", None, False),
        ("Reason", None, "x", False),
    ],
)
def test_a_value_is_so_already_only_when_it_really_is(name: str, wanted: Any, kept: Any, same: bool) -> None:
    assert _same(name, wanted, kept) is same


def test_a_subject_that_is_too_long_is_cut(make: Make, sandbox: Sandbox) -> None:
    command = upsert("1", Subject="过" * 300)
    assert make().write(command).outcome is Outcome.applied
    assert cases(sandbox)[0]["Subject"] == "过" * 254 + "…"
    assert make().confirm(command) is not None


def test_closing_a_case_of_salesforce_foretells_what_comes_back(make: Make, sandbox: Sandbox) -> None:
    case = sandbox.state.put("Case", Subject="划伤", Type="投诉")["Id"]
    connector = make()
    receipt = connector.write(Command("1", "update_case", {"case_id": case}, {"Status": "Closed"}))
    assert receipt.echoes == (Echo("cases", case, {"Status": "Closed"}),)
    (echo,) = receipt.echoes
    (back,) = [r for r in records(connector, "cases") if r["Id"] == echo.key]
    assert all(back[name] == value for name, value in echo.match.items())


def test_a_case_of_the_hubs_own_foretells_nothing_as_it_makes_no_alert(make: Make) -> None:
    assert make().write(upsert()).echoes == ()


def test_a_comment_is_internal_and_written_once(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    connector.write(upsert())
    command = Command("9", "comment_case", {"ticket": TICKET}, {"comment": "轴承已更换"})
    assert [connector.write(command).outcome, connector.write(command).outcome] == ["applied", "duplicate"]
    (comment,) = sandbox.state.tables["CaseComment"].values()
    assert comment["CommentBody"] == f"轴承已更换 [weft:{command.idempotency_key}]"
    assert comment["IsPublished"] is False


def test_a_long_comment_is_cut_between_characters_and_keeps_its_mark() -> None:
    text = comment_text("好" * 5000, "0" * 32)
    assert len(text.encode()) <= COMMENT_BYTES
    assert text.endswith(f"好… [weft:{'0' * 32}]")


@pytest.mark.parametrize("score", [62.5, "62.5", Decimal("62.50")], ids=["json", "text", "exact"])
def test_the_score_is_written_exactly(make: Make, sandbox: Sandbox, score: Any) -> None:
    given = Decimal(str(score)) if isinstance(score, float) else score
    command = Command("1", "set_health", {"account_id": account(sandbox)["Id"]}, {"score": given})
    assert make().write(command).outcome is Outcome.applied
    assert account(sandbox)["Health_Score__c"] == Decimal("62.5")
    assert make().write(command).outcome is Outcome.duplicate


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Command("1", "update_case", {"case_id": "no'such"}, {"Status": "Closed"}), "key.case_id"),
        (Command("1", "update_case", {"case_id": "001WF0000000001"}, {"Status": "Closed"}), "begins with 500"),
        (Command("1", "update_case", {"case_id": "500WF9999999999"}, {"Status": "Closed"}), "no such case"),
        (Command("1", "update_case", {"case_id": "500WF0000000001"}, {}), "nothing to change"),
        (Command("1", "update_case", {"case_id": "500WF0000000001"}, {"Id": "5"}), "body.Id"),
        (Command("1", "update_case", {"case_id": "500WF0000000001"}, {"Account.Name": "x"}), "body.Account.Name"),
        (Command("1", "update_case", {"case_id": "500WF0000000001"}, {"Subject": {"a": 1}}), "body.Subject"),
        (Command("1", "comment_case", {"ticket": TICKET}, {"comment": " "}), "body.comment"),
        (Command("1", "set_health", {"account_id": "001WF0000000001"}, {"score": "well"}), "no number"),
        (Command("1", "set_health", {"account_id": "001WF0000000001"}, {"score": 100.5}), "no number"),
        (Command("1", "set_health", {"account_id": "001WF0000000001"}, {"score": -1}), "between 0 and 100"),
        (Command("1", "upsert_case", {}, {"Subject": "x"}), "key.ticket"),
        (Command("1", "upsert_case", {"ticket": ".."}, {"Subject": "x"}), "key.ticket"),
        (Command("1", "close_everything", {}, {}), "no operation"),
    ],
)
def test_what_cannot_be_carried_out_is_rejected_with_the_field(
    make: Make, sandbox: Sandbox, command: Command, why: str
) -> None:
    receipt = make().write(command)
    assert (receipt.outcome, sandbox.state.changes) == (Outcome.rejected, 0)
    assert why in receipt.reason


def test_a_rule_of_the_organization_that_refuses_is_told_in_its_own_words(make: Make, sandbox: Sandbox) -> None:
    sandbox.fail("FIELD_CUSTOM_VALIDATION_EXCEPTION", message="结案前请填写原因", writes=True)
    receipt = make().write(upsert())
    assert receipt.outcome is Outcome.rejected
    assert "结案前请填写原因" in receipt.reason


def test_a_locked_record_is_tried_again_later(make: Make, sandbox: Sandbox) -> None:
    sandbox.fail("UNABLE_TO_LOCK_ROW", writes=True)
    with pytest.raises(Transient, match="UNABLE_TO_LOCK_ROW"):
        make().write(upsert())
    assert make().write(upsert()).outcome is Outcome.applied


def test_two_commands_that_make_one_tickets_case_at_once_make_one_case(make: Make, sandbox: Sandbox) -> None:
    sandbox.fail(
        "DUPLICATE_VALUE", message="duplicate value found: Weft_Ticket__c duplicates value on record", writes=True
    )
    with pytest.raises(Transient, match="just made"):
        make().write(upsert())


def test_a_ticket_number_that_two_cases_bear_is_told(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.objects["Case"].columns["Weft_Ticket__c"].unique = False
    for _ in range(2):
        sandbox.state.put("Case", Subject="x", Weft_Ticket__c=TICKET)
    receipt = make().write(upsert())
    assert receipt.outcome is Outcome.rejected
    assert "more than one Case" in receipt.reason


def test_a_column_that_may_not_be_written_is_for_a_person(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.objects["Account"].columns["Health_Score__c"].read_only = True
    command = Command("1", "set_health", {"account_id": account(sandbox)["Id"]}, {"score": 50})
    with pytest.raises(AuthProblem, match="Health_Score__c") as told:
        make().write(command)
    assert "Health_Score__c" in told.value.hint


def test_a_column_that_does_not_exist_is_told_before_anything_is_written(make: Make, sandbox: Sandbox) -> None:
    with pytest.raises(ConfigProblem, match="Root_Cause__c"):
        make().write(upsert("1", Root_Cause__c="x"))
    assert sandbox.state.changes == 0


@pytest.mark.parametrize(
    ("settings", "command", "name"),
    [
        ({"ticket_field": ""}, upsert(), "ticket_field"),
        (
            {"health_field": ""},
            Command("1", "set_health", {"account_id": "001WF0000000001"}, {"score": 1}),
            "health_field",
        ),
    ],
)
def test_without_its_column_an_operation_says_what_to_make(
    make: Make, settings: dict[str, str], command: Command, name: str
) -> None:
    with pytest.raises(ConfigProblem) as told:
        make(**settings).write(command)
    assert name in told.value.hint


def test_a_change_by_a_person_in_between_is_not_taken_for_ours(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    connector.write(upsert("1", Subject="过热", Status="Closed"))
    sandbox.state.change("Case", cases(sandbox)[0]["Id"], Status="Working")
    assert connector.confirm(upsert("1", Subject="过热", Status="Closed")) is None


def test_each_write_costs_a_look_and_a_change(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    connector.check()
    before = len(sandbox.calls)
    connector.write(upsert())
    assert [each.split("?")[0] for each in targets(sandbox, before)] == [
        "GET data/v59.0/query",
        f"PATCH data/v59.0/sobjects/Case/Weft_Ticket__c/{TICKET}",
    ]


def test_the_runtime_keeps_the_receipt(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    connection = Connection("sf", connector, connector._config)
    fate = connection.write(upsert())
    connection.close()
    assert isinstance(fate.receipt, Receipt)  # type: ignore[union-attr]
    assert fate.receipt.outcome is Outcome.applied  # type: ignore[union-attr]
