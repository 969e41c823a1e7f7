"""Files made for others: whole under their name or not at all, found again after a crash, no spreadsheet's commands."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.contract import Command, Outcome
from connectors.drop_folder.client import Files
from connectors.drop_folder.exporting import mark_of
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient
from tests.unit.connectors_csv.conftest import Drop

COMMAND = Command("c-1", "order", {"item": "BRG-6205"}, {"qty": Decimal("12.50"), "note": "尽快 soon"})


@pytest.fixture
def out(drop: Drop, tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    drop.config["exports"] = {
        "order": {
            "title": "Order",
            "title_zh": "下单",
            "folder": str(folder),
            "file": "order-{command}.csv",
            "key": "item",
            "fields": {"item": "text", "qty": {"type": "number", "required": True}, "note": "text", "due": "datetime"},
        }
    }
    return folder


def change(drop: Drop, **changes: Any) -> None:
    drop.config["exports"] = {"order": {**drop.config["exports"]["order"], **changes}}


def test_a_command_becomes_a_file_that_excel_opens_rightly(drop: Drop, out: Path) -> None:
    receipt = drop.connector().write(COMMAND)
    assert receipt.outcome is Outcome.applied
    mark = mark_of(COMMAND)
    assert [each.name for each in out.iterdir()] == [f"order-{mark}.csv"]
    expected = f"item,qty,note,due,weft_command\r\nBRG-6205,12.50,尽快 soon,,{mark}\r\n"
    assert (out / f"order-{mark}.csv").read_bytes() == expected.encode("utf-8-sig")


def test_the_file_appears_under_its_name_only_when_it_is_whole(drop: Drop, out: Path) -> None:
    seen: list[list[str]] = []

    class Watching(Files):
        def publish(self, source: str, target: str) -> None:
            seen.append(sorted(os.listdir(out)))
            super().publish(source, target)

    drop.connector(files=Watching()).write(COMMAND)
    assert seen == [[f".order-{mark_of(COMMAND)}.csv.part"]]


def test_a_command_written_twice_is_one_file(drop: Drop, out: Path) -> None:
    drop.connector().write(COMMAND)
    assert drop.connector().write(COMMAND).outcome is Outcome.duplicate
    assert len(list(out.iterdir())) == 1


def test_what_the_receiver_has_moved_away_is_still_confirmed_and_not_written_again(drop: Drop, out: Path) -> None:
    taken = out.parent / "taken"
    taken.mkdir()
    change(drop, taken_to=str(taken))
    name = drop.connector().write(COMMAND).external_id
    (out / name).rename(taken / name)
    assert drop.connector().confirm(COMMAND) is not None
    assert drop.connector().write(COMMAND).outcome is Outcome.duplicate
    assert list(out.iterdir()) == []


def test_where_the_receiver_deletes_nobody_can_confirm(drop: Drop, out: Path) -> None:
    change(drop, receiver_deletes=True)
    assert drop.connector().operations()[0].can_confirm is False
    with pytest.raises(ConfigProblem, match="the receiver deletes"):
        drop.connector().confirm(COMMAND)


def test_a_file_of_that_name_with_other_content_is_not_replaced(drop: Drop, out: Path) -> None:
    theirs = out / f"order-{mark_of(COMMAND)}.csv"
    theirs.write_text("theirs")
    assert drop.connector().write(COMMAND).outcome is Outcome.rejected
    assert theirs.read_text() == "theirs"


def test_a_file_system_without_links_publishes_by_renaming(
    drop: Drop, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links")

    monkeypatch.setattr(os, "link", unsupported)
    assert drop.connector().write(COMMAND).outcome is Outcome.applied
    assert len(list(out.iterdir())) == 1


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, Transient), (errno.EIO, Ambiguous), (errno.ESTALE, Ambiguous), (errno.EROFS, AuthProblem)],
)
def test_a_failure_to_publish_is_named_by_what_must_happen_next(
    drop: Drop, out: Path, number: int, kind: type[Exception]
) -> None:
    class Failing(Files):
        def publish(self, source: str, target: str) -> None:
            raise OSError(number, os.strerror(number), target)

    with pytest.raises(kind):
        drop.connector(files=Failing()).write(COMMAND)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx"])
def test_a_text_that_a_spreadsheet_would_run_is_guarded(drop: Drop, out: Path, text: str) -> None:
    name = drop.connector().write(Command("c-2", "order", {"item": "A"}, {"qty": -1, "note": text})).external_id
    row = (out / name).read_text("utf-8-sig").splitlines()[1]
    assert row.startswith(f"A,-1,'{text[:1]}")


@pytest.mark.parametrize(
    ("key", "body", "told"),
    [
        ({}, {"qty": 1}, "item is missing"),
        ({"item": "A"}, {}, "qty is missing"),
        ({"item": "A"}, {"qty": "many"}, "qty: 'many' is no number"),
        ({"item": "A"}, {"qty": 1, "colour": "red"}, "there is no column for colour"),
    ],
)
def test_a_command_that_does_not_fit_is_refused(drop: Drop, out: Path, key: Any, body: Any, told: str) -> None:
    with pytest.raises(BadRecord, match=told):
        drop.connector().write(Command("c-3", "order", key, body))
    assert list(out.iterdir()) == []


def test_a_number_cannot_leave_the_folder_by_its_mark(drop: Drop, out: Path) -> None:
    name = drop.connector().write(Command("../../x", "order", {"item": "A"}, {"qty": 1})).external_id
    assert name.isascii()
    assert "/" not in name


# -- a file that grows ------------------------------------------------------------------------------------------------


def test_rows_are_added_to_a_file_that_grows(drop: Drop, out: Path) -> None:
    change(drop, append=True, file="orders-{date}.csv", encoding="gb18030", delimiter=";")
    for number in range(3):
        drop.connector().write(Command(f"c-{number}", "order", {"item": f"轴承{number}"}, {"qty": number}))
    [path] = out.iterdir()
    assert path.name == f"orders-{drop.now:%Y-%m-%d}.csv"
    lines = path.read_bytes().decode("gb18030").splitlines()
    assert [line.split(";")[0] for line in lines] == ["item", "轴承0", "轴承1", "轴承2"]


def test_a_row_that_is_there_is_confirmed_on_a_later_day(drop: Drop, out: Path) -> None:
    change(drop, append=True, file="orders-{date}.csv")
    drop.connector().write(COMMAND)
    drop.now += timedelta(days=2)
    assert drop.connector().confirm(COMMAND) is not None
    assert drop.connector().confirm(Command("c-other", "order", {"item": "A"}, {"qty": 1})) is None


def test_a_file_without_a_last_newline_gets_one_before_the_row(drop: Drop, out: Path) -> None:
    change(drop, append=True, file="orders.csv")
    (out / "orders.csv").write_text("item,qty,note,due,weft_command\r\nA,1,,,x")
    drop.connector().write(COMMAND)
    assert len((out / "orders.csv").read_text().splitlines()) == 3


def test_times_are_written_in_the_receivers_zone_and_format(drop: Drop, out: Path) -> None:
    change(drop, zone="Asia/Shanghai", fields={"item": "text", "due": {"type": "datetime", "format": "%Y/%m/%d %H:%M"}})
    due = datetime(2026, 11, 22, 1, 30, tzinfo=UTC).isoformat()
    name = drop.connector().write(Command("c-4", "order", {"item": "A"}, {"due": due})).external_id
    assert "2026/11/22 09:30" in (out / name).read_text("utf-8-sig")


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"file": "../x-{command}.csv"}, "a name without a folder"),
        ({"file": "order.csv"}, "needs {command}"),
        ({"file": "order-{item}.csv"}, "{item} is unknown"),
        ({"folder": "out"}, "the whole path"),
        ({"append": True, "file": "o.csv", "taken_to": "/data/taken"}, "a file that grows stays"),
        ({"mark_column": "qty"}, "choose another mark_column"),
    ],
)
def test_an_export_that_cannot_work_is_refused_with_what_to_write_instead(
    drop: Drop, out: Path, changes: Any, told: str
) -> None:
    change(drop, **changes)
    with pytest.raises(ValidationError, match=told):
        drop.connector()
