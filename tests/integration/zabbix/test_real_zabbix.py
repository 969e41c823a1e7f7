"""The connector against a real Zabbix 6.0: server, front end, API, webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from connectors.contract import Ask, Command, Cursor, Echo, Event, Outcome
from connectors.errors import AuthProblem
from connectors.zabbix import ZabbixConfig, ZabbixConnector
from connectors.zabbix.operations import NO_MANUAL_CLOSE
from mappings import load_library
from tests.integration.zabbix.conftest import ADMIN, PASSWORD, SECRET, Connection, Device, api_token, make_device
from tests.real.zabbix import Zabbix, wait_until

MAPPING = load_library("mappings.zabbix")["zabbix_problem"]


class Reader:
    """What a hub holds of the stream, over several reads."""

    def __init__(self, connector: ZabbixConnector) -> None:
        self.connector = connector
        self.cursor: Cursor = None
        self.records: dict[str, dict[str, Any]] = {}

    def read(self) -> None:
        for batch in self.connector.read(self.connector.streams()[0], self.cursor):
            assert not batch.bad
            self.records.update({r["event_id"]: dict(r) for r in batch.records})
            self.cursor = json.loads(json.dumps(batch.cursor))


def matches(echo: Echo, event: Event) -> bool:
    def at(path: str) -> Any:
        value: Any = event.record
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value

    return (echo.stream, echo.key) == (event.stream, event.key) and all(at(p) == v for p, v in echo.match.items())


def test_installing_again_leaves_everything_as_it_is(connection: Connection) -> None:
    assert [s.done for s in connection.installed.steps] == ["created"] * 4
    again = connection.connector.install(connection.inbox.url, administrator=ADMIN)
    assert [(s.kind, s.id, s.done) for s in again.steps] == [
        (s.kind, s.id, "unchanged") for s in connection.installed.steps
    ]


def test_what_somebody_changed_in_the_front_end_is_repaired(connection: Connection) -> None:
    ids = {s.kind: s.id for s in connection.installed.steps}
    connection.zabbix.api("mediatype.update", mediatypeid=ids["media type"], script="return 1;", parameters=[])
    connection.zabbix.api("usergroup.update", usrgrpid=ids["user group"], rights=[])
    connection.zabbix.api("user.update", userid=ids["user"], timezone="Asia/Shanghai")
    connection.zabbix.api("action.update", actionid=ids["action"], status=1, update_operations=[])
    report = connection.connector.install(connection.inbox.url, administrator=ADMIN)
    assert [s.done for s in report.steps] == ["updated"] * 4
    again = connection.connector.install(connection.inbox.url, administrator=ADMIN)
    assert [s.done for s in again.steps] == ["unchanged"] * 4


def test_an_ordinary_account_can_not_install(connection: Connection) -> None:
    with pytest.raises(AuthProblem, match="needs a super administrator"):
        connection.connector.install(connection.inbox.url)


def test_the_whole_life_of_a_problem(connection: Connection, device: Device) -> None:
    connector, before = connection.connector, datetime.now(UTC)
    event_id = device.overheats()
    problem = connection.wait_for(event_id, "problem")

    # pushed and read it is the same alert; the times are right although the server runs in Shanghai
    reader = Reader(connector)
    reader.read()
    pushed, read = (MAPPING.run(r).values for r in (problem.record, reader.records[event_id]))
    assert {k: v for k, v in pushed.items() if k not in ("value", "unit")} == {
        k: v for k, v in read.items() if k not in ("value", "unit")
    }
    assert pushed["key"] == f"{device.trigger_id}@{device.host_id}"
    assert (pushed["status"], pushed["severity"], pushed["device"]) == ("firing", "major", device.name)
    assert (pushed["title"], pushed["site"]) == (f"{device.name} is too hot 过热", "杭州")
    assert pushed["description"] == f"Stop {device.name}\nnow 95 C"
    assert (pushed["value"], pushed["unit"]) == (Decimal(95), "C")
    assert before - timedelta(seconds=2) <= pushed["starts_at"] <= datetime.now(UTC)

    # everything is possible, and is done once
    assert {op for op, why in connector.probe({"eventid": event_id}).items() if why} == {"suppress", "unsuppress"}
    key = {"eventid": event_id}
    commands = [
        Command(f"{event_id}-ack", "acknowledge", key, {"message": "Weft TKT-1: 处理中"}),
        Command(f"{event_id}-msg", "message", key, {"message": "Fan ordered"}),
        Command(f"{event_id}-sev", "severity", key, {"severity": "disaster"}),
        Command(f"{event_id}-close", "close_problem", key, {"message": "Fan replaced"}),
    ]
    receipts = []
    for command in commands:
        assert connector.confirm(command) is None
        receipts.append(connector.write(command))
        assert receipts[-1].outcome is Outcome.applied
        assert connector.write(command).outcome is Outcome.duplicate
        assert connector.confirm(command) is not None

    # the declared echoes come, in whatever order, and nothing else does
    expected = [echo for receipt in receipts for echo in receipt.echoes]
    assert len(expected) == 5

    def all_there() -> bool:
        return all(any(matches(echo, e) for e in connection.events(event_id)) for echo in expected)

    wait_until(all_there, f"the echoes of {event_id}", 40)
    foreign = [e for e in connection.events(event_id) if not any(matches(echo, e) for echo in expected)]
    assert [e.id for e in foreign] == [problem.id]
    recovery = connection.wait_for(event_id, "recovery").record
    assert recovery["ended_at"] >= recovery["started_at"]
    assert recovery["severity"] == "5"
    assert recovery["message_id"], "the hub's answer to the first message is a tag of the event"
    assert "weft_message" not in recovery["labels"]
    assert connector.write(Command("late", "close_problem", key)).outcome is Outcome.duplicate

    # reading finds it closed as well, and gives the same alert again
    reader.read()
    pushed, read = (MAPPING.run(r).values for r in (recovery, reader.records[event_id]))
    assert (read["status"], read["key"], read["episode"]) == ("resolved", pushed["key"], event_id)
    assert read["ends_at"] == pushed["ends_at"]
    assert read["acknowledged"] is True


def test_where_closing_is_not_allowed_it_is_said_before_and_acknowledged_instead(connection: Connection) -> None:
    device = make_device(connection.zabbix, manual_close=0)
    event_id = device.overheats()
    key = {"eventid": event_id}
    told = connection.connector.probe(key)
    assert (told["close_problem"], told["close_or_acknowledge"]) == (NO_MANUAL_CLOSE, "")
    refused = connection.connector.write(Command(f"{event_id}-a", "close_problem", key))
    assert (refused.outcome, refused.reason) == (Outcome.rejected, NO_MANUAL_CLOSE)
    receipt = connection.connector.write(Command(f"{event_id}-b", "close_or_acknowledge", key, {"message": "done"}))
    assert (receipt.outcome, receipt.values["did"]) == (Outcome.applied, "acknowledge")
    update = connection.wait_for(event_id, "update", command_id=f"{event_id}-b")
    assert update.record["acknowledged"] is True
    device.cools_down()
    assert connection.wait_for(event_id, "recovery").record["ended_at"]


def test_a_persons_comment_names_the_person_as_far_as_zabbix_does(connection: Connection, device: Device) -> None:
    event_id = device.overheats()
    connection.zabbix.api("event.acknowledge", eventids=[event_id], action=4, message="我看看 [weft:] 100 %")
    update = connection.wait_for(event_id, "update").record["update"]
    assert (update["message"], update["command_id"], update["action"]) == ("我看看 [weft:] 100 %", None, "commented")
    device.cools_down()


def test_what_the_hub_missed_while_it_was_down_is_found_by_reading(connection: Connection, zabbix: Zabbix) -> None:
    old, new, brief = make_device(zabbix), make_device(zabbix), make_device(zabbix)
    old_event = old.overheats()
    connection.wait_for(old_event, "problem")
    reader = Reader(connection.connector)
    reader.read()
    assert reader.records[old_event]["kind"] == "problem"

    connection.inbox.refusals = 1_000_000
    try:
        old.cools_down()
        new_event, brief_event = new.overheats(), brief.overheats()
        brief.cools_down()
        wait_until(lambda: connection.inbox.refused > 0, "Zabbix trying to tell the hub", 40)
    finally:
        connection.inbox.refusals = 0
    reader.read()
    kinds = {e: reader.records[e]["kind"] for e in (old_event, new_event, brief_event)}
    assert kinds == {old_event: "recovery", new_event: "problem", brief_event: "recovery"}
    assert reader.records[old_event]["ended_at"] >= reader.records[old_event]["started_at"]
    new.cools_down()


def test_many_problems_are_read_page_by_page_in_order(zabbix: Zabbix, hub_token: str) -> None:
    name = "rack"
    zabbix.item(zabbix.host(name, "Rack group"), "temp")
    triggers = zabbix.api(
        "trigger.create",
        [{"description": f"T{n}", "expression": f"last(/{name}/temp)>{n}", "priority": n % 6} for n in range(30)],
    )["triggerids"]
    config = ZabbixConfig(
        url=zabbix.url, token=SecretStr(hub_token), host_groups=("Rack group",), page_size=7, min_severity="average"
    )
    reader = Reader(ZabbixConnector(config))
    zabbix.provoke(triggers[-1], (name, "temp", 95))
    wait_until(lambda: len(zabbix.api("problem.get", objectids=triggers)) == 30, "30 problems")
    reader.read()
    assert {r["name"] for r in reader.records.values()} == {f"T{n}" for n in range(30) if n % 6 >= 3}
    assert {r["kind"] for r in reader.records.values()} == {"problem"}
    zabbix.send(name, "temp", -1)
    wait_until(lambda: not zabbix.api("problem.get", objectids=triggers), "30 recoveries")
    reader.read()
    assert len(reader.records) == 15
    assert {r["kind"] for r in reader.records.values()} == {"recovery"}
    assert all(r["ended_at"] for r in reader.records.values())
    reader.connector.close()


def test_of_a_trigger_on_two_hosts_the_first_named_counts_both_ways(connection: Connection, zabbix: Zabbix) -> None:
    first_made, first_named = make_device(zabbix), make_device(zabbix)
    expression = f"last(/{first_named.name}/temp)>99 and last(/{first_made.name}/temp)>99"
    trigger_id = zabbix.trigger("Both are hot", expression, priority=2)
    event_id = zabbix.provoke(trigger_id, (first_made.name, "temp", 100), (first_named.name, "temp", 100))
    pushed = connection.wait_for(event_id, "problem").record
    reader = Reader(connection.connector)
    reader.read()
    read = reader.records[event_id]
    assert (pushed["host"], read["host"]) == (first_named.name, first_named.name)
    assert (pushed["item_id"], pushed["item_key"]) == (read["item_id"], read["item_key"])
    first_made.becomes(20)
    first_named.becomes(20)


def test_context_comes_from_real_values(connection: Connection, zabbix: Zabbix, device: Device) -> None:
    zabbix.item(device.host_id, "system.cpu.util", units="%")
    for load in ("10.5", "20.25", "30"):
        zabbix.send(device.name, "system.cpu.util", load)
    ask = {"device": device.name}

    def mean() -> Any:
        answer = connection.connector.lookup(Ask("cpu_mean_1h", ask, 10))
        return answer if answer is not None and answer.values["samples"] == 3 else None

    answer = wait_until(mean, "three values in the history")
    assert (answer.values["cpu_mean_1h"], answer.values["max"]) == (Decimal("20.25"), Decimal("30.00"))
    assert datetime.now(UTC) - timedelta(minutes=5) < answer.as_of <= datetime.now(UTC)
    host = connection.connector.lookup(Ask("host", {"device": device.host_id}, 10))
    assert host is not None
    assert (host.values["host"], host.values["groups"]) == (device.name, ["Weft tests"])
    event_id = device.overheats()
    problems = connection.connector.lookup(Ask("recent_problems", ask, 10))
    assert problems is not None
    assert [p["event_id"] for p in problems.values["problems"]] == [event_id]
    assert connection.connector.lookup(Ask("host", {"device": "nowhere"}, 10)) is None
    device.cools_down()


def test_of_an_item_whose_values_are_not_kept_the_mean_is_that_of_the_last_whole_hour(
    connection: Connection, zabbix: Zabbix, device: Device
) -> None:
    item = zabbix.item(device.host_id, "system.cpu.util", units="%", history="0")
    hour = int(datetime.now(UTC).timestamp()) // 3600 * 3600 - 3600
    zabbix.trend(item, hour - 3600, 60, 1, 2, 3)
    zabbix.trend(item, hour, 60, 10.5, 20.25, 30)
    answer = connection.connector.lookup(Ask("cpu_mean_1h", {"device": device.name}, 10))
    assert answer is not None
    told = {name: answer.values[name] for name in ("cpu_mean_1h", "min", "max", "samples", "source")}
    assert told == {"cpu_mean_1h": Decimal("20.25"), "min": Decimal("10.50"), "max": Decimal("30.00"), "samples": 60,
                    "source": "trend"}  # fmt: skip
    assert answer.as_of == datetime.fromtimestamp(hour + 3600, UTC)


def test_each_right_an_account_lacks_is_named(zabbix: Zabbix, connection: Connection) -> None:
    assert connection.connector.check().missing_rights == ()
    actions = [{"name": n, "status": 0} for n in ("close_problems", "add_problem_comments")]
    rules = {"api.mode": 0, "api": ["history.get", "trend.*"], "actions": actions}
    role = zabbix.api("role.create", name="Little", type=1, rules=rules)["roleids"][0]
    token = api_token(zabbix, "little", permission=2, role_id=role)
    little = ZabbixConnector(ZabbixConfig(url=zabbix.url, token=SecretStr(token)))
    health = little.check()
    assert (health.ok, health.remote_version) == (False, "6.0.14")
    assert [m.right for m in health.missing_rights] == [
        "history.get",
        "trend.get",
        "Close problems",
        "Add problem comments",
        "Read-write on host groups",
    ]
    little.close()


def test_a_password_login_outlives_its_session(zabbix: Zabbix, hub_token: str) -> None:
    config = ZabbixConfig(url=zabbix.url, username="hub", password=SecretStr(PASSWORD))
    connector = ZabbixConnector(config)
    assert connector.check().ok
    with psycopg.connect(zabbix.database.render_as_string(hide_password=False)) as c:
        ended = c.execute("DELETE FROM sessions WHERE userid <> 1").rowcount
    assert ended == 1
    assert connector.lookup(Ask("host", {"device": "nowhere"}, 10)) is None
    connector.close()
    with psycopg.connect(zabbix.database.render_as_string(hide_password=False)) as c:
        left = c.execute("SELECT count(*) FROM sessions WHERE userid <> 1 AND status = 0").fetchone()
    assert left == (0,), "closing the connector ends its session"


@pytest.mark.parametrize("wrong", [{"token": SecretStr("0" * 64)}, {"username": "hub", "password": SecretStr("wrong")}])
def test_a_wrong_login_is_told_in_words(zabbix: Zabbix, hub_token: str, wrong: dict[str, Any]) -> None:
    connector = ZabbixConnector(ZabbixConfig(url=zabbix.url, **wrong))
    health = connector.check()
    assert not health.ok
    assert "login" in health.message or "API token" in health.message
    connector.close()


def test_uninstalling_takes_everything_away_again(zabbix: Zabbix, hub_token: str) -> None:
    config = ZabbixConfig(
        url=zabbix.url, token=SecretStr(hub_token), webhook_secret=SecretStr(SECRET), min_severity="high"
    )
    connector, address = ZabbixConnector(config), "http://127.0.0.1:1/v1/inbound/zbx-short-lived"
    before = _counts(zabbix)
    assert [s.done for s in connector.install(address, administrator=ADMIN).steps] == ["created"] * 4
    assert [s.done for s in connector.install(address, administrator=ADMIN).steps] == ["unchanged"] * 4
    assert [s.done for s in connector.uninstall(address, administrator=ADMIN).steps] == ["deleted"] * 4
    assert _counts(zabbix) == before
    connector.close()


def _counts(zabbix: Zabbix) -> list[str]:
    return [zabbix.api(f"{kind}.get", countOutput=True) for kind in ("mediatype", "usergroup", "user", "action")]
