"""The migrations make exactly the schema that the program's tables describe, on both databases."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from gateway.database import metadatas, migrate, newest_revision, open_engine, require_current
from gateway.errors import SchemaMismatch


@pytest.fixture
def fresh(database_url: str) -> Iterator[Engine]:
    """An engine as the hub opens it, on an empty database."""
    made = open_engine(database_url)
    yield made
    made.dispose()


def _schema(engine: Engine) -> dict[str, Any]:
    """Everything the database knows of its tables and indexes but alembic's own, in words that can be compared."""
    with engine.connect() as conn:
        if engine.dialect.name == "sqlite":
            found = conn.execute(
                text("SELECT type || ' ' || name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
            )
            return {name: _words(sql) for name, sql in found if "alembic" not in name}
        tables = conn.execute(text(
            "SELECT c.relname, c.relkind::text, c.reloptions::text, "
            "(SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull "
            " || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || coalesce(l.collname, ''), ', ' "
            " ORDER BY a.attname) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
            " LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE a.attrelid = c.oid AND a.attnum > 0), "
            "(SELECT string_agg(pg_get_constraintdef(k.oid), '; ' ORDER BY k.contype, pg_get_constraintdef(k.oid)) "
            " FROM pg_constraint k WHERE k.conrelid = c.oid), "
            "CASE WHEN c.relkind = 'i' THEN pg_get_indexdef(c.oid) END, obj_description(c.oid) "
            "FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'alembic%'"
        ))  # fmt: skip
        return {row[0]: tuple(row[1:]) for row in tables}


def _words(sql: str | None) -> list[str]:
    """The statement's clauses in no order, so that the order of columns and constraints does not count."""
    flat = re.sub(r"\s+", " ", sql or "").replace("'0'", "0").replace('"', "")
    return sorted(part.strip() for part in re.split(r",(?![^(]*\))|(?<=[\w\"]) \(", flat))


def test_the_migrations_and_the_tables_are_one_schema(fresh: Engine, database_url: str) -> None:
    migrate(fresh)
    migrated = _schema(fresh)
    with fresh.connect() as conn:
        for table in [t for t in inspect(conn).get_table_names() if t != "alembic_version"]:
            conn.execute(text(f'DROP TABLE "{table}"'))
        conn.commit()
    for metadata in metadatas():
        metadata.create_all(fresh)
    described = _schema(fresh)
    assert migrated.keys() == described.keys()
    assert {name: (told, described[name]) for name, told in migrated.items() if told != described[name]} == {}


def test_alembic_finds_nothing_to_add(fresh: Engine) -> None:
    migrate(fresh)
    with fresh.connect() as conn:
        exact = conn.dialect.name == "postgresql"
        # on SQLite alembic takes every '' for a change, and misses the index that is PostgreSQL's alone
        opts = {"compare_type": True, "compare_server_default": exact,
                "include_object": lambda _, name, *__: exact or name != "lineage_prov_at"}  # fmt: skip
        context = MigrationContext.configure(conn, opts=opts)
        assert compare_metadata(context, metadatas()) == []  # type: ignore[arg-type]


def test_a_hub_refuses_a_database_without_its_schema_and_names_the_command(fresh: Engine) -> None:
    with pytest.raises(SchemaMismatch, match="Run: weft migrate"):
        require_current(fresh)
    assert migrate(fresh) == (None, newest_revision())
    assert migrate(fresh) == (newest_revision(), newest_revision())
    require_current(fresh)


def test_a_hub_refuses_a_newer_schema(fresh: Engine) -> None:
    migrate(fresh)
    with fresh.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match="newer than this program"):
        require_current(fresh)


def test_an_older_schema_is_refused_with_the_command_that_mends_it(fresh: Engine) -> None:
    migrate(fresh)
    with fresh.begin() as conn:
        conn.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(SchemaMismatch, match="weft migrate"):
        require_current(fresh)


def test_two_migrations_at_once_make_one_schema(database_url: str) -> None:
    code = (
        "import sys; from gateway.database import *; migrate(open_engine(sys.argv[1]))"  # alembic knows one a process
    )
    running = [subprocess.Popen([sys.executable, "-c", code, database_url], stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate(timeout=120)[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    engine = open_engine(database_url)
    require_current(engine)
    engine.dispose()
