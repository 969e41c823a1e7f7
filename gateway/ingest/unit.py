"""One transaction of the inbox: from prepared events to tickets, lineage, outbox and a ledger row for each.

    repeats and echoes found -> things get their global ids -> rules decide -> tickets -> bridges -> everything is written

Either all of it is committed, or nothing is; whoever sent the messages is told only then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

import id_registry
import lineage
from gateway import rows, tables
from gateway.aftermath import follow
from gateway.automation.alerts import AlertDesk, Case
from gateway.automation.batches import BatchDesk
from gateway.automation.readings import ReadingDesk
from gateway.automation.records import RecordDesk
from gateway.automation.specs import PASSING, STANDING
from gateway.automation.work import TicketWork
from gateway.bridge.echoes import absorb_echoes
from gateway.clock import Serial
from gateway.config.hub import Hub, codes_of
from gateway.context.asking import plan_questions
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import End, Fault, Item, Prepared, places
from gateway.ingest.stored import pack, shown_headers
from gateway.sync.subjects import KINDS, named_by
from id_registry import Key

_MESSAGE = ("id", "delivery_id", "position", "connection_id", "stream", "event_id", "end", "rule", "ticket_id", "repeat_of",
            "trace", "at")  # fmt: skip
_DELIVERY = ("id", "connection_id", "received_at", "topic", "headers", "body", "packed", "events")
_DEAD = ("message_id", "connection_id", "stream", "path", "reason", "hint", "at")

# one index probe per id, whatever the planner thinks: a scan of one connection's messages reads nearly all there are
_KNOWN = """
SELECT m.id, m.event_id, m.ticket_id
FROM unnest(%b::text[]) e(id) CROSS JOIN LATERAL (
  SELECT id, event_id, ticket_id FROM message WHERE connection_id = %b::text AND event_id = e.id OFFSET 0) m
