"""Storms: more tickets of one kind within the window than the rule allows become one ticket with a list of members.

Openings are counted per minute, so the window slides with a minute's grain and the row stays small.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update

from gateway import tables
from gateway.automation.specs import Storm
from gateway.clock import MINUTE


@dataclass(slots=True)
class StormState:
    """`ticket_id`: the storm's ticket while it is open. `folded`: alerts it took in so far."""

    key: str
    minutes: list[tuple[int, int]] = field(default_factory=list)
    ticket_id: int | None = None
    folded: int = 0
    stored: bool = False
    changed: bool = False

    def count(self, now: int, storm: Storm) -> int:
        """One more opening; answers how many there were within the window."""
        oldest, this = (now - storm.within) // MINUTE, now // MINUTE
        kept = [(minute, n) for minute, n in self.minutes if oldest < minute < this]
        latest = sum(n for minute, n in self.minutes if minute >= this)
        self.minutes = [*kept, (this, latest + 1)]
        self.changed = True
        return sum(n for _, n in self.minutes)


def end_members(conn: Connection, ticket_id: int, keys: Collection[str], now: int) -> bool:
    """Mark these members of a storm's ticket as ended. True: none is left that runs."""
    member = tables.storm_member.c
    mine = member.ticket_id == ticket_id
    conn.execute(update(tables.storm_member).where(mine, member.signal_key.in_(sorted(keys))).values(resolved_at=now))
    running = select(member.signal_key).where(mine, member.resolved_at.is_(None)).limit(1)
    return conn.execute(running).first() is None
