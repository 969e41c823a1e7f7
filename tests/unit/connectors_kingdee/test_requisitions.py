"""Purchase requisitions: Save → Submit → Audit, one step a call, never a second bill, wherever it is cut."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors.contract import Command, Outcome, Receipt
from connectors.errors import Ambiguous, AuthProblem, Transient, Unfinished
from connectors.kingdee import KingdeeConnector
from connectors.kingdee.sandbox import Sandbox
from tests.unit.connectors_kingdee.conftest import Clock, Connect, Line, wanted

STEPS = ("Save", "Submit", "Audit")


def bills(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Number and state of every requisition."""
    docs = sandbox.state.docs("PUR_Requisition").values()
    return [(d["fbillno"], d["fdocumentstatus"]) for d in docs]


def done(sandbox: Sandbox) -> list[str]:
    return [operation for operation, _, _ in sandbox.state.history]


def bring_about(connect: Callable[[], KingdeeConnector], command: Command) -> Receipt:
    """What the outbox does: write; when in doubt confirm; not done, write again; each time with a new connector."""
    in_doubt = False
    for _ in range(10):
        try:
            if in_doubt:
                receipt = connect().confirm(command)
                if receipt is not None:
                    return receipt
            in_doubt = False
            return connect().write(command)
        except Ambiguous:
            in_doubt = True
        except Transient:
            continue
    raise AssertionError("never done")


# -- the chain --------------------------------------------------------------------------------------------------------


def test_each_call_takes_one_step_and_says_where_the_bill_stands(connect: Connect, sandbox: Sandbox) -> None:
    connector, command = connect(), wanted()
    with pytest.raises(Unfinished, match="is saved; Submit comes next"):
        connector.write(command)
    assert done(sandbox) == ["Save"]
    assert connector.confirm(command) is None
    with pytest.raises(Unfinished, match="is submitted; Audit comes next"):
        connector.write(command)
    assert done(sandbox) == ["Save", "Submit"]
    assert connector.confirm(command) is None
    receipt = connector.write(command)
    assert done(sandbox) == ["Save", "Submit", "Audit"]
    assert (receipt.outcome, receipt.values["status"]) == (Outcome.applied, "C")
    assert bills(sandbox) == [(receipt.external_id, "C")]
    confirmed = connector.confirm(command)
    assert confirmed is not None
    assert confirmed.external_id == receipt.external_id
    assert connector.write(command).outcome is Outcome.duplicate


@pytest.mark.parametrize(("until", "steps", "status"), [("saved", 1, "A"), ("submitted", 2, "B"), ("audited", 3, "C")])
def test_a_requisition_goes_as_far_as_it_is_told_and_no_further(
    until: str, steps: int, status: str, connect: Connect, sandbox: Sandbox
) -> None:
    receipt = bring_about(connect, wanted(until=until))
    assert receipt.values["status"] == status
    assert done(sandbox) == list(STEPS[:steps])


def test_how_far_is_a_setting_where_the_command_does_not_say(connect: Connect, sandbox: Sandbox) -> None:
    command = wanted(until="")
    bring_about(lambda: connect(requisition={"until": "submitted"}), command)
    assert done(sandbox) == ["Save", "Submit"]


@pytest.mark.parametrize("cut", STEPS)
def test_an_answer_lost_after_any_step_leads_to_no_second_bill(
    cut: str, connect: Connect, sandbox: Sandbox, line: Line
) -> None:
    line.lose = cut
    receipt = bring_about(connect, wanted())
    assert line.lose == ""
    assert receipt.outcome in (Outcome.applied, Outcome.duplicate)
    assert done(sandbox) == ["Save", "Submit", "Audit"]
    assert bills(sandbox) == [(receipt.external_id, "C")]


