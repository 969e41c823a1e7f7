"""WeCom as the hub sees it: messages out, by a group's robot or by an app."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from connectors import channels
from connectors.channels import DAY_S, Message, Target, rejected
from connectors.contract import Command, Health, Merged, Operation, Outcome, Policy, Receipt, Settings
from connectors.errors import BadRecord, ConfigProblem
from connectors.wecom import codes
from connectors.wecom.client import Answer, WecomClient
from connectors.wecom.config import WecomConfig
from connectors.wecom.messages import REPEAT_S, app_payload, left_out, robot_payload, room

SEND, SEND_APP = "send", "send_app"


class WecomConnector:
    """A robot, an app, or both. `send` goes to the robot's group, and where there is no robot it is `send_app`.
    `transport` and `clock` (monotonic seconds) are for tests."""

    name: ClassVar[str] = "wecom"
    title: ClassVar[str] = "WeCom"
    title_zh: ClassVar[str] = "企业微信"
    Config: ClassVar[type[Settings]] = WecomConfig
    policy: ClassVar[Policy] = Policy(timeout_s=20, window_calls=18, window_s=60, heartbeat_s=300)

    def __init__(
        self,
        config: WecomConfig,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._client = WecomClient(config, transport, clock)

    @property
    def namespace(self) -> str:
        """`wecom://host[/corp id]`."""
        corp = f"/{self._config.corp_id}" if self._config.corp_id else ""
        return f"wecom://{urlsplit(self._config.api_url).netloc}{corp}"

    def check(self) -> Health:
        """The robot is sent an empty message, which a living one refuses as empty and a dead one as unknown; of the app
        WeCom is asked what it is. Raises what either call raises."""
        well = []
        if self._config.robot_key is not None:
            answer = self._client.say({"msgtype": "text", "text": {"content": ""}}, sends=False)
            if codes.code_of(answer) not in codes.ALIVE | {0}:
                raise ConfigProblem(f"The robot does not answer as one should. {codes.refusal(answer)}")
            well.append("the robot is there")
        if self._config.has_app:
            answer = self._client.app()
            if codes.code_of(answer) != 0:
                raise ConfigProblem(codes.refusal(answer), hint="Check `agent_id`.")
            if answer.get("close") == 1:
                raise ConfigProblem("The app is disabled.", hint="Enable it: 应用管理 > the app.")
            well.append(f"the app {str(answer.get('name', ''))[:50]!r} may send")
        return Health(ok=True, message="; ".join(well), remote_version="cgi-bin")

    def close(self) -> None:
        self._client.close()

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        again = DAY_S if self._config.when_in_doubt == "send_again" else 0
        by_robot = self._config.robot_key is not None
        found = [channels.send_operation(SEND, repeats_within_s=again if by_robot else REPEAT_S)]
        if self._config.has_app:
            title, title_zh = "Send an app message", "发送应用消息"
            found.append(channels.send_operation(SEND_APP, title, title_zh, repeats_within_s=REPEAT_S))
        return found

    def write(self, command: Command) -> Receipt:
        """One message; see `connectors.channels` for key and body. What WeCom refuses, and what says nothing or names
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
        missed = left_out(answer)
        reason = f"not delivered to {', '.join(missed.values())}" if missed else ""
        number = str(answer.get("msgid", ""))
        return Receipt(command.id, Outcome.applied, external_id=number, reason=reason, values=missed)

    def _send(self, command: Command, target: Target, message: Message) -> Answer:
        if self._by_app(command):
            return self._client.send(app_payload(self._config, target, message, command.idempotency_key[:8]))
        return self._client.say(robot_payload(target, message))

    def confirm(self, command: Command) -> Receipt | None:
        raise channels.unconfirmable(command, "WeCom")

    def merge(self, commands: Sequence[Command]) -> Merged:
        """Several messages to one group in one; app messages are not merged, since a repeat is known by its content."""
        if self._by_app(commands[0]):
            return Merged(commands[0], (commands[0].id,))
        return channels.merge(commands, room)

    def _by_app(self, command: Command) -> bool:
        if command.op == SEND_APP and not self._config.has_app:
            raise ConfigProblem("This connection has no app.", hint="Set `corp_id`, `agent_id` and `app_secret`.")
        return command.op == SEND_APP or self._config.robot_key is None
