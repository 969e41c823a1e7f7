"""simple-salesforce, unmodified and over real TLS, works against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce import exceptions as refused
from simple_salesforce.api import Salesforce
from simple_salesforce.format import format_external_id, format_soql

from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_server import Server


@pytest.fixture
def session(server: Server) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.verify = server.ca_file
        session.trust_env = False
        yield session


@pytest.fixture
def domain(server: Server) -> str:
    """simple-salesforce makes https://127.0.0.1:PORT/x.salesforce.com of it."""
    return f"{urlsplit(server.url).netloc}/x"


@pytest.fixture
def sf(sandbox: Sandbox, domain: str, session: requests.Session) -> Salesforce:
    me = sandbox.account
    return Salesforce(
        username=me.username, password=me.password, security_token=me.security_token, domain=domain, session=session
    )


def one_account(sf: Any) -> str:
    return str(sf.query("SELECT Id FROM Account ORDER BY Id LIMIT 1")["records"][0]["Id"])


# -- logins -------------------------------------------------------------------------------------------------------------


def fields(sandbox: Sandbox, way: str) -> dict[str, Any]:
    me = sandbox.account
    return {
        "password": {"username": me.username, "password": me.password, "security_token": me.security_token},
        "organization": {"username": me.username, "password": me.password, "organizationId": me.organization},
        "oauth": {"username": me.username, "password": me.password, "consumer_key": me.consumer_key,
                  "consumer_secret": me.consumer_secret},
        "jwt": {"username": me.username, "consumer_key": me.consumer_key, "privatekey": me.private_key},
        "application": {"consumer_key": me.consumer_key, "consumer_secret": me.consumer_secret},
    }[way]  # fmt: skip


@pytest.mark.parametrize("way", ["password", "organization", "oauth", "jwt", "application"])
def test_it_logs_in(sandbox: Sandbox, domain: str, session: requests.Session, way: str) -> None:
    sf = Salesforce(domain=domain, session=session, **fields(sandbox, way))
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 3


def test_it_uses_a_session_got_elsewhere(sandbox: Sandbox, server: Server, session: requests.Session) -> None:
    sf = Salesforce(session_id=sandbox.account.open(), instance_url=server.url, session=session)
    assert sf.is_sandbox() is True


@pytest.mark.parametrize(
    ("way", "change", "code"),
    [
        ("password", {"password": "wrong"}, "INVALID_LOGIN"),
        ("oauth", {"consumer_secret": "wrong"}, "invalid_client_id"),
        ("application", {"consumer_key": "wrong"}, "invalid_client"),
    ],
)
def test_it_is_told_why_a_login_is_refused(
    sandbox: Sandbox, domain: str, session: requests.Session, way: str, change: dict[str, str], code: str
) -> None:
    with pytest.raises(refused.SalesforceAuthenticationFailed) as told:
        Salesforce(domain=domain, session=session, **{**fields(sandbox, way), **change})
    assert told.value.code == code


def test_it_renews_a_session_that_ran_out(sandbox: Sandbox, sf: Any) -> None:
    sandbox.account.sessions.clear()
    assert len(sf.query_all("SELECT Id FROM Account")["records"]) == 3


# -- queries ------------------------------------------------------------------------------------------------------------


def test_it_reads_all_pages(sandbox: Sandbox, sf: Any) -> None:
    for number in range(4005):
        sandbox.state.put("Contact", LastName=f"n{number}")
    found = sf.query_all_iter("SELECT Id, LastName FROM Contact")
    assert len({record["Id"] for record in found}) == 4008


def test_it_asks_with_formatted_values(sf: Any) -> None:
    query = format_soql(
        "SELECT Name FROM Account WHERE Name IN {} AND BillingCity LIKE '{:like}%'",
        ["O'Neil", "Nordhafen Pumpen GmbH"],
        "Ham",
    )
    assert [record["Name"] for record in sf.query(query)["records"]] == ["Nordhafen Pumpen GmbH"]


