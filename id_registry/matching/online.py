"""Matching records as they come: for each that is new or changed, its candidates by key, a weight, and a decision that is kept.

A record has its id by then (promise: one key, one id); what matching finds is a merge, which can be undone, or a pair for review.
It goes in transactions of its own, behind the registry's lock of the kind, so what is read here stays so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, or_, select

from id_registry.components import is_member, lock_merges
from id_registry.errors import MergeForbidden
from id_registry.global_ids import KINDS
from id_registry.matching import index
from id_registry.matching.deciding import Candidate, Outcome, Terms, Verdict, decide
from id_registry.matching.evidence import Evidence, evidence_from, evidence_text
from id_registry.matching.index import Held
from id_registry.matching.kinds import SCHEMES, Scheme, keys_of
from id_registry.matching.model import Frequencies, Model
from id_registry.matching.reviews import Doubt, propose_reviews, settle_reviews
from id_registry.matching.tables import match_decision
from id_registry.merging import members_of, merge, undone_between
from id_registry.resolving import live

__all__ = ["ACTOR", "BATCH", "Decided", "Matched", "decisions", "judge", "match", "model_for"]

ACTOR = "matcher"
BATCH = 200
CANDIDATES = 50
"""Candidates that are compared at most: those that share most keys."""
_NAMES = {kind.number: name for name, kind in KINDS.items()}


class Matched(NamedTuple):
    """What one batch did."""

    compared: int
    linked: int
    reviews: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it is kept. Times in microseconds since 1970 UTC."""

    id: int
    kind: str
    gid: int
    other: int | None
    outcome: str
    weight: float | None
    candidates: int
    evidence: tuple[Evidence, ...]
    model: str
    at: int
    merge_event: int | None


def model_for(kind: str, terms: Terms, records: int) -> Model:
    """The kind's model, its prior fixed by the registry's size: each of `records` has `expected` of its like among them."""
    prior = terms.expected / max(records, 1000)
    return SCHEMES[kind].model.faded(terms.shared_by).with_prior(prior)


def match(conn: Connection, kind: str, terms: Terms, now: int, limit: int = BATCH) -> Matched:
    """Look at up to `limit` records that are new or changed. Nothing is left pending when fewer were `compared`."""
    lock_merges(conn, kind)
    waiting = index.pending(conn, kind, limit)
    if not waiting:
        return Matched(0, 0, 0)
    batch = _Batch(conn, kind, terms, now, waiting)
    for record in waiting:
        batch.settle(record)
    batch.write()
    return Matched(len(waiting), batch.linked, batch.reviews)


def judge(conn: Connection, kind: str, records: Sequence[Held], terms: Terms) -> list[tuple[Verdict, int]]:
    """What would be decided of each record, and among how many candidates; changes nothing."""
    batch = _Batch(conn, kind, terms, 0, records)
    return [batch.verdict(record) for record in records]


def decisions(conn: Connection, gid: int, limit: int = 100) -> list[Decided]:
    """What the matcher decided of this id and all that is one thing with it, the latest first."""
    root = live(conn, (gid,))[gid]
    d = match_decision.c
    mine = or_(is_member(d.gid, root), is_member(d.other, root))
    rows = conn.execute(select(match_decision).where(mine).order_by(d.id.desc()).limit(limit))
    return [
        Decided(r.id, _NAMES[r.kind], r.gid, r.other, r.outcome, r.weight, r.candidates, evidence_from(r.evidence), r.model, r.at,
                r.merge_event)
        for r in rows
    ]  # fmt: skip


