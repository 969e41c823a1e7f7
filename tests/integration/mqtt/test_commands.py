"""Commands to devices on a real mosquitto: answered, refused, lost, and looked up before they are sent again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import paho.mqtt.client as paho
import pytest

from connectors.conformance import Break
from connectors.contract import Command, Outcome
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient
from connectors.mqtt.sandbox import Device, LiveDevice, settings
from tests.integration.mqtt.conftest import Sender, connector, wait_until
from tests.real.mosquitto import Mosquitto, running
from tests.real.mqtt_proxy import Proxy

numbers = itertools.count(1)


def speed(rpm: Any = 1200, *, device: str = "pump", **body: Any) -> Command:
    body = {"command": "set_speed", "args": {"rpm": rpm}, **body}
    return Command(f"c-{next(numbers)}", "publish_command", {"site": "plant1", "device": device}, body)


def configured(broker: Mosquitto, **commands: Any) -> Any:
    """A connector whose `commands` are the sandbox's, with these changes."""
    whole = settings(broker.url)
    whole["commands"] = {**whole["commands"], "response_timeout_s": 5, **commands}
    url = whole.pop("url")
    return connector(url, **whole)


@pytest.fixture
def pump(broker: Mosquitto) -> Iterator[LiveDevice]:
    live = LiveDevice(Device("pump"), broker.url).start()
    yield live
    live.stop()


class Mute(Sender):
    """A device that takes commands and answers when it is told to, with what it is told."""

    def __init__(self, broker: Mosquitto, answer: Callable[[dict[str, Any]], bytes] | None = None) -> None:
        super().__init__(broker)
        self.answer_with = answer
        self.subscribe("cmd/plant1/mute/#")

    def heard(self, message: paho.MQTTMessage) -> None:
        super().heard(message)
        if self.answer_with:
            self.answer(self.answer_with(json.loads(message.payload)))

    def answer(self, body: bytes) -> paho.MQTTMessageInfo:
        last = self.said[-1]
        return self.client.publish(getattr(last.properties, "ResponseTopic", "nowhere"), body, qos=1)


@pytest.fixture
def mute(broker: Mosquitto) -> Iterator[Mute]:
    device = Mute(broker)
    yield device
    device.close()


def test_a_device_carries_out_a_command_and_answers(broker: Mosquitto, pump: LiveDevice) -> None:
    command = speed(1200)
    receipt = configured(broker).write(command)
    assert (receipt.command_id, receipt.outcome) == (command.id, Outcome.applied)
    assert (pump.device.speed, pump.device.effects) == (1200, {command.idempotency_key: 1})


def test_old_brokers_work_too(broker: Mosquitto, pump: LiveDevice) -> None:
    whole = {**settings(broker.url), "protocol": "3.1.1"}
    whole.pop("url")
    assert connector(broker, **whole).write(speed(1300)).outcome is Outcome.applied
    assert pump.device.speed == 1300


def test_a_device_s_refusal_is_a_receipt_with_its_reason(broker: Mosquitto, pump: LiveDevice) -> None:
    receipt = configured(broker).write(speed(9000))
    assert receipt.outcome is Outcome.rejected
    assert "from 0 to 3000" in receipt.reason


def test_the_same_command_again_has_no_second_effect(broker: Mosquitto, pump: LiveDevice) -> None:
    command = speed(1250)
    one = configured(broker)
    assert one.write(command).outcome is Outcome.applied
    assert one.write(command).outcome is Outcome.duplicate
    assert pump.device.effects[command.idempotency_key] == 1


def test_a_command_nobody_listens_for_says_so(broker: Mosquitto) -> None:
    with pytest.raises(Transient, match="no device listens"):
        configured(broker).write(speed(device="nobody"))


def test_what_is_sent_is_exact_and_says_where_to_answer(broker: Mosquitto, mute: Mute) -> None:
    mute.answer_with = lambda told: json.dumps({"id": told["id"], "status": "ok"}).encode()
    command = speed(device="mute")
    configured(broker).write(command)
    (message,) = mute.said
    assert json.loads(message.payload) == {
        "id": command.idempotency_key,
        "command": "set_speed",
        "args": {"rpm": 1200},
        "reply_to": f"response/plant1/mute/{command.idempotency_key}",
    }
    assert message.topic == "cmd/plant1/mute/set_speed"
    assert getattr(message.properties, "CorrelationData", None) == command.idempotency_key.encode()


def test_a_raw_command_is_its_args_alone(broker: Mosquitto, mute: Mute) -> None:
    one = configured(broker, payload="raw", response_topic=None, state_topic=None)
    receipt = one.write(speed(device="mute", args="ON"))
    assert receipt.outcome is Outcome.applied
    assert "no answer is expected" in receipt.reason
    wait_until(lambda: mute.said, "the device hears it")
    assert mute.said[0].payload == b"ON"


