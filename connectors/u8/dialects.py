"""Where the database systems differ. U8 runs on SQL Server; the others are stand-ins with the same tables.

Names stand unquoted in all statements: SQL Server compares them without case, PostgreSQL keeps them in lower case.
"""

from __future__ import annotations

from typing import Protocol

from connectors.errors import ConfigProblem
from connectors.odbc import Session

_BY_PROCEDURE = """
SET NOCOUNT ON;
DECLARE @head int, @line int;
EXEC sp_GetId @RemoteId = N'00', @cAcc_Id = ?, @cVouchType = ?, @iAmount = ?, @iFatherId = @head OUTPUT, @iChildId = @line OUTPUT;
SELECT @head, @line"""


class Dialect(Protocol):
    """What must be said differently. `greeting`: what a new connection is told first, if anything; `columns`: a query
    of (table, column, type, length) with one place for the list of tables; `mark`: a query of the newest row version
    that no open transaction can still undercut."""

    greeting: str
    columns: str
    mark: str

    def top(self, select: str, count: int) -> str:
        """The same SELECT, at most so many rows."""
        ...

    def total(self, expression: str) -> str:
        """The exact sum of a quantity."""
        ...

    def take_ids(self, session: Session, account: str, kind: str, lines: int) -> tuple[int, int]:
        """Numbers for a document of so many lines, from U8's own counter: the head's, and the last line's."""
        ...


class SqlServer:
    greeting = "SET DEADLOCK_PRIORITY LOW"  # should the hub and a user of U8 wait for one another, the hub gives way
    columns = (
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH FROM INFORMATION_SCHEMA.COLUMNS"
        " WHERE LOWER(TABLE_NAME) IN ({})"
    )
    mark = "SELECT CAST(MIN_ACTIVE_ROWVERSION() AS BIGINT) - 1"

    def top(self, select: str, count: int) -> str:
        return select.replace("SELECT ", f"SELECT TOP ({count}) ", 1)

    def total(self, expression: str) -> str:
        return f"SUM({expression})"

    def take_ids(self, session: Session, account: str, kind: str, lines: int) -> tuple[int, int]:
        head, line = session.query(_BY_PROCEDURE, (account, kind, lines)).all()[0]
        return int(head), int(line)


class PostgreSql(SqlServer):
    greeting = ""

    def top(self, select: str, count: int) -> str:
        return f"{select} LIMIT {count}"

    def take_ids(self, session: Session, account: str, kind: str, lines: int) -> tuple[int, int]:
        head, line = session.query("SELECT head, line FROM sp_GetId('00', ?, ?, ?)", (account, kind, lines)).all()[0]
        return int(head), int(line)


class Sqlite(PostgreSql):
    columns = (
        "SELECT m.name, p.name, p.type, NULL FROM sqlite_master m JOIN pragma_table_info(m.name) p"
        " WHERE LOWER(m.name) IN ({})"
    )
    mark = "SELECT value - 1 FROM min_active_rowversion"

    def total(self, expression: str) -> str:
        return f"ROUND(SUM({expression}), 6)"

    def take_ids(self, session: Session, account: str, kind: str, lines: int) -> tuple[int, int]:
        session.run(
            "UPDATE UA_Identity SET iFatherId = iFatherId + 1, iChildId = iChildId + ? WHERE cAcc_Id = ? AND cVouchType = ?",
            (lines, account, kind),
        )
        select = "SELECT iFatherId, iChildId FROM UA_Identity WHERE cAcc_Id = ? AND cVouchType = ?"
        head, line = session.query(select, (account, kind)).all()[0]
        return 1_000_000_000 + int(head), 1_000_000_000 + int(line)


_DIALECTS: dict[str, Dialect] = {"microsoft sql server": SqlServer(), "postgresql": PostgreSql(), "sqlite": Sqlite()}


def greet(session: Session) -> None:
    """What a new connection is told before anything else."""
    if greeting := dialect_of(session).greeting:
        session.run(greeting)


def dialect_of(session: Session) -> Dialect:
    """:raises ConfigProblem: it is a database system that U8 does not run on."""
    found = _DIALECTS.get(session.dbms.lower())
    if found is None:
        raise ConfigProblem(f"{session.dbms!r} holds no U8 database: it runs on Microsoft SQL Server.")
    return found
