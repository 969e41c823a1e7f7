"""Streams are read by themselves, as often as their connection says, by whichever worker comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from gateway import clock, leases, tables
from gateway.cli import syncing as commands
from gateway.cli.root import app
from gateway.config.syncs import Timing
from gateway.errors import BadConfiguration
from gateway.policies.scheduling import KIND
from gateway.scheduling import claims
from gateway.scheduling.embedded import Embedded
from gateway.scheduling.jobs import JOBS
from gateway.service import Gateway
from gateway.sync.tables import sync_run
from gateway.usecases import syncing
from tests.integration.gateway.replicas import Keep

HOURLY = Timing.model_validate({"every": "1h"})


def streams_read(keep: Keep) -> dict[tuple[str, str], int]:
    with keep.house.gateway.reading() as conn:
        return {(s["connection"], s["stream"]): s["records"] for s in syncing.status(conn) if s["connection"] != "r"}


def begin(keep: Keep, schedule: Embedded) -> int:
    """Look at every sync once; answers how many ran."""
    hub = keep.house.gateway.hub
    return sum(schedule.attempt(item, hub) for item in schedule.items(hub) if item.name.startswith("sync:"))


def test_every_stream_of_records_is_read_and_then_rests_for_its_time(keep: Keep) -> None:
    keep.erp.put("customers", {"code": "c1", "name": "a"})
    schedule = Embedded(keep.house.gateway, on=False)
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
    schedule = Embedded(keep.house.gateway, on=False)
    begin(keep, schedule)
    keep.house.clock.forward(11)
    assert begin(keep, schedule) == 1
    schedule.close()


def test_what_another_worker_began_to_read_is_not_read_again(keep: Keep) -> None:
    first, second = Embedded(keep.house.gateway, on=False), Embedded(keep.house.gateway, on=False)
    assert begin(keep, first) == 18
    assert begin(keep, second) == 0
    first.close()
    second.close()


def test_a_connection_that_is_switched_off_rests(keep: Keep) -> None:
    off = {"id": "erp", "connector": "books", "config": {"place": "erp"}, "enabled": False}
    keep.apply({"connections": [off]})
    schedule = Embedded(keep.house.gateway, on=False)
    assert begin(keep, schedule) == 12
    schedule.close()


def test_a_source_that_is_away_is_noted_and_tried_again_at_its_time(keep: Keep) -> None:
    keep.erp.put("customers", {"code": "c1", "name": "a"})
    keep.erp.fails_at_page = 0
    schedule = Embedded(keep.house.gateway, on=False)
    begin(keep, schedule)
    with keep.house.gateway.reading() as conn:
        (told,) = [s for s in syncing.status(conn) if (s["connection"], s["stream"]) == ("erp", "customers")]
    assert (told["error"], told["state"]) == ("the books are closed", "failed")
    keep.erp.fails_at_page = None
    keep.house.clock.forward(301)
    begin(keep, schedule)
    assert streams_read(keep)["erp", "customers"] == 1
    schedule.close()


def test_a_sync_that_is_written_down_runs_at_its_own_times_in_its_own_zone(keep: Keep) -> None:
    night = {"connection": "erp", "stream": "customers", "schedule": {"cron": "30 6 * * *", "zone": "Asia/Shanghai"}}
    off = {"connection": "erp", "stream": "orders", "enabled": False}
    keep.apply({"syncs": [night, off]})
    schedule = Embedded(keep.house.gateway, on=False)
    assert begin(keep, schedule) == 16  # neither the one that waits for its time nor the one that is off
    keep.house.clock.forward(3 * 60)  # it is 22:29:40 in UTC, and half past six minus 20 s in Shanghai
    begin(keep, schedule)
    assert ("erp", "customers") not in streams_read(keep)
    keep.house.clock.forward(20)
    assert begin(keep, schedule) == 1
    assert streams_read(keep)["erp", "customers"] == 0
    keep.house.clock.forward(3 * 86_400)  # nobody ran for three days: made up for once
    begin(keep, schedule)
    assert "customers" not in [s for _, s in begun_again(keep, schedule)]
    schedule.close()


def begun_again(keep: Keep, schedule: Embedded) -> list[tuple[str, str]]:
    before = set(runs(keep))
    begin(keep, schedule)
    return [(c, s) for c, s, _ in set(runs(keep)) - before]


def runs(keep: Keep) -> list[tuple[str, str, int]]:
    with keep.house.gateway.reading() as conn:
        return [tuple(r) for r in conn.execute(select(sync_run.c.connection_id, sync_run.c.stream, sync_run.c.id))]


def test_a_sync_in_parts_and_in_full_runs_as_it_is_defined(keep: Keep) -> None:
    spec = {"connection": "erp", "stream": "customers", "mode": "full", "partitions": {"by": "code", "bounds": ["c2"]}}
    keep.apply({"syncs": [spec]})
    keep.erp.put("customers", {"code": "c1", "name": "a"}, {"code": "c3", "name": "b"})
    schedule = Embedded(keep.house.gateway, on=False)
    for _ in range(2):
        begin(keep, schedule)
        keep.house.clock.forward(301)
    assert [r for r in keep.erp.read if r.startswith("customers")] == ["customers:..c2", "customers:c2.."] * 2
    assert streams_read(keep)["erp", "customers"] == 2
    schedule.close()


def test_where_airflow_schedules_a_worker_only_watches_over_freshness(keep: Keep) -> None:
    keep.apply({"policies": [{"policy": "scheduling", "scheduler": "airflow"}]})
    schedule = Embedded(keep.house.gateway, on=False)
    assert [item.name for item in schedule.items(keep.house.gateway.hub)] == ["job:freshness"]
    schedule.close()


def test_what_a_dead_worker_had_begun_is_begun_again_when_its_lease_is_over(keep: Keep) -> None:
    gateway, timing = keep.house.gateway, HOURLY
    with gateway.transaction() as conn:
        assert isinstance(claims.claim(conn, "job:x", timing), claims.Claim)
    with gateway.transaction() as conn:
        assert isinstance(claims.claim(conn, "job:x", timing), claims.Later)
    keep.house.clock.forward(61)
    with gateway.transaction() as conn:
        second = claims.claim(conn, "job:x", timing)
        assert isinstance(second, claims.Claim)
        assert claims.end(conn, second)
    keep.house.clock.forward(3_500)
    with gateway.transaction() as conn:
        assert isinstance(claims.claim(conn, "job:x", timing), claims.Later)


def test_a_claim_of_a_clock_that_was_ahead_does_not_keep_the_others_waiting(keep: Keep) -> None:
    gateway, timing = keep.house.gateway, Timing.model_validate({"every": "1m"})
    keep.house.clock.forward(86_400)
    with gateway.transaction() as conn:
        assert isinstance(claims.claim(conn, "job:x", timing), claims.Claim)
    keep.house.clock.forward(-86_400)
    with gateway.transaction() as conn:
        assert isinstance(claims.claim(conn, "job:x", timing), claims.Claim)


def test_who_was_held_up_until_another_took_over_cannot_commit(keep: Keep) -> None:
    gateway, timing = keep.house.gateway, HOURLY
    with gateway.transaction() as conn:
        slow = claims.claim(conn, "job:x", timing)
    assert isinstance(slow, claims.Claim)
    with leases.fenced(slow.lease, slow.owner, claims.LEASE):
        with gateway.transaction() as conn:
            conn.execute(tables.schedule_state.insert().values(name="in time", begun_at=1))
        keep.house.clock.forward(61)
        other = thread_claims(gateway, timing)
        with pytest.raises(leases.LeaseLost), gateway.transaction() as conn:
            conn.execute(tables.schedule_state.insert().values(name="too late", begun_at=1))
    with gateway.transaction() as conn:
        assert not claims.end(conn, slow)
        assert claims.end(conn, other)
        names = set(conn.execute(select(tables.schedule_state.c.name)).scalars())
    assert names == {"job:x", "in time"}


def thread_claims(gateway: Gateway, timing: Timing) -> claims.Claim:
    """Another worker, whose transactions are not fenced by ours."""

    def take() -> claims.Claim | claims.Later:
        with gateway.transaction() as conn:
            return claims.claim(conn, "job:x", timing)

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(take).result()
    assert isinstance(found, claims.Claim)
    return found


def test_data_older_than_promised_become_a_ticket_that_ends_when_they_are_fresh(keep: Keep) -> None:
    keep.apply({"syncs": [{"connection": "erp", "stream": "customers", "fresh_within": "10m"}]})
    house = keep.house
    keep.sync("customers")
    assert look(keep) == []
    house.clock.forward(601)
    keep.erp.fails_at_page = 0
    keep.run("customers")  # a run that failed makes nothing fresh
    assert look(keep) == look(keep) == ["erp/customers"]
    (ticket,) = house.tickets()
    assert (ticket.kind, ticket.status) == ("data_quality", "pending")
    assert ticket.title == "数据逾期 Data are late：erp/customers"
    keep.erp.fails_at_page = None
    keep.sync("customers")
    assert look(keep) == []
    assert house.tickets()[0].status == "resolved"
    house.ends()


def test_what_was_promised_and_never_read_is_late_too_and_no_promise_ends_it(keep: Keep) -> None:
    keep.apply({"syncs": [{"connection": "erp", "stream": "customers", "fresh_within": "10m"}]})
    keep.house.clock.forward(601)
    assert look(keep) == ["erp/customers"]
    keep.apply({"syncs": [{"connection": "erp", "stream": "customers"}]})
    assert look(keep) == []
    assert [t.status for t in keep.house.tickets()] == ["resolved"]


def look(keep: Keep) -> list[str]:
    gateway = keep.house.gateway
    late: list[str] = JOBS["freshness"].run(gateway, gateway.hub, keep.house.clock.now)["late"]
    return late


@pytest.mark.parametrize("name", sorted(JOBS))
def test_every_job_runs_on_a_hub_that_has_nothing_to_do(keep: Keep, name: str) -> None:
    gateway = keep.house.gateway
    assert not JOBS[name].run(gateway, gateway.hub, keep.house.clock.now).get("error")


def test_the_policy_and_the_table_have_the_same_jobs_and_unknown_ones_are_refused(keep: Keep) -> None:
    assert KIND.builtin().jobs.keys() == JOBS.keys()
    with pytest.raises(BadConfiguration, match=r"policies\.scheduling\.jobs\.figurs.*figures"):
        keep.apply({"policies": [{"policy": "scheduling", "jobs": {"figurs": {"every": "1h"}}}]})
    keep.apply({"policies": [{"policy": "scheduling", "jobs": {"figures": "off"}}]})
    assert "figures" not in KIND.of(keep.house.gateway.hub.policies).jobs


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


def closes(schedule: Embedded) -> bool:
    closing = threading.Thread(target=schedule.close, daemon=True)
    closing.start()
    closing.join(30)
    return not closing.is_alive()


def test_a_worker_that_ends_while_its_runs_begin_leaves_no_error_behind(keep: Keep) -> None:
    for _ in range(25):
        schedule = Embedded(keep.house.gateway)
        schedule.follow(keep.house.gateway.hub)
        assert closes(schedule)


def test_a_worker_that_ends_while_a_run_arranges_the_next_does_not_wait_for_ever(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    arranging, ended = threading.Event(), threading.Event()

    def late(at: int) -> datetime:
        if threading.current_thread().name.startswith("ThreadPoolExecutor"):
            arranging.set()
            ended.wait(0.2)  # time enough to end in between, were that possible
        return to_datetime(at)

    to_datetime = clock.to_datetime
    schedule = Embedded(keep.house.gateway)
    monkeypatch.setattr(clock, "to_datetime", late)
    schedule.follow(keep.house.gateway.hub)
    assert arranging.wait(30)
    assert closes(schedule), "the scheduler waits for a run that waits for the scheduler"
