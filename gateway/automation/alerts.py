"""What a canonical Alert leads to: a rule decides, the signal's state says what is new, a storm folds what is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

import core_tickets
from core_tickets import Note
from gateway import tables
from gateway.automation.rules import CompiledRule
from gateway.automation.signals import Move, Observed, Signal, advance
from gateway.automation.state import load_signals, load_storms, save_signals, save_storms
from gateway.automation.storms import StormState, end_members
from gateway.automation.templates import storm_rule
from gateway.automation.work import Opening, Resolving, TicketWork
from gateway.clock import from_datetime, rfc3339
from gateway.config.hub import Hub
from gateway.ingest.item import End, Fault, Item
from gateway.rows import upsert
from mappings import EvaluationError

FINGERPRINT_LIMIT = 480


@dataclass(slots=True)
class Case:
    """An alert with the rule that decides it. `record` is what conditions and templates read."""

    item: Item
    rule: CompiledRule
    record: dict[str, Any]
    facts: dict[str, Any]
    key: str
    seen: Observed
    storm_key: str | None = None
    ending: str = ""
    """Of a record of business: why its ticket ends, in words."""


@dataclass(slots=True)
class AlertDesk:
    """Handles the alerts of one transaction."""

    conn: Connection
    hub: Hub
    now: int
    work: TicketWork
    signals: dict[str, Signal] = field(default_factory=dict)
    storms: dict[str, StormState] = field(default_factory=dict)
    members: dict[tuple[int, str], tuple[Any, ...]] = field(default_factory=dict)
    ended: dict[int, set[str]] = field(default_factory=dict)

    def judge(self, item: Item, record: dict[str, Any], facts: dict[str, Any]) -> Case | None:
        """The case of an alert, or None when it found its end already (no rule, suppressed, unusable)."""
        rule = self.hub.rules.first("Alert", record)
        if rule is None:
            item.settle(End.suppressed, "no-rule")
            return None
        if rule.template is None:
            item.settle(End.suppressed, rule.spec.id)
            return None
        return self.case(item, rule, record, facts)

    def case(self, item: Item, rule: CompiledRule, record: dict[str, Any], facts: dict[str, Any]) -> Case | None:
        try:
            key = rule.fingerprint.evaluate(record)
        except EvaluationError as error:
            item.bury(Fault("fingerprint", f"rule {rule.spec.id!r}: {error}", rule.fingerprint.text))
            return None
        try:
            kind = rule.storm_kind.evaluate(record) if rule.storm_kind else None
        except EvaluationError as error:
            item.bury(Fault("storm.kind", f"rule {rule.spec.id!r}: {error}", "mend the rule's `storm.kind`"))
            return None
        if not isinstance(key, str) or not key:
            item.bury(Fault("fingerprint", f"rule {rule.spec.id!r} gave no fingerprint", rule.fingerprint.text))
            return None
        if len(key) > FINGERPRINT_LIMIT:
            item.bury(Fault("fingerprint", f"is longer than {FINGERPRINT_LIMIT} characters", rule.fingerprint.text))
            return None
        starts, ends = record.get("starts_at"), record.get("ends_at")
        seen = Observed(
            key, item.source, rule.spec.id, record["status"], record["episode"],
            from_datetime(starts) if starts else self.now, from_datetime(ends) if ends else None, self.now,
        )  # fmt: skip
        storm_key = f"{item.live.id}/{kind}" if kind and record["status"] == "firing" else None
        return Case(item, rule, record, facts, key, seen, storm_key)

    def handle(self, cases: Sequence[Case]) -> None:
        """Decide every case in order; tickets are changed by `work`, states are written at the end by `save`."""
        unknown = {c.key for c in cases} - self.signals.keys()
        self.signals |= load_signals(self.conn, unknown)
        storm_keys = {c.storm_key for c in cases if c.storm_key} - self.storms.keys()
        self.storms |= load_storms(self.conn, storm_keys)
        self._forget_ended_storms()
        for case in cases:
            self._decide(case)

    def end_storms(self) -> None:
        """Write members down and mark those that ended; a storm whose last member ended is resolved."""
        columns = ("ticket_id", "signal_key", "message_id", "device_id", "title", "at")
        rows = [(*key, *values) for key, values in sorted(self.members.items())]
        upsert(self.conn, tables.storm_member, columns, rows, reset="resolved_at")
        for ticket_id, keys in sorted(self.ended.items()):
            over = [k for k in keys if self.signals[k].status == "resolved"]
            if end_members(self.conn, ticket_id, over, self.now):
                text = "全部成员已恢复 All members ended"
                source = self.signals[min(keys)].connection_id
                self.work.resolve(f"storm:{ticket_id}", Resolving(None, ticket_id, source, text, "the storm is over"))

    def save(self) -> None:
        save_signals(self.conn, self.signals.values())
        save_storms(self.conn, self.storms.values())

    def _decide(self, case: Case) -> None:
        signal = self.signals.get(case.key)
        before = (
            None if signal is None else {"status": signal.status, "episode": signal.episode, "flips": len(signal.flips)}
        )
        signal, move = advance(signal, case.seen, case.rule.spec.flap)
        if signal is not None:
            self.signals[case.key] = signal
        case.item.trace |= {"move": move.value, "signal": before, "rules": self.hub.rules.version[:16]}
        if case.item.echo:
            if signal is not None and signal.ticket_id is None:
                signal.ticket_id = case.item.ticket_id
            return
        match move:
            case Move.open:
                assert signal is not None
                self._open(case, signal)
            case Move.merge if signal is not None and signal.ticket_id is None and self.work.settled(case.key):
                self._open(case, signal)  # its first message became a dead letter
            case Move.merge:
                assert signal is not None
                self._belongs(case, signal, case.rule.spec.id)
            case Move.resolve:
                assert signal is not None
                self._resolve(case, signal)
            case Move.settle:
                assert signal is not None
                self._belongs(case, signal, "flapping")
            case Move.update if signal is not None:
                self._update(case, signal)
            case _:
                case.item.settle(End.suppressed, move.value)

    def _open(self, case: Case, signal: Signal) -> None:
        storm = self.storms.get(case.storm_key or "")
        if case.storm_key and case.rule.spec.storm:
            if storm is None:
                storm = self.storms[case.storm_key] = StormState(case.storm_key)
            counted = storm.count(self.now, case.rule.spec.storm)
            case.item.trace["of_kind"] = counted
            if storm.ticket_id is not None or counted > case.rule.spec.storm.more_than:
                self._fold(case, signal, storm, counted)
                return
        signal.folded = False
        assert case.rule.template is not None
        self.work.open(
            Opening(case.item, signal, case.rule, case.rule.template, case.record, case.facts, case.key,
                    case.rule.spec.reopen_within)
        )  # fmt: skip

    def _fold(self, case: Case, signal: Signal, storm: StormState, counted: int) -> None:
        """Into the storm's one ticket, which the first folded alert opens."""
        spec = case.rule.spec.storm
        assert spec is not None
        signal.folded, signal.changed, storm.changed = True, True, True
        storm.folded += 1
        if storm.ticket_id is None:
            rule = storm_rule(case.rule)
            assert rule.template is not None
            told = {
                "kind": storm.key,
                "count": counted,
                "more_than": spec.more_than,
                "priority": f"P{spec.priority}",
                "first": str(case.record.get("rule") or case.key),  # a reading or record has no title
            }
            facts = case.facts | {f"storm.{name}": value for name, value in told.items()}
            record = case.record | {"storm": told}
            opening = Opening(
                case.item, signal, rule, rule.template, record, facts, f"storm/{storm.key}"[:480], spec.within
            )
            self.work.open(opening)
            self.work.flush()
            if signal.ticket_id is None:
                return
            storm.ticket_id = signal.ticket_id
        else:
            signal.ticket_id = storm.ticket_id
            case.item.settle(End.merged, "storm", storm.ticket_id)
            self.work.touch(storm.ticket_id)
        self._member(case, storm)

    def _member(self, case: Case, storm: StormState) -> None:
        assert storm.ticket_id is not None
        title = str(case.record.get("title") or case.record.get("rule") or case.key)[:300]
        self.members[storm.ticket_id, case.key] = (case.item.id, case.item.device, title, self.now)

    def _belongs(self, case: Case, signal: Signal, rule: str) -> None:
        """Part of a ticket that stands; if that ticket waits in the running wave, let it be opened first."""
        if signal.ticket_id is None and not self.work.settled(case.key):
            self.work.flush()
        if signal.ticket_id is None:
            case.item.settle(End.suppressed, rule)
            return
        case.item.settle(End.merged, rule, signal.ticket_id)
        self.work.touch(signal.ticket_id)

    def _resolve(self, case: Case, signal: Signal) -> None:
        if signal.ticket_id is None and not self.work.settled(case.key):
            self.work.flush()
        if signal.ticket_id is None:
            case.item.settle(End.suppressed, Move.unknown.value)
            return
        if signal.folded:
            case.item.settle(End.merged, "storm", signal.ticket_id)
            self.ended.setdefault(signal.ticket_id, set()).add(case.key)
            return
        ended = rfc3339(signal.ended_at) or ""
        text = case.ending or f"告警已恢复 Alert ended {ended}"
        at_end = case.rule.spec.at_end if case.ending else "resolve"
        resolving = Resolving(
            case.item, signal.ticket_id, case.item.live.id, text, "the source says it is over", at_end
        )
        self.work.resolve(case.key, resolving)

    def _update(self, case: Case, signal: Signal) -> None:
        if signal.ticket_id is None:
            case.item.settle(End.suppressed, "update")
            return
        case.item.settle(End.merged, "update", signal.ticket_id)
        told = {
            k: case.record[k]
            for k in ("actor", "message", "acknowledged", "severity")
            if case.record.get(k) is not None
        }
        told["connection"] = case.item.live.id
        self.work.notes.append(
            Note(signal.ticket_id, "source_update", told, f"connection:{case.item.live.id}", self.now, "connector")
        )

    def _forget_ended_storms(self) -> None:
        """A storm whose ticket somebody resolved or closed is over."""
        ids = {s.ticket_id for s in self.storms.values() if s.ticket_id is not None}
        if not ids:
            return
        tickets = core_tickets.get_many(self.conn, ids)
        for storm in self.storms.values():
            if storm.ticket_id is not None:
                ticket = tickets.get(storm.ticket_id)
                if ticket is None or ticket.status in ("resolved", "closed"):
                    storm.ticket_id, storm.folded, storm.changed = None, 0, True
