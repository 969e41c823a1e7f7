"""What canonical records of business lead to: they are kept in the replica, and rules say whose ticket stands or ends.

A sync keeps and judges its records itself, thousands at a time, and hands over the few that a rule has something to say
about. Records that a system pushes come here as they are: they are kept like those that were read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

import lineage
from connectors.contract import DELETED, Stream
from connectors.errors import BadRecord
from gateway.automation.alerts import AlertDesk, Case
from gateway.automation.rules import CompiledRule
from gateway.automation.signals import Observed
from gateway.automation.watching import Verdict, Watcher, totals, trimmed, wanted
from gateway.config.hub import Hub, Live
from gateway.ingest.item import End, Fault, Item
from gateway.policies.matching import KIND as MATCHING
from gateway.sync import store
from gateway.sync.identity import Identifier
from gateway.sync.keeping import Keeper, News
from gateway.sync.pages import Page, Row
from gateway.sync.rows import Reader
from gateway.sync.sorting import Sorting
from mappings import EvaluationError

Facts = tuple[dict[str, Any], dict[str, Any]]
KEPT = "kept-in-replica"


@dataclass(slots=True)
class RecordDesk:
    """Handles the records of business of one transaction of the inbox."""

    conn: Connection
    hub: Hub
    now: int
    alerts: AlertDesk

    def handle(self, items: Sequence[Item], facts: Callable[[Item], Facts]) -> list[Case]:
        """The cases of those that a rule opens or ends a ticket for; the others have found their end."""
        verdicts: dict[int, list[Verdict]] = {
            id(i): [i.prepared.verdict] for i in items if i.prepared.verdict is not None
        }
        pushed: dict[tuple[str, str], list[Item]] = {}
        for item in items:
            if item.prepared.verdict is None:
                pushed.setdefault((item.live.id, item.event.stream), []).append(item)
        for group in pushed.values():
            verdicts |= self._keep(group)
        cases: list[Case] = []
        for item in items:
            if item.end is None:
                record, remembered = facts(item)
                cases += [
                    c for v in verdicts.get(id(item), ()) if (c := self._case(item, v, record, remembered)) is not None
                ]
        called = {id(case.item) for case in cases}
        for item in items:
            if id(item) not in called:
                item.settle(End.suppressed, KEPT)
        return cases

    # -- keeping what was pushed --------------------------------------------------------------------------------------

    def _keep(self, items: Sequence[Item]) -> dict[int, list[Verdict]]:
        """Write what these say into the replica; answers what rules say to it, by item."""
        live, name = items[0].live, items[0].event.stream
        mapping = live.mappings[name]
        stream = _stream_of(live, name)
        reader = Reader(live.dataset(name), stream, mapping.version)
        rows = [(item, row) for item in items if (row := _row(reader, item)) is not None]
        shelf = store.shelf_for(self.conn, live.id, name, mapping.target, mapping.version)
        if shelf.record != mapping.target:
            return {}  # until the stream is read anew; it is another record since
        identifier = Identifier(live.id, mapping.target, live.spec.codes)
        wants_news = bool(self.hub.rules.by_kind.get(mapping.target))
        matched = identifier.own_kind in MATCHING.of(self.hub.policies).terms
        keeper = Keeper(live.id, live.dataset(name), shelf, mapping, identifier, wants_news, matched=matched)
        known = store.known(self.conn, shelf.id, sorted({row.id for _, row in rows}))
        found = Sorting(
            live.dataset(name),
            mapping,
            identifier,
            wanted(self.hub.rules, mapping.target, base_names(live, name, mapping.target)),
        )
        found.take(Page([row for _, row in rows]), known)
        for bad in found.bad:
            for item, row in rows:
                if row.record is bad.record:
                    item.bury(bad.fault)
        news, _ = keeper.write(self.conn, found, min(i.incoming.received_at for i in items), self.now)
        return self._judge(live, name, shelf, news, rows)

    def _judge(
        self, live: Live, name: str, shelf: store.Shelf, news: Sequence[News], rows: Sequence[tuple[Item, Row]]
    ) -> dict[int, list[Verdict]]:  # fmt: skip
        if not news:
            return {}
        base = base_names(live, name, shelf.record)
        watcher = Watcher(self.conn, self.hub.rules, shelf.id, shelf.record, base, self.now, live.spec.codes)
        tellers = {row.key: item for item, row in rows if item.end is None}
        verdicts: dict[int, list[Verdict]] = {}
        for verdict in watcher.judge(news):
            item = tellers.get(verdict.news.key)
            if item is not None:
                item.landing = verdict.news.landing
                verdicts.setdefault(id(item), []).append(verdict)
        return verdicts

    # -- from a verdict to a case -------------------------------------------------------------------------------------

    def _case(self, item: Item, verdict: Verdict, record: dict[str, Any], facts: dict[str, Any]) -> Case | None:
        rule, names = verdict.rule, verdict.names
        if verdict.fault:
            item.bury(Fault("fingerprint", f"rule {rule.spec.id!r}: {verdict.fault}", rule.fingerprint.text))
            return None
        seen_by_rules = {**verdict.news.values, **names, "ids": record["ids"]}
        storm_key = None
        if rule.storm_kind is not None and verdict.status == "firing":
            try:
                storm_key = f"{item.live.id}/{rule.storm_kind.evaluate(seen_by_rules)}"
            except EvaluationError as error:
                item.bury(Fault("storm.kind", f"rule {rule.spec.id!r}: {error}", "mend the rule's `storm.kind`"))
                return None
        ended = self.now if verdict.status == "resolved" else None
        seen = Observed(verdict.signal, item.source, rule.spec.id, verdict.status, str(verdict.since), verdict.since, ended,
                        self.now)  # fmt: skip
        remembered = facts | _facts(rule, verdict)
        item.trace["seen"] = lineage.encode({n: names.get(n) for n in ("previous", "total", "held")}).decode()
        return Case(item, rule, seen_by_rules, remembered, verdict.signal, seen, storm_key, verdict.ending)


def base_names(live: Live, stream: str, record: str) -> dict[str, str]:
    """What conditions and templates on this stream's records read of the hub."""
    return {"connection": live.id, "origin": live.origin, "record": record, "stream": stream}


