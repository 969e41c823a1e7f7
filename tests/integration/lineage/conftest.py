"""A database with the tables of lineage, and one ticket written from one alert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from lineage import Fact, SourceRead, Write, land, metadata, plan, record, run_plan
from tests.unit.lineage.samples import ALERT, INCIDENT, alert

NOW = 1_795_341_600_000_000
TICKET = 12_026_000_000_001
DEVICE = 32_026_000_000_007
FACTS: dict[str, Any] = {
    "ids.device": Fact("DEV-2026-000007", "registry", xref=("device", "am-main", "press-1:9100")),
    "hub.now": datetime(2026, 11, 22, tzinfo=UTC),
    "hub.threshold": 80,
}


@pytest.fixture
def db(engine: Engine) -> Engine:
    metadata.create_all(engine, checkfirst=False)
    return engine


def values_of(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: fact.value if isinstance(fact, Fact) else fact for name, fact in facts.items()}


def open_ticket(
    conn: Connection,
    rec: int = TICKET,
    number: int = 1,
    *,
    at: int = NOW,
    fields: Sequence[str] | None = None,
    facts: dict[str, Any] = FACTS,
    run: int | None = None,
) -> dict[str, Any]:
    """Land an alert and record the ticket that came of it, as the hub does; returns the ticket's values."""
    made = plan(conn, (ALERT, INCIDENT))
    (source,) = land(conn, [SourceRead("am-main/alert", f"{number:016x}", alert(number), at)], run=run)
    values = run_plan(made, alert(number), values_of(facts))
    names = tuple(values if fields is None else fields)
    record(conn, [Write(rec, made, names, (source,), facts, "rule:incident", at)], run=run)
    return {name: values[name] for name in names}


def stored(values: dict[int, dict[str, Any]]) -> Callable[[Connection, Sequence[int]], dict[int, dict[str, Any]]]:
    """What verify() reads the records' present values with."""
    return lambda _conn, ids: {rec: values[rec] for rec in ids if rec in values}
