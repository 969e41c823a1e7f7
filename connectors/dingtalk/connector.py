"""DingTalk as the hub sees it: messages out, by a group's robot or as work notices of an app."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from connectors import channels
from connectors.channels import DAY_S, Message, Target, rejected
from connectors.contract import Command, Health, Merged, Operation, Outcome, Policy, Receipt, Settings
from connectors.dingtalk import codes
from connectors.dingtalk.client import Answer, DingtalkClient
from connectors.dingtalk.config import DingtalkConfig
from connectors.dingtalk.messages import REPEAT_S, notice_payload, robot_payload, room
from connectors.errors import BadRecord, ConfigProblem

SEND, SEND_APP = "send", "send_app"


class DingtalkConnector:
    """A robot, an app, or both. `send` goes to the robot's group, and where there is no robot it is `send_app`.
    `transport` and `clock` (seconds since 1970) are for tests."""

    name: ClassVar[str] = "dingtalk"
    title: ClassVar[str] = "DingTalk"
    title_zh: ClassVar[str] = "钉钉"
    Config: ClassVar[type[Settings]] = DingtalkConfig
    policy: ClassVar[Policy] = Policy(timeout_s=20, window_calls=18, window_s=60, heartbeat_s=300)

    def __init__(
        self,
        config: DingtalkConfig,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._client = DingtalkClient(config, transport, clock)

    @property
    def namespace(self) -> str:
        """`dingtalk://host[/app key]`."""
        app = f"/{self._config.app_key}" if self._config.app_key else ""
        return f"dingtalk://{urlsplit(self._config.api_url).netloc}{app}"

    def check(self) -> Health:
        """The robot is sent a message without content, which one that works refuses for just that; the app fetches a new
        token. Raises what either call raises."""
        well = []
        if self._config.robot_token is not None:
            self._check_robot()
            well.append("the robot is there")
        if self._config.has_app:
            self._client.log_in()
            well.append("the app may log in")
        return Health(ok=True, message="; ".join(well), remote_version="oapi")

    def _check_robot(self) -> None:
        try:
            answer = self._client.say({"msgtype": "text", "text": {"content": ""}}, sends=False)
        except ConfigProblem as error:
            # asked for its keyword it is alive; that messages carry one is up to `robot_keyword`
            if codes.wants_keyword(error) and self._config.robot_keyword:
                return
            raise
        if codes.code_of(answer) not in codes.PARAMETERS | {0}:
            raise ConfigProblem(f"The robot does not answer as one should. {codes.refusal(answer)}")

    def close(self) -> None:
        self._client.close()

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        again = DAY_S if self._config.when_in_doubt == "send_again" else 0
        by_robot = self._config.robot_token is not None
        found = [channels.send_operation(SEND, repeats_within_s=again if by_robot else REPEAT_S)]
        if self._config.has_app:
            title, title_zh = "Send a work notice", "发送工作通知"
            found.append(channels.send_operation(SEND_APP, title, title_zh, repeats_within_s=REPEAT_S))
        return found

    def write(self, command: Command) -> Receipt:
        """One message; see `connectors.channels` for key and body. What DingTalk refuses, and what says nothing or names
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
        task = str(answer.get("task_id", ""))
        return Receipt(command.id, Outcome.applied, external_id=task, values={"task_id": task} if task else {})

    def _send(self, command: Command, target: Target, message: Message) -> Answer:
        if self._by_app(command):
            return self._client.notify(notice_payload(self._config, target, message, command.idempotency_key[:8]))
        return self._client.say(robot_payload(target, message, self._config.robot_keyword))

    def confirm(self, command: Command) -> Receipt | None:
        raise channels.unconfirmable(command, "DingTalk")

    def merge(self, commands: Sequence[Command]) -> Merged:
        """Several messages to one group in one; work notices are not merged, since a repeat is known by its content."""
        if self._by_app(commands[0]):
            return Merged(commands[0], (commands[0].id,))
        return channels.merge(commands, room)

    def _by_app(self, command: Command) -> bool:
        if command.op == SEND_APP and not self._config.has_app:
            raise ConfigProblem("This connection has no app.", hint="Set `app_key`, `app_secret` and `agent_id`.")
        return command.op == SEND_APP or self._config.robot_token is None
