"""The ticket side of one transaction: what rules decided is carried out in waves, each a constant number of statements.

Within a wave a signal asks for at most one thing, so "fired, ended, fired again" in one group keeps its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

import core_tickets
import id_registry
import lineage
from core_tickets import Command, Draft, Note
from core_tickets.counting import touch
from gateway.automation.rules import CompiledRule
from gateway.automation.signals import Signal
from gateway.automation.specs import AtEnd
from gateway.bridge.happened import Happened, of
from gateway.config.hub import Hub
from gateway.ingest.item import End, Fault, Item
from gateway.routing.desk import decide, facts_of
from mappings import Mapping

HELD = ("status", "resolution", "cause", "blocked_reason", "approval")
"""Fields that follow from what happened to a ticket, not from a template."""


@dataclass(slots=True)
class Opening:
    """A ticket that shall stand for a signal."""

    item: Item
    signal: Signal
    rule: CompiledRule
    template: Mapping
    record: dict[str, Any]
    """What the template reads: the canonical record and the hub's facts."""
    facts: dict[str, Any]
    fingerprint: str
    reopen_within: int
    parent: int | None = None
    decided: dict[str, Any] = field(default_factory=dict)
    """What the policies made of it: priority, group, assignee."""


@dataclass(slots=True)
class Resolving:
    """A ticket that shall be resolved because its signal ended."""

    item: Item | None
    ticket_id: int
    connection_id: str
    text: str
    why: str
    at_end: AtEnd = "resolve"


