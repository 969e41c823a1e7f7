"""The stand-in is strict where Kingdee is: filters, pages, envelopes, the life cycle, its ways of saying no."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from connectors.kingdee.answers import failure_of, handled
from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, PASSWORD, USER, Sandbox, Server
from tests.unit.connectors_kingdee.conftest import Clock

AUTH = "Kingdee.BOS.WebApi.ServicesStub.AuthService."
DATA = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."
Post = Any


@pytest.fixture
def post(sandbox: Sandbox) -> Post:
    """Calls a service with a session; `raw` gives the response itself."""
    http = httpx.Client(
        transport=httpx.MockTransport(sandbox.handle), base_url="http://k.test/k3cloud/", timeout=5, trust_env=False
    )

    def posted(service: str, body: Any, *, raw: bool = False, form: bool = False) -> Any:
        name = service if "." in service else DATA + service
        if form:
            kind = {"content-type": "application/x-www-form-urlencoded"}
            answer = http.post(f"{name}.common.kdsvc", content=urlencode(body), headers=kind)
        else:
            answer = http.post(f"{name}.common.kdsvc", json=body)
        return answer if raw else answer.json()

    posted(AUTH + "ValidateUser", {"parameters": [ACCT, USER, PASSWORD, 2052]})
    return posted


def query(post: Post, where: str = "", *, fields: str = "FNumber", **more: Any) -> Any:
    asked = {"FormId": "BD_MATERIAL", "FieldKeys": fields, "FilterString": where, "OrderString": "FNumber ASC", **more}
    return post("ExecuteBillQuery", {"data": asked})


@pytest.fixture
def parts(sandbox: Sandbox, clock: Clock) -> None:
    """B-1 to B-5 beside A-1."""
    for n in range(1, 6):
        sandbox.state.backdate = clock.local() - timedelta(days=n)
        group = sandbox.filler.ref("BD_MATERIALGROUP", "SP") if n % 2 else None
        sandbox.filler.item(f"B-{n}", f"件'{n}", FSafeStock=Decimal(n), FMaterialGroup=group, FIsEnableSafeStock=n > 3)
    sandbox.state.backdate = None


# -- the filter -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("FNumber = 'B-1'", ["B-1"]),
        ("FNumber = 'b-1'", ["B-1"]),
        ("FNumber in ('B-1','B-3')", ["B-1", "B-3"]),
        ("FNumber not in ('A-1') and FSafeStock >= 4", ["B-4", "B-5"]),
        ("FNumber like '%-2'", ["B-2"]),
        ("FName = '件''2'", ["B-2"]),
        ("FSafeStock > 1 and FSafeStock < 4", ["B-2", "B-3"]),
        ("FMaterialGroup.FName = '备件'", ["B-1", "B-3", "B-5"]),
        ("FMaterialGroup is null and FNumber like 'B%'", ["B-2", "B-4"]),
        ("FMaterialGroup is not null", ["B-1", "B-3", "B-5"]),
        ("FIsEnableSafeStock = '1'", ["A-1", "B-4", "B-5"]),
        ("FNumber = 'B-1' or FNumber = 'B-2' and FSafeStock = 9", ["B-1"]),
        ("(FNumber = 'B-1' or FNumber = 'B-2') and FSafeStock = 2", ["B-2"]),
        ("FNumber <> 'A-1' and not (FSafeStock <= 3)", ["B-4", "B-5"]),
        ("FModifyDate >= '2026-11-20 00:00:00'", ["B-1", "B-2"]),
        ("FNumber = 'nothing' or '1' = '1'", None),
        ("FNumber = ", None),
        ("FNumber ~ 'B'", None),
        ("FSafeStock > 'many'", None),
        ("FNope = 1", None),
        ("FMaterialGroup.FParent.FName = 'x'", None),
    ],
)
@pytest.mark.usefixtures("parts")
def test_the_filter_is_sql_over_field_keys(where: str, found: list[str] | None, post: Post) -> None:
    answer = query(post, where)
    if found is None:
        assert failure_of(answer) is not None
    else:
        assert answer == [[number] for number in found]


@pytest.mark.usefixtures("parts")
def test_the_newer_filter_of_conditions_is_taken_too(post: Post) -> None:
    conditions = [
        {"Left": "(", "FieldName": "FNumber", "Compare": "67", "Value": "B-1", "Right": "", "Logic": "1"},
        {"Left": "", "FieldName": "FNumber", "Compare": "67", "Value": "B-2", "Right": ")", "Logic": "0"},
    ]
    assert query(post, conditions) == [["B-1"], ["B-2"]]  # type: ignore[arg-type]


# -- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("parts")
def test_the_top_row_count_is_an_end_row_and_no_page_size(post: Post) -> None:
    assert query(post, StartRow=2, Limit=2) == [["B-2"], ["B-3"]]
    assert query(post, StartRow=0, Limit=2, TopRowCount=2) == [["A-1"], ["B-1"]]
    assert query(post, StartRow=2, Limit=2, TopRowCount=2) == []


@pytest.mark.usefixtures("parts")
def test_order_goes_down_and_by_several(post: Post) -> None:
    told = query(post, "FNumber like 'B%'", OrderString="FIsEnableSafeStock DESC, FNumber DESC")
    assert [row[0] for row in told] == ["B-5", "B-4", "B-3", "B-2", "B-1"]


def test_each_line_of_a_bill_is_a_row_as_soon_as_a_line_is_asked_for(
    post: Post, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.filler.sale(
        "SO-1", "C-1", [("A-1", Decimal(1), Decimal(1)), ("A-1", Decimal(2), Decimal(1))], clock.local()
    )
    asked = {"FormId": "SAL_SaleOrder", "FieldKeys": "FBillNo"}
    assert post("ExecuteBillQuery", {"data": asked}) == [["SO-1"]]
    assert post("ExecuteBillQuery", {"data": {**asked, "FieldKeys": "FBillNo,FQty"}}) == [["SO-1", 1.0], ["SO-1", 2.0]]
    assert len(post("ExecuteBillQuery", {"data": {**asked, "FilterString": "FQty > 0"}})) == 2


def test_no_field_is_an_empty_parameter_and_no_form_an_unknown_one(post: Post) -> None:
    nothing = failure_of(query(post, fields=""))
    assert nothing is not None
    assert nothing.code == 8
    unknown = failure_of(post("ExecuteBillQuery", {"data": {"FormId": "NOPE", "FieldKeys": "FID"}}))
    assert unknown is not None
    assert unknown.code == 4


# -- envelopes --------------------------------------------------------------------------------------------------------


def test_every_envelope_that_clients_use_is_taken(post: Post) -> None:
    data = {"FormId": "BD_MATERIAL", "FieldKeys": "FNumber"}
    for answer in (
        post("ExecuteBillQuery", {"data": data}),
        post("ExecuteBillQuery", {"data": json.dumps(data)}),
        post("ExecuteBillQuery", {"format": 1, "parameters": json.dumps([json.dumps(data)]), "v": "1.0"}),
        post("ExecuteBillQuery", {"data": json.dumps(data)}, form=True),
    ):
        assert answer == [["A-1"]]
    assert post("BillQuery", {"data": data}) == [{"FNumber": "A-1"}]
    view = post("View", {"formid": "BD_MATERIAL", "data": json.dumps({"Number": "A-1"})}, form=True)
    assert view["Result"]["Result"]["Name"] == "轴承"


def test_a_login_takes_its_parameters_as_list_as_text_and_by_name(post: Post) -> None:
    given = [ACCT, USER, APP_ID, APP_SECRET, 2052]
    named = dict(zip(("acctID", "username", "appid", "appsecret", "lcid"), given, strict=True))
    for body in ({"parameters": given}, {"parameters": json.dumps(given)}, named):
        assert post(AUTH + "LoginByAppSecret", body)["LoginResultType"] == 1


def test_what_is_no_json_is_an_error_text_with_status_200(post: Post, sandbox: Sandbox) -> None:
    url = f"http://k.test/k3cloud/{DATA}View.common.kdsvc"
    answer = sandbox.handle(httpx.Request("POST", url, content=b"{"))
    assert answer.status_code == 200
    assert answer.text.startswith("response_error:")


def test_a_service_there_is_not_is_an_error_text(post: Post) -> None:
    assert post("Kingdee.Nothing.Known", {}, raw=True).text.startswith("response_error:")


def test_data_centers_are_listed_without_a_login(sandbox: Sandbox) -> None:
    service = "Kingdee.BOS.ServiceFacade.ServicesStub.Account.AccountService.GetDataCenterList"
    answer = sandbox.handle(httpx.Request("POST", f"http://k.test/k3cloud/{service}.common.kdsvc", content=b"{}"))
    assert answer.json()[0]["Id"] == ACCT


@pytest.mark.parametrize(("service", "shape"), [("ExecuteBillQuery", "table"), ("BillQuery", "list"), ("View", "bare")])
def test_without_a_session_each_service_says_so_in_its_own_shape(service: str, shape: str, sandbox: Sandbox) -> None:
    answer = sandbox.handle(httpx.Request("POST", f"http://k.test/k3cloud/{DATA}{service}.common.kdsvc", content=b"{}"))
    told = answer.json()
    assert answer.status_code == 200
    inner = {"table": lambda: told[0][0], "list": lambda: told[0], "bare": lambda: told}[shape]()
    assert inner["Result"]["ResponseStatus"]["MsgCode"] == 1


# -- bills ------------------------------------------------------------------------------------------------------------

HEAD = {
    "FBillTypeID": {"FNumber": "CGSQD01_SYS"},
    "FApplicationDate": "2026-11-22",
    "FRequestType": "Material",
    "FApplicationOrgId": {"FNumber": "100"},
    "FCurrencyId": {"FNumber": "PRE001"},
}
LINE = {
    "FMaterialId": {"FNumber": "A-1"},
    "FUnitId": {"FNumber": "Pcs"},
    "FReqQty": 10,
    "FArrivalDate": "2026-12-01 00:00:00",
    **{key: {"FNumber": "100"} for key in ("FRequireOrgId", "FPurchaseOrgId", "FReceiveOrgId")},
}


def save(post: Post, *, head: Any = None, lines: Any = None, **options: Any) -> Any:
    model = {**HEAD, **(head or {}), "FEntity": [LINE] if lines is None else lines}
    return post("Save", {"formid": "PUR_Requisition", "data": {"Model": model, **options}})


def step(post: Post, operation: str, **who: Any) -> Any:
    return post(operation, {"formid": "PUR_Requisition", "data": who})


def test_a_bill_lives_from_created_to_audited_and_back(post: Post, sandbox: Sandbox) -> None:
    number = save(post)["Result"]["Number"]
    states = []
    for operation in ("Submit", "Audit", "UnAudit", "Submit", "CancelAssign", "Delete"):
        assert handled(step(post, operation, Numbers=[number]))[0].number == number
        states.append(next((d["fdocumentstatus"] for d in sandbox.state.docs("PUR_Requisition").values()), "gone"))
    assert states == ["B", "C", "D", "B", "A", "gone"]


@pytest.mark.parametrize("operation", ["Audit", "UnAudit"])
def test_a_step_out_of_turn_is_refused(operation: str, post: Post) -> None:
    number = save(post)["Result"]["Number"]
    told = failure_of(step(post, operation, Numbers=[number]))
    assert told is not None
    assert "状态为创建" in told.message


def test_required_fields_are_told_one_by_one_with_their_line(post: Post) -> None:
    lines = [LINE, {**LINE, "FMaterialId": {"FNumber": "NOPE"}}, {k: v for k, v in LINE.items() if k != "FReqQty"}]
    answer = save(post, head={"FCurrencyId": None}, lines=lines)
    errors = answer["Result"]["ResponseStatus"]["Errors"]
    assert [(e["FieldName"], e["DIndex"]) for e in errors] == [("FCurrencyId", 0), ("FMaterialId", 1), ("FReqQty", 2)]


def test_a_number_can_be_chosen_once(post: Post) -> None:
    assert save(post, head={"FBillNo": "MINE-1"})["Result"]["Number"] == "MINE-1"
    told = failure_of(save(post, head={"FBillNo": "MINE-1"}))
    assert told is not None
    assert "已存在" in told.message


def test_of_several_bills_those_that_can_be_are_handled_and_the_others_told(post: Post) -> None:
    first, second = (save(post)["Result"]["Number"] for _ in range(2))
    step(post, "Submit", Numbers=[second])
    answer = step(post, "Submit", Numbers=[first, second, "NOPE"])
    status = answer["Result"]["ResponseStatus"]
    assert status["IsSuccess"] is True
    assert [e["Number"] for e in status["SuccessEntitys"]] == [first]
    assert [e["DIndex"] for e in status["Errors"]] == [1, 2]


def test_of_ids_given_as_a_list_only_the_first_is_handled(post: Post) -> None:
    ids = [save(post)["Result"]["Id"] for _ in range(2)]
    assert [e.id for e in handled(step(post, "Submit", Ids=ids))] == [str(ids[0])]
    assert len(handled(step(post, "Audit", Ids=",".join(map(str, ids))))) == 1


def test_an_update_deletes_the_lines_it_does_not_name_unless_told_not_to(post: Post, sandbox: Sandbox) -> None:
    id_ = save(post, lines=[LINE, LINE])["Result"]["Id"]
    (bill,) = sandbox.state.docs("PUR_Requisition").values()
    first = bill["entries"][0]["fentity_fentryid"]
    change = [{"FEntryID": first, "FReqQty": 3}]
    save(post, head={"FID": id_}, lines=change, IsDeleteEntry="false")
    assert [entry["freqqty"] for entry in bill["entries"]] == [3, 10]
    save(post, head={"FID": id_}, lines=change)
    assert [entry["freqqty"] for entry in bill["entries"]] == [3]


def test_many_bills_in_one_call_fail_one_by_one(post: Post) -> None:
    models = [{**HEAD, "FEntity": [LINE]}, {**HEAD, "FEntity": []}]
    status = post("BatchSave", {"formid": "PUR_Requisition", "data": {"Model": models}})["Result"]["ResponseStatus"]
    assert [e["DIndex"] for e in status["SuccessEntitys"]] == [0]
    assert [e["DIndex"] for e in status["Errors"]] == [1]


def test_a_draft_may_be_incomplete(post: Post, sandbox: Sandbox) -> None:
    answer = post("Draft", {"formid": "PUR_Requisition", "data": {"Model": {"FNote": "later"}}})
    assert answer["Result"]["ResponseStatus"]["IsSuccess"] is True
    (bill,) = sandbox.state.docs("PUR_Requisition").values()
    assert bill["fdocumentstatus"] == "Z"


def test_a_model_that_is_empty_is_a_missing_parameter(post: Post) -> None:
    told = failure_of(post("Save", {"formid": "PUR_Requisition", "data": {"Model": {}}}))
    assert told is not None
    assert told.code == 8


# -- from outside -----------------------------------------------------------------------------------------------------


def test_a_running_stand_in_can_be_changed_from_outside(sandbox: Sandbox) -> None:
    with Server(sandbox) as server, httpx.Client(timeout=5, trust_env=False) as http:
        base = server.url.removesuffix("/k3cloud/")
        given = {"item": "A-1", "warehouse": "01", "quantity": "3.5"}
        assert http.post(f"{base}/sandbox/stock", json=given).status_code == 200
        assert [d["fbaseqty"] for d in sandbox.state.docs("STK_Inventory").values()] == [Decimal("3.5")]
        assert http.post(f"{base}/sandbox/requests", json={}).json() == []
        assert http.post(f"{base}/sandbox/faults", json={"skip": "Submit", "ends_after": 5}).status_code == 200
        assert (sandbox.bills.skips, sandbox.door.ends_after) == (["Submit"], 5)
        assert http.post(f"{base}/sandbox/sessions", json={}).status_code == 200
        assert http.post(f"{base}/sandbox/nothing", json={}).status_code == 400
        assert http.post(f"{base}/sandbox/stock", json={"item": "A-1"}).status_code == 400
        assert http.get(server.url).status_code == 200
