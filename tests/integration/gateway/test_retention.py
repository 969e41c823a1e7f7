"""What is old leaves the database; what an open ticket, an audit or a drill-down needs does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

import core_tickets
import lineage
from gateway import clock, retention, tables
from gateway.cli.root import app
from gateway.errors import BadConfiguration
from gateway.ingest.recall import opening_messages, records
from gateway.usecases import explaining, tracing
from lineage import Verdict
from tests.integration.gateway.in_process import House

YEARS = 500 * 86_400


def close(house: House, ticket: core_tickets.Ticket) -> None:
    house.act(ticket, "start")
    house.act(ticket, "resolve", resolution="replaced", cause="wear")
    house.act(ticket, "close")


@pytest.fixture
def old(house: House) -> House:
    """A closed ticket, an open one and a dead letter of 500 days ago, and a message of today."""
    for key in ("closed", "open"):
        house.tell(house.alert(key))
    house.tell(house.alert("nul", title="a\0b"))
    close(house, house.tickets()[0])
    house.clock.forward(YEARS)
    house.tell(house.alert("today"))
    return house


def bodies(house: House) -> list[bool]:
    """Of each delivery in order: is its body there?"""
    d = tables.delivery.c
    with house.gateway.reading() as conn:
        return [bool(n) for n in conn.execute(select(func.length(d.body)).order_by(d.id)).scalars()]


def test_raw_messages_go_after_their_time_but_for_those_still_needed(old: House) -> None:
    before = old.ends()
    assert bodies(old) == [True] * 4
    (due,) = retention.run(old.gateway, kinds=["messages"], dry_run=True).done
    assert (due.rows, due.held, bodies(old)) == (1, 2, [True] * 4)
    (done,) = retention.run(old.gateway, kinds=["messages"]).done
    assert (done.rows, done.held, done.bytes) == (due.rows, due.held, due.bytes)
    assert bodies(old) == [False, True, True, True]
    assert old.ends() == before
    (again,) = retention.run(old.gateway, kinds=["messages"]).done
    assert (again.rows, again.held) == (0, 2)


def test_a_pruned_message_says_so_and_is_never_read_as_an_empty_one(old: House) -> None:
    retention.run(old.gateway)
    closed = old.tickets()[0]
    with old.gateway.reading() as conn:
        told = explaining.message_status(conn, old.sent[0].id)
        assert told is not None
        assert told["pruned_at"] == clock.rfc3339(old.clock.now)
        assert told["events"][0]["end"] == "ticketed"
        assert records(conn, old.gateway.hub, opening_messages(conn, closed.id)) == []
        assert explaining.explain(conn, old.gateway.hub, closed.id)["ticket"]["title"] == closed.title


def test_the_lineage_of_long_closed_tickets_goes_into_segments_and_drills_down_from_there(old: House) -> None:
    closed, at_work, _ = old.tickets()
    with old.gateway.reading() as conn:
        before = tracing.drill(conn, closed.id, "title")
    report = retention.run(old.gateway)
    sealed = {done.kind: done.rows for done in report.done}
    assert sealed["tickets"] > 0
    assert sealed["landing"] > 0
    there = retention.held(old.gateway)
    assert there.sealed_rows == sealed["tickets"] + sealed["landing"]
    prov = lineage.metadata.tables["lineage_prov"].c
    with old.gateway.reading() as conn:
        assert tracing.drill(conn, closed.id, "title") == before
        assert before.verdict is Verdict.EQUAL
        hot = set(conn.execute(select(prov.rec)).scalars())
    assert closed.id not in hot
    assert at_work.id in hot
    old.verify()


def test_a_ticket_reopened_after_it_was_sealed_goes_on(old: House) -> None:
    closed = old.tickets()[0]
    retention.run(old.gateway)
    old.act(closed, "reopen")
    old.verify()
    with old.gateway.reading() as conn:
        assert tracing.drill(conn, closed.id, "priority").verdict is Verdict.EQUAL


def test_work_out_of_time_says_so_and_goes_on_next_time(old: House) -> None:
    (begun,) = retention.run(old.gateway, kinds=["messages"], limit_s=0).done
    assert (begun.rows, begun.complete) == (0, False)
    (done,) = retention.run(old.gateway, kinds=["messages"]).done
    assert (done.rows, done.complete) == (1, True)


def test_a_kind_that_is_none_is_refused(house: House) -> None:
    with pytest.raises(BadConfiguration, match=r"(?s).*"):
        retention.run(house.gateway, kinds=["everything"])


def told(output: str) -> dict[str, Any]:
    """The JSON after what was logged."""
    answer: dict[str, Any] = orjson.loads(output[output.index("{\n") :])
    return answer


def test_the_command_shows_what_is_due_and_then_does_it(old: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", str(old.gateway.settings.home))
    url = ["--database-url", old.gateway.settings.database, "--json"]
    due = CliRunner().invoke(app, ["retention", "show", *url])
    assert due.exit_code == 0, due.output
    kinds = {kind["kind"]: kind for kind in told(due.stdout)["kinds"]}
    assert kinds["messages"]["rows"] == 1
    assert kinds["segments"]["before"] is None
    done = CliRunner().invoke(app, ["retention", "run", "--kind", "messages", *url])
    assert told(done.stdout)["kinds"][0]["rows"] == 1
    assert bodies(old) == [False, True, True, True]


def test_segments_lie_where_the_settings_say(old: House, tmp_path: Path) -> None:
    retention.run(old.gateway)
    assert {path.suffix for path in (tmp_path / "segments").iterdir()} == {".segment"}
