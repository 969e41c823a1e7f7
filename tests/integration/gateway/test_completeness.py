"""How complete the snapshots are, as a scrape tells it."""

from __future__ import annotations

import math

import pytest

from gateway import clock
from gateway.context import snapshot
from gateway.context.completeness import Completeness, by_connection
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import open_api


def ask(house: House, number: int, connection: str, status: str, hours_ago: float = 0) -> None:
    """A section of a snapshot as it stands now."""
    at = house.clock.now - int(hours_ago * clock.HOUR)
    with house.gateway.transaction() as conn:
        snapshot._add(conn, 10**13 + number, f"{connection}.q", connection, "q", {}, at, status=status)


def scraped(house: House) -> dict[str, float]:
    with open_api(house) as api:
        text = api.ask("GET", "/metrics").text
    lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("weft_context_c")]
    return {name: float(value) for name, _, value in lines}


def test_an_answer_and_an_honest_nothing_count_and_what_failed_or_waits_does_not(build: Build) -> None:
    house = build(start=False)
    for number, status in enumerate(("ok", "ok", "empty", "failed", "pending")):
        ask(house, number, "r", status)
    ask(house, 9, "hub", "ok")
    told = scraped(house)
    assert told["weft_context_completeness"] == pytest.approx(4 / 6)
    assert told['weft_context_connection_completeness{connection="r"}'] == pytest.approx(3 / 5)
    assert told['weft_context_connection_completeness{connection="hub"}'] == 1


def test_only_the_last_day_counts(house: House) -> None:
    ask(house, 1, "r", "failed", hours_ago=24.1)
    ask(house, 2, "r", "ok", hours_ago=23.9)
    with house.gateway.reading() as conn:
        assert by_connection(conn, house.clock.now) == {"r": Completeness(1, 1)}


def test_where_nothing_was_asked_there_is_no_number(build: Build) -> None:
    told = scraped(build(start=False))
    assert told
    assert all(math.isnan(value) for value in told.values())


def test_it_is_counted_in_an_index_alone(house: House) -> None:
    with house.gateway.engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            conn.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN " if conn.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        plan = conn.exec_driver_sql(
            explain + "SELECT connection_id, status, count(*) FROM context_section WHERE asked_at > 5 "
            "GROUP BY connection_id, status"
        )
        told = " ".join(str(part) for row in plan for part in row)
    assert "context_asked" in told
    assert "Index Only" in told or "COVERING INDEX" in told
