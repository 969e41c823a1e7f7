"""The stock: what lies where, added up, against its limits; and what has run out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Ask
from connectors.kingdee.sandbox import Sandbox
from tests.unit.connectors_kingdee.conftest import Connect, Line, read, stream


def stock(connect: Connect, **settings: Any) -> dict[tuple[str, str, str], Any]:
    records, cursor = read(connect(**settings), "stock")
    assert cursor is None
    made = {(r["item"], r["warehouse"], r["batch"]): r for r in records}
    assert len(made) == len(records)
    return made


def test_rows_that_differ_only_in_state_are_one_record(connect: Connect, sandbox: Sandbox) -> None:
    fill = sandbox.filler
    fill.stock("A-1", "01", Decimal("5.5"))
    fill.stock("A-1", "01", Decimal(2), state="KCZT03_SYS")
    fill.stock("A-1", "01", Decimal(40), state="KCZT05_SYS")
    told = stock(connect)[("A-1", "01", "")]
    assert (told["quantity"], told["available"], told["in_transit"]) == (Decimal("7.5"), Decimal("5.5"), Decimal(40))
    assert (told["item_total"], told["safety_stock"], told["unit"]) == (Decimal("7.5"), Decimal(20), "个")


def test_batches_and_warehouses_are_told_apart_and_the_articles_total_with_each(
    connect: Connect, sandbox: Sandbox
) -> None:
    fill = sandbox.filler
    fill.stock("A-1", "01", Decimal(3), lot="L1")
    fill.stock("A-1", "01", Decimal(4), lot="L2")
    fill.stock("A-1", "02", Decimal(6))
    made = stock(connect)
    assert {k[1:]: r["quantity"] for k, r in made.items()} == {("01", "L1"): 3, ("01", "L2"): 4, ("02", ""): 6}
    assert {r["item_total"] for r in made.values()} == {Decimal(13)}


def test_an_article_with_a_limit_and_nothing_left_is_told_as_zero(connect: Connect, sandbox: Sandbox) -> None:
    usual = sandbox.filler.ref("BD_STOCK", "02")
    sandbox.filler.item("B-1", "密封", FMinStock=Decimal(4), FIsEnableMinStock=True, FStockId=usual)
    sandbox.filler.item("C-1", "无限额")
    made = stock(connect)
    assert sorted(made) == [("A-1", "-", ""), ("B-1", "02", "")]
    told = made[("B-1", "02", "")]
    assert (told["quantity"], told["low_stock"], told["item_total"]) == (0, Decimal(4), 0)


def test_what_comes_in_while_the_stock_is_read_is_not_told_as_run_out(
    connect: Connect, sandbox: Sandbox, line: Line
) -> None:
    sandbox.filler.item("B-1", "密封", FMinStock=Decimal(4), FIsEnableMinStock=True)
    sandbox.filler.stock("A-1", "01", Decimal(1))

    def before(service: str, body: dict[str, Any]) -> None:
        if "FIsEnableMinStock = '1'" in body["data"]["FilterString"]:  # the stock itself has been read by now
            line.before = lambda service, body: None
            sandbox.filler.stock("B-1", "01", Decimal(9))

    line.before = before
    assert stock(connect)[("B-1", "01", "")]["quantity"] == Decimal(9)


def test_a_limit_that_is_switched_off_does_not_count(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.filler.item("B-1", "密封", FSafeStock=Decimal(5), FMaxStock=Decimal(9), FIsEnableMaxStock=True)
    sandbox.filler.stock("B-1", "01", Decimal(1))
    told = stock(connect)[("B-1", "01", "")]
    assert (told["safety_stock"], told["top_stock"]) == (None, Decimal(9))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 2000])
def test_an_article_is_whole_whatever_the_size_of_a_page(size: int, connect: Connect, sandbox: Sandbox) -> None:
    for n in range(5):
        sandbox.filler.item(f"P-{n}", f"件 {n}")
        for lot in range(n):
            sandbox.filler.stock(f"P-{n}", "01", Decimal(lot + 1), lot=f"L{lot}")
    made = stock(connect, page_size=size)
    assert sum(r["quantity"] for r in made.values()) == sum(sum(range(1, n + 1)) for n in range(5))
    assert {r["item_total"] for k, r in made.items() if k[0] == "P-4"} == {Decimal(10)}


def test_an_article_taken_out_between_two_pages_hides_no_other(connect: Connect, sandbox: Sandbox, line: Line) -> None:
    for n in range(12):
        sandbox.filler.item(f"P-{n:02d}", f"件 {n}")
        sandbox.filler.stock(f"P-{n:02d}", "01", Decimal(1))
    pages = 0

    def before(service: str, body: dict[str, Any]) -> None:
        nonlocal pages
        pages += body["data"]["FormId"] == "STK_Inventory"
        if pages == 2:
            pages += 1
            sandbox.set_stock("P-00", "01", Decimal(0))

    line.before = before
    made = stock(connect, page_size=4)
    assert {f"P-{n:02d}" for n in range(1, 12)} <= {k[0] for k in made}


def test_half_an_article_is_not_given_out_as_the_whole(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.filler.stock("A-1", "01", Decimal(3))
    sandbox.filler.stock("A-1", "02", "abc")
    sandbox.filler.item("B-1", "密封")
    sandbox.filler.stock("B-1", "01", Decimal(1))
    connector = connect()
    batches = list(connector.read(stream(connector, "stock"), None))
    assert [r["item"] for b in batches for r in b.records] == ["B-1"]
    assert ["abc" in str(bad) for b in batches for bad in b.bad] == [True]


def test_a_site_without_batches_or_states_is_read_too(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.filler.stock("A-1", "01", Decimal(3))
    for key in ("flot", "fstockstatusid", "fexpirydate"):
        del sandbox.state.form("STK_Inventory").head[key]
    told = stock(connect)[("A-1", "01", "")]
    assert (told["quantity"], told["available"]) == (Decimal(3), Decimal(3))


def test_the_question_about_stock_says_how_much_is_short(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.filler.stock("A-1", "01", Decimal(12))
    sandbox.filler.stock("A-1", "02", Decimal(3))
    answer = connect().lookup(Ask("stock", {"item": "A-1"}, 5))
    assert answer is not None
    assert (answer.values["quantity"], answer.values["short_by"]) == (Decimal(15), Decimal(5))
    assert [(w["warehouse"], w["quantity"]) for w in answer.values["warehouses"]] == [("01", 12), ("02", 3)]


def test_an_article_that_has_run_out_is_short_of_all_of_it(connect: Connect) -> None:
    answer = connect().lookup(Ask("stock", {"item": "A-1"}, 5))
    assert answer is not None
    assert (answer.values["quantity"], answer.values["short_by"], answer.values["below_safety"]) == (0, 20, True)
