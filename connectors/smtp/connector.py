"""E-mail as the hub sees it: messages out, by SMTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from connectors import channels
from connectors.channels import DAY_S, Message, Target, rejected
from connectors.contract import Command, Health, Merged, Operation, Outcome, Policy, Receipt, Settings
from connectors.errors import BadRecord
from connectors.smtp.client import Refused, SmtpClient
from connectors.smtp.config import EmailConfig
from connectors.smtp.messages import TEXT_BYTES, mail, message_id, receivers

SEND = "send"


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class EmailConnector:
    """One SMTP server. `clock` is for tests."""

    name: ClassVar[str] = "email"
    title: ClassVar[str] = "E-mail"
    title_zh: ClassVar[str] = "邮件"
    Config: ClassVar[type[Settings]] = EmailConfig
    policy: ClassVar[Policy] = Policy(timeout_s=60, window_calls=30, window_s=60, heartbeat_s=300)

    def __init__(self, config: EmailConfig, *, clock: Callable[[], datetime] = _hub_clock) -> None:
        self._config = config
        self._clock = clock
        self._client = SmtpClient(config)

    @property
    def namespace(self) -> str:
        return f"smtp://{self._config.host}:{self._config.port}"

    def check(self) -> Health:
        """Everything that a mail needs but the mail: connection, TLS, login, sender, the first default receiver. Raises
        what fails."""
        server = self._client.try_out(self._config.default_to)
        return Health(ok=True, message="The server takes mail from the hub.", remote_version=server)

    def close(self) -> None:
        """Nothing is held between two mails."""

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        again = DAY_S if self._config.when_in_doubt == "send_again" else 0
        return [channels.send_operation(SEND, "Send a mail", "发送邮件", repeats_within_s=again)]

    def write(self, command: Command) -> Receipt:
        """One mail; see `connectors.channels` for key and body, where `users` and `groups` are addresses. What the server
        refuses for good, and what says nothing or names nobody, is a rejected receipt."""
        if command.op != SEND:
            return rejected(command, f"There is no operation {command.op!r}; there is {SEND}.")
        try:
            target, message = Target.of(command.key), Message.of(command.body)
            to, cc = receivers(self._config, target, message)
            number = command.idempotency_key
            left_out = self._client.send(mail(self._config, to, cc, message, number, self._clock()), [*to, *cc])
        except (BadRecord, Refused) as error:
            return rejected(command, str(error))
        reason = f"not taken: {'; '.join(f'{a}: {why}' for a, why in left_out.items())}" if left_out else ""
        values = {"left_out": dict(left_out)} if left_out else {}
        return Receipt(command.id, Outcome.applied, message_id(self._config, number), reason[:500], values=values)

    def confirm(self, command: Command) -> Receipt | None:
        raise channels.unconfirmable(command, "A mail server")

    def merge(self, commands: Sequence[Command]) -> Merged:
        """Several mails to the same people in one."""
        return channels.merge(commands, lambda *_: TEXT_BYTES)
