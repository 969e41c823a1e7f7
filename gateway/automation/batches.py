"""Many of one kind with the same fault are one question: batch issues.

Each signal for which a rule's condition holds is one member's vote for a batch (the same model, mileage band and fault
code, say). Once so many different members have voted within the window, one ticket stands for all of them, with its
list of members; below that a signal is counted and makes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from core_tickets.batch import among
from gateway import tables
from gateway.automation.rules import CompiledRule
from gateway.automation.signals import Signal
from gateway.automation.work import Opening, TicketWork
from gateway.config.hub import Hub
from gateway.ingest.item import End, Fault, Item
from gateway.rows import upsert
from mappings import EvaluationError

FactsOf = Callable[[Item], tuple[dict[str, Any], dict[str, Any]]]
MEMBERS_SHOWN = 5_000
KEY_LENGTH = 400
_M = tables.batch_member.c
_COLUMNS = ("rule", "batch", "member", "first_at", "last_at", "message_id")


@dataclass(slots=True)
class _Vote:
    item: Item
    rule: CompiledRule
    batch: str
    member: str


@dataclass(slots=True)
class BatchDesk:
    """Handles the signals of one transaction."""

    conn: Connection
    hub: Hub
    now: int
    work: TicketWork
    _votes: list[_Vote] = field(default_factory=list)
    _reached: list[tuple[_Vote, Signal]] = field(default_factory=list)

    def handle(self, items: Sequence[Item], facts: FactsOf) -> None:
        """Count every vote, then open or feed the tickets of batches that are large enough."""
        votes = self._votes = [vote for item in items if (vote := self._vote(item, facts)) is not None]
        for rule in {vote.rule.spec.id: vote.rule for vote in votes}.values():
            self._count([vote for vote in votes if vote.rule is rule], rule, facts)

    def save(self) -> None:
        """Write down who belongs to the tickets; behind the last wave, when they all have their numbers."""
        for vote, signal in self._reached:
            if signal.ticket_id in self.work.opened:
                self._list(signal.ticket_id, self._standing(vote))
            elif signal.ticket_id is not None:
                new = {v.member: v.item.id for v in self._votes if (v.rule, v.batch) == (vote.rule, vote.batch)}
                self._list(signal.ticket_id, [(member, n, self.now) for member, n in new.items()])

    def _vote(self, item: Item, facts: FactsOf) -> _Vote | None:
        """None: the signal found its end here (no rule, suppressed, unusable)."""
        record, _ = facts(item)
        rule = self.hub.rules.first(item.kind, record)
        if rule is None or rule.batch is None:
            item.settle(End.suppressed, rule.spec.id if rule else "no-rule")
            return None
        try:
            batch, member = rule.batch.of.evaluate(record), rule.batch.member.evaluate(record)
        except EvaluationError as error:
            item.bury(Fault("batch", f"rule {rule.spec.id!r}: {error}", "mend the rule's `batch`"))
            return None
        if not isinstance(batch, str) or not isinstance(member, str) or not batch or not member:
            item.settle(End.suppressed, rule.spec.id)  # it does not say of which batch or who: it is nobody's vote
            return None
        if len(batch) > KEY_LENGTH or len(member) > KEY_LENGTH:
            item.bury(Fault("batch", f"names of more than {KEY_LENGTH} characters", "mend the rule's `batch`"))
            return None
        return _Vote(item, rule, batch, member)

    def _count(self, votes: Sequence[_Vote], rule: CompiledRule, facts: FactsOf) -> None:
        assert rule.spec.batch is not None
        latest = {(vote.batch, vote.member): vote for vote in votes}
        first = self._first_times(rule, latest)
        voted = [(rule.spec.id, batch, member, first.get((batch, member), self.now), self.now, vote.item.id)
                 for (batch, member), vote in sorted(latest.items())]  # fmt: skip
        upsert(self.conn, tables.batch_member, _COLUMNS, voted)
        counted = self._members(rule, sorted({vote.batch for vote in votes}))
        opening: set[str] = set()
        for vote in votes:
            count = counted.get(vote.batch, 0)
            vote.item.trace["batch"] = {"of": vote.batch, "members": count, "at_least": rule.spec.batch.at_least}
            if count < rule.spec.batch.at_least:
                vote.item.settle(End.suppressed, rule.spec.id)
            elif vote.batch not in opening:
                opening.add(vote.batch)
                self._open(vote, count, facts)
            else:
                self._join(vote)

    def _first_times(self, rule: CompiledRule, votes: dict[tuple[str, str], _Vote]) -> dict[tuple[str, str], int]:
        mine = select(_M.batch, _M.member, _M.first_at).where(
            _M.rule == rule.spec.id,
            among(self.conn, _M.batch, sorted({batch for batch, _ in votes})),
            among(self.conn, _M.member, sorted({member for _, member in votes})),
        )
        return {(batch, member): at for batch, member, at in self.conn.execute(mine)}

    def _members(self, rule: CompiledRule, batches: list[str]) -> dict[str, int]:
        assert rule.spec.batch is not None
        counted = (
            select(_M.batch, func.count().label("count"))
            .where(_M.rule == rule.spec.id, among(self.conn, _M.batch, batches),
                   _M.last_at > self.now - rule.spec.batch.within)
            .group_by(_M.batch)
        )  # fmt: skip
        return {row.batch: row[1] for row in self.conn.execute(counted)}

    def _open(self, vote: _Vote, count: int, facts: FactsOf) -> None:
        """The ticket of the batch: opened, or fed if it stands."""
        rule, item = vote.rule, vote.item
        assert rule.spec.batch is not None
        assert rule.template is not None
        record, remembered = facts(item)
        told = {"of": vote.batch, "members": count, "at_least": rule.spec.batch.at_least}
        record = record | {"batch_issue": told}
        remembered = remembered | {f"batch_issue.{name}": value for name, value in told.items()}
        key = f"batch/{rule.spec.id}/{vote.batch}"
        signal = Signal(key, item.live.id, rule.spec.id, "firing", vote.batch, self.now, None, self.now)
        self.work.open(
            Opening(item, signal, rule, rule.template, record, remembered, key[:500], rule.spec.reopen_within)
        )
        self._reached.append((vote, signal))

    def _join(self, vote: _Vote) -> None:
        """Another member of a batch whose ticket this very transaction opens or feeds."""
        self.work.flush()
        signal = next(s for v, s in self._reached if v.batch == vote.batch and v.rule is vote.rule)
        if signal.ticket_id is None:
            vote.item.settle(End.suppressed, vote.rule.spec.id)
            return
        vote.item.settle(End.merged, vote.rule.spec.id, signal.ticket_id)
        self.work.touch(signal.ticket_id)

    def _standing(self, vote: _Vote) -> list[tuple[str, int, int]]:
        batch = vote.rule.spec.batch
        assert batch is not None
        query = (
            select(_M.member, _M.message_id, _M.last_at)
            .where(_M.rule == vote.rule.spec.id, _M.batch == vote.batch, _M.last_at > self.now - batch.within)
            .order_by(_M.last_at.desc(), _M.member)
            .limit(MEMBERS_SHOWN)
        )
        return [(member, message_id, at) for member, message_id, at in self.conn.execute(query)]

    def _list(self, ticket_id: int, members: Sequence[tuple[str, int, int]]) -> None:
        columns = ("ticket_id", "signal_key", "message_id", "device_id", "title", "at")
        rows = [(ticket_id, member, message_id, None, member, at) for member, message_id, at in members]
        upsert(self.conn, tables.storm_member, columns, rows)
