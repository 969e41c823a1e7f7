"""Blocks: raw records of a bulk read, landed together, are drilled, verified and erased like any other source record."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from lineage import (
    Columns,
    Fact,
    Gone,
    How,
    NoOrigin,
    Standing,
    Verdict,
    Write,
    columns_of,
    drill,
    drill_row,
    erase,
    fetch,
    is_row,
    land_block,
    object_prefix,
    open_run,
    plan,
    raw_text,
    raw_texts,
    readers,
    record,
    tables,
    verify,
    versions,
)
from lineage.blocks import ROWS, place_of, row_id
from mappings import load_mapping
from tests.integration.lineage.conftest import NOW, TICKET, stored

STOCK = load_mapping("""
mapping: stock
from: {connector: u8, stream: stock}
to: StockLevel
fields:
  item: cInvCode
  warehouse: cWhCode
  quantity: iQuantity * 2
  counted_at: dDate
tests:
  - in: {cInvCode: BRG-6205, cWhCode: '01', iQuantity: 6}
    out: {quantity: 12}
""")
PURCHASE = load_mapping("""
mapping: purchase
from: {connector: hub, stream: StockLevel}
to: Ticket
fields:
  kind: "'spare_part_purchase'"
  priority: "'P2'"
  title: concat(item, ' left ', text(quantity), ' before ', text(previous.quantity))
tests:
  - in: {item: a, quantity: 1, previous: {quantity: 2}}
    out: {title: a left 1 before 2}
