"""Figures as people ask for them: over days, by group, as known now, then, or at any moment; and the tickets behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, select

from core_tickets.figures import METRICS, Metric, Sum, Terms, day_of, days_between, span, summed, value, version
from core_tickets.figures.summing import keys
from gateway import clock
from gateway.errors import NotFound, Problem, Refused
from gateway.figures import computing
from gateway.figures.computing import Counted
from gateway.figures.keeping import NOW, THEN, unpacked
from gateway.figures.tables import figure_revision, figure_value
from mappings.suggestions import among

LIVE_DAYS = 31
MOST_DAYS = 1_000


@dataclass(frozen=True, slots=True)
class Series:
    """A figure over days. `days`: sums by group, of the days that are there; `missing`: those not computed (or without
    any event); `basis`: now, then or at."""

    metric: Metric
    version: str
    by: str
    basis: str
    days: Mapping[str, Mapping[str, Sum]]
    as_of: Mapping[str, int]
    missing: Sequence[str]

    def total(self) -> dict[str, Sum]:
        """All days together, by group."""
        return summed(self.days.values())


def refused(path: str, message: str, hint: str) -> Refused:
    """The error that says what to write instead."""
    return Refused(f"{path}: {message}; {hint}.", [Problem(path, message, hint)])


def metric_of(name: str) -> Metric:
    """Raises NotFound."""
    found = METRICS.get(name)
    if found is None:
        raise NotFound(f"There is no figure {name!r}; {among(name, sorted(METRICS))}.")
    return found


def series(
    conn: Connection, terms: Terms, name: str, first: str, last: str, *, by: str = "all", as_of: str | int = NOW
) -> Series:
    """A figure from one day to another, both included. `as_of`: `now` and `then` are kept; a moment is computed from the
    events, for at most 31 days. Raises NotFound, Refused."""
    metric = metric_of(name)
    if by not in metric.dimensions:
        raise refused("by", f"{name} is not counted by {by!r}", "write one of " + ", ".join(metric.dimensions))
    days = _days(first, last, MOST_DAYS if isinstance(as_of, str) else LIVE_DAYS)
    if isinstance(as_of, int):
        live = {day: computing.sums(conn, day, terms, [metric], [as_of + 1])[0][name] for day in days}
        counted = {day: groups.get(by, {}) for day, groups in live.items()}
        return Series(metric, version(metric, terms), by, "at", counted, dict.fromkeys(days, as_of), [])
    v, mine = figure_value.c, version(metric, terms)
    query = select(v.day, v.groups, v.as_of).where(
        v.metric == name, v.version == mine, v.day >= days[0], v.day <= days[-1], v.basis == as_of, v.dimension == by
    )
    rows = {row.day: row for row in conn.execute(query.order_by(v.day))}
    there = {day: unpacked(row.groups) for day, row in rows.items()}
    missing = [day for day in days if day not in rows]
    return Series(metric, mine, by, as_of, there, {day: row.as_of for day, row in rows.items()}, missing)


def _days(first: str, last: str, most: int) -> list[str]:
    for path, text in (("from", first), ("to", last)):
        try:
            date.fromisoformat(text)
        except ValueError:
            raise refused(path, f"{text!r} is no day", "write a day such as 2026-11-22") from None
    if not "1971" < first <= last < "2200" or len(days_between(first, last)) > most:
        hint = f"write at most {most} days, the earlier one first"
        raise refused("from", f"{first} to {last} cannot be answered", hint)
    return days_between(first, last)


def behind(
    conn: Connection, terms: Terms, name: str, day: str, *, now: int, as_of: str | int = NOW,
    groups: Mapping[str, str] | None = None,
) -> list[Counted]:  # fmt: skip
    """The facts that make the number of a day, in order of ticket: whose they are, what they add, and the entries they
    were read from. `groups`: only those of a person, group, kind, priority, stage ... Raises NotFound, Refused."""
    metric = metric_of(name)
    _days(day, day, 1)
    for dimension in groups or ():
        if dimension not in metric.dimensions:
            raise refused(dimension, f"{name} is not counted by it", "leave it out")
    _, end = span(day, terms.zone)
    moment = as_of + 1 if isinstance(as_of, int) else (min(end, now + 1) if as_of == THEN else now + 1)
    wanted = set((groups or {}).items())
    found = computing.facts(conn, day, terms, metric, moment)
    return [c for c in found if wanted <= set(keys(metric, c.fact, terms.zone))]


def revisions(conn: Connection, first: str, last: str, name: str | None = None) -> list[dict[str, Any]]:
    """What recomputations changed of days that were over, newest first; at most 1,000."""
    r = figure_revision.c
    query = select(figure_revision).where(r.day >= first, r.day <= last).order_by(r.id.desc()).limit(1000)
    if name is not None:
        query = query.where(r.metric == metric_of(name).name)
    return [
        {"at": clock.rfc3339(row.at), "day": row.day, "metric": row.metric, "version": row.version,
         "dimension": row.dimension, "key": row.key, "before": orjson.loads(row.before), "after": orjson.loads(row.after)}
        for row in conn.execute(query)
    ]  # fmt: skip


def shown(metric: Metric, one: Sum) -> dict[str, Any]:
    """A sum as the API shows it: the figure, and exactly what it is made of."""
    return {"value": value(metric, one), "numerator": Decimal(one.numerator), "denominator": one.denominator,
            "facts": one.facts}  # fmt: skip


def cells(found: Series) -> list[dict[str, Any]]:
    """The cells of a heat map: stage with weekday (1 Monday to 7) and hour, or with a group."""
    made = []
    for key, one in sorted(found.total().items()):
        stage, _, rest = key.partition("/")
        if found.by == "stage_hour":
            weekday, _, hour = rest.partition("/")
            place: dict[str, Any] = {"weekday": int(weekday), "hour": int(hour)}
        else:
            place = {"group": rest}
        made.append({"stage": stage, **place, **shown(found.metric, one)})
    return made


def days_before(day: str, n: int) -> str:
    """The day so many days before. A text that is no day comes back as it is, to be refused where it is read."""
    try:
        return (date.fromisoformat(day) - timedelta(days=n)).isoformat()
    except (ValueError, OverflowError):
        return day


def today(terms: Terms, now: int) -> str:
    """The day that runs."""
    return day_of(now, terms.zone)
