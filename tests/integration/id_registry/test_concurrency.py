"""Many at once on PostgreSQL: nobody disagrees, nothing is doubled, nobody waits for ever, a crash leaves nothing half."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import Connection, Engine, event, func, select
from sqlalchemy.exc import DBAPIError

from id_registry import (
    AlreadyMerged,
    Key,
    MergeForbidden,
    Observation,
    forbid,
    golden,
    live,
    lookup,
    merge,
    observe,
    resolve,
    undo,
)
from id_registry.tables import cannot_link, merge_event, xref
from tests.integration.id_registry.things import DAY, NOW, born, components_by_the_events, customers, redirects

THREADS = 8
T = TypeVar("T")


def all_at_once(work: Callable[[int], T]) -> list[T]:
    """What each of the threads returns; their exceptions are raised here."""
    start = Barrier(THREADS)

    def run(number: int) -> T:
        start.wait(30)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_eight_that_resolve_the_same_keys_in_random_order_agree(postgres_registry: Engine) -> None:
    keys = customers(400) + [Key("device", "mes", f"D-{i}") for i in range(200)]

    def work(number: int) -> dict[Key, int]:
        luck = random.Random(number)
        got: dict[Key, int] = {}
        for _ in range(8):
            batch = luck.sample(keys, 150)
            with postgres_registry.begin() as conn:
                found = resolve(conn, batch, NOW)
            assert all(got.setdefault(key, gid) == gid for key, gid in found.items())
        return got

    answers: dict[Key, int] = {}
    for got in all_at_once(work):
        assert all(answers.setdefault(key, gid) == gid for key, gid in got.items())
    assert len(set(answers.values())) == len(answers)
    with postgres_registry.begin() as conn:
        assert lookup(conn, keys) == answers
        assert conn.execute(select(func.count()).select_from(xref)).scalar_one() == len(answers)


def test_some_of_them_rolling_back_changes_nothing_for_the_others(postgres_registry: Engine) -> None:
    keys = customers(300)

    def work(number: int) -> dict[Key, int]:
        luck = random.Random(number)
        got: dict[Key, int] = {}
        for _ in range(8):
            with postgres_registry.connect() as conn:
                found = resolve(conn, luck.sample(keys, 60), NOW)
                if luck.random() < 0.5:
                    conn.rollback()
                else:
                    conn.commit()
                    got.update(found)
        return got

    kept = [pair for got in all_at_once(work) for pair in got.items()]
    with postgres_registry.begin() as conn:
        assert dict(kept) == lookup(conn, keys)
    assert len(set(kept)) == len(dict(kept)) == len(set(dict(kept).values()))


def test_renewing_last_seen_waits_for_nobody(postgres_registry: Engine) -> None:
    keys = customers(100)
    with postgres_registry.begin() as conn:
        resolve(conn, keys, NOW)
    with postgres_registry.connect() as one, postgres_registry.connect() as two:
        held = resolve(one, keys, NOW + 2 * DAY)  # holds its rows until it commits
        two.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
        assert resolve(two, list(reversed(keys)), NOW + 2 * DAY) == held
        two.commit()
        one.commit()


def test_merges_undos_and_forbidden_pairs_at_once_leave_what_the_events_say(postgres_registry: Engine) -> None:
    with postgres_registry.begin() as conn:
        gids = born(conn, 24)

    def work(number: int) -> None:
        luck = random.Random(number)
        mine: list[int] = []
        for _ in range(20):
            a, b = luck.sample(gids, 2)
            with postgres_registry.begin() as conn:
                try:
                    if luck.random() < 0.15:
                        forbid(conn, a, b, actor="eve", now=NOW)
                    elif mine and luck.random() < 0.3:
                        undo(conn, mine.pop(), actor="bob", now=NOW)
                    else:
                        merged = merge(conn, a, b, actor="ann", reason="", now=NOW)
                        mine += [] if merged.already else [merged.id]
                except (MergeForbidden, AlreadyMerged):
                    pass

    all_at_once(work)
    with postgres_registry.begin() as conn:
        expected = components_by_the_events(conn, gids)
        assert live(conn, gids) == expected
        assert redirects(conn) == {gid: root for gid, root in expected.items() if gid != root}
        for a, b in conn.execute(select(cannot_link.c.a, cannot_link.c.b)):
            assert expected[a] != expected[b]
        assert conn.execute(select(func.count()).select_from(merge_event)).scalar_one() > 20


def test_the_same_merge_eight_times_at_once_happens_once(postgres_registry: Engine) -> None:
    with postgres_registry.begin() as conn:
        a, b = born(conn, 2)

    def work(_: int) -> tuple[int, bool]:
        with postgres_registry.begin() as conn:
            merged = merge(conn, a, b, actor="ann", reason="", now=NOW)
        return merged.id, merged.already

    outcomes = all_at_once(work)
    assert sorted(already for _, already in outcomes) == [False] + [True] * 7
    assert len({event_id for event_id, _ in outcomes}) == 1


def test_observations_at_once_end_with_the_newest(postgres_registry: Engine) -> None:
    with postgres_registry.begin() as conn:
        gids = born(conn, 20)

    def work(number: int) -> None:
        luck = random.Random(number)
        for round_ in range(5):
            at = round_ * THREADS + number
            batch = [Observation(gid, "crm", field, at, at) for gid in gids for field in "abc"]
            luck.shuffle(batch)
            with postgres_registry.begin() as conn:
                observe(conn, batch, NOW)

    all_at_once(work)
    with postgres_registry.begin() as conn:
        values = {field.value for gid in gids for field in golden(conn, gid).fields.values()}
    assert values == {5 * THREADS - 1}


@pytest.mark.parametrize("killed_at", ["INSERT INTO merge_event", "UPDATE redirect", "INSERT INTO redirect"])
def test_a_connection_lost_within_a_merge_leaves_what_was_before(postgres_registry: Engine, killed_at: str) -> None:
    with postgres_registry.begin() as conn:
        a, b, c = born(conn, 3)
        merge(conn, b, c, actor="ann", reason="", now=NOW)
        before = redirects(conn)

    def lose(conn: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(killed_at):
            pid = conn.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            with postgres_registry.connect() as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s, 10000)", (pid,))

    with postgres_registry.connect() as conn:
        event.listen(conn, "before_cursor_execute", lose)
        with pytest.raises(DBAPIError):
            merge(conn, a, b, actor="ann", reason="", now=NOW)
    with postgres_registry.begin() as conn:
        assert redirects(conn) == before
        assert live(conn, [a, b, c]) == {a: a, b: b, c: b}
        assert merge(conn, a, b, actor="ann", reason="", now=NOW).winner == a
