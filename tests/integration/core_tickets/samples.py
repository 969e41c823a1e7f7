"""Drafts to open and counters to watch with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, event

from core_tickets import Command, Draft

NOW = 1_790_000_000_000_000
MINUTE = 60_000_000
_ids = count(10_002_026_000_001)


def draft(fingerprint: str | None = None, **fields: Any) -> Draft:
    plain: dict[str, Any] = {"kind": "incident", "priority": 2, "title": "CPU high", "actor": "rule cpu"}
    return Draft(**({"id": next(_ids)} | plain | {"fingerprint": fingerprint} | fields))


def command(ticket_id: int, action: str, expected_version: int | None = None, **args: Any) -> Command:
    return Command(ticket_id, action, args, actor="li.na", expected_version=expected_version)


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    engine: Engine = conn.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
