"""Every file once, on from the very row, and never one that is not complete."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.drop_folder.client import Files
from connectors.errors import AuthProblem, ConfigProblem, Transient
from tests.unit.connectors_csv.conftest import BEGIN, Drop, cursor_of

SEVEN = "item,qty\n" + "".join(f"A{n},{n}\n" for n in range(7))


def test_files_are_read_the_oldest_first(drop: Drop) -> None:
    drop.put("stock-b.csv", "item,qty\nA,2\n", at=BEGIN)
    drop.put("stock-a.csv", "item,qty\nA,1\n", at=BEGIN + timedelta(hours=1))
    assert [row["qty"] for row in drop.rows()] == [2, 1]


def test_a_file_that_was_read_is_not_read_again(drop: Drop) -> None:
    drop.put("stock.csv", SEVEN)
    assert drop.batches(cursor_of(drop.batches())) == []


def test_a_run_goes_on_at_the_row_where_it_was_left(drop: Drop) -> None:
    drop.put("stock.csv", SEVEN)
    first = drop.batches(stop_after=1)
    assert [row["item"] for row in drop.rows(cursor_of(first))] == ["A3", "A4", "A5", "A6"]


def test_a_row_is_counted_as_a_spreadsheet_does_also_after_a_resumption(drop: Drop) -> None:
    drop.put("stock.csv", 'item,qty\n"A\n1",1\nB,2\nC,3\nD,many\n')
    first = drop.batches(stop_after=1)
    assert drop.bad(cursor_of(first)) == ["stock.csv row 5 (line 6): qty: 'many' is no number"]


def test_a_changed_file_is_read_again_from_its_beginning(drop: Drop) -> None:
    drop.put("stock.csv", SEVEN)
    cursor = cursor_of(drop.batches())
    drop.put("stock.csv", SEVEN.replace("A6,6", "A6,60"))
    assert len(drop.rows(cursor)) == 7


def test_a_file_changed_while_it_was_in_hand_is_read_again_from_its_beginning(drop: Drop) -> None:
    drop.put("stock.csv", SEVEN)
    cursor = cursor_of(drop.batches(stop_after=1))
    drop.put("stock.csv", SEVEN.replace("A0,0", "A0,10"))
    assert drop.rows(cursor)[0] == {"item": "A0", "qty": 10}


def test_a_file_with_a_new_time_and_the_same_content_is_not_read_again(drop: Drop) -> None:
    drop.put("stock.csv", SEVEN)
    cursor = cursor_of(drop.batches())
    drop.put("stock.csv", SEVEN)
    batches = drop.batches(cursor)
    assert [len(batch.records) for batch in batches] == [0]
    assert drop.batches(cursor_of(batches)) == []


def test_the_same_file_again_under_another_name_is_read_once(drop: Drop) -> None:
    drop.put("stock-1.csv", SEVEN)
    drop.put("stock-1 (copy).csv", SEVEN)
    assert len(drop.rows()) == 7


def test_content_that_comes_back_after_another_is_read_again(drop: Drop) -> None:
    """Stock that went 1, 2, 1 must end as 1."""
    for number, quantity in enumerate((1, 2, 1)):
        drop.put(f"stock-{number}.csv", f"item,qty\nA,{quantity}\n")
    assert [row["qty"] for row in drop.rows()] == [1, 2, 1]


def test_a_file_taken_away_and_put_back_is_read_again(drop: Drop) -> None:
    path = drop.put("stock.csv", SEVEN)
    cursor = cursor_of(drop.batches())
    path.unlink()
    drop.put("stock-other.csv", "item,qty\nX,1\n")
    cursor = cursor_of(drop.batches(cursor))
    drop.put("stock.csv", SEVEN)
    assert len(drop.rows(cursor)) == 7


def test_a_file_that_comes_late_with_an_older_time_is_read(drop: Drop) -> None:
    drop.put("stock-1.csv", SEVEN)
    cursor = cursor_of(drop.batches())
    drop.put("stock-0.csv", "item,qty\nOLD,1\n", at=BEGIN - timedelta(days=300))
    assert drop.rows(cursor) == [{"item": "OLD", "qty": 1}]


def test_a_file_that_is_written_to_while_it_is_read_is_left(drop: Drop) -> None:
    path = drop.put("stock.csv", SEVEN)
    connector = drop.connector()
    pages = connector.read(connector.streams()[0], None)
    next(pages)
    with path.open("a") as more:
        more.write("A7,7\n")
    with pytest.raises(Transient, match="being changed"):
        next(pages)


def test_a_cursor_of_something_else_is_refused(drop: Drop) -> None:
    for cursor in ("x", ["2026-01-01", "7"], {"done": 1}, {"done": {"a": [1]}, "last": "", "hand": None}):
        with pytest.raises(ConfigProblem, match="no cursor"):
            drop.batches(cursor)  # type: ignore[arg-type]


# -- when a file is complete ------------------------------------------------------------------------------------------


def test_a_file_that_does_not_rest_yet_waits(drop: Drop) -> None:
    path = drop.put("stock.csv", SEVEN)
    changed = datetime.fromtimestamp(path.stat().st_ctime, UTC)
    drop.now = changed + timedelta(seconds=9)
    assert drop.rows() == []
    drop.now = changed + timedelta(seconds=11)
    assert len(drop.rows()) == 7


def test_an_old_time_kept_by_a_copy_does_not_make_a_file_complete(drop: Drop) -> None:
    path = drop.put("stock.csv", SEVEN, at=BEGIN - timedelta(days=400))
    drop.now = datetime.fromtimestamp(path.stat().st_ctime, UTC) + timedelta(seconds=1)
    assert drop.rows() == []


def test_a_file_waits_for_its_marker(drop: Drop) -> None:
    drop.config["complete"] = {"by": "marker"}
    drop.put("stock.csv", SEVEN)
    assert drop.rows() == []
    drop.put("stock.csv.done", "")
    assert len(drop.rows()) == 7


def test_names_of_unfinished_files_are_never_taken(drop: Drop) -> None:
    drop.config["complete"] = {"by": "rename"}
    for name in ("stock.csv.part", "stock.tmp", ".stock.csv", "~$stock.xlsx", "stock.filepart"):
        drop.put(name, SEVEN)
    assert drop.rows() == []


def test_a_file_that_somebody_has_open_waits(drop: Drop) -> None:
    drop.put("stock.csv", SEVEN)
    lock = drop.put("~$stock.csv", "")
    assert drop.rows() == []
    lock.unlink()
    assert len(drop.rows()) == 7


# -- moved away -------------------------------------------------------------------------------------------------------


def test_a_file_is_moved_away_once_it_was_read_and_committed(drop: Drop, tmp_path: Path) -> None:
    archive = tmp_path / "read"
    archive.mkdir()
    drop.config["archive_to"] = str(archive)
    path = drop.put("stock.csv", SEVEN)
    cursor = cursor_of(drop.batches())
    assert path.exists()
    drop.put("stock-2.csv", "item,qty\nX,1\n")
    drop.batches(cursor)
    assert [each.name for each in archive.iterdir()] == ["stock.csv"]
    assert not path.exists()


def test_a_file_that_two_streams_take_is_not_moved_away(drop: Drop, tmp_path: Path) -> None:
    drop.config["archive_to"] = str(tmp_path)
    drop.config["streams"] = {**drop.config["streams"], "other": {"files": "*.csv", "key": "item"}}
    path = drop.put("stock.csv", SEVEN)
    drop.batches(cursor_of(drop.batches()))
    assert path.exists()


# -- who may, and where ---------------------------------------------------------------------------------------------


@pytest.fixture
def nobody() -> Any:
    """Run as an account without rights of its own; root passes every check."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_missing_rights_on_the_folder_are_told(drop: Drop, request: pytest.FixtureRequest) -> None:
    drop.folder.chmod(0o300)
    request.getfixturevalue("nobody")
    health = drop.connector().check()
    assert not health.ok
    assert str(drop.folder) in health.missing_rights[0].right
    with pytest.raises(AuthProblem):
        drop.batches()