@dataclass(slots=True)
class TicketWork:
    """Collects and carries out. `happened` are the ticket events that bridges may answer to."""

    conn: Connection
    hub: Hub
    now: int
    openings: list[Opening] = field(default_factory=list)
    resolvings: list[Resolving] = field(default_factory=list)
    touched: dict[int, int] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    writes: list[lineage.Write] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)

    def open(self, opening: Opening) -> None:
        self._one_each(opening.signal.key)
        self.openings.append(opening)

    def resolve(self, signal_key: str, resolving: Resolving) -> None:
        self._one_each(signal_key)
        self.resolvings.append(resolving)

    def touch(self, ticket_id: int) -> None:
        """Count one more occurrence of a ticket that stands already."""
        self.touched[ticket_id] = self.touched.get(ticket_id, 0) + 1

    def settled(self, signal_key: str) -> bool:
        """Is nothing asked of this signal's ticket in the running wave?"""
        return signal_key not in self._busy

    def flush(self) -> None:
        """Carry out the wave. Fills in tickets and ends of the items concerned."""
        if self.openings:
            self._open_all()
        if self.resolvings:
            self._resolve_all()
        self.openings.clear()
        self.resolvings.clear()
        self._busy.clear()

    def finish(self) -> None:
        """The last wave, then everything that can be written once per transaction."""
        self.flush()
        if self.touched:
            touch(self.conn, self.touched, self.now)
        if self.notes:
            core_tickets.note(self.conn, self.notes)
        if self.writes:
            lineage.record(self.conn, self.writes)

    def _one_each(self, key: str) -> None:
        if key in self._busy:
            self.flush()
        self._busy.add(key)

    def _open_all(self) -> None:
        ids = id_registry.mint(self.conn, "ticket", len(self.openings), self.now)
        made = [(o, self._draft(new, o)) for new, o in zip(ids, self.openings, strict=True)]
        openings = [o for o, draft in made if draft is not None]
        drafts = [draft for _, draft in made if draft is not None]
        landed = self._land([o.item for o in openings])
        decided = decide(self.conn, self.hub, drafts, self.now)
        for opening, draft, made_of in zip(openings, drafts, decided, strict=True):
            opening.decided = facts_of(draft, made_of)
        done = core_tickets.open_or_merge(self.conn, decided, self.now, policy=self.hub.promises)
        for opening, opened in zip(openings, done, strict=True):
            item, signal = opening.item, opening.signal
            signal.ticket_id, signal.changed = opened.ticket_id, True
            item.settle(
                End.merged if opened.outcome == "merged" else End.ticketed, opening.rule.spec.id, opened.ticket_id
            )
            item.trace["outcome"] = opened.outcome
            if opened.outcome == "opened":
                self.opened.append(opened.ticket_id)
            if opened.outcome != "merged" or opened.changes:
                self._note_origin(opening, opened, landed[id(item)])
            for name in opened.events:
                self.happened.append(
                    Happened(name, opened.ticket_id, opened.version, item.live.id, item, ticket=opened.ticket)
                )

    def _draft(self, new: int, o: Opening) -> Draft | None:
        """None: the rule's template makes no ticket of this record, and it alone goes to the dead letters."""
        made = o.template.run(o.record)
        if made.dead is not None:
            o.item.bury(
                Fault(
                    f"ticket.{made.dead.field}", f"rule {o.rule.spec.id!r}: {made.dead.message}", made.dead.expression
                )
            )
            return None
        try:
            return self._filled(new, o, made.values)
        except core_tickets.InvalidInput as error:
            o.item.bury(Fault(f"ticket.{error.path}", f"rule {o.rule.spec.id!r}: {error.problem}", error.hint))
            return None

    def _filled(self, new: int, o: Opening, values: dict[str, Any]) -> Draft:
        item = o.item
        return Draft(
            id=new,
            kind=values["kind"],
            priority=int(str(values["priority"])[-1]),
            title=str(values["title"])[:500],
            description=str(values.get("description") or ""),
            fingerprint=o.fingerprint,
            reopen_within=o.reopen_within,
            device=item.device if values.get("device") else None,
            customer=item.customer if values.get("customer") else None,
            labels={str(k): str(v) for k, v in (values.get("labels") or {}).items() if v is not None},
            source=item.source,
            source_key=item.event.key or None,
            url=values.get("url"),
            group=values.get("group"),
            assignee=values.get("assignee"),
            storm_id=o.parent,
            seen_at=self.now,
            actor=f"rule:{o.rule.spec.id}",
            actor_kind="rule",
            why=o.rule.spec.title or o.rule.spec.id,
        )

    def _land(self, items: Sequence[Item]) -> dict[int, int]:
        """Keep the source records of these items for the drill-down: landing id by identity of the item."""
        missing = [i for i in items if i.landing is None]
        reads = [
            lineage.SourceRead(i.live.dataset(i.event.stream), i.event.key or i.event.id, i.event.record, self.now)
            for i in missing
        ]
        for item, landing in zip(missing, lineage.land(self.conn, reads) if reads else [], strict=True):
            item.landing = landing
        return {id(i): i.landing for i in items if i.landing is not None}

    def _note_origin(self, opening: Opening, opened: core_tickets.Opened, landing: int) -> None:
        """The template's fields come from the record; state and place come from the hub and are kept as facts."""
        item, rule = opening.item, opening.rule.spec.id
        plan = self._plan(item.prepared.mapping, opening.template)
        facts = dict(opening.facts)
        if opened.outcome == "opened":
            fields = list(opening.template.fields)
            facts["status"] = "pending"
            dataset = item.live.dataset(item.event.stream)
            facts["source"], facts["source_key"] = item.source, lineage.Fact(item.event.key or None, dataset)
            facts["fingerprint"] = opening.fingerprint
            fields += ["status", "source", "source_key", "fingerprint"]
        else:
            changed = {c.field: c.after for c in opened.changes}
            fields = [f for f in opening.template.fields if f in changed]
            facts |= {f: v for f, v in changed.items() if f in HELD and f not in fields}
            fields += [f for f in changed if f in HELD and f not in fields]
        decided = opening.decided
        if opened.outcome != "opened":
            decided = {f: v for f, v in decided.items() if f in fields}
        fields = [f for f in fields if f not in decided]
        if decided:
            told = {name: lineage.Fact(value, "policy") for name, value in decided.items()}
            write = lineage.Write(opened.ticket_id, None, list(told), [landing], told, "hub", self.now)
            self.writes.append(write)
        if fields:
            write = lineage.Write(opened.ticket_id, plan, fields, [landing], facts, f"rule:{rule}", self.now)
            self.writes.append(write)

    def _plan(self, mapping: Mapping | None, template: Mapping) -> lineage.Plan:
        stages = (mapping, template)
        return lineage.plan(self.conn, [s for s in stages if s is not None])

    def _resolve_all(self) -> None:
        ending = [r for r in self.resolvings if r.at_end != "nothing"]
        for resolving in self.resolvings:
            if resolving.at_end == "nothing" and resolving.item is not None:
                resolving.item.settle(End.merged, "resolved", resolving.ticket_id)
        gently = [r.ticket_id for r in ending if r.at_end == "resolve_untouched"]
        touched = core_tickets.touched(self.conn, gently) if gently else set()
        commands = [_end(r, touched) for r in ending]
        done = core_tickets.apply(self.conn, commands, self.now, policy=self.hub.promises)
        for resolving, applied in zip(ending, done, strict=True):
            item = resolving.item
            if item is not None:
                item.settle(
                    End.merged, "resolved" if applied.error is None else "already-resolved", resolving.ticket_id
                )
            for told in of([applied], resolving.connection_id):
                self.happened.append(replace(told, item=item))
            if applied.error is None and applied.action == "resolve":
                self._note_resolution(item, resolving)

    def _note_resolution(self, item: Item | None, resolving: Resolving) -> None:
        """`status` and `resolution` come from the message that told the end; of a storm, from the hub."""
        landed = [self._land([item])[id(item)]] if item is not None else []
        facts = {"status": "resolved", "resolution": resolving.text}
        actor = f"connection:{resolving.connection_id}"
        self.writes.append(
            lineage.Write(resolving.ticket_id, None, ["status", "resolution"], landed, facts, actor, self.now)
        )


def _end(r: Resolving, touched: set[int]) -> Command:
    """What ends a ticket: resolved by itself, or, where a person is at it, a word to that person."""
    action, args = "resolve", {"resolution": r.text}
    if r.at_end == "comment" or (r.at_end == "resolve_untouched" and r.ticket_id in touched):
        action, args = "comment", {"text": r.text}
    return Command(r.ticket_id, action, args, actor=f"connection:{r.connection_id}", actor_kind="connector", why=r.why)
