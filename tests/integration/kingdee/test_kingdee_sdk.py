"""Kingdee's own SDK, unmodified, works on the stand-in: an independent client that knows nothing of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from k3cloud_webapi_sdk.main import K3CloudApiSdk

from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, USER, Sandbox, Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    with_example = serve()
    yield with_example
    with_example.stop()


@pytest.fixture
def sandbox(server: Server) -> Sandbox:
    return server.sandbox


def connected(server: Server, secret: str = APP_SECRET, org: int = 100) -> Any:
    sdk = K3CloudApiSdk(server.url, timeout=10)
    sdk.InitConfig(ACCT, USER, APP_ID, secret, server.url, 2052, org, 5, 5)
    return sdk


@pytest.fixture
def sdk(server: Server) -> Any:
    return connected(server)


def said(text: str) -> Any:
    return json.loads(text)


def status_of(text: str) -> dict[str, Any]:
    status: dict[str, Any] = said(text)["Result"]["ResponseStatus"]
    return status


MODEL = {
    "FBillTypeID": {"FNumber": "CGSQD01_SYS"},
    "FApplicationDate": "2026-11-22",
    "FRequestType": "Material",
    "FApplicationOrgId": {"FNumber": "100"},
    "FCurrencyId": {"FNumber": "PRE001"},
    "FNote": "由 SDK 创建",
    "FEntity": [
        {
            "FMaterialId": {"FNumber": "BRG-6205"},
            "FUnitId": {"FNumber": "Pcs"},
            "FReqQty": 8,
            "FArrivalDate": "2026-12-01 00:00:00",
            "FRequireOrgId": {"FNumber": "100"},
            "FPurchaseOrgId": {"FNumber": "100"},
            "FReceiveOrgId": {"FNumber": "100"},
        }
    ],
}


def test_it_lists_the_data_centers(sdk: Any) -> None:
    assert said(sdk.GetDataCenters())[0]["Id"] == ACCT


def test_its_signatures_are_accepted_and_its_session_is_kept(sdk: Any, sandbox: Sandbox) -> None:
    for _ in range(3):
        sdk.ExecuteBillQuery({"FormId": "BD_MATERIAL", "FieldKeys": "FNumber"})
    assert len(sandbox.state.sessions) == 1
    assert sdk.cookiesStore.SID in sandbox.state.sessions


def test_a_session_that_ended_is_replaced_by_its_next_signature(sdk: Any, sandbox: Sandbox) -> None:
    query = {"FormId": "BD_MATERIAL", "FieldKeys": "FNumber"}
    first = sdk.ExecuteBillQuery(query)
    sandbox.state.sessions.clear()
    assert sdk.ExecuteBillQuery(query) == first


def test_with_a_wrong_secret_it_is_told_that_the_session_is_lost(server: Server) -> None:
    wrong = connected(server, secret="fedcba9876543210fedcba9876543210")
    told = said(wrong.ExecuteBillQuery({"FormId": "BD_MATERIAL", "FieldKeys": "FNumber"}))
    status = told[0][0]["Result"]["ResponseStatus"]
    assert (status["MsgCode"], status["Errors"][0]["Message"]) == (1, "会话信息已丢失，请重新登录")


def test_of_a_wrong_data_center_it_is_told_with_an_error(server: Server) -> None:
    sdk = K3CloudApiSdk(server.url, timeout=10)
    sdk.InitConfig("nowhere", USER, APP_ID, APP_SECRET, server.url)
    with pytest.raises(RuntimeError, match="thirty passport"):
        sdk.ExecuteBillQuery({"FormId": "BD_MATERIAL", "FieldKeys": "FNumber"})


def test_it_queries_the_example_company_in_chinese(sdk: Any) -> None:
    asked = {
        "FormId": "STK_Inventory",
        "FieldKeys": "FMaterialId.FNumber,FMaterialId.FName,FStockId.FName,FBaseQty",
        "FilterString": "FMaterialId.FNumber='BRG-6205'",
        "OrderString": "",
        "TopRowCount": 0,
        "StartRow": 0,
        "Limit": 2000,
        "SubSystemId": "",
    }
    assert said(sdk.ExecuteBillQuery(asked)) == [["BRG-6205", "深沟球轴承", "备件一库", 12.0]]
    rows = said(sdk.BillQuery({"FormId": "BD_Customer", "FieldKeys": "FNumber,FName", "OrderString": "FNumber"}))
    assert rows[0] == {"FNumber": "C0001", "FName": "杭州精工机械有限公司"}


def test_it_pages_through_orders(sdk: Any) -> None:
    found: list[Any] = []
    asked = {"FormId": "PUR_PurchaseOrder", "FieldKeys": "FBillNo", "OrderString": "FBillNo ASC", "Limit": 10}
    while page := said(sdk.ExecuteBillQuery({**asked, "StartRow": len(found)})):
        found += page
    assert len(found) == 42
    assert found == sorted(found)


def test_it_views_a_material(sdk: Any) -> None:
    data = {"CreateOrgId": 0, "Number": "BRG-6205", "Id": "", "IsSortBySeq": "false"}
    seen = said(sdk.View("BD_MATERIAL", data))["Result"]["Result"]
    assert (seen["Number"], seen["Name"], seen["BaseUnitId"]["Name"]) == ("BRG-6205", "深沟球轴承", "个")
    assert said(sdk.View("BD_MATERIAL", {"Number": "NOPE"}))["Result"]["ResponseStatus"]["IsSuccess"] is False


def test_it_saves_submits_audits_and_deletes_a_requisition(sdk: Any, sandbox: Sandbox) -> None:
    saved = status_of(sdk.Save("PUR_Requisition", {"Model": MODEL}))
    number = saved["SuccessEntitys"][0]["Number"]
    for operation in (sdk.Submit, sdk.Audit):
        assert status_of(operation("PUR_Requisition", {"Numbers": [number]}))["IsSuccess"] is True
    (bill,) = sandbox.state.docs("PUR_Requisition").values()
    assert (bill["fdocumentstatus"], bill["fnote"]) == ("C", "由 SDK 创建")
    refused = status_of(sdk.Delete("PUR_Requisition", {"Numbers": [number]}))
    assert refused["IsSuccess"] is False
    sdk.UnAudit("PUR_Requisition", {"Numbers": [number]})
    assert status_of(sdk.Delete("PUR_Requisition", {"Ids": str(bill["fid"])}))["IsSuccess"] is True


def test_it_is_told_what_is_missing_in_a_bill(sdk: Any) -> None:
    status = status_of(sdk.Save("PUR_Requisition", {"Model": {**MODEL, "FEntity": []}}))
    assert status["IsSuccess"] is False
    assert status["Errors"][0]["FieldName"] == "FEntity"


def test_it_saves_many_in_the_background_and_asks_until_they_are_done(sdk: Any) -> None:
    told = said(sdk.BatchSaveQuery("PUR_Requisition", {"Model": [MODEL, MODEL]}))
    assert len(told["Result"]["ResponseStatus"]["SuccessEntitys"]) == 2


def test_what_it_saved_is_found_by_the_connector(sdk: Any, server: Server) -> None:
    from connectors.kingdee import KingdeeConnector
    from connectors.settings import parse_config

    number = status_of(sdk.Save("PUR_Requisition", {"Model": MODEL}))["SuccessEntitys"][0]["Number"]
    settings = {"url": server.url, "data_center": ACCT, "username": USER, "organization": "100"}
    config: Any = parse_config(KingdeeConnector, {**settings, "app_id": APP_ID, "app_secret": APP_SECRET})
    connector = KingdeeConnector(config)
    assert connector.probe({"number": number})["submit_requisition"] == ""
    connector.close()
