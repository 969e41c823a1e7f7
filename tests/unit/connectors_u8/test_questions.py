"""What U8 tells for a ticket's context."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.conformance import Break, Faults
from connectors.contract import Ask
from connectors.errors import BadRecord, Transient
from connectors.example_company import SUPPLIERS
from connectors.u8.about_items import MAX_LEVELS
from connectors.u8.sandbox import Sandbox
from connectors.u8.sandbox_data import SUBSTITUTE
from tests.unit.connectors_u8.conftest import Make


def told(make: Make, question: str, code: str, **changes: Any) -> dict[str, Any]:
    about = "customer" if question in ("purchase_frequency", "last_orders") else "item"
    answer = make(**changes).lookup(Ask(question, {about: code}, 5))
    assert answer is not None
    return dict(answer.values)


def test_stock_by_warehouse_and_what_is_short(make: Make, sandbox: Sandbox) -> None:
    sandbox.set_stock("BRG-6205", "3", warehouse="02")
    values = told(make, "stock", "BRG-6205")
    assert values["warehouses"] == [
        {"warehouse": "01", "name": "备件库", "quantity": Decimal(12), "available": Decimal(12)},
        {"warehouse": "02", "name": "原料库", "quantity": Decimal(3), "available": Decimal(3)},
    ]
    assert (values["quantity"], values["short_by"], values["unit"]) == (Decimal(15), Decimal(5), "个")


def test_an_item_that_lies_nowhere_has_a_stock_of_nothing(make: Make) -> None:
    values = told(make, "stock", "YZ-400")
    assert (values["quantity"], values["warehouses"], values["below_safety"]) == (Decimal(0), [], False)


def test_where_a_part_is_used_and_what_may_replace_it(make: Make) -> None:
    values = told(make, "bom", "BRG-6205")
    assert values["used_in"] == [{"product": "YZ-400", "name": "7 号冲压机", "quantity": Decimal(2), "level": 1}]
    assert values["substitutes"] == [
        {"item": SUBSTITUTE, "name": "深沟球轴承", "factor": Decimal(1), "product": "YZ-400"}
    ]
    assert told(make, "bom", SUBSTITUTE)["substitute_for"][0]["item"] == "BRG-6205"


def test_what_a_product_is_made_of(make: Make) -> None:
    assert told(make, "bom", "YZ-400")["components"] == [
        {"component": "BRG-6205", "name": "深沟球轴承", "quantity": Decimal(2)},
        {"component": "OIL-46", "name": "抗磨液压油", "quantity": Decimal("0.5")},
    ]


def put_into(sandbox: Sandbox, part: str, product: str, quantity: str = "1", scrap: str = "0") -> None:
    """The product's audited bill of material gets this part."""
    run = sandbox.data.run
    number = int(run("SELECT MAX(BomId) + 1 FROM bom_bom")[0][0])
    for code in (part, product):
        if not run("SELECT 1 FROM bas_part WHERE InvCode = ?", (code,)):
            run("INSERT INTO bas_part (PartId, InvCode) SELECT MAX(PartId) + 1, ? FROM bas_part", (code,))
    run("INSERT INTO bom_bom (BomId, Status) VALUES (?, 3)", (number,))
    run("INSERT INTO bom_parent SELECT PartId, ? FROM bas_part WHERE InvCode = ?", (number, product))
    run(
        "INSERT INTO bom_opcomponent (OpComponentId, BomId, ComponentId, BaseQtyN, BaseQtyD, CompScrap)"
        " SELECT ?, ?, PartId, ?, 1, ? FROM bas_part WHERE InvCode = ?",
        (number * 100, number, quantity, scrap, part),
    )


def test_a_part_is_followed_through_assemblies(make: Make, sandbox: Sandbox) -> None:
    put_into(sandbox, "YZ-400", "LINE-1", "3", scrap="10")
    used = told(make, "bom", "BRG-6205")["used_in"]
    assert [(u["product"], u["quantity"], u["level"]) for u in used] == [
        ("YZ-400", Decimal(2), 1),
        ("LINE-1", Decimal("6.6"), 2),
    ]


def test_a_circle_in_the_data_ends(make: Make, sandbox: Sandbox) -> None:
    put_into(sandbox, "YZ-400", "LINE-1")
    put_into(sandbox, "LINE-1", "BRG-6205")
    assert [u["product"] for u in told(make, "bom", "BRG-6205")["used_in"]] == ["YZ-400", "LINE-1"]


def test_a_part_is_followed_six_levels_at_most(make: Make, sandbox: Sandbox) -> None:
    for level in range(10):
        put_into(sandbox, f"A{level}", f"A{level + 1}")
    sandbox.data.run("INSERT INTO Inventory (cInvCode, cInvName) VALUES ('A0', '件')")
    assert [u["product"] for u in told(make, "bom", "A0")["used_in"]] == [f"A{n}" for n in range(1, MAX_LEVELS + 1)]