@pytest.mark.parametrize("cut", STEPS)
def test_a_line_cut_before_any_step_is_gone_on_from_there(
    cut: str, connect: Connect, sandbox: Sandbox, line: Line
) -> None:
    failing = iter([True])

    def before(service: str, body: dict[str, Any]) -> None:
        if service == cut and next(failing, False):
            raise httpx.ConnectError("refused")

    line.before = before
    receipt = bring_about(connect, wanted())
    assert done(sandbox) == ["Save", "Submit", "Audit"]
    assert bills(sandbox) == [(receipt.external_id, "C")]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_crash_after_any_step_is_gone_on_from_there_by_another_process(
    after: int, connect: Connect, sandbox: Sandbox
) -> None:
    command = wanted()
    for _ in range(after):
        try:
            connect().write(command)
        except Unfinished:
            continue
    assert done(sandbox) == list(STEPS[:after])
    standing = connect().confirm(command)
    assert (standing is None) is (after < 3)
    receipt = bring_about(connect, command)
    assert done(sandbox) == ["Save", "Submit", "Audit"]
    assert len(bills(sandbox)) == 1
    assert receipt.values["status"] == "C"


@pytest.mark.parametrize("calls", range(1, 12))
def test_wherever_the_line_is_cut_one_bill_comes_of_it(
    calls: int, connect: Connect, sandbox: Sandbox, line: Line
) -> None:
    """Every call of the whole chain, once as the call that never arrives, once as the one whose answer is lost."""
    for lost in (False, True):
        counter = itertools.count(1)

        def before(service: str, body: dict[str, Any], counter: Any = counter, lost: bool = lost) -> None:
            if next(counter) == calls:
                if not lost:
                    raise httpx.ConnectError("refused")
                line.lose = service

        line.before = before
        command = wanted(f"c-{lost}")
        receipt = bring_about(connect, command)
        mine = [number for number, _ in bills(sandbox) if number == receipt.external_id]
        assert len(mine) == 1
        steps = [operation for operation, _, number in sandbox.state.history if number == receipt.external_id]
        assert steps == ["Save", "Submit", "Audit"]


def test_a_person_may_take_a_step_between_ours(connect: Connect, sandbox: Sandbox) -> None:
    command = wanted()
    with pytest.raises(Unfinished):
        connect().write(command)
    (bill,) = sandbox.state.docs("PUR_Requisition").values()
    bill["fdocumentstatus"] = "C"
    receipt = bring_about(connect, command)
    assert receipt.values["status"] == "C"
    assert done(sandbox) == ["Save"]


def test_a_bill_sent_back_is_submitted_again(connect: Connect, sandbox: Sandbox) -> None:
    command = wanted()
    with pytest.raises(Unfinished):
        connect().write(command)
    (bill,) = sandbox.state.docs("PUR_Requisition").values()
    bill["fdocumentstatus"] = "D"
    bring_about(connect, command)
    assert done(sandbox) == ["Save", "Submit", "Audit"]


def test_two_workers_at_once_make_one_bill(connect: Connect, sandbox: Sandbox, line: Line) -> None:
    command, other = wanted(), connect()

    def before(service: str, body: dict[str, Any]) -> None:
        if service == "Save":  # just now the other worker saves the very same command
            line.before = lambda service, body: None
            with pytest.raises(Unfinished):
                other.write(command)

    line.before = before
    with pytest.raises(Unfinished, match="is saved"):
        connect().write(command)
    assert done(sandbox) == ["Save"]
    bring_about(connect, command)
    assert done(sandbox) == ["Save", "Submit", "Audit"]


# -- the bill ---------------------------------------------------------------------------------------------------------


