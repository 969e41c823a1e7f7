"""A hub that plays messages of the past through a configuration, on a database of its own that is thrown away.

It is the hub itself: the same inbox transaction, the same timers, so what it does is what would be done. Nothing leaves
it: nobody carries out its commands, asks its questions or tells anybody, and it never sees the hub's own database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, event, func, select

from connectors.contract import Delivery
from connectors.errors import BadRecord
from gateway import tables
from gateway.automation import timers
from gateway.automation.work import TicketWork
from gateway.clock import SECOND
from gateway.config.hub import HUB, Hub, Live
from gateway.database import metadatas, open_engine
from gateway.errors import WeftError
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import Item, Prepared, prepare
from gateway.ingest.recall import split
from gateway.ingest.unit import Unit
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.sync.tables import watch

log = structlog.get_logger(__name__)

Group = Sequence[tuple[Incoming, Sequence[Prepared]]]
Place = tuple[str, str]
"""Of a message: its connection, and the sender's id."""
SETTLING_ROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Beginning:
    """The message that opened a ticket: when it came, over which connection and stream, and the rule that said so."""

    place: Place
    stream: str
    rule: str
    at: int
    message: str
    """Number of the stored message; empty for one that the hub or a sample told."""


class Rehearsal(Gateway):
    """One hub, one scratch database in `folder`, one clock that goes with the messages, beginning at `begins`."""

    def __init__(self, hub: Hub, folder: Path, begins: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        settings = Settings(home=folder, database_url=f"sqlite:///{folder / 'rehearsal.db'}")
        super().__init__(settings, catalogue=hub.catalogue, engine=_scratch(settings.database))
        self._hub = hub
        self._at = self.since = begins
        self._silences = any(live.spec.stale_after_s is not None for live in hub.connections.values())
        self.opened: dict[int, Beginning] = {}
        self.ends: Counter[str] = Counter()
        self.outcomes: dict[tuple[int, int], tuple[str, str]] = {}
        """(end, rule) by delivery and position, of the group that was played last."""

    def reload(self) -> Hub:
        """A rehearsal keeps to the configuration it was given."""
        assert self._hub is not None
        return self._hub

    def close(self) -> None:
        """Let go of the scratch database; the connections are the configuration's, not ours."""
        self.engine.dispose()

    def now(self) -> int:
        return self._at

    def play(self, group: Group, at: int) -> None:
        """What was due before `at` happens in its time, then these messages at `at`."""
        self.until(at)
        self.outcomes.clear()
        self._settle(group)

    def until(self, at: int) -> None:
        """Let time pass: timers run when they are due."""
        for _ in range(SETTLING_ROUNDS):
            due = self._next_due()
            if due is None or due > at:
                break
            self._at = max(self._at, due)
            timers.tick(self, self._at)
        if self._silences and at - self._at >= SECOND:
            self._at = max(self._at, at)
            timers.tick(self, self._at)
        self._at = max(self._at, at)

    def run_in_inbox(self, live: Live, delivery: Delivery, timeout_s: float = 30) -> Incoming:
        """What timers tell is committed at once."""
        events, bad = split(live, delivery)
        number = next(iter(self.serial.take()))
        incoming = Incoming(number, live, delivery, events, self._at, lambda _: None, bad)
        self.commit([(incoming, prepare(incoming))])
        return incoming

    def committed(self, unit: Unit, work: TicketWork) -> None:
        """Remember what became of it; a rehearsal is no traffic, so nothing is counted."""
        new = set(work.opened)
        for item in unit.items:
            end = str(item.end)
            if item.live.id != HUB:
                self.ends[end] += 1
                self.outcomes[item.incoming.id, item.position] = (end, item.rule)
            if item.ticket_id in new and item.trace.get("outcome") == "opened" and item.ticket_id is not None:
                new.discard(item.ticket_id)
                self.opened[item.ticket_id] = self._beginning(item)

    def _beginning(self, item: Item) -> Beginning:
        told = item.prepared.event
        place = (item.live.id, told.id if told is not None else "")
        stream = told.stream if told is not None else ""
        return Beginning(place, stream, item.rule, item.incoming.received_at, str(item.incoming.id))

    def _settle(self, group: Group) -> None:
        """As the inbox does: one message that the hub cannot take takes only itself down."""
        try:
            self.commit(group)
        except WeftError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's, and the others are still played
            if len(group) > 1:
                for each in group:
                    self._settle([each])
                return
            log.info("rehearsal.message_failed", reason=f"{type(error).__name__}: {error}"[:300])
            incoming = group[0][0]
            incoming.bad = BadRecord(f"the hub failed on this message: {type(error).__name__}")
            self.commit([(incoming, prepare(incoming))])

    def _next_due(self) -> int | None:
        """When a timer is due next."""
        s, t = tables.signal.c, tables.threshold.c
        firsts = [select(func.min(s.settle_at)), select(func.min(t.due_at)).where(t.state == "pending"),
                  select(func.min(watch.c.due_at))]  # fmt: skip
        with self.reading() as conn:
            found: list[Any] = [conn.execute(first).scalar() for first in firsts]
        return min((due for due in found if due is not None), default=None)


def _scratch(url: str) -> Engine:
    """A database that need not outlive a power cut: it is never read again."""
    engine = open_engine(url)
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    with engine.begin() as conn:
        for metadata in metadatas():
            metadata.create_all(conn)
    return engine