def test_it_sees_the_deleted_only_when_asked(sf: Any) -> None:
    assert sf.Account.delete(one_account(sf)) == 204
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 2
    assert sf.query("SELECT COUNT() FROM Account WHERE IsDeleted = true", include_deleted=True)["totalSize"] == 1
    now = datetime.now(UTC)
    deleted = sf.Account.deleted(now - timedelta(minutes=5), now + timedelta(minutes=5))
    assert len(deleted["deletedRecords"]) == 1
    assert len(sf.Account.updated(now - timedelta(days=500), now)["ids"]) == 2


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELECT Nope FROM Account", refused.SalesforceMalformedRequest),
        ("SELECT Id FROM Lead", refused.SalesforceMalformedRequest),
        ("nonsense", refused.SalesforceMalformedRequest),
    ],
)
def test_it_is_told_what_is_wrong_with_a_query(sf: Any, query: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        sf.query(query)


# -- records ------------------------------------------------------------------------------------------------------------


def test_it_makes_reads_changes_and_deletes_a_record(sf: Any) -> None:
    made = sf.Case.create({"Subject": "划伤", "Type": "投诉", "AccountId": one_account(sf)})
    assert made["success"] is True
    assert sf.Case.update(made["id"], {"Status": "Closed"}) == 204
    case = sf.Case.get(made["id"])
    assert (case["Subject"], case["IsClosed"]) == ("划伤", True)
    assert sf.Case.delete(made["id"]) == 204
    with pytest.raises(refused.SalesforceResourceNotFound):
        sf.Case.get(made["id"])


def test_it_upserts_by_an_external_id(sf: Any) -> None:
    key = format_external_id("Weft_Ticket__c", "a/b?c#d")
    assert sf.Case.upsert(key, {"Subject": "one"}) == 201
    assert sf.Case.upsert(key, {"Subject": "two"}) == 200
    sf.Case.upsert("Weft_Ticket__c/TKT-2026-000001", {"Subject": "three"})
    assert sf.Case.get_by_custom_id("Weft_Ticket__c", "TKT-2026-000001")["Subject"] == "three"
    assert sf.query("SELECT COUNT() FROM Case WHERE Weft_Ticket__c != null")["totalSize"] == 2


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "x", "IsDeleted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "x", "Nope__c": 1}, "INVALID_FIELD"),
    ],
)
def test_it_is_told_why_a_record_is_refused(sf: Any, values: dict[str, Any], code: str) -> None:
    with pytest.raises(refused.SalesforceMalformedRequest) as told:
        sf.Account.create(values)
    assert code in str(told.value)


def test_it_is_told_of_an_external_id_that_several_have(sf: Any) -> None:
    for name in "ab":
        sf.Account.create({"Name": name, "Customer_No__c": "same"})
    with pytest.raises(refused.SalesforceMoreThanOneRecord):
        sf.Account.get_by_custom_id("Customer_No__c", "same")


def test_it_is_told_that_the_calls_are_used_up(sandbox: Sandbox, sf: Any) -> None:
    sandbox.rest.used = sandbox.rest.allowed
    with pytest.raises(refused.SalesforceRefusedRequest) as told:
        sf.limits()
    assert "REQUEST_LIMIT_EXCEEDED" in str(told.value)


def test_it_learns_what_there_is(sf: Any) -> None:
    described = sf.describe()
    assert described is not None
    assert {"Account", "Case"} <= {each["name"] for each in described["sobjects"]}
    columns = {column["name"]: column for column in sf.Case.describe()["fields"]}
    assert columns["Weft_Ticket__c"]["externalId"] is True
    assert sf.Case.metadata()["objectDescribe"]["keyPrefix"] == "500"
    assert sf.limits()["DailyApiRequests"]["Max"] == 15_000
    assert sf.api_usage["api-usage"].total == 15_000


# -- bulk ---------------------------------------------------------------------------------------------------------------


def test_it_reads_in_bulk(sf: Any) -> None:
    bulk = sf.bulk2
    pages = list(bulk.Account.query("SELECT Id, Name, Owner.Name FROM Account ORDER BY Id", max_records=2, wait=0))
    lines = [line for page in pages for line in page.splitlines()]
    assert lines[0] == '"Id","Name","Owner.Name"'
    assert sum("李娜" in line for line in lines) == 3


def test_it_writes_in_bulk_and_is_told_of_each_record_that_failed(sf: Any) -> None:
    bulk = sf.bulk2
    rows = [{"Subject": "a", "Status": "New"}, {"Subject": "b", "Status": "Erledigt"}]
    (job,) = bulk.Case.insert(records=rows, wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    assert "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" in bulk.Case.get_failed_records(job["job_id"])
    assert "sf__Id" in bulk.Case.get_successful_records(job["job_id"])
    tickets = [{"Weft_Ticket__c": "TKT-1", "Subject": "x"}]
    for _ in range(2):
        bulk.Case.upsert(records=tickets, external_id_field="Weft_Ticket__c", wait=0)
    assert sf.query("SELECT COUNT() FROM Case WHERE Weft_Ticket__c = 'TKT-1'")["totalSize"] == 1
