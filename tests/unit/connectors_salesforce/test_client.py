"""One call: its time limit, its session, and what each of Salesforce's refusals becomes."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from connectors.conformance import Break, Faults
from connectors.contract import Ask, Command
from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, Transient
from connectors.salesforce.faults import DAY_IS_USED_UP_S, Refused, refusal
from connectors.salesforce.sandbox import Sandbox
from tests.unit.connectors_salesforce.conftest import Make, account, batches, records, targets
from tests.unit.connectors_salesforce.faulty import FaultyAdapter

LOGINS = ("password", "organization", "oauth_password", "jwt", "client_credentials", "token")


@pytest.mark.parametrize("login", LOGINS)
def test_every_kind_of_login_reads(make: Make, login: str) -> None:
    assert len(records(make(login), "accounts")) == 3


@pytest.mark.parametrize("login", LOGINS)
def test_every_call_has_a_time_limit_logins_and_writes_too(
    make: Make, sandbox: Sandbox, adapter: FaultyAdapter, login: str
) -> None:
    connector = make(login)
    connector.check()
    connector.write(Command("1", "set_health", {"account_id": account(sandbox)["Id"]}, {"score": 50}))
    connector.lookup(Ask("open_complaints", {"customer": account(sandbox)["Id"]}, 1))
    assert adapter.timeouts
    assert all(0 < limit <= 2 for limit in adapter.timeouts)
    assert adapter.timeouts[-1] <= 1


def test_the_calls_of_one_question_share_its_deadline(make: Make, sandbox: Sandbox, adapter: FaultyAdapter) -> None:
    connector = make(timeout_s=20)
    connector.lookup(Ask("health_inputs", {"customer": account(sandbox)["Id"]}, 3))
    assert len(adapter.timeouts) > 5
    assert adapter.timeouts == sorted(adapter.timeouts, reverse=True)
    assert max(adapter.timeouts) <= 3


def test_a_question_whose_time_is_up_asks_nothing_more_for_long(make: Make, sandbox: Sandbox, faults: Faults) -> None:
    connector = make(timeout_s=20)
    connector.check()
    faults.add(Break("timeout", seconds=5))
    began = time.monotonic()
    with pytest.raises(Transient):
        connector.lookup(Ask("health_inputs", {"customer": account(sandbox)["Id"]}, 0.3))
    assert time.monotonic() - began < 1.5


# -- sessions -----------------------------------------------------------------------------------------------------------


def test_a_session_that_ran_out_is_renewed_once_and_nobody_notices(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    records(connector, "accounts")
    sandbox.account.sessions.clear()
    before = len(sandbox.calls)
    assert len(records(connector, "accounts")) == 3
    asked = targets(sandbox, before)
    assert [each.split()[1].split("/")[0] for each in asked] == ["data", "Soap", "data"]


def test_a_write_goes_on_after_its_session_ran_out_and_takes_effect_once(make: Make, sandbox: Sandbox) -> None:
    connector = make("client_credentials")
    connector.check()
    command = Command("1", "upsert_case", {"ticket": "TKT-2026-000001"}, {"Subject": "过热"})
    sandbox.account.sessions.clear()
    connector.write(command)
    made = [row for row in sandbox.state.tables["Case"].values() if row["Weft_Ticket__c"] == "TKT-2026-000001"]
    assert len(made) == 1


def test_a_session_refused_for_ever_stops_after_a_few_calls(make: Make, faults: Faults) -> None:
    """simple-salesforce alone would repeat it until the stack is full."""
    connector = make()
    connector.check()
    faults.add(Break("auth"))
    before = faults.calls
    with pytest.raises(AuthProblem):
        connector.write(Command("1", "set_health", {"account_id": "001WF0000000001"}, {"score": 50}))
    assert faults.calls - before <= 3


def test_a_session_that_every_new_login_gets_refused_stops_too(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    sandbox.fail("INVALID_SESSION_ID", 401, message="Session expired or invalid", times=10_000)
    with pytest.raises(AuthProblem, match="does not accept the session"):
        records(connector, "accounts")
    assert len(sandbox.calls) == 4  # two logins, two refusals


def test_a_token_that_ran_out_says_so_and_is_not_renewed(make: Make, sandbox: Sandbox) -> None:
    connector = make("token")
    sandbox.account.sessions.clear()
    with pytest.raises(AuthProblem, match="`token` is wrong or has run out"):
        records(connector, "accounts")
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize(
    ("login", "change", "told"),
    [
        ("password", {"password": "wrong"}, "INVALID_LOGIN"),
        ("organization", {"organization_id": "00D000000000000"}, "INVALID_LOGIN"),
        ("oauth_password", {"password": "wrong"}, "invalid_grant"),
        ("oauth_password", {"consumer_secret": "wrong"}, "invalid_client_id"),
        ("client_credentials", {"consumer_secret": "wrong"}, "invalid_client"),
        ("jwt", {"username": "somebody@else.test"}, "hasn't approved this consumer"),
        ("jwt", {"consumer_key": "3MVG9other"}, "invalid assertion"),
    ],
)
def test_a_refused_login_is_for_a_person_and_says_what_salesforce_said(
    make: Make, login: str, change: dict[str, str], told: str
) -> None:
    with pytest.raises(AuthProblem, match=told) as refused:
        records(make(login, **change), "accounts")
    assert "Login History" in refused.value.hint


def test_a_private_key_that_is_none_is_a_problem_of_the_settings(make: Make) -> None:
    with pytest.raises(ConfigProblem, match="no RSA private key"):
        records(make("jwt", private_key="-----BEGIN RUBBISH-----"), "accounts")


@pytest.mark.parametrize("login", LOGINS[:5])
@pytest.mark.parametrize("kind", ["transient", "rate", "junk", "cut", "timeout"])
def test_a_login_that_fails_in_passing_is_tried_again_later(make: Make, faults: Faults, login: str, kind: Any) -> None:
    faults.add(Break(kind, retry_after=11))
    with pytest.raises(Transient) as told:
        records(make(login), "accounts")
    if kind == "rate":
        assert told.value.retry_after == 11


# -- refusals -----------------------------------------------------------------------------------------------------------


def said(code: str, message: str = "", *fields: str) -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message, "fields": list(fields)}]


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (400, said("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"), Transient),
        (
            403,
            said("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
            Transient,
        ),
        (503, said("SERVER_UNAVAILABLE", "Too many requests waiting for connections"), Transient),
        (503, "<html>maintenance</html>", Transient),
        (429, "", Transient),
        (400, said("INVALID_QUERY_LOCATOR", "invalid query locator"), Transient),
        (500, said("UNKNOWN_EXCEPTION", "An unexpected error occurred"), Ambiguous),
        (502, "<html>bad gateway</html>", Ambiguous),
        (401, said("INVALID_SESSION_ID", "Session expired or invalid"), AuthProblem),
        (403, said("API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"), AuthProblem),
        (403, "<html>blocked by a proxy</html>", AuthProblem),
        (400, said("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: X__c", "X__c"), AuthProblem),
        (400, said("INVALID_FIELD", "No such column 'X__c' on entity 'Account'"), ConfigProblem),
        (400, said("INVALID_TYPE", "sObject type 'Case' is not supported."), ConfigProblem),
        (404, "<html>nothing here</html>", ConfigProblem),
        (302, "", ConfigProblem),
        (400, said("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", "Name"), Refused),
        (400, said("DUPLICATE_VALUE", "duplicate value found"), Refused),
        (400, said("FIELD_CUSTOM_VALIDATION_EXCEPTION", "结案前请填写原因"), Refused),
        (404, said("ENTITY_IS_DELETED", "entity is deleted"), Refused),
    ],
)
def test_a_refusal_is_named_by_what_must_happen_next(status: int, content: Any, kind: type[Exception]) -> None:
    told = refusal(status, content, {}, write=True)
    assert type(told) is kind
    if isinstance(content, list):
        assert content[0]["errorCode"] in str(told)


def test_the_same_failure_of_a_read_has_changed_nothing() -> None:
    assert type(refusal(500, said("UNKNOWN_EXCEPTION"), {}, write=False)) is Transient


def test_when_the_calls_of_the_day_are_used_up_the_hub_stays_away_for_a_while(make: Make, sandbox: Sandbox) -> None:
    sandbox.rest.used = sandbox.rest.allowed
    with pytest.raises(Transient, match="TotalRequests") as told:
        records(make(), "accounts")
    assert told.value.retry_after == DAY_IS_USED_UP_S


def test_reading_leaves_the_last_calls_of_the_day_to_others_but_writing_goes_on(make: Make, sandbox: Sandbox) -> None:
    connector = make(api_reserve_percent=20)
    records(connector, "accounts")
    sandbox.rest.used, sandbox.rest.allowed = 8_100, 10_000
    command = Command("1", "set_health", {"account_id": account(sandbox)["Id"]}, {"score": 50})
    connector.write(command)
    with pytest.raises(Transient, match="left to others") as told:
        batches(connector, "accounts")
    assert told.value.retry_after
    assert connector.confirm(command) is not None


def test_numbers_are_exact(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.change("Account", account(sandbox)["Id"], Health_Score__c=Decimal("71.10"))
    (found,) = [r for r in records(make(), "accounts") if r["Name"] == "杭州精工机械有限公司"]
    assert found["Health_Score__c"] == Decimal("71.10")
    assert str(found["Health_Score__c"]) == "71.10"
