"""Rules on what stands: a condition that holds long enough opens a ticket, and ends it when it holds no more.

What is remembered is one row per rule and record (or whole, such as all batches of an article in a warehouse) whose
condition holds: `pending` until it lasted long enough, then `firing`. Time is told by `due_at`, so it survives restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import Connection, delete, func, select, tuple_

import id_registry
from gateway import rows
from gateway.automation.rules import CompiledRule, RuleSet
from gateway.clock import SECOND, from_datetime, rfc3339
from gateway.sync import store
from gateway.sync.keeping import News
from gateway.sync.subjects import KINDS, named_by
from gateway.sync.tables import watch
from gateway.sync.values import loaded
from id_registry import Key
from mappings import RECORDS, EvaluationError
from mappings.writer import FAILURES

log = structlog.get_logger(__name__)

SIGNAL_LENGTH = 480
DIGITS = 28
_W = watch.c
_COLUMNS = ("stream", "id", "rule", "state", "since", "due_at", "signal")
_SUMS = ("quantity", "available", "reserved", "in_transit")
ENDED = "条件已不再成立 The condition no longer holds"
DELETED = "记录在来源系统中已删除 The record was deleted in its source"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule asks of a record's ticket: to stand (`firing`) or to end (`resolved`). `names`: what expressions read
    beside the record. `fault`: why it cannot be said which ticket."""

    rule: CompiledRule
    status: str
    since: int
    signal: str
    news: News
    names: Mapping[str, Any]
    ending: str = ""
    fault: str = ""


@dataclass(slots=True)
class Watch:
    state: str
    since: int
    due_at: int | None
    signal: str


