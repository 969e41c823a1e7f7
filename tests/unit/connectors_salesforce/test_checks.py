"""What a check finds out."""

from __future__ import annotations

from connectors.salesforce.sandbox import Sandbox
from tests.unit.connectors_salesforce.conftest import Make


def test_all_is_well(make: Make) -> None:
    health = make().check()
    assert health.ok
    assert health.remote_version == "Spring '26 (API 66.0, used: 59.0)"
    assert "Weft 示例公司" in health.message
    assert "of 15000" in health.message


def test_each_missing_right_and_column_is_named_with_where_to_get_it(make: Make, sandbox: Sandbox) -> None:
    objects = sandbox.state.objects
    objects["Contact"].readable = False
    objects["Case"].createable = False
    objects["CaseComment"].createable = False
    objects["CaseStatus"].readable = False
    objects["Account"].columns["Customer_No__c"].hidden = True
    objects["Account"].columns["Health_Score__c"].read_only = True
    objects["Case"].columns["Weft_Ticket__c"].unique = False
    health = make().check()
    assert not health.ok
    assert {m.right for m in health.missing_rights} == {
        "Read on Contact",
        "Create on Case",
        "Create on CaseComment",
        "View Setup and Configuration",
        "Column Account.Customer_No__c",
        "Edit on Account.Health_Score__c",
        "Case.Weft_Ticket__c as external id, unique",
    }
    assert all("Setup >" in m.grant_at for m in health.missing_rights)
    assert sandbox.state.changes == 0


def test_a_column_of_a_parent_is_checked_too(make: Make) -> None:
    health = make(extra_columns={"case": ["Account.SLA__c", "Asset.SerialNumber"]}).check()
    assert [m.right for m in health.missing_rights] == ["Column Case.Asset.SerialNumber"]


def test_an_api_version_the_organization_does_not_know_is_told(make: Make) -> None:
    health = make(api_version="71.0").check()
    assert not health.ok
    assert "66.0" in health.message


def test_a_wrong_password_is_told(make: Make) -> None:
    health = make(password="wrong").check()
    assert not health.ok
    assert "INVALID_LOGIN" in health.message
    assert "wrong" not in health.message
