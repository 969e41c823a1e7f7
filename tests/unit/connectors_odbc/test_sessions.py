"""Connections over a driver that obeys: bounded calls, transactions, and a pool that keeps no broken one."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.conformance import Break, Faults
from connectors.errors import Ambiguous, ConfigProblem, Transient
from connectors.odbc import OdbcSettings, Pool, Session, connect, within
from tests.real.odbc import FaultyOdbc


@pytest.fixture
def settings(tmp_path: Path) -> OdbcSettings:
    return OdbcSettings.model_validate({"driver": "sqlite", "server": str(tmp_path), "database": "t", "timeout_s": 2})


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def pool(settings: OdbcSettings, faults: Faults) -> Any:
    made = Pool(settings, FaultyOdbc(faults))
    with made.lease() as session:
        session.run("CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(20))")
    yield made
    made.close()


def count(pool: Pool) -> int:
    with pool.lease() as session:
        return int(session.query("SELECT COUNT(*) FROM t").all()[0][0])


def test_a_call_that_takes_too_long_is_given_up_and_its_result_handed_over_later() -> None:
    go_on, ended = threading.Event(), threading.Event()
    late: list[str] = []

    def work() -> str:
        go_on.wait(5)
        return "done"

    def over(result: str | None) -> None:
        late.append(f"ended with {result}")
        ended.set()

    with pytest.raises(TimeoutError):
        within(0.02, work, lambda: late.append("late"), over)
    go_on.set()
    assert ended.wait(5)
    assert late == ["late", "ended with done"]


def test_the_error_of_a_call_reaches_whoever_waits() -> None:
    def work() -> None:
        raise LookupError("not here")

    with pytest.raises(LookupError, match="not here"):
        within(5, work, lambda: None, lambda _: None)


def test_a_transaction_commits_at_the_end(pool: Pool) -> None:
    with pool.lease() as session, session.transaction():
        session.run("INSERT INTO t VALUES (?, ?)", (1, "轴承"))
    assert count(pool) == 1


def test_a_transaction_with_an_error_leaves_nothing(pool: Pool) -> None:
    def half() -> None:
        with pool.lease() as session, session.transaction():
            session.run("INSERT INTO t VALUES (1, 'x')")
            raise KeyError("half way")

    with pytest.raises(KeyError):
        half()
    assert count(pool) == 0
    with pool.lease() as session:  # the same connection, back in autocommit
        session.run("INSERT INTO t VALUES (2, 'y')")
    assert count(pool) == 1


def test_a_commit_without_an_answer_is_ambiguous_and_its_connection_is_not_used_again(
    pool: Pool, faults: Faults
) -> None:
    used: list[Session] = []

    def write() -> None:
        with pool.lease() as session, session.transaction():
            used.append(session)
            session.run("INSERT INTO t VALUES (1, 'x')")

    faults.add(Break("ambiguous"))
    with pytest.raises(Ambiguous):
        write()
    assert used[0].broken
    assert count(pool) == 1


def test_a_connection_is_used_again(pool: Pool) -> None:
    with pool.lease() as first:
        pass
    with pool.lease() as second:
        assert second is first


def test_a_connection_that_lay_idle_for_long_is_not_trusted(pool: Pool) -> None:
    with pool.lease() as first:
        pass
    first.idle_since -= Pool.IDLE_S + 1
    with pool.lease() as second:
        assert second is not first
    assert first.broken


def test_two_at_once_have_two_connections(pool: Pool) -> None:
    with pool.lease() as first, pool.lease() as second:
        assert first is not second


def test_a_broken_connection_is_not_kept(pool: Pool, faults: Faults) -> None:
    with pool.lease() as first:
        pass
    faults.add(Break("cut"))
    with pytest.raises(Transient):
        count(pool)
    with pool.lease() as second:
        assert second is not first
    assert first.broken


def test_a_call_without_an_answer_ends_by_its_deadline(pool: Pool, faults: Faults) -> None:
    faults.add(Break("timeout", after=1, seconds=30))
    began = time.monotonic()

    def ask() -> None:
        with pool.lease() as session:
            session.query("SELECT 1").all()
            session.query("SELECT 1", timeout_s=0.05)

    with pytest.raises(Transient, match="did not answer"):
        ask()
    assert time.monotonic() - began < 5


def test_a_connection_that_comes_too_late_is_closed(settings: OdbcSettings) -> None:
    closed, go_on = threading.Event(), threading.Event()

    class Raw:
        def close(self) -> None:
            closed.set()

        def setdecoding(self, *_: Any, **__: Any) -> None: ...

        def getinfo(self, _: int) -> str:
            return "SQLite"

    def slow(text: str, **_: Any) -> Raw:
        go_on.wait(5)
        return Raw()

    with pytest.raises(Transient):
        connect(settings, timeout_s=0.02, opener=slow)
    go_on.set()
    assert closed.wait(5)


def test_rows_are_fetched_as_they_are_asked_for(pool: Pool, faults: Faults) -> None:
    with pool.lease() as session:
        for number in range(10):
            session.run("INSERT INTO t VALUES (?, 'x')", (number,))
        rows = session.query("SELECT a, b FROM t ORDER BY a")
        assert [name for name, _ in rows.columns] == ["a", "b"]
        before = faults.calls
        assert [row[0] for row in rows.fetch(4)] == [0, 1, 2, 3]
        assert [row[0] for row in rows.fetch(4)] == [4, 5, 6, 7]
        assert faults.calls == before + 2
        rows.close()


def test_a_value_the_driver_cannot_read_is_a_typed_error(pool: Pool) -> None:
    with pool.lease() as session, pytest.raises(ConfigProblem, match="can't read a value"):
        session.call(lambda: b"\xff".decode("ascii"))


def open_files(folder: Path) -> set[str]:
    files = (Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd"))
    return {
        str(file.readlink()) for file in files if file.is_symlink() and str(file.readlink()).startswith(str(folder))
    }


def test_a_closed_connection_holds_nothing_even_if_its_rows_were_not_all_fetched(
    settings: OdbcSettings, tmp_path: Path
) -> None:
    pool = Pool(settings)
    with pool.lease() as session:
        session.run("CREATE TABLE t (a INTEGER)")
        session.run("INSERT INTO t VALUES (1), (2), (3)")
        assert session.query("SELECT a FROM t").fetch(1)
        assert len(session.query("SELECT a FROM t").all()) == 3
        unfinished = session.query("SELECT a FROM t")
        unfinished.fetch(1)
    assert open_files(tmp_path)

    pool.close()

    assert not open_files(tmp_path)
