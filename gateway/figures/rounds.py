"""What a worker does for figures, and what a scrape sees of them."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, func, select

from core_tickets.figures import METRICS, day_of, value, version
from gateway import metrics
from gateway.config.hub import Hub
from gateway.figures import keeping, thresholds
from gateway.figures.tables import figure_day, figure_value
from gateway.policies.figures import KIND
from gateway.service import Gateway


def run(gateway: Gateway, now: int) -> int:
    """Keep the days, then look at the limits; answers how much was done."""
    return keeping.tick(gateway, now) + thresholds.watch(gateway, now)


def gauge(conn: Connection, hub: Hub, now: int) -> None:
    """Set the gauges: every figure of yesterday, the last day that is over, and how far the days are behind."""
    terms = KIND.of(hub.policies).terms
    yesterday = (date.fromisoformat(day_of(now, terms.zone)) - timedelta(days=1)).isoformat()
    v, d = figure_value.c, figure_day.c
    query = select(v.metric, v.version, v.groups).where(
        v.day == yesterday, v.basis == keeping.THEN, v.dimension == "all"
    )
    rows = {(row.metric, row.version): row.groups for row in conn.execute(query)}
    for name, metric in METRICS.items():
        held = keeping.unpacked(rows.get((name, version(metric, terms)), "{}"))
        figure = value(metric, held[""]) if "" in held else None
        metrics.FIGURE.labels(name).set(float("nan") if figure is None else float(figure))
    waiting = select(func.count()).where(d.marked > d.done, d.day <= day_of(now, terms.zone))
    metrics.FIGURE_DAYS.set(conn.execute(waiting).scalar() or 0)