def test_a_command_that_is_not_answered_is_ambiguous(broker: Mosquitto, mute: Mute) -> None:
    with pytest.raises(Ambiguous, match="did not answer within"):
        configured(broker, response_timeout_s=0.3).write(speed(device="mute"))
    assert len(mute.said) == 1


def test_an_answer_that_comes_late_is_found(broker: Mosquitto, mute: Mute) -> None:
    one, command = configured(broker, response_timeout_s=0.3, state_topic=None), speed(device="mute")
    with pytest.raises(Ambiguous):
        one.write(command)
    with pytest.raises(ConfigProblem, match="cannot be confirmed"):
        one.confirm(command)
    mute.answer(b'{"status": "ok", "speed": 1200}').wait_for_publish(10)
    receipt = one.confirm(command)
    assert receipt is not None
    assert receipt.values == {"speed": 1200}


def test_an_answer_that_comes_late_keeps_the_command_from_being_sent_again(broker: Mosquitto, mute: Mute) -> None:
    one, command = configured(broker, response_timeout_s=0.3), speed(device="mute")
    with pytest.raises(Ambiguous):
        one.write(command)
    mute.answer(b'{"status": "ok"}').wait_for_publish(10)
    assert one.write(command).outcome is Outcome.applied
    assert len(mute.said) == 1


def test_the_state_of_a_device_tells_what_it_did(broker: Mosquitto, pump: LiveDevice) -> None:
    one, done, never = configured(broker), speed(1100), speed(1150)
    one.write(done)
    receipt = one.confirm(done)
    assert receipt is not None
    assert receipt.outcome is Outcome.applied
    assert one.confirm(never) is None


def test_without_any_way_to_know_a_person_is_asked(broker: Mosquitto) -> None:
    with pytest.raises(ConfigProblem) as refusal:
        configured(broker, state_topic=None).confirm(speed())
    assert "repeat_safe" in refusal.value.hint


def test_a_command_that_may_be_repeated_is_simply_sent_again(broker: Mosquitto) -> None:
    one = configured(broker, state_topic=None, repeat_safe=True)
    assert one.confirm(speed()) is None
    assert one.operations()[0].can_confirm


def test_answers_to_others_are_not_taken_for_ours(broker: Mosquitto, mute: Mute) -> None:
    one = configured(broker, response_topic="response/{device}", response_timeout_s=0.5)
    mute.answer_with = lambda told: b'{"id": "someone-else", "status": "ok"}'
    with pytest.raises(Ambiguous):
        one.write(speed(device="mute"))


def test_a_command_the_account_may_not_send_is_a_matter_for_a_person() -> None:
    users = {"hub": "hub-password", "device": "device-password"}
    acl = ["user hub", "topic read response/#", "user device", "topic readwrite #"]
    with running(users=users, acl=acl) as broker:
        device = Sender(broker, username="device", password="device-password")
        device.subscribe("cmd/#")
        whole = settings(broker.url, username="hub", password="hub-password")
        whole.pop("url")
        with pytest.raises(AuthProblem, match="may not publish to 'cmd/plant1/pump/set_speed'"):
            connector(broker, **whole).write(speed())
        assert device.said == []
        device.close()


def test_a_line_that_breaks_before_the_command_is_transient_and_after_it_ambiguous(
    broker: Mosquitto, pump: LiveDevice
) -> None:
    proxy = Proxy(broker.port)
    whole = settings(proxy.url)
    whole.pop("url")
    one = connector(proxy.url, **whole)
    proxy.faults.add(Break("cut", after=1))
    with pytest.raises(Transient):
        one.write(speed(1010))
    proxy.faults.add(Break("cut", after=2))
    with pytest.raises(Ambiguous):
        one.write(speed(1020))
    assert pump.device.speed not in (1010, 1020)
    proxy.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"op": "explode"}, "no operation"),
        ({"key": {}}, "site is missing"),
        ({"key": {"site": "a/b", "device": "d"}}, "can't stand in a topic"),
        ({"body": {"args": {}}}, "command is missing"),
        ({"body": {"command": "go", "args": {"x": object()}}}, "can't be sent as JSON"),
    ],
)
def test_a_command_that_can_not_be_sent_says_why(broker: Mosquitto, change: dict[str, Any], said: str) -> None:
    given = {"id": "c", "op": "publish_command", "key": {"site": "s", "device": "d"}, "body": {"command": "go"}}
    with pytest.raises(BadRecord, match=said):
        configured(broker).write(Command(**{**given, **change}))


def test_without_settings_there_are_no_commands(broker: Mosquitto) -> None:
    one = connector(broker)
    assert one.operations() == []
    with pytest.raises(BadRecord, match="no operation") as refusal:
        one.write(speed())
    assert "`commands`" in refusal.value.hint
