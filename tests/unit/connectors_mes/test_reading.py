"""Streams are read in the order of change, and a list that moves meanwhile hides nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import ConfigProblem, Transient
from connectors.mes.reading import RESTARTS
from connectors.mes.sandbox import Sandbox
from tests.unit.connectors_mes.conftest import STYLES, Clock, Connect, records


def stop_at(sandbox: Sandbox, number: int, at: datetime, **more: Any) -> dict[str, Any]:
    row = {"id": f"S-{number:03d}", "equipmentId": "press-7", "start": at, "end": None, "planned": False, **more}
    return sandbox.state.put("downtime", row, changed_at=at)


def same_moment(sandbox: Sandbox, count: int) -> None:
    at = sandbox.state.clock() - timedelta(hours=5)
    for number in range(count):
        stop_at(sandbox, number, at)


def meanwhile(sandbox: Sandbox, act: Callable[[], object], *, page: int = 1, times: int = 1) -> None:
    """Does this after so many pages of stops were listed, so many times."""
    seen = 0

    def listing(table: str) -> None:
        nonlocal seen
        seen += table == "downtime"
        if table == "downtime" and page <= seen < page + times:
            act()

    sandbox.typed.listing = sandbox.json.listing = listing


@pytest.mark.parametrize("style", STYLES)
def test_both_styles_give_the_same_records(sandbox: Sandbox, connect: Connect, style: str) -> None:
    sandbox.state.stop("cnc-3", reason="断刀 <1>", code="E-09")
    other = connect(sandbox)

    for stream in other.streams():
        assert records(connect(sandbox, style), stream.name) == records(other, stream.name)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("style", STYLES)
def test_an_open_stop_has_no_end_and_gets_one(
    bare: Sandbox, connect: Connect, clock: Clock, style: str, version: str
) -> None:
    connector = connect(bare, style, soap_version=version)
    bare.state.stop("press-7", reason="主轴过热")
    (standing,) = records(connector, "downtime")
    clock.move(minutes=16)
    bare.state.run("press-7")
    (over,) = records(connector, "downtime")

    assert (standing["ends_at"], standing["duration_s"], standing["planned"]) == (None, None, False)
    assert over["starts_at"] == standing["starts_at"]
    assert over["ends_at"] - over["starts_at"] == timedelta(minutes=16)
    assert over["duration_s"] == 960


@pytest.mark.parametrize("style", STYLES)
def test_a_row_that_changes_while_it_is_read_hides_no_other(
    bare: Sandbox, connect: Connect, clock: Clock, style: str
) -> None:
    begin = clock() - timedelta(hours=5)
    for number in range(12):
        stop_at(bare, number, begin + timedelta(minutes=number))
    first = bare.state.tables["downtime"]["S-000"]
    meanwhile(bare, lambda: bare.state.put("downtime", first))

    found = {record["id"] for record in records(connect(bare, style, page_size=4), "downtime")}

    assert found == {f"S-{number:03d}" for number in range(12)}


def test_a_row_that_leaves_a_moment_of_many_pages_hides_no_other(bare: Sandbox, connect: Connect) -> None:
    same_moment(bare, 15)
    first = bare.state.tables["downtime"]["S-000"]
    meanwhile(bare, lambda: bare.state.put("downtime", first), page=2)

    found = {record["id"] for record in records(connect(bare, page_size=4), "downtime")}

    assert found == {f"S-{number:03d}" for number in range(15)}


def test_a_moment_that_never_comes_to_rest_ends_the_run_for_now(bare: Sandbox, connect: Connect, clock: Clock) -> None:
    same_moment(bare, 400)
    rows = iter(list(bare.state.tables["downtime"].values()))
    meanwhile(bare, lambda: bare.state.put("downtime", next(rows)), times=1000)

    with pytest.raises(Transient, match="keeps changing"):
        records(connect(bare, page_size=4), "downtime")

    assert RESTARTS < 100


def test_a_cursor_in_the_midst_of_a_moment_goes_on_there(bare: Sandbox, connect: Connect) -> None:
    same_moment(bare, 15)
    connector = connect(bare, page_size=4, lookback_s=0)
    (stream,) = (each for each in connector.streams() if each.name == "downtime")
    found, cursor = set(), None
    for _ in range(15):
        batch = next(connector.read(stream, cursor), None)
        if batch is None or batch.cursor == cursor:
            break
        found |= {record["id"] for record in batch.records}
        cursor = batch.cursor

    assert found == {f"S-{number:03d}" for number in range(15)}


def test_a_service_with_smaller_pages_of_its_own_is_read_to_the_end(
    bare: Sandbox, connect: Connect, clock: Clock
) -> None:
    for number in range(12):
        stop_at(bare, number, clock() - timedelta(hours=5) + timedelta(minutes=number))
    inner = bare.typed.answer

    def capped(operation: str, given: Any) -> str:
        return inner(operation, {**given, "pageSize": "5"} if "pageSize" in given else given)

    bare.typed.answer = capped  # type: ignore[method-assign]

    assert len({record["id"] for record in records(connect(bare, page_size=200), "downtime")}) == 12


def test_the_first_read_goes_back_as_far_as_the_settings_say(sandbox: Sandbox, connect: Connect, clock: Clock) -> None:
    found = records(connect(sandbox, history_days=5), "inspections")

    assert found
    assert all(record["changed_at"] >= clock() - timedelta(days=5) for record in found)


def test_a_list_that_is_not_in_the_order_of_change_is_for_a_person(sandbox: Sandbox, connect: Connect) -> None:
    backwards = {"sWhere": "ChangedAt>='{since}'", "orderField": "StopNo", "isAsc": "true"}
    page = {"pageSize": "{page_size}", "pageIndex": "{page}"}
    sandbox.state.put("downtime", sandbox.state.tables["downtime"]["STP-000001"])

    with pytest.raises(ConfigProblem, match="does not list by the time of change"):
        records(connect(sandbox, "json", calls={"downtime": {"arguments": {**page, **backwards}}}), "downtime")


def test_a_bad_row_is_told_with_field_path_and_value(bare: Sandbox, connect: Connect, clock: Clock) -> None:
    stop_at(bare, 1, clock(), durationSec="abc")
    connector = connect(bare)
    (batch,) = connector.read(connector.streams()[1], None)

    assert batch.records == []
    assert str(batch.bad[0]) == "downtime.duration_s (durationSec): 'abc' is no number."
    assert batch.bad[0].record["id"] == "S-001"


def test_percent_and_minutes_become_factors_and_seconds(bare: Sandbox, connect: Connect, clock: Clock) -> None:
    row = bare.state.period("press-7", clock() - timedelta(hours=8), clock())
    bare.state.put("oee", row | {"plannedBusyTime": Decimal(480), "oee": Decimal("0.7213")})

    (found,) = records(connect(bare, "json", durations_in="min"), "oee")

    assert found["planned_busy_time_s"] == 28800
    assert found["oee"] == Decimal("0.7213")


@pytest.mark.parametrize("cursor", [[], "x", {"since": "yesterday"}, {"since": "2026-11-22T00:00:00"}, {"page": 2}])
def test_a_cursor_that_is_none_is_for_a_person(bare: Sandbox, connect: Connect, cursor: Any) -> None:
    with pytest.raises(ConfigProblem, match="cursor"):
        records(connect(bare), "downtime", cursor)


def test_an_answer_in_gbk_is_read(bare: Sandbox, connect: Connect) -> None:
    bare.lies.append("gbk")

    assert records(connect(bare), "equipment")[0]["name"] == "7 号冲压机"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    moved=st.lists(st.tuples(st.integers(1, 8), st.integers(0, 29)), max_size=6),
    page_size=st.integers(1, 7),
)
def test_whatever_changes_between_pages_every_row_is_read(
    connect: Connect, minutes: list[int], moved: list[tuple[int, int]], page_size: int
) -> None:
    now = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    sandbox = Sandbox(lambda: now, filled=False)
    for number, minute in enumerate(minutes):
        stop_at(sandbox, number, now - timedelta(hours=5) + timedelta(minutes=minute))
    pages = 0

    def listing(table: str) -> None:
        nonlocal pages
        pages += 1
        for page, number in moved:
            if page == pages and number < len(minutes):
                row = sandbox.state.tables["downtime"][f"S-{number:03d}"]
                sandbox.state.put("downtime", row, changed_at=now - timedelta(minutes=60 - pages))

    sandbox.typed.listing = listing

    found = {record["id"] for record in records(connect(sandbox, page_size=page_size), "downtime")}

    assert found == {f"S-{number:03d}" for number in range(len(minutes))}


def test_requests_ask_for_no_more_than_a_page(
    sandbox: Sandbox, connect: Connect, requests: list[httpx.Request]
) -> None:
    records(connect(sandbox, page_size=3), "inspections")

    assert all(b"pageSize>3<" in request.content and b"pageIndex>1<" in request.content for request in requests)