"""

_KNOWN_SQLITE = """
SELECT id, event_id, ticket_id FROM message
WHERE connection_id = ? AND event_id IN (SELECT value FROM json_each(?))
"""

METRIC_LENGTH = 256

Facts = tuple[dict[str, Any], dict[str, Any]]


@dataclass(slots=True)
class Unit:
    """One attempt at one group of deliveries. `replaying`: the deliveries are stored already, and each item's message
    row is given a new end instead of a first one."""

    conn: Connection
    hub: Hub
    serial: Serial
    now: int
    group: Sequence[tuple[Incoming, Sequence[Prepared]]]
    replaying: bool = False
    items: list[Item] = field(default_factory=list)
    _keys: dict[tuple[int, str], Key] = field(default_factory=dict)
    _found: dict[Key, int] = field(default_factory=dict)
    _facts: dict[int, Facts] = field(default_factory=dict)

    def run(self) -> TicketWork:
        """Do it all within the caller's transaction; answers what happened to tickets."""
        self._make_items()
        if not self.replaying:
            self._find_repeats([i for i in self.items if i.prepared.event is not None and i.end is None])
        fresh = self._usable()
        work = TicketWork(self.conn, self.hub, self.now)
        absorb_echoes(self.conn, fresh, self.now, work)
        self._identify(fresh)
        fresh = [i for i in fresh if i.end is not End.dead]
        alerts = AlertDesk(self.conn, self.hub, self.now, work)
        readings = ReadingDesk(self.conn, self.hub, self.now, alerts)
        records = RecordDesk(self.conn, self.hub, self.now, alerts)
        batches = BatchDesk(self.conn, self.hub, self.now, work)
        batches.handle([i for i in fresh if i.kind in PASSING], self.facts)
        cases = self._judge(fresh, alerts, readings, records)
        if cases:
            alerts.handle(cases)
            work.flush()
            alerts.end_storms()
        self._follow_firsts(work)
        work.finish()
        alerts.save()
        readings.save()
        batches.save()
        plan_questions(self.conn, work.opened, self.now)
        follow(self.conn, self.hub, work.happened, self.serial, self.now)
        self._write_ledger()
        return work

    def _make_items(self) -> None:
        numbers = iter(self.serial.take(sum(len(prepared) for _, prepared in self.group)))
        for incoming, prepared in self.group:
            for position, each in zip(places(prepared), prepared, strict=True):
                item = Item(next(numbers), incoming, position, each)
                if each.verdict is not None:
                    item.landing = each.verdict.news.landing
                if each.fault is not None:
                    item.bury(each.fault)
                self.items.append(item)

    def _find_repeats(self, items: Sequence[Item]) -> None:
        """A message whose id the inbox knows is a repeat of the first; within the group the first stands."""
        firsts: dict[tuple[str, str], Item] = {}
        by_connection: dict[str, list[str]] = {}
        for item in items:
            place = (item.live.id, item.event.id)
            first = firsts.setdefault(place, item)
            if first is not item:
                item.repeat_of = first.id
            else:
                by_connection.setdefault(item.live.id, []).append(item.event.id)
        known = {(c, e): (m, t) for c, ids in by_connection.items() for m, e, t in self._known(c, ids)}
        for item in items:
            found = known.get((item.live.id, item.event.id))
            if found is not None:
                item.repeat_of = found[0]
                item.settle(End.merged, "repeat", found[1])

    def _known(self, connection_id: str, event_ids: list[str]) -> list[tuple[int, str, int | None]]:
        if self.conn.dialect.name == "postgresql":
            return [tuple(row) for row in self.conn.exec_driver_sql(_KNOWN, (event_ids, connection_id))]
        known = self.conn.exec_driver_sql(_KNOWN_SQLITE, (connection_id, orjson.dumps(event_ids).decode()))
        return [tuple(row) for row in known]

    def _usable(self) -> list[Item]:
        """First sights that a mapping made a record of; what no mapping takes is suppressed."""
        first = [i for i in self.items if i.end is None and i.repeat_of is None]
        for item in first:
            if item.prepared.record is None:
                item.settle(End.suppressed, item.prepared.reason)
        return [i for i in first if i.end is None]

    def _follow_firsts(self, work: TicketWork) -> None:
        """A repeat changes nothing; it counts as an occurrence of its first's ticket."""
        tickets = {i.id: i.ticket_id for i in self.items}
        for item in self.items:
            if item.repeat_of is not None:
                item.settle(End.merged, "repeat", tickets.get(item.repeat_of))
                if item.ticket_id is not None:
                    work.touch(item.ticket_id)

    def _identify(self, items: Sequence[Item]) -> None:
        """Devices and customers get their global ids, all in one call."""
        wanted: dict[tuple[int, str], Key] = {}
        for item in items:
            if item.kind in STANDING or item.kind in PASSING:
                for name, named in named_by(item.kind, item.record).items():
                    if self._fits(item, name, named, id_registry.keys.LOCAL_LENGTH):
                        wanted[id(item), name] = Key(KINDS[name], codes_of(self.hub, item.system, name), named)
                continue
            for kind in ("device", "customer"):
                local = item.record.get(kind)
                if local and self._fits(item, kind, str(local), id_registry.keys.LOCAL_LENGTH):
                    wanted[id(item), kind] = Key(kind, codes_of(self.hub, item.system, kind), str(local))
            if item.kind == "Reading":
                self._fits(item, "metric", item.record["metric"], METRIC_LENGTH)
        found = id_registry.resolve(self.conn, set(wanted.values()), self.now) if wanted else {}
        for item in items:
            for kind in ("device", "customer"):
                key = wanted.get((id(item), kind))
                if key is not None:
                    setattr(item, kind, found[key])
        self._keys, self._found = wanted, found

    def _fits(self, item: Item, field: str, text: str, limit: int) -> bool:
        """A name too long for its column takes its own record to the dead letters, not the whole group."""
        if len(text) > limit:
            item.bury(Fault(field, f"has {len(text)} characters", f"send at most {limit}"))
        return len(text) <= limit

    def facts(self, item: Item) -> Facts:
        """The record that conditions read, and the facts to remember; made when they are asked for, since nearly every
        reading changes its twin and nothing else."""
        known = self._facts.get(id(item))
        if known is None:
            known = self._facts[id(item)] = self._make_facts(item)
        return known

    def _make_facts(self, item: Item) -> Facts:
        record = dict(item.record)
        told_by = self.hub.connections.get(item.source, item.live)
        record["connection"], record["origin"] = item.system, told_by.origin
        remembered: dict[str, Any] = {"connection": record["connection"], "origin": record["origin"]}
        ids: dict[str, str] = {}
        for kind in ("device", "customer"):
            gid, key = getattr(item, kind), self._keys.get((id(item), kind))
            if gid is not None and key is not None:
                ids[kind] = id_registry.format_id(gid)
                remembered[f"ids.{kind}"] = lineage.Fact(ids[kind], "registry", (key.kind, key.system, key.local))
        if item.kind in STANDING:
            for name in ("item", "supplier", "product"):
                key = self._keys.get((id(item), name))
                if key is not None:
                    ids[name] = id_registry.format_id(self._found[key])
                    remembered[f"ids.{name}"] = lineage.Fact(ids[name], "registry", (key.kind, key.system, key.local))
        record["ids"] = ids
        return record, remembered

    def _judge(
        self, items: Sequence[Item], alerts: AlertDesk, readings: ReadingDesk, records: RecordDesk
    ) -> list[Case]:
        cases: list[Case] = []
        standing = [i for i in items if i.kind in STANDING]
        if standing:
            cases += records.handle(standing, self.facts)
        measured = [i for i in items if i.kind == "Reading"]
        if measured:
            cases += readings.handle(measured, self.facts)
        for item in items:
            if item.kind == "Alert":
                case = alerts.judge(item, *self.facts(item))
                if case is not None:
                    cases.append(case)
            elif item.kind not in ("Reading", *STANDING, *PASSING):
                item.settle(End.suppressed, "no-rule")
        return cases

    def _write_ledger(self) -> None:
        if self.replaying:
            return
        deliveries = []
        for incoming, prepared in self.group:
            body, packed = pack(incoming.delivery.body)
            deliveries.append((incoming.id, incoming.live.id, incoming.received_at, incoming.delivery.topic,
                               shown_headers(incoming.delivery.headers), body, packed, len(prepared)))  # fmt: skip
        rows.insert(self.conn, tables.delivery, _DELIVERY, deliveries)
        ledger, dead = [], []
        for item in self.items:
            event = item.prepared.event
            if item.end is None:
                item.bury(Fault("", "no rule and no desk gave this message an end", "report this as a bug"))
            assert item.end is not None
            stream = event.stream if event else ""
            # a repeat and a dead letter leave the sender's id free: it belongs to the first, or to the mended message
            event_id = event.id if event is not None and item.repeat_of is None and item.end is not End.dead else None
            ledger.append((item.id, item.incoming.id, item.position, item.live.id, stream, event_id, item.end.value,
                           item.rule, item.ticket_id, item.repeat_of, item.traced(), self.now))  # fmt: skip
            if item.fault is not None:
                dead.append(
                    (item.id, item.live.id, stream, item.fault.path, item.fault.reason, item.fault.hint, self.now)
                )
            item.incoming.ends.append(item.end.value)
        rows.insert(self.conn, tables.message, _MESSAGE, ledger)
        rows.insert(self.conn, tables.dead_letter, _DEAD, dead)
