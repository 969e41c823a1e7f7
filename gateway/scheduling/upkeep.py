"""What the hub finds wrong with itself is told through its own front door, so that it becomes a ticket like any other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway import clock, tables
from gateway.config.hub import HUB, Hub
from gateway.ingest.internal import UPKEEP, internal_delivery
from gateway.service import Gateway

_S = tables.schedule_state.c


@dataclass(frozen=True, slots=True)
class Subject:
    """What may be wrong: `key` names it for ever; `rule` picks the rule that makes the ticket."""

    key: str
    rule: str
    title: str
    description: str = ""
    connection: str = HUB
    """Whose data are concerned."""


def tell(gateway: Gateway, hub: Hub, subject: Subject, *, standing: bool, now: int) -> bool:
    """Tell that it began to stand, or that it ended; nothing while it stays as it is. Answers whether it was told."""
    name = f"told:{subject.key}"[:160]
    with gateway.reading() as conn:
        since = conn.execute(select(_S.begun_at).where(_S.name == name)).scalar()
    if standing == (since is not None):
        return False
    began = now if since is None else since
    status = "firing" if standing else "resolved"
    record: dict[str, Any] = asdict(subject) | {
        "status": status, "since": clock.rfc3339(began), "ended": None if standing else clock.rfc3339(now),
    }  # fmt: skip
    event_id = f"upkeep/{subject.key}/{began}/{status}"
    gateway.run_in_inbox(hub.internal, internal_delivery(UPKEEP, event_id, subject.key, record, clock.to_datetime(now)))
    with gateway.transaction() as conn:  # killed before this, it is told once more: a ticket is one all the same
        if standing:
            make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
            conn.execute(make(tables.schedule_state).values(name=name, begun_at=now).on_conflict_do_nothing())
        else:
            conn.execute(delete(tables.schedule_state).where(_S.name == name))
    return True
