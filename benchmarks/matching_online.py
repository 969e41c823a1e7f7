"""The online matcher as it is shipped: what it links of the synthetic Chinese set, and how long a decision takes."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, update

from benchmarks.matching_chinese import Made, Maker
from benchmarks.meters import durable_postgres, new_database, server_pid, tree_cpu
from gateway.database import open_engine
from id_registry import Key, live, metadata, resolve
from id_registry.matching import BATCH, Terms, count_frequencies, list_reviews, match, note_records
from id_registry.matching.index import Held, pending
from id_registry.matching.online import judge
from id_registry.matching.tables import match_record

NOW = 1_790_000_000_000_000
ENTITIES = int(os.environ.get("WEFT_BENCH_ENTITIES", "1000000"))
COMPANIES = 3_000
ASKED, ALONE = 1_000, 200
CHUNK = 5_000


class Quality(NamedTuple):
    """Pairs of records of one company: linked rightly, put to a person, or neither."""

    records: int
    precision: float
    recall: float
    reviews: int
    review_precision: float
    recall_with_reviews: float


class Speed(NamedTuple):
    """Milliseconds of CPU a record, of this process and of PostgreSQL's. `decide`: from the record to the decision (keys,
    candidates, weights), in batches of 200 as the sync does it; `alone`: the same for one record by itself; `whole`: with
    everything written, merges too. `alone_p50`: wall clock."""

    entities: int
    database: str
    decide_ms: float
    alone_ms: float
    alone_p50_ms: float
    whole_ms: float
    linked: int


def chinese() -> Quality:
    """The synthetic set through the registry, in the order of a shuffle, with the built-in terms."""
    made = list(Maker().records(COMPANIES))
    with _sqlite() as engine, engine.begin() as conn:
        gids = take_in(conn, made)
        while match(conn, "customer", Terms(), NOW).compared:
            pass
        roots = live(conn, gids)
        by_company: dict[int, list[int]] = defaultdict(list)
        by_root: dict[int, list[int]] = defaultdict(list)
        company = {}
        for gid, each in zip(gids, made, strict=True):
            by_company[each.company].append(gid)
            by_root[roots[gid]].append(gid)
            company[gid] = each.company
        true = sum(len(group) * (len(group) - 1) // 2 for group in by_company.values())
        linked = [pair for group in by_root.values() for pair in combinations(group, 2)]
        right = sum(company[a] == company[b] for a, b in linked)
        doubts, cursor = [], None
        while True:
            page = list_reviews(conn, limit=500, cursor=cursor)
            doubts += page.items
            if (cursor := page.next_cursor) is None:
                break
    found = sum(company[r.a] == company[r.b] for r in doubts)
    return Quality(
        len(made), right / max(1, len(linked)), right / true, len(doubts), found / max(1, len(doubts)), (right + found) / true
    )  # fmt: skip


def speed() -> list[Speed]:
    """A registry of ENTITIES companies on each database; then records come in, half of them of companies it knows."""
    found = []
    with _sqlite() as engine:
        found.append(_speed(engine, "SQLite", time.process_time))
    with durable_postgres() as server:
        engine = open_engine(new_database(server, "matching"))
        pid = server_pid(server)
        try:
            found.append(_speed(engine, "PostgreSQL", lambda: time.process_time() + tree_cpu(pid)))
        finally:
            engine.dispose()
    return found


def _speed(engine: Engine, name: str, cpu: Callable[[], float]) -> Speed:
    metadata.create_all(engine)
    maker = Maker(seed=5)
    known = []
    for start in range(0, ENTITIES, CHUNK):
        companies = [maker.company() for _ in range(min(CHUNK, ENTITIES - start))]
        known += companies[: max(1, ASKED * CHUNK // ENTITIES)]
        with engine.begin() as conn:
            take_in(conn, [Made(c["number"], "erp", maker.said(c, tidy=True)) for c in companies])
            conn.execute(update(match_record).where(match_record.c.pending.is_(True)).values(pending=False))
    with engine.begin() as conn:
        count_frequencies(conn)
        if engine.dialect.name == "postgresql":
            conn.exec_driver_sql("ANALYZE")
    asked = [known[n % len(known)] if n % 2 else maker.company() for n in range(ASKED)]
    made = [Made(c["number"], "crm", maker.said(c, tidy=False)) for c in asked]
    with engine.begin() as conn:
        take_in(conn, made)
        waiting = pending(conn, "customer", len(made))
        begun = cpu()
        for some in _in_parts(waiting, BATCH):
            judge(conn, "customer", some, Terms())
        decided = cpu() - begun
        alone, begun = [], cpu()
        for one in _in_parts(waiting[:ALONE], 1):
            at = time.perf_counter()
            judge(conn, "customer", one, Terms())
            alone.append(time.perf_counter() - at)
        single = cpu() - begun
    linked, begun = 0, cpu()
    while True:
        with engine.begin() as conn:
            did = match(conn, "customer", Terms(), NOW)
        linked += did.linked
        if did.compared < BATCH:
            break
    whole = cpu() - begun
    n = len(waiting)
    return Speed(
        ENTITIES, name, decided / n * 1000, single / len(alone) * 1000, statistics.median(alone) * 1000, whole / n * 1000, linked
    )  # fmt: skip


def _in_parts(records: Sequence[Held], size: int) -> list[Sequence[Held]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


def take_in(conn: Connection, made: Sequence[Made]) -> list[int]:
    """Ids of these records, in their order, and what they say; as the sync does it."""
    keys = [Key("customer", each.system, f"{each.company}") for each in made]
    found = resolve(conn, keys, NOW)
    for system in {each.system for each in made}:
        records = {f"{each.company}": each.record for each in made if each.system == system}
        births = {local: found[Key("customer", system, local)] for local in records}
        note_records(conn, "customer", system, records, births)
    return [found[key] for key in keys]


@contextmanager
def _sqlite() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'weft.db'}")
        metadata.create_all(engine)
        try:
            yield engine
        finally:
            engine.dispose()
