"""Messages of Zabbix: told apart, dated, identified, and refused when they are not Zabbix's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Delivery, Event
from connectors.errors import AuthProblem, BadRecord
from connectors.zabbix import ZabbixConfig, ZabbixConnector
from connectors.zabbix.webhook import PARAMETERS, signature

TOKEN = "the-token-of-the-webhook"
PROBLEM = {
    **PARAMETERS,  # what Zabbix could not resolve stays as it is
    "event_source": "0",
    "event_id": "4711",
    "event_value": "1",
    "event_update_status": "0",
    "event_name": "Press 7 is too hot",
    "event_nseverity": "4",
    "event_date": "2026.11.22",
    "event_time": "05:30:07",
    "event_tags": '[{"tag":"site","value":"HZ"}]',
    "event_opdata": "",
    "trigger_id": "13491",
    "host_id": "10084",
    "host": "press-7",
    "host_name": "Press 7",
    "host_ip": "*UNKNOWN*",
    "item_value": "95 C",
    "event_ack_status": "No",
}
UPDATE = PROBLEM | {
    "event_update_status": "1",
    "event_update_action": "acknowledged and commented",
    "event_update_message": "on my way",
    "event_update_date": "2026.11.22",
    "event_update_time": "05:31:00",
    "event_ack_status": "Yes",
    "user_fullname": "Li Wei (liwei)",
}
ENDED = {
    "event_value": "0",
    "event_recovery_id": "4712",
    "event_recovery_date": "2026.11.22",
    "event_recovery_time": "05:41:00",
}
RECOVERY = PROBLEM | ENDED


@cache
def connector(**settings: Any) -> ZabbixConnector:
    given = {"url": "https://zabbix.example.test", "token": "a" * 64, "webhook_token": TOKEN} | settings
    return ZabbixConnector(ZabbixConfig(**given))


def receive(body: Any, **settings: Any) -> list[Event]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(connector(**settings).receive(Delivery(raw, {"authorization": f"Bearer {TOKEN}"})))


def record(body: Any, **settings: Any) -> dict[str, Any]:
    (event,) = receive(body, **settings)
    return dict(event.record)


def test_a_problem() -> None:
    (event,) = receive(PROBLEM)
    assert (event.stream, event.key, event.id, event.op) == ("problem", "4711", "4711:problem", "upsert")
    told = event.record
    assert told["kind"] == "problem"
    assert told["started_at"] == datetime(2026, 11, 22, 5, 30, 7, tzinfo=UTC)
    assert told["labels"] == {"site": "HZ"}
    assert (told["value"], told["unit"]) == (Decimal(95), "C")
    assert told["url"] == "https://zabbix.example.test/tr_events.php?triggerid=13491&eventid=4711"


def test_what_zabbix_could_not_resolve_is_null() -> None:
    told = record(PROBLEM)
    names = ("recovery_event_id", "ended_at", "update", "opdata", "host_ip", "description", "message_id")
    assert [told[n] for n in names] == [None] * len(names)


def test_an_update() -> None:
    told = record(UPDATE)
    assert told["kind"] == "update"
    assert told["acknowledged"] is True
    assert told["update"] == {
        "action": "acknowledged and commented",
        "message": "on my way",
        "actor": "Li Wei (liwei)",
        "at": datetime(2026, 11, 22, 5, 31, tzinfo=UTC),
        "command_id": None,
    }


def test_an_update_that_closes_is_an_update_although_the_problem_is_over() -> None:
    assert record(UPDATE | ENDED)["kind"] == "update"


def test_an_update_of_our_own_names_its_command() -> None:
    told = record(UPDATE | {"event_update_message": "done [weft:c-17]", "user_fullname": "Inaccessible user"})
    assert told["update"]["command_id"] == "c-17"
    assert told["update"]["actor"] is None


def test_a_recovery() -> None:
    (event,) = receive(RECOVERY)
    assert event.id == "4711:recovery:4712"
    assert event.record["kind"] == "recovery"
    assert event.record["ended_at"] == datetime(2026, 11, 22, 5, 41, tzinfo=UTC)


def test_the_users_zone_dates_the_message_where_zabbix_names_none() -> None:
    assert record(PROBLEM, time_zone="Asia/Shanghai")["started_at"] == datetime(2026, 11, 21, 21, 30, 7, tzinfo=UTC)


def test_a_timestamp_needs_no_zone() -> None:
    told = record(PROBLEM | {"event_timestamp": "1795325407"}, time_zone="Asia/Shanghai")
    assert told["started_at"] == datetime.fromtimestamp(1795325407, UTC)


def test_the_ids_of_repeats_are_the_same_and_of_others_different() -> None:
    other_update = UPDATE | {"event_update_message": "still on my way"}
    bodies = [PROBLEM, UPDATE, other_update, UPDATE | ENDED, RECOVERY, PROBLEM | {"event_id": "4713"}]
    ids = [receive(b)[0].id for b in bodies]
    assert len(set(ids)) == len(ids)
    assert ids == [receive(b)[0].id for b in bodies]
    assert receive(UPDATE | {"event_tags": "[]"})[0].id == ids[1], (
        "a tag that was added meanwhile makes no other message"
    )


def test_zabbixs_own_test_message_is_taken_and_says_nothing() -> None:
    assert receive(dict(PARAMETERS)) == []


def test_a_message_read_back_from_the_store_needs_no_proof() -> None:
    assert connector().receive(Delivery(json.dumps(PROBLEM).encode(), verified=True))


def test_a_signed_message_is_taken_and_a_changed_one_is_not() -> None:
    body = json.dumps(PROBLEM, ensure_ascii=False).encode()
    signed, headers = (
        connector(webhook_token=None, webhook_secret="s" * 20),
        {"x-weft-signature": signature(body, "s" * 20)},
    )
    assert signed.receive(Delivery(body, headers))
    with pytest.raises(AuthProblem, match="x-weft-signature"):
        signed.receive(Delivery(body.replace(b"4711", b"4712"), headers))


def test_a_connection_without_a_secret_takes_nothing() -> None:
    with pytest.raises(AuthProblem, match="neither `webhook_token` nor `webhook_secret`"):
        receive(PROBLEM, webhook_token=None)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (PROBLEM | {"event_id": "*UNKNOWN*"}, "event_id"),
        (PROBLEM | {"event_id": "12; DROP TABLE"}, "event_id"),
        (PROBLEM | {"event_id": "１２"}, "event_id"),
        (PROBLEM | {"trigger_id": ""}, "trigger_id"),
        (PROBLEM | {"event_value": "2"}, "event_value"),
        (PROBLEM | {"event_nseverity": "9"}, "event_nseverity"),
        (PROBLEM | {"event_tags": "[1]"}, "event_tags"),
        (PROBLEM | {"event_tags": "{"}, "event_tags"),
        (PROBLEM | {"event_time": "25:99:00"}, "event_time"),
        (PROBLEM | {"event_timestamp": "99999999999999"}, "event_date"),
        (PROBLEM | {"event_source": "4"}, "event_source"),
        ([PROBLEM], "no JSON object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_refused_with_its_field(body: Any, says: str) -> None:
    with pytest.raises(BadRecord, match=says) as refusal:
        receive(body)
    assert refusal.value.record is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*PARAMETERS, "other"]), _JSON), st.sampled_from([PROBLEM, UPDATE, RECOVERY]))
def test_any_values_at_all_are_understood_or_refused(changes: dict[str, Any], base: dict[str, str]) -> None:
    try:
        events = receive(base | changes)
    except BadRecord:
        return
    assert all(e.id and e.key for e in events)
