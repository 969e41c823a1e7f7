"""A tap from the package index on a real PostgreSQL: discovered, read, resumed, deleted rows seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from connectors.contract import Cursor
from connectors.errors import AuthProblem, ConfigProblem
from connectors.singer import SingerConfig, SingerConnector
from tests.real.taps import tap_postgres

ROWS = """
INSERT INTO orders SELECT n, n + 0.1234, timestamptz '2026-11-22T08:00:00Z' + n * interval '1 minute', '轴承', n % 2 = 0
FROM generate_series(1, :count) n
"""
TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, qty numeric(38, 4), at timestamptz, note text, ok boolean)"


@pytest.fixture
def database(postgres_database: str) -> Iterator[Engine]:
    engine = create_engine(postgres_database)
    with engine.begin() as c:
        c.execute(text(TABLE))
        c.execute(text(ROWS), {"count": 50})
    yield engine
    engine.dispose()


def connector(database: Engine, settings: dict[str, Any] | None = None, **stream: Any) -> SingerConnector:
    where = make_url(str(database.url))
    place = {"host": where.host, "port": where.port, "user": where.username, "dbname": where.database}
    config = {
        "command": [str(tap_postgres())],
        "settings": {**place, "itersize": 7, **(settings or {})},
        "secrets": {"password": "not-checked-here"},
        "silence_s": 60,
        "batch_rows": 10,
        "streams": {"orders": {"tap_stream": "public-orders", "key": "id", **stream}},
    }
    return SingerConnector(SingerConfig.model_validate(config))


def read(tap: SingerConnector, cursor: Cursor = None) -> tuple[list[dict[str, Any]], Cursor]:
    rows, last = [], cursor
    for batch in tap.read(tap.streams()[0], cursor):
        assert not batch.bad, batch.bad
        rows += [dict(record) for record in batch.records]
        last = batch.cursor or last
    return rows, last


def test_the_tap_is_asked_and_logs_in(database: Engine) -> None:
    health = connector(database).check()
    assert health.ok
    assert health.message == ""


def test_a_whole_table_is_read_exactly(database: Engine) -> None:
    rows, cursor = read(connector(database, replication="full_table"))
    assert len(rows) == 50
    assert cursor is None
    first = next(row for row in rows if row["id"] == 1)
    assert first["qty"] == Decimal("1.1234")
    assert first["at"] == datetime(2026, 11, 22, 8, 1, tzinfo=UTC)
    assert (first["note"], first["ok"]) == ("轴承", False)


def test_a_second_run_reads_what_is_new(database: Engine) -> None:
    tap = connector(database, replication_key="at")
    rows, cursor = read(tap)
    assert len(rows) == 50
    with database.begin() as c:
        c.execute(text("UPDATE orders SET qty = 7, at = '2026-11-23T00:00:00Z' WHERE id = 3"))
    rows, _ = read(connector(database, replication_key="at"), cursor)
    assert {row["id"] for row in rows} <= {3, 50}
    assert next(row["qty"] for row in rows if row["id"] == 3) == 7


def test_a_deleted_row_is_absent_from_the_next_snapshot(database: Engine) -> None:
    tap = connector(database, replication="full_table")
    with database.begin() as c:
        c.execute(text("DELETE FROM orders WHERE id = 9"))
    rows, _ = read(tap)
    assert {row["id"] for row in rows} == {*range(1, 51)} - {9}


def test_only_the_chosen_fields_come(database: Engine) -> None:
    rows, _ = read(connector(database, replication="full_table", select=["qty"]))
    assert set(rows[0]) == {"id", "qty"}


def test_a_table_that_is_not_there_is_told_with_those_that_are(database: Engine) -> None:
    tap = connector(database, tap_stream="nowhere")
    with pytest.raises(ConfigProblem, match="no stream 'nowhere'") as refusal:
        tap.check()
    assert "public-orders" in refusal.value.hint


def test_an_account_that_is_refused_is_told(database: Engine) -> None:
    with pytest.raises(AuthProblem):
        connector(database, {"user": "nobody_of_this_name"}).check()
