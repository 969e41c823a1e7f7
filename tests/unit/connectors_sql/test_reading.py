"""Pages: nothing lost and nothing twice over, whatever happens between them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import BadRecord, ConfigProblem
from connectors.manifest import Field
from connectors.sql.client import Line
from connectors.sql.values import decode, earlier, encode, plain
from tests.unit.connectors_sql.conftest import Plant, cursor_of

T = ["2026-06-01T08:00:00+00:00", "2026-06-01T09:00:00+00:00", "2026-06-01T10:00:00+00:00"]


def test_rows_of_the_same_moment_over_a_page_are_all_read(plant: Plant) -> None:
    plant.orders(*[(f"A{n}", T[0]) for n in range(10)])
    assert plant.ids() == [f"A{n}" for n in range(10)]


def test_a_run_goes_on_behind_its_last_page(plant: Plant) -> None:
    plant.orders(*[(f"A{n}", T[0]) for n in range(10)])
    pages = plant.batches()
    first = cursor_of(iter([next(pages)]))
    pages.close()  # type: ignore[attr-defined]
    assert plant.ids(first) == [f"A{n}" for n in range(3, 10)]


def test_rows_that_go_between_two_pages_push_no_other_out(plant: Plant) -> None:
    plant.orders(*[(f"A{n}", T[0]) for n in range(9)])
    pages = plant.batches()
    seen = [record["id"] for record in next(pages).records]
    plant.store.run("DELETE FROM orders WHERE id IN ('A0', 'A1')")
    plant.orders(("A2b", T[0]))
    seen += [record["id"] for batch in pages for record in batch.records]
    assert seen == ["A0", "A1", "A2", "A2b", "A3", "A4", "A5", "A6", "A7", "A8"]


def test_a_row_changed_between_two_pages_comes_again(plant: Plant) -> None:
    plant.orders(*[(f"A{n}", T[0]) for n in range(6)])
    pages = plant.batches()
    next(pages)
    plant.store.run("UPDATE orders SET at = ? WHERE id = 'A0'", (T[1],))
    assert [record["id"] for batch in pages for record in batch.records] == ["A3", "A4", "A5", "A0"]


def test_lookback_reads_again_and_the_cursor_never_goes_back(plant: Plant) -> None:
    plant.stream(lookback="90m")
    plant.orders(("A", T[0]), ("B", T[1]), ("C", T[2]))
    cursor: Any = cursor_of(plant.batches())
    batches = list(plant.batches(cursor))
    assert [record["id"] for batch in batches for record in batch.records] == ["B", "C"]
    assert batches[0].cursor["at"] >= cursor["at"]  # type: ignore[call-overload,index]


def test_rows_without_a_cursor_value_come_with_every_run_or_never(plant: Plant) -> None:
    plant.orders(("A", T[0]), *[(f"N{n}", None) for n in range(5)])
    cursor = cursor_of(plant.batches())
    assert plant.ids(cursor) == [f"N{n}" for n in range(5)]
    plant.stream(null_cursor="skip")
    assert plant.ids(cursor) == []


def test_rows_without_a_key_are_dead_letters(plant: Plant) -> None:
    plant.orders(("A", T[0]), (None, T[1]))
    assert plant.ids() == ["A"]
    assert plant.bad() == ["id is missing, and it is part of the record's key"]


def test_a_value_that_is_none_takes_only_its_row(plant: Plant) -> None:
    plant.stream(fields={"at": "datetime", "qty": "number"})
    plant.store.run("CREATE TABLE orders (id, at, qty)")
    for row in (("A", T[0], 1e999), ("B", T[0], "many"), ("C", T[0], 0.1)):
        plant.store.run("INSERT INTO orders VALUES (?, ?, ?)", row)
    batches = list(plant.batches())
    assert [dict(record)["qty"] for batch in batches for record in batch.records] == [Decimal("0.1")]
    assert [str(bad) for batch in batches for bad in batch.bad] == ["qty: inf is no number", "qty: 'many' is no number"]
    assert batches[0].bad[0].record["id"] == "A"


def test_columns_are_found_whatever_their_case(plant: Plant) -> None:
    plant.store.run('CREATE TABLE orders (ID, "At")')
    plant.orders(("A", T[0]))
    [batch] = plant.batches()
    assert dict(batch.records[0]) == {"id": "A", "at": datetime(2026, 6, 1, 8, tzinfo=UTC)}


def test_columns_with_odd_names_are_quoted(plant: Plant) -> None:
    plant.section = {"streams": {"stock": {"table": '"my stock"', "key": ["存货 编码"], "page_rows": 1}}}
    plant.store.run('CREATE TABLE "my stock" ("存货 编码", "数量")')
    plant.store.run("INSERT INTO \"my stock\" VALUES ('A', 1), ('B', 2)")
    assert [dict(r) for batch in plant.batches() for r in batch.records] == [
        {"存货 编码": "A", "数量": 1}, {"存货 编码": "B", "数量": 2},
    ]  # fmt: skip


def test_a_select_is_paged_like_a_table(plant: Plant) -> None:
    plant.orders(*[(f"A{n}", T[n % 3]) for n in range(7)])
    plant.stream(table="", select="SELECT o.id, o.at FROM orders o WHERE o.id <> 'A3' -- but one")
    assert sorted(plant.ids()) == ["A0", "A1", "A2", "A4", "A5", "A6"]


def test_a_snapshot_has_no_cursor_and_is_paged_by_key(plant: Plant) -> None:
    plant.section = {"streams": {"orders": {"table": "orders", "key": "id", "page_rows": 2, "absent_is_deleted": True}}}
    plant.orders(*[(f"A{n}", T[0]) for n in range(5)])
    batches = list(plant.batches())
    assert [len(batch.records) for batch in batches] == [2, 2, 1]
    assert all(batch.cursor is None for batch in batches)


def test_a_cursor_that_the_driver_gives_less_exactly_ends_the_run_instead_of_going_on_for_ever(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Line.rows

    def cut(self: Line, *given: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
        columns, found = rows(self, *given)
        return columns, [(row[0], row[1][:19]) for row in found]

    monkeypatch.setattr(Line, "rows", cut)
    plant.stream(page_rows=1, fields={"at": "text"})
    plant.orders(("A", "2026-06-01 08:00:00.5000001"), ("B", "2026-06-01 08:00:01"))
    with pytest.raises(ConfigProblem, match="do not come in order"):
        plant.ids()


def test_a_missing_column_is_told_with_those_there_are(plant: Plant) -> None:
    plant.stream(key="order_no")
    plant.orders(("A", T[0]))
    with pytest.raises(ConfigProblem):
        plant.ids()
    with pytest.raises(ConfigProblem, match="there is no column 'order_no'") as refusal:
        plant.connector().check()
    assert refusal.value.hint == "there are: id, at"


def test_a_missing_table_is_told(plant: Plant) -> None:
    with pytest.raises(ConfigProblem, match=r"stream orders: .*no such table: orders"):
        plant.connector().check()


@pytest.mark.parametrize(
    "cursor", ["x", {"at": 1}, {"at": {"datetime": "never"}, "key": []}, {"at": {"a": 1}, "key": [1]}]
)
def test_a_cursor_of_something_else_is_refused(plant: Plant, cursor: Any) -> None:
    plant.orders()
    with pytest.raises(ConfigProblem, match="no cursor"):
        plant.ids(cursor)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=40, unique_by=lambda row: row[0]),
    page=st.integers(1, 6),
    stop=st.integers(1, 4),
)
def test_whatever_the_rows_and_wherever_it_is_cut_every_row_is_read(
    plant: Plant, rows: list[tuple[int, int]], page: int, stop: int
) -> None:
    plant.store.run("DROP TABLE IF EXISTS orders")
    plant.orders(*[(key, T[at] if at < 3 else None) for key, at in rows])
    plant.stream(page_rows=page, fields={"id": "int", "at": "datetime"})
    seen: set[int] = set()
    cursor = None
    for _ in range(100):
        batches = []
        pages = plant.batches(cursor)
        for batch in pages:
            seen |= {record["id"] for record in batch.records}
            batches.append(batch)
            if len(batches) == stop and batch.cursor is not None:
                break
        else:
            break
        pages.close()  # type: ignore[attr-defined]
        cursor = cursor_of(iter(batches))
    assert seen == {key for key, _ in rows}


# -- values -----------------------------------------------------------------------------------------------------------


def test_values_of_every_kind_become_json_like() -> None:
    from zoneinfo import ZoneInfo

    shanghai = ZoneInfo("Asia/Shanghai")
    naive = datetime(2026, 11, 22, 8)  # noqa: DTZ001 - as databases give it
    raw = [naive, date(2026, 11, 22), timedelta(hours=1.5), b"\x01\xff", UUID(int=1), {"a": [0.1, None]}, 0.1, True]
    assert [plain(value, shanghai) for value in raw] == [
        datetime(2026, 11, 22, tzinfo=UTC), "2026-11-22", Decimal(5400), "01ff",
        "00000000-0000-0000-0000-000000000001", {"a": [Decimal("0.1"), None]}, Decimal("0.1"), True,
    ]  # fmt: skip


@pytest.mark.parametrize("value", [float("nan"), Decimal("Infinity"), object(), [float("inf")]])
def test_what_is_no_value_of_a_record_is_refused(value: Any) -> None:
    from zoneinfo import ZoneInfo

    with pytest.raises(BadRecord):
        plain(value, ZoneInfo("UTC"))


_RAW = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=20), st.decimals(allow_nan=False),
    st.datetimes(), st.datetimes(timezones=st.just(UTC)), st.dates(), st.binary(max_size=8), st.uuids(),
)  # fmt: skip


@given(_RAW)
def test_a_cursor_value_is_bound_again_as_it_came(value: Any) -> None:
    again = decode(orjson.loads(orjson.dumps(encode(value))))
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize(
    ("value", "format", "expected"),
    [
        ("2026-06-01 08:00:00", "iso", "2026-06-01 07:50:00"),
        ("2026-06-01T08:00:00.123456+08:00", "iso", "2026-06-01T07:50:00.123456+08:00"),
        ("2026-06-01T00:05:00Z", "iso", "2026-05-31T23:55:00Z"),
        ("2026-06-01", "iso", "2026-05-31"),
        ("20260601080000", "%Y%m%d%H%M%S", "20260601075000"),
        (1_780_300_800, "unix", 1_780_300_200),
        (1_780_300_800_000, "unix_ms", 1_780_300_200_000),
        (datetime(2026, 6, 1, 8, tzinfo=UTC), "iso", datetime(2026, 6, 1, 7, 50, tzinfo=UTC)),
    ],
)
def test_looking_back_keeps_the_form_the_database_has(value: Any, format: str, expected: Any) -> None:
    assert earlier(value, timedelta(minutes=10), Field(type="datetime", format=format)) == expected


def test_what_is_no_time_cannot_be_looked_back_from() -> None:
    for value in ("soon", b"\x00\x01"):
        with pytest.raises(ConfigProblem):
            earlier(value, timedelta(minutes=10), Field(type="datetime"))
