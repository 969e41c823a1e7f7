"""Many at once: one ticket, no error, no deadlock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import Engine, create_engine, func, select

from core_tickets import Command, Draft, Opened, VersionConflict, apply, get, open_or_merge, tables
from tests.integration.core_tickets.samples import NOW, command, draft

T = TypeVar("T")
THREADS = 32


@pytest.fixture
def crowd(tickets: Engine) -> Iterator[Engine]:
    """The database with a connection ready for each thread; on SQLite writers queue anyway."""
    if tickets.dialect.name == "sqlite":
        yield tickets
        return
    engine = create_engine(tickets.url, pool_size=THREADS)
    waiting = [engine.connect() for _ in range(THREADS)]
    for connection in waiting:
        connection.close()
    yield engine
    engine.dispose()


def at_once(works: list[Callable[[Barrier], T]]) -> list[T]:
    barrier = Barrier(len(works), timeout=60)
    with ThreadPoolExecutor(len(works)) as pool:
        return [f.result() for f in [pool.submit(work, barrier) for work in works]]


def opening(engine: Engine, drafts: list[Draft], now: int = NOW) -> Callable[[Barrier], list[Opened]]:
    def work(barrier: Barrier) -> list[Opened]:
        barrier.wait()
        with engine.connect() as conn:
            opened = open_or_merge(conn, drafts, now)
            conn.commit()
            return opened

    return work


def test_32_first_sights_at_once_make_one_ticket(crowd: Engine) -> None:
    rounds = 20 if crowd.dialect.name == "postgresql" else 4
    for number in range(rounds):
        works = [opening(crowd, [draft(f"f{number}")]) for _ in range(THREADS)]
        outcomes = [o for answers in at_once(works) for o in answers]
        assert len({o.ticket_id for o in outcomes}) == 1
        assert sorted(o.outcome for o in outcomes) == ["merged"] * (THREADS - 1) + ["opened"]
        with crowd.connect() as conn:
            assert get(conn, outcomes[0].ticket_id).occurrences == THREADS


def test_overlapping_batches_in_any_order_do_not_deadlock(crowd: Engine) -> None:
    for number in range(5):
        keys = [f"{number}/{i}" for i in range(20)]
        batches = [[draft(k) for k in (keys[i:] + keys[:i])[: 8 + i]] for i in range(12)]
        batches = [b if i % 2 else b[::-1] for i, b in enumerate(batches)]
        answers = at_once([opening(crowd, b) for b in batches])
        by_key: dict[str, set[int]] = {}
        for batch, opened in zip(batches, answers, strict=True):
            for d, o in zip(batch, opened, strict=True):
                by_key.setdefault(d.fingerprint or "", set()).add(o.ticket_id)
        assert all(len(ids) == 1 for ids in by_key.values())
        assert sum(o.outcome == "opened" for opened in answers for o in opened) == len(by_key)


def test_racing_repeats_of_a_done_ticket_reopen_it_once(crowd: Engine) -> None:
    for number in range(5):
        first = draft(f"r{number}")
        with crowd.begin() as conn:
            open_or_merge(conn, [first], NOW)
            apply(conn, [command(first.id, "resolve", resolution="done"), command(first.id, "close")], NOW)
        works = [opening(crowd, [draft(f"r{number}", reopen_within=100)], NOW + 1) for _ in range(12)]
        outcomes = [o for answers in at_once(works) for o in answers]
        assert {o.ticket_id for o in outcomes} == {first.id}
        assert sorted(o.outcome for o in outcomes) == ["merged"] * 11 + ["reopened"]


def test_racing_repeats_of_done_tickets_have_one_successor_each(crowd: Engine) -> None:
    for number in range(6):
        first = [draft(f"s{number}/{i}") for i in range(2)]
        with crowd.begin() as conn:
            open_or_merge(conn, first, NOW)
            apply(conn, [command(d.id, "resolve", resolution="done") for d in first], NOW)
        keys = [f"s{number}/{i}" for i in range(6)]  # two that are done, four that are new
        works = [opening(crowd, [draft(key) for key in keys], NOW + 1) for _ in range(16)]
        for outcomes in zip(*at_once(works), strict=True):
            assert len({o.ticket_id for o in outcomes}) == 1
            assert sorted(o.outcome for o in outcomes) == ["merged"] * 15 + ["opened"]
        with crowd.connect() as conn:
            for d in first:
                successor = get(conn, get(conn, d.id).superseded_by or 0)
                assert (successor.fingerprint, successor.occurrences) == (d.fingerprint, 16)


def test_reopening_by_hand_and_a_successor_exclude_each_other(crowd: Engine) -> None:
    for number in range(8):
        first, second = draft(f"h{number}"), draft(f"h{number}")
        with crowd.begin() as conn:
            open_or_merge(conn, [first], NOW)
            apply(conn, [command(first.id, "resolve", resolution="done")], NOW)

        def reopening(barrier: Barrier, ticket_id: int = first.id) -> list[Opened]:
            barrier.wait()
            with crowd.connect() as conn:
                apply(conn, [command(ticket_id, "reopen")], NOW + 1)
                conn.commit()
            return []

        at_once([reopening, opening(crowd, [second], NOW + 1)])
        with crowd.connect() as conn:
            t = tables.ticket.c
            unresolved = t.status.not_in(["resolved", "closed"])
            assert conn.scalar(select(func.count()).where(t.fingerprint == f"h{number}", unresolved)) == 1


def test_of_racing_commands_with_one_expected_version_one_wins(crowd: Engine) -> None:
    d = draft()
    with crowd.begin() as conn:
        open_or_merge(conn, [d], NOW)

    def work(barrier: Barrier) -> list[object]:
        barrier.wait()
        with crowd.connect() as conn:
            done = apply(conn, [Command(d.id, "set", {"title": "mine"}, expected_version=1)], NOW)
            conn.commit()
            return [done[0].error]

    errors = [e for answer in at_once([work] * 8) for e in answer]
    assert sum(e is None for e in errors) == 1
    assert all(isinstance(e, VersionConflict) and e.current == 2 for e in errors if e is not None)


def test_commands_and_repeats_on_the_same_tickets_do_not_deadlock(crowd: Engine) -> None:
    drafts = [draft(f"c{i}") for i in range(20)]
    with crowd.begin() as conn:
        open_or_merge(conn, drafts, NOW)

    def commanding(barrier: Barrier) -> list[Opened]:
        barrier.wait()
        with crowd.connect() as conn:
            done = apply(conn, [command(d.id, "comment", text="hi") for d in reversed(drafts)], NOW)
            conn.commit()
            assert not any(a.error for a in done)
        return []

    repeats = [opening(crowd, [draft(f"c{i}", priority=number % 3) for i in range(20)]) for number in range(6)]
    at_once([*repeats, *[commanding] * 6])
    with crowd.connect() as conn:
        assert all(get(conn, d.id).occurrences == 7 for d in drafts)
