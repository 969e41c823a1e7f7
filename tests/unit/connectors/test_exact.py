"""JSON from outside is exact and harmless."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadRecord
from connectors.exact import exact_number, load_json


def test_numbers_are_exact() -> None:
    assert load_json(b'{"a": 0.1, "b": 12345678901234567890, "c": 1e-7}') == {
        "a": Decimal("0.1"),
        "b": 12345678901234567890,
        "c": Decimal("1E-7"),
    }


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"NaN", b"[Infinity]", b"1e999999999", b"1e-999999", b"9" * 5000, b"[" * 100_000, "{'a': 1}",
     '{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-16-le"), '{"a": 1}'.encode("utf-32")],
    ids=repr,
)  # fmt: skip
def test_what_is_no_harmless_json_is_a_bad_record(body: bytes | str) -> None:
    with pytest.raises(BadRecord) as refusal:
        load_json(body)
    assert str(refusal.value)
    assert len(str(refusal.value.record)) <= 500


def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_json() -> None:
    assert load_json(b"\xef\xbb\xbf[1]") == [1]


def test_a_number_may_come_as_a_text() -> None:
    assert [exact_number(value) for value in ("1.50", 7, Decimal("0.1"))] == [Decimal("1.50"), 7, Decimal("0.1")]


@pytest.mark.parametrize("value", ["", "abc", "NaN", "Infinity", "1e999999999", "0x10", None, True, 1.5, [1]], ids=repr)
def test_what_is_no_number_is_a_bad_record(value: object) -> None:
    with pytest.raises(BadRecord, match="is no number"):
        exact_number(value)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with contextlib.suppress(BadRecord):
        load_json(body)
