"""Several workers on one PostgreSQL: what one has claimed the others pass by, and nobody waits for anybody."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

import gateway
from gateway import tables
from gateway.bridge import outbox
from gateway.context import snapshot
from gateway.database import open_engine
from tests.acceptance.test_races import open_gateways

NOW = 1_795_300_000_000_000
ROWS = 20
ROOM = Path(gateway.__file__).parent

WAITING_IS_RIGHT = {
    "api/", "automation/readings.py", "automation/state.py", "automation/watching.py", "bridge/echoes.py",
    "bridge/merging.py", "bridge/outbox.py", "collaboration/requirements.py", "config/", "context/snapshot.py",
    "escalation/versions.py", "ids/", "leases.py", "learning/proposals.py", "storm/announcements.py", "storm/backfill.py",
    "studio/", "sync/store.py", "usecases/",
}  # fmt: skip
"""Rows that are locked because this very one is to be changed, now, by whoever asked: they wait for one another."""


def rows_of(**values: Any) -> list[dict[str, Any]]:
    return [{name: each(n) if callable(each) else each for name, each in values.items()} for n in range(ROWS)]


@pytest.fixture
def filled(tmp_path: Path, migrated_postgres: str) -> str:
    """A database in which there is something to do of every kind."""
    gateways = open_gateways(tmp_path, migrated_postgres, 1)
    with gateways[0].transaction() as conn:
        conn.execute(insert(tables.outbox), rows_of(
            id=lambda n: n + 1, ticket_id=lambda n: n, connection_id="c", bridge="b",
            cause=lambda n: f"cause {n}", op="note", key="{}", body="{}", state="waiting", next_at=0, created_at=0,
        ))  # fmt: skip
        conn.execute(insert(tables.context_section), rows_of(
            ticket_id=lambda n: n, name="s", connection_id="c", question="q", inputs="{}",
            status="pending", asked_at=0, next_at=0,
        ))  # fmt: skip
        conn.execute(insert(tables.context_job), rows_of(ticket_id=lambda n: n, at=0))
    for each in gateways:
        each.close()
    return migrated_postgres


def sections(conn: Connection) -> set[Any]:
    return {section.ticket_id for section in snapshot.claim(conn, NOW, ROWS // 2)}


def commands(conn: Connection) -> set[Any]:
    return {claimed.id for claimed in outbox.claim(conn, NOW, ROWS // 2)}


@pytest.mark.parametrize("claim", [commands, sections])
def test_two_workers_claim_at_once_and_never_the_same(filled: str, claim: Callable[[Connection], set[Any]]) -> None:
    engine = open_engine(filled)
    with engine.begin() as one, engine.begin() as other:
        for conn in (one, other):
            conn.execute(text("SET LOCAL lock_timeout = '2s'"))
        first, second = claim(one), claim(other)
        assert len(first) == len(second) == ROWS // 2
        assert not first & second
    engine.dispose()


def test_a_claim_that_was_rolled_back_is_free_again(filled: str) -> None:
    engine = open_engine(filled)
    with engine.connect() as conn:
        first = commands(conn)
        conn.rollback()
        assert commands(conn) == first
    engine.dispose()


def locks() -> Iterator[tuple[str, int, bool]]:
    """Each place where rows are locked, and whether those of others are skipped."""
    for file in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "with_for_update":
                skips = any(keyword.arg == "skip_locked" for keyword in node.keywords)
                yield str(file.relative_to(ROOM)), node.lineno, skips


def test_whoever_looks_for_work_skips_what_others_are_at() -> None:
    waits = [f"{file}:{line}" for file, line, skips in locks() if not skips]
    assert [each for each in waits if not each.startswith(tuple(WAITING_IS_RIGHT))] == []
    claims = {file for file, _, skips in locks() if skips}
    assert {
        "automation/timers.py", "automation/checks.py", "bridge/outbox.py", "collaboration/reminders.py",
        "context/snapshot.py", "escalation/firing.py", "notify/sending.py", "notify/settling.py", "notify/telling.py",
        "storm/events.py", "stuck/asking.py",
    } <= claims  # fmt: skip
