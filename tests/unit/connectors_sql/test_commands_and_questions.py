"""Commands happen once or not at all; questions are answered by bound values."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.contract import Ask, Command, Outcome
from connectors.errors import AuthProblem, BadRecord, ConfigProblem
from connectors.sql import SqlConfig
from connectors.sql.operations import DDL
from tests.unit.connectors_sql.conftest import NOW, Plant

SET = {
    "title": "Set",
    "title_zh": "设置",
    "key": "id",
    "fields": {"status": {"type": "text", "required": True}, "qty": "number", "at": "datetime"},
    "statements": [
        "INSERT INTO log (command, id) VALUES (:command, :id)",
        "UPDATE work SET status = :status, qty = :qty, at = :at WHERE id = :id",
    ],
}
HOURS = {
    "title": "Hours",
    "title_zh": "小时",
    "needs": ["device"],
    "select": "SELECT hours, read_at FROM machines WHERE id = :device",
    "fields": {"hours": "number", "read_at": "datetime"},
    "as_of": "read_at",
    "link": "https://plant.example/{device}?h={hours}",
}
COMMAND = Command("c-1", "set", {"id": "WO-1"}, {"status": "done", "qty": Decimal("1.50")})


@pytest.fixture
def work(plant: Plant) -> Plant:
    plant.section = {"operations": {"set": SET}, "questions": {"hours": HOURS}}
    plant.store.run(DDL.format(table="weft_commands"))
    plant.store.run("CREATE TABLE work (id TEXT PRIMARY KEY, status TEXT CHECK (status <> 'bad'), qty, at)")
    plant.store.run("CREATE TABLE log (command, id)")
    plant.store.run("CREATE TABLE machines (id, hours, read_at)")
    plant.store.run("INSERT INTO work VALUES ('WO-1', 'open', NULL, NULL)")
    plant.store.run("INSERT INTO machines VALUES ('press-7', 4210.5, '2026-11-22 07:00:00')")
    return plant


def changed(plant: Plant, **changes: Any) -> None:
    plant.section = {**plant.section, "operations": {"set": {**SET, **changes}}}


def logged(plant: Plant) -> int:
    return len(plant.store.rows("SELECT * FROM log"))


def test_all_statements_are_carried_out_together(work: Plant) -> None:
    receipt = work.connector().write(COMMAND)
    assert receipt.outcome is Outcome.applied
    assert work.store.rows("SELECT status, qty FROM work") == [("done", "1.50")]
    assert logged(work) == 1


def test_a_command_that_was_done_is_not_done_again(work: Plant) -> None:
    work.connector().write(COMMAND)
    assert work.connector().write(COMMAND).outcome is Outcome.duplicate
    assert logged(work) == 1


def test_a_command_that_changes_another_number_of_rows_changes_nothing(work: Plant) -> None:
    receipt = work.connector().write(replace(COMMAND, key={"id": "WO-9"}))
    assert receipt.outcome is Outcome.rejected
    assert receipt.reason == "it would have changed 0 rows instead of 1; nothing was done"
    assert logged(work) == 0
    assert work.connector().confirm(replace(COMMAND, key={"id": "WO-9"})) is None


def test_any_number_of_rows_is_fine_where_it_is_said(work: Plant) -> None:
    changed(work, rows=None)
    assert work.connector().write(replace(COMMAND, key={"id": "WO-9"})).outcome is Outcome.applied


def test_what_a_constraint_refuses_is_rejected_whole(work: Plant) -> None:
    receipt = work.connector().write(replace(COMMAND, body={"status": "bad"}))
    assert receipt.outcome is Outcome.rejected
    assert "CHECK constraint failed" in receipt.reason
    assert logged(work) == 0


def test_a_duplicate_row_of_the_table_itself_is_no_repeat_of_the_command(work: Plant) -> None:
    changed(work, statements=["INSERT INTO work (id, status, qty, at) VALUES (:id, :status, :qty, :at)"])
    receipt = work.connector().write(COMMAND)
    assert receipt.outcome is Outcome.rejected
    assert "UNIQUE" in receipt.reason


def test_the_same_command_from_many_threads_happens_once(work: Plant) -> None:
    outcomes: list[Outcome] = []
    connector = work.connector()
    threads = [threading.Thread(target=lambda: outcomes.append(connector.write(COMMAND).outcome)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == [Outcome.applied, *[Outcome.duplicate] * 5]
    assert logged(work) == 1


def test_a_statement_of_its_own_can_tell_whether_a_command_was_done(work: Plant) -> None:
    work.store.run("DROP TABLE weft_commands")
    changed(work, confirm="SELECT id FROM log WHERE command = :command")
    assert work.connector().confirm(COMMAND) is None
    assert work.connector().write(COMMAND).outcome is Outcome.applied
    assert work.connector().confirm(COMMAND) is not None
    assert work.connector().write(COMMAND).outcome is Outcome.duplicate
    assert logged(work) == 1


@pytest.mark.parametrize(
    "text", ["x'); DROP TABLE work; --", "'; UPDATE work SET status='y' --", ":status", "%s %(x)s ?", "\\"]
)
def test_a_hostile_value_is_only_a_value(work: Plant, text: str) -> None:
    work.connector().write(replace(COMMAND, body={"status": text}))
    assert work.store.rows("SELECT status FROM work") == [(text,)]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (replace(COMMAND, key={}), "id is missing"),
        (replace(COMMAND, body={}), "status is missing"),
        (replace(COMMAND, body={"status": "x", "qty": "many"}), "qty: 'many' is no number"),
        (replace(COMMAND, body={"status": "x", "colour": 1}), "has no value colour"),
        (replace(COMMAND, body={"status": "x", "command": "y"}), "has no value command"),
        (replace(COMMAND, key={"id": {"a": 1}}), "single values"),
    ],
)
def test_a_command_that_does_not_fit_is_refused_before_anything_happens(
    work: Plant, command: Command, told: str
) -> None:
    with pytest.raises(BadRecord, match=told):
        work.connector().write(command)
    assert logged(work) == 0


def test_a_missing_ledger_is_told_with_how_to_make_it(work: Plant) -> None:
    work.store.run("DROP TABLE weft_commands")
    health = work.connector().check()
    assert not health.ok
    assert health.missing_rights[0].grant_at.startswith("CREATE TABLE weft_commands")
    with pytest.raises(ConfigProblem):
        work.connector().write(COMMAND)
    assert logged(work) == 0


def test_reading_connections_cannot_write(work: Plant) -> None:
    connector = work.connector()
    with connector._database.reading() as line, pytest.raises(AuthProblem, match="readonly"):
        line.run("UPDATE work SET status = 'x'", {})


# -- questions --------------------------------------------------------------------------------------------------------


def test_the_first_row_is_the_answer(work: Plant) -> None:
    answer = work.connector().lookup(Ask("hours", {"device": "press-7"}, 5))
    assert answer is not None
    assert answer.values == {"hours": Decimal("4210.5"), "read_at": datetime(2026, 11, 22, 7, tzinfo=UTC)}
    assert answer.as_of == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert answer.link == "https://plant.example/press-7?h=4210.5"


def test_an_answer_is_never_of_the_future(work: Plant) -> None:
    work.store.run("UPDATE machines SET read_at = '2099-01-01 00:00:00'")
    answer = work.connector().lookup(Ask("hours", {"device": "press-7"}, 5))
    assert answer is not None
    assert answer.as_of == NOW


def test_the_sum_over_no_rows_is_no_answer(work: Plant) -> None:
    sum_ = {**HOURS, "select": "SELECT SUM(hours) AS hours FROM machines WHERE id = :device", "as_of": ""}
    work.section = {**work.section, "questions": {"hours": {**sum_, "fields": {"hours": "number"}}}}
    assert work.connector().lookup(Ask("hours", {"device": "nowhere"}, 5)) is None


@pytest.mark.parametrize("device", ["' OR '1'='1", "x; DROP TABLE machines", "press-7' --", "%", "*"])
def test_a_hostile_input_finds_nothing(work: Plant, device: str) -> None:
    assert work.connector().lookup(Ask("hours", {"device": device}, 5)) is None
    assert work.store.rows("SELECT COUNT(*) FROM machines") == [(1,)]


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({}, "nothing is read, asked or written"),
        ({"operations": {"set": {**SET, "key": ["id", "plant"]}}}, "no statement uses :plant"),
        ({"operations": {"set": {**SET, "fields": {"status": "text"}}}}, ":at is not among key and fields"),
        ({"operations": {"set": {**SET, "fields": {**SET["fields"], "command": "text"}}}}, "the command's own mark"),  # type: ignore[dict-item]
        ({"operations": {"set": {**SET, "confirm": "SELECT 1"}}}, "confirm must ask for :command"),
        ({"operations": {"set": {**SET, "statements": ["DROP TABLE work"]}}}, "begins with DROP"),
        ({"questions": {"hours": {**HOURS, "needs": ["device", "site"]}}}, "no statement uses :site"),
        ({"questions": {"hours": {**HOURS, "select": "DELETE FROM machines"}}}, "write a SELECT"),
        ({"streams": {"s": {"key": "id"}}}, "give `table` or `select`"),
        ({"streams": {"s": {"key": "id", "table": "a; b"}}}, "no name of a table"),
        ({"streams": {"s": {"key": "id", "select": "SELECT * FROM t WHERE d = :d"}}}, "take out :d"),
        ({"streams": {"s": {"key": "id", "table": "t"}}, "ledger": "x y"}, "no name of a table"),
        ({"streams": {"s": {"key": "id", "table": "t"}}, "zone": "Moon"}, "there is no time zone 'Moon'"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_write_instead(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SqlConfig.model_validate({"url": "sqlite:////tmp/x.db", **section})
