"""Which tables and columns this U8 has: asked once for each database, so that an older version is named, not tripped over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.errors import ConfigProblem
from connectors.odbc import MissingObject, Session
from connectors.u8.dialects import Dialect, dialect_of
from connectors.u8.tables import SOURCES, Source

WRITTEN = ("PU_AppVouch", "PU_AppVouchs", "VoucherHistory", "gl_mend")
_OTHERS = ("UA_Period", "UA_Account", "UA_AccountDatabase")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column as the database has it: its type's name, and its length (None: none, or not told)."""

    type: str
    length: int | None


class Schema:
    """The tables and columns that the login can see in one database; names in any case."""

    def __init__(self, database: str, tables: dict[str, dict[str, ColumnType]]) -> None:
        self.database = database
        self._tables = tables

    def has(self, table: str, column: str = "") -> bool:
        columns = self._tables.get(table.lower())
        return columns is not None and (not column or column.lower() in columns)

    def column(self, table: str, column: str) -> ColumnType | None:
        return self._tables.get(table.lower(), {}).get(column.lower())

    def lacking(self, source: Source) -> list[str]:
        """The tables (`PO_Pomain`) and columns (`PO_Pomain.cPOID`) without which this stream can't be read."""
        optional = {join.alias for join in source.joins if join.optional}
        tables = {alias: table for alias, table in source.tables.items() if alias not in optional}
        missing = [table for table in tables.values() if not self.has(table)]
        needed = [(c.alias, c.column) for c in source.columns if c.required] + list(source.versions)
        for alias, column in needed:
            table = tables.get(alias)
            if table is not None and self.has(table) and not self.has(table, column):
                missing.append(f"{table}.{column}")
        return list(dict.fromkeys(missing))

    def require(self, source: Source) -> None:
        """:raises MissingObject: this stream can't be read here; names every table and column that is missing."""
        self.need(self.lacking(source), f"the stream {source.name}")

    def need(self, missing: list[str], purpose: str) -> None:
        """:raises MissingObject: something is missing."""
        if missing:
            raise MissingObject(
                f"{self.database} does not have {', '.join(missing)}, which {purpose} needs.",
                name=missing[0],
                hint="another version of U8 or no U8 database at all, or the login may not see it: grant SELECT on it",
            )


def probe(session: Session) -> Schema:
    """What the login can see in the session's database."""
    dialect: Dialect = dialect_of(session)
    wanted = sorted({table.lower() for table in _all_tables()})
    found: dict[str, dict[str, ColumnType]] = {}
    statement = dialect.columns.format(", ".join("?" * len(wanted)))
    for table, column, kind, length in session.query(statement, wanted).all():
        size = int(length) if length is not None and int(length) > 0 else None
        found.setdefault(str(table).lower(), {})[str(column).lower()] = ColumnType(str(kind).lower(), size)
    if not found:
        raise ConfigProblem(
            f"{session.database} holds no U8 table that the login can see.",
            hint="check `account` or `database`, and that the login has SELECT there (db_datareader is enough)",
        )
    return Schema(session.database, found)


def _all_tables() -> Iterable[str]:
    for source in SOURCES.values():
        yield from source.tables.values()
    yield from (*WRITTEN, *_OTHERS)