def test_a_bill_that_is_not_audited_counts_for_nothing(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run("UPDATE bom_bom SET Status = 1")
    values = told(make, "bom", "BRG-6205")
    assert (values["used_in"], values["substitutes"]) == ([], [])


def test_open_orders_soonest_first_with_what_is_still_to_come(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run("UPDATE PO_Podetails SET iReceivedQTY = 10 WHERE cPOID = 'PO00000021'")
    values = told(make, "open_purchase_orders", "BRG-6205")
    (order,) = values["orders"]
    assert (order["order"], order["supplier_name"], order["open"], order["late"]) == (
        "PO00000021", "宁波东海轴承有限公司", Decimal(20), False,
    )  # fmt: skip
    assert values["next_due"] == datetime(2026, 11, 25, 16, tzinfo=UTC)


def test_an_order_past_its_day_is_late(make: Make) -> None:
    later = told(make, "open_purchase_orders", "BRG-6205", at=datetime(2026, 11, 27, tzinfo=UTC))
    assert (later["late_lines"], later["orders"][0]["late"]) == (1, True)


def test_closed_and_received_orders_are_not_open(make: Make, sandbox: Sandbox) -> None:
    sandbox.arrive("PO00000021", date(2026, 11, 22))
    assert told(make, "open_purchase_orders", "BRG-6205")["lines"] == 0


def test_the_on_time_rate_of_a_supplier_comes_from_its_arrivals(make: Make) -> None:
    rates: dict[str, list[int]] = {}
    for item in ("BRG-6205", "SEAL-40", "SPD-BELT-12", "OIL-46"):
        for each in told(make, "suppliers", item)["suppliers"]:
            known = rates.setdefault(each["supplier"], [0, 0])
            known[0] += each["on_time"]
            known[1] += each["deliveries"]
            assert each["on_time_rate"] == round(Decimal(each["on_time"]) / each["deliveries"], 3)
    assert rates == {supplier.code: [supplier.on_time, 20] for supplier in SUPPLIERS}


def test_a_late_arrival_lowers_the_rate_and_tells_the_delay(make: Make, sandbox: Sandbox) -> None:
    before = told(make, "suppliers", "BRG-6205")["suppliers"][0]
    sandbox.arrive("PO00000021", date(2026, 12, 6))  # promised for 26 November
    after = told(make, "suppliers", "BRG-6205")["suppliers"][0]
    assert (after["deliveries"], after["on_time"]) == (before["deliveries"] + 1, before["on_time"])
    assert after["mean_delay_days"] > before["mean_delay_days"]
    assert after["last_delivery"] == datetime(2026, 12, 5, 16, tzinfo=UTC)


def test_arrivals_without_an_order_have_no_rate(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run("UPDATE PU_ArrivalVouchs SET iPOsID = NULL")
    (supplier,) = told(make, "suppliers", "BRG-6205")["suppliers"]
    assert (supplier["on_time_rate"], supplier["deliveries"]) == (None, 10)


def test_returns_are_no_deliveries(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run("UPDATE PU_ArrivalVouch SET iBillType = 1")
    assert told(make, "suppliers", "BRG-6205")["suppliers"] == []


def test_how_often_a_customer_buys(make: Make) -> None:
    values = told(make, "purchase_frequency", "C0001")
    assert (values["orders_12_months"], values["orders_per_month"]) == (6, Decimal("0.50"))
    assert (values["mean_days_between"], values["days_since_last"]) == (Decimal(60), 20)
    assert values["items"][0]["item"] == "BRG-6205"


def test_a_customer_who_never_bought_has_no_frequency(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run("INSERT INTO Customer (cCusCode, cCusName) VALUES ('C0009', '新客户')")
    values = told(make, "purchase_frequency", "C0009")
    assert (values["orders_12_months"], values["mean_days_between"], values["days_since_last"]) == (0, None, None)
    assert told(make, "last_orders", "C0009")["orders"] == []


def test_the_latest_orders_newest_first_with_what_was_delivered(make: Make) -> None:
    orders = told(make, "last_orders", "C0001")["orders"]
    assert len(orders) == 5
    assert [o["ordered_at"] for o in orders] == sorted((o["ordered_at"] for o in orders), reverse=True)
    assert (orders[0]["order"], orders[0]["delivered"], orders[1]["delivered"]) == ("SO00000001", False, True)


def test_an_answer_is_dated_keyed_and_linked(make: Make) -> None:
    connector = make(portal_url="https://u8.example.test/{database}/{object}/{code}")
    answer = connector.lookup(Ask("stock", {"item": " BRG-6205 "}, 5))
    assert answer is not None
    assert answer.as_of == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert (answer.key, answer.link) == ("BRG-6205", "https://u8.example.test/UFDATA_001_2026/inventory/BRG-6205")


@pytest.mark.parametrize("inputs", [{}, {"item": None}, {"item": "  "}, {"customer": "C0001"}])
def test_a_missing_input_is_named(make: Make, inputs: dict[str, Any]) -> None:
    with pytest.raises(BadRecord, match="`item`"):
        make().lookup(Ask("stock", inputs, 5))


def test_a_question_nobody_can_answer_lists_those_one_can(make: Make) -> None:
    with pytest.raises(BadRecord, match="stock, bom, open_purchase_orders"):
        make().lookup(Ask("weather", {"item": "x"}, 5))


def test_every_query_gets_what_is_left_of_the_deadline(make: Make, faults: Faults) -> None:
    connector = make(timeout_s=30)
    connector.lookup(Ask("stock", {"item": "BRG-6205"}, 5))
    faults.add(Break("timeout", after=1, seconds=30))
    with pytest.raises(Transient):
        connector.lookup(Ask("stock", {"item": "BRG-6205"}, 0.1))
