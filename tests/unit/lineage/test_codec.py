"""Records are written down and read back without any loss."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage import Gone, UnstorableValue
from lineage.codec import decode, encode, pack_bits, pack_ids, unpack_bits, unpack_ids
from lineage.errors import Damaged

moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs"]), max_size=2)
    | st.decimals(allow_nan=False)
    | moments
    | st.dates()
)
keys = st.text(max_size=8) | st.sampled_from(["$datetime", "$date", "$map", "$number", "$erased", "$text"])
records = st.dictionaries(
    keys, st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))
)


def same(a: Any, b: Any) -> bool:
    """Equal, of equal types, and for decimals with equal digits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return str(a) == str(b) if isinstance(a, Decimal) else bool(a == b)


@given(records)
def test_what_is_written_reads_back_the_same(record: dict[str, Any]) -> None:
    assert same(decode(encode(record)), record)


@given(records)
def test_it_reads_back_the_same_from_text_too(record: dict[str, Any]) -> None:
    assert same(decode(encode(record).decode()), record)


def test_plain_records_are_plain_json() -> None:
    record = {"a": [1, "x", None, True], "price": Decimal("1.50"), "count": Decimal(7)}
    assert encode(record) == b'{"a":[1,"x",null,true],"price":1.50,"count":7E+0}'


def test_numbers_of_a_source_are_read_as_decimals_never_as_floats() -> None:
    assert same(decode(b'{"v": 0.1, "n": 3}'), {"v": Decimal("0.1"), "n": 3})


def test_a_map_of_the_source_that_looks_like_ours_stays_a_map() -> None:
    record = {"a": {"$datetime": "now"}, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    assert decode(encode(record)) == record


def test_an_erased_value_keeps_its_token() -> None:
    assert decode(encode({"phone": Gone("ab12")})) == {"phone": Gone("ab12")}


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"a": {"b": [1, {2, 3}]}}, "a.b[1]"),
        ({"at": datetime(2026, 1, 1)}, "at"),  # noqa: DTZ001 - a naive time is the point
        ({"a": {1: "x"}}, "a"),
        ({"big": 1 << 9000}, "big"),
    ],
)
def test_what_has_no_json_form_is_refused_with_its_path(record: dict[str, Any], path: str) -> None:
    with pytest.raises(UnstorableValue) as refused:
        encode(record)
    assert refused.value.path == path
    assert "can't be kept" in str(refused.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\x01{", b'\x01{"$datetime": 5}', b'\x01{"$number": "x"}'])
def test_damaged_text_is_named_as_such(text: bytes) -> None:
    with pytest.raises(Damaged):
        decode(text)


@given(st.lists(st.integers(1, 2**62)))
def test_id_lists_read_back_in_order(ids: list[int]) -> None:
    assert unpack_ids(pack_ids(ids)) == ids


@given(st.sets(st.integers(0, 500)))
def test_field_sets_read_back(bits: set[int]) -> None:
    assert unpack_bits(pack_bits(bits)) == sorted(bits)


def test_bits_are_counted_as_postgresql_counts_them() -> None:
    assert pack_bits([0, 9]) == b"\x01\x02"


def test_errors_survive_pickling_with_their_fields() -> None:
    error = pickle.loads(pickle.dumps(UnstorableValue("a.b", object())))
    assert (type(error), error.path, "a.b" in str(error)) == (UnstorableValue, "a.b", True)


def test_integers_that_orjson_cannot_hold_survive() -> None:
    with pytest.raises(orjson.JSONEncodeError):
        orjson.dumps(1 << 70)
    assert decode(encode({"n": 1 << 70, "m": -(1 << 70)})) == {"n": 1 << 70, "m": -(1 << 70)}


def test_a_record_nested_without_end_is_refused() -> None:
    record: dict[str, Any] = {}
    for _ in range(400):
        record = {"in": record}
    with pytest.raises(UnstorableValue, match="nested 200 deep"):
        encode(record)
    with pytest.raises(Damaged):
        decode(b"[" * 100_000)
