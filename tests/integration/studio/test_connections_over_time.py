"""How a connection does over time, dead letters in numbers, and many replayed once the mapping is mended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import drift as shapes
from gateway.clock import DAY
from gateway.telemetry import keeping
from gateway.telemetry.tally import Tally
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def _told(api: Api, hours: float = 1) -> Any:
    return api.ask("GET", f"/v1/connections/r/telemetry?hours={hours}").json()


def test_messages_calls_and_failures_are_told_by_minute_and_by_hour(api: Api) -> None:
    house, live = api.house, api.house.gateway.hub.connection("r")
    house.tell(house.alert("a"), house.alert("b"))
    house.tell({"stream": "alert", "key": None})
    live.tally.called("lookup", "ok", 0.02)
    house.gateway.flush_telemetry(at_once=True)
    house.clock.forward(60)
    for seconds in (0.02, 0.02, 5.0):
        live.tally.called("lookup", "ok" if seconds < 1 else "deadline", seconds)
    live.tally.called("lookup", "circuit_open", 0)
    house.gateway.flush_telemetry(at_once=True)
    first, second = _told(api)["spans"]
    assert (first["received"], first["dead"], first["calls"], first["failures"]) == (3, 1, 1, 0)
    assert (second["calls"], second["failures"], second["p50_ms"], second["p95_ms"]) == (3, 1, 30, 10_000)
    (hour,) = _told(api, hours=24)["spans"]
    assert (hour["received"], hour["calls"], hour["failures"]) == (3, 4, 1)
    assert _told(api)["dead_letters"] == 1


def test_several_processes_add_up_and_old_rows_go(api: Api) -> None:
    gateway, clock = api.house.gateway, api.house.clock
    for _ in range(2):
        gateway.hub.connection("r").tally.called("write", "ok", 0.001)
        gateway.flush_telemetry(at_once=True)
    assert _told(api)["spans"][0]["calls"] == 2
    clock.now += 3 * DAY
    gateway.transact(lambda conn: keeping.forget(conn, clock.now))
    assert _told(api, hours=6 + 72)["spans"][0]["calls"] == 2
    clock.now -= 3 * DAY
    assert _told(api)["spans"] == []


def test_a_shape_that_changes_is_told_once_with_the_fields_it_concerns(api: Api) -> None:
    house = api.house
    for n in range(shapes.LEARN):
        house.gateway.hub.connection("r").tally.received("alert", house.alert(str(n), labels={"a": "x"}), dead=False)
    house.gateway.flush_telemetry(at_once=True)
    for n in range(60 * shapes.EVERY):
        told = house.alert(str(n), severity=4, team="blue", labels={"a": "x"})
        house.gateway.hub.connection("r").tally.received("alert", told, dead=False)
    house.gateway.flush_telemetry(at_once=True)
    found = {(d["kind"], d["path"]): d for d in _told(api)["shape"]}
    assert found["type", "severity"]["now"] == "number"
    assert found["type", "severity"]["concerns"] == ["severity"]
    assert found["new", "team"]["concerns"] == []
    assert len(found) == 2


def test_what_one_process_learnt_of_a_shape_another_knows(api: Api) -> None:
    house = api.house
    for n in range(shapes.LEARN):
        house.gateway.hub.connection("r").tally.received("alert", house.alert(str(n)), dead=False)
    house.gateway.flush_telemetry(at_once=True)
    another = Tally()
    object.__setattr__(house.gateway.hub.connection("r"), "tally", another)
    another.received("alert", house.alert("x"), dead=False)
    house.gateway.flush_telemetry(at_once=True)
    assert another.told("alert")["looked_at"] == shapes.LEARN


def test_dead_letters_are_counted_by_cause_and_replayed_together_once_it_is_mended(api: Api) -> None:
    house = api.house
    bad = [house.alert(k, starts_at="soon") for k in "abc"]
    house.tell(*bad)
    house.tell(house.alert("d", starts_at="later"), {"stream": "alert"})
    groups = api.ask("GET", "/v1/dead-letters/groups").json()["items"]
    times = [g for g in groups if g["path"] == "starts_at"]
    assert sum(g["count"] for g in times) == 4
    assert len(groups) > len(times)
    assert len(api.ask("GET", "/v1/dead-letters?path=starts_at").json()["items"]) == 4
    assert api.ask("GET", "/v1/dead-letters?q=NO%20SUCH%20WORDS").json()["items"] == []
    alert = house.gateway.hub.connection("r").mappings["alert"].text
    mended = alert.replace("{expr: datetime(starts_at), on_error: dead_letter}", "datetime(starts_at, otherwise=None)")
    assert mended != alert
    text = mended.replace("mapping: robot_alert", "mapping: mended", 1)
    draft = api.ask("POST", "/v1/studio/drafts", json={"title": "mend", "body": {
        "mappings": {"mended": text},
        "connections": [{"id": "r", "connector": "robot", "config": {}, "mappings": {"alert": "mended"}}],
    }}).json()  # fmt: skip
    assert api.ask("POST", f"/v1/studio/drafts/{draft['id']}/publish", json={}).status_code == 200
    done = api.ask("POST", "/v1/dead-letters/replay", json={"path": "starts_at"}).json()
    assert (done["replayed"], done["ends"]) == (4, {"ticketed": 4})
    assert api.ask("GET", "/v1/dead-letters?path=starts_at").json()["items"] == []
    assert len(house.tickets()) == 4
    assert house.ends()["ticketed"] == 4
