"""A channel that cannot send is found before the message that matters, told with what to do, and ended when it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway import heartbeats
from gateway.bridge import outbox
from gateway.config import documents
from gateway.worker import Worker
from tests.integration.channels.conftest import Start, work
from tests.integration.channels.credentials import CREDENTIALS, Channel
from tests.integration.channels.speaker import Speaking
from tests.integration.gateway.in_process import House


def beat(house: House, connection: str = "duty", seconds: float = 0) -> heartbeats.Pulse:
    house.clock.forward(seconds)
    return heartbeats.beat(house.gateway, house.gateway.hub, connection, 300)


@pytest.fixture
def duty(start: Start, wecom: Any) -> tuple[House, Any]:
    """A hub with a robot of WeCom."""
    sandbox, settings = wecom
    return start({"id": "duty", **settings}, rules=None), sandbox


def test_a_channel_that_works_is_no_news(duty: tuple[House, Any]) -> None:
    house, sandbox = duty
    assert beat(house).ok
    assert beat(house, seconds=300).since == beat(house, seconds=300).since
    assert (house.tickets(), sandbox.messages) == ([], [])


def test_a_dead_robot_becomes_a_ticket_that_says_what_to_do_and_ends_when_it_works_again(
    duty: tuple[House, Any],
) -> None:
    house, sandbox = duty
    beat(house)
    sandbox.remove_robot()
    assert not beat(house, seconds=300).ok
    (ticket,) = house.tickets()
    assert (ticket.status, ticket.priority, ticket.source) == ("pending", 1, "hub")
    assert ticket.title == "连接不通，无法工作 Connection down：企业微信 duty"
    assert "93000" in ticket.description
    assert "robot_key" in ticket.description
    sandbox.heal()
    assert beat(house, seconds=60).ok
    assert house.tickets()[0].status == "resolved"
    house.ends()


@pytest.fixture(params=sorted(CREDENTIALS))
def channel(request: pytest.FixtureRequest) -> Iterator[Channel]:
    with CREDENTIALS[request.param]() as made:
        yield made


def test_an_expired_credential_is_a_ticket_before_anything_was_sent_and_heals(start: Start, channel: Channel) -> None:
    house = start({"id": "duty", **channel.settings}, rules=None)
    assert beat(house).ok
    channel.expire()
    assert not beat(house, seconds=300).ok
    (ticket,) = house.tickets()
    assert (ticket.status, ticket.priority) == ("pending", 1)
    assert channel.told in ticket.description
    assert channel.messages == []
    channel.renew()
    assert beat(house, seconds=60).ok
    assert house.tickets()[0].status == "resolved"
    assert channel.messages == []
    house.ends()


def test_what_may_pass_is_told_when_it_fails_a_second_time(duty: tuple[House, Any]) -> None:
    house, sandbox = duty
    sandbox.be_busy(2)
    assert (beat(house).failures, house.tickets()) == (1, [])
    assert beat(house, seconds=60).failures == 2
    assert len(house.tickets()) == 1
    assert beat(house, seconds=60).ok
    assert house.tickets()[0].status == "resolved"


def test_a_hiccup_is_not_told(duty: tuple[House, Any]) -> None:
    house, sandbox = duty
    sandbox.be_busy(1)
    beat(house)
    assert beat(house, seconds=60).ok
    assert house.tickets() == []


def test_it_is_checked_every_five_minutes_and_each_minute_while_it_fails(duty: tuple[House, Any]) -> None:
    house, sandbox = duty
    first = beat(house)
    assert beat(house, seconds=299).checked_at == first.checked_at
    assert beat(house, seconds=1).checked_at > first.checked_at
    sandbox.remove_robot()
    failed = beat(house, seconds=300)
    assert beat(house, seconds=59).checked_at == failed.checked_at
    assert beat(house, seconds=1).failures == 2
    assert len(house.tickets()) == 1


def test_a_second_failure_is_a_second_episode_of_the_same_trouble(duty: tuple[House, Any]) -> None:
    house, sandbox = duty
    for _ in range(2):
        sandbox.remove_robot()
        beat(house, seconds=300)
        sandbox.heal()
        beat(house, seconds=60)
    (ticket,) = house.tickets()
    assert ticket.status == "resolved"
    assert ticket.version > 3


def test_a_hub_that_dies_after_it_told_tells_it_once(duty: tuple[House, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    house, sandbox = duty
    sandbox.remove_robot()
    real = heartbeats._store

    def dies_when_told(gateway: Any, pulse: heartbeats.Pulse) -> heartbeats.Pulse:
        if pulse.told:
            raise KeyboardInterrupt
        return real(gateway, pulse)

    monkeypatch.setattr(heartbeats, "_store", dies_when_told)
    with pytest.raises(KeyboardInterrupt):
        beat(house)
    monkeypatch.setattr(heartbeats, "_store", real)
    assert beat(house, seconds=60).told
    assert len(house.tickets()) == 1
    assert house.ends()["merged"] == 1


def test_the_others_are_told_of_a_channel_that_fails_and_it_is_not_told_of_itself(start: Start, wecom: Any) -> None:
    sandbox, settings = wecom
    broken = {"connector": "wecom", "config": {**settings["config"], "robot_key": "the-key-of-a-robot-long-gone"}}
    house = start({"id": "duty", **settings}, {"id": "gone", **broken}, rules=None)
    beat(house, "gone")
    work(house)
    assert [r.connection_id for r in house.commands()] == ["duty"]
    assert "gone" in sandbox.messages[0].text


def test_a_channel_that_is_switched_off_fails_no_more(duty: tuple[House, Any]) -> None:
    house, sandbox = duty
    sandbox.remove_robot()
    beat(house)
    live = house.gateway.hub.connections["duty"]
    house.gateway.apply(documents.validate({"connections": [live.spec.model_dump() | {"enabled": False}]}))
    heartbeats.forget_unwatched(house.gateway, house.gateway.hub)
    assert house.tickets()[0].status == "resolved"
    heartbeats.forget_unwatched(house.gateway, house.gateway.hub)
    assert house.tickets()[0].version == house.tickets()[0].version


def test_a_connection_that_cannot_be_made_fails_too(duty: tuple[House, Any]) -> None:
    house, _ = duty
    hub = house.gateway.hub
    live = replace(hub.connections["duty"], runtime=None, broken="config.robot_key: the variable ROBOT is not set")
    broken = replace(hub, connections={**hub.connections, "duty": live})
    assert heartbeats.watched(broken) == {"duty": 300}
    heartbeats.beat(house.gateway, broken, "duty", 300)
    assert "ROBOT" in house.tickets()[0].description


def test_only_connections_that_ask_for_it_are_checked(duty: tuple[House, Any]) -> None:
    house, _ = duty
    assert heartbeats.watched(house.gateway.hub) == {"duty": 300}


def test_of_several_workers_one_carries_out_the_commands_of_a_connection_that_is_counted(
    speaking: Callable[..., Speaking],
) -> None:
    house = speaking()
    first, second = Worker(house.gateway), Worker(house.gateway)
    hub = house.gateway.hub
    assert (first._of_others(hub), second._of_others(hub)) == (set(), {"s"})
    first.close()
    third = Worker(house.gateway)
    assert third._of_others(hub) == set()
    second.close()
    third.close()


def test_a_worker_checks_and_tells_by_itself(duty: tuple[House, Any]) -> None:
    house, sandbox = duty
    sandbox.remove_robot()
    worker = Worker(house.gateway)
    worker._heartbeats(house.gateway.hub)
    worker._pool.shutdown(wait=True)
    assert "93000" in house.tickets()[0].description
    worker.close()


def test_the_window_is_the_connections_own(duty: tuple[House, Any]) -> None:
    house, _ = duty
    runtime = house.gateway.hub.connections["duty"].runtime
    assert runtime is not None
    assert runtime.room == 18
    assert outbox.take(house.gateway, house.gateway.hub, 32) == []
