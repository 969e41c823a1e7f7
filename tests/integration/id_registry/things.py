"""Names that the tests of the registry share."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from id_registry import Key, resolve
from id_registry.tables import merge_event, redirect

NOW = 1_790_000_000_000_000  # 2026-09-21
DAY = 24 * 3600 * 1_000_000


def customers(n: int, system: str = "crm") -> list[Key]:
    return [Key("customer", system, f"C-{i:05}") for i in range(n)]


def born(conn: Connection, n: int, system: str = "crm") -> list[int]:
    """Gids of `n` customers, in the order of their births, each a microsecond after the one before."""
    return [resolve(conn, [key], NOW + i)[key] for i, key in enumerate(customers(n, system))]


def components_by_the_events(conn: Connection, gids: Sequence[int]) -> dict[int, int]:
    """Each gid to the lowest of its component, by a union-find from scratch over the merges that are not undone."""
    parent = {gid: gid for gid in gids}

    def find(gid: int) -> int:
        while parent[gid] != gid:
            gid = parent[gid]
        return gid

    for a, b in conn.execute(select(merge_event.c.a, merge_event.c.b).where(merge_event.c.undone_at.is_(None))):
        low, high = sorted((find(a), find(b)))
        parent[high] = low
    return {gid: find(gid) for gid in gids}


def redirects(conn: Connection) -> dict[int, int]:
    return dict(conn.execute(select(redirect.c.gid, redirect.c.root)).all())