@dataclass
class Watcher:
    """Judges the news of one stream within a transaction; `save` writes what it remembers."""

    conn: Connection
    rules: RuleSet
    shelf: int
    kind: str
    base: Mapping[str, Any]
    """connection, origin, record, stream."""
    now: int
    codes: Mapping[Any, str] = field(default_factory=dict)
    """Thing → the connection whose codes the system uses for it, where these are not its own."""
    watches: dict[tuple[int, str], Watch | None] = field(default_factory=dict)
    _tell_still: bool = True
    _moved: set[tuple[int, str]] = field(default_factory=set)
    _totals: dict[int, dict[str, Any]] = field(default_factory=dict)
    _parts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    _ids: dict[Key, int] = field(default_factory=dict)

    def judge(self, news: Sequence[News], *, still: bool = True) -> list[Verdict]:
        """What the rules say to these, in order; the states move. `still`: a record that changed while its rule went on
        to hold is told too."""
        self._tell_still = still
        latest = list({n.id: n for n in news}.values())
        self._load(latest)
        found: list[Verdict] = []
        for each in latest:
            found += self._one(each)
        return self._together(found)

    def due(self, news: News, rule: CompiledRule) -> list[Verdict]:
        """The time of a pending watch has come: it fires, unless it is pending no more, or the rule is another by now."""
        self._load([news])
        state = self.watches.get((news.id, rule.spec.id))
        if state is None or state.state != "pending" or state.due_at is None or state.due_at > self.now:
            return []
        names = self._names(news)
        state.due_at = state.since + rule.spec.lasting
        if not rule.holds({**news.values, **names}):
            self._move_out(news.id, rule.spec.id)
        elif state.due_at > self.now:
            self._move(news.id, rule, state)
        else:
            return self._together([self._fire(news, rule, state, names)])
        return self._together([])

    def save(self) -> None:
        gone = sorted(key for key in self._moved if self.watches[key] is None)
        for start in range(0, len(gone), 300):
            part = tuple_(_W.id, _W.rule).in_(gone[start : start + 300])
            self.conn.execute(delete(watch).where(_W.stream == self.shelf, part))
        kept = [(self.shelf, *key, w.state, w.since, w.due_at, w.signal) for key in sorted(self._moved)
                if (w := self.watches[key]) is not None]  # fmt: skip
        rows.upsert(self.conn, watch, _COLUMNS, kept)

    # -- what is looked at --------------------------------------------------------------------------------------------

    def _load(self, news: Sequence[News]) -> None:
        mine = _W.stream == self.shelf
        if self.conn.execute(select(_W.id).where(mine).limit(1)).first() is not None:
            # locked, in one order: a run and a timer that see the same watch go one behind the other
            ids = sorted(n.id for n in news)
            for start in range(0, len(ids), 500):
                found = select(watch).where(mine, _W.id.in_(ids[start : start + 500])).order_by(_W.id, _W.rule)
                for r in self.conn.execute(found.with_for_update()):
                    self.watches[r.id, r.rule] = Watch(r.state, r.since, r.due_at, r.signal)
        wholes = sorted({n.whole for n in news if n.whole is not None})
        for whole, texts in store.parts_of(self.conn, self.shelf, wholes).items():
            self._parts[whole] = [loaded(self.kind, text) for text in texts]
        if _reads_ids(self.rules.by_kind.get(self.kind, ())):
            keys = {self._key(n, v) for each in news for n, v in named_by(self.kind, each.values).items()}
            self._ids = id_registry.lookup(self.conn, keys)

    def _names(self, news: News) -> dict[str, Any]:
        """What expressions read beside the record's own fields."""
        ids = {}
        if self._ids:
            for name, local in named_by(self.kind, news.values).items():
                gid = self._ids.get(self._key(name, local))
                if gid is not None:
                    ids[name] = id_registry.format_id(gid)
        return {**self.base, "key": news.key, "ids": ids, "previous": news.previous, "total": self._total(news)}

    def _key(self, name: str, local: str) -> Key:
        return Key(KINDS[name], self.codes.get(name, str(self.base["connection"])), local)

    def _total(self, news: News) -> Mapping[str, Any]:
        if news.whole is None:
            return news.values if not news.values.get("frozen") else totals([news.values])
        known = self._totals.get(news.whole)
        if known is None:
            known = self._totals[news.whole] = totals(self._parts.get(news.whole, []))
        return known

    # -- deciding -----------------------------------------------------------------------------------------------------

    def _one(self, news: News) -> list[Verdict]:
        names = self._names(news)
        record = {**news.values, **names}
        gone = news.gone and not (news.whole is not None and self._parts.get(news.whole))
        rule = None if gone else self.rules.first(self.kind, record)
        found = [
            v for rid in self._watching(news.id) if (v := self._ended(news, rid, rule, record, names, gone)) is not None
        ]
        if rule is None or rule.template is None or (news.id, rule.spec.id) in self._moved:
            return found
        state = self.watches.get((news.id, rule.spec.id))
        if state is None:
            since = self._since(rule, record)
            state = Watch("pending", since, since + rule.spec.lasting, "")
            fault = self._sign(state, rule, record)
            if fault:
                return [*found, Verdict(rule, "firing", since, "", news, names, fault=fault)]
        elif state.state == "pending":
            state.due_at = state.since + rule.spec.lasting  # the rule may give it another time by now
        elif state.state == "firing":
            if not self._tell_still:
                return found
            return [*found, Verdict(rule, "firing", state.since, state.signal, news, self._told(names, rule, state))]
        self._move(news.id, rule, state)
        if state.due_at is None or state.due_at <= self.now:
            found.append(self._fire(news, rule, state, names))
        return found

    def _watching(self, number: int) -> list[str]:
        return [rule for (i, rule), state in self.watches.items() if i == number and state is not None]

    def _ended(
        self, news: News, rule_id: str, deciding: CompiledRule | None, record: Mapping[str, Any], names: Mapping[str, Any],
        gone: bool,
    ) -> Verdict | None:  # fmt: skip
        """The end of what a rule watches, or None while it goes on."""
        state, rule = self.watches[news.id, rule_id], self.rules.named(rule_id)
        assert state is not None
        if rule is None or rule.spec.on != self.kind:
            self._move_out(news.id, rule_id)  # there is no such rule any more: its ticket is left to people
            return None
        pending = state.state == "pending"
        if not gone and not _is_over(rule, deciding, record, pending=pending):
            return None
        self._move_out(news.id, rule_id)
        if pending:
            return None
        told = self._told(names, rule, state)
        return Verdict(rule, "resolved", state.since, state.signal, news, told, ending=DELETED if gone else ENDED)

    def _fire(self, news: News, rule: CompiledRule, state: Watch, names: Mapping[str, Any]) -> Verdict:
        state.state, state.due_at = "firing", None
        self._move(news.id, rule, state)
        return Verdict(rule, "firing", state.since, state.signal, news, self._told(names, rule, state))

    def _told(self, names: Mapping[str, Any], rule: CompiledRule, state: Watch) -> dict[str, Any]:
        held = {"since": rfc3339(state.since), "for_s": rule.spec.lasting // SECOND}
        return {**names, "held": held, "total": trimmed(names["total"])}

    def _since(self, rule: CompiledRule, record: Mapping[str, Any]) -> int:
        """When it began, as far as the record tells; never in the future."""
        if rule.since is None:
            return self.now
        try:
            began = rule.since.evaluate(record)
        except EvaluationError as error:
            log.warning("rule.since_failed", rule=rule.spec.id, error=str(error))
            return self.now
        return min(from_datetime(began), self.now) if isinstance(began, datetime) and began.tzinfo else self.now

    def _sign(self, state: Watch, rule: CompiledRule, record: Mapping[str, Any]) -> str:
        """Which signal it is; answers what is wrong with that."""
        try:
            key = rule.fingerprint.evaluate(record)
        except EvaluationError as error:
            return str(error)
        if not isinstance(key, str) or not key:
            return "gave no fingerprint"
        state.signal = f"{key}#{rule.spec.id}"
        return (
            "" if len(state.signal) <= SIGNAL_LENGTH else f"gave a fingerprint longer than {SIGNAL_LENGTH} characters"
        )

    def _move(self, number: int, rule: CompiledRule, state: Watch) -> None:
        self.watches[number, rule.spec.id] = state
        self._moved.add((number, rule.spec.id))

    def _move_out(self, number: int, rule_id: str) -> None:
        self.watches[number, rule_id] = None
        self._moved.add((number, rule_id))

    def _together(self, found: list[Verdict]) -> list[Verdict]:
        """Records of one signal are one trouble: it began with the first of them, and ends with the last."""
        self.save()
        self._moved.clear()
        signals = sorted({v.signal for v in found if v.signal})
        firing: dict[str, int] = {}
        for start in range(0, len(signals), 500):
            mine = (_W.signal.in_(signals[start : start + 500]), _W.state == "firing")
            began = select(_W.signal, func.min(_W.since)).where(*mine).group_by(_W.signal)
            firing |= dict(self.conn.execute(began).all())
        told = []
        for v in found:
            if v.status == "resolved" and v.signal in firing:
                continue
            since = firing.get(v.signal, v.since) if v.status == "firing" else v.since
            told.append(Verdict(v.rule, v.status, since, v.signal, v.news, v.names, v.ending, v.fault))
        return told


class Wanted:
    """Will a rule say something to a new record of this kind? Most conditions read two or three names, so these alone are
    asked for: `fields`."""

    def __init__(self, rules: tuple[CompiledRule, ...], kind: str, base: Mapping[str, Any]) -> None:
        names = {**base, "ids": {}, "previous": {}}
        reads = [path for r in rules if r.when is not None for path in r.when.reads]
        read = {str(path[0]) for path in reads if path}
        self._unknown = _reads_ids(rules)  # then only the transaction knows
        self._own = sorted(read & RECORDS[kind].fields.keys())
        self._fixed = {name: names[name] for name in read & names.keys()}
        self._rules = rules
        totals_read = {str(path[1]) if len(path) > 1 else "" for path in reads if path[:1] == ("total",)}
        self._plain = "" not in totals_read and () not in reads
        of_totals = (*_SUMS, "safety_stock") if "" in totals_read else sorted(totals_read)
        self.fields = sorted({*self._own, *of_totals, *(("frozen",) if totals_read else ())})
        self._over: dict[tuple[str, ...], list[Callable[..., list[int]] | None]] = {}

    def places(self, columns: Mapping[str, Sequence[Any]], keys: Sequence[str]) -> list[int]:
        """`looks` for many records, given the columns of their `fields`: the places of those it is true of."""
        names = tuple(columns)
        if self._unknown or not self._plain:
            alone: Iterable[int] = range(len(keys))
        else:  # of what is frozen the totals are others than what is read
            alone = [place for place, stands in enumerate(columns.get("frozen", ())) if stands]
        rows = list(zip(*columns.values(), strict=True)) if alone and names else []
        looked = {n for n in alone if self.looks(dict(zip(names, rows[n] if names else (), strict=True)), keys[n])}
        return sorted(looked.union(self._together(columns, keys).difference(alone)) if self._plain else looked)

    def _together(self, columns: Mapping[str, Sequence[Any]], keys: Sequence[str]) -> set[int]:
        """The same, as if none were frozen, of all in one go: each rule has its say of what none before it decided."""
        names = tuple(columns)
        if names not in self._over:
            paths = [*((name,) for name in names if name in self._own), *(("total", name) for name in names), ("key",)]
            self._over[names] = [None if r.when is None else r.when.over(paths) for r in self._rules]
        parts = [*(columns[name] for name in names if name in self._own), *columns.values(), keys]
        found, open_ones = set[int](), set(range(len(keys)))
        for rule, over in zip(self._rules, self._over[names], strict=True):
            holds = open_ones if over is None else open_ones.intersection(over(self._fixed, zip(*parts, strict=True)))
            open_ones = open_ones - holds
            if rule.template is not None:
                found |= holds
        return found

    def looks(self, values: Mapping[str, Any], key: str) -> bool:
        if self._unknown:
            return True
        seen = {**self._fixed, "key": key, "total": totals([values]) if values.get("frozen") else values}
        for name in self._own:
            seen[name] = values.get(name)
        return self._decides(seen)

    def _decides(self, seen: Mapping[str, Any]) -> bool:
        """Does the first rule that holds open a ticket?"""
        for rule in self._rules:
            try:
                if rule.when is None or rule.when.compute(seen) is True:
                    return rule.template is not None
            except FAILURES:  # a condition that cannot be computed does not hold
                continue
        return False


def wanted(rules: RuleSet, kind: str, base: Mapping[str, Any]) -> Wanted | None:
    """None: there are no rules on this kind."""
    mine = rules.by_kind.get(kind, ())
    return Wanted(mine, kind, base) if mine else None


def _is_over(rule: CompiledRule, deciding: CompiledRule | None, record: Mapping[str, Any], *, pending: bool) -> bool:
    """What has not lasted long enough is over as soon as `when` does not hold; `until` ends only what has."""
    if rule.until is not None and not pending:
        try:
            return rule.until.evaluate(record) is True
        except EvaluationError:
            return False
    return rule is not deciding and not rule.holds(record)


def _reads_ids(rules: tuple[CompiledRule, ...]) -> bool:
    """Does a condition read global ids? (Templates get them anyway.)"""
    asked = [e for r in rules for e in (r.when, r.until, r.since, r.fingerprint) if e is not None]
    return any(read[:1] == ("ids",) for e in asked for read in e.reads)


def totals(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The quantities of a stock level, of a batch those of all batches: what is frozen does not count."""
    parts = list(parts)
    found: dict[str, Any] = {}
    for name in _SUMS:
        given = [p[name] for p in parts if p.get(name) is not None]
        if given:
            found[name] = sum((p[name] for p in parts if p.get(name) is not None and not p.get("frozen")), Decimal(0))
    levels = [p["safety_stock"] for p in parts if p.get("safety_stock") is not None]
    if levels:
        found["safety_stock"] = max(levels)
    return found


def trimmed(total: Mapping[str, Any]) -> dict[str, Any]:
    """Without trailing zeros, as people write quantities."""
    names = (*_SUMS, "safety_stock")
    return {n: _plain(total[n]) for n in names if isinstance(total.get(n), Decimal)}


def _plain(value: Decimal) -> Decimal:
    if len(value.as_tuple().digits) > DIGITS or value.adjusted() >= DIGITS:
        return value  # no quantity that anybody writes by hand
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if whole == value else value.normalize()
