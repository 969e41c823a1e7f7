"""E-mail passes the exam over real SMTP with STARTTLS and a login. A mail can't be confirmed: that is silver."""

from __future__ import annotations

import functools
import itertools
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import trustme

from connectors.channel_sandbox import Arrived
from connectors.conformance import Break, Conformance, Faults, Kind
from connectors.contract import Command, Connector
from connectors.settings import parse_config
from connectors.smtp import EmailConnector
from connectors.smtp.sandbox import Sandbox

LOGIN = ("weft@example.com", "pa55-word/with+signs")


@functools.cache
def certificates() -> tuple[ssl.SSLContext, str]:
    """A server's context, and the file of the authority that vouches for it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = Path(tempfile.mkdtemp(prefix="weft-ca-")) / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, str(path)


class EmailWorld:
    """A mail server that begins in clear."""

    connector_type: ClassVar[type[Connector]] = EmailConnector
    breaks: ClassVar[frozenset[Kind]] = frozenset({"transient", "auth", "cut", "timeout", "ambiguous", "junk"})
    implicit: ClassVar[bool] = False
    numbers: ClassVar[itertools.count[int]] = itertools.count(1)

    def __init__(self) -> None:
        self._faults = Faults()
        context, self._ca_file = certificates()
        self.sandbox = Sandbox(tls=context, implicit=self.implicit, login=LOGIN, trouble=self._trouble)
        self._port = self.sandbox.serve()

    def _trouble(self, effect: bool) -> str:
        how = self._faults.take(effect=effect)
        return how.kind if how is not None else ""

    def config(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1", "port": self._port, "security": "tls" if self.implicit else "starttls",
            "ca_file": self._ca_file, "username": LOGIN[0], "password": LOGIN[1], "from_address": "weft@example.com",
            "default_to": ["duty@example.com"], "default_cc": ["boss@example.com"], "timeout_s": 0.7,
        }  # fmt: skip

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        return kind(parse_config(kind, {**self.config(), **changes}))

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return len(self.sandbox.messages)

    def close(self) -> None:
        self.sandbox.close()

    def commands(self) -> Sequence[Command]:
        return [
            self._command({"to": "default"}, priority="P0", link="https://hub.example.test/t/1", thread="TKT-1"),
            self._command({"users": ["zhang@example.com"]}, text="主轴温度 **95 ℃**", priority="P1"),
        ]

    def _command(self, key: dict[str, Any], **body: Any) -> Command:
        number = f"n{next(self.numbers)}n"
        return Command(number, "send", key, {"title": f"7 号冲压机 {number}", **body})

    def refusals(self) -> Sequence[Command]:
        keys = ("gone@example.com", "someone@elsewhere.test", "no address")
        return [self._command({"users": [user]}) for user in keys]

    def effects(self, command: Command) -> int:
        return sum(self._is(message, command) for message in self.sandbox.messages)

    @staticmethod
    def _is(message: Arrived, command: Command) -> bool:
        return command.idempotency_key in str(message.payload["message-id"]) and command.id in message.title


class TlsWorld(EmailWorld):
    """A mail server with TLS from the start."""

    implicit = True


class TestEmailStarttls(Conformance):
    world_type = EmailWorld
    exempt = {"test_every_operation_can_be_confirmed": "no mail server can be asked whether a mail arrived"}


class TestEmailTls(Conformance):
    world_type = TlsWorld
    exempt = {"test_every_operation_can_be_confirmed": "no mail server can be asked whether a mail arrived"}
