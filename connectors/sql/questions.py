"""Questions: a SELECT with bound values, answered by its first row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Answer, Ask, Question
from connectors.errors import BadRecord
from connectors.manifest import Shape
from connectors.manifest.templates import fill_text
from connectors.sql.client import Database
from connectors.sql.form import SqlQuestion
from connectors.sql.reading import record_of
from connectors.sql.statements import parse
from connectors.sql.values import renamed


def question(name: str, form: SqlQuestion) -> Question:
    """As the contract describes it."""
    return Question(name=name, needs=form.needs, title=form.title, title_zh=form.title_zh, record=form.record)


def answer(database: Database, form: SqlQuestion, ask: Ask, zone: str, now: datetime) -> Answer | None:
    """None: no row, or a row of nothing (the sum over no rows). Raises BadRecord for a missing input."""
    values: dict[str, Any] = {}
    for name in form.needs:
        value = ask.inputs.get(name)
        if value is None or value == "":
            raise BadRecord(f"the input {name} is missing", record=dict(ask.inputs))
        values[name] = value
    with database.reading(ask.deadline_s) as line:
        columns, rows = line.rows(parse(form.select), values, ask.deadline_s)
    if not rows or all(value is None for value in rows[0]):
        return None
    raw = record_of(renamed(columns, list(form.fields)), rows[0], ZoneInfo(zone))
    record = Shape(form.fields, (), zone=zone).record(raw)
    as_of = record.get(form.as_of) if form.as_of else None
    when = as_of if isinstance(as_of, datetime) and as_of.tzinfo is not None else now.astimezone(UTC)
    link = fill_text(form.link, {**ask.inputs, **record}) if form.link else ""
    return Answer(record, min(when, now.astimezone(UTC)), link=link, key=str(values[form.needs[0]]))
