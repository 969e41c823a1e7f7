"""What a tap says, taken as the Singer specification means it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import ConfigProblem, Transient
from tests.unit.connectors_singer.conftest import TapMaker, stored


def test_a_state_speaks_for_the_records_before_it_and_for_no_others(tap: TapMaker) -> None:
    tap.says("schema(); record(id=1); record(id=2); state(at=2); record(id=3)")
    assert [([r["id"] for r in b.records], b.cursor) for b in tap.batches()] == [
        ([1, 2], {"state": {"at": 2}, "version": None}),
        ([3], None),
    ]


def test_the_last_of_several_states_counts(tap: TapMaker) -> None:
    tap.says("schema(); record(id=1); state(at=1); record(id=2); state(at=2)")
    [batch] = tap.batches()
    assert batch.cursor == {"state": {"at": 2}, "version": None}


def test_a_large_page_is_handed_on_at_its_state(tap: TapMaker) -> None:
    tap.config["batch_rows"] = 2
    tap.says("schema()\nfor n in range(6):\n    record(id=n)\n    if n % 3 == 2: state(at=n)")
    assert [len(batch.records) for batch in tap.batches()] == [3, 3]


def test_a_tap_that_says_no_state_for_long_gives_batches_without_a_cursor(tap: TapMaker) -> None:
    tap.says("schema()\nfor n in range(4100): record(id=n)\nstate(at=4100)")
    assert [(len(batch.records), batch.cursor is None) for batch in tap.batches()] == [
        (2000, True), (2000, True), (100, False),
    ]  # fmt: skip


def test_the_tap_gets_its_state_back_as_it_was(tap: TapMaker) -> None:
    tap.says("schema(); record(id=1); state(bookmarks={'orders': {'x': [1, {'y': None}]}}, seen=option('--state'))")
    [first] = tap.batches()
    [second] = tap.batches(stored(first.cursor))
    assert first.cursor["state"]["seen"] is None  # type: ignore[call-overload,index]
    assert second.cursor["state"]["seen"] == first.cursor["state"]  # type: ignore[call-overload,index]


def test_a_cursor_of_something_else_is_refused(tap: TapMaker) -> None:
    tap.says("schema()")
    others: tuple[Any, ...] = ("x", [1], {"done": {}})
    for cursor in others:
        with pytest.raises(ConfigProblem, match="no cursor"):
            list(tap.batches(cursor))


def test_numbers_keep_every_digit(tap: TapMaker) -> None:
    tap.says("""
        properties = {**PROPERTIES, "money": {"type": ["string", "null"], "format": "singer.decimal"}}
        schema(properties=properties)
        say('{"type":"RECORD","stream":"orders","record":{"id":1,"qty":0.10,"money":"12345678901234567890.1234"}}')
        say('{"type":"RECORD","stream":"orders","record":{"id":2,"qty":98765432109876543210.123456789,"money":null}}')
    """)
    first, second = tap.rows()
    assert str(first["qty"]) == "0.10"
    assert first["money"] == Decimal("12345678901234567890.1234")
    assert second["qty"] == Decimal("98765432109876543210.123456789")


def test_times_have_a_zone_whether_they_came_with_one_or_not(tap: TapMaker) -> None:
    tap.config["zone"] = "Asia/Shanghai"
    tap.says("schema(); record(id=1, at='2026-11-22T08:00:00Z'); record(id=2, at='2026-11-22 08:00:00')")
    assert [row["at"] for row in tap.rows()] == [
        datetime(2026, 11, 22, 8, tzinfo=UTC),
        datetime(2026, 11, 22, 0, tzinfo=UTC),
    ]


def test_a_declared_type_goes_before_the_taps_own(tap: TapMaker) -> None:
    tap.stream["fields"] = {"id": "text"}
    tap.says("schema(); record(id=7)")
    assert tap.rows()[0]["id"] == "7"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("record(id=1, qty='many')", "qty: 'many' is no number"),
        ("record(id=None)", "id is missing"),
        ("say('Traceback (most recent call last):')", "not JSON"),
        ("say('[1]')", "no message of a tap"),
        ("""say('{"type":"RECORD","stream":"orders","record":{"id":1,"qty":NaN}}')""", "NaN is no JSON number"),
        ("""say('{"type":"RECORD","stream":"orders","record":7}')""", "expected an object"),
    ],
)
def test_what_cannot_be_used_takes_only_itself(tap: TapMaker, line: str, told: str) -> None:
    tap.says(f"schema(); {line}; record(id=2)")
    assert [row["id"] for row in tap.rows()] == [2]
    [bad] = [bad for batch in tap.batches() for bad in batch.bad]
    assert told in str(bad)
    assert bad.record is not None


def test_a_record_before_its_schema_is_unusable(tap: TapMaker) -> None:
    tap.says("record(id=1); schema(); record(id=2)")
    assert tap.bad() == ["a record came before the stream's schema"]


def test_records_of_a_parent_stream_are_not_taken(tap: TapMaker) -> None:
    tap.says("schema('customers'); record('customers', id=9); schema(); record(id=1)")
    assert [row["id"] for row in tap.rows()] == [1]


def test_a_line_over_the_bound_is_one_bad_record(tap: TapMaker) -> None:
    tap.config["max_line_bytes"] = 2000
    tap.says("schema(); record(id=1, note='x' * 500_000); record(id=2)")
    assert [row["id"] for row in tap.rows()] == [2]
    assert len(tap.bad()) == 1
    assert "2,000 are allowed (max_line_bytes)" in tap.bad()[0]


def test_a_message_cut_off_is_unusable(tap: TapMaker) -> None:
    tap.says("""schema(); sys.stdout.write('{"type":"RECORD","stream":"ord'); sys.stdout.flush()""")
    assert [bad.split(":")[0] for bad in tap.bad()] == ["not JSON"]


def test_a_record_that_was_deleted_is_a_tombstone(tap: TapMaker) -> None:
    tap.stream["deleted_field"] = "_sdc_deleted_at"
    tap.says("schema(); record(id=1, _sdc_deleted_at='2026-11-22T08:00:00Z'); record(id=2, _sdc_deleted_at=None)")
    assert tap.rows()[0] == {"id": 1, "_deleted": True}
    assert tap.connector().streams()[0].deletes == "tombstone"


def test_batch_files_are_refused_with_the_setting_to_change(tap: TapMaker) -> None:
    tap.says("""schema(); say({"type": "BATCH", "stream": "orders", "manifest": ["file:///etc/passwd"]})""")
    with pytest.raises(ConfigProblem, match="BATCH") as refusal:
        list(tap.batches())
    assert "batch_config" in refusal.value.hint


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("schema(key=('id', 'line'))", "the tap's key of this stream is id, line"),
        ("schema(key=(), properties={'no': {'type': 'integer'}})", "has no field 'id', which is in the key"),
        ("""say({"type": "SCHEMA", "stream": "orders", "schema": {}})""", "has no properties"),
    ],
)
def test_a_schema_that_does_not_fit_the_stream_stops_the_run(tap: TapMaker, script: str, told: str) -> None:
    tap.says(script)
    with pytest.raises(ConfigProblem, match=told):
        list(tap.batches())


# -- versions of a table ----------------------------------------------------------------------------------------------


def activated(version: int) -> str:
    return f"""say({{"type": "ACTIVATE_VERSION", "stream": "orders", "version": {version}}})"""


def test_a_full_table_is_a_snapshot_without_a_cursor(tap: TapMaker) -> None:
    tap.stream["replication"] = "full_table"
    tap.says(f"schema(); {activated(7)}; record(id=1, version=7); state(x=1); record(id=2, version=7); {activated(7)}")
    batches = list(tap.batches())
    assert [row["id"] for batch in batches for row in batch.records] == [1, 2]
    assert all(batch.cursor is None for batch in batches)
    assert tap.connector().streams()[0].deletes == "absence"


def test_a_table_begun_anew_in_the_middle_fails_the_run(tap: TapMaker) -> None:
    """Rows of the first version would else never be taken for deleted."""
    tap.stream["replication"] = "full_table"
    tap.says(f"schema(); record(id=1, version=7); record(id=2, version=8); {activated(8)}")
    with pytest.raises(Transient, match="began its table anew"):
        list(tap.batches())


def test_a_replaced_table_is_told_once_where_deletions_cannot_show(tap: TapMaker) -> None:
    tap.says(f"schema(); record(id=1, version=7); {activated(7)}; state(x=1)")
    cursor: Any = stored(next(iter(tap.batches())).cursor)
    assert tap.bad(cursor) == []
    tap.says(f"schema(); record(id=1, version=8); {activated(8)}; state(x=2)")
    assert "replaced the whole table" in tap.bad(cursor)[0]
    later = stored(next(iter(tap.batches(cursor))).cursor)
    assert tap.bad(later) == []


def test_fields_that_were_not_chosen_are_dropped_also_of_a_tap_that_sends_them(tap: TapMaker) -> None:
    tap.stream["select"] = ["qty"]
    tap.says("schema(); record(id=1, qty=2, at='2026-11-22T08:00:00Z')")
    assert tap.rows() == [{"id": 1, "qty": 2}]
