"""Commands to devices: sent once, answered by the device, looked up when the answer was lost.

Each command has a line of its own, under a client id made from the command. Where answers are expected the broker keeps
its session for an hour, so a late answer is still there when `confirm` asks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from connectors.contract import Command, Operation, Outcome, Receipt
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient
from connectors.mqtt.answers import exact_json, receipt_of, receipt_of_state
from connectors.mqtt.client import NO_SUBSCRIBERS, Line, Lost, Published
from connectors.mqtt.config import CommandSettings, MqttConfig
from connectors.mqtt.refusals import subscription_problem
from connectors.mqtt.sparkplug_commands import SPARKPLUG_COMMAND, SparkplugCommander
from connectors.mqtt.topics import TopicTemplate, Unfit
from connectors.mqtt.wire import Message, new_properties

PUBLISH_COMMAND = "publish_command"
_ANSWERS_KEPT_S = 3600
_KEPT_COMES_WITHIN_S = 0.5
_FOR_GOOD = frozenset({"Topic name invalid", "Payload format invalid", "Packet too large", "Retain not supported"})


@dataclass(frozen=True, slots=True)
class _Order:
    """One command, ready to be sent."""

    topic: str
    payload: bytes
    response_topic: str
    state_topic: str
    key: str


class Commander:
    """Sends commands. Safe from any thread."""

    def __init__(self, config: MqttConfig) -> None:
        self._config = config
        self._sparkplug = SparkplugCommander(config) if config.speaks_sparkplug else None

    def operations(self) -> Sequence[Operation]:
        found = []
        if settings := self._config.commands:
            names = sorted(TopicTemplate(settings.topic).names - {"command", "id"})
            found.append(
                Operation(
                    name=PUBLISH_COMMAND,
                    title=f"Send a command to a device (key: {', '.join(names)})",
                    title_zh=f"向设备下发命令（键：{'、'.join(names)}）",
                    body_schema=_schema(settings),
                    can_confirm=bool(settings.state_topic or settings.repeat_safe),
                )
            )
        if self._sparkplug:
            found.append(self._sparkplug.operation())
        return found

    def write(self, command: Command) -> Receipt:
        """:raises Ambiguous: it was sent and nothing was heard
        :raises Transient: it was not sent, or nobody listens there
        :raises BadRecord: it can't be sent like this
        :raises AuthProblem: the account may not send it
        """
        if command.op == SPARKPLUG_COMMAND and self._sparkplug:
            return self._sparkplug.write(command)
        settings = self._settings(command)
        order = self._order(command, settings)
        raw = settings.payload == "raw"
        line = self._line(order)
        sent = False
        try:
            kept = line.open().session_present
            earlier = self._listen(line, order, kept=kept)
            if earlier is not None:  # the answer to an earlier try of this command: it must not be sent again
                receipt = receipt_of(command, earlier.payload, raw=raw)
            else:
                sent = True
                receipt = self._send(line, command, order, settings)
            line.close(forget=True)
            return receipt
        except Lost as e:
            if sent:
                raise Ambiguous(f"the connection broke after the command was sent ({e})") from e
            raise Transient(f"the connection broke before the command was sent ({e})") from e
        finally:
            line.abandon()

    def confirm(self, command: Command) -> Receipt | None:
        """By an answer that came late, else by the device's retained state.

        :raises ConfigProblem: neither says, and the command may not simply be sent again
        """
        if command.op == SPARKPLUG_COMMAND and self._sparkplug:
            return self._sparkplug.confirm(command)
        settings = self._settings(command)
        order = self._order(command, settings)
        try:
            receipt = self._late_answer(command, order, settings)
            if receipt is not None:
                return receipt
            state = self._retained(order.state_topic) if order.state_topic else None
        except Lost as e:
            raise Transient(f"the connection broke while asking ({e})") from e
        if state is not None:
            try:
                return receipt_of_state(command, state, settings.state_commands, command.body.get("args"))
            except BadRecord as e:
                raise ConfigProblem(f"cannot be confirmed: {order.state_topic}: {e}") from e
        if settings.repeat_safe:
            return None
        where = f"nothing is retained at {order.state_topic!r}" if order.state_topic else "there is no `state_topic`"
        raise ConfigProblem(
            f"whether the command was carried out cannot be confirmed: no answer came, and {where}",
            hint="look at the device; or set commands.state_topic, or commands.repeat_safe",
        )

    # -- one command --------------------------------------------------------------------------------------------------

    def _settings(self, command: Command) -> CommandSettings:
        if command.op != PUBLISH_COMMAND or self._config.commands is None:
            offered = ", ".join(operation.name for operation in self.operations()) or "none; see the setting `commands`"
            raise BadRecord(f"no operation {command.op!r} here", hint=f"offered: {offered}")
        return self._config.commands

    def _order(self, command: Command, settings: CommandSettings) -> _Order:
        body, key = command.body, command.idempotency_key
        for name in _schema(settings)["required"]:
            if body.get(name) is None:
                raise BadRecord(f"{name} is missing from the command's body")
        values = {**command.key, "command": body.get("command"), "id": key}
        try:
            topic, answers, state = (
                TopicTemplate(text).fill(values) if text else ""
                for text in (settings.topic, settings.response_topic, settings.state_topic)
            )
        except Unfit as e:
            raise BadRecord(f"the command has no topic: {e}") from e
        if settings.payload == "raw":
            args = body["args"]
            text = args if isinstance(args, str) else exact_json(args)
        else:
            envelope = {"id": key, "command": body["command"], "args": body.get("args"), "reply_to": answers or None}
            text = exact_json({name: value for name, value in envelope.items() if value is not None})
        return _Order(topic, text.encode(), answers, state, key)

    def _line(self, order: _Order) -> Line:
        keeps = self._config.mqtt5 and order.response_topic
        client_id = f"{self._config.client_id}-cmd-{order.key[:16]}"
        return Line(self._config, client_id, keep_session_s=_ANSWERS_KEPT_S if keeps else None)

    def _listen(self, line: Line, order: _Order, *, kept: bool) -> Message | None:
        """Subscribe to the answers; one that the broker `kept` for us is given back. :raises Lost:"""
        if not order.response_topic:
            return None
        wanted = [(order.response_topic, 1)]
        if problem := subscription_problem(wanted, line.subscribe(wanted)):
            line.close(forget=True)
            raise problem
        return _first_answer(line, order, _KEPT_COMES_WITHIN_S) if kept else None

    def _send(self, line: Line, command: Command, order: _Order, settings: CommandSettings) -> Receipt:
        """:raises Lost: after it was sent"""
        sent = line.publish(
            order.topic, order.payload, qos=settings.qos, retain=settings.retain, properties=self._properties(order)
        )
        if not line.wait(lambda: sent.reason, time.monotonic() + self._config.timeout_s):
            raise Ambiguous(f"the broker did not confirm the command within {self._config.timeout_s:g} s")
        if refusal := _refused(command, order, sent):
            return refusal
        if not order.response_topic:
            return Receipt(command.id, Outcome.applied, reason="the broker took it; no answer is expected")
        answer = _first_answer(line, order, settings.response_timeout_s)
        if answer is None:
            raise Ambiguous(f"the device did not answer within {settings.response_timeout_s:g} s")
        return receipt_of(command, answer.payload, raw=settings.payload == "raw")

    def _properties(self, order: _Order) -> Any:
        if not self._config.mqtt5 or self._config.commands is None:
            return None
        properties = new_properties(PacketTypes.PUBLISH)
        properties.CorrelationData = order.key.encode()
        if order.response_topic:
            properties.ResponseTopic = order.response_topic
        if self._config.commands.expire_after_s:
            properties.MessageExpiryInterval = self._config.commands.expire_after_s
        return properties

    def _late_answer(self, command: Command, order: _Order, settings: CommandSettings) -> Receipt | None:
        """The answer the broker kept for us, if it did."""
        if not (self._config.mqtt5 and order.response_topic):
            return None
        line = self._line(order)
        try:
            if not line.open().session_present:
                line.close(forget=True)
                return None
            answer = self._listen(line, order, kept=True)
            if answer is None:
                line.close()
                return None
            receipt = receipt_of(command, answer.payload, raw=settings.payload == "raw")
            line.close(forget=True)
            return receipt
        finally:
            line.abandon()

    def _retained(self, topic: str) -> bytes | None:
        """What the broker keeps at this topic. :raises ConfigProblem: we may not read it"""
        line = Line(self._config, f"{self._config.client_id}-ask-{uuid.uuid4().hex[:12]}")
        try:
            line.open()
            wanted = [(topic, 1)]
            if problem := subscription_problem(wanted, line.subscribe(wanted)):
                raise problem
            found: list[bytes] = []

            def told() -> bool:
                found.extend(m.payload for m in line.take() if m.topic == topic)
                return bool(found)

            line.wait(told, time.monotonic() + min(self._config.timeout_s, 2))
            line.close(forget=True)
            return found[-1] if found else None
        finally:
            line.abandon()


def _first_answer(line: Line, order: _Order, patience_s: float) -> Message | None:
    """The answer to this command, waited for at most so long. :raises Lost:"""
    found: list[Message] = []

    def answered() -> bool:
        if answer := _answer(line, order):
            found.append(answer)
        return bool(found)

    line.wait(answered, time.monotonic() + patience_s)
    return found[0] if found else None


def _answer(line: Line, order: _Order) -> Message | None:
    """The answer to this command among what came: by its correlation data, its topic, or the id in it."""
    for message in line.take():
        if message.topic != order.response_topic:
            continue
        correlation = getattr(message.properties, "CorrelationData", None)
        own_topic = order.key in order.response_topic
        if correlation == order.key.encode() or (
            correlation is None and (own_topic or order.key.encode() in message.payload)
        ):
            return message
    return None


def _refused(command: Command, order: _Order, sent: Published) -> Receipt | None:
    """What the broker's answer to a command means, if it is no yes."""
    reason = sent.reason
    if reason is None or (not reason.is_failure and reason.value != NO_SUBSCRIBERS):
        return None
    return _no(command, order, reason)


def _no(command: Command, order: _Order, reason: ReasonCode) -> Receipt:
    text = str(reason)
    if reason.value == NO_SUBSCRIBERS:
        raise Transient(f"no device listens at {order.topic!r}", hint="is it switched on, and is the topic right?")
    if text == "Not authorized":
        raise AuthProblem(
            f"the broker refused the command: the account may not publish to {order.topic!r}",
            hint="grant it in the broker's access control list",
        )
    if text in _FOR_GOOD:
        return Receipt(command.id, Outcome.rejected, reason=f"the broker refused the command: {text}")
    raise Transient(f"the broker refused the command: {text}")


def _schema(settings: CommandSettings) -> dict[str, Any]:
    kinds = ("object", "array", "string", "number", "boolean")
    properties: Mapping[str, Any] = {
        "command": {"type": "string", "description": "What to do, as the device calls it, e.g. set_speed"},
        "args": {
            "anyOf": [{"type": kind} for kind in kinds],
            "description": "The command's payload" if settings.payload == "raw" else "Values the command needs",
        },
    }
    required = ["args"] if settings.payload == "raw" else ["command"]
    if "command" in TopicTemplate(settings.topic).names and "command" not in required:
        required.append("command")
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
