"""What devices' answers and states mean, and how commands are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Command, Outcome, Receipt
from connectors.errors import Ambiguous, BadRecord
from connectors.mqtt.answers import exact_json, receipt_of, receipt_of_state

COMMAND = Command("c-1", "publish_command", {"device": "d"}, {"command": "go"})
KEY = COMMAND.idempotency_key


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", Outcome.applied),
        (b"OK", Outcome.applied),
        (b'{"status": "ok"}', Outcome.applied),
        (b'{"ok": true, "speed": 5}', Outcome.applied),
        (b'{"status": "duplicate"}', Outcome.duplicate),
        (b'{"ok": false}', Outcome.rejected),
        (b'{"status": "Rejected"}', Outcome.rejected),
        (b'{"error": "too hot"}', Outcome.rejected),
        (b"error: too hot", Outcome.rejected),
        (b'"denied"', Outcome.rejected),
    ],
)
def test_an_answer_says_yes_or_no(body: bytes, outcome: Outcome) -> None:
    receipt = receipt_of(COMMAND, body, raw=False)
    assert (receipt.command_id, receipt.outcome) == ("c-1", outcome)
    assert receipt.reason or outcome is not Outcome.rejected


def test_a_refusal_tells_the_device_s_reason() -> None:
    assert receipt_of(COMMAND, b'{"status": "rejected", "reason": "rpm is 0"}', raw=False).reason == "rpm is 0"


def test_what_else_an_answer_tells_is_kept_exactly() -> None:
    assert receipt_of(COMMAND, b'{"ok": true, "level": 0.10}', raw=False).values == {"level": Decimal("0.10")}


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"status":', b"<html>", b"42"])
def test_an_answer_that_can_not_be_read_leaves_doubt(body: bytes) -> None:
    with pytest.raises(Ambiguous):
        receipt_of(COMMAND, body, raw=False)


def test_a_raw_device_may_answer_anything() -> None:
    assert receipt_of(COMMAND, b"42", raw=True).values == {"answer": "42"}


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ({"last_commands": ["x", KEY]}, True),
        ({"last_commands": KEY}, True),
        ({"last_commands": ["x"]}, False),
        ({"last_commands": [], "speed": 5}, False),
        ({"speed": 5, "more": 1}, True),
        ({"speed": 6}, False),
        ({}, False),
    ],
)
def test_a_state_tells_whether_a_command_was_carried_out(state: dict[str, Any], done: bool) -> None:
    receipt = receipt_of_state(COMMAND, json.dumps(state).encode(), "last_commands", {"speed": 5})
    assert (receipt is not None) == done
    if isinstance(receipt, Receipt):
        assert receipt.outcome is Outcome.applied


def test_a_state_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadRecord):
        receipt_of_state(COMMAND, b"[]", "last_commands", None)


def test_json_keeps_every_digit_and_every_letter() -> None:
    value = {"a": Decimal("0.10"), "b": [1, True, None], "c": 'ö"\n', "d": datetime(2026, 11, 22, tzinfo=UTC)}
    assert exact_json(value) == '{"a":0.10,"b":[1,true,null],"c":"ö\\"\\n","d":"2026-11-22T00:00:00+00:00"}'


@pytest.mark.parametrize("value", [Decimal("NaN"), object(), {"a": b"x"}])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(BadRecord):
        exact_json(value)
