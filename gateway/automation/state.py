"""Signals and storms of one transaction: loaded once (locked on PostgreSQL), written back once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, Table, select

from core_tickets.batch import among
from gateway import rows, tables
from gateway.automation.signals import Signal
from gateway.automation.storms import StormState

_SIGNAL = ("key", "connection_id", "rule", "status", "episode", "started_at", "ended_at", "seen_at", "ticket_id", "flips",
           "settle_at", "folded")  # fmt: skip
_STORM = ("key", "minutes", "ticket_id", "folded")


def _select(conn: Connection, table: Table, names: tuple[str, ...], keys: Iterable[str]) -> list[Any]:
    """Rows of these keys, locked in the order of their keys so that two gateways cannot lock each other out."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    query = select(*(table.c[n] for n in names)).where(among(conn, table.c.key, wanted))
    return list(conn.execute(query.order_by(table.c.key).with_for_update()).all())


def load_signals(conn: Connection, keys: Iterable[str]) -> dict[str, Signal]:
    """The stored signals among these keys."""
    return {
        r.key: Signal(r.key, r.connection_id, r.rule, r.status, r.episode, r.started_at, r.ended_at, r.seen_at, r.ticket_id,
                      orjson.loads(r.flips), r.settle_at, bool(r.folded), stored=True, changed=False)
        for r in _select(conn, tables.signal, _SIGNAL, keys)
    }  # fmt: skip


def load_storms(conn: Connection, keys: Iterable[str]) -> dict[str, StormState]:
    """The stored storms among these keys."""
    return {
        r.key: StormState(r.key, [(m, n) for m, n in orjson.loads(r.minutes)], r.ticket_id, r.folded, stored=True)
        for r in _select(conn, tables.storm, _STORM, keys)
    }


def save_signals(conn: Connection, signals: Iterable[Signal]) -> None:
    changed = sorted((s for s in signals if s.changed), key=lambda s: s.key)
    values = [
        (s.key, s.connection_id, s.rule, s.status, s.episode, s.started_at, s.ended_at, s.seen_at, s.ticket_id,
         orjson.dumps(s.flips).decode(), s.settle_at, s.folded)
        for s in changed
    ]  # fmt: skip
    _save(conn, tables.signal, _SIGNAL, [v for v, s in zip(values, changed, strict=True) if not s.stored],
          [v for v, s in zip(values, changed, strict=True) if s.stored])  # fmt: skip


def save_storms(conn: Connection, storms: Iterable[StormState]) -> None:
    changed = sorted((s for s in storms if s.changed), key=lambda s: s.key)
    values = [(s.key, orjson.dumps(s.minutes).decode(), s.ticket_id, s.folded) for s in changed]
    _save(conn, tables.storm, _STORM, [v for v, s in zip(values, changed, strict=True) if not s.stored],
          [v for v, s in zip(values, changed, strict=True) if s.stored])  # fmt: skip


def _save(
    conn: Connection, table: Table, names: tuple[str, ...], new: list[tuple[Any, ...]], old: list[tuple[Any, ...]]
) -> None:
    """New rows are inserted and never overwrite: two gateways that saw the same signal first must meet, and one retries."""
    rows.insert(conn, table, names, new)
    rows.upsert(conn, table, names, old)
