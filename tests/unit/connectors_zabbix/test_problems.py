"""Reading: what a webhook could not deliver is found, whatever the order in which Zabbix committed it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.contract import Batch, Cursor
from connectors.errors import ConfigProblem
from connectors.zabbix import ZabbixConfig, ZabbixConnector
from connectors.zabbix.problems import MARKS, Position
from connectors.zabbix.sandbox import Sandbox
from tests.unit.connectors_zabbix.conftest import VERSIONS, Clock, Connect


class Reader:
    """What a hub holds: the newest state of each problem, and the cursor."""

    def __init__(self, connector: ZabbixConnector) -> None:
        self.connector = connector
        self.cursor: Cursor = None
        self.records: dict[str, dict[str, Any]] = {}
        self.bad: list[Any] = []

    def take(self, batch: Batch) -> None:
        self.records.update({r["event_id"]: dict(r) for r in batch.records})
        self.bad.extend(batch.bad)
        if batch.cursor is not None:
            self.cursor = json.loads(json.dumps(batch.cursor))

    def read(self) -> list[str]:
        """Read on; the kinds of the records of this read in order."""
        seen = []
        for batch in self.connector.read(self.connector.streams()[0], self.cursor):
            seen += [f"{r['event_id']} {r['kind']}" for r in batch.records]
            self.take(batch)
        return seen


@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)
def test_a_first_read_gives_what_is_open(
    sandbox: Sandbox, connect: Connect, too_hot: dict[str, Any], press: Any
) -> None:
    over = sandbox.state.raise_problem(too_hot, clock=1_700_000_000)
    sandbox.state.end_problem(over, clock=1_700_000_100)
    sandbox.state.receive(press["item"], 95, clock=1_700_000_200)
    reader = Reader(connect())
    assert reader.read() == ["3 problem"]
    told = reader.records["3"]
    assert (told["trigger_id"], told["host"], told["host_name"]) == (too_hot["triggerid"], "press-7", "Press 7")
    assert (told["name"], told["severity"], told["opdata"]) == ("Press 7 is too hot", "4", "now 95 C")
    assert (told["item_key"], told["labels"], told["description"]) == ("temp", {"site": "HZ"}, "Stop it")
    assert told["started_at"] == datetime.fromtimestamp(1_700_000_200, UTC)


def test_a_missed_problem_and_a_missed_recovery_are_found(
    sandbox: Sandbox, connect: Connect, too_hot: Any, clock: Clock
) -> None:
    old = sandbox.state.raise_problem(too_hot)
    reader = Reader(connect(lookback_s=0))
    assert reader.read() == ["1 problem"]
    clock.now += 3600
    sandbox.state.end_problem(old)
    new = sandbox.state.raise_problem(too_hot)
    clock.now += 3600
    assert reader.read() == ["1 recovery", "3 problem"]
    assert reader.records["1"]["ended_at"] == datetime.fromtimestamp(clock.now - 3600, UTC)
    assert reader.records["1"]["recovery_event_id"] == "2"
    sandbox.state.end_problem(new)
    assert reader.read() == ["3 recovery"]


def test_a_problem_that_came_and_went_meanwhile_is_a_recovery(sandbox: Sandbox, connect: Connect, too_hot: Any) -> None:
    reader = Reader(connect())
    reader.read()
    sandbox.state.end_problem(sandbox.state.raise_problem(too_hot))
    assert reader.read() == ["1 recovery"]


def test_events_of_a_proxy_that_was_cut_off_are_found_although_their_clocks_are_old(
    sandbox: Sandbox, connect: Connect, too_hot: Any, clock: Clock
) -> None:
    still_open = sandbox.state.raise_problem(too_hot, clock=clock.now - 9000)
    reader = Reader(connect())
    reader.read()
    clock.now += 600
    reader.read()
    sandbox.state.end_problem(still_open, clock=clock.now - 7200)
    sandbox.state.raise_problem(too_hot, clock=clock.now - 7100)
    assert reader.read() == ["1 recovery", "3 problem"]


def test_one_ok_event_may_end_several_problems(sandbox: Sandbox, connect: Connect, too_hot: Any, clock: Clock) -> None:
    first, second = sandbox.state.raise_problem(too_hot), sandbox.state.raise_problem(too_hot)
    reader = Reader(connect())
    reader.read()
    clock.now += 3600
    first["r_eventid"] = sandbox.state.end_problem(second)["eventid"]
    assert reader.read() == ["1 recovery", "2 recovery"]


def test_an_event_committed_late_is_not_lost(sandbox: Sandbox, connect: Connect, too_hot: Any, clock: Clock) -> None:
    reader = Reader(connect(lookback_s=60))
    late = sandbox.state.new_id("event")
    sandbox.state.raise_problem(too_hot)
    for _ in range(10):
        reader.read()
        clock.now += 5
    sandbox.state.raise_problem(too_hot, event_id=late)
    assert f"{late} problem" in reader.read()


def test_what_lies_behind_the_look_back_is_not_read_again(
    sandbox: Sandbox, connect: Connect, too_hot: Any, clock: Clock
) -> None:
    reader = Reader(connect(lookback_s=60))
    reader.read()
    sandbox.state.raise_problem(too_hot)
    assert reader.read() == ["1 problem"]
    clock.now += 30
    assert reader.read() == ["1 problem"], "it may still be joined by one with a lower id"
    clock.now += 61
    reader.read()
    clock.now += 61
    assert reader.read() == []


def test_a_problem_under_maintenance_is_told_when_the_maintenance_is_over(
    sandbox: Sandbox, connect: Connect, too_hot: Any, clock: Clock
) -> None:
    event = sandbox.state.raise_problem(too_hot)
    event["suppressed"] = "1"
    reader, eager = Reader(connect()), Reader(connect(include_suppressed=True))
    assert reader.read() == []
    assert eager.read() == ["1 problem"]
    assert eager.records["1"]["suppressed"] is True
    clock.now += 3600
    assert reader.read() == []
    clock.now += 3600
    event["suppressed"] = "0"
    assert reader.read() == ["1 problem"]
    clock.now += 3600
    assert reader.read() == []


def test_a_problem_that_ended_under_maintenance_is_held_no_longer(
    sandbox: Sandbox, connect: Connect, too_hot: Any, clock: Clock
) -> None:
    event = sandbox.state.raise_problem(too_hot)
    event["suppressed"] = "1"
    reader = Reader(connect())
    reader.read()
    clock.now += 3600
    sandbox.state.end_problem(event)
    assert reader.read() == ["1 recovery"]
    assert isinstance(reader.cursor, dict)
    assert reader.cursor["held"] == []


def test_only_the_severities_and_groups_of_the_settings_are_read(
    sandbox: Sandbox, connect: Connect, too_hot: Any
) -> None:
    state = sandbox.state
    other = state.item(state.host("db01", group="Databases/PostgreSQL"), "load")
    minor, elsewhere = state.trigger(other, "a", 1, severity=1), state.trigger(other, "b", 1, severity=5)
    for trigger in (too_hot, minor, elsewhere):
        state.raise_problem(trigger)
    assert len(Reader(connect()).read()) == 3
    assert Reader(connect(min_severity="average")).read() == ["1 problem", "3 problem"]
    assert Reader(connect(host_groups=["Databases"])).read() == ["2 problem", "3 problem"]
    with pytest.raises(ConfigProblem, match="'Databanks'"):
        Reader(connect(host_groups=["Databanks"])).read()


def test_a_deleted_trigger_leaves_a_record_without_an_item(sandbox: Sandbox, connect: Connect, too_hot: Any) -> None:
    sandbox.state.raise_problem(too_hot)

    def handle(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content)["method"] == "trigger.get":
            return httpx.Response(200, json={"jsonrpc": "2.0", "result": [], "id": 1})
        return sandbox.handle(request)

    config = ZabbixConfig(url="https://z.test", token=SecretStr(sandbox.hub.token))
    reader = Reader(ZabbixConnector(config, transport=httpx.MockTransport(handle)))
    assert reader.read() == ["1 problem"]
    assert (reader.records["1"]["host"], reader.records["1"]["item_key"]) == ("press-7", None)


@pytest.mark.parametrize(
    "cursor", [[], "x", {}, {"marks": []}, {"marks": [["a", 1]]}, {"marks": [[1, 2]], "held": [[]]}, {"marks": 5}]
)
def test_a_cursor_of_something_else_is_refused(connect: Connect, cursor: Any) -> None:
    connector = connect()
    with pytest.raises(ConfigProblem, match="cursor"):
        list(connector.read(connector.streams()[0], cursor))


def test_an_unknown_stream_is_refused(connect: Connect) -> None:
    connector = connect()
    with pytest.raises(ConfigProblem, match="no stream 'tickets'"):
        list(connector.read(connector.streams()[0].model_copy(update={"name": "tickets"}), None))


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 50)), min_size=1, max_size=80), st.integers(0, 120))
def test_the_cursor_stays_small_and_never_steps_over_what_may_be_late(
    steps: list[tuple[int, int]], lookback: int
) -> None:
    position, now, next_id = Position(marks=((0, 1),)), 0, 1
    reads = [(0, 1)]
    for seconds, events in steps:
        now, next_id = now + seconds, next_id + events
        position = position.reached(now, lookback, next_id)
        reads.append((now, next_id))
        all_there_at_the_last_read = max((i for t, i in reads if t <= now - lookback), default=1)
        assert position.start <= all_there_at_the_last_read
        assert len(position.marks) <= MARKS + 3
        assert Position.load(position.dump()) == position


_STEPS = st.lists(
    st.sampled_from(["raise", "end", "late", "read", "cut", "wait", "suppress", "free"]), min_size=1, max_size=40
)


@settings(max_examples=100, deadline=None)
@given(_STEPS, st.integers(1, 4))
def test_whatever_happens_in_whatever_order_the_hub_ends_up_with_the_truth(steps: list[str], page: int) -> None:
    clock = Clock()
    sandbox = Sandbox("7.0.0", clock)
    state = sandbox.state
    item = state.item(state.host("press-7"), "temp")
    trigger = state.trigger(item, "hot", 80)
    config = ZabbixConfig(url="https://z.test", token=SecretStr(sandbox.hub.token), page_size=page)
    reader = Reader(ZabbixConnector(config, transport=httpx.MockTransport(sandbox.handle), clock=clock.moment))
    reader.read()
    uncommitted: list[tuple[int, str]] = []
    for step in steps:
        clock.now += 7
        opened = state.open_problems()
        while uncommitted and clock.now - uncommitted[0][0] > 20:  # a history syncer takes no longer than that
            state.raise_problem(trigger, event_id=uncommitted.pop(0)[1])
        if step == "raise":
            state.raise_problem(trigger)
        elif step == "end" and opened:
            state.end_problem(opened[0])
        elif step == "late":
            uncommitted.append((clock.now, state.new_id("event")))
        elif step == "read":
            reader.read()
        elif step == "cut":
            pages = reader.connector.read(reader.connector.streams()[0], reader.cursor)
            reader.take(next(pages))
        elif step == "wait":
            clock.now += 25
        elif step in ("suppress", "free") and opened:
            opened[-1]["suppressed"] = "1" if step == "suppress" else "0"
    for _, event_id in uncommitted:
        state.raise_problem(trigger, event_id=event_id)
    for event in state.open_problems():
        event["suppressed"] = "0"
    reader.read()
    truth = {
        e["eventid"]: "problem" if e["r_eventid"] == "0" else "recovery"
        for e in state.tables["event"].values()
        if e["value"] == "1"
    }
    assert {i: r["kind"] for i, r in reader.records.items()} == truth
    assert not reader.bad
