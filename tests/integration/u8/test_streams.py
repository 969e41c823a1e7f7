"""Every stream, question and the write-back on a real database server."""

from __future__ import annotations

from decimal import Decimal

from connectors.contract import Ask, Command, Outcome
from connectors.example_company import ITEMS, SUPPLIERS
from connectors.u8.sandbox import Sandbox
from tests.integration.u8.conftest import Make


def test_every_stream_is_read_whole(make: Make) -> None:
    connector = make()
    counts = {
        stream.name: sum(len(batch.records) for batch in connector.read(stream, None)) for stream in connector.streams()
    }
    assert counts == {
        "items": 8, "stock": 5, "customers": 3, "vendors": 2, "purchase_orders": 42, "sales_orders": 11, "arrivals": 40,
        "bom": 6, "bom_substitutes": 1,
    }  # fmt: skip
    assert all(not batch.bad for stream in connector.streams() for batch in connector.read(stream, None))


def test_values_have_their_types(make: Make) -> None:
    connector = make()
    stock = next(stream for stream in connector.streams() if stream.name == "stock")
    records = {r["cInvCode"]: r for batch in connector.read(stock, None) for r in batch.records}
    for item in ITEMS:
        assert records[item.code]["iQuantity"] == item.stock
        assert records[item.code]["iSafeNum"] == item.safety
        assert isinstance(records[item.code]["iSafeNum"], Decimal)


def test_the_health_is_good(make: Make) -> None:
    health = make().check()
    assert health.ok, health.message
    assert "PostgreSQL" in health.remote_version


def test_suppliers_are_judged_by_their_arrivals(make: Make) -> None:
    answer = make().lookup(Ask("suppliers", {"item": "BRG-6205"}, 5))
    assert answer is not None
    (first,) = answer.values["suppliers"]
    assert (first["supplier"], first["deliveries"]) == (SUPPLIERS[0].code, 10)


def test_a_requisition_is_written_by_sql_and_read_again(make: Make, sandbox: Sandbox) -> None:
    connector = make(requisitions="sql")
    command = Command(
        "c-1", "create_requisition", {"ticket": "TKT-1"}, {"lines": [{"item": "BRG-6205", "quantity": Decimal("88.5")}]}
    )
    assert connector.confirm(command) is None
    receipt = connector.write(command)
    assert receipt.outcome is Outcome.applied
    assert receipt.values["verified"] is True
    (written,) = sandbox.requisitions()
    assert written["code"] == receipt.external_id == "0000000101"
    assert [(line["item"], Decimal(line["quantity"])) for line in written["lines"]] == [("BRG-6205", Decimal("88.5"))]
    assert connector.write(command).outcome is Outcome.duplicate
    assert len(sandbox.requisitions()) == 1