def test_a_folder_that_is_not_there_is_told(drop: Drop) -> None:
    drop.folder.rmdir()
    with pytest.raises(ConfigProblem, match="No such file or directory"):
        drop.connector().check()


def test_check_says_why_no_file_is_complete(drop: Drop) -> None:
    drop.config["complete"] = {"by": "marker"}
    drop.put("stock.csv", SEVEN)
    assert "there is no stock.csv.done yet" in drop.connector().check().message


def test_a_link_out_of_the_folder_is_refused_once(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("item,qty\nSECRET,1\n")
    (drop.folder / "stock-link.csv").symlink_to(secret)
    batches = drop.batches()
    assert [str(bad) for batch in batches for bad in batch.bad] == [
        "stock-link.csv: it is a symbolic link out of the folder; put the file itself there"
    ]
    assert not any(batch.records for batch in batches)
    assert drop.batches(cursor_of(batches)) == []


def test_a_link_put_in_a_files_place_between_looking_and_opening_is_not_followed(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("item,qty\nSECRET,1\n")

    class Swapping(Files):
        def open(self, path: str) -> int:
            os.unlink(path)
            os.symlink(secret, path)
            return super().open(path)

    drop.put("stock.csv", SEVEN)
    assert drop.batches(files=Swapping()) == []


def test_what_is_no_plain_file_is_left_alone(drop: Drop) -> None:
    os.mkfifo(drop.folder / "stock.csv")
    (drop.folder / "stock-folder.csv").mkdir()
    assert drop.batches() == []


@pytest.mark.parametrize("pattern", ["../*.csv", "a/b.csv", ".hidden*", "..\\x"])
def test_a_pattern_cannot_leave_the_folder(drop: Drop, pattern: str) -> None:
    drop.stream(files=pattern)
    with pytest.raises(ValueError, match="in the folder itself"):
        drop.connector()


# -- a snapshot -------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_the_newest_file_alone(drop: Drop) -> None:
    drop.stream(mode="snapshot")
    drop.put("stock-2.csv", "item,qty\nNEW,1\n", at=BEGIN + timedelta(hours=2))
    drop.put("stock-9.csv", "item,qty\nOLD,1\n", at=BEGIN)
    assert [row["item"] for row in drop.rows()] == ["NEW"]


def test_no_file_is_not_an_empty_snapshot(drop: Drop) -> None:
    drop.stream(mode="snapshot")
    with pytest.raises(Transient, match="no complete file"):
        drop.batches()


def test_a_snapshot_that_cannot_be_read_deletes_nothing(drop: Drop) -> None:
    drop.stream(mode="snapshot")
    drop.put("stock.csv", "article,amount\nA,1\n")
    with pytest.raises(ConfigProblem, match="it has no column 'item'; its columns are: article, amount"):
        drop.batches()
