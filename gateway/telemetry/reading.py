"""How a connection did: figures over time, and what changed in the shape of what it sends."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from typing import Any

from sqlalchemy import Connection, select

from gateway import clock
from gateway.clock import HOUR, SECOND
from gateway.config.hub import Live
from gateway.telemetry.tables import BOUNDS_MS, BUCKETS, drift, span
from mappings import format_path

BY_MINUTE_UNTIL = 6 * HOUR
"""Longer times are told by hours."""
MOST = 200


def figures(conn: Connection, connection: str, since: int, until: int) -> dict[str, Any]:
    """By minute or hour, oldest first; spans in which nothing happened are left out. Times are microseconds UTC."""
    seconds = 60 if until - since <= BY_MINUTE_UNTIL else 3600
    first = since - since % (seconds * SECOND)
    query = select(span).where(span.c.connection_id == connection, span.c.seconds == seconds, span.c.at >= first,
                               span.c.at < until).order_by(span.c.at)  # fmt: skip
    rows = [row._mapping for row in conn.execute(query)]
    return {
        "span_s": seconds,
        "since": clock.rfc3339(first),
        "until": clock.rfc3339(until),
        "spans": [_told(r) for r in rows],
    }


def changes_of_shape(conn: Connection, live: Live) -> list[dict[str, Any]]:
    """The latest first, each with the fields of the mapping that read the path."""
    query = select(drift).where(drift.c.connection_id == live.id).order_by(drift.c.id.desc()).limit(MOST)
    return [
        {"at": clock.rfc3339(r.at), "stream": r.stream, "kind": r.kind, "path": r.path, "was": r.was,
         "now": r._mapping[drift.c.now], "concerns": _readers(live, r.stream, r.path)}
        for r in conn.execute(query)
    ]  # fmt: skip


def quantile(counts: MappingABC[str, int], share: float) -> int | None:
    """The bound (milliseconds) under which this share of the calls stayed; the last one when it was longer. None: no calls."""
    total = sum(counts[name] for name in BUCKETS)
    reached = 0
    for bound, name in zip((*BOUNDS_MS, BOUNDS_MS[-1]), BUCKETS, strict=True):
        reached += counts[name]
        if total and reached >= share * total:
            return bound
    return None


def _told(row: Any) -> dict[str, Any]:
    calls = row["calls"]
    return {
        "at": clock.rfc3339(row["at"]), "calls": calls, "failures": row["failures"], "received": row["received"],
        "read": row["read"], "dead": row["dead"], "mean_ms": round(row["took_us"] / calls / 1000, 1) if calls else None,
        "p50_ms": quantile(row, 0.5), "p95_ms": quantile(row, 0.95),
    }  # fmt: skip


def _readers(live: Live, stream: str, path: str) -> list[str]:
    mapping = live.mappings.get(stream)
    edges = () if mapping is None else mapping.edges
    return sorted({e.target_field for e in edges if _meets(re.sub(r"\[\d+\]", "[]", format_path(e.source_path)), path)})


def _meets(read: str, changed: str) -> bool:
    """Is one of them the other, or a part of it?"""
    longer, shorter = (read, changed) if len(read) > len(changed) else (changed, read)
    return longer == shorter or (longer.startswith(shorter) and longer[len(shorter)] in ".[")
