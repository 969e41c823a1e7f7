"""Reading: nothing torn, nothing lost, and what the connector adds to a case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import DELETED
from connectors.errors import ConfigProblem, Transient
from connectors.salesforce import sandbox_rest
from connectors.salesforce.sandbox import Sandbox
from tests.unit.connectors_salesforce.conftest import NOW, Make, account, batches, records, stream_of, targets


def test_a_record_has_salesforces_names_and_a_link_to_its_page(make: Make, sandbox: Sandbox) -> None:
    (found,) = [r for r in records(make(), "accounts") if r["Name"] == "Nordhafen Pumpen GmbH"]
    assert found["BillingCity"] == "Hamburg"
    assert found["Owner"] == {"Name": "李娜"}
    assert found["Customer_No__c"] == "ＥＣ－20241130－0457"
    assert found["weft"] == {"url": f"{sandbox.origin}/{found['Id']}"}


def test_times_have_a_zone_and_days_stay_days(make: Make) -> None:
    first = records(make(), "tasks")[0]
    assert first["CompletedDateTime"].utcoffset() == timedelta(0)
    assert first["ActivityDate"] == "2026-09-08"


def test_more_columns_are_read_as_configured_those_of_parents_too(make: Make) -> None:
    columns = {"account": ["SLA__c", "Owner.Username"], "case": ["Account.SLA__c"]}
    connector = make(extra_columns=columns)
    found = records(connector, "accounts")[0]
    assert (found["SLA__c"], found["Owner"]) == ("Gold", {"Name": "李娜", "Username": "li.na@example.test"})
    assert "Customer_No__c" not in found
    assert records(connector, "cases")[0]["Account"]["SLA__c"] == "Gold"
    assert {"SLA__c", "Owner"} <= stream_of(connector, "accounts").schema_["properties"].keys()


def test_a_deleted_record_is_a_tombstone(make: Make, sandbox: Sandbox) -> None:
    connector = make(lookback_s=0)
    cursor = batches(connector, "contacts")[-1].cursor
    gone = next(iter(sandbox.state.tables["Contact"]))
    sandbox.state.remove("Contact", gone)
    assert records(connector, "contacts", cursor) == [{"Id": gone, DELETED: True}]


def test_a_session_lost_between_two_pages_tears_no_gap(make: Make, sandbox: Sandbox) -> None:
    connector = make(page_size=1)
    pages = connector.read(stream_of(connector, "accounts"), None)
    seen = [next(pages).records[0]["Id"]]
    sandbox.account.sessions.clear()
    seen += [record["Id"] for batch in pages for record in batch.records]
    assert sorted(seen) == sorted(sandbox.state.tables["Account"])


def test_a_record_that_changes_while_pages_are_read_comes_in_its_new_state(make: Make, sandbox: Sandbox) -> None:
    connector = make(page_size=1)
    first, second, third = sandbox.state.tables["Account"]
    pages = connector.read(stream_of(connector, "accounts"), None)
    seen = [next(pages).records[0]["Id"]]
    sandbox.state.change("Account", first, NOW, Phone="1")  # read already
    sandbox.state.change("Account", second, NOW - timedelta(minutes=1), Phone="2")  # was to be the next one
    seen += [record["Id"] for batch in pages for record in batch.records]
    assert seen == [first, third, second, first]


def test_an_answer_of_fewer_records_than_asked_for_is_not_the_end(
    make: Make, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Salesforce shortens batches of wide records by itself."""
    monkeypatch.setattr(sandbox_rest, "BATCH", 2)
    found = batches(make(page_size=1000), "tasks")
    assert [len(batch.records) for batch in found] == [2, 2, 2]


def test_two_records_of_one_second_at_the_end_of_a_page_are_both_read(make: Make, sandbox: Sandbox) -> None:
    for name in "abc":
        sandbox.state.put("Account", NOW, Name=name)
    names = [r["Name"] for r in records(make(page_size=2), "accounts")]
    assert names[3:] == ["a", "b", "c"]
    assert len(names) == 6


def test_a_record_committed_late_is_seen_by_the_next_run(make: Make, sandbox: Sandbox) -> None:
    connector = make(lookback_s=600)
    sandbox.state.put("Account", NOW, Name="new")
    cursor = batches(connector, "accounts")[-1].cursor
    sandbox.state.put("Account", NOW - timedelta(seconds=590), Name="late")
    assert [r["Name"] for r in records(connector, "accounts", cursor)] == ["late", "new"]


