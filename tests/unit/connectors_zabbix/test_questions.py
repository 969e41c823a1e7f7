"""Context: what Zabbix tells about a device."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors.contract import Answer, Ask
from connectors.errors import BadRecord, Transient
from connectors.zabbix.questions import cpu_item
from connectors.zabbix.sandbox import Sandbox
from tests.unit.connectors_zabbix.conftest import VERSIONS, Clock, Connect


def ask(question: str, device: object = "press-7", deadline_s: float = 5) -> Ask:
    return Ask(question, {"device": device}, deadline_s)


def answered(answer: Answer | None) -> Answer:
    assert answer is not None
    return answer


@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)
@pytest.mark.parametrize("value_type", [0, 3])
def test_the_mean_of_the_last_hour_is_exact(
    sandbox: Sandbox, connect: Connect, press: Any, clock: Clock, value_type: int
) -> None:
    cpu = sandbox.state.item(press["host"], "system.cpu.util", units="%", kind=18, value_type=value_type)
    for age, value in ((7200, 99), (3000, "10.1"), (2000, "10.2"), (60, "10.4")):
        sandbox.state.receive(cpu, value, clock=clock.now - age)
    answer = answered(connect().lookup(ask("cpu_mean_1h")))
    assert answer.values["cpu_mean_1h"] == Decimal("10.23")
    points = answer.values["recent"]
    assert 2 <= len(points) <= 60
    assert points == sorted(points)
    assert all(Decimal(answer.values["min"]) <= value <= Decimal(answer.values["max"]) for _, value in points)
    assert (answer.values["min"], answer.values["max"], answer.values["samples"]) == (
        Decimal("10.10"),
        Decimal("10.40"),
        3,
    )
    assert answer.as_of == datetime.fromtimestamp(clock.now - 60, UTC)
    assert answer.link == f"https://zabbix.example.test/history.php?action=showgraph&itemids%5B%5D={cpu['itemid']}"


def test_without_history_the_last_complete_hour_of_trends_counts(
    sandbox: Sandbox, connect: Connect, press: Any, clock: Clock
) -> None:
    cpu = sandbox.state.item(press["host"], "system.cpu.util", units="%", kind=18)
    hour = clock.now - clock.now % 3600 - 3600
    for second, value in ((10, 20), (20, 40)):
        sandbox.state.receive(cpu, value, clock=hour + second)
    clock.now = hour + 3600 + 30
    answer = answered(connect().lookup(ask("cpu_mean_1h")))
    assert (answer.values["cpu_mean_1h"], answer.values["source"]) == (Decimal("30.00"), "trend")
    assert answer.as_of == datetime.fromtimestamp(hour + 3600, UTC)


def test_an_idle_time_is_turned_round(sandbox: Sandbox, connect: Connect, press: Any, clock: Clock) -> None:
    idle = sandbox.state.item(press["host"], "system.cpu.util[,idle]", units="%", kind=0)
    for value in ("90", "70"):
        sandbox.state.receive(idle, value, clock=clock.now - 60)
    answer = answered(connect().lookup(ask("cpu_mean_1h")))
    assert [answer.values[k] for k in ("cpu_mean_1h", "min", "max")] == [
        Decimal("20.00"),
        Decimal("10.00"),
        Decimal("30.00"),
    ]


@pytest.mark.parametrize(
    ("items", "chosen", "is_idle"),
    [
        ([("system.cpu.util", "18"), ("system.cpu.util[,idle]", "0")], "system.cpu.util", False),
        ([("system.cpu.util", "0"), ("system.cpu.util[,idle]", "0")], "system.cpu.util[,idle]", True),
        ([("system.cpu.util", "0"), ("system.cpu.util[,iowait]", "0")], "system.cpu.util", False),
        (
            [("system.cpu.util[0,idle]", "0"), ("system.cpu.util[hrProcessorLoad.1]", "20")],
            "system.cpu.util[hrProcessorLoad.1]",
            False,
        ),
        ([('system.cpu.util[all,"idle",avg5]', "7")], 'system.cpu.util[all,"idle",avg5]', True),
        ([("system.cpu.util[,user]", "0"), ("system.cpu.util.extra", "18"), ("system.cpu.util[1]", "0")], None, False),
        ([], None, False),
    ],
)
def test_the_whole_machine_counts_never_one_processor_or_mode(
    items: list[tuple[str, str]], chosen: str | None, is_idle: bool
) -> None:
    found = cpu_item([{"key_": key, "type": kind} for key, kind in items])
    assert (found[0]["key_"] if found else None, found[1] if found else False) == (chosen, is_idle)


def test_the_latest_problems_of_the_device(sandbox: Sandbox, connect: Connect, too_hot: Any) -> None:
    sandbox.state.end_problem(sandbox.state.raise_problem(too_hot))
    for _ in range(11):
        sandbox.state.raise_problem(too_hot)
    values = answered(connect().lookup(ask("recent_problems"))).values
    assert values["open"] == 10
    assert len(values["problems"]) == 10
    assert values["problems"][0] | {"started_at": None} == {
        "event_id": "13",
        "name": "Press 7 is too hot",
        "severity": "High",
        "started_at": None,
        "open": True,
        "acknowledged": False,
        "url": f"https://zabbix.example.test/tr_events.php?triggerid={too_hot['triggerid']}&eventid=13",
    }


@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)
def test_the_host_with_its_groups_and_interfaces(sandbox: Sandbox, connect: Connect) -> None:
    interface = {
        "ip": "10.0.0.7",
        "dns": "",
        "port": "10050",
        "type": "1",
        "main": "1",
        "available": "2",
        "error": "timeout",
    }
    host = sandbox.state.host(
        "press-7",
        visible="Press 7",
        group="Plant/Presses",
        interfaces=[interface],
        inventory={"location": "Hall 3", "os": ""},
    )
    values = answered(connect().lookup(ask("host", host["hostid"]))).values
    assert (values["host"], values["name"], values["groups"]) == ("press-7", "Press 7", ["Plant/Presses"])
    assert values["inventory"] == {"location": "Hall 3"}
    assert values["interfaces"][0]["kind"] == "agent"
    assert values["interfaces"][0]["available"] is False


def test_a_device_is_found_by_its_technical_name_first(sandbox: Sandbox, connect: Connect) -> None:
    by_id = sandbox.state.host("press-7", visible="Twin")
    by_name = sandbox.state.host(by_id["hostid"], visible="Twin")
    found = [answered(connect().lookup(ask("host", device))).key for device in (by_id["hostid"], "press-7")]
    assert found == [by_name["hostid"], by_id["hostid"]]
    assert connect().lookup(ask("host", "Twin")) is None, "two hosts share this visible name"
    assert connect().lookup(ask("host", "nowhere")) is None


def test_a_host_without_such_an_item_has_no_answer(connect: Connect, press: Any) -> None:
    assert connect().lookup(ask("cpu_mean_1h")) is None


@pytest.mark.parametrize("device", [None, "", "  "])
def test_a_missing_device_is_named(connect: Connect, device: object) -> None:
    with pytest.raises(BadRecord, match="`device`"):
        connect().lookup(ask("host", device))


def test_an_unknown_question_is_refused(connect: Connect) -> None:
    with pytest.raises(BadRecord, match="'weather'"):
        connect().lookup(ask("weather"))


def test_after_the_deadline_nothing_more_is_asked(connect: Connect, press: Any, requests: list[httpx.Request]) -> None:
    with pytest.raises(Transient, match="deadline"):
        connect().lookup(ask("host", deadline_s=0))
    assert not requests