@dataclass
class _Batch:
    """The candidates of many records, read at once."""

    conn: Connection
    kind: str
    terms: Terms
    now: int
    asked: Sequence[Held]
    linked: int = 0
    reviews: int = 0
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _doubts: list[Doubt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._scheme: Scheme = SCHEMES[self.kind]
        records = index.size(self.conn, self.kind)
        self._model = model_for(self.kind, self.terms, records)
        self._keys: dict[int, dict[tuple[str, str], int]] = {r.gid: keys_of(self.kind, r.body) for r in self.asked}
        every = {key for keys in self._keys.values() for key in keys.values()}
        self._holders, counts = index.holders(self.conn, every)
        named = {pair: counts.get(key, 0) for keys in self._keys.values() for pair, key in keys.items()}
        self._frequencies = Frequencies(records, lambda name, value: named.get((name, value)))
        wanted = {gid for record in self.asked for gid in self._candidates(record.gid)} | {r.gid for r in self.asked}
        self._roots = live(self.conn, wanted)
        self._members = members_of(self.conn, self._roots.values())
        every_record = wanted.union(*self._members.values())
        self._held: Mapping[int, Held] = index.records(self.conn, every_record)
        self._roots |= {gid: root for root, gids in self._members.items() for gid in gids}
        self._undone = undone_between(self.conn, every_record)

    def _candidates(self, gid: int) -> list[int]:
        """Who shares a key with the record, those that share most first; a key that too many have brings nobody."""
        shared: Counter[int] = Counter()
        for key in self._keys[gid].values():
            others = self._holders.get(key, ())
            if len(others) <= index.MOST:
                shared.update(others)
        del shared[gid]
        return [other for other, _ in sorted(shared.items(), key=lambda s: (-s[1], s[0]))[:CANDIDATES]]

    def verdict(self, record: Held) -> tuple[Verdict, int]:
        """What is to be done with a record, and how many candidates it had."""
        mine = self._roots[record.gid]
        candidates = [
            Candidate(
                held.gid,
                self._roots[held.gid],
                held.system,
                self._model.weigh(record.body, held.body, self._frequencies),
            )
            for gid in self._candidates(record.gid)
            if (held := self._held.get(gid)) is not None and self._roots[gid] != mine
        ]
        return decide(record.system, candidates, self._scheme, self.terms, self._alike), len(candidates)

    def _alike(self, a: Candidate, b: Candidate) -> float:
        weighed = self._model.weigh(self._held[a.gid].body, self._held[b.gid].body, self._frequencies)
        return -inf if weighed.vetoes else weighed.weight

    def settle(self, record: Held) -> None:
        verdict, among = self.verdict(record)
        event: int | None = None
        if verdict.outcome == "link":
            verdict, event = self._link(record, verdict)
        if verdict.outcome == "review" and verdict.other is not None:
            weighed = verdict.other.weighed
            self._doubts.append(Doubt(record.gid, verdict.other.gid, weighed.weight, weighed.evidence, verdict.reason))
        other = verdict.other
        self._rows.append({
            "kind": KINDS[self.kind].number, "gid": record.gid, "other": None if other is None else other.gid,
            "outcome": verdict.outcome, "weight": None if other is None else other.weighed.weight, "candidates": among,
            "evidence": evidence_text(verdict.evidence), "model": self._model.version, "at": self.now, "merge_event": event,
        })  # fmt: skip

    def _link(self, record: Held, verdict: Verdict) -> tuple[Verdict, int | None]:
        """Merge, unless something about the two whole things speaks against it."""
        other = verdict.other
        assert other is not None
        mine = self._roots[record.gid]
        outcome, why_not = self._against(mine, other.root)
        if why_not:
            return Verdict(outcome, other, why_not), None
        try:
            event = merge(
                self.conn,
                record.gid,
                other.gid,
                actor=ACTOR,
                reason=_told(verdict),
                now=self.now,
                score=other.weighed.weight,
            )
        except MergeForbidden as error:
            return Verdict("veto", other, str(error)), None
        self.linked += 1
        moved = self._members.pop(event.loser)
        self._members[event.winner] |= moved
        self._roots.update(dict.fromkeys(moved, event.winner))
        return verdict, event.id

    def _against(self, a: int, b: int) -> tuple[Outcome, str]:
        """Why two things are left apart although two of their records agree."""
        ours, theirs = self._members[a], self._members[b]
        if len(ours) + len(theirs) > self.terms.largest:
            return (
                "review",
                f"one thing of {len(ours) + len(theirs)} records; more than {self.terms.largest} take a person",
            )
        for undone in reversed(self._undone):
            if (undone.a in ours and undone.b in theirs) or (undone.a in theirs and undone.b in ours):
                return "veto", f"taken apart by {undone.undone_by} (merge {undone.id})"
        fields = sorted(_vetoes(self._model, self._records(ours), self._records(theirs)))
        if fields:
            return "veto", f"other records of the two differ in {', '.join(fields)}"
        return "link", ""

    def _records(self, gids: set[int]) -> list[Held]:
        return [self._held[gid] for gid in sorted(gids) if gid in self._held]

    def write(self) -> None:
        """Everything that was decided, in a few statements."""
        for start in range(0, len(self._rows), 500):
            self.conn.execute(insert(match_decision), self._rows[start : start + 500])
        between: dict[tuple[int, int], Doubt] = {}  # of two things one pair of records is enough
        for doubt in sorted(self._doubts, key=lambda d: (d.weight, d.a, d.b)):
            a, b = sorted((self._roots[doubt.a], self._roots[doubt.b]))
            if a != b:
                between[a, b] = doubt
        self.reviews = propose_reviews(self.conn, between.values(), "online", self.now)
        if self.linked:
            settle_reviews(self.conn, self.now)
        index.settled(self.conn, self.asked)


def _vetoes(model: Model, left: Iterable[Held], right: Sequence[Held]) -> set[str]:
    """The vetoing fields in which any record of one thing differs from any of the other."""
    found: set[str] = set()
    for f in model.fields:
        if f.veto:
            ours = {h.body[f.name] for h in left if f.name in h.body}
            theirs = {h.body[f.name] for h in right if f.name in h.body}
            if ours and theirs and not ours & theirs:
                found.add(f.name)
    return found


def _told(verdict: Verdict) -> str:
    """The evidence in one line, the strongest first."""
    ranked = sorted((e for e in verdict.evidence if e.bits), key=lambda e: -e.bits)
    line = ", ".join(f"{e.field} {e.level} {e.bits:+.1f}" for e in ranked)
    return f"{verdict.reason}: {line}"[:2000]
