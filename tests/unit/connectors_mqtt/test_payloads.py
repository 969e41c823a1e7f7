"""Plain payloads: who measured what, when, in which unit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import BadRecord
from connectors.mqtt.config import TopicSettings
from connectors.mqtt.payloads import MAX_READINGS, PlainReader, Told

ARRIVED = datetime(2026, 11, 22, 5, 10, 20, tzinfo=UTC)
MEASURED = datetime(2026, 11, 22, 5, 10, 12, tzinfo=UTC)
MS = 1795324212000
METRIC_TOPIC = "dt/{site}/{device}/{metric}"
DEVICE_TOPIC = "dt/{site}/{device}"


def told(payload: Any, *, topic: str = METRIC_TOPIC, real: str = "", **settings: Any) -> Told:
    chosen = TopicSettings.model_validate({"topic": topic, **settings})
    real = real or {METRIC_TOPIC: "dt/p1/d1/temperature", DEVICE_TOPIC: "dt/p1/d1"}.get(topic, topic)
    names = chosen.template.match(real)
    assert names is not None
    reader = PlainReader(chosen, 300)
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return reader.read(reader.levels(real, names), body, ARRIVED)


def only(payload: Any, **settings: Any) -> dict[str, Any]:
    (reading,) = told(payload, **settings).readings
    return reading


def by_metric(payload: Any, **settings: Any) -> dict[str, Any]:
    return {r["metric"]: r.get("value", r.get("text")) for r in told(payload, **settings).readings}


def test_a_value_with_unit_time_and_counter() -> None:
    assert only({"value": 21.5, "unit": "Cel", "ts": MS, "seq": 7}) == {
        "topic": "dt/p1/d1/temperature",
        "site": "p1",
        "device": "d1",
        "metric": "temperature",
        "value": Decimal("21.5"),
        "unit": "Cel",
        "at": MEASURED,
        "seq": 7,
    }


@pytest.mark.parametrize(("payload", "value"), [(b"21.50", "21.50"), (b'"21.5"', "21.5"), (b"true", "1")])
def test_a_bare_value_has_the_metric_of_its_topic(payload: bytes, value: str) -> None:
    reading = only(payload)
    assert (reading["metric"], str(reading["value"]), reading["at"]) == ("temperature", value, ARRIVED)


def test_a_bare_value_without_a_metric_in_the_topic_is_refused() -> None:
    with pytest.raises(BadRecord, match="of what is it the value") as refusal:
        told(b"17", topic=DEVICE_TOPIC)
    assert "{metric}" in refusal.value.hint


def test_each_field_is_a_metric() -> None:
    payload = {"temperature": 21.5, "door": "open", "alarm": False, "ts": MS}
    assert by_metric(payload, topic=DEVICE_TOPIC) == {"temperature": Decimal("21.5"), "door": "open", "alarm": 0}


def test_inner_objects_give_dotted_names_or_their_own_unit() -> None:
    payload = {"motor": {"rpm": 1450, "bearing": {"value": 71, "unit": "Cel"}}}
    readings = {r["metric"]: r for r in told(payload, topic=DEVICE_TOPIC).readings}
    assert readings["motor.rpm"]["value"] == 1450
    assert (readings["motor.bearing"]["value"], readings["motor.bearing"]["unit"]) == (71, "Cel")


def test_several_metrics_below_a_metric_topic_carry_its_name() -> None:
    assert by_metric({"cpu": 5, "memory": 60}) == {"temperature.cpu": 5, "temperature.memory": 60}


@pytest.mark.parametrize(
    "payload",
    [
        {"device": "d9", "ts": MS, "values": {"a": 1, "b": 2}},
        {"device": "d9", "ts": MS, "readings": [{"metric": "a", "value": 1}, {"metric": "b", "value": 2}]},
        [{"device": "d9", "ts": MS, "metric": "a", "value": 1}, {"device": "d9", "ts": MS, "metric": "b", "v": 2}],
    ],
)
def test_several_readings_in_one_message(payload: Any) -> None:
    found = told(payload, topic="telemetry").readings
    assert [(r["device"], r["metric"], r["value"], r["at"]) for r in found] == [
        ("d9", "a", 1, MEASURED),
        ("d9", "b", 2, MEASURED),
    ]


def test_a_gateway_may_send_for_several_devices() -> None:
    payload = [{"device": "a", "metric": "t", "value": 1}, {"device": "b", "metric": "t", "value": 2}]
    assert [r["device"] for r in told(payload, topic="telemetry").readings] == ["a", "b"]


def test_the_topic_wins_over_the_payload_and_the_payload_over_what_is_fixed() -> None:
    payload = {"device": "liar", "site": "from-payload", "metric": "liar", "value": 1}
    reading = only(payload, topic="x/{device}", real="x/d1", fixed={"site": "fixed", "customer": "C-1", "metric": "m"})
    assert (reading["device"], reading["site"], reading["customer"], reading["metric"]) == (
        "d1",
        "from-payload",
        "C-1",
        "liar",
    )


def test_other_levels_and_fields_become_labels() -> None:
    reading = only({"value": 1, "firmware": "1.2", "raw": {"x": 1}}, topic="{area}/{device}/{metric}", real="hall/d/m")
    assert reading["labels"] == {"area": "hall", "firmware": "1.2"}


def test_fields_are_found_by_path() -> None:
    payload = {"meta": {"id": "d5"}, "m": "t", "val": 3, "when": "2026-11-22T05:10:12Z"}
    reading = only(payload, topic="telemetry", device=["meta.id"], metric=["m"], value=["val"], at=["when"])
    assert (reading["device"], reading["metric"], reading["value"], reading["at"]) == ("d5", "t", 3, MEASURED)


def test_null_is_a_reading_of_bad_quality() -> None:
    reading = only({"value": None})
    assert "value" not in reading
    assert reading["quality"] == "bad"


@pytest.mark.parametrize(("said", "quality"), [("GOOD", "good"), (192, "good"), ("uncertain", "stale"), ("odd", None)])
def test_quality_is_understood(said: object, quality: str | None) -> None:
    assert only({"value": 1, "quality": said}).get("quality") == quality


@pytest.mark.parametrize("device_time", ["1970-01-01T00:03:00Z", "2026-11-22T05:20:00Z"])
def test_a_wrong_device_clock_is_replaced_and_shown(device_time: str) -> None:
    reading = only({"value": 1, "ts": device_time})
    assert reading["at"] == ARRIVED
    assert reading["labels"]["device_time"] == datetime.fromisoformat(device_time).isoformat()


def test_old_readings_keep_their_time() -> None:
    assert only({"value": 1, "ts": "2026-11-01T00:00:00Z"})["at"] == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "mark"),
    [
        ({"value": 1, "ts": MS, "seq": 3}, "time"),
        ({"value": 1, "seq": 3}, "counter"),
        ({"value": 1}, ""),
        ([{"value": 1, "ts": MS}, {"value": 2, "ts": MS}], "time"),
        ([{"value": 1, "ts": MS}, {"value": 2}], ""),
        (21.5, ""),
    ],
)
def test_what_tells_a_message_from_others_is_noticed(payload: Any, mark: str) -> None:
    assert told(payload).mark == mark


def test_an_id_field_names_the_message() -> None:
    found = told({"value": 1, "uid": "m-7"}, id=["uid"])
    assert (found.mark, found.id) == ("id", "m-7")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "no reading"),
        ([], "no reading"),
        ({"ts": MS}, "no reading"),
        ([1, 2], "item 0"),
        ({"value": 1, "ts": "soon"}, "timestamp"),
        ({"value": 1, "seq": -1}, "seq"),
        ({"value": "x" * 3000}, "no measurement"),
        ({"value": 1, "unit": [1]}, "unit"),
    ],
)
def test_what_can_not_be_read_says_what_is_wrong(payload: Any, said: str) -> None:
    with pytest.raises(BadRecord, match=said):
        told(payload)


def test_a_message_without_device_says_where_one_is_looked_for() -> None:
    with pytest.raises(BadRecord, match="nothing tells the device") as refusal:
        told({"temperature": 1}, topic="telemetry")
    assert "deviceId" in refusal.value.hint


def test_depth_and_number_of_readings_are_bounded() -> None:
    deep: Any = {"a": 1}
    for _ in range(20):
        deep = {"a": deep}
    with pytest.raises(BadRecord, match="nested"):
        told(deep, topic=DEVICE_TOPIC)
    with pytest.raises(BadRecord, match=str(MAX_READINGS)):
        told({f"m{i}": i for i in range(MAX_READINGS + 1)}, topic=DEVICE_TOPIC)


def test_numbers_and_texts_have_formats_of_their_own() -> None:
    assert only(b" 7.50 ", format="number")["value"] == Decimal("7.50")
    assert only(b"7", format="text")["text"] == "7"


@pytest.mark.parametrize(("payload", "value", "quality"), [(b"Online", 1, "good"), (b"offline", 0, "stale")])
def test_presence_is_a_metric(payload: bytes, value: int, quality: str) -> None:
    reading = only(payload, topic="presence/{device}", real="presence/d1", format="presence")
    assert (reading["device"], reading["metric"], reading["value"], reading["quality"]) == (
        "d1",
        "online",
        value,
        quality,
    )


def test_unknown_presence_lists_what_is_known() -> None:
    with pytest.raises(BadRecord) as refusal:
        told(b"perhaps", topic="presence/{device}", real="presence/d1", format="presence")
    assert "online" in refusal.value.hint
