"""A stream whose records change shape is noticed; one that does not is left in peace."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.drift import EVERY, GONE_AFTER, LEARN, MAX_CHILDREN, MAX_PATHS, Drift, ShapeProfile

ENOUGH = 2 * EVERY * GONE_AFTER * 2
RECORD: dict[str, Any] = {
    "id": "7",
    "value": Decimal("1.5"),
    "at": datetime(2026, 1, 1, tzinfo=UTC),
    "labels": {"site": "A", "line": None},
    "parts": [{"name": "x", "qty": 1}],
}


def _learnt(record: dict[str, Any] = RECORD) -> ShapeProfile:
    profile = ShapeProfile(random.Random(3))
    for _ in range(LEARN):
        assert profile.observe(record) == []
    return profile


def _drifts(profile: ShapeProfile, record: dict[str, Any], times: int = ENOUGH) -> list[Drift]:
    return [drift for _ in range(times) for drift in profile.observe(record)]


def test_learning_reports_nothing_and_a_steady_shape_never_does() -> None:
    assert _drifts(_learnt(), RECORD) == []


def test_every_path_is_known_with_its_types_and_its_share_of_nulls() -> None:
    paths = _learnt().paths
    assert {path: known.types for path, known in paths.items()} == {
        "id": ["text"],
        "value": ["number"],
        "at": ["time"],
        "labels": ["map"],
        "labels.site": ["text"],
        "labels.line": [],
        "parts": ["list"],
        "parts[]": ["map"],
        "parts[].name": ["text"],
        "parts[].qty": ["number"],
    }
    assert paths["labels.line"].null_rate == 1
    assert paths["id"].null_rate == 0


def test_a_new_path_is_reported_once() -> None:
    assert _drifts(_learnt(), {**RECORD, "colour": "red"}) == [Drift("new", "colour", now="text")]


def test_a_changed_type_is_reported_once_with_what_it_was() -> None:
    assert _drifts(_learnt(), {**RECORD, "value": "1.5"}) == [Drift("type", "value", "number", "text")]
    assert str(Drift("type", "value", "number", "text")) == "value was number, now also text"


def test_null_is_no_change_of_type_and_neither_is_the_first_value_after_nulls() -> None:
    assert _drifts(_learnt(), {**RECORD, "value": None}) == []
    assert _drifts(_learnt(), {**RECORD, "labels": {"site": "A", "line": "L1"}}) == []


def test_a_path_that_no_longer_comes_is_reported_once() -> None:
    record = {name: value for name, value in RECORD.items() if name != "id"}
    assert _drifts(_learnt(), record) == [Drift("gone", "id", was="text")]


def test_a_path_that_always_came_and_went_is_not_missed() -> None:
    profile = ShapeProfile(random.Random(3))
    for number in range(LEARN):
        profile.observe({"id": 1, **({"note": "x"} if number % 3 == 0 else {})})
    assert _drifts(profile, {"id": 1}) == []


def test_ever_new_keys_are_one_path() -> None:
    profile = ShapeProfile(random.Random(3))
    drifts = [d for n in range(3000) for d in profile.observe({"labels": {f"pod-{n}": "x"}})]
    assert len(drifts) <= MAX_CHILDREN
    assert set(profile.paths) == {"labels", "labels.*"}
    assert [d for n in range(3000, 9000) for d in profile.observe({"labels": {f"pod-{n}": "x"}})] == []


def test_it_never_grows_beyond_its_bound() -> None:
    profile = ShapeProfile(random.Random(3))
    for n in range(LEARN):
        profile.observe({f"a{n}": {f"b{m}": {"c": 1} for m in range(40)}})
    assert len(profile.paths) <= MAX_PATHS
    assert profile.full


def test_a_huge_or_endless_record_is_passed_over() -> None:
    profile = _learnt()
    huge = {"rows": {f"k{n}": {"v": n} for n in range(100_000)}}
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"d": deep}
    assert all(drift.path != "rows" for drift in _drifts(profile, huge, 5))
    profile._skip = 0
    profile.observe(deep)
    assert max(path.count(".") for path in profile.paths) < 10


def test_it_survives_being_written_down() -> None:
    profile = _learnt()
    again = ShapeProfile.from_json(orjson.loads(orjson.dumps(profile.to_json())), random.Random(5))
    assert again.to_json() == profile.to_json()
    assert _drifts(again, {**RECORD, "colour": "red"}) == [Drift("new", "colour", now="text")]
    assert _drifts(again, {**RECORD, "colour": "red"}) == []


def test_watching_costs_less_than_five_microseconds_a_record() -> None:
    record = {**RECORD, "labels": {f"label{n}": "x" for n in range(20)}}
    profile = _learnt(record)
    best = min(_cpu_per_record(profile, record) for _ in range(3))
    assert best < 5e-6, f"{best * 1e6:.1f} µs"


def _cpu_per_record(profile: ShapeProfile, record: dict[str, Any], times: int = 20_000) -> float:
    began = time.process_time()
    for _ in range(times):
        profile.observe(record)
    return (time.process_time() - began) / times


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=2), JSON, max_size=5), min_size=1, max_size=30))
def test_any_records_can_be_watched_and_written_down(records: list[dict[str, Any]]) -> None:
    profile = ShapeProfile(random.Random(1))
    for record in _rounds(records):
        for drift in profile.observe(record):
            assert drift.path
    assert ShapeProfile.from_json(orjson.loads(orjson.dumps(profile.to_json()))).to_json() == profile.to_json()


def _rounds(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for _ in range(2 * LEARN // len(records) + 1):
        yield from records
