"""The sums of each day, kept: a worker takes new entries in, then computes the days that are due, the latest first.

A day is due when something happened that may change it, while it is not over, once more when it is over, and when a formula
has a new version; and at most so often that computing costs little. Sums are a function of the events, so it does not
matter who computes how often: the same comes out, or what changed of a day that was over is written down.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, insert, or_, select, update

from core_tickets.figures import METRICS, Metric, Sum, Terms, day_of, span, version
from gateway import clock
from gateway.figures import computing, indexing
from gateway.figures.tables import figure_day, figure_revision, figure_value
from gateway.policies.figures import KIND, Figures
from gateway.service import Gateway

EVERY_NOW = clock.MINUTE
EVERY_PAST = clock.HOUR
SHARE_NOW, SHARE_PAST = 20, 200
"""A day is computed anew at the earliest after so many times what it cost."""
BUSY = 20_000
"""A day with more tickets than that is computed when it is over."""
PAGES = 8
BUDGET_S = 5.0
THEN, NOW = "then", "now"


class Revision(NamedTuple):
    """What a recomputation changed of a day that was over, as known when it ended."""

    day: str
    metric: str
    version: str
    dimension: str
    key: str
    before: list[Any]
    after: list[Any]


@dataclass(frozen=True, slots=True)
class Computed:
    """One day: the rows that are kept, and when the events were read."""

    day: str
    rows: Sequence[Mapping[str, Any]]
    at: int
    cost_us: int


def tick(gateway: Gateway, now: int) -> int:
    """Take in what is new and compute what is due, for some seconds at most; answers how much was done."""
    policy = KIND.of(gateway.hub.policies)
    terms = policy.terms
    took = 0
    for _ in range(PAGES):
        n = gateway.transact(lambda conn: indexing.index(conn, terms, now))
        took += n
        if n < indexing.PAGE:
            break
    if took == PAGES * indexing.PAGE:
        return took  # the history is taken in first: a day computed meanwhile would be computed again
    gateway.transact(lambda conn: indexing.mark_answers(conn, terms, now))
    with gateway.reading() as conn:
        days = due(conn, policy, now)
    end = time.monotonic() + BUDGET_S
    for day in days:
        refresh(gateway, policy, day, now)
        took += 1
        if time.monotonic() > end:
            break
    return took


def due(conn: Connection, policy: Figures, now: int) -> list[str]:
    """The days to be computed, the latest first."""
    d, today = figure_day.c, day_of(now, policy.terms.zone)
    oldest = (date.fromisoformat(today) - timedelta(days=policy.history_days)).isoformat()
    wanted = or_(d.marked > d.done, d.versions != together(policy.terms), d.computed_at < d.over_at)
    query = select(figure_day).where(d.day <= today, d.day >= oldest, wanted).order_by(d.day.desc())
    found = [row for row in conn.execute(query) if _is_due(row, policy.terms, now)]
    return [row.day for row in found if row.over_at <= now or indexing.size(conn, row.day) <= BUSY]


def _is_due(row: Any, terms: Terms, now: int) -> bool:
    if row.computed_at == 0 or row.versions != together(terms) or row.computed_at < row.over_at <= now:
        return True
    running = now < row.over_at
    wait = max(EVERY_NOW, SHARE_NOW * row.cost_us) if running else max(EVERY_PAST, SHARE_PAST * row.cost_us)
    return bool((running or row.marked > row.done) and now >= row.computed_at + wait)


def together(terms: Terms) -> str:
    """One hash for the versions of all metrics."""
    versions = "".join(version(metric, terms) for metric in METRICS.values())
    return hashlib.sha256(versions.encode()).hexdigest()


def refresh(gateway: Gateway, policy: Figures, day: str, now: int) -> list[Revision]:
    """Compute a day and keep it; what that changed of a day that was over. Whoever was faster wins, with the same sums."""
    d = figure_day.c
    with gateway.reading() as conn:
        known = conn.execute(select(figure_day).where(d.day == day)).first()
        computed = compute(conn, policy.terms, day, now)

    def keep(conn: Connection) -> list[Revision]:
        if known is None:
            indexing.mark_days(conn, [day], policy.terms.zone)
        mine = update(figure_day).where(d.day == day, d.computed_at == (known.computed_at if known else 0))
        done = {"done": known.marked if known else 0, "computed_at": computed.at, "cost_us": computed.cost_us}
        if conn.execute(mine.values(**done, versions=together(policy.terms))).rowcount == 0:
            return []
        return store(conn, computed, policy.terms)

    return gateway.transact(keep)


def compute(conn: Connection, terms: Terms, day: str, now: int) -> Computed:
    """The sums of a day: as known now, and, when it is over, as known when it ended."""
    began = time.thread_time_ns()
    metrics, end = list(METRICS.values()), span(day, terms.zone)[1]
    over = now >= end + indexing.LATE
    found = computing.sums(conn, day, terms, metrics, [now + 1, end] if over else [now + 1])
    rows = _rows(metrics, terms, day, NOW, found[0], now)
    if over:
        rows += _rows(metrics, terms, day, THEN, found[1], end)
    return Computed(day, rows, now, (time.thread_time_ns() - began) // 1000)


def _rows(
    metrics: Iterable[Metric], terms: Terms, day: str, basis: str, sums: Mapping[str, Any], as_of: int
) -> list[dict[str, Any]]:
    return [
        {"metric": metric.name, "version": version(metric, terms), "day": day, "basis": basis, "dimension": dimension,
         "groups": packed(sums[metric.name].get(dimension, {})), "as_of": as_of}
        for metric in metrics
        for dimension in metric.dimensions
    ]  # fmt: skip


def store(conn: Connection, computed: Computed, terms: Terms) -> list[Revision]:
    """Put the sums of a day in the place of those that were there, and write down what changed of what was settled."""
    v = figure_value.c
    versions = {version(metric, terms) for metric in METRICS.values()}
    held = {
        (r.metric, r.version, r.dimension): r.groups
        for r in conn.execute(select(figure_value).where(v.day == computed.day, v.basis == THEN))
    }
    changed = [
        revision
        for row in computed.rows
        if row["basis"] == THEN and (row["metric"], row["version"], row["dimension"]) in held
        for revision in _changed(row, held[row["metric"], row["version"], row["dimension"]])
    ]
    conn.execute(delete(figure_value).where(v.day == computed.day, v.version.in_(versions)))
    conn.execute(insert(figure_value), list(computed.rows))
    if changed:
        told = [
            {**r._asdict(), "at": computed.at, "before": orjson.dumps(r.before).decode(),
             "after": orjson.dumps(r.after).decode()}
            for r in changed
        ]  # fmt: skip
        conn.execute(insert(figure_revision), told)
    return changed


def _changed(row: Mapping[str, Any], held: str) -> list[Revision]:
    if row["groups"] == held:
        return []
    before, after = orjson.loads(held), orjson.loads(row["groups"])
    none = [0, 0, 0]
    return [
        Revision(row["day"], row["metric"], row["version"], row["dimension"], key, before.get(key, none),
                 after.get(key, none))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]  # fmt: skip


def packed(groups: Mapping[str, Sum]) -> str:
    """Sums as they are kept: the same sums always as the same text."""
    shown = {key: [n if isinstance(n, int) else format(n, "f"), d, f] for key, (n, d, f) in groups.items()}
    return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS).decode()


def unpacked(text: str) -> dict[str, Sum]:
    """Kept sums, exactly."""
    return {key: Sum(n if isinstance(n, int) else Decimal(n), d, f) for key, (n, d, f) in orjson.loads(text).items()}
