"""What a system sends, as exact typed values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance.values import faults_of
from connectors.contract import DELETED
from connectors.errors import BadRecord
from connectors.manifest.shapes import Condition, Field, FieldType, Shape, infer_fields, moment, schema_of, write_moment

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shape(key: str = "id", **fields: Any) -> Shape:
    declared = {name: Field.model_validate({"type": f} if isinstance(f, str) else f) for name, f in fields.items()}
    return Shape(declared, (key,), zone="Asia/Shanghai")


@pytest.mark.parametrize(
    ("type", "given", "value"),
    [
        ("text", 7, "7"), ("text", Decimal("1.50"), "1.50"), ("text", "", ""), ("number", "1.50", Decimal("1.50")),
        ("number", " 2 ", Decimal(2)), ("number", "", None), ("int", "42", 42), ("int", Decimal("42.0"), 42),
        ("bool", "Y", True), ("bool", 0, False), ("bool", "否", False), ("date", "2026-10-01T00:00:00", "2026-10-01"),
        ("datetime", "2026-10-01 08:00:00", datetime(2026, 10, 1, tzinfo=UTC)),
        ("datetime", "2026-10-01T08:00:00Z", datetime(2026, 10, 1, 8, tzinfo=UTC)),
        ("datetime", "/Date(1795248000000+0800)/", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("list", [1], [1]), ("map", {"a": 1}, {"a": 1}), ("any", [None], [None]),
    ],
)  # fmt: skip
def test_a_value_becomes_what_its_field_declares(type: FieldType, given: Any, value: Any) -> None:
    record = shape(id="text", x=type).record({"id": "a", "x": given})
    assert record["x"] == value
    assert not list(faults_of(record))


@pytest.mark.parametrize(
    ("type", "given"),
    [("text", True), ("text", {}), ("number", "1,000"), ("number", "NaN"), ("number", "1e999"), ("int", "1.5"), ("bool", "maybe"),
     ("bool", 2), ("datetime", "yesterday"), ("datetime", 5), ("date", "1.10.2026"), ("list", {}), ("map", [])],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(type: FieldType, given: Any) -> None:
    with pytest.raises(BadRecord, match=r"^x: ") as refusal:
        shape(id="text", x=type).record({"id": "a", "x": given})
    assert refusal.value.record == {"id": "a", "x": given}


@pytest.mark.parametrize("raw", [{}, {"id": None}, {"id": ""}, [], None, "a"])
def test_a_record_without_its_key_is_refused(raw: Any) -> None:
    with pytest.raises(BadRecord):
        shape(id="text").record(raw)


def test_a_field_may_come_from_further_inside() -> None:
    record = shape(id={"path": "meta.id"}, leader={"path": "people[0].no"}).record(
        {"meta": {"id": 5}, "people": [{"no": 7}]}
    )
    assert (record["id"], record["leader"]) == ("5", "7")


def test_what_is_not_declared_passes_through() -> None:
    assert shape(id="text").record({"id": "a", "more": [1, {"b": None}]})["more"] == [1, {"b": None}]


def test_nobody_else_can_say_that_a_record_was_deleted() -> None:
    assert DELETED not in shape(id="text").record({"id": "a", DELETED: True})


def test_a_deleted_record_is_its_key_and_a_tombstone() -> None:
    made = Shape(
        {"id": Field(), "at": Field(type="datetime")}, ("id",), deleted=Condition(path="state", equals=["X", "Y"])
    )
    assert made.record({"id": 7, "state": "Y", "at": "nonsense"}) == {"id": "7", DELETED: True}


@pytest.mark.parametrize(
    ("equals", "given", "holds"), [(0, 0, True), (0, False, False), (0, "0", False), (1, Decimal("1.0"), True), (True, 1, False),
                                   (["a", "b"], "b", True), (None, None, True)],
)  # fmt: skip
def test_kinds_are_never_mixed_in_a_condition(equals: Any, given: Any, holds: bool) -> None:
    assert Condition(path="x", equals=equals).holds({"x": given}) is holds


MOMENTS = st.integers(0, 4_000_000_000_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)


@given(MOMENTS, st.sampled_from(["iso", "unix", "unix_ms", "%Y-%m-%dT%H:%M:%S.%f%z"]))
def test_a_moment_written_for_a_system_is_read_back(at: datetime, format: str) -> None:
    step = {"unix": timedelta(seconds=1), "unix_ms": timedelta(milliseconds=1)}.get(format, timedelta(microseconds=1))
    again = moment(write_moment(at, format, SHANGHAI), format, SHANGHAI)
    assert timedelta(0) <= at - again < step


def test_types_are_guessed_from_samples_for_a_scaffold() -> None:
    samples: list[dict[str, Any]] = [
        {"a": "x", "b": 1, "c": Decimal("1.5"), "d": True, "e": "2026-11-01T00:00:00Z", "f": None, "g": [1]},
        {"b": Decimal("2.5"), "a": None, "h": {}},
    ]
    assert infer_fields(samples) == {
        "a": "text", "b": "number", "c": "number", "d": "bool", "e": "datetime", "g": "list", "h": "map",
    }  # fmt: skip


def test_the_schema_tells_of_declared_fields_and_of_what_the_samples_hold_beside_them() -> None:
    schema = schema_of({"id": Field(type="int", description="number", unit="1")}, ("id",), [{"id": 1, "more": "x"}])
    assert schema["required"] == ["id"]
    assert schema["properties"]["id"] == {"type": ["integer", "null"], "description": "number [1]"}
    assert schema["properties"]["more"] == {"type": ["string", "null"]}
