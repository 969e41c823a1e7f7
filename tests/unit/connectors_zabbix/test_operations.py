"""Changing problems: once, marked, confirmed, and refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.contract import Command, Outcome
from connectors.errors import AuthProblem
from connectors.zabbix.operations import NO_MANUAL_CLOSE, OPERATIONS
from connectors.zabbix.sandbox import Sandbox
from tests.unit.connectors_zabbix.conftest import VERSIONS, Connect


@pytest.fixture
def event(sandbox: Sandbox, too_hot: dict[str, Any]) -> dict[str, Any]:
    return sandbox.state.raise_problem(too_hot)


def command(op: str, event: dict[str, Any], number: int = 1, **body: Any) -> Command:
    return Command(f"c-{number}", op, {"eventid": event["eventid"]}, body)


@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)
def test_a_problem_is_acknowledged_with_a_marked_message(
    sandbox: Sandbox, connect: Connect, event: dict[str, Any]
) -> None:
    receipt = connect().write(command("acknowledge", event, message="on it"))
    assert receipt.outcome is Outcome.applied
    assert event["acknowledged"] == "1"
    assert event["acknowledges"][0]["message"] == "on it [weft:c-1]"
    assert event["acknowledges"][0]["action"] == "6"
    assert [e.match for e in receipt.echoes] == [{"kind": "update", "update.command_id": "c-1"}]


@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)
def test_a_closed_problem_is_told_by_an_update_and_a_recovery(connect: Connect, event: dict[str, Any]) -> None:
    receipt = connect().write(command("close_problem", event))
    assert receipt.outcome is Outcome.applied
    assert receipt.values == {"did": "close_problem", "closed": False}
    assert [e.match["kind"] for e in receipt.echoes] == ["update", "recovery"]


def test_the_severity_is_changed_by_name_or_number(connect: Connect, event: dict[str, Any]) -> None:
    connect().write(command("severity", event, 1, severity="disaster"))
    assert event["severity"] == "5"
    connect().write(command("severity", event, 2, severity=2))
    assert event["severity"] == "2"


def test_a_problem_is_suppressed_until_a_time(connect: Connect, event: dict[str, Any]) -> None:
    connect().write(command("suppress", event, 1, until="2026-11-22T08:00:00+08:00"))
    assert event["acknowledges"][0]["suppress_until"] == str(int(datetime(2026, 11, 22, tzinfo=UTC).timestamp()))
    connect().write(command("unsuppress", event, 2))
    assert event["suppressed"] == "0"


@pytest.mark.parametrize("op", [o.name for o in OPERATIONS])
def test_a_repeated_command_is_a_duplicate_and_is_confirmed(
    sandbox: Sandbox, connect: Connect, event: Any, op: str
) -> None:
    if op == "unacknowledge":
        event["acknowledged"] = "1"
    given = command(op, event, message="x", **({"severity": 1} if op == "severity" else {}))
    assert connect().confirm(given) is None
    assert connect().write(given).outcome is Outcome.applied
    again = connect().write(given)
    assert again.outcome is Outcome.duplicate
    assert again.echoes, "the first one's echoes may still be on their way"
    assert sandbox.state.changes == 1
    confirmed = connect().confirm(given)
    assert confirmed is not None
    assert confirmed.outcome is Outcome.applied


@pytest.mark.parametrize(
    ("op", "before"),
    [
        ("acknowledge", {"acknowledged": "1"}),
        ("unacknowledge", {"acknowledged": "0"}),
        ("severity", {"severity": "3"}),
        ("close_problem", {"r_eventid": "9"}),
        ("close_or_acknowledge", {"r_eventid": "9"}),
    ],
)
def test_what_is_so_already_is_a_duplicate(
    sandbox: Sandbox, connect: Connect, event: Any, op: str, before: Any
) -> None:
    event.update(before)
    body = {"severity": 3} if op == "severity" else {}
    assert connect().write(command(op, event, **body)).outcome is Outcome.duplicate
    assert sandbox.state.changes == 0


def test_an_acknowledgement_with_words_is_written_although_another_one_was_first(connect: Connect, event: Any) -> None:
    event["acknowledged"] = "1"
    assert connect().write(command("acknowledge", event, message="we saw it too")).outcome is Outcome.applied
    assert event["acknowledges"][0]["message"].startswith("we saw it too")


def test_closing_what_is_being_closed_is_a_duplicate(sandbox: Sandbox, connect: Connect, event: Any) -> None:
    connect().write(command("close_problem", event, 1))
    assert connect().write(command("close_problem", event, 2)).outcome is Outcome.duplicate
    assert sandbox.state.changes == 1


def test_a_trigger_that_forbids_closing_is_a_rejection_in_words(connect: Connect, event: Any, too_hot: Any) -> None:
    too_hot["manual_close"] = "0"
    receipt = connect().write(command("close_problem", event))
    assert (receipt.outcome, receipt.reason) == (Outcome.rejected, NO_MANUAL_CLOSE)
    assert connect().probe({"eventid": event["eventid"]})["close_problem"] == NO_MANUAL_CLOSE


def test_where_closing_is_forbidden_it_is_acknowledged_instead(connect: Connect, event: Any, too_hot: Any) -> None:
    too_hot["manual_close"] = "0"
    receipt = connect().write(command("close_or_acknowledge", event, message="done"))
    assert receipt.outcome is Outcome.applied
    assert receipt.values == {"did": "acknowledge", "closed": False, "reason": NO_MANUAL_CLOSE}
    assert event["acknowledges"][0]["action"] == "6"
    assert [e.match["kind"] for e in receipt.echoes] == ["update"]
    again = connect().write(command("close_or_acknowledge", event, message="done"))
    assert again.outcome is Outcome.duplicate
    assert [e.match["kind"] for e in again.echoes] == ["update"]


@pytest.mark.parametrize(("lack", "writable"), [("close problems", True), ("", False)])
def test_where_the_right_to_close_is_missing_it_is_acknowledged_instead(
    sandbox: Sandbox, connect: Connect, event: Any, lack: str, writable: bool
) -> None:
    sandbox.hub.denied, sandbox.hub.writable = {lack}, writable
    assert connect().probe({"eventid": event["eventid"]})["close_or_acknowledge"] == ""
    receipt = connect().write(command("close_or_acknowledge", event, message="done"))
    assert receipt.values["did"] == "acknowledge"
    assert sandbox.state.changes == 1


@pytest.mark.parametrize(
    ("op", "lack", "says"),
    [
        ("close_problem", "close problems", "'Close problems'"),
        ("acknowledge", "acknowledge problems", "'Acknowledge problems'"),
        ("acknowledge", "add problem comments", "'Add problem comments'"),
        ("suppress", "suppress problems", "'Suppress problems'"),
    ],
)
def test_a_missing_right_is_a_rejection_that_names_it(
    sandbox: Sandbox, connect: Connect, event: Any, op: str, lack: str, says: str
) -> None:
    sandbox.hub.denied = {lack}
    receipt = connect().write(command(op, event))
    assert receipt.outcome is Outcome.rejected
    assert says in receipt.reason
    assert says in connect().probe({"eventid": event["eventid"]})[op]


def test_without_write_permission_closing_and_severity_are_not_offered(
    sandbox: Sandbox, connect: Connect, event: Any
) -> None:
    sandbox.hub.writable = False
    told = connect().probe({"eventid": event["eventid"]})
    assert {op for op, reason in told.items() if "no write permission" in reason} == {"close_problem", "severity"}
    assert connect().write(command("severity", event, severity=1)).outcome is Outcome.rejected


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Command("c", "explode", {"eventid": "1"}), "no operation 'explode'"),
        (Command("c", "message", {"eventid": "1"}), "body.message"),
        (Command("c", "message", {"eventid": "1"}, {"message": "  "}), "body.message"),
        (Command("c", "severity", {"eventid": "1"}, {"severity": "huge"}), "body.severity"),
        (Command("c", "severity", {"eventid": "1"}), "body.severity"),
        (Command("c", "suppress", {"eventid": "1"}, {"until": "tomorrow"}), "body.until"),
        (Command("c", "suppress", {"eventid": "1"}, {"until": "2026-11-22T08:00:00"}), "has no zone"),
        (Command("c", "acknowledge", {}), "key.eventid"),
        (Command("c", "acknowledge", {"eventid": "x"}), "key.eventid"),
        (Command("c", "acknowledge", {"eventid": "4711"}), "no such problem"),
    ],
    ids=str,
)
def test_a_command_that_fits_nothing_is_rejected_with_the_field(
    connect: Connect, event: Any, given: Command, says: str
) -> None:
    receipt = connect().write(given)
    assert receipt.outcome is Outcome.rejected
    assert says in receipt.reason


@pytest.mark.parametrize("sandbox", ["6.0.14"], indirect=True)
def test_zabbix_6_0_can_not_suppress_and_says_so(connect: Connect, event: Any) -> None:
    told = connect().probe({"eventid": event["eventid"]})
    assert "6.2 and later can" in told["suppress"]
    assert told["acknowledge"] == ""
    receipt = connect().write(command("suppress", event))
    assert receipt.outcome is Outcome.rejected
    assert receipt.reason == told["suppress"]


def test_of_a_problem_that_is_gone_nothing_is_possible(connect: Connect) -> None:
    assert all("no such problem" in r for r in connect().probe({"eventid": "4711"}).values())
    assert all("no such problem" in r for r in connect().probe({}).values())


def test_a_closed_problem_can_still_be_commented_but_not_closed(sandbox: Sandbox, connect: Connect, event: Any) -> None:
    sandbox.state.end_problem(event)
    told = connect().probe({"eventid": event["eventid"]})
    assert told["close_problem"] == "It is closed already."
    assert told["message"] == ""


def test_probing_sends_nothing_that_could_change_anything(
    connect: Connect, event: Any, requests: list[httpx.Request]
) -> None:
    connect().probe({"eventid": event["eventid"]})
    writes = [json.loads(r.content) for r in requests if json.loads(r.content)["method"] == "event.acknowledge"]
    assert writes
    assert all(w["params"]["eventids"] == ["9223372036854775807"] for w in writes)


def test_a_refused_token_is_no_rejection(connect: Connect, event: Any) -> None:
    with pytest.raises(AuthProblem):
        connect(token="0" * 64).write(command("acknowledge", event))
