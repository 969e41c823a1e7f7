"""Single values: exact numbers, times with zones, nothing that blows up."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadRecord
from connectors.mqtt.values import EPOCH, clean, counter, instant, json_of, name, number, number_of, scalar

AT = datetime(2026, 11, 22, 5, 10, 12, tzinfo=UTC)
SECONDS = 1795324212


def test_numbers_keep_every_digit() -> None:
    assert json_of(b'{"v": 0.1234567890123456789}') == {"v": Decimal("0.1234567890123456789")}
    assert str(number_of(" 21.50\n", "v")) == "21.50"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "nothing"),
        (b"   ", "nothing"),
        (b'{"a": 1', "no JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b"\xff\xfe", "no UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"v": ' + b"9" * 5000 + b"}", "too many digits"),
        (b"\x08\x01\x12", "no JSON"),
    ],
)
def test_unreadable_payloads_say_why(body: bytes, said: str) -> None:
    with pytest.raises(BadRecord, match=said):
        json_of(body)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert json_of(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    ("value", "number_", "text"),
    [
        (5, Decimal(5), None),
        (Decimal("2.5"), Decimal("2.5"), None),
        (True, Decimal(1), None),
        (False, Decimal(0), None),
        ("21.5", Decimal("21.5"), None),
        ("-3e2", Decimal("-300"), None),
        ("007", None, "007"),
        ("open", None, "open"),
        ("", None, ""),
        (None, None, None),
        ([1, Decimal("2.5")], None, '[1,"2.5"]'),
    ],
)
def test_a_json_value_is_a_number_or_a_text(value: object, number_: Decimal | None, text: str | None) -> None:
    assert scalar(value, "v") == (number_, text)


@pytest.mark.parametrize("value", [Decimal("1e61"), Decimal("1e-61"), Decimal("NaN"), 10**61, Decimal("1." + "1" * 90)])
def test_absurd_numbers_are_refused_by_name(value: int | Decimal) -> None:
    with pytest.raises(BadRecord, match="pressure"):
        number(value, "pressure")


@pytest.mark.parametrize("text", ["", "abc", "1,5", "0x10", "1 2", "nan", "inf", "1e9999", "--1"])
def test_a_payload_that_is_no_number_says_so(text: str) -> None:
    with pytest.raises(BadRecord, match="temp"):
        number_of(text, "temp")


def test_a_decimal_comma_gets_a_hint() -> None:
    with pytest.raises(BadRecord) as refusal:
        number_of("21,5", "temp")
    assert "decimal point" in refusal.value.hint


@pytest.mark.parametrize(
    "value",
    [
        SECONDS,
        Decimal(SECONDS),
        str(SECONDS),
        SECONDS * 1000,
        SECONDS * 10**6,
        SECONDS * 10**9,
        "2026-11-22T05:10:12Z",
        "2026-11-22T13:10:12+08:00",
        "2026-11-22 05:10:12.000+00:00",
    ],
)
def test_times_are_read_whatever_their_unit(value: object) -> None:
    assert instant(value, "ts", None) == AT


def test_a_time_without_zone_needs_the_setting() -> None:
    assert instant("2026-11-22T13:10:12", "ts", ZoneInfo("Asia/Shanghai")) == AT
    with pytest.raises(BadRecord) as refusal:
        instant("2026-11-22T13:10:12", "ts", None)
    assert "time_zone" in refusal.value.hint


@pytest.mark.parametrize("value", [True, [], {}, "yesterday", "", "0001-01-01T00:00:00+14:00", 10**40, Decimal("1e30")])
def test_what_is_no_time_is_refused_by_name(value: object) -> None:
    with pytest.raises(BadRecord, match="ts"):
        instant(value, "ts", None)


@given(st.integers(10**15, 7 * 10**15).map(lambda us: EPOCH + timedelta(microseconds=us)))
def test_iso_and_microseconds_agree(moment: datetime) -> None:
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    assert instant(moment.isoformat(), "ts", None) == instant(microseconds, "ts", None) == moment


@given(st.decimals(-(10**20), 10**20, allow_nan=False, allow_infinity=False, places=6))
def test_any_decimal_survives(value: Decimal) -> None:
    assert scalar(json_of(f'{{"v": {value}}}'.encode())["v"], "v") == (value, None)


@given(st.binary(max_size=60))
def test_nothing_but_a_bad_record_comes_of_garbage(body: bytes) -> None:
    with suppress(BadRecord):
        scalar(json_of(body), "v")


def test_texts_are_fit_for_any_database() -> None:
    assert clean("a\x00b", "t") == "a�b"
    assert clean(json.loads('"\\ud800"'), "t") == "?"


@pytest.mark.parametrize("value", ["", True, [], {}, None, Decimal("1.5"), "x" * 201])
def test_what_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(BadRecord, match="device"):
        name(value, "device")


@pytest.mark.parametrize("value", [-1, True, Decimal("1.5"), "x", 1 << 63])
def test_what_is_no_counter_is_refused(value: object) -> None:
    with pytest.raises(BadRecord, match="seq"):
        counter(value, "seq")