def previewed(live: Live, stream: str, record: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What rules would read beside a record that nobody holds yet, whose condition begins to hold now."""
    names = {"key": "", "previous": {}, "held": {"since": None, "for_s": 0}, "total": trimmed(totals([values]))}
    return base_names(live, stream, record) | names


def _stream_of(live: Live, name: str) -> Stream:
    """The stream as its connector reads it; one that is only pushed is known by the sender's keys."""
    streams = live.runtime.streams() if live.runtime is not None and "reads" in live.can else ()
    return next((s for s in streams if s.name == name), Stream(name=name, key=(), schema_={}))


def _row(reader: Reader, item: Item) -> Row | None:
    """The row of a pushed record; None, and a dead letter, when it has no key."""
    event = item.event
    raw = {**event.record, DELETED: True} if event.op == "delete" else event.record
    try:
        return reader.row(raw, event.key)
    except BadRecord as error:
        item.bury(Fault("", str(error), error.hint))
        return None


def _facts(rule: CompiledRule, verdict: Verdict) -> dict[str, Any]:
    """What the template reads beside the record, each with where it came from."""
    news, names = verdict.news, verdict.names
    facts: dict[str, Any] = {name: names[name] for name in ("record", "stream", "key")}
    facts |= {f"held.{name}": value for name, value in names["held"].items()}
    reads = {
        read[1]
        for read in (rule.template.reads if rule.template else ())
        if read[:1] == ("previous",) and len(read) > 1
    }
    for name in sorted(map(str, reads)):
        if name in news.previous:
            facts[f"previous.{name}"] = lineage.Fact(
                news.previous[name], "replica", landing=news.previous_landing, field=name
            )
    of = "replica" if news.whole is None else "replica, all batches together"
    for name, value in names["total"].items():
        facts[f"total.{name}"] = lineage.Fact(value, of, landing=news.landing, field=name)
    return facts
