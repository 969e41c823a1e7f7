"""What canonical Readings lead to: the device twin, and thresholds with hysteresis and a duration.

A reading that crosses becomes an episode of the signal (rule, device, metric): from there it is an alert like any other.
Readings older than the twin's are kept in the inbox and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select, tuple_

from core_tickets.batch import among
from gateway import rows, tables
from gateway.automation.alerts import AlertDesk, Case
from gateway.automation.rules import CompiledRule
from gateway.automation.signals import Observed
from gateway.clock import SECOND, from_datetime, rfc3339
from gateway.config.hub import HUB, Hub
from gateway.ingest.item import End, Item

NEW, NEW_GAP = 30, 10 * SECOND
OLD, OLD_GAP = 30, 60 * SECOND
"""A twin keeps the last values: one in ten seconds of the last five minutes, one a minute of the half hour before."""
_TWIN = ("device_id", "metric", "value", "text", "unit", "quality", "at", "received_at", "message_id", "recent")
_THRESHOLD = ("rule", "device_id", "metric", "state", "since", "due_at", "message_id")

Place = tuple[int, str]
FactsOf = Callable[[Item], tuple[dict[str, Any], dict[str, Any]]]


def thinned(points: list[list[Any]], at: int, value: str) -> list[list[Any]]:
    """The values a twin keeps, with one more."""
    if len(points) > 1 and at - points[-2][0] < NEW_GAP:
        points = points[:-1]
    if len(points) < NEW:
        return [*points, [at, value]]
    older, leaving, newer = points[:-NEW], points[-NEW], points[-NEW + 1 :]
    if older and leaving[0] - older[-1][0] < OLD_GAP:
        return [*older, *newer, [at, value]]
    return [*older[-(OLD - 1) :], leaving, *newer, [at, value]]


@dataclass(slots=True)
class Twin:
    device_id: int
    metric: str
    value: str | None
    text: str | None
    unit: str | None
    quality: str
    at: int
    received_at: int
    message_id: int
    recent: list[list[Any]]


@dataclass(slots=True)
class Crossing:
    """A threshold that is crossed: `pending` until it lasted long enough, then `firing`."""

    state: str
    since: int
    due_at: int | None
    message_id: int


@dataclass(slots=True)
class ReadingDesk:
    """Handles the readings of one transaction."""

    conn: Connection
    hub: Hub
    now: int
    alerts: AlertDesk
    twins: dict[Place, Twin] = field(default_factory=dict)
    crossings: dict[tuple[str, int, str], Crossing | None] = field(default_factory=dict)
    _changed: set[Place] = field(default_factory=set)
    _moved: set[tuple[str, int, str]] = field(default_factory=set)
    _heard: dict[int, tuple[str, str]] = field(default_factory=dict)

    def handle(self, items: Sequence[Item], facts: FactsOf) -> list[Case]:
        """Update twins and thresholds; answers the cases of those that crossed or came back. `facts`: of an item, the
        record that conditions read and the facts to remember."""
        rules = self.hub.rules.by_kind.get("Reading", ())
        places = {(i.device, i.record["metric"]) for i in items if i.device is not None}
        self._load(places, with_thresholds=any(r.spec.threshold for r in rules))
        cases: list[Case] = []
        for item in items:
            if item.device is None:
                continue
            if self._update_twin(item):
                cases += self._ask(item, rules, facts)
            else:
                item.settle(End.suppressed, "late-reading")
        return cases

    def save(self) -> None:
        """Write twins, devices and thresholds back."""
        twins = [self.twins[p] for p in sorted(self._changed)]
        rows.upsert(self.conn, tables.twin, _TWIN, [
            (t.device_id, t.metric, t.value, t.text, t.unit, t.quality, t.at, t.received_at, t.message_id,
             orjson.dumps(t.recent).decode())
            for t in twins
        ])  # fmt: skip
        heard = [(device, connection, local, self.now) for device, (connection, local) in sorted(self._heard.items())]
        rows.upsert(self.conn, tables.twin_device, ("device_id", "connection_id", "local_id", "seen_at"), heard)
        gone = [key for key in self._moved if self.crossings[key] is None]
        if gone:
            c = tables.threshold.c
            self.conn.execute(delete(tables.threshold).where(tuple_(c.rule, c.device_id, c.metric).in_(gone)))
        kept = [(*key, crossed.state, crossed.since, crossed.due_at, crossed.message_id)
                for key in sorted(self._moved) if (crossed := self.crossings[key]) is not None]  # fmt: skip
        rows.upsert(self.conn, tables.threshold, _THRESHOLD, kept)

    def _load(self, places: set[Place], *, with_thresholds: bool) -> None:
        devices = sorted({device for device, _ in places})
        if not devices:
            return
        mine = among(self.conn, tables.twin.c.device_id, devices)
        query = select(tables.twin).where(mine).order_by(*tables.twin.primary_key).with_for_update()
        for r in self.conn.execute(query):
            self.twins[r.device_id, r.metric] = Twin(
                r.device_id, r.metric, r.value, r.text, r.unit, r.quality, r.at, r.received_at, r.message_id,
                orjson.loads(r.recent),
            )  # fmt: skip
        if with_thresholds:
            crossed = among(self.conn, tables.threshold.c.device_id, devices)
            for r in self.conn.execute(select(tables.threshold).where(crossed)):
                key = (r.rule, r.device_id, r.metric)
                self.crossings[key] = Crossing(r.state, r.since, r.due_at, r.message_id)

    def _update_twin(self, item: Item) -> bool:
        """False: older than what the twin knows. A held reading (made by the hub) passes and changes nothing."""
        record = item.record
        assert item.device is not None
        at = from_datetime(record["at"])
        place = (item.device, record["metric"])
        twin = self.twins.get(place)
        if twin is not None and at < twin.at:
            return False
        if item.live.id == HUB:
            return True
        value = record.get("value")
        recent = twin.recent if twin else []
        if value is not None:
            recent = thinned(recent, at, str(value))
        self.twins[place] = Twin(
            item.device, record["metric"], None if value is None else str(value), record.get("text"), record.get("unit"),
            record.get("quality") or "good", at, self.now, item.id, recent,
        )  # fmt: skip
        self._changed.add(place)
        self._heard[item.device] = (item.live.id, record["device"])
        return True

    def _ask(self, item: Item, rules: Sequence[CompiledRule], facts: FactsOf) -> list[Case]:
        value = item.record.get("value")
        cases: list[Case] = []
        if isinstance(value, Decimal):
            for rule in rules:
                if self._concerns(rule, item, value):
                    record, remembered = facts(item)
                    case = self._cross(item, rule, value, record, remembered) if rule.holds(record) else None
                    if case is not None:
                        cases.append(case)
        if not cases:
            item.settle(End.suppressed, "kept-in-twin")
        return cases

    def _concerns(self, rule: CompiledRule, item: Item, value: Decimal) -> bool:
        """Can this reading change anything about the threshold? Asked before the condition, which costs far more."""
        threshold = rule.spec.threshold
        if threshold is None:
            return False
        return (
            threshold.crosses(value)
            or self.crossings.get((rule.spec.id, item.device or 0, item.record["metric"])) is not None
        )

    def _cross(
        self, item: Item, rule: CompiledRule, value: Decimal, record: dict[str, Any], facts: dict[str, Any]
    ) -> Case | None:
        threshold = rule.spec.threshold
        assert threshold is not None
        assert item.device is not None
        key = (rule.spec.id, item.device, record["metric"])
        at = from_datetime(record["at"])
        crossing = self.crossings.get(key)
        if crossing is None:
            if not threshold.crosses(value):
                return None
            crossing = self.crossings[key] = Crossing("pending", at, self.now + threshold.lasting, item.id)
            self._moved.add(key)
        elif threshold.clears(value) or (crossing.state == "pending" and not threshold.crosses(value)):
            self.crossings[key] = None
            self._moved.add(key)
            return (
                self._case(item, rule, crossing, "resolved", at, record, facts) if crossing.state == "firing" else None
            )
        if crossing.state == "pending" and at >= crossing.since + threshold.lasting:
            crossing.state, crossing.due_at = "firing", None
            self._moved.add(key)
            return self._case(item, rule, crossing, "firing", at, record, facts)
        return None

    def _case(
        self, item: Item, rule: CompiledRule, crossing: Crossing, status: str, at: int, record: dict[str, Any],
        facts: dict[str, Any],
    ) -> Case | None:  # fmt: skip
        threshold = rule.spec.threshold
        assert threshold is not None
        limit = threshold.above if threshold.above is not None else threshold.below
        told = {
            "value": limit,
            "side": "above" if threshold.above is not None else "below",
            "since": rfc3339(crossing.since),
            "for_s": threshold.lasting // SECOND,
        }
        record = record | {"limit": told}
        facts = facts | {f"limit.{name}": value for name, value in told.items()}
        made = self.alerts.case(
            item, rule, record | {"status": status, "episode": str(crossing.since), "rule": rule.spec.id}, facts
        )
        if made is None:
            return None
        seen = Observed(
            f"{made.key}#{rule.spec.id}", made.seen.connection_id, rule.spec.id, status, str(crossing.since),
            crossing.since, at if status == "resolved" else None, self.now,
        )  # fmt: skip
        made.seen, made.key = seen, seen.key
        return made
