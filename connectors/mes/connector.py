"""A MES as the hub sees it: machines, stops, OEE, work orders and inspections in, context for tickets, maintenance out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from connectors.contract import (
    Answer,
    Ask,
    Batch,
    Command,
    Cursor,
    Health,
    Operation,
    Policy,
    Question,
    Receipt,
    Settings,
    Stream,
)
from connectors.mes import health, operations, questions, reading
from connectors.mes.client import MesClient
from connectors.mes.config import MesConfig


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class MesConnector:
    """A connection to one MES over SOAP. `transport` and `clock` are for tests."""

    name: ClassVar[str] = "mes"
    title: ClassVar[str] = "MES (SOAP)"
    title_zh: ClassVar[str] = "MES 制造执行系统（SOAP）"
    Config: ClassVar[type[Settings]] = MesConfig
    policy: ClassVar[Policy] = Policy(timeout_s=60, rate_per_s=10, batch_rows=1000)

    def __init__(
        self,
        config: MesConfig,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = _hub_clock,
    ) -> None:
        self._config = config
        self._clock = clock
        self._client = MesClient(config, transport=transport)

    @property
    def namespace(self) -> str:
        """`mes://host:port` of the service."""
        parts = urlsplit(self._config.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"mes://{parts.hostname}:{port}"

    def check(self) -> Health:
        return health.check(self._client, self._config, self._clock())

    def close(self) -> None:
        self._client.close()

    # -- reads ------------------------------------------------------------------------------------------------------

    def streams(self) -> Sequence[Stream]:
        return reading.streams(self._config)

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """What changed since, in the order of changes; see `connectors.mes.reading`."""
        yield from reading.StreamReader(self._client, self._config, stream, self._clock).read(cursor)

    # -- answers ----------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return questions.questions(self._config)

    def lookup(self, ask: Ask) -> Answer | None:
        """The answer; None when the MES does not know the machine, item or batch."""
        return questions.Asker(self._client, self._config, ask, self._clock()).answer()

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return operations.operations(self._config)

    def write(self, command: Command) -> Receipt:
        """Reports maintenance; key {"device": equipment id}."""
        return operations.write(self._client, self._config, command)

    def confirm(self, command: Command) -> Receipt | None:
        return operations.confirm(self._client, self._config, command)
