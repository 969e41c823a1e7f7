"""Feishu as the hub sees it: messages out, by a group's robot or by an app."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from connectors import channels
from connectors.channels import DAY_S, Message, Target, rejected
from connectors.contract import Command, Health, Merged, Operation, Outcome, Policy, Receipt, Settings
from connectors.errors import BadRecord, ConfigProblem
from connectors.feishu import codes
from connectors.feishu.client import Answer, FeishuClient
from connectors.feishu.config import FeishuConfig
from connectors.feishu.messages import BYTES, REPEAT_S, app_payload, robot_payload

SEND, SEND_APP = "send", "send_app"


class FeishuConnector:
    """A robot, an app, or both. `send` goes to the robot's group, and where there is no robot it is `send_app`.
    `transport` and `clock` (seconds since 1970) are for tests."""

    name: ClassVar[str] = "feishu"
    title: ClassVar[str] = "Feishu / Lark"
    title_zh: ClassVar[str] = "飞书"
    Config: ClassVar[type[Settings]] = FeishuConfig
    policy: ClassVar[Policy] = Policy(timeout_s=20, rate_per_s=4, window_calls=90, window_s=60, heartbeat_s=300)

    def __init__(
        self,
        config: FeishuConfig,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._client = FeishuClient(config, transport, clock)

    @property
    def namespace(self) -> str:
        """`feishu://host[/app id]`."""
        app = f"/{self._config.app_id}" if self._config.app_id else ""
        return f"feishu://{urlsplit(self._config.api_url).netloc}{app}"

    def check(self) -> Health:
        """The robot is sent a message that is none, which one that works refuses for just that; of the app Feishu is asked
        what its robot is. Raises what either call raises."""
        well = []
        if self._config.robot_hook is not None:
            answer = self._client.say({"msg_type": "weft_heartbeat"}, sends=False)
            if codes.code_of(answer) not in codes.ALIVE:
                raise ConfigProblem(f"The robot does not answer as one should. {codes.refusal(answer)}")
            well.append("the robot is there")
        if self._config.has_app:
            answer = self._client.app()
            if codes.code_of(answer) != 0:
                raise ConfigProblem(codes.refusal(answer))
            well.append("the app may log in")
        return Health(ok=True, message="; ".join(well), remote_version="open-apis")

    def close(self) -> None:
        self._client.close()

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        again = DAY_S if self._config.when_in_doubt == "send_again" else 0
        by_robot = self._config.robot_hook is not None
        found = [channels.send_operation(SEND, repeats_within_s=again if by_robot else REPEAT_S)]
        if self._config.has_app:
            title, title_zh = "Send an app message", "发送应用消息"
            found.append(channels.send_operation(SEND_APP, title, title_zh, repeats_within_s=REPEAT_S))
        return found

    def write(self, command: Command) -> Receipt:
        """One message; see `connectors.channels` for key and body. What Feishu refuses, and what says nothing or names
        nobody, is a rejected receipt."""
        if command.op not in (SEND, SEND_APP):
            return rejected(command, f"There is no operation {command.op!r}; there are {SEND}, {SEND_APP}.")
        try:
            answer = self._send(command, Target.of(command.key), Message.of(command.body))
        except BadRecord as error:
            return rejected(command, str(error))
        refusal = codes.refusal(answer)
        if refusal:
            return rejected(command, refusal)
        data: Any = answer.get("data")
        number = str(data.get("message_id", "")) if isinstance(data, dict) else ""
        return Receipt(command.id, Outcome.applied, external_id=number)

    def _send(self, command: Command, target: Target, message: Message) -> Answer:
        if self._by_app(command):
            return self._client.send(*app_payload(self._config, target, message, command.idempotency_key))
        return self._client.say(robot_payload(target, message, self._config.robot_keyword))

    def confirm(self, command: Command) -> Receipt | None:
        raise channels.unconfirmable(command, "Feishu")

    def merge(self, commands: Sequence[Command]) -> Merged:
        """Several messages to one target in one."""
        return channels.merge(commands, lambda *_: BYTES // 2)

    def _by_app(self, command: Command) -> bool:
        if command.op == SEND_APP and not self._config.has_app:
            raise ConfigProblem("This connection has no app.", hint="Set `app_id` and `app_secret`.")
        return command.op == SEND_APP or self._config.robot_hook is None
