"""What a read gives, and from where the next one goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import ConfigProblem
from connectors.u8.sandbox import Sandbox
from tests.unit.connectors_u8.conftest import Make, end, read, records, stream


def test_nothing_new_is_nothing(make: Make) -> None:
    connector = make()
    for each in connector.streams():
        assert read(connector, each.name, end(connector, each.name)) == []


def test_an_order_that_is_audited_brings_its_lines_again(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    cursor = end(connector, "purchase_orders")
    sandbox.data.run("UPDATE PO_Pomain SET cVerifier = '李总' WHERE POID = 21")
    assert [(r["ID"], r["cVerifier"]) for r in records(connector, "purchase_orders", cursor)] == [(21, "李总")]


def test_a_page_may_end_between_lines_of_the_same_version(make: Make, sandbox: Sandbox) -> None:
    lines = [(1000 + n, 21, "PO00000021", n, "OIL-46", 1) for n in range(20)]
    sandbox.data.fill("PO_Podetails", "ID, POID, cPOID, ivouchrowno, cInvCode, iQuantity", lines)
    sandbox.data.run("UPDATE PO_Pomain SET cMaker = '张' WHERE POID = 21")  # all 21 lines now have the head's version
    connector = make()
    seen, cursor = [], None
    while batch := next(iter(connector.read(stream(connector, "purchase_orders"), cursor)), None):
        seen += [r["ID"] for r in batch.records]
        cursor = batch.cursor
    assert sorted(seen) == sorted([*range(1, 43), *(line[0] for line in lines)])


def test_a_raised_safety_stock_brings_the_items_stock_again(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    cursor = end(connector, "stock")
    sandbox.set_safety_stock("OIL-46", "25")
    (record,) = records(connector, "stock", cursor)
    assert (record["cInvCode"], record["iSafeNum"], record["iQuantity"]) == ("OIL-46", Decimal(25), Decimal(18))


def test_a_change_in_one_warehouse_brings_all_of_the_items_so_that_totals_agree(make: Make, sandbox: Sandbox) -> None:
    sandbox.set_stock("BRG-6205", "7", warehouse="02")
    connector = make()
    cursor = end(connector, "stock")
    sandbox.set_stock("BRG-6205", "9", warehouse="02")
    changed = {r["cWhCode"]: (r["iQuantity"], r["iTotalQuantity"]) for r in records(connector, "stock", cursor)}
    assert changed == {"01": (Decimal(12), Decimal(21)), "02": (Decimal(9), Decimal(21))}


def test_batches_are_summed_unless_they_are_asked_for(make: Make) -> None:
    summed = [r for r in records(make(), "stock") if r["cInvCode"] == "BRG-6205"]
    assert [(r["cWhCode"], r["iQuantity"], "cBatch" in r) for r in summed] == [("01", Decimal(12), False)]
    connector = make(stock_by_batch=True)
    assert stream(connector, "stock").key == ("cInvCode", "cWhCode", "cBatch")
    single = [r for r in records(connector, "stock") if r["cInvCode"] == "BRG-6205"]
    assert {r["cBatch"]: r["iQuantity"] for r in single} == {"2605": Decimal(4), "2609": Decimal(8)}
    assert {r["iTotalQuantity"] for r in single} == {Decimal(12)}


def test_available_is_what_the_site_says(make: Make, sandbox: Sandbox) -> None:
    sandbox.data.run(
        "UPDATE CurrentStock SET fStopQuantity = 1, fOutQuantity = 2, fInQuantity = 0.5 WHERE cInvCode = 'BRG-6205'"
        " AND cBatch = '2609'"
    )
    usual = next(r for r in records(make(), "stock") if r["cInvCode"] == "BRG-6205")
    assert usual["fAvailable"] == Decimal("9.5")
    own = make(available="iQuantity - fStopQuantity")
    assert next(r for r in records(own, "stock") if r["cInvCode"] == "BRG-6205")["fAvailable"] == Decimal(11)


def test_local_times_get_the_settings_zone(make: Make) -> None:
    first = next(r for r in records(make(), "sales_orders") if r["cSOCode"] == "SO00000001")
    assert first["dDate"] == datetime(2026, 11, 1, 16, 0, tzinfo=UTC)
    berlin = next(r for r in records(make(timezone="Europe/Berlin"), "sales_orders") if r["cSOCode"] == "SO00000001")
    assert berlin["dDate"] == datetime(2026, 11, 1, 23, 0, tzinfo=UTC)


def test_a_row_of_an_open_transaction_is_not_skipped(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    cursor = end(connector, "customers")
    sandbox.data.run("UPDATE dbts SET value = value + 1")
    (slow,) = sandbox.data.run("SELECT value FROM dbts")[0]
    sandbox.data.run("INSERT INTO active_rowversion VALUES (?)", (slow,))  # taken, not committed
    sandbox.data.run("INSERT INTO Customer (cCusCode, cCusName) VALUES ('FAST', '快')")
    meanwhile = read(connector, "customers", cursor)
    sandbox.data.run("INSERT INTO Customer (cCusCode, cCusName, pubufts) VALUES ('SLOW', '慢', ?)", (slow,))
    sandbox.data.run("DELETE FROM active_rowversion")
    cursor = meanwhile[-1].cursor if meanwhile else cursor
    assert {r["cCusCode"] for r in records(connector, "customers", cursor)} == {"SLOW", "FAST"}


def test_a_restored_backup_is_read_again_from_the_beginning(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    cursor = end(connector, "items")
    sandbox.data.run("UPDATE dbts SET value = 12")
    assert len(records(connector, "items", cursor)) == 8


@pytest.mark.parametrize(
    "cursor", ["x", 5, {"database": "d"}, {"database": "d", "at": 1, "key": [1, 2], "mark": 1}, [1]]
)
def test_what_is_no_cursor_of_the_stream_is_refused(make: Make, cursor: object) -> None:
    with pytest.raises(ConfigProblem, match="no cursor"):
        records(make(), "items", cursor)  # type: ignore[arg-type]


def test_a_stream_of_another_name_is_refused(make: Make) -> None:
    connector = make()
    other = stream(connector, "items").model_copy(update={"name": "payroll"})
    with pytest.raises(ConfigProblem, match="no stream 'payroll'"):
        list(connector.read(other, None))


# -- years ------------------------------------------------------------------------------------------------------------


def test_the_current_years_database_is_found_in_ufsystem(make: Make) -> None:
    assert read(make(), "items")[-1].cursor["database"] == "UFDATA_001_2026"  # type: ignore[index,call-overload]


def test_at_the_turn_of_the_year_the_old_database_is_finished_and_the_new_one_begun(
    make: Make, sandbox: Sandbox
) -> None:
    cursor = end(make(), "items")
    sandbox.data.run("UPDATE Inventory SET cInvName = '旧年最后改名' WHERE cInvCode = 'OIL-46'")
    sandbox.new_year()
    later = make(at=datetime(2027, 1, 5, tzinfo=UTC))
    batches = read(later, "items", cursor)
    assert [r["cInvName"] for r in batches[0].records] == ["旧年最后改名"]
    assert [batch.cursor["database"] for batch in batches] == [  # type: ignore[index,call-overload]
        "UFDATA_001_2026", "UFDATA_001_2027", "UFDATA_001_2027",
    ]  # fmt: skip
    assert records(later, "items", batches[-1].cursor) == []


def test_a_year_that_has_been_archived_is_passed_over(make: Make, sandbox: Sandbox) -> None:
    cursor = end(make(), "items")
    sandbox.new_year()
    archived = {**cursor, "database": "UFDATA_001_2025"}  # type: ignore[dict-item]
    later = make(at=datetime(2027, 1, 5, tzinfo=UTC))
    assert len(records(later, "items", archived)) == 8


def test_before_the_new_year_is_opened_in_u8_the_old_one_goes_on(make: Make, sandbox: Sandbox) -> None:
    sandbox.system.run("UPDATE UA_AccountDatabase SET iEndYear = 2026")  # type: ignore[union-attr]
    later = make(at=datetime(2027, 1, 5, tzinfo=UTC))
    assert len(records(later, "items")) == 8


def test_a_year_that_is_set_stays(make: Make, sandbox: Sandbox) -> None:
    sandbox.new_year()
    later = make(at=datetime(2027, 3, 5, tzinfo=UTC), year=2026)
    assert read(later, "items")[-1].cursor["database"] == "UFDATA_001_2026"  # type: ignore[index,call-overload]


def test_the_accounting_year_counts_not_the_calendars(make: Make, sandbox: Sandbox) -> None:
    sandbox.new_year()
    sandbox.system.run("INSERT INTO UA_Period VALUES ('001', 2027, 1, '2026-12-01', '2026-12-31')")  # type: ignore[union-attr]
    sandbox.system.run("DELETE FROM UA_Period WHERE iYear = 2026 AND iId = 12")  # type: ignore[union-attr]
    december = make(at=datetime(2026, 12, 5, tzinfo=UTC))
    assert read(december, "items")[-1].cursor["database"] == "UFDATA_001_2027"  # type: ignore[index,call-overload]


def test_old_versions_have_a_database_for_each_year_and_no_table_of_them(make: Make, sandbox: Sandbox) -> None:
    sandbox.system.run("DROP TABLE UA_AccountDatabase")  # type: ignore[union-attr]
    connector = make()
    assert [each.database for each in connector.databases()] == ["UFDATA_001_2026"]
    assert len(records(connector, "items")) == 8


def test_an_unknown_account_set_names_those_that_there_are(make: Make) -> None:
    with pytest.raises(ConfigProblem, match="no account set '007'") as problem:
        records(make(account="007"), "items")
    assert "001 东海精密装备有限公司" in problem.value.hint


def test_a_year_that_the_account_set_does_not_have_names_those_it_has(make: Make) -> None:
    with pytest.raises(ConfigProblem, match="no year 2019") as problem:
        records(make(year=2019), "items")
    assert "2026 (UFDATA_001_2026)" in problem.value.hint


def test_without_ufsystem_the_remedy_is_named(make: Make, sandbox: Sandbox, tmp_path: Path) -> None:
    connector = make()
    sandbox.system.run("DROP TABLE UA_AccountDatabase")  # type: ignore[union-attr]
    sandbox.system.run("DROP TABLE UA_Period")  # type: ignore[union-attr]
    with pytest.raises(ConfigProblem, match="UFSystem") as problem:
        records(connector, "items")
    assert "`database`" in problem.value.hint
    assert len(records(make(database="UFDATA_001_2026"), "items")) == 8


def test_the_account_sets_of_the_server_can_be_listed(make: Make) -> None:
    assert make().account_sets() == {"001": "东海精密装备有限公司", "999": "演示账套"}


def test_the_current_database_is_looked_up_once_in_ten_minutes(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    records(connector, "items")
    sandbox.system.run("DELETE FROM UA_AccountDatabase")  # type: ignore[union-attr]
    assert len(records(connector, "items")) == 8