@pytest.mark.parametrize("name", ["accounts", "contacts", "cases", "tasks", "events"])
def test_a_run_asks_a_single_query_a_page(make: Make, sandbox: Sandbox, name: str) -> None:
    connector = make()
    connector.check()
    before = len(sandbox.calls)
    records(connector, name)
    pages = [each for each in targets(sandbox, before) if "queryAll" in each]
    assert len(pages) == 1
    assert len(targets(sandbox, before)) == (2 if name == "cases" else 1)  # cases: which statuses mean closed


def test_a_column_that_is_not_there_stops_the_run_with_its_name_and_what_to_do(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.objects["Account"].columns["Credit_Code__c"].hidden = True
    with pytest.raises(ConfigProblem, match="No such column 'Credit_Code__c'") as told:
        records(make(), "accounts")
    assert "extra_columns" in told.value.hint
    assert len(records(make(extra_columns={"account": []}), "accounts")) == 3


def test_an_object_that_may_not_be_read_stops_the_run_with_its_name(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.objects["Event"].readable = False
    with pytest.raises(ConfigProblem, match="'Event' is not supported"):
        records(make(), "events")


@pytest.mark.parametrize("cursor", [5, {}, {"at": "soon", "id": "001"}, {"at": None, "id": ""}, ["2026", "001"]])
def test_a_cursor_of_somebody_else_is_refused(make: Make, cursor: object) -> None:
    with pytest.raises(ConfigProblem, match="none of this connector"):
        records(make(), "accounts", cursor)


def test_an_unknown_stream_is_refused_with_those_there_are(make: Make) -> None:
    connector = make()
    unknown = stream_of(connector, "cases").model_copy(update={"name": "leads"})
    with pytest.raises(ConfigProblem, match="accounts, contacts, cases, tasks, events"):
        list(connector.read(unknown, None))


def test_an_answer_that_goes_backwards_ends_the_run_instead_of_repeating_for_ever(
    make: Make, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = make(page_size=1)
    pages = connector.read(stream_of(connector, "accounts"), None)
    next(pages)
    monkeypatch.setattr("connectors.salesforce.reading.Position.condition", "Id != null")
    with pytest.raises(Transient, match="again"):
        list(pages)


# -- cases --------------------------------------------------------------------------------------------------------------


def test_a_complaint_is_told_by_its_type_or_by_escalation(make: Make, sandbox: Sandbox) -> None:
    state, customer = sandbox.state, account(sandbox)["Id"]
    state.put("Case", Subject="a", AccountId=customer, Type="Complaint")
    state.put("Case", Subject="b", AccountId=customer, Type="Question")
    state.put("Case", Subject="c", AccountId=customer, Type="Question", IsEscalated=True)
    told = {r["Subject"]: r["weft"]["complaint"] for r in records(make(), "cases")}
    assert (told["a"], told["b"], told["c"]) == (True, False, True)
    told = {r["Subject"]: r["weft"]["complaint"] for r in records(make(complaint_types=["Question"]), "cases")}
    assert (told["a"], told["b"]) == (False, True)


def test_reopenings_are_counted_from_the_history_of_its_status(make: Make, sandbox: Sandbox) -> None:
    case = sandbox.state.put("Case", NOW - timedelta(days=9), Subject="再次划伤", Type="投诉")["Id"]
    for days, status in ((8, "Working"), (7, "Closed"), (5, "Working"), (4, "Closed"), (2, "New")):
        sandbox.state.change("Case", case, NOW - timedelta(days=days), Status=status)
    (found,) = [r for r in records(make(), "cases") if r["Id"] == case]
    assert found["weft"]["reopenings"] == 2
    assert found["weft"]["reopened_at"] == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert found["IsClosed"] is False


def test_without_a_history_a_case_was_never_reopened(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.case_tracking = False
    case = sandbox.state.put("Case", Subject="x", Status="Closed")["Id"]
    sandbox.state.change("Case", case, Status="New")
    (found,) = [r for r in records(make(), "cases") if r["Id"] == case]
    assert (found["weft"]["reopenings"], found["weft"]["reopened_at"]) == (0, None)


def test_a_case_of_the_hubs_own_names_its_ticket_whatever_the_column_is_called(make: Make, sandbox: Sandbox) -> None:
    sandbox.state.put("Case", Subject="ours", Weft_Ticket__c="TKT-2026-000001")
    told = {r["Subject"]: r["weft"]["ticket"] for r in records(make(), "cases")}
    assert told["ours"] == "TKT-2026-000001"
    assert told["咨询主轴保养周期"] is None
    assert all(r["weft"]["ticket"] is None for r in records(make(ticket_field=""), "cases"))
