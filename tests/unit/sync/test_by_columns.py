"""A mapping run by columns gives exactly what the mapping itself gives, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from gateway.sync.columns import ByColumns
from gateway.sync.values import dumped, dumped_together, loaded
from mappings import load_mapping

STOCK = load_mapping("""
mapping: stock
from: {connector: x, stream: stock}
to: StockLevel
fields:
  item: a
  warehouse: {expr: b, on_error: dead_letter}
  batch: c
  quantity: {expr: d, on_error: dead_letter}
  available: e
  safety_stock: num(e) * 2
  unit: {expr: f, on_error: {default: pcs}}
  frozen: g
  counted_at: h
tests:
  - in: {a: x, b: y, d: 1}
    out: {item: x}
""")
ODD = load_mapping(STOCK.text.replace("fields:", "where: a != 'no'\nfields:"), "odd")
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30) | st.decimals()
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8))])
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "a": st.text(max_size=4) | st.integers(0, 3), "b": st.sampled_from(["01", "02"]), "c": st.none() | st.text(max_size=3),
    "d": NUMBERS | st.integers(0, 9), "e": st.none() | NUMBERS, "f": st.none() | st.text(max_size=2),
    "g": st.booleans() | st.none(), "h": st.none() | st.datetimes(timezones=ZONES),
}  # fmt: skip
RECORDS = st.lists(st.fixed_dictionaries(COLUMNS), min_size=1, max_size=4)


@given(records=RECORDS)
@settings(max_examples=300, deadline=None)
def test_the_outcome_is_the_mappings_own(records: list[dict[str, Any]]) -> None:
    together = lineage.raw_texts(records)
    made = ByColumns(STOCK).run(records, together.parts) if together is not None else None
    if made is None:
        return
    own = [STOCK.run(record) for record in records]
    assert all(result.dead is None for result in own)
    assert [dict(zip(made, row, strict=True)) for row in zip(*[c.values for c in made.values()], strict=True)] == [
        result.values for result in own
    ]
    texts = lineage.joined(made)
    if texts is not None:
        assert texts == [dumped("StockLevel", result.values) for result in own]


def test_plain_pages_are_taken_by_columns_page_after_page() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    page = [
        {"a": f"A{n}", "b": "01", "c": None, "d": Decimal(n), "e": None, "f": "个", "g": False, "h": at}
        for n in range(3)
    ]
    by_columns = ByColumns(STOCK)
    for _ in range(2):
        together = lineage.raw_texts(page)
        assert together is not None
        assert by_columns.run(page, together.parts) is not None


def test_a_column_of_another_kind_is_computed_from_then_on() -> None:
    page = [{"a": "A", "b": "01", "c": None, "d": 5, "e": None, "f": 7, "g": None, "h": None}]
    together = lineage.raw_texts(page)
    assert together is not None
    made = ByColumns(STOCK).run(page, together.parts)
    assert made is not None
    assert (made["quantity"].values, made["unit"].values) == ([Decimal(5)], ["7"])


def test_a_mapping_that_chooses_its_records_is_asked_itself() -> None:
    assert not ByColumns(ODD).possible
    assert ByColumns(STOCK).possible


@given(records=RECORDS)
@settings(max_examples=150, deadline=None)
def test_what_is_held_is_read_back_as_the_mapping_gave_it(records: list[dict[str, Any]]) -> None:
    values = [made.values for record in records if (made := STOCK.run(record)).dead is None]
    together = dumped_together("StockLevel", values) if values else []
    for n, each in enumerate(values):
        text = dumped("StockLevel", each)
        assert together is None or together[n] == text
        assert loaded("StockLevel", text.decode()) == {k: v for k, v in each.items() if v is not None}


@given(records=RECORDS, times=st.integers(2, 5))
@settings(max_examples=100, deadline=None)
def test_what_records_share_is_computed_as_for_each_of_them(records: list[dict[str, Any]], times: int) -> None:
    test_the_outcome_is_the_mappings_own.hypothesis.inner_test(records * times)  # type: ignore[attr-defined]
