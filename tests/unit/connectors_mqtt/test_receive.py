"""`receive`: which topic a message belongs to, and when two deliveries are the same message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract import Delivery, Event
from connectors.errors import AuthProblem, BadRecord
from connectors.mqtt import MqttConfig, MqttConnector
from connectors.mqtt.subscription import ARRIVAL, RETAINED

ARRIVED = datetime(2026, 11, 22, 5, 10, 20, tzinfo=UTC)
TOPIC = "dt/p1/d1/temperature"
MS = 1795324212000


def connector(**settings: Any) -> MqttConnector:
    return MqttConnector(MqttConfig.model_validate({"url": "mqtt://broker.example", **settings}))


def receive(
    payload: Any, *, topic: str = TOPIC, at: datetime = ARRIVED, arrival: str = "", **settings: Any
) -> list[Event]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = {ARRIVAL: arrival} if arrival else {}
    return list(connector(**settings).receive(Delivery(body, headers, topic, received_at=at)))


def identity(payload: Any, **more: Any) -> str:
    return receive(payload, **more)[0].id


def test_an_event_names_its_series() -> None:
    (event,) = receive({"value": 21.5})
    assert (event.stream, event.key, event.op) == ("reading", "d1/temperature", "upsert")


def test_every_reading_of_a_message_has_an_id_of_its_own() -> None:
    events = receive([{"value": 1, "ts": MS}, {"value": 2, "ts": MS}])
    assert len({event.id for event in events}) == 2


def test_a_message_with_a_time_is_the_same_whenever_it_comes() -> None:
    payload = {"value": 21.5, "ts": MS}
    later = ARRIVED + timedelta(days=3)
    assert identity(payload, arrival="a-1") == identity(payload, arrival="b-9", at=later)


def test_equal_values_at_different_times_are_different_messages() -> None:
    assert identity({"value": 21.5, "ts": MS}) != identity({"value": 21.5, "ts": MS + 1})


def test_equal_payloads_of_different_topics_are_different_messages() -> None:
    assert identity({"value": 1, "ts": MS}) != identity({"value": 1, "ts": MS}, topic="dt/p1/d2/temperature")


def test_a_counter_names_a_message_for_a_day() -> None:
    payload = {"value": 21.5, "seq": 0}
    assert identity(payload, arrival="a-1") == identity(payload, arrival="b-9", at=ARRIVED + timedelta(hours=2))
    assert identity(payload) != identity(payload, at=ARRIVED + timedelta(days=1)), "counters begin anew with the device"


def test_equal_values_with_neither_are_two_readings_unless_the_broker_repeats_one() -> None:
    assert identity(21.5, arrival="a-1") != identity(21.5, arrival="a-2")
    assert identity(21.5, arrival="a-1") == identity(21.5, arrival="a-1", at=ARRIVED + timedelta(hours=1))


def test_settings_may_decide_otherwise() -> None:
    content = [{"topic": "dt/{site}/{device}/{metric}", "identity": "content"}]
    arrival = [{"topic": "dt/{site}/{device}/{metric}", "identity": "arrival"}]
    own = [{"topic": "dt/{site}/{device}/{metric}", "id": ["uid"]}]
    assert identity(21.5, arrival="a-1", topics=content) == identity(21.5, arrival="a-2", topics=content)
    timed = {"value": 1, "ts": MS}
    assert identity(timed, arrival="a-1", topics=arrival) != identity(timed, arrival="a-2", topics=arrival)
    assert identity({"value": 1, "uid": 7}, topics=own) == identity({"value": 2, "uid": 7}, topics=own)


def test_ids_are_short_whatever_comes() -> None:
    assert len(identity({"value": "x" * 1000, "uid": "y" * 200, "ts": MS})) <= 200


def test_a_retained_message_says_so() -> None:
    delivery = Delivery(b"21.5", {ARRIVAL: "a-1", RETAINED: "1"}, TOPIC, received_at=ARRIVED)
    (event,) = connector().receive(delivery)
    assert event.record["labels"] == {"retained": "true"}


def test_a_topic_nobody_asked_for_is_refused_with_a_hint() -> None:
    with pytest.raises(BadRecord, match="no topic") as refusal:
        receive(21.5, topic="other/d1")
    assert "subscribed to earlier" in refusal.value.hint


def test_a_message_that_did_not_come_from_the_broker_is_refused() -> None:
    with pytest.raises(AuthProblem):
        receive(21.5, topic="")


def test_a_message_over_the_bound_is_refused_with_its_size() -> None:
    with pytest.raises(BadRecord, match="200 bytes"):
        receive(b"x" * 200, max_payload_bytes=100)


def test_names_of_unbearable_length_are_refused() -> None:
    with pytest.raises(BadRecord, match="device"):
        receive(21.5, topic=f"dt/p1/{'d' * 300}/t")


def test_the_same_connector_reads_the_same_topic_again() -> None:
    one = connector()
    first = one.receive(Delivery(b"1", {}, TOPIC, received_at=ARRIVED))
    second = one.receive(Delivery(b"2", {}, TOPIC, received_at=ARRIVED))
    assert [e.record["value"] for e in (*first, *second)] == [1, 2], "what is remembered of a topic must not change"
