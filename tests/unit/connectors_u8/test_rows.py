"""From the driver's values to the contract's, whichever driver it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance.values import faults_of
from connectors.errors import BadRecord
from connectors.u8.rows import Maker, number
from connectors.u8.tables import Column

ZONE = ZoneInfo("Asia/Shanghai")


def made(kind: str, value: Any, given_type: type | None = None, role: str = "") -> Any:
    maker = Maker([Column("a", "t", "a", kind, role, "")], [given_type or type(value)], ZONE)
    good, bad = maker.records([(value, 1)])
    if bad:
        raise bad[0]
    return good[0]["a"]


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("number", Decimal("1.500000"), Decimal("1.5")),
        ("number", 20.0, Decimal(20)),
        ("number", 0.1, Decimal("0.1")),
        ("number", "12.345", Decimal("12.345")),
        ("number", 7, 7),
        ("whole", 5, 5),
        ("whole", Decimal(5), 5),
        ("whole", 5.0, 5),
        ("flag", True, True),
        ("flag", 1, True),
        ("flag", "0", False),
        ("flag", 0, False),
        ("text", "轴承", "轴承"),
        ("text", 7, "7"),
        ("time", datetime(2026, 11, 22, 8), datetime(2026, 11, 22, 0, tzinfo=UTC)),  # noqa: DTZ001 - as drivers give it
        ("time", date(2026, 11, 22), datetime(2026, 11, 21, 16, tzinfo=UTC)),
        ("time", "2026-11-22 08:00:00.000", datetime(2026, 11, 22, 0, tzinfo=UTC)),
    ],
)
def test_a_value_becomes_what_its_column_says(kind: str, value: Any, wanted: Any) -> None:
    assert made(kind, value) == wanted


@pytest.mark.parametrize("kind", ["number", "whole", "flag", "time", "text"])
def test_null_stays_null(kind: str) -> None:
    assert made(kind, None, str) is None


@pytest.mark.parametrize(
    ("kind", "value"), [("number", "abc"), ("whole", "1.5"), ("time", "soon"), ("number", float("nan"))]
)
def test_what_cannot_be_converted_is_a_bad_record_that_names_the_field(kind: str, value: Any) -> None:
    with pytest.raises(BadRecord, match=r"^a: ") as problem:
        made(kind, value)
    assert problem.value.record == {"a": str(value)}


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_field_that_is_needed_is_a_bad_record(value: Any) -> None:
    with pytest.raises(BadRecord, match="a: is empty"):
        made("text", value, str, "needed")


def test_a_bad_row_takes_only_itself() -> None:
    maker = Maker([Column("a", "t", "a", "number", "key", "")], [str], ZONE)
    good, bad = maker.records([("1", 1), ("x", 2), ("3", 3)])
    assert [record["a"] for record in good] == [1, 3]
    assert len(bad) == 1


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_a_float_of_u8_becomes_the_shortest_number_that_means_it(value: float) -> None:
    exact = number(value)
    assert float(exact) == value
    assert not list(faults_of(exact))
