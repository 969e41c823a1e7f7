"""Every write is one row, in the right order, whoever writes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select

from lineage import (
    Effect,
    SourceRead,
    UnknownOrigin,
    Write,
    close_run,
    drill,
    history,
    land,
    note_effects,
    open_run,
    plan,
    record,
    tables,
)
from tests.integration.lineage.conftest import NOW, TICKET, open_ticket
from tests.unit.lineage.samples import ALERT, INCIDENT, alert


def by_hand(rec: int, at: int, actor: str = "li.wei", **values: Any) -> Write:
    return Write(rec, None, tuple(values), (), values, actor, at)


def count(engine: Engine, table: Any) -> int:
    with engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_write_of_many_fields_is_one_row(db: Engine) -> None:
    with db.begin() as conn:
        values = open_ticket(conn)
    assert len(values) == 10
    assert count(db, tables.prov) == 1


def test_writes_of_one_record_stand_in_their_order(db: Engine) -> None:
    with db.begin() as conn:
        record(conn, [by_hand(1, NOW, priority="P3"), by_hand(2, NOW, priority="P0"), by_hand(1, NOW, priority="P2")])
        record(conn, [by_hand(1, NOW, priority="P1")])
        assert [o.value for o in history(conn, 1, "priority")] == ["P1", "P2", "P3"]


def test_a_later_write_stands_later_even_if_its_clock_is_behind(db: Engine) -> None:
    with db.begin() as conn:
        record(conn, [by_hand(1, NOW, priority="P3")])
    with db.begin() as conn:
        record(conn, [by_hand(1, NOW - 60_000_000, priority="P2"), by_hand(1, NOW - 60_000_000, priority="P1")])
        found = history(conn, 1, "priority")
    assert [o.value for o in found] == ["P1", "P2", "P3"]
    assert [o.at for o in found] == [NOW - 60_000_000, NOW - 60_000_000, NOW]


def test_eight_threads_writing_one_record_lose_nothing(db: Engine) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait(30)
        for step in range(5):
            with db.begin() as conn:
                record(conn, [by_hand(1, NOW, note=f"{number}-{step}-{n}") for n in range(3)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with db.connect() as conn:
        found = history(conn, 1, "note", limit=1000)
    values = [o.value for o in reversed(found)]
    assert len(values) == len(set(values)) == 8 * 5 * 3
    for number in range(8):
        own = [v for v in values if v.startswith(f"{number}-")]
        assert own == [f"{number}-{step}-{n}" for step in range(5) for n in range(3)]


def test_a_rolled_back_write_leaves_nothing(db: Engine) -> None:
    with db.connect() as conn:
        open_ticket(conn)
        note_effects(conn, [Effect(TICKET, "b", "zbx/problem", "1", "pending", NOW)])
        conn.rollback()
    everything = (
        tables.prov,
        tables.plan,
        tables.field,
        tables.dataset,
        tables.landing,
        tables.effect,
        tables.prov_src,
    )
    assert [count(db, t) for t in everything] == [0] * len(everything)


def test_a_plan_outlives_the_rollback_of_the_transaction_that_first_stored_it(db: Engine) -> None:
    with db.connect() as conn:
        kept = plan(conn, (ALERT, INCIDENT))
        conn.rollback()
    with db.begin() as conn:
        other = plan(conn, (ALERT,))
        (source,) = land(conn, [SourceRead("am-main/alert", "1", alert(), NOW)])
        record(conn, [Write(1, kept, ("priority",), (source,), {}, "rule", NOW)])
        record(conn, [Write(2, other, ("severity",), (source,), {}, "rule", NOW)])
    with db.connect() as conn:
        assert (drill(conn, 1, "priority").value, drill(conn, 2, "severity").value) == ("P1", "critical")


def test_a_plan_that_another_process_stored_is_not_stored_twice(db: Engine) -> None:
    from sqlalchemy import create_engine

    with db.begin() as conn:
        plan(conn, (ALERT, INCIDENT))
    other = create_engine(db.url)
    with other.begin() as conn:
        plan(conn, (ALERT, INCIDENT))
        plan(conn, (ALERT,), prefix="context.")
    other.dispose()
    assert count(db, tables.plan) == 2


def test_a_field_without_any_origin_is_refused(db: Engine) -> None:
    with db.begin() as conn, pytest.raises(UnknownOrigin) as refused:
        record(conn, [Write(1, None, ("priority",), (), {}, "li.wei", NOW)])
    assert refused.value.field == "priority"
    with db.begin() as conn, pytest.raises(UnknownOrigin, match="fingerprint"):
        record(conn, [Write(1, plan(conn, (ALERT, INCIDENT)), ("sla",), (1,), {}, "rule", NOW)])


def statements(engine: Engine, work: Any) -> int:
    seen: list[str] = []
    with engine.begin() as conn:
        event.listen(conn, "before_cursor_execute", lambda c, cur, sql, *rest: seen.append(sql))
        work(conn)
    return len(seen)


def test_a_batch_of_any_size_takes_the_same_statements(db: Engine) -> None:
    for warm in range(2):
        with db.begin() as conn:
            open_ticket(conn, 1, 1000 + warm)

    def batch(size: int, first: int) -> Any:
        def work(conn: Any) -> None:
            reads = [SourceRead("am-main/alert", str(n), alert(n), NOW) for n in range(first, first + size)]
            ids = land(conn, reads)
            made = plan(conn, (ALERT, INCIDENT))
            record(conn, [Write(n, made, ("title", "priority"), (i,), {}, "r", NOW) for n, i in enumerate(ids)])

        return work

    few, many = statements(db, batch(2, 0)), statements(db, batch(200, 100))
    assert few == many <= 5


def test_shared_sources_have_a_reverse_index_and_others_have_none(db: Engine) -> None:
    with db.begin() as conn:
        (own, shared) = land(
            conn,
            [SourceRead("am", "1", {"a": 1}, NOW), SourceRead("crm/account", "7", {"tier": "gold"}, NOW, shared=True)],
        )
        record(conn, [Write(1, None, ("a",), (own, shared), {}, "sync", NOW)])
    with db.begin() as conn:
        record(conn, [Write(2, None, ("tier",), (shared,), {}, "sync", NOW)])
        assert conn.execute(select(tables.prov_src.c.src, tables.prov_src.c.rec)).all() == [
            (shared, 1),
            (shared, 2),
        ]


def test_rows_belong_to_their_run(db: Engine) -> None:
    with db.begin() as conn:
        run = open_run(conn, "am-main/alert", NOW)
        open_ticket(conn, run=run.id)
        close_run(conn, run, NOW + 5)
    with db.connect() as conn:
        origin = drill(conn, TICKET, "title")
        row = conn.execute(select(tables.run)).one()
    assert origin.run is not None
    assert (origin.run.uuid, origin.run.job) == (str(run.uuid), "am-main/alert")
    assert origin.sources[0].run == run.id
    assert (row.state, row.ended_at) == ("complete", NOW + 5)
