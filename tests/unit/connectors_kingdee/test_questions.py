"""What Kingdee tells for a ticket."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Ask
from connectors.errors import BadRecord
from connectors.kingdee.sandbox import Sandbox
from tests.unit.connectors_kingdee.conftest import Clock, Connect, Line


@pytest.fixture
def ask(connect: Connect) -> Any:
    def asked(question: str, **inputs: Any) -> Any:
        answer = connect().lookup(Ask(question, inputs, 5))
        return None if answer is None else answer.values

    return asked


def day(clock: Clock, days: int) -> datetime:
    return clock.local().replace(hour=0, minute=0) + timedelta(days=days)


def order(sandbox: Sandbox, clock: Clock, number: str, due: int, *, arrived: int = 0, **more: Any) -> Any:
    days = day(clock, due - 14), day(clock, due)
    return sandbox.filler.purchase_order(
        number, "V-1", "A-1", Decimal(10), Decimal("2.5"), *days, arrived=Decimal(arrived), **more
    )


# -- purchase orders --------------------------------------------------------------------------------------------------


def test_open_orders_are_those_of_which_something_has_yet_to_arrive(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    order(sandbox, clock, "DONE", -30, arrived=10)
    order(sandbox, clock, "LATE", -1, arrived=4)
    order(sandbox, clock, "DUE", 5)
    told = ask("open_purchase_orders", item="A-1")
    assert [(o["order"], o["open"], o["late"]) for o in told["orders"]] == [("LATE", 6, True), ("DUE", 10, False)]
    assert (told["quantity"], told["lines"], told["late_lines"]) == (16, 2, 1)


def test_an_order_due_today_is_not_late(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    order(sandbox, clock, "TODAY", 0)
    assert ask("open_purchase_orders", item="A-1")["late_lines"] == 0


@pytest.mark.parametrize("ended", ["fmrpclosestatus", "fmrpterminatestatus"])
def test_a_line_that_was_closed_by_hand_is_open_no_more(ended: str, ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    order(sandbox, clock, "X", 5)["entries"][0][ended] = "B"
    assert ask("open_purchase_orders", item="A-1")["orders"] == []


def test_a_cancelled_order_is_open_no_more(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    order(sandbox, clock, "X", 5)["fcancelstatus"] = "B"
    assert ask("open_purchase_orders", item="A-1")["orders"] == []


def test_a_site_without_receiving_notes_counts_what_was_put_into_stock(
    ask: Any, sandbox: Sandbox, clock: Clock
) -> None:
    order(sandbox, clock, "X", 5)["entries"][0] |= {"freceiveqty": Decimal(0), "fstockinqty": Decimal(7)}
    assert ask("open_purchase_orders", item="A-1")["quantity"] == 3


# -- suppliers --------------------------------------------------------------------------------------------------------


def deliveries(sandbox: Sandbox, clock: Clock, late_by: list[int], *, notes: bool = True) -> None:
    for n, late in enumerate(late_by):
        made = order(sandbox, clock, f"PO-{n}", -10 - n, arrived=10)
        into = sandbox.filler.arrival if notes else sandbox.filler.receipt
        into(f"IN-{n}", made, day(clock, -10 - n + late))


@pytest.mark.parametrize("notes", [True, False], ids=["receiving notes", "stock receipts only"])
def test_a_delivery_is_in_time_on_the_day_promised_or_before(
    notes: bool, ask: Any, sandbox: Sandbox, clock: Clock
) -> None:
    deliveries(sandbox, clock, [0, -3, 1, 0], notes=notes)
    (supplier,) = ask("suppliers", item="A-1")["suppliers"]
    assert (supplier["deliveries"], supplier["on_time"], supplier["on_time_rate"]) == (4, 3, Decimal("0.7500"))
    assert (supplier["supplier"], supplier["name"], supplier["last_price"]) == ("V-1", "东海", Decimal("2.5"))


def test_the_rate_is_of_the_last_twenty(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    deliveries(sandbox, clock, [0] * 19 + [1] * 11)
    (supplier,) = ask("suppliers", item="A-1")["suppliers"]
    assert (supplier["deliveries"], supplier["on_time_rate"]) == (20, Decimal("0.9500"))


def test_a_supplier_that_never_delivered_has_no_rate(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    order(sandbox, clock, "PO", 5)
    (supplier,) = ask("suppliers", item="A-1")["suppliers"]
    assert (supplier["deliveries"], supplier["on_time_rate"]) == (0, None)


def test_the_usual_supplier_comes_first_even_when_it_was_never_asked(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.filler.supplier("V-2", "沪东")
    item = sandbox.state.numbered("BD_MATERIAL", "A-1")
    assert item is not None
    item["fdefaultvendor"] = sandbox.filler.ref("BD_Supplier", "V-2")
    order(sandbox, clock, "PO", 5)
    assert [(s["supplier"], s["usual"]) for s in ask("suppliers", item="A-1")["suppliers"]] == [
        ("V-2", True),
        ("V-1", False),
    ]


# -- bills of material ------------------------------------------------------------------------------------------------


def test_a_bill_of_material_is_told_upwards_and_downwards(ask: Any, sandbox: Sandbox) -> None:
    sandbox.filler.item("M-1", "整机")
    sandbox.filler.bom("M-1_V1.0", "M-1", [("A-1", Decimal(3), Decimal(2), "P1")])
    (part,) = ask("bom", item="M-1")["components"]
    assert (part["component"], part["quantity"], part["position"]) == ("A-1", Decimal("1.5"), "P1")
    assert [u["product"] for u in ask("bom", item="A-1")["used_in"]] == ["M-1"]


@pytest.mark.parametrize("change", [{"fdocumentstatus": "A"}, {"fforbidstatus": "B"}])
def test_a_bill_that_is_not_in_force_is_not_told(change: dict[str, str], ask: Any, sandbox: Sandbox) -> None:
    sandbox.filler.item("M-1", "整机")
    made = sandbox.filler.bom("M-1_V1.0", "M-1", [("A-1", Decimal(1), Decimal(1), "")])
    made |= change
    assert ask("bom", item="M-1")["components"] == []


def test_a_component_that_has_expired_is_not_told(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.filler.item("M-1", "整机")
    made = sandbox.filler.bom("M-1_V1.0", "M-1", [("A-1", Decimal(1), Decimal(1), "")])
    made["entries"][0]["fexpiredate"] = clock.local() - timedelta(days=1)
    assert ask("bom", item="M-1")["components"] == []


# -- customers --------------------------------------------------------------------------------------------------------


def sales(sandbox: Sandbox, clock: Clock, *days: int) -> None:
    for n in days:
        goods = [("A-1", Decimal(2), Decimal("10.5")), ("A-1", Decimal(1), Decimal(4))]
        sandbox.filler.sale(f"SO-{n}", "C-1", goods, day(clock, -n))


def test_a_customers_latest_orders_come_newest_first_with_their_lines(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    sales(sandbox, clock, *range(1, 15))
    told = ask("last_orders", customer="C-1")
    assert [o["order"] for o in told["orders"]] == [f"SO-{n}" for n in range(1, 11)]
    assert told["orders"][0]["amount"] == Decimal(25)
    assert len(told["orders"][0]["lines"]) == 2


def test_how_often_a_customer_buys_counts_orders_and_not_lines(ask: Any, sandbox: Sandbox, clock: Clock) -> None:
    sales(sandbox, clock, 5, 25, 65, 400)
    told = ask("purchase_frequency", customer="C-1")
    assert (told["orders_12_months"], told["orders_per_month"]) == (3, Decimal("0.25"))
    assert (told["mean_days_between"], told["days_since_last"]) == (Decimal("30.00"), 5)
    assert told["amount_12_months"] == Decimal(75)


def test_a_customer_with_very_many_orders_is_counted_to_the_end(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    sales(sandbox, clock, *range(1, 13))
    answer = connect(page_size=5).lookup(Ask("purchase_frequency", {"customer": "C-1"}, 5))
    assert answer is not None
    assert answer.values["orders_12_months"] == 12


def test_a_customer_who_never_bought_has_no_frequency(ask: Any) -> None:
    told = ask("purchase_frequency", customer="C-1")
    assert (told["orders_12_months"], told["mean_days_between"], told["days_since_last"]) == (0, None, None)


# -- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["NO-SUCH", "A-1' or FNumber like '%", "'", ""])
def test_a_number_is_a_text_and_never_part_of_the_filter(number: str, ask: Any) -> None:
    if number:
        assert ask("stock", item=number) is None
        return
    with pytest.raises(BadRecord, match="`item`"):
        ask("stock", item=number)


def test_an_answer_leads_into_kingdee(connect: Connect) -> None:
    answer = connect().lookup(Ask("stock", {"item": "A-1"}, 5))
    assert answer is not None
    assert answer.link == "https://erp.example.test/k3cloud/html5/index.aspx"
    assert answer.key == "STK_Inventory:A-1"


def test_a_question_asks_of_its_own_organisation_only(ask: Any, sandbox: Sandbox, line: Line) -> None:
    ask("open_purchase_orders", item="A-1")
    filters = [body["data"]["FilterString"] for body in line.bodies("ExecuteBillQuery")]
    assert all(".FNumber = '100'" in each for each in filters)