def test_the_bill_says_what_is_wanted_for_whom_and_until_when(
    connect: Connect, sandbox: Sandbox, line: Line, clock: Clock
) -> None:
    bring_about(
        connect, wanted(until="saved", quantity="2.5", supplier="V-1", warehouse="01", required_date="2026-12-01")
    )
    (body,) = line.bodies("Save")
    model = body["data"]["Model"]
    assert list(model)[:6] == ["FID", "FBillNo", "FBillTypeID", "FApplicationDate", "FRequestType", "FApplicationOrgId"]
    assert model["FBillNo"].startswith("WEFT-")
    assert len(model["FBillNo"]) == 25
    assert model["FApplicationDate"] == "2026-11-22 00:00:00"
    assert model["FNote"] == f"Weft TKT-2026-000007 ({model['FBillNo']})"
    (entry,) = model["FEntity"]
    assert entry["FMaterialId"] == {"FNumber": "A-1"}
    assert entry["FUnitId"] == {"FNumber": "Pcs"}
    assert entry["FReqQty"] == 2.5
    assert entry["FSuggestSupplierId"] == {"FNumber": "V-1"}
    assert entry["FArrivalDate"] == "2026-12-01 00:00:00"
    assert body["data"]["IsAutoSubmitAndAudit"] == "false"
    (doc,) = sandbox.state.docs("PUR_Requisition").values()
    assert doc["entries"][0]["freqqty"] == Decimal("2.5")


def test_a_site_may_demand_more_fields(connect: Connect, sandbox: Sandbox, line: Line) -> None:
    sandbox.bills.also_required |= {"FApplicationDeptId", "FStockId"}
    site = {
        "department": "BM001",
        "applicant": "YG001",
        "needed_in_days": 3,
        "purchase_organization": "200",
        "fields": {"F_ABC_Reason": {"FNumber": "01"}},
        "line_fields": {"FStockId": {"FNumber": "01"}},
    }
    bring_about(lambda: connect(requisition=site), wanted(until="saved"))
    model = line.bodies("Save")[0]["data"]["Model"]
    assert model["FApplicationDeptId"] == {"FNumber": "BM001"}
    assert model["F_ABC_Reason"] == {"FNumber": "01"}
    assert model["FEntity"][0]["FArrivalDate"] == "2026-11-25 00:00:00"
    assert model["FEntity"][0]["FPurchaseOrgId"] == {"FNumber": "200"}


def test_a_long_memo_leaves_room_for_our_number(connect: Connect, line: Line) -> None:
    command = wanted(until="saved")
    long = Command(command.id, command.op, command.key, {**command.body, "memo": "急" * 500})
    bring_about(connect, long)
    model = line.bodies("Save")[0]["data"]["Model"]
    assert len(model["FNote"]) == 255
    assert model["FBillNo"] in model["FNote"]


