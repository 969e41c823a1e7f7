"""Old lineage leaves the database for sealed files, and every question is answered as before."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, func, select

from lineage import (
    Damaged,
    Gone,
    SourceRead,
    Verdict,
    Write,
    drill,
    drill_row,
    erase,
    erase_facts,
    fetch,
    history,
    keep_segments,
    land,
    listed_segments,
    plan,
    prune,
    record,
    seal_blocks,
    seal_landing,
    seal_records,
    sweep,
    tables,
    verify,
    versions,
)
from lineage.segments import path_of
from tests.integration.lineage.conftest import FACTS, NOW, TICKET, open_ticket, stored
from tests.integration.lineage.test_blocks import land_stock, row, stock
from tests.unit.lineage.samples import ALERT, INCIDENT, alert

LATER = NOW + 400 * 86_400_000_000
TICKETS = 30


@pytest.fixture
def folder(db: Engine, tmp_path: Path) -> Path:
    keep_segments(db, tmp_path / "segments")
    return tmp_path / "segments"


def open_and_seal(conn: Connection, count: int = TICKETS) -> dict[int, dict[str, object]]:
    """So many tickets, each of an alert of its own, and everything of them but the newest alert's row in segments."""
    held = {TICKET + n: open_ticket(conn, TICKET + n, n) for n in range(count)}
    assert seal_records(conn, list(held), LATER) is not None
    while seal_landing(conn, LATER, LATER, limit=12) is not None:
        pass
    return held


def rows_of(conn: Connection) -> tuple[int, int]:
    """How many writes and source records the database itself holds."""
    return tuple(conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (tables.prov, tables.landing))  # type: ignore[return-value]


