"""How complete the snapshots are: what the systems answered of all that they were asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from gateway import clock, tables

SPAN = clock.DAY
_S = tables.context_section.c


@dataclass(frozen=True, slots=True)
class Completeness:
    """Of the sections asked for within a time: all, and those with an answer or an honest "nothing is known of it"."""

    asked: int = 0
    answered: int = 0

    @property
    def share(self) -> float:
        """Between 0 and 1; NaN where nothing was asked."""
        return self.answered / self.asked if self.asked else float("nan")

    def __add__(self, other: Completeness) -> Completeness:
        return Completeness(self.asked + other.asked, self.answered + other.answered)


def by_connection(conn: Connection, now: int) -> Mapping[str, Completeness]:
    """Of the last 24 hours. One range of an index that holds all it needs; no section's values are read."""
    counted = (
        select(_S.connection_id, _S.status, func.count().label("n"))
        .where(_S.asked_at > now - SPAN)
        .group_by(_S.connection_id, _S.status)
    )
    found: dict[str, Completeness] = {}
    for connection, status, n in conn.execute(counted):
        one = Completeness(n, n if status in ("ok", "empty") else 0)
        found[connection] = found.get(connection, Completeness()) + one
    return found
