"""Source records are stored once per content, small, and found again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, select

from lineage import SourceRead, UnstorableValue, land, tables
from lineage.compression import SAMPLES
from lineage.landing import fetch
from tests.integration.lineage.conftest import NOW
from tests.unit.lineage.samples import alert


def read(number: int = 1, at: int = NOW, **changes: object) -> SourceRead:
    return SourceRead("am-main/alert", f"{number:016x}", alert(number, **changes), at)


def rows(engine: Engine) -> int:
    with engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(tables.landing)).scalar_one()


def test_a_source_record_reads_back_as_it_was(db: Engine) -> None:
    with db.begin() as conn:
        (i,) = land(conn, [read()])
    with db.connect() as conn:
        landed = fetch(conn, [i])[i]
    assert (landed.dataset, landed.key, landed.read_at) == ("am-main/alert", f"{1:016x}", NOW)
    assert landed.record == alert(1)


def test_the_same_version_again_is_the_same_row(db: Engine) -> None:
    with db.begin() as conn:
        first = land(conn, [read(1), read(2), read(1)])
    with db.begin() as conn:
        again = land(conn, [read(2, at=NOW + 5), read(1), read(3)])
    assert first[0] == first[2]
    assert again[:2] == [first[1], first[0]]
    assert rows(db) == 3
    with db.connect() as conn:
        assert fetch(conn, [again[0]])[again[0]].read_at == NOW


def test_another_version_is_another_row_and_the_old_one_comes_back(db: Engine) -> None:
    with db.begin() as conn:
        a, b, back = land(conn, [read(1), read(1, status="resolved"), read(1)])
    assert a == back != b


def test_the_same_content_of_another_object_or_dataset_is_another_row(db: Engine) -> None:
    payload = alert(1)
    reads = [SourceRead(d, k, payload, NOW) for d, k in (("a", "x"), ("a", "y"), ("b", "x"))]
    with db.begin() as conn:
        assert len(set(land(conn, reads))) == 3


def test_json_as_it_came_over_the_wire_is_taken_too(db: Engine) -> None:
    with db.begin() as conn:
        (i,) = land(conn, [SourceRead("erp", "1", b'{"amount": 1.50, "n": 3}', NOW)])
        assert fetch(conn, [i])[i].record == {"amount": Decimal("1.50"), "n": 3}


def test_nothing_landed_is_nothing_done(db: Engine) -> None:
    with db.begin() as conn:
        assert land(conn, []) == []


def test_a_record_without_json_form_is_refused_before_anything_is_written(db: Engine) -> None:
    with db.begin() as conn, pytest.raises(UnstorableValue):
        land(conn, [read(1), SourceRead("am-main/alert", "2", {"bad": object()}, NOW)])
    assert rows(db) == 0


def test_a_key_with_a_nul_is_refused(db: Engine) -> None:
    with db.begin() as conn, pytest.raises(UnstorableValue, match="key"):
        land(conn, [SourceRead("a", "x\0y", {}, NOW)])


def test_a_rolled_back_landing_leaves_nothing(db: Engine) -> None:
    with db.connect() as conn:
        land(conn, [read(1)])
        conn.rollback()
    assert rows(db) == 0
    with db.begin() as conn:
        (i,) = land(conn, [read(1)])
    with db.connect() as conn:
        landed = fetch(conn, [i])[i]
    assert (landed.dataset, landed.record) == ("am-main/alert", alert(1))


def test_names_from_a_rolled_back_transaction_are_never_trusted(db: Engine) -> None:
    with db.connect() as conn:
        land(conn, [SourceRead("rolled-back", "1", {}, NOW)])
        conn.rollback()
    with db.begin() as conn:
        (other,) = land(conn, [SourceRead("kept", "1", {}, NOW)])
    with db.begin() as conn:
        (again,) = land(conn, [SourceRead("rolled-back", "1", {}, NOW)])
    with db.connect() as conn:
        found = fetch(conn, [other, again])
    assert (found[other].dataset, found[again].dataset) == ("kept", "rolled-back")


def test_eight_threads_landing_the_same_content_agree_on_the_ids(db: Engine) -> None:
    start = threading.Barrier(8)

    def work(seed: int) -> list[int]:
        numbers = list(range(40))
        shuffled = numbers[seed * 5 :] + numbers[: seed * 5]
        start.wait(30)
        with db.begin() as conn:
            ids = dict(zip(shuffled, land(conn, [read(n) for n in shuffled]), strict=True))
        return [ids[n] for n in numbers]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert rows(db) == len(set(answers[0])) == 40


def test_a_dictionary_is_trained_once_there_are_samples_and_old_rows_stay_readable(db: Engine) -> None:
    ids = []
    for start in range(0, SAMPLES + 200, 100):
        with db.begin() as conn:
            ids += land(conn, [read(n) for n in range(start, start + 100)])
    with db.connect() as conn:
        used = conn.execute(select(tables.landing.c.id, tables.landing.c.dictionary)).all()
        by_id = {row.id: row.dictionary for row in used}
        size = dict(conn.execute(select(tables.landing.c.id, func.length(tables.landing.c.payload))).all())
        found = fetch(conn, ids)
    assert by_id[ids[0]] == 0
    assert by_id[ids[-1]] > 0
    assert size[ids[-1]] < size[ids[0]] / 3
    assert [found[i].record for i in ids] == [alert(n) for n in range(len(ids))]


def test_a_dictionary_that_was_rolled_back_is_not_used(db: Engine) -> None:
    with db.connect() as conn:
        land(conn, [read(n) for n in range(SAMPLES + 1)])
        conn.rollback()
    with db.begin() as conn:
        (i,) = land(conn, [read(1)])
    with db.connect() as conn:
        assert conn.execute(select(tables.landing.c.dictionary)).scalar_one() == 0
        assert fetch(conn, [i])[i].record == alert(1)


def test_another_process_reads_what_was_compressed_with_a_dictionary(db: Engine) -> None:
    from sqlalchemy import create_engine

    for start in (0, SAMPLES):
        with db.begin() as conn:
            ids = land(conn, [read(n) for n in range(start, start + SAMPLES)])
    other = create_engine(db.url)
    with other.connect() as conn:
        assert fetch(conn, ids[-1:])[ids[-1]].record == alert(2 * SAMPLES - 1)
    other.dispose()
