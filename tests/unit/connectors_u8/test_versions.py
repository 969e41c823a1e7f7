"""An older U8: what it lacks is null where it can be, and named where it can't."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Ask, Command
from connectors.odbc import MissingObject
from connectors.settings import parse_config
from connectors.u8 import U8Connector
from connectors.u8.sandbox import Sandbox
from tests.unit.connectors_u8.conftest import TODAY, records

Older = Callable[..., U8Connector]


@pytest.fixture
def older() -> Iterator[Older]:
    """A connector on a U8 without these tables and columns."""
    made: list[tuple[Sandbox, U8Connector]] = []

    def make(*without: str, **changes: Any) -> U8Connector:
        sandbox = Sandbox(today=TODAY, without=without)
        config: Any = parse_config(U8Connector, {**sandbox.settings(), **changes})
        made.append((sandbox, U8Connector(config)))
        return made[-1][1]

    yield make
    for sandbox, connector in made:
        connector.close()
        sandbox.close()


def test_a_column_that_can_be_done_without_is_left_out(older: Older) -> None:
    connector = older("Inventory.iTopSum", "Inventory.bInvBatch", "ComputationUnit")
    bearing = next(r for r in records(connector, "items") if r["cInvCode"] == "BRG-6205")
    assert not {"iTopSum", "bInvBatch", "cComUnitName"} & bearing.keys()
    assert bearing["iSafeNum"] == Decimal(20)


def test_a_part_of_the_available_quantity_that_does_not_exist_counts_as_zero(older: Older) -> None:
    connector = older("CurrentStock.fTransInQuantity", "CurrentStock.fStopQuantity")
    bearing = next(r for r in records(connector, "stock") if r["cInvCode"] == "BRG-6205")
    assert (bearing["fAvailable"], bearing["fStopQuantity"]) == (Decimal(12), Decimal(0))


def test_a_column_that_is_needed_is_named_with_its_table_and_stream(older: Older) -> None:
    connector = older("Inventory.pubufts")
    with pytest.raises(MissingObject) as problem:
        records(connector, "items")
    assert "UFDATA_001_2026 does not have Inventory.pubufts, which the stream items needs" in str(problem.value)
    assert problem.value.name == "Inventory.pubufts"
    assert "grant SELECT" in problem.value.hint


def test_a_table_that_is_needed_is_named_and_the_others_can_be_read(older: Older) -> None:
    connector = older("bom_opcomponentsub", "bom_parent")
    with pytest.raises(MissingObject, match="bom_opcomponentsub, bom_parent"):
        records(connector, "bom_substitutes")
    assert len(records(connector, "vendors")) == 2


def test_check_names_everything_that_is_missing_and_what_for(older: Older) -> None:
    health = older("Vendor.cVenName", "bom_opcomponentsub").check()
    assert not health.ok
    assert {(m.right, m.needed_for) for m in health.missing_rights} == {
        ("SELECT on Vendor.cVenName", "stream vendors"),
        ("SELECT on bom_opcomponentsub", "stream bom_substitutes"),
    }
    assert all("UFDATA_001_2026" in m.grant_at for m in health.missing_rights)


def test_an_available_quantity_of_unknown_columns_is_named(older: Older) -> None:
    connector = older(available="iQuantity - fSpecialQuantity")
    with pytest.raises(MissingObject, match=r"CurrentStock\.fSpecialQuantity, which the setting `available` needs"):
        records(connector, "stock")
    assert [m.right for m in connector.check().missing_rights] == ["SELECT on CurrentStock.fSpecialQuantity"]


def test_a_question_whose_tables_are_missing_says_so(older: Older) -> None:
    connector = older("bom_bom")
    with pytest.raises(MissingObject, match="bom_bom, which this question needs"):
        connector.lookup(Ask("bom", {"item": "BRG-6205"}, 5))
    assert connector.lookup(Ask("stock", {"item": "BRG-6205"}, 5)) is not None


def test_substitutes_are_none_where_u8_keeps_none(older: Older) -> None:
    answer = older("bom_opcomponentsub").lookup(Ask("bom", {"item": "BRG-6205"}, 5))
    assert answer is not None
    assert answer.values["substitutes"] == []


def test_writing_needs_its_tables(older: Older) -> None:
    connector = older("VoucherHistory", requisitions="sql")
    command = Command("c", "create_requisition", {"ticket": "T"}, {"lines": [{"item": "BRG-6205", "quantity": 1}]})
    with pytest.raises(MissingObject, match=r"VoucherHistory\.CardNumber"):
        connector.write(command)


def test_an_upgrade_of_u8_is_noticed(older: Older) -> None:
    sandbox = Sandbox(today=TODAY, without=["Inventory.pubufts"])
    config: Any = parse_config(U8Connector, sandbox.settings())
    connector = U8Connector(config)
    with pytest.raises(MissingObject):
        records(connector, "items")
    sandbox.data.run("ALTER TABLE Inventory ADD COLUMN pubufts BIGINT")
    sandbox.data.run("UPDATE Inventory SET pubufts = 1")
    assert len(records(connector, "items")) == 8
    connector.close()
    sandbox.close()


def test_a_database_of_something_else_is_no_u8(older: Older, tmp_path: Any) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "shop.db").execute("CREATE TABLE orders (id INTEGER)").connection.close()
    config: Any = parse_config(U8Connector, {"driver": "sqlite", "server": str(tmp_path), "database": "shop"})
    health = U8Connector(config).check()
    assert not health.ok
    assert "holds no U8 table" in health.message
