"""How the hub uses PostgreSQL: bounded in connections and time, and past connections that the server has ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.database import Limits, open_engine, patient
from gateway.errors import Unavailable
from gateway.service import Gateway
from gateway.settings import Settings

QUICK = {"statement_timeout_s": 0.2, "lock_timeout_s": 0.1, "pool_size": 1, "pool_overflow": 1, "pool_timeout_s": 0.1}


@pytest.fixture
def hurried(tmp_path: Path, postgres_database: str) -> Iterator[Gateway]:
    """A gateway of small limits on an empty database."""
    opened = Gateway(Settings(home=tmp_path, database_url=postgres_database, **QUICK))
    yield opened
    opened.close()


def test_a_statement_over_its_time_is_ended_and_the_caller_may_try_again(hurried: Gateway) -> None:
    with pytest.raises(Unavailable), hurried.transaction() as conn:
        conn.execute(text("SELECT pg_sleep(5)"))


def test_what_looks_through_whole_tables_may_take_its_time(hurried: Gateway) -> None:
    with hurried.reading() as conn:
        patient(conn)
        conn.execute(text("SELECT pg_sleep(0.3)"))
    with pytest.raises(Unavailable), hurried.reading() as conn:
        conn.execute(text("SELECT pg_sleep(5)"))


def test_a_lock_held_by_somebody_else_is_not_waited_for_without_end(hurried: Gateway) -> None:
    with hurried.transaction() as conn:
        conn.execute(text("CREATE TABLE held (id int)"))
    with hurried.transaction() as mine:
        mine.execute(text("LOCK TABLE held"))
        with pytest.raises(Unavailable), hurried.transaction() as other:
            other.execute(text("SELECT * FROM held"))


def test_more_work_than_connections_is_refused_instead_of_waiting_for_ever(hurried: Gateway) -> None:
    with hurried.transaction(), hurried.transaction(), pytest.raises(Unavailable), hurried.transaction():
        pass  # the third of two


def test_a_connection_that_the_server_has_ended_is_replaced_unnoticed(hurried: Gateway) -> None:
    with hurried.transaction() as conn:
        mine = conn.execute(text("SELECT pg_backend_pid()")).scalar()
    admin = open_engine(hurried.settings.database)
    with admin.begin() as conn:
        conn.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
    admin.dispose()
    with hurried.transaction() as conn:
        assert conn.execute(text("SELECT pg_backend_pid()")).scalar() != mine


def test_every_limit_is_a_setting() -> None:
    s = Settings(pool_size=1, pool_overflow=2, pool_timeout_s=3, pool_recycle_s=4, statement_timeout_s=5,
                 lock_timeout_s=6, idle_transaction_timeout_s=7)  # fmt: skip
    assert dataclasses.astuple(Limits.of(s)) == (1, 2, 3, 4, 5, 6, 7)
