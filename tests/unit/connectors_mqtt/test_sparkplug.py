"""Sparkplug B payloads. Those in hex were made by Eclipse Tahu's JavaScript library (sparkplug-payload 1.0.3)."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadRecord
from connectors.mqtt.config import Fixed
from connectors.mqtt.sparkplug import DEVICES, KNOWN, VOID, SparkplugReader, topic_of
from connectors.mqtt.sparkplug_payload import Payload, command, decode, rebirth, value_of

ARRIVED = datetime(2026, 11, 22, 5, 11, tzinfo=UTC)
BORN = datetime(2026, 11, 22, 5, 10, 12, tzinfo=UTC)
NODE = "spBv1.0/plant1/{}/line1"
DEVICE = "spBv1.0/plant1/{}/line1/press"

NBIRTH = "08a0e6a58da034120b0a05626453657120085803121a0a144e6f646520436f6e74726f6c2f52656269727468200b70001800"
DBIRTH = (
    "08a0e6a58da03412330a0474656d70100120094a220a07656e67556e69740a075175616c6974791207080c420343656c1205080318c00165"
    "cdcca841120e0a0269381002200150fbffffff0f120f0a036931361003200250d4fdffff0f120f0a03693332100420035090ddfbff0f1214"
    "0a036936341005200458809ce8afedffffffff0112140a037536341006200858ffffffffffffffffff0112100a01641007200a699a999999"
    "9999b93f120a0a026f6e1008200b7001120c0a01731009200c7a03c3b66c120e0a0174100a200d58a0e6a58da034120c0a046e6f6e65100b"
    "200338011801"
)
DDATA = "0888eea58da034120910012009650000b441120a1004200350ffffffff0f1802"
DATASET = (
    "0888eea58da034122e0a057461626c6520108a01220802120161120162180c180322090a033201780a02080122090a033201790a0208021803"
)
TEMPLATE = "0888eea58da034121f0a056d6f746f7220139201130a00120a0a0372706d200350aa0b22016d28001804"
READER = SparkplugReader(Fixed.model_validate({"site": "p1"}), 300)


def read(topic: str, body: bytes | str, headers: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    body = bytes.fromhex(body) if isinstance(body, str) else body
    return READER.read(topic, headers or {}, body, ARRIVED).readings


def values(readings: list[dict[str, Any]]) -> dict[str, Any]:
    return {r["metric"]: r.get("value", r.get("text")) for r in readings if r["metric"] != "online"}


def data(*, kind: str = "DDATA", **metric: Any) -> dict[str, Any]:
    payload = Payload(timestamp=1795324212000, seq=1)
    payload.metrics.add(name="m", **metric)
    (reading,) = read(DEVICE.format(kind), payload.SerializeToString())
    return reading


def test_a_birth_tells_every_value_exactly() -> None:
    assert values(read(DEVICE.format("DBIRTH"), DBIRTH)) == {
        "temp": Decimal("21.1"),
        "i8": -5,
        "i16": -300,
        "i32": -70000,
        "i64": -5_000_000_000,
        "u64": 18_446_744_073_709_551_615,
        "d": Decimal("0.1"),
        "on": 1,
        "s": "öl",
        "t": "2026-11-22T05:10:12+00:00",
        "none": None,
    }


def test_a_birth_tells_unit_quality_time_and_place() -> None:
    reading = next(r for r in read(DEVICE.format("DBIRTH"), DBIRTH) if r["metric"] == "temp")
    assert reading == {
        "topic": "spBv1.0/plant1/DBIRTH/line1/press",
        "site": "p1",
        "device": "plant1/line1/press",
        "device_name": "press",
        "labels": {"group": "plant1", "edge_node": "line1"},
        "seq": 1,
        "metric": "temp",
        "value": Decimal("21.1"),
        "unit": "Cel",
        "quality": "good",
        "at": BORN,
    }


def test_null_has_bad_quality() -> None:
    reading = next(r for r in read(DEVICE.format("DBIRTH"), DBIRTH) if r["metric"] == "none")
    assert reading["quality"] == "bad"


def test_births_and_deaths_say_who_is_there() -> None:
    (born,) = read(NODE.format("NBIRTH"), NBIRTH)
    assert (born["device"], born["metric"], born["value"], born["quality"]) == ("plant1/line1", "online", 1, "good")
    gone = read(NODE.format("NDEATH"), NBIRTH, {DEVICES: '["press","oven"]'})
    assert [(r["device"], r["metric"], r["value"], r["quality"]) for r in gone] == [
        ("plant1/line1", "online", 0, "stale"),
        ("plant1/line1/press", "online", 0, "stale"),
        ("plant1/line1/oven", "online", 0, "stale"),
    ]
    (left,) = read(DEVICE.format("DDEATH"), b"")
    assert (left["device"], left["value"], left["at"]) == ("plant1/line1/press", 0, ARRIVED)


def test_data_by_alias_is_read_with_what_births_told() -> None:
    known = json.dumps({"1": ["temp", 9, "Cel"], "4": ["i32", 3, ""]})
    readings = read(DEVICE.format("DDATA"), DDATA, {KNOWN: known})
    assert values(readings) == {"temp": Decimal("22.5"), "i32": -1}
    assert readings[0]["unit"] == "Cel"


def test_an_alias_nobody_defined_is_a_problem_of_its_own() -> None:
    named, unnamed = read(DEVICE.format("DDATA"), DDATA, {KNOWN: json.dumps({"1": ["temp", 9, ""]})})
    assert named["metric"] == "temp"
    assert "metric" not in unnamed
    assert "alias 4" in unnamed["problem"]


def test_data_without_any_birth_is_refused_with_a_hint() -> None:
    with pytest.raises(BadRecord, match="no birth message") as refusal:
        read(DEVICE.format("DDATA"), DDATA)
    assert "sparkplug_rebirth" in refusal.value.hint


def test_what_was_declared_void_tells_nothing() -> None:
    assert read(DEVICE.format("DDATA"), DDATA, {VOID: "asked for"}) == []


@pytest.mark.parametrize("topic", ["spBv1.0/STATE/scada", NODE.format("NCMD"), DEVICE.format("DCMD")])
def test_commands_and_states_of_others_are_no_readings(topic: str) -> None:
    assert read(topic, b'{"online":true}') == []


def test_data_sets_are_json_and_templates_are_flat() -> None:
    (table,) = read(DEVICE.format("DDATA"), DATASET)
    assert json.loads(table["text"]) == {"columns": ["a", "b"], "rows": [["x", 1], ["y", 2]]}
    assert values(read(DEVICE.format("DDATA"), TEMPLATE)) == {"motor/rpm": 1450}


@pytest.mark.parametrize(
    ("datatype", "field", "bits"),
    [(1, "int_value", 8), (2, "int_value", 16), (3, "int_value", 32), (4, "long_value", 64)],
)
@given(data=st.data())
def test_negative_numbers_come_as_twos_complement(datatype: int, field: str, bits: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(-(1 << bits - 1), (1 << bits - 1) - 1))
    for width in {bits, max(bits, 32)}:  # some senders cut to the type's width, some extend to the field's
        metric = Payload.Metric(**{field: value & ((1 << width) - 1)})
        assert value_of(metric, datatype, "m") == (Decimal(value), None)


@given(st.decimals(-(10**6), 10**6, places=3, allow_nan=False))
def test_a_float_is_the_number_its_sender_wrote(written: Decimal) -> None:
    short = Decimal(f"{written:.6g}")
    assert data(datatype=9, float_value=short)["value"] == short
    assert data(datatype=10, double_value=written)["value"] == written


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e308"])
def test_what_is_no_number_has_bad_quality(value: str) -> None:
    reading = data(datatype=10, double_value=Decimal(value))
    assert "value" not in reading
    assert reading["quality"] == "bad"


@pytest.mark.parametrize(
    ("datatype", "body", "text"),
    [
        (24, struct.pack("<3i", 1, -2, 3), "[1,-2,3]"),
        (30, struct.pack("<2f", 0.5, 2), "[0.5,2.0]"),
        (
            32,
            struct.pack("<I", 10) + bytes([0b10100000, 0b01000000]),
            "[true,false,true,false,false,false,false,false,false,true]",
        ),
        (33, "a\0ö\0".encode(), '["a","ö"]'),
        (17, b"\x01\x02", "AQI="),
        (26, bytes(3000), "list of 3000 values"),
    ],
)
def test_arrays_and_bytes_are_texts(datatype: int, body: bytes, text: str) -> None:
    assert data(datatype=datatype, bytes_value=body)["text"] == text


@pytest.mark.parametrize(("datatype", "body"), [(24, b"\x01"), (32, struct.pack("<I", 99)), (33, b"\xff\xfe\0")])
def test_damaged_arrays_are_refused(datatype: int, body: bytes) -> None:
    with pytest.raises(BadRecord, match="damaged"):
        data(datatype=datatype, bytes_value=body)


def test_historical_data_says_so() -> None:
    assert data(datatype=3, int_value=1, is_historical=True)["labels"]["historical"] == "true"


def test_control_metrics_are_no_readings() -> None:
    assert values(read(NODE.format("NBIRTH"), NBIRTH)) == {}


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0",
        "spBv1.0/g/NDATA",
        "spBv1.0/g/NDATA/e/d",
        "spBv1.0/g/DDATA/e",
        "spBv1.0/g/XDATA/e/d",
        "spBv1.0//NDATA/e",
        "spBv1.0/g/DDATA/e/d/x",
        "spAv1.0/g/NDATA/e",
    ],
)
def test_what_is_no_sparkplug_topic_is_refused(topic: str) -> None:
    with pytest.raises(BadRecord, match="no topic of Sparkplug"):
        topic_of(topic)


@pytest.mark.parametrize("body", [b'{"value": 1}', b"\x12\xff", bytes.fromhex(DBIRTH)[:-3], b"\x12\x03\x0a\x01\xa3"])
def test_what_is_no_payload_is_refused(body: bytes) -> None:
    with pytest.raises(BadRecord, match="Sparkplug B message"):
        decode(body)


@given(st.binary(max_size=200))
def test_nothing_but_a_bad_record_comes_of_garbage(body: bytes) -> None:
    for kind in ("NBIRTH", "NDATA", "NDEATH"):
        try:
            readings = read(NODE.format(kind), body)
        except BadRecord:
            continue
        assert all("at" in reading for reading in readings)


# -- commands ---------------------------------------------------------------------------------------------------------


def test_a_command_carries_typed_values() -> None:
    payload = decode(command({"on": True, "n": -5, "x": Decimal("2.5"), "s": "a"}, BORN))
    assert payload.timestamp == 1795324212000
    assert [(m.name, m.datatype, value_of(m, m.datatype, "")) for m in payload.metrics] == [
        ("on", 11, (Decimal(1), None)),
        ("n", 4, (Decimal(-5), None)),
        ("x", 10, (Decimal("2.5"), None)),
        ("s", 12, (None, "a")),
    ]


@pytest.mark.parametrize(
    ("kind", "value"), [("Int8", -5), ("Int16", -300), ("UInt32", 4_000_000_000), ("Float", Decimal("21.1"))]
)
def test_a_command_may_name_the_data_type(kind: str, value: Any) -> None:
    (metric,) = decode(command({"m": {"value": value, "datatype": kind}}, BORN)).metrics
    assert value_of(metric, metric.datatype, "") == (Decimal(value), None)


@pytest.mark.parametrize(
    "given_",
    [
        {"value": 300, "datatype": "Int8"},
        {"value": -1, "datatype": "UInt8"},
        {"value": "x", "datatype": "Int32"},
        {"value": True, "datatype": "Int32"},
        {"value": 1, "datatype": "Boolean"},
        {"value": 1, "datatype": "Strange"},
        {"value": Decimal("1.5"), "datatype": "Int32"},
        [1],
    ],
)
def test_a_value_that_fits_no_type_is_refused_by_name(given_: Any) -> None:
    with pytest.raises(BadRecord, match="speed"):
        command({"speed": given_}, BORN)


def test_a_rebirth_is_asked_for_as_the_specification_says() -> None:
    (metric,) = decode(rebirth(BORN)).metrics
    assert (metric.name, metric.datatype, metric.boolean_value) == ("Node Control/Rebirth", 11, True)
