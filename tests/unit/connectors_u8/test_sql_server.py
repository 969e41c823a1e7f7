"""What SQL Server is told, as far as it can be judged without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.errors import ConfigProblem
from connectors.u8 import (
    about_customers,
    about_items,
    about_purchases,
    accounts,
    lookups,
    requisitions,
    requisitions_sql,
)
from connectors.u8.config import U8Config
from connectors.u8.dialects import PostgreSql, Sqlite, SqlServer, dialect_of, greet
from connectors.u8.requisitions_sql import cut
from connectors.u8.sandbox_schema import DATA, columns_of
from connectors.u8.schema import ColumnType, Schema
from connectors.u8.statements import Window, key_of, window
from connectors.u8.tables import SOURCES

RESERVED = """
    ADD ALL ALTER AND ANY AS ASC BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK CHECKPOINT CLOSE
    CLUSTERED COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTINUE CONVERT CREATE CROSS CURRENT CURSOR
    DATABASE DBCC DECLARE DEFAULT DELETE DENY DESC DISK DISTINCT DOUBLE DROP DUMP ELSE END ERRLVL ESCAPE EXCEPT EXEC
    EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FROM FULL FUNCTION GOTO GRANT GROUP HAVING
    HOLDLOCK IDENTITY IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL LEFT LIKE LINENO LOAD MERGE NATIONAL
    NOCHECK NOT NULL OF OFF ON OPEN OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN PRECISION PRIMARY PRINT PROC
    PUBLIC RAISERROR READ REFERENCES REPLICATION RESTORE RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT RULE
    SAVE SCHEMA SELECT SET SHUTDOWN SOME STATISTICS TABLE THEN TO TOP TRAN TRIGGER TRUNCATE UNION UNIQUE UPDATE USE
    USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE WITH
"""
MODULES = (about_items, about_purchases, about_customers, lookups, requisitions, requisitions_sql, accounts)
CONFIG = U8Config.model_validate({"server": "db", "account": "001"})


def schema() -> Schema:
    whole = {table.lower(): {c.lower(): ColumnType("nvarchar", 60) for c in columns_of(table)} for table in DATA}
    return Schema("UFDATA_001_2026", whole)


def windows() -> Iterator[str]:
    for source in SOURCES.values():
        yield window(source, schema(), SqlServer(), CONFIG, Window(0, None, 99)).sql


def texts() -> Iterator[str]:
    yield from windows()
    for module in MODULES:
        for value in vars(module).values():
            if isinstance(value, str) and re.match(r"\s*(SELECT|UPDATE)\b", value):
                yield value


def test_no_name_of_ours_is_a_reserved_word() -> None:
    found = list(texts())
    assert len(found) > 25
    for sql in found:
        for name in re.findall(
            r"\bAS (\w+)", re.sub(r"CAST\([^()]*(?:\([^()]*\))?[^()]* AS \w+(?:\(\d+\))?\)", "", sql)
        ):
            assert name.upper() not in RESERVED.split(), f"{name}: {sql}"


def test_nothing_is_said_that_only_other_databases_understand() -> None:
    for sql in texts():
        assert not re.search(r"\bLIMIT\b|\bRETURNING\b|::|\|\||\bTRUE\b|\bFALSE\b|ON CONFLICT", sql), sql


def test_a_window_reads_behind_version_and_key_up_to_the_mark() -> None:
    statement = window(SOURCES["bom"], schema(), SqlServer(), CONFIG, Window(17, (6, 10), 99))
    assert statement.sql.endswith(
        "WHERE (weft_position > 17 OR (weft_position = 17 AND ParentId > ?)"
        " OR (weft_position = 17 AND ParentId = ? AND OpComponentId > ?))"
        " ORDER BY weft_position, ParentId, OpComponentId"
    )
    assert statement.parameters == (6, 6, 10)
    assert "CAST(o.Ufts AS BIGINT) <= 99" in statement.sql


def test_the_key_of_stock_by_batch_has_the_batch() -> None:
    by_batch = CONFIG.model_copy(update={"stock_by_batch": True})
    assert key_of(SOURCES["stock"], by_batch) == ("cInvCode", "cWhCode", "cBatch")
    assert "GROUP BY x.cInvCode, x.cWhCode, x.cBatch" in window(
        SOURCES["stock"], schema(), SqlServer(), by_batch, Window(0, None, 9)
    ).sql  # fmt: skip


def test_the_first_rows_are_asked_for_in_each_systems_way() -> None:
    assert SqlServer().top("SELECT a FROM t ORDER BY a", 5) == "SELECT TOP (5) a FROM t ORDER BY a"
    assert PostgreSql().top("SELECT a FROM t ORDER BY a", 5) == "SELECT a FROM t ORDER BY a LIMIT 5"
    assert Sqlite().total("a") == "ROUND(SUM(a), 6)"


class Told:
    """A session that remembers what it was told and answers what it is given."""

    def __init__(self, dbms: str, answer: list[Any] | None = None) -> None:
        self.dbms = dbms
        self.said: list[tuple[str, tuple[Any, ...]]] = []
        self._answer = answer or []

    def run(self, sql: str, parameters: tuple[Any, ...] = ()) -> int:
        self.said.append((sql, parameters))
        return 1

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> Told:
        self.said.append((sql, parameters))
        return self

    def all(self) -> list[Any]:
        return self._answer


def test_ids_come_from_u8s_own_procedure() -> None:
    session: Any = Told("Microsoft SQL Server", [(1000000102, 1000000207)])
    assert SqlServer().take_ids(session, "001", "PuApp", 2) == (1000000102, 1000000207)
    ((sql, parameters),) = session.said
    assert "EXEC sp_GetId @RemoteId = N'00', @cAcc_Id = ?, @cVouchType = ?, @iAmount = ?" in sql
    assert "SET NOCOUNT ON" in sql
    assert parameters == ("001", "PuApp", 2)


def test_the_hub_gives_way_when_it_and_a_user_of_u8_wait_for_one_another() -> None:
    session: Any = Told("Microsoft SQL Server")
    greet(session)
    assert session.said == [("SET DEADLOCK_PRIORITY LOW", ())]
    other: Any = Told("PostgreSQL")
    greet(other)
    assert other.said == []


def test_a_database_that_u8_does_not_run_on_is_refused() -> None:
    session: Any = Told("Oracle")
    with pytest.raises(ConfigProblem, match="'Oracle' holds no U8"):
        dialect_of(session)


@pytest.mark.parametrize(
    ("text", "size", "fits"),
    [
        ("abc", 3, "abc"),
        ("轴承不足", 8, "轴承不足"),
        ("轴承不足", 7, "轴承不"),
        ("轴承a足", 6, "轴承a"),
        ("缺轴承 weft:0123", 12, "缺 weft:0123"),
        ("😀😀", 3, "😀😀"),
    ],
)
def test_a_varchar_of_a_chinese_collation_holds_bytes_of_gbk(text: str, size: int, fits: str) -> None:
    assert cut(text, size) == fits
