"""What becomes of a webhook's body."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance.values import faults_of
from connectors.contract import Event
from connectors.errors import BadRecord
from connectors.prometheus.webhook import SCHEMA, moment, parse_delivery, record_of_api_alert

ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "DeviceTooHot", "device": "PUMP-7", "severity": "critical"},
    "annotations": {"summary": "PUMP-7 is too hot: 95.5 °C", "value": "95.5"},
    "startsAt": "2026-11-22T05:09:41.026926Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
    "fingerprint": "6bfbcff61e76a768",
}
RESOLVED = {**ALERT, "status": "resolved", "endsAt": "2026-11-22T05:20:00Z"}


def message(*alerts: Any, **changes: Any) -> bytes:
    body = {
        "receiver": "weft",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "DeviceTooHot"},
        "commonLabels": {"alertname": "DeviceTooHot"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}:{alertname="DeviceTooHot"}',
        "truncatedAlerts": 0,
    }
    return json.dumps(body | changes).encode()


def only(*alerts: Any, **changes: Any) -> Event:
    (event,) = parse_delivery(message(*alerts, **changes))
    return event


def test_a_record_holds_the_alert_and_its_group() -> None:
    event = only(ALERT)

    assert (event.stream, event.key, event.op) == ("alert", "6bfbcff61e76a768", "upsert")
    assert event.record == {
        "fingerprint": "6bfbcff61e76a768",
        "status": "firing",
        "startsAt": "2026-11-22T05:09:41.026Z",
        "endsAt": None,
        "labels": ALERT["labels"],
        "annotations": ALERT["annotations"],
        "generatorURL": ALERT["generatorURL"],
        "state": "active",
        "silencedBy": [],
        "inhibitedBy": [],
        "receivers": ["weft"],
        "externalURL": "http://alertmanager:9093",
        "groupKey": '{}:{alertname="DeviceTooHot"}',
        "groupLabels": {"alertname": "DeviceTooHot"},
        "commonLabels": {"alertname": "DeviceTooHot"},
        "commonAnnotations": {},
        "truncatedAlerts": 0,
    }
    assert set(event.record) <= set(SCHEMA["properties"])


def test_every_alert_of_a_group_is_an_event_with_its_own_status() -> None:
    other = {**RESOLVED, "fingerprint": "00000000000000aa"}

    events = parse_delivery(message(ALERT, other, status="firing"))

    assert [(e.key, e.record["status"]) for e in events] == [
        ("6bfbcff61e76a768", "firing"),
        ("00000000000000aa", "resolved"),
    ]


def test_a_repeat_has_the_same_id_whatever_group_it_comes_in() -> None:
    again = only({**ALERT, "annotations": {"value": "96"}}, receiver="other", groupKey="{}:{}")

    assert only(ALERT).id == again.id


@pytest.mark.parametrize(
    "change",
    [
        {"status": "resolved", "endsAt": "2026-11-22T05:20:00Z"},
        {"startsAt": "2026-11-22T06:00:00Z"},
        {"fingerprint": "6bfbcff61e76a769"},
    ],
    ids=["its end", "its next occurrence", "another alert"],
)
def test_another_thing_to_tell_has_another_id(change: dict[str, str]) -> None:
    assert only(ALERT).id != only({**ALERT, **change}).id


def test_two_ends_of_one_occurrence_are_two_messages() -> None:
    assert only(RESOLVED).id != only({**RESOLVED, "endsAt": "2026-11-22T05:21:00Z"}).id


@pytest.mark.parametrize(
    ("alert", "why"),
    [
        ("text", "alerts[1]: expected an object, got text"),
        (None, "alerts[1]: expected an object, got nothing"),
        ({**ALERT, "fingerprint": ""}, "alerts[1].fingerprint: must not be empty"),
        ({**ALERT, "fingerprint": 5}, "alerts[1].fingerprint: expected text, got a number"),
        ({**ALERT, "status": "pending"}, "alerts[1].status: expected firing or resolved, got pending"),
        ({**ALERT, "labels": {}}, "alerts[1].labels: must not be empty"),
        ({**ALERT, "labels": {"site": 5}}, "alerts[1].labels.site: expected text, got a number"),
        ({**ALERT, "annotations": ["x"]}, "alerts[1].annotations: expected an object, got a list"),
        ({**ALERT, "startsAt": "yesterday"}, "alerts[1].startsAt: expected a time"),
        ({**ALERT, "startsAt": "2026-13-01T00:00:00Z"}, "alerts[1].startsAt: month must be in 1..12"),
        ({**RESOLVED, "endsAt": None}, "alerts[1].endsAt: expected a time, got nothing"),
        ({**ALERT, "labels": {"a": "x\0y"}}, "alerts[1]: holds a NUL character"),
    ],
)
def test_a_bad_alert_spoils_only_itself_and_says_why(alert: Any, why: str) -> None:
    good, bad = parse_delivery(message(ALERT, alert))

    assert good.record["fingerprint"] == "6bfbcff61e76a768"
    assert bad.record["problem"].startswith(why)
    assert "fingerprint" not in bad.record
    assert "\0" not in repr(bad.record["raw"]).encode().decode("unicode_escape")


def test_what_a_bad_alert_held_is_kept_exactly() -> None:
    bad = only({"labels": {"limit": 80.1}, "more": [1, None, {"deep": 0.1}]})

    assert bad.record["raw"] == {"labels": {"limit": Decimal("80.1")}, "more": [1, None, {"deep": Decimal("0.1")}]}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "the body is no JSON"),
        (b"[]", "the body is an empty list, expected an object"),
        (message(ALERT, version="3"), "version: expected '4', got '3'"),
        (message(), "alerts: expected a list of at least one alert, got an empty list"),
        (message(alerts={"a": 1}), "alerts: expected a list of at least one alert, got an object"),
        (message(ALERT, groupLabels={"a": 1}), "groupLabels.a: expected text, got a number"),
        (message(ALERT, commonLabels=[]), "commonLabels: expected an object, got an empty list"),
        (message(ALERT, truncatedAlerts="many"), "truncatedAlerts: expected a whole number, got text"),
        (message(ALERT, receiver=None), "receiver: expected text, got nothing"),
    ],
)
def test_a_delivery_that_is_unusable_as_a_whole_is_refused_naming_the_field(body: bytes, why: str) -> None:
    with pytest.raises(BadRecord) as refusal:
        parse_delivery(body)

    assert str(refusal.value).startswith(why)


def test_a_message_by_hand_needs_no_group() -> None:
    (event,) = parse_delivery(json.dumps({"version": "4", "alerts": [ALERT]}).encode())

    assert event.record["groupLabels"] == {}
    assert event.record["receivers"] == [""]


def test_a_nul_character_in_the_group_is_replaced() -> None:
    event = only(ALERT, commonAnnotations={"summary": "a\0b"})

    assert event.record["commonAnnotations"] == {"summary": "a\N{REPLACEMENT CHARACTER}b"}


@pytest.mark.parametrize(
    ("told", "means"),
    [
        ("2026-11-22T05:09:41Z", "2026-11-22T05:09:41.000Z"),
        ("2026-11-22T05:09:41.5Z", "2026-11-22T05:09:41.500Z"),
        ("2026-11-22T05:09:41.123999999Z", "2026-11-22T05:09:41.123Z"),
        ("2026-11-22T02:46:05.123456789+08:00", "2026-11-21T18:46:05.123Z"),
        ("2026-11-22T05:09:41+00:00", "2026-11-22T05:09:41.000Z"),
    ],
)
def test_times_become_utc_cut_to_milliseconds(told: str, means: str) -> None:
    assert moment(told) == means


@pytest.mark.parametrize(
    "told", ["", "2026-11-22", "2026-11-22T05:09:41", "2026-11-22 05:09:41Z", "2026-02-30T00:00:00Z"]
)
def test_what_is_no_time_with_a_zone_is_refused(told: str) -> None:
    with pytest.raises(ValueError):
        moment(told)


@given(st.integers(0, 4 * 10**15), st.integers(-14 * 60, 14 * 60))
def test_a_time_means_the_same_moment_in_any_zone(microseconds: int, offset: int) -> None:
    since_1970 = datetime.fromtimestamp(0, timezone(timedelta(minutes=offset)))
    when = since_1970 + timedelta(microseconds=microseconds)

    assert datetime.fromisoformat(moment(when.isoformat())) == when.astimezone(UTC).replace(
        microsecond=when.microsecond // 1000 * 1000
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(ALERT, _json)) | _json, min_size=1, max_size=4))
def test_no_alert_of_whatever_shape_takes_a_good_one_along(strange: list[Any]) -> None:
    events = parse_delivery(message(*strange, ALERT))

    assert len(events) == len(strange) + 1
    assert events[-1].key == "6bfbcff61e76a768"
    assert not [fault for event in events for fault in faults_of(event.record)]


def test_an_alert_read_says_why_it_cannot_be_used() -> None:
    with pytest.raises(BadRecord, match=r"alert.status: expected an object, got text") as refusal:
        record_of_api_alert(ALERT, "http://alertmanager:9093")

    assert refusal.value.record == ALERT
