"""Whether the database can be reached, and everything that is read, and the ledger, is there for us."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import Health, MissingRight
from connectors.errors import AuthProblem, ConfigProblem
from connectors.manifest.paths import steps
from connectors.odbc import MissingObject
from connectors.sql.client import Database, Line
from connectors.sql.form import SqlSection, SqlStream
from connectors.sql.operations import DDL
from connectors.sql.values import renamed


def check(database: Database, section: SqlSection) -> Health:
    """Logs in and asks every stream for no rows. Changes nothing. Raises ConfigProblem for what is not there."""
    missing: list[MissingRight] = []
    with database.reading() as line:
        version = line.product
        for name, form in section.streams.items():
            missing += _stream(line, name, form)
        if any(not form.confirm for form in section.operations.values()):
            missing += _ledger(line, section)
    lacking = "; ".join(f"{right.right}, {right.needed_for}" for right in missing)
    return Health(
        ok=not missing,
        message=f"missing: {lacking}" if missing else "",
        remote_version=version,
        missing_rights=tuple(missing),
    )


def _stream(line: Line, name: str, form: SqlStream) -> Iterator[MissingRight]:
    try:
        columns, _ = line.rows(line.dialect.page(form.source, "1 = 0", "", 1))
    except AuthProblem as problem:
        yield MissingRight(
            right=f"SELECT on what stream {name} reads",
            needed_for=f"to read {name} ({problem})",
            grant_at="GRANT SELECT",
        )
        return
    except MissingObject as problem:
        raise ConfigProblem(f"stream {name}: {problem}", hint="check `table` or `select`") from problem
    wanted = [form.column_of(field) for field in (*form.key, *form.fields)]
    if form.deleted is not None:
        wanted.append(str(steps(form.deleted.path)[0]))
    there = renamed(columns, wanted)
    lacking = next((column for column in wanted if column not in there), None)
    if lacking:
        raise ConfigProblem(f"stream {name}: there is no column {lacking!r}", hint=f"there are: {', '.join(columns)}")


def _ledger(line: Line, section: SqlSection) -> Iterator[MissingRight]:
    try:
        line.rows(f"SELECT command, operation FROM {section.ledger} WHERE 1 = 0")  # noqa: S608 - a checked name
    except MissingObject:
        yield MissingRight(
            right=f"the table {section.ledger}",
            needed_for="to carry out every command once",
            grant_at=DDL.format(table=section.ledger),
        )
    except AuthProblem as problem:
        yield MissingRight(
            right=f"SELECT and INSERT on {section.ledger}",
            needed_for=f"to carry out every command once ({problem})",
            grant_at="GRANT SELECT, INSERT",
        )