""")


class Row(NamedTuple):
    key: str
    object: bytes
    record: dict[str, Any] | None
    text: bytes
    columns: Columns | None = None


def row(record: dict[str, Any], key: str = "") -> Row:
    key = key or str(record.get("cInvCode"))
    return Row(key, object_prefix("u8/stock", key), record, raw_text(record))


def stock(number: int, quantity: str = "6.50") -> dict[str, Any]:
    return {"cInvCode": f"ART-{number}", "cWhCode": "01", "iQuantity": Decimal(quantity), "cBatch": None,
            "dDate": datetime(2026, 11, 22, number % 24, tzinfo=UTC), "bStop": number % 2 == 0}  # fmt: skip


def land_stock(conn: Connection, rows: list[Row], at: int = NOW) -> list[int]:
    run = open_run(conn, "u8.stock", at)
    return land_block(conn, "u8/stock", rows, plan(conn, [STOCK]), at, run=run.id, actor="sync:u8")


def test_every_row_of_several_blocks_comes_back_as_it_was(db: Engine) -> None:
    rows = [row(stock(n)) for n in range(ROWS * 2 + 5)]
    with db.begin() as conn:
        ids = land_stock(conn, rows)
    with db.connect() as conn:
        landed = fetch(conn, ids)
        assert conn.execute(select(tables.block.c.count).order_by(tables.block.c.id)).scalars().all() == [ROWS, ROWS, 5]
    assert [landed[i].record for i in ids] == [r.record for r in rows]
    assert [type(v) for v in landed[ids[0]].record.values()] == [type(v) for v in (rows[0].record or {}).values()]
    assert (landed[ids[7]].key, landed[ids[7]].dataset, landed[ids[7]].read_at) == ("ART-7", "u8/stock", NOW)


def test_a_field_drills_down_to_its_raw_value_by_the_blocks_plan(db: Engine) -> None:
    with db.begin() as conn:
        ids = land_stock(conn, [row(stock(n)) for n in range(10)])
    with db.connect() as conn:
        origin = drill_row(conn, ids[3], "quantity", stored=Decimal(13))
    assert (origin.value, origin.verdict, origin.how) == (Decimal("13.00"), Verdict.EQUAL, How.MAPPED)
    assert [(s.dataset, s.key, s.field, s.raw) for s in origin.sources] == [
        ("u8/stock", "ART-3", "iQuantity", Decimal("6.50"))
    ]
    assert origin.run is not None
    assert origin.run.job == "u8.stock"


def test_a_row_that_no_block_has_has_no_origin(db: Engine) -> None:
    with db.connect() as conn, pytest.raises(NoOrigin):
        drill_row(conn, row_id(99, 1), "quantity")


def test_a_tickets_title_leads_through_its_row_and_the_record_before_to_two_raw_values(db: Engine) -> None:
    with db.begin() as conn:
        (before,) = land_stock(conn, [row(stock(1, "40"))])
        (now,) = land_stock(conn, [row(stock(1, "3"))], NOW + 1)
        facts = {"previous.quantity": Fact(Decimal(80), "replica", landing=before, field="quantity")}
        made = plan(conn, (STOCK, PURCHASE))
        record(conn, [Write(TICKET, made, ("title", "kind"), (now,), facts, "rule:stock", NOW + 1)])
    with db.connect() as conn:
        origin = drill(conn, TICKET, "title", stored="ART-1 left 6 before 80")
        report = verify(conn, 0, stored({TICKET: {"title": "ART-1 left 6 before 80", "kind": "spare_part_purchase"}}))
        assert readers(conn, now) == (TICKET,)
    assert origin.verdict is Verdict.EQUAL
    assert {(s.field, s.raw) for s in origin.sources} == {("cInvCode", "ART-1"), ("iQuantity", Decimal(3))}
    derived = origin.facts[0].derived
    assert derived is not None
    assert [(s.field, s.raw) for s in derived.sources] == [("iQuantity", Decimal(40))]
    assert report.ok
    assert report.values == 2


def test_verification_covers_records_made_from_blocks(db: Engine) -> None:
    with db.begin() as conn:
        ids = land_stock(conn, [row(stock(n)) for n in range(ROWS + 3)])
    values = [STOCK.run(stock(n)).values for n in range(ROWS + 3)]
    values[5] = values[5] | {"quantity": Decimal(1)}
    with db.connect() as conn:
        report = verify(conn, 0, stored({}), standing=map(Standing, range(ROWS + 3), ids, values))
    assert (report.records, report.values) == (ROWS + 3, (ROWS + 3) * 4)
    assert [(d.rec, d.field, d.recomputed, d.stored) for d in report.differences] == [
        (5, "quantity", Decimal("13.00"), Decimal(1))
    ]


def test_a_damaged_block_is_named_and_harms_no_other(db: Engine) -> None:
    with db.begin() as conn:
        first, second = land_stock(conn, [row(stock(1))]), land_stock(conn, [row(stock(2))])
        conn.execute(tables.block.update().where(tables.block.c.id == place_of(first[0])[0]).values(payload=b"broken"))
    values = [STOCK.run(stock(n)).values for n in (1, 2)]
    with db.connect() as conn:
        report = verify(conn, 0, stored({}), standing=map(Standing, (1, 2), (*first, *second), values))
    assert [(m.rec, m.landing) for m in report.missing] == [(1, first[0])]
    assert not report.differences


def test_an_objects_versions_are_found_in_blocks_and_erased_there_alone(db: Engine) -> None:
    with db.begin() as conn:
        first = land_stock(conn, [row(stock(n)) for n in range(3)])
        second = land_stock(conn, [row(stock(n, "7")) for n in range(3)], NOW + 1)
        assert versions(conn, "u8/stock", "ART-1") == [first[1], second[1]]
        assert erase(conn, versions(conn, "u8/stock", "ART-1"), NOW + 2).rows == 2
    with db.connect() as conn:
        assert drill_row(conn, first[1], "quantity").verdict is Verdict.ERASED
        assert drill_row(conn, first[2], "quantity", stored=Decimal(13)).verdict is Verdict.EQUAL
        report = verify(conn, 0, stored({}), standing=[Standing(1, second[1], {"quantity": 1})])
    assert report.ok
    assert report.erased == 4


def test_one_field_of_a_row_can_be_erased_and_leaves_a_token(db: Engine) -> None:
    with db.begin() as conn:
        (landed,) = land_stock(conn, [row(stock(1))])
        erase(conn, [landed], NOW, fields=["cWhCode"], secret=b"s")
    with db.connect() as conn:
        assert drill_row(conn, landed, "quantity", stored=Decimal(13)).verdict is Verdict.EQUAL
        assert drill_row(conn, landed, "warehouse").verdict is Verdict.ERASED
        assert isinstance(fetch(conn, [landed])[landed].record["cWhCode"], Gone)


def test_landing_ids_of_rows_are_told_from_all_others() -> None:
    assert place_of(row_id(12_345_678, 511)) == (12_345_678, 511)
    assert is_row(row_id(1, 0))
    assert not is_row(17)
    assert not is_row(TICKET)


TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals()
    | st.text(max_size=8)
    | TIMES
    | st.dates()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
COLUMNS = st.lists(st.text(max_size=5), min_size=1, max_size=5, unique=True)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Decimal) and isinstance(b, Decimal) and (a.is_nan() or b.is_nan()):
        return str(a) == str(b)
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and a == b


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_record_may_hold_comes_back_unchanged(db: Engine, data: st.DataObject) -> None:
    names = data.draw(COLUMNS)
    kinds = data.draw(st.lists(st.sampled_from([SCALARS, VALUES, TIMES, st.dates(), st.decimals(allow_nan=False), st.none()]),
                               min_size=len(names), max_size=len(names)))  # fmt: skip
    records = [{n: data.draw(kind | st.none()) for n, kind in zip(names, kinds, strict=True)} for _ in range(3)]
    if data.draw(st.booleans()):
        records.append({"another": date(2026, 1, 1)})
    rows = [row(record, str(n)) for n, record in enumerate(records)]
    together = raw_texts(records)
    if together is not None:
        assert together.lines == [r.text for r in rows]
        assert together.columns == columns_of(records)
        rows = [r._replace(record=None, columns=together.columns) for r in rows]
    with db.begin() as conn:
        ids = land_block(conn, "u8/any", rows, None, NOW)
        landed = fetch(conn, ids)
    assert all(_same(landed[i].record, record) for i, record in zip(ids, records, strict=True)), records


def test_rows_of_several_shapes_may_share_a_block(db: Engine) -> None:
    first, second = [{"a": Decimal("1.50")}], [{"a": datetime(2026, 1, 1, tzinfo=UTC)}]
    rows = []
    for records in (first, second):
        together = raw_texts(records)
        assert together is not None
        rows.append(Row("k", b"12345678", None, together.lines[0], together.columns))
    with db.begin() as conn:
        landed = fetch(conn, ids := land_block(conn, "u8/any", rows, None, NOW))
    assert [landed[i].record for i in ids] == [*first, *second]