def test_a_drill_down_from_segments_tells_what_it_told_before(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        values = open_ticket(conn)
        before = {name: drill(conn, TICKET, name, stored=values[name]) for name in values}
        land(conn, [SourceRead("am-main/alert", "newer", alert(2), NOW)])
        seal_records(conn, [TICKET], LATER)
        seal_landing(conn, LATER, LATER)
    with db.connect() as conn:
        assert rows_of(conn) == (0, 1)
        assert {name: drill(conn, TICKET, name, stored=values[name]) for name in values} == before
        assert before["title"].verdict is Verdict.EQUAL


def test_a_record_written_again_after_it_was_sealed_has_both_halves_of_its_history(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        open_and_seal(conn, 3)
        record(conn, [Write(TICKET, None, ("priority",), (), {"priority": "P0"}, "li.wei", LATER)])
    with db.connect() as conn:
        assert drill(conn, TICKET, "priority").value == "P0"
        assert drill(conn, TICKET, "title").value == "Press 0 is 60 degrees on DEV-2026-000007"
        assert [(o.value, o.actor) for o in history(conn, TICKET, "priority")] == [
            ("P0", "li.wei"), ("P2", "rule:incident"),
        ]  # fmt: skip


def test_verification_recomputes_sealed_values_and_finds_the_one_that_was_changed(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        held = open_and_seal(conn)
        clean = verify(conn, 0, stored(held))
        held[TICKET + 7]["priority"] = "P3"
        changed = verify(conn, 0, stored(held))
    assert (clean.ok, clean.records) == (True, TICKETS)
    assert clean.values == TICKETS * len(held[TICKET])
    assert [(d.rec, d.field) for d in changed.differences] == [(TICKET + 7, "priority")]


def test_a_segment_that_was_tampered_with_or_lost_is_named(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        held = open_and_seal(conn)
        sealed = {segment.kind: segment for segment in listed_segments(conn)}
    first, second = (path_of(folder, sealed[kind].name) for kind in ("landing", "prov"))
    content = bytearray(first.read_bytes())
    content[20] ^= 1
    first.chmod(0o600)
    first.write_bytes(content)
    second.unlink()
    with db.connect() as conn:
        report = verify(conn, 0, stored(held))
        assert not report.ok
        assert {broken.segment for broken in report.segments} == {first.stem, second.stem}


def test_a_missing_file_is_told_with_what_to_do_and_never_taken_for_no_origin(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        open_and_seal(conn, 3)
        (sealed,) = listed_segments(conn, "prov")
        path_of(folder, sealed.name).rename(folder / "away")
        with pytest.raises(Damaged, match="restore the file from a backup"):
            drill(conn, TICKET, "site")


def test_what_retention_prunes_keeps_where_it_was_from_and_says_since_when_it_is_gone(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        held = open_and_seal(conn)
        for segment in listed_segments(conn):
            prune(conn, segment, LATER)
    with db.connect() as conn:
        origin = drill(conn, TICKET, "title")
        report = verify(conn, 0, stored(held))
    assert (origin.verdict, origin.pruned_at) == (Verdict.ERASED, LATER)
    (source,) = origin.sources
    assert (source.dataset, source.key, source.field) == ("am-main/alert", f"{0:016x}", "annotations.summary")
    assert isinstance(source.raw, Gone)
    assert report.ok
    assert report.erased > 0
    assert b"1380000" not in b"".join(file.read_bytes() for file in folder.iterdir())


def test_a_sealed_value_is_erased_for_good_and_its_neighbours_stay(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        open_and_seal(conn)
        names = {segment.name for segment in listed_segments(conn)}
    with db.begin() as conn:
        (landing,) = versions(conn, "am-main/alert", f"{4:016x}")
        erase(conn, [landing], LATER)
        erase_facts(conn, TICKET + 4)
        assert all(path_of(folder, name).exists() for name in names), "a rollback would need the files"
    with db.connect() as conn:
        assert drill(conn, TICKET + 4, "title").verdict is Verdict.ERASED
        assert drill(conn, TICKET + 5, "title").value == "Press 5 is 65 degrees on DEV-2026-000007"
        assert {path.stem for path in folder.iterdir()} == {segment.name for segment in listed_segments(conn)}
        assert [segment.kind for segment in listed_segments(conn) if segment.name not in names] == ["landing", "prov"]


def test_a_sealing_that_was_rolled_back_changed_nothing_and_its_file_is_swept_later(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        values = open_ticket(conn)
    with db.connect() as conn:
        seal_records(conn, [TICKET], LATER)
        conn.rollback()
    (orphan,) = folder.iterdir()
    with db.begin() as conn:
        assert drill(conn, TICKET, "title", stored=values["title"]).verdict is Verdict.EQUAL
        assert sweep(conn) == [], "its transaction may be about to commit"
        os.utime(orphan, (0, time.time() - 90_000))
        assert sweep(conn) == [orphan.name]


def test_a_content_that_comes_again_after_it_was_sealed_is_landed_anew(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        open_and_seal(conn, 3)
        made = plan(conn, (ALERT, INCIDENT))
        (again,) = land(conn, [SourceRead("am-main/alert", f"{0:016x}", alert(0), LATER)])
        record(conn, [Write(TICKET + 50, made, ("site",), (again,), FACTS, "rule:incident", LATER)])
        old = drill(conn, TICKET, "site").landings[0]
        assert drill(conn, TICKET + 50, "site").landings == (again,)
        assert old != again
        assert fetch(conn, [old, again])[old].record == fetch(conn, [again])[again].record


def test_blocks_of_bulk_reads_are_read_and_erased_from_segments(db: Engine, folder: Path) -> None:
    with db.begin() as conn:
        rows = land_stock(conn, [row(stock(n)) for n in range(10)])
        land_stock(conn, [row(stock(n, "7")) for n in range(10)])
        before = drill_row(conn, rows[3], "quantity")
        sealed = seal_blocks(conn, LATER, LATER)
        assert sealed is not None
        assert drill_row(conn, rows[3], "quantity") == before
    with db.begin() as conn:
        erase(conn, [rows[3]], LATER)
    with db.connect() as conn:
        assert drill_row(conn, rows[3], "quantity").verdict is Verdict.ERASED
        assert drill_row(conn, rows[4], "quantity").verdict is Verdict.NOT_COMPARED
        assert not path_of(folder, sealed.name).exists()
