"""Records by columns are records: whatever is read as a table is understood, compared and held as if it came one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import DELETED, Stream
from connectors.table import Table
from gateway.sync.columns import ByColumns
from gateway.sync.identity import Identifier
from gateway.sync.pages import Row
from gateway.sync.rows import Reader
from gateway.sync.sorting import Sorting
from gateway.sync.store import Held
from mappings import load_mapping

STREAM = Stream(name="stock", key=("a", "b"), schema_={})
STOCK = load_mapping("""
mapping: stock
from: {connector: x, stream: stock}
to: StockLevel
fields:
  item: {expr: a, on_error: dead_letter}
  warehouse: {expr: b, on_error: dead_letter}
  quantity: {expr: c, on_error: dead_letter}
  frozen: e == 1
  counted_at: d
tests:
  - in: {a: x, b: y, c: 1}
    out: {item: x}
""")
AT = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C", "D", 'E"\\\n', "", None]), st.sampled_from(["01", "02", "a/b"]),
        st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-99, max_value=99) | st.integers(0, 9) | st.none(),
        st.none() | AT, st.integers(0, 1),
    ),
    max_size=6,
)  # fmt: skip
NAMES = ("a", "b", "c", "d", "e")


class Low:
    """Looks at what is less than five."""

    fields = ("quantity",)

    def looks(self, values: Mapping[str, Any], key: str) -> bool:
        return values.get("quantity") is not None and values["quantity"] < 5

    def places(self, columns: Mapping[str, Sequence[Any]], keys: Sequence[str]) -> list[int]:
        names = tuple(columns)
        rows = zip(*columns.values(), strict=True)
        return [n for n, row in enumerate(rows) if self.looks(dict(zip(names, row, strict=True)), keys[n])]


def _sorting(by_columns: bool) -> Sorting:
    columns = ByColumns(STOCK) if by_columns else None
    return Sorting("x/stock", STOCK, Identifier("x", "StockLevel", {}), Low(), columns)


def _told(row: Row) -> tuple[Any, ...]:
    values = None if row.values is None else dict(row.values)
    return row.id, row.content, row.key, row.object, dict(row.raw), row.held, values, row.whole


def _outcome(found: Sorting) -> Any:
    found._unload()
    rows = sorted(map(_told, found.last.values()))
    bad = [(unusable.key, dict(unusable.record), unusable.fault) for unusable in found.bad]
    return rows, bad, found.counts, found.keys, found.before


def test_a_table_is_a_sequence_of_records() -> None:
    table = Table.of_rows(("a", "b"), [(1, "x"), (2, None)])
    assert list(table) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert (table[1], list(table[:1]), len(table)) == ({"a": 2, "b": None}, [{"a": 1, "b": "x"}], 2)
    assert table == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert list(table.replaced("b", ["y", "z"])) == [{"a": 1, "b": "y"}, {"a": 2, "b": "z"}]
    assert list(Table.of_rows(("a", "b"), [])) == []


@pytest.mark.parametrize(("names", "columns"), [(("a",), []), (("a", "a"), [[1], [2]]), (("a", "b"), [[1], [2, 3]])])
def test_columns_that_make_no_records_are_refused(names: tuple[str, ...], columns: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="one length"):
        Table(names, columns)


@given(pages=st.lists(ROWS, max_size=4), held=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=5))
@settings(max_examples=300, deadline=None)
def test_pages_by_columns_come_to_what_they_come_to_one_by_one(
    pages: list[list[tuple[Any, ...]]], held: list[tuple[int, bool]]
) -> None:
    reader = Reader("x/stock", STREAM, STOCK.version)
    alone = [reader.row(dict(zip(NAMES, row, strict=True))) for page in pages for row in page]
    known = {row.id: Held(row.content if same else 7, 1) for n, same in held if n < len(alone) for row in [alone[n]]}
    outcomes = []
    for by_columns in (True, False):
        found = _sorting(by_columns)
        for page in pages:
            table = Table.of_rows(NAMES, page)
            read = reader.page(table if by_columns else list(table))
            ids = set(read.ids)
            found.take(read, {i: h for i, h in known.items() if i in ids})
        outcomes.append(_outcome(found))
    assert outcomes[0] == outcomes[1]


def test_what_is_read_again_in_the_same_transaction_counts_as_what_each_reading_told() -> None:
    reader, found = Reader("x/stock", STREAM, STOCK.version), _sorting(True)
    for quantity in (Decimal(9), Decimal(9), Decimal(3)):
        found.take(reader.page(Table(NAMES, [["A"], ["01"], [quantity], [None], [0]])), {})
    (row,) = found.new
    assert (found.counts.added, found.counts.unchanged, found.counts.changed) == (1, 1, 1)
    assert row.raw["c"] == 3


def test_a_table_that_tells_of_deletions_is_gone_through_one_by_one() -> None:
    table = Table(("a", "b", DELETED), [["A", "B"], ["01", "01"], [True, False]])
    page = Reader("x/stock", STREAM, STOCK.version).page(table)
    assert (page.plain, [row.deleted for row in page.rows()]) == (None, [True, False])


def test_somebody_elses_write_is_compared_with_what_was_taken_by_columns() -> None:
    reader, found = Reader("x/stock", STREAM, STOCK.version), _sorting(True)
    page = reader.page(Table(NAMES, [["A", "B"], ["01", "01"], [Decimal(9), Decimal(8)], [None, None], [0, 0]]))
    first = reader.row(page.records[0])
    found.take(page, {})
    assert len(found.loads) == 1
    found.again({first.id: Held(first.content, 1)})
    assert (found.counts.added, found.counts.unchanged, found.loads) == (1, 1, [])
