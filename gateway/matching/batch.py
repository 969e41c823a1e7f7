"""The nightly batch: what waits is matched, frequencies are learnt from the data, and Splink is asked for a second opinion.

It never merges by Splink's word: where the two disagree, a person decides. Done again the same night it changes nothing.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, select

import id_registry
from gateway import clock, leases
from gateway.errors import Conflict, NotFound
from gateway.matching.second_opinion import Pair, predict, write_settings
from gateway.policies.matching import KIND
from gateway.service import Gateway
from gateway.sync import linking
from id_registry import matching
from id_registry.global_ids import KINDS
from id_registry.matching import Doubt, Terms, index, model_for
from id_registry.matching.index import Held
from id_registry.matching.online import ACTOR
from id_registry.merging import MergeEvent
from id_registry.tables import merge_event
from mappings.suggestions import among

log = structlog.get_logger(__name__)

LEASE = 6 * 3600 * clock.SECOND
DOUBTED = 0.0
"""A link that Splink gives fewer bits than this is put to a person."""
PAGE = 20_000


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What a batch did of one kind. `pairs`: those Splink was in favour of; `agreed`: of these, one thing already; `missed`: put
    up because only Splink says one thing; `doubted`: links of the matcher put up because Splink does not say so."""

    kind: str
    records: int
    compared: int
    linked: int
    reviews: int
    pairs: int = 0
    agreed: int = 0
    missed: int = 0
    doubted: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def batch(
    gateway: Gateway, kinds: Collection[str] | None = None, *, second_opinion: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> list[BatchOutcome]:  # fmt: skip
    """Match every kind of the policy `matching` (or these of them). Raises NotFound for a kind the policy does not name, Conflict
    while another batch runs, MatchingNotInstalled where Splink is not there and a second opinion is asked for."""
    policy = KIND.of(gateway.hub.policies).terms
    wanted = sorted(policy if kinds is None else kinds)
    for kind in wanted:
        if kind not in policy:
            raise NotFound(f"The policy matching names no kind {kind!r}; {among(kind, sorted(policy))}.")
    owner = f"{os.getpid()}-{secrets.token_hex(4)}"
    name = "matching-batch"
    if not gateway.transact(lambda conn: leases.take(conn, name, owner, clock.now(), LEASE)):
        raise Conflict("Another batch of matching runs; wait for its end.")
    try:
        return [
            _batch(gateway, kind, policy[kind], second_opinion=second_opinion, progress=progress) for kind in wanted
        ]
    finally:
        gateway.transact(lambda conn: leases.release(conn, owner))


def write_all_settings(gateway: Gateway, folder: Path, kinds: Collection[str] | None = None) -> list[Path]:
    """Splink's settings of every kind of the policy, for DuckDB and for Spark; with the prior of the registry as it is."""
    policy = KIND.of(gateway.hub.policies).terms
    files: list[Path] = []
    for kind in sorted(policy if kinds is None else kinds):
        if kind not in policy:
            raise NotFound(f"The policy matching names no kind {kind!r}; {among(kind, sorted(policy))}.")
        with gateway.reading() as conn:
            files += write_settings(model_for(kind, policy[kind], index.size(conn, kind)), folder)
    return files


def _batch(
    gateway: Gateway, kind: str, terms: Terms, *, second_opinion: bool, progress: Callable[[str], None]
) -> BatchOutcome:
    compared = linked = reviews = 0
    if kind in linking.KINDS:
        while gateway.transact(lambda conn: linking.link(conn, kind, clock.now())).compared >= linking.BATCH:
            pass
    while True:
        did = gateway.transact(lambda conn: matching.match(conn, kind, terms, clock.now()))
        compared, linked, reviews = compared + did.compared, linked + did.linked, reviews + did.reviews
        progress(f"{kind}: {compared}")
        if did.compared < matching.BATCH:
            break
    gateway.transact(matching.count_frequencies)
    with gateway.reading() as conn:
        records = index.size(conn, kind)
        held = {each.gid: each for each in _all(conn, kind)} if second_opinion else {}
    outcome = BatchOutcome(kind, records, compared, linked, reviews)
    if not second_opinion:
        return outcome
    model = model_for(kind, terms, records)
    pairs = predict(model, iter(held.values()), least=DOUBTED, shared_by=terms.shared_by)
    progress(f"{kind}: Splink {len(pairs)}")
    agreed, missed, doubted = gateway.transact(lambda conn: _compare(conn, kind, terms, held, pairs, clock.now()))
    log.info("matching.batch", kind=kind, records=records, linked=linked, missed=missed, doubted=doubted)
    return BatchOutcome(kind, records, compared, linked, reviews, len(pairs), agreed, missed, doubted)


def _all(conn: Connection, kind: str) -> Iterator[Held]:
    after = 0
    while True:
        page = index.page(conn, kind, after, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].gid


def _compare(
    conn: Connection, kind: str, terms: Terms, held: dict[int, Held], pairs: Sequence[Pair], now: int
) -> tuple[int, int, int]:
    """Put every disagreement up; answers how many pairs agree, and how many of each disagreement are new."""
    roots = id_registry.live(conn, held)
    model = model_for(kind, terms, len(held))
    favoured = {(pair.a, pair.b): pair.weight for pair in pairs}
    agreed, missed = 0, []
    for pair in pairs:
        if roots[pair.a] == roots[pair.b]:
            agreed += 1
            continue
        a, b = held[pair.a], held[pair.b]
        weighed = model.weigh(a.body, b.body)
        if pair.weight < terms.link or weighed.vetoes:
            continue
        reason = f"Splink says one thing ({pair.weight:.1f} bits), the matcher did not link them"
        missed.append(Doubt(a.gid, b.gid, pair.weight, weighed.evidence, reason))
    doubted = []
    for event in _links(conn, kind):
        low, high = min(event.a, event.b), max(event.a, event.b)
        if (low, high) in favoured or low not in held or high not in held:
            continue
        weighed = model.weigh(held[low].body, held[high].body)
        reason = f"linked by the matcher (merge {event.id}); Splink does not say one thing"
        doubted.append(Doubt(low, high, -1.0, weighed.evidence, reason, event.id))
    n = matching.propose_reviews(conn, missed, "batch", now)
    m = matching.propose_reviews(conn, doubted, "batch", now)
    matching.settle_reviews(conn, now)
    return agreed, n, m


def _links(conn: Connection, kind: str) -> list[MergeEvent]:
    """Merges by the matcher that stand."""
    e = merge_event.c
    first = KINDS[kind].number * 10**13
    mine = (e.actor == ACTOR, e.undone_at.is_(None), e.a >= first, e.a < first + 10**13)
    return [MergeEvent(*row) for row in conn.execute(select(merge_event).where(*mine).order_by(e.id))]
