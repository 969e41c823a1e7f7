"""Zabbix as the hub sees it: problems in by webhook and by reading, context questions, and changes to problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from connectors.contract import (
    Answer,
    Ask,
    Batch,
    Command,
    Cursor,
    Delivery,
    Event,
    Health,
    Operation,
    Policy,
    Question,
    Receipt,
    Settings,
    Stream,
)
from connectors.errors import ConfigProblem
from connectors.zabbix import health, operations, problems, questions, webhook
from connectors.zabbix.client import ZabbixClient
from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.install import Administrator, Borrowed, InstallReport
from connectors.zabbix.install import install as _install
from connectors.zabbix.install import uninstall as _uninstall
from connectors.zabbix.records import STREAM


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class ZabbixConnector:
    """A connection to one Zabbix 6.0 or later. `transport` and `clock` are for tests."""

    name: ClassVar[str] = "zabbix"
    title: ClassVar[str] = "Zabbix"
    title_zh: ClassVar[str] = "Zabbix 监控"
    Config: ClassVar[type[Settings]] = ZabbixConfig
    AdministratorForm: ClassVar[type[Administrator]] = Administrator
    policy: ClassVar[Policy] = Policy(timeout_s=60, rate_per_s=20, batch_rows=problems.BATCH_ROWS)

    def __init__(
        self,
        config: ZabbixConfig,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = _hub_clock,
    ) -> None:
        self._config = config
        self._transport = transport
        self._clock = clock
        self._client = ZabbixClient(config, transport=transport)

    @property
    def namespace(self) -> str:
        """`zabbix://host:port` of the front end."""
        parts = urlsplit(self._config.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"zabbix://{parts.hostname}:{port}"

    def check(self) -> Health:
        return health.check(self._client, self._config)

    def close(self) -> None:
        self._client.close()

    # -- reads ------------------------------------------------------------------------------------------------------

    def streams(self) -> Sequence[Stream]:
        return (problems.stream(self._config),)

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """Open problems first, then what happened since; see `connectors.zabbix.problems`."""
        if stream.name != STREAM:
            raise ConfigProblem(f"Zabbix has no stream {stream.name!r}; it has {STREAM!r}.")
        yield from problems.ProblemReader(self._client, self._config, self._clock).read(cursor)

    # -- receives ---------------------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> Sequence[Event]:
        """The event of a webhook message; none for the test message of Zabbix's own Test button."""
        return webhook.events(delivery, self._config)

    # -- answers ----------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return questions.QUESTIONS

    def lookup(self, ask: Ask) -> Answer | None:
        """The answer about a device, given as host id or technical name; None when Zabbix does not know it."""
        return questions.Asker(self._client, self._config, ask, self._clock()).answer()

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return operations.OPERATIONS

    def write(self, command: Command) -> Receipt:
        """Changes a problem; key {"eventid": id of the PROBLEM event}."""
        return operations.write(self._client, command)

    def confirm(self, command: Command) -> Receipt | None:
        return operations.confirm(self._client, command)

    def probe(self, key: Mapping[str, Any]) -> Mapping[str, str]:
        return operations.probe(self._client, key)

    # -- setting the other side up ----------------------------------------------------------------------------------

    def install(self, hub_url: str, *, administrator: Administrator | None = None) -> InstallReport:
        """Makes or repairs in Zabbix what sends its problems to the hub: media type, user group, user, action.

        `hub_url` is the whole address of this connection's inbound endpoint as Zabbix reaches it, such as
        https://hub.example.com/v1/inbound/zbx-main. `administrator` is a super administrator for this once, where the
        connection's own account is none (as it should be). Idempotent. Raises ConfigProblem, AuthProblem.
        """
        with self._as(administrator) as client:
            return _install(client, self._config, hub_url)

    def uninstall(self, hub_url: str, *, administrator: Administrator | None = None) -> InstallReport:
        """Takes away what `install` made for the same `hub_url`; nothing else."""
        with self._as(administrator) as client:
            return _uninstall(client, hub_url)

    def _as(self, administrator: Administrator | None) -> Borrowed:
        return Borrowed(self._config, administrator, self._client, self._transport)
