"""Single values, as MES systems of all kinds send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadRecord
from connectors.mes.values import flag, moment, number, text

SHANGHAI = ZoneInfo("Asia/Shanghai")
EIGHT = datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-22T08:00:05+08:00",
        "2026-11-22T00:00:05Z",
        "2026-11-22 08:00:05",
        "2026-11-22T08:00:05.0000000",
        "2026/11/22 8:00:05",
        "2026.11.22 08:00:05",
        "/Date(1795305605000)/",
        "/Date(1795305605000+0800)/",
        datetime(2026, 11, 22, 8, 0, 5, tzinfo=timezone(timedelta(hours=8))),
    ],
)
def test_a_time_is_read_in_every_manner_of_writing(told: Any) -> None:
    assert moment(told, SHANGHAI) == EIGHT


@pytest.mark.parametrize("told", [None, "", "0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)])
def test_never_is_null(told: Any) -> None:
    assert moment(told, SHANGHAI) is None


@pytest.mark.parametrize("told", ["yesterday", "2026-13-01", "2026/13/01", "8:00", "/Date(x)/", 5])
def test_what_is_no_time_is_said_to_be_none(told: Any) -> None:
    with pytest.raises(BadRecord, match="is no time"):
        moment(told, SHANGHAI)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_a_time_written_in_any_zone_is_the_same_moment(at: datetime) -> None:
    assert moment(at.astimezone(SHANGHAI).isoformat(), ZoneInfo("Europe/Berlin")) == at


@pytest.mark.parametrize(
    ("told", "meant"),
    [("85.5%", "85.5"), ("1,234.50", "1234.50"), (" 12 ", "12"), (7, "7"), (Decimal("0.10"), "0.10")],
)
def test_numbers_are_exact(told: Any, meant: str) -> None:
    assert str(number(told)) == meant


@pytest.mark.parametrize("told", [None, "", "  "])
def test_no_number_is_null(told: Any) -> None:
    assert number(told) is None


@pytest.mark.parametrize("told", ["abc", "NaN", "1e999999999", True, [1]])
def test_what_is_no_number_is_said_to_be_none(told: Any) -> None:
    with pytest.raises(BadRecord, match="is no number"):
        number(told)


@pytest.mark.parametrize(
    ("told", "meant"), [("是", True), ("N", False), ("1", True), (0, False), (True, True), ("TRUE", True), ("", None)]
)
def test_flags_are_read_in_both_languages(told: Any, meant: bool | None) -> None:
    assert flag(told) is meant


def test_what_is_no_flag_is_said_to_be_none() -> None:
    with pytest.raises(BadRecord, match="neither yes nor no"):
        flag("maybe")


def test_an_empty_text_is_null_and_a_list_is_no_text() -> None:
    assert text("  ") is None
    assert text(" 7 号 ") == "7 号"
    with pytest.raises(BadRecord, match="is no text"):
        text(["a"])