def test_a_site_that_numbers_bills_by_itself_is_found_by_the_remark(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.bills.own_numbers = True
    receipt = bring_about(connect, wanted())
    assert receipt.external_id.startswith("CGSQ")
    assert done(sandbox) == ["Save", "Submit", "Audit"]
    assert bills(sandbox) == [(receipt.external_id, "C")]


@pytest.mark.parametrize("cut", STEPS)
def test_with_numbers_of_the_site_too_a_lost_answer_makes_no_second_bill(
    cut: str, connect: Connect, sandbox: Sandbox, line: Line
) -> None:
    sandbox.bills.own_numbers = True
    line.lose = cut
    receipt = bring_about(connect, wanted())
    assert bills(sandbox) == [(receipt.external_id, "C")]


def test_another_command_makes_another_bill(connect: Connect, sandbox: Sandbox) -> None:
    first, second = (bring_about(connect, wanted(each, until="saved")) for each in ("c-1", "c-2"))
    assert first.external_id != second.external_id
    assert len(bills(sandbox)) == 2


# -- partial success --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("skipped", "status"), [("Submit", "A"), ("Audit", "B")])
def test_a_step_that_is_accepted_but_not_carried_out_is_no_success(
    skipped: str, status: str, connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.bills.skips = [skipped]
    receipt = bring_about(connect, wanted())
    assert receipt.outcome is Outcome.rejected
    assert f"{skipped} was accepted but did not handle it" in receipt.reason
    assert bills(sandbox) == [(receipt.external_id, status)]
    assert bring_about(connect, wanted()).values["status"] == "C"
    assert len(bills(sandbox)) == 1


def test_a_bill_that_lost_lines_goes_no_further(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.filler.item("B-1", "密封")
    command = wanted()
    lines = [*command.body["lines"], {"item": "B-1", "quantity": 1}]
    both = Command(command.id, command.op, command.key, {"lines": lines})
    sandbox.bills.drops_lines = 1
    receipt = bring_about(connect, both)
    assert receipt.outcome is Outcome.rejected
    assert "1 of 2 lines; missing: B-1" in receipt.reason
    assert bills(sandbox) == [(receipt.external_id, "A")]
    assert done(sandbox) == ["Save"]


def test_a_save_that_names_no_bill_is_in_doubt(connect: Connect, line: Line) -> None:
    empty = {"Result": {"ResponseStatus": {"IsSuccess": True, "SuccessEntitys": [], "Errors": []}}}
    line.before = lambda service, body: httpx.Response(200, json=empty) if service == "Save" else None
    with pytest.raises(Ambiguous, match="names no bill"):
        connect().write(wanted())


def test_a_step_whose_fate_cannot_be_looked_up_is_in_doubt(connect: Connect, sandbox: Sandbox, line: Line) -> None:
    sandbox.bills.skips = ["Submit"]
    command = wanted()
    with pytest.raises(Unfinished):
        connect().write(command)
    submitted = False

    def before(service: str, body: dict[str, Any]) -> httpx.Response | None:
        nonlocal submitted
        if submitted:
            return httpx.Response(503)
        submitted = service == "Submit"
        return None

    line.before = before
    with pytest.raises(Ambiguous, match="does not say whether Submit took effect"):
        connect().write(command)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lines": []}, "body.lines"),
        ({"lines": "A-1"}, "body.lines"),
        ({"lines": ["A-1"]}, "body.lines[0]"),
        ({"lines": [{"quantity": 1}]}, "body.lines[0].item"),
        ({"lines": [{"item": "A-1"}]}, "body.lines[0].quantity"),
        ({"lines": [{"item": "A-1", "quantity": "eight"}]}, "body.lines[0].quantity"),
        ({"lines": [{"item": "A-1", "quantity": -1}]}, "not above 0"),
        ({"lines": [{"item": "A-1", "quantity": 1, "colour": "red"}]}, "body.lines[0].colour"),
        ({"lines": [{"item": "A-1", "quantity": 1, "required_date": "soon"}]}, "body.lines[0].required_date"),
        ({"lines": [{"item": "A-1", "quantity": 1}] * 201}, "200 at most"),
        ({"until": "done"}, "body.until"),
        ({"price": 3}, "body.price"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_its_path(
    change: dict[str, Any], says: str, connect: Connect, line: Line
) -> None:
    command = wanted()
    receipt = connect().write(Command("c", command.op, command.key, {**command.body, **change}))
    assert receipt.outcome is Outcome.rejected
    assert says in receipt.reason
    assert line.requests == []


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("NO-SUCH", "knows no article 'NO-SUCH'"),
        ("OLD", "forbidden"),
        ("NEW", "not audited"),
        ("a' or '1'='1", "knows no"),
    ],
)
def test_an_article_that_cannot_be_bought_is_named(item: str, says: str, connect: Connect, sandbox: Sandbox) -> None:
    sandbox.filler.item("OLD", "旧件", FForbidStatus="B")
    sandbox.filler.item("NEW", "新件", FDocumentStatus="A")
    receipt = connect().write(wanted(item=item))
    assert receipt.outcome is Outcome.rejected
    assert says in receipt.reason
    assert sandbox.state.changes == 0


@pytest.mark.parametrize(
    ("field", "key"), [("supplier", "FSuggestSupplierId"), ("warehouse", "FStockId"), ("unit", "FUnitId")]
)
def test_a_supplier_or_warehouse_there_is_not_is_refused_and_not_dropped(
    field: str, key: str, connect: Connect, sandbox: Sandbox
) -> None:
    receipt = connect().write(wanted(**{field: "NO-SUCH"}))
    assert receipt.outcome is Outcome.rejected
    assert f"{key}: " in receipt.reason
    assert "NO-SUCH" in receipt.reason
    assert sandbox.state.changes == 0


def test_a_field_the_site_demands_is_named_in_kingdees_words(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.bills.also_required.add("FApplicationDeptId")
    receipt = connect().write(wanted())
    assert receipt.outcome is Outcome.rejected
    assert "FApplicationDeptId: 字段“FApplicationDeptId”是必填项" in receipt.reason
    assert sandbox.state.changes == 0


def test_a_workflow_that_forbids_the_audit_ends_the_command_with_the_bill_submitted(
    connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.bills.workflow = True
    receipt = bring_about(connect, wanted())
    assert receipt.outcome is Outcome.rejected
    assert "is submitted, but Kingdee refuses Audit" in receipt.reason
    assert "工作流" in receipt.reason
    assert receipt.values["status"] == "B"
    sandbox.bills.workflow = False
    assert bring_about(connect, wanted()).values["status"] == "C"
    assert len(bills(sandbox)) == 1


def test_a_missing_right_needs_a_person(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.user.denied.add(("PUR_Requisition", "Submit"))
    command = wanted()
    with pytest.raises(Unfinished):
        connect().write(command)
    with pytest.raises(AuthProblem, match="提交"):
        connect().write(command)
    sandbox.user.denied.clear()
    bring_about(connect, command)
    assert done(sandbox) == ["Save", "Submit", "Audit"]


def test_a_bill_somebody_has_open_is_tried_again_later(connect: Connect, sandbox: Sandbox, line: Line) -> None:
    errors = [{"FieldName": None, "Message": "网络控制：单据正在被 王磊 编辑", "DIndex": 0}]
    locked = {"Result": {"ResponseStatus": {"IsSuccess": False, "Errors": errors, "MsgCode": 9}}}
    line.before = lambda service, body: httpx.Response(200, json=locked) if service == "Submit" else None
    command = wanted()
    with pytest.raises(Unfinished):
        connect().write(command)
    with pytest.raises(Transient, match="王磊"):
        connect().write(command)


def test_a_cancelled_bill_is_left_alone(connect: Connect, sandbox: Sandbox) -> None:
    command = wanted()
    with pytest.raises(Unfinished):
        connect().write(command)
    (bill,) = sandbox.state.docs("PUR_Requisition").values()
    bill["fcancelstatus"] = "B"
    receipt = connect().write(command)
    assert receipt.outcome is Outcome.rejected
    assert "作废" in receipt.reason


def test_a_single_step_of_a_bill_there_is(connect: Connect, sandbox: Sandbox) -> None:
    number = bring_about(connect, wanted(until="saved")).external_id
    submit, audit = (Command(op, op, {"number": number}) for op in ("submit_requisition", "audit_requisition"))
    too_early = connect().write(audit)
    assert (too_early.outcome, "submitted first" in too_early.reason) == (Outcome.rejected, True)
    assert connect().confirm(submit) is None
    assert connect().write(submit).outcome is Outcome.applied
    assert connect().write(submit).outcome is Outcome.duplicate
    assert connect().write(audit).outcome is Outcome.applied
    assert done(sandbox) == ["Save", "Submit", "Audit"]


def test_what_can_be_done_to_a_bill_is_told_beforehand(connect: Connect, sandbox: Sandbox) -> None:
    number = bring_about(connect, wanted(until="saved")).external_id
    told = connect().probe({"number": number})
    assert told["submit_requisition"] == ""
    assert "is saved" in told["audit_requisition"]
    gone = connect().probe({"number": "X"})
    assert "knows no" in gone["submit_requisition"]
    assert connect().probe({"ticket": "TKT-1"})["create_requisition"] == ""
    assert connect().probe({})["create_requisition"] != ""
    assert sandbox.state.changes == 1
