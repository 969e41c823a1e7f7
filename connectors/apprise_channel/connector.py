"""Any other channel as the hub sees it: messages out, through Apprise."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import ClassVar

from connectors import channels
from connectors.apprise_channel.client import AppriseClient, Outcome
from connectors.apprise_channel.config import AppriseConfig
from connectors.channels import DAY_S, Message, Target, fit, rejected
from connectors.contract import Command, Health, Merged, Operation, Policy, Receipt, Settings
from connectors.contract import Outcome as Verdict
from connectors.errors import Ambiguous, AuthProblem, BadRecord, Transient

SEND = "send"
TEXT_BYTES = 3000
"""Most channels cut at 4,096 signs or refuse what is longer."""
KINDS = {"P0": "failure", "P1": "warning"}


class AppriseConnector:
    """The addresses of one connection; they are one target."""

    name: ClassVar[str] = "apprise"
    title: ClassVar[str] = "Apprise (any other channel)"
    title_zh: ClassVar[str] = "Apprise（其他通知渠道）"
    Config: ClassVar[type[Settings]] = AppriseConfig
    policy: ClassVar[Policy] = Policy(timeout_s=240, window_calls=18, window_s=60, heartbeat_s=300)

    def __init__(self, config: AppriseConfig) -> None:
        self._config = config
        self._client = AppriseClient(config)

    @property
    def namespace(self) -> str:
        """`apprise://weft`: where the addresses lead is their secret."""
        return "apprise://weft"

    def check(self) -> Health:
        """Apprise understands every address, and the servers answer of those whose server is known. Whether a token is
        still good only a message would tell."""
        addresses, asked = self._client.reach()
        message = f"{addresses} address(es) understood, {asked} of their servers answer; tokens can't be tried."
        return Health(ok=True, message=message, remote_version=f"apprise {version('apprise')}")

    def close(self) -> None:
        """Nothing is held between two messages."""

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        again = DAY_S if self._config.when_in_doubt == "send_again" else 0
        return [channels.send_operation(SEND, repeats_within_s=again)]

    def write(self, command: Command) -> Receipt:
        """One message to every address; see `connectors.channels` for the body. As soon as one of them took it the
        command is done: the receipt names the others."""
        if command.op != SEND:
            return rejected(command, f"There is no operation {command.op!r}; there is {SEND}.")
        try:
            target, message = Target.of(command.key), Message.of(command.body)
            if target.users or target.mobiles or target.groups:
                raise BadRecord("key: Apprise's receivers are the addresses in `urls`; write `to: default`.")
        except BadRecord as error:
            return rejected(command, str(error))
        body = _body(message)
        return _receipt(
            command, self._client.send(fit(message.headline, 250), body, KINDS.get(message.priority, "info"))
        )

    def confirm(self, command: Command) -> Receipt | None:
        raise channels.unconfirmable(command, "Apprise")

    def merge(self, commands: Sequence[Command]) -> Merged:
        """Several messages in one."""
        return channels.merge(commands, lambda *_: TEXT_BYTES)


def _body(message: Message) -> str:
    called = " ".join(f"@{name}" for name in message.mention)
    tail = "\n\n".join(part for part in (fit(called, 500), message.link) if part)
    return channels.fit_between("", message.text or message.title, f"\n\n{tail}" if tail else "", TEXT_BYTES)


def _receipt(command: Command, told: Sequence[Outcome]) -> Receipt:
    """What came of it all, by the best that came of one; if none took it, by what is least sure.

    :raises ConnectorError: none took it, and something else must happen next.
    """
    missed = [each for each in told if each.fate != "sent"]
    said = "; ".join(f"{each.name}: {each.reason}" for each in missed)
    if len(missed) < len(told):
        values = {"left_out": {each.name: each.reason for each in missed}} if missed else {}
        return Receipt(command.id, Verdict.applied, reason=said[:500], values=values)
    fates = {each.fate for each in missed}
    if "doubt" in fates:
        raise Ambiguous(f"{said}. The message may have arrived.")
    if "later" in fates:
        raise Transient(said)
    if "login" in fates:
        raise AuthProblem(said, hint="Renew the token in the address.")
    return rejected(command, said)
