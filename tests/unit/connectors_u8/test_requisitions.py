"""Requisitions: what is asked for, and how they come into being by SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.conformance import Break, Faults
from connectors.contract import Command, Outcome, Receipt
from connectors.errors import Ambiguous, BadRecord, ConfigProblem, Transient
from connectors.u8.sandbox import Sandbox
from tests.unit.connectors_u8.conftest import Make

LINE = {"item": "BRG-6205", "quantity": "88.5", "required_date": "2026-12-06", "supplier": "V001", "price": "18.5"}


def command(*lines: dict[str, Any], id: str = "c-1", **body: Any) -> Command:
    return Command(id, "create_requisition", {"ticket": "TKT-2026-000001"}, {"lines": list(lines or [LINE]), **body})


def head(sandbox: Sandbox) -> dict[str, Any]:
    names = "ID, cCode, dDate, cDepCode, cPersonCode, cPTCode, cBusType, iVTid, cMaker, cMemo, csysbarcode"
    (row,) = sandbox.data.run(f"SELECT {names} FROM PU_AppVouch")
    return dict(zip(names.split(", "), row, strict=True))


# -- by SQL -----------------------------------------------------------------------------------------------------------


def test_head_and_lines_are_as_u8_writes_them(make: Make, sandbox: Sandbox) -> None:
    connector = make(requisitions="sql", department="05", person="P09", purchase_type="01", template_id=8172)
    wanted = command(LINE, {"item": "OIL-46", "quantity": 3}, memo="轴承不足")
    receipt = connector.write(wanted)
    assert head(sandbox) == {
        "ID": 1000000101, "cCode": "0000000101", "dDate": "2026-11-22", "cDepCode": "05", "cPersonCode": "P09",
        "cPTCode": "01", "cBusType": "普通采购", "iVTid": 8172, "cMaker": "Weft",
        "cMemo": f"轴承不足 weft:{wanted.idempotency_key}", "csysbarcode": "||pupr|0000000101",
    }  # fmt: skip
    lines = sandbox.data.run(
        "SELECT AutoID, ID, cInvCode, fQuantity, fMoney, dRequirDate, cVenCode, ivouchrowno, cbsysbarcode FROM PU_AppVouchs"
    )
    assert [tuple(map(str, line)) for line in lines] == [
        ("1000000201", "1000000101", "BRG-6205", "88.5", "1637.25", "2026-12-06", "V001", "1", "||pupr|0000000101|1"),
        ("1000000202", "1000000101", "OIL-46", "3", "None", "2026-11-22", "None", "2", "||pupr|0000000101|2"),
    ]
    assert receipt.values["verified"] is True
    assert receipt.values["database"] == "UFDATA_001_2026"


def test_the_number_follows_the_sites_format(make: Make, sandbox: Sandbox) -> None:
    receipt = make(requisitions="sql", number_format="QG{year}{month:02d}{serial:04d}").write(command())
    assert receipt.external_id == "QG2026110101"


def test_a_number_that_somebody_entered_by_hand_is_passed_over(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run("INSERT INTO PU_AppVouch (ID, cCode) VALUES (1, '0000000101')")
    assert make(requisitions="sql").write(command()).external_id == "0000000102"


def test_the_marker_may_stand_in_a_field_of_its_own(make: Make, sandbox: Sandbox) -> None:
    connector = make(requisitions="sql", marker_field="cDefine10")
    wanted = command(memo="轴承不足")
    connector.write(wanted)
    assert head(sandbox)["cMemo"] == "轴承不足"
    assert sandbox.data.run("SELECT cDefine10 FROM PU_AppVouch") == [(f"weft:{wanted.idempotency_key}",)]
    assert connector.confirm(wanted) is not None


def test_without_a_memo_the_ticket_is_named(make: Make, sandbox: Sandbox) -> None:
    make(requisitions="sql").write(command())
    assert head(sandbox)["cMemo"].startswith("Weft TKT-2026-000001 weft:")


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        ("", {"item": "NO-SUCH", "quantity": 1}, "no item 'NO-SUCH'"),
        ("", {"item": "YZ-400", "quantity": 1}, "none that is bought"),
        ("UPDATE Inventory SET dEDate = '2026-01-01'", LINE, "is stopped in U8"),
        ("", {**LINE, "supplier": "V999"}, "no supplier 'V999'"),
        ("UPDATE gl_mend SET bflag_PU = 1 WHERE iperiod = 11", LINE, "has closed 2026-11"),
    ],
)
def test_u8s_own_rules_refuse_it_and_leave_no_trace(
    make: Make, sandbox: Sandbox, change: str, line: dict[str, Any], reason: str
) -> None:
    if change:
        sandbox.data.run(change)
    receipt = make(requisitions="sql").write(command(line))
    assert receipt.outcome is Outcome.rejected
    assert reason in receipt.reason
    assert sandbox.requisitions() == []
    assert sandbox.data.run("SELECT cNumber FROM VoucherHistory") == [("100",)]
    assert sandbox.data.run("SELECT iFatherId, iChildId FROM UA_Identity") == [(100, 200)]


def test_without_a_plain_counter_a_person_is_told(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run("UPDATE VoucherHistory SET cContent = '日期', cContentRule = 'YYYYMM', cSeed = '202611'")
    with pytest.raises(ConfigProblem, match="no plain counter") as problem:
        make(requisitions="sql").write(command())
    assert "openapi" in problem.value.hint
    assert sandbox.requisitions() == []


def test_what_u8_changed_while_saving_is_told(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run(
        "CREATE TRIGGER halved AFTER INSERT ON PU_AppVouchs BEGIN"
        " UPDATE PU_AppVouchs SET fQuantity = 44 WHERE AutoID = NEW.AutoID; END"
    )
    receipt = make(requisitions="sql").write(command())
    assert receipt.outcome is Outcome.applied
    assert receipt.values["verified"] is False
    assert "88.5" in receipt.values["differences"][0]


@pytest.mark.parametrize("kind", ["timeout", "ambiguous", "cut"])
def test_a_commit_without_an_answer_is_ambiguous_and_then_found_out(
    make: Make, faults: Faults, sandbox: Sandbox, kind: Any
) -> None:
    connector = make(requisitions="sql")
    faults.add(Break(kind, effect=True))
    with pytest.raises(Ambiguous):
        connector.write(command())
    assert len(sandbox.requisitions()) == (1 if kind == "ambiguous" else 0)
    assert (connector.confirm(command()) is not None) == (kind == "ambiguous")


def test_a_deadlock_is_transient_and_leaves_nothing(make: Make, faults: Faults, sandbox: Sandbox) -> None:
    connector = make(requisitions="sql")
    faults.add(Break("transient", effect=True))
    with pytest.raises(Transient):
        connector.write(command())
    assert sandbox.requisitions() == []
    assert connector.write(command()).outcome is Outcome.applied


def test_the_same_command_again_is_a_duplicate_with_the_same_number(make: Make, sandbox: Sandbox) -> None:
    connector = make(requisitions="sql")
    first, again = connector.write(command()), connector.write(command())
    assert (again.outcome, again.external_id) == (Outcome.duplicate, first.external_id)
    assert connector.write(command(id="c-2")).external_id != first.external_id
    assert len(sandbox.requisitions()) == 2


# -- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "`lines` must be a list of 1 to 100"),
        ({"lines": []}, "`lines`"),
        ({"lines": "BRG-6205"}, "`lines`"),
        ({"lines": [LINE] * 101}, "`lines`"),
        ({"lines": [{"quantity": 1}]}, r"`lines\[0\].item` is missing"),
        ({"lines": [LINE, {"item": "x"}]}, r"`lines\[1\]`: quantity"),
        ({"lines": [{**LINE, "quantity": 0}]}, "more than 0"),
        ({"lines": [{**LINE, "quantity": "1e999999"}]}, r"`lines\[0\]`: quantity"),
        ({"lines": [{**LINE, "required_date": "soon"}]}, r"`lines\[0\].required_date`: 'soon' is no day"),
        ({"lines": [{**LINE, "colour": "red"}]}, r"`lines\[0\].colour`: no such field"),
        ({"lines": [LINE], "remark": "x"}, "`remark`: no such field"),
    ],
)
def test_a_body_that_does_not_fit_names_the_field(
    make: Make, sandbox: Sandbox, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadRecord, match=said):
        make(requisitions="sql").write(Command("c", "create_requisition", {"ticket": "T"}, body))
    assert sandbox.requisitions() == []


def test_while_it_is_off_nothing_is_offered_and_a_command_is_refused_with_the_reason(
    make: Make, sandbox: Sandbox
) -> None:
    connector = make(requisitions="off")
    assert connector.operations() == ()
    receipt = connector.write(command())
    assert isinstance(receipt, Receipt)
    assert (receipt.outcome, "`requisitions` is off" in receipt.reason) == (Outcome.rejected, True)
    assert sandbox.requisitions() == []


def test_days_are_those_of_u8s_zone(make: Make, sandbox: Sandbox) -> None:
    connector = make(requisitions="sql", at=datetime(2026, 11, 22, 17, tzinfo=UTC))  # past midnight in Shanghai
    connector.write(command({"item": "BRG-6205", "quantity": Decimal(1)}))
    assert head(sandbox)["dDate"] == "2026-11-23"
