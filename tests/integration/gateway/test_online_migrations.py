"""Migrations beside a hub at work: first what adds, later what takes away, and nobody waits long for a lock."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from gateway import database
from gateway.database import (
    MIGRATIONS,
    alembic_config,
    fits,
    migrate,
    newest_revision,
    open_engine,
    phase_of,
    sufficient_revision,
)

LARGE = (
    "delivery",
    "message",
    "ticket_event",
    "outbox",
    "lineage_landing",
    "lineage_prov",
    "lineage_block",
    "sync_row",
)
TAKES_AWAY = ("drop_table", "drop_column", "drop_constraint", "rename_table", "alter_column")
BEFORE_THE_RULE = {"0002", "0003"}
"""Of the first schema's making, when no hub was at work yet."""

_FILES = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade_of(file: Path) -> tuple[str, str, ast.FunctionDef]:
    """Revision, phase and the function `upgrade` of a migration."""
    tree = ast.parse(file.read_text("utf-8"))
    told = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    return str(told["revision"]), str(told.get("phase", "pre")), upgrade


def calls(function: ast.FunctionDef) -> Iterator[tuple[str, ast.Call]]:
    """What is called on `op`."""
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            yield f"{node.func.value.id}.{node.func.attr}".removeprefix("op."), node


def objections(file: Path) -> list[str]:
    """Why a migration may not run beside the program before it."""
    _, phase, upgrade = upgrade_of(file)
    found = []
    for name, call in calls(upgrade):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        second = call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) else None
        if phase == "pre" and name in TAKES_AWAY:
            found.append(f"{name} takes away: put it into a migration of phase 'post', one release later")
        if phase == "pre" and name == "execute":
            found.append("it changes rows: do that in slices from the program, or in phase 'post'")
        if name == "create_index" and second in LARGE and "postgresql_concurrently" not in given:
            found.append(f"an index on {second} is built with postgresql_concurrently, in an autocommit_block")
        if name == "add_column" and len(call.args) > 1 and isinstance(call.args[1], ast.Call):
            column = {keyword.arg: keyword.value for keyword in call.args[1].keywords}
            nullable = column.get("nullable")
            required = isinstance(nullable, ast.Constant) and nullable.value is False
            if required and "server_default" not in column:
                found.append(
                    f"{first!r}: a column that may not be NULL needs a server_default, or old programs can't insert"
                )
    return found


def test_every_migration_may_run_beside_the_program_before_it() -> None:
    refused = {}
    for file in _FILES:
        revision, _, _ = upgrade_of(file)
        found = objections(file)
        if found and revision not in BEFORE_THE_RULE and revision != "0001":
            refused[file.name] = found
    assert refused == {}


@pytest.mark.parametrize(
    ("body", "objection"),
    [
        ('op.drop_column("ticket", "site")', "takes away"),
        ('op.alter_column("ticket", "site", nullable=False)', "takes away"),
        ("op.execute(\"UPDATE ticket SET site = ''\")", "changes rows"),
        ('op.create_index("i", "delivery", ["topic"])', "concurrently"),
        ('op.add_column("ticket", sa.Column("site", sa.Text(), nullable=False))', "server_default"),
    ],
)
def test_the_rule_finds_what_it_is_for(tmp_path: Path, body: str, objection: str) -> None:
    file = tmp_path / "9999_bad.py"
    file.write_text(f'revision = "9999"\nphase = "pre"\n\ndef upgrade():\n    {body}\n', "utf-8")
    (found,) = objections(file)
    assert objection in found


def test_a_program_runs_on_the_additive_schema_and_on_the_newest(postgres_database: str) -> None:
    engine = open_engine(postgres_database)
    migrate(engine, additive=True)
    assert database.current_revision(engine) == sufficient_revision()
    assert fits(sufficient_revision())
    assert fits(newest_revision())
    assert not fits("0001")
    assert not fits(None)
    migrate(engine)
    assert migrate(engine, additive=True)[1] == newest_revision(), "never back"
    engine.dispose()


def test_what_only_takes_away_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    last = newest_revision()
    monkeypatch.setattr(database, "phase_of", lambda script: "post" if script.revision == last else phase_of(script))
    assert sufficient_revision() < last
    assert fits(sufficient_revision())
    assert fits(last)


def test_a_migration_does_not_keep_others_waiting_behind_the_lock_it_waits_for(postgres_database: str) -> None:
    engine = open_engine(postgres_database)
    command.upgrade(alembic_config(engine), "0012")  # the next one adds a column to `delivery`
    with engine.begin() as held:
        held.execute(text("SELECT count(*) FROM delivery"))  # a long report holds the table
        migrating = threading.Thread(target=migrate, args=(engine,))
        migrating.start()
        with engine.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '10s'; SELECT 1"))
            other.execute(text("SELECT count(*) FROM delivery"))
    migrating.join(60)
    assert database.current_revision(engine) == newest_revision()
    engine.dispose()
