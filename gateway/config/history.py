"""Every configuration there was: who put it into force, when, what it changed; and any of them again, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.config.tables import version
from gateway.errors import NotFound

Items = Mapping[str, Sequence[dict[str, Any]]]
"""Bodies by kind (connector, connection, mapping, rule, bridge, policy), in order; secrets as they are stored."""
MAX_ITEMS = 256 << 20
_V = version.c


@dataclass(frozen=True, slots=True)
class Version:
    """One configuration: the `generation` it was, who made it when (microseconds UTC), and why."""

    generation: int
    at: int
    actor: str
    note: str


def remember(conn: Connection, generation: int, items: Items, now: int, actor: str, note: str) -> None:
    """Keep a configuration; one that is kept already stays as it is."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    packed = zstandard.compress(orjson.dumps({kind: list(bodies) for kind, bodies in items.items()}), 6)
    values = {"generation": generation, "at": now, "actor": actor[:200], "note": note, "items": packed}
    conn.execute(insert(version).values(values).on_conflict_do_nothing())


def listed(conn: Connection, before: int | None = None, limit: int = 50) -> list[Version]:
    """Newest first."""
    query = select(_V.generation, _V.at, _V.actor, _V.note).order_by(_V.generation.desc()).limit(limit)
    if before is not None:
        query = query.where(_V.generation < before)
    return [Version(*row) for row in conn.execute(query)]


def items_of(conn: Connection, generation: int) -> dict[str, list[dict[str, Any]]]:
    """A configuration as it was. Raises NotFound."""
    packed = conn.execute(select(_V["items"]).where(_V.generation == generation)).scalar()
    if packed is None:
        raise NotFound(f"There is no configuration {generation}.")
    found: dict[str, list[dict[str, Any]]] = orjson.loads(
        zstandard.ZstdDecompressor().decompress(bytes(packed), max_output_size=MAX_ITEMS)
    )
    return found


def previous(conn: Connection, generation: int) -> int | None:
    """The configuration before this one, if it was kept."""
    earlier = select(_V.generation).where(_V.generation < generation).order_by(_V.generation.desc()).limit(1)
    return conn.execute(earlier).scalar()
