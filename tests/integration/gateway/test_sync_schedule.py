"""Streams are read by themselves, as often as their connection says, by whichever worker comes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from gateway.cli import syncing as commands
from gateway.cli.root import app
from gateway.sync.schedule import Schedule
from gateway.usecases import syncing
from tests.integration.gateway.replicas import Keep


def wait(schedule: Schedule) -> None:
    for run in list(schedule._running.values()):
        run.result(timeout=60)


def streams_read(keep: Keep) -> dict[tuple[str, str], int]:
    with keep.house.gateway.reading() as conn:
        return {(s["connection"], s["stream"]): s["records"] for s in syncing.status(conn) if s["connection"] != "r"}


def begin(keep: Keep, schedule: Schedule) -> int:
    begun = schedule.tick(keep.house.gateway.hub)
    wait(schedule)
    return begun


def test_every_stream_of_records_is_read_and_then_rests_for_its_time(keep: Keep) -> None:
    keep.erp.put("customers", {"code": "c1", "name": "a"})
    schedule = Schedule(keep.house.gateway)
    assert begin(keep, schedule) == 18  # six streams of three systems
    assert streams_read(keep)["erp", "customers"] == 1
    assert begin(keep, schedule) == 0
    keep.house.clock.forward(31)
    assert begin(keep, schedule) == 3  # stops say of themselves that they are worth it every 30 seconds
    keep.house.clock.forward(300)
    assert begin(keep, schedule) == 18
    schedule.close()


def test_a_connection_says_how_often_its_streams_are_read(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of()
    often = {"id": "erp", "connector": "books", "config": {"place": "erp"}, "sync_every_s": {"customers": 10}}
    keep.apply({"connections": [often]})
    schedule = Schedule(keep.house.gateway)
    begin(keep, schedule)
    keep.house.clock.forward(11)
    assert begin(keep, schedule) == 1
    schedule.close()


def test_what_another_worker_began_to_read_is_not_read_again(keep: Keep) -> None:
    first, second = Schedule(keep.house.gateway), Schedule(keep.house.gateway)
    assert begin(keep, first) == 18
    assert begin(keep, second) == 0
    first.close()
    second.close()


def test_a_connection_that_is_switched_off_rests(keep: Keep) -> None:
    off = {"id": "erp", "connector": "books", "config": {"place": "erp"}, "enabled": False}
    keep.apply({"connections": [off]})
    schedule = Schedule(keep.house.gateway)
    assert begin(keep, schedule) == 12
    schedule.close()


def test_a_source_that_is_away_is_noted_and_tried_again_at_its_time(keep: Keep) -> None:
    keep.erp.put("customers", {"code": "c1", "name": "a"})
    keep.erp.fails_at_page = 0
    schedule = Schedule(keep.house.gateway)
    begin(keep, schedule)
    with keep.house.gateway.reading() as conn:
        (told,) = [s for s in syncing.status(conn) if (s["connection"], s["stream"]) == ("erp", "customers")]
    assert (told["error"], told["state"]) == ("the books are closed", "failed")
    keep.erp.fails_at_page = None
    keep.house.clock.forward(301)
    begin(keep, schedule)
    assert streams_read(keep)["erp", "customers"] == 1
    schedule.close()


@pytest.fixture
def weft(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`weft` in this process, over the test's own hub."""
    from contextlib import contextmanager

    @contextmanager
    def here(**_: Any) -> Any:
        yield keep.house.gateway

    monkeypatch.setattr(commands, "gateway", here)
    monkeypatch.setattr(keep.house.gateway, "start", lambda: None)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, list(words), env={"COLUMNS": "200"})


def test_the_command_tells_its_counts_and_the_status_shows_them(keep: Keep, weft: Callable[..., Any]) -> None:
    keep.erp.put("customers", {"code": "c1", "name": "a"}, {"code": "c2", "name": "b"})
    done = weft("sync", "run", "erp", "customers", "--json")
    assert done.exit_code == 0, done.output
    told = orjson.loads(done.stdout)
    assert (told["read"], told["added"], told["error"]) == (2, 2, "")
    assert "unchanged 2" in weft("sync", "run", "erp", "customers", "--full").stdout
    shown = orjson.loads(weft("sync", "status", "--json").stdout)["items"]
    (customers,) = [s for s in shown if s["stream"] == "customers"]
    assert (customers["becomes"], customers["held"], customers["counts"]["unchanged"]) == ("Customer", 2, 2)
    assert "2 read: +0 ~0 -0" in " ".join(weft("sync", "status").stdout.split())


def test_the_command_fails_when_the_source_does_and_says_why(keep: Keep, weft: Callable[..., Any]) -> None:
    keep.erp.fails_at_page = 0
    keep.erp.put("customers", {"code": "c1", "name": "a"})
    done = weft("sync", "run", "erp", "customers")
    assert done.exit_code == 1
    assert "the books are closed" in done.output
