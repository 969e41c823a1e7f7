"""What only a real database shows: types, transactions, killed sessions, deadlocks, rights."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from connectors.contract import Ask, Batch, Command, Cursor, Outcome
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.sql import SqlConnector
from connectors.sql.operations import DDL
from tests.integration.sql.conftest import Make, execute

ORDERS = {
    "table": "orders",
    "key": "id",
    "cursor": "at",
    "fields": {"id": "int", "quantity": "number", "at": "datetime"},
    "page_rows": 10,
}
SET = {
    "title": "Set",
    "title_zh": "设置",
    "key": "id",
    "fields": {"quantity": "number", "at": "datetime"},
    "statements": ["UPDATE orders SET quantity = :quantity, at = coalesce(:at, at) WHERE id = :id"],
}


def until(condition: Callable[[], bool], deadline_s: float = 20) -> bool:
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if condition():
            return True
    return False


@pytest.fixture
def orders(database: Engine) -> Engine:
    execute(database, "CREATE TABLE orders (id int PRIMARY KEY, quantity numeric(18, 4), at timestamptz)")
    execute(
        database,
        "INSERT INTO orders SELECT n, n + 0.5, timestamptz '2026-06-01 08:00+00' + n * interval '1 minute' "
        "FROM generate_series(1, 25) n",
    )
    execute(database, DDL.format(table="weft_commands"))
    return database


def read(connector: SqlConnector, cursor: Cursor = None) -> tuple[list[Any], Cursor]:
    rows: list[Any] = []
    for batch in connector.read(connector.streams()[0], cursor):
        assert not batch.bad, batch.bad
        rows += [dict(record) for record in batch.records]
        cursor = batch.cursor or cursor
    return rows, orjson.loads(orjson.dumps(cursor))


def test_a_table_is_read_exactly_and_then_only_what_is_new(orders: Engine, make: Make) -> None:
    connector = make(streams={"orders": ORDERS})
    rows, cursor = read(connector)
    assert rows[0] == {"id": 1, "quantity": Decimal("1.5000"), "at": datetime(2026, 6, 1, 8, 1, tzinfo=UTC)}
    assert len(rows) == 25
    execute(orders, "UPDATE orders SET quantity = 99, at = '2026-06-02' WHERE id = 3")
    rows, cursor = read(connector, cursor)
    assert [row["id"] for row in rows] == [3]
    assert read(connector, cursor)[0] == []


def test_values_of_every_type_come_without_loss(database: Engine, make: Make) -> None:
    execute(
        database,
        "CREATE TABLE kinds AS SELECT 1 AS id, 12345678901234567890.1234::numeric AS big, 0.1::float8 AS near, true AS yes, "
        "'2026-11-22'::date AS day, '2026-11-22 08:00'::timestamp AS local, '2026-11-22 08:00+08'::timestamptz AS moment, "
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS uuid, '\\x01ff'::bytea AS bytes, '轴承 ''x''' AS text, "
        "NULL::int AS nothing, repeat('长', 9000) AS long",
    )
    connector = make(zone="Asia/Shanghai", streams={"kinds": {"table": "kinds", "key": "id"}})
    [row] = read(connector)[0]
    assert row["uuid"].lower() == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    assert {name: value for name, value in row.items() if name not in ("uuid", "long")} == {
        "id": 1 if isinstance(row["id"], int) else "1",
        "big": Decimal("12345678901234567890.1234"),
        "near": Decimal("0.1"),
        "yes": True,
        "day": "2026-11-22",
        "local": datetime(2026, 11, 22, tzinfo=UTC),
        "moment": datetime(2026, 11, 22, tzinfo=UTC),
        "bytes": "01ff",
        "text": "轴承 'x'",
        "nothing": None,
    }
    assert row["long"].startswith("长长")


def test_nan_makes_a_dead_letter_of_its_row_alone(orders: Engine, make: Make) -> None:
    execute(orders, "UPDATE orders SET quantity = 'NaN' WHERE id = 4")
    connector = make(streams={"orders": {**ORDERS, "fields": {**ORDERS["fields"], "quantity": "number"}}})  # type: ignore[dict-item]
    batches: list[Batch] = list(connector.read(connector.streams()[0], None))
    assert sum(len(batch.records) for batch in batches) == 24
    [bad] = [bad for batch in batches for bad in batch.bad]
    assert "quantity" in str(bad)


def test_a_transaction_that_commits_late_is_found_by_looking_back(orders: Engine, make: Make) -> None:
    connector = make(streams={"orders": {**ORDERS, "lookback": "10m"}})
    with orders.connect().execution_options(isolation_level="READ COMMITTED") as late:
        late.execute(text("INSERT INTO orders VALUES (100, 1, '2026-06-01 08:20+00')"))
        _, cursor = read(connector)
        late.commit()
    rows, _ = read(connector, cursor)
    assert 100 in [row["id"] for row in rows]


def test_a_reading_connection_cannot_change_anything_even_by_a_function(orders: Engine, make: Make) -> None:
    execute(
        orders,
        "CREATE FUNCTION sly() RETURNS int LANGUAGE sql AS $$ UPDATE orders SET quantity = 0 RETURNING 1 $$",
    )
    connector = make(streams={"sly": {"select": "SELECT id, sly() AS x FROM orders", "key": "id"}})
    with pytest.raises(ConnectorError, match="read-only"):
        read(connector)
    assert execute(orders, "SELECT count(*) FROM orders WHERE quantity = 0") == [(0,)]


def test_a_run_whose_session_is_killed_goes_on_behind_its_last_page(orders: Engine, make: Make) -> None:
    connector = make(streams={"orders": ORDERS})
    pages = connector.read(connector.streams()[0], None)
    first = next(pages)
    execute(orders, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND datname = current_database()")  # fmt: skip
    with pytest.raises(Transient):
        list(pages)
    rows, _ = read(connector, first.cursor)
    assert [row["id"] for row in rows] == list(range(11, 26))


def test_a_question_that_takes_too_long_is_left_and_cancelled(orders: Engine, make: Make) -> None:
    slow = {"title": "Slow", "title_zh": "慢", "needs": ["device"]}
    connector = make(questions={"slow": {**slow, "select": "SELECT 1 AS one FROM pg_sleep(30) WHERE :device <> ''"}})
    began = time.monotonic()
    with pytest.raises(Transient, match="did not answer within"):
        connector.lookup(Ask("slow", {"device": "x"}, 0.5))
    assert time.monotonic() - began < 5
    running = (
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()"
    )
    assert until(lambda: execute(orders, running) == [])


def test_a_table_without_the_right_to_read_is_told(orders: Engine, make: Make) -> None:
    execute(orders, "DROP ROLE IF EXISTS weft_reader")
    execute(orders, "CREATE ROLE weft_reader LOGIN")
    execute(orders, "CREATE TABLE secret (id int)")
    try:
        connector = make(username="weft_reader", streams={"secret": {"table": "secret", "key": "id"}})
        health = connector.check()
        assert not health.ok
        assert "permission denied" in health.missing_rights[0].needed_for
        with pytest.raises(AuthProblem):
            read(connector)
        connector.close()
    finally:
        execute(orders, "DROP OWNED BY weft_reader")
        execute(orders, "DROP ROLE weft_reader")


def test_an_unknown_account_is_refused(orders: Engine, make: Make) -> None:
    with pytest.raises(AuthProblem):
        make(username="nobody_of_this_name", streams={"orders": ORDERS}).check()


def test_a_column_that_was_dropped_is_named(orders: Engine, make: Make) -> None:
    connector = make(streams={"orders": ORDERS})
    read(connector)
    execute(orders, "ALTER TABLE orders DROP COLUMN at")
    with pytest.raises(ConfigProblem, match="at"):
        read(connector)


# -- commands ---------------------------------------------------------------------------------------------------------


def command(number: int = 1, **body: Any) -> Command:
    return Command(f"c-{number}", "set", {"id": 5}, {"quantity": Decimal("7.25"), **body})


def quantity(database: Engine) -> Decimal:
    [(found,)] = execute(database, "SELECT quantity FROM orders WHERE id = 5")
    return Decimal(found)


def test_a_command_is_done_once_with_exact_values(orders: Engine, make: Make) -> None:
    connector = make(operations={"set": SET})
    assert connector.write(command(at="2026-11-22T08:00:00+08:00")).outcome is Outcome.applied
    assert execute(orders, "SELECT quantity, at FROM orders WHERE id = 5") == [
        (Decimal("7.2500"), datetime(2026, 11, 22, tzinfo=UTC))
    ]
    assert connector.write(command()).outcome is Outcome.duplicate
    assert connector.confirm(command()) is not None


def test_a_command_from_several_hubs_at_once_is_done_once(orders: Engine, make: Make) -> None:
    counting = {
        **SET,
        "statements": ["UPDATE orders SET quantity = quantity + :quantity, at = coalesce(:at, at) WHERE id = :id"],
    }
    connectors = [make(operations={"set": counting}) for _ in range(4)]
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda c=c: outcomes.append(c.write(command()).outcome)) for c in connectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == [Outcome.applied, *[Outcome.duplicate] * 3]
    assert quantity(orders) == Decimal("12.75")


def test_a_lock_held_by_another_is_a_passing_failure_and_nothing_happened(orders: Engine, make: Make) -> None:
    connector = make(operations={"set": SET}, timeout_s=1)
    with orders.connect().execution_options(isolation_level="READ COMMITTED") as other:
        other.execute(text("SELECT * FROM orders WHERE id = 5 FOR UPDATE"))
        with pytest.raises(Transient):
            connector.write(command())
        other.rollback()
    assert connector.confirm(command()) is None
    assert quantity(orders) == Decimal("5.5")
    assert connector.write(command()).outcome is Outcome.applied


def test_a_deadlock_is_a_passing_failure_and_nothing_happened(orders: Engine, make: Make) -> None:
    both = {**SET, "statements": [
        "UPDATE orders SET quantity = :quantity, at = coalesce(:at, at) WHERE id = 6",
        "UPDATE orders SET quantity = 1 WHERE id = :id",
    ]}  # fmt: skip
    connector = make(operations={"set": both}, timeout_s=30)
    failed: list[ConnectorError] = []

    def write() -> None:
        try:
            connector.write(command())
        except ConnectorError as error:
            failed.append(error)

    with orders.connect().execution_options(isolation_level="READ COMMITTED") as other:
        other.execute(text("SET deadlock_timeout = '60s'"))
        other.execute(text("UPDATE orders SET quantity = 2 WHERE id = 5"))
        thread = threading.Thread(target=write)
        thread.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        assert until(lambda: bool(execute(orders, waiting)))
        other.execute(text("UPDATE orders SET quantity = 2 WHERE id = 6"))
        thread.join(60)
        other.commit()
    assert [type(error) for error in failed] == [Transient]
    assert connector.confirm(command()) is None


def test_what_a_constraint_refuses_is_rejected_with_its_reason(orders: Engine, make: Make) -> None:
    execute(orders, "ALTER TABLE orders ADD CONSTRAINT positive CHECK (quantity > 0)")
    receipt = make(operations={"set": SET}).write(command(quantity=Decimal(-1)))
    assert receipt.outcome is Outcome.rejected
    assert "positive" in receipt.reason


def test_a_server_that_was_restarted_is_found_again(orders: Engine, make: Make) -> None:
    connector = make(streams={"orders": ORDERS}, operations={"set": SET})
    assert connector.write(command()).outcome is Outcome.applied
    execute(orders, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND datname = current_database()")  # fmt: skip
    with pytest.raises(Transient):
        connector.write(command(2))
    assert connector.confirm(command(2)) is None
    assert connector.write(command(2)).outcome is Outcome.applied
