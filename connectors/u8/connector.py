"""Yonyou U8 as the hub sees it: its tables read, context questions answered, purchase requisitions written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

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
from connectors.errors import ConfigProblem
from connectors.odbc import Connect
from connectors.u8 import health, questions, requisitions
from connectors.u8.accounts import YearDatabase
from connectors.u8.client import U8Client
from connectors.u8.config import U8Config
from connectors.u8.openapi import OpenApi
from connectors.u8.reading import Reader
from connectors.u8.statements import key_of
from connectors.u8.tables import SOURCES


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class U8Connector:
    """A connection to one account set. `opener` (for `pyodbc.connect`), `transport` and `clock` are for tests."""

    name: ClassVar[str] = "u8"
    title: ClassVar[str] = "Yonyou U8"
    title_zh: ClassVar[str] = "用友 U8"
    Config: ClassVar[type[Settings]] = U8Config
    policy: ClassVar[Policy] = Policy(timeout_s=60, rate_per_s=20, batch_rows=2000)

    def __init__(
        self,
        config: U8Config,
        *,
        opener: Connect | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = _hub_clock,
    ) -> None:
        self._config = config
        self._client = U8Client(config, opener=opener, clock=clock)
        self._openapi = OpenApi(config, transport) if config.requisitions == "openapi" else None

    @property
    def namespace(self) -> str:
        """`u8://server:port/account set`."""
        config = self._config
        host = config.server.replace("\\", "/").strip("/").replace("/", ".") or "odbc"
        place = f"{host}:{config.port}" if config.port else host
        return f"u8://{place}/{config.account or config.database}"

    def check(self) -> Health:
        return health.check(self._client, self._config, self._openapi)

    def close(self) -> None:
        self._client.close()
        if self._openapi is not None:
            self._openapi.close()

    def account_sets(self) -> dict[str, str]:
        """Number → name of every account set (账套) of the server, from UFSystem."""
        return self._client.account_sets()

    def databases(self) -> list[YearDatabase]:
        """The databases of this account set and their accounting years."""
        return self._client.databases()

    # -- reads ------------------------------------------------------------------------------------------------------

    def streams(self) -> Sequence[Stream]:
        return tuple(
            source.stream.model_copy(update={"key": key_of(source, self._config)}) for source in SOURCES.values()
        )

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """What changed since the cursor; see `connectors.u8.reading`."""
        source = SOURCES.get(stream.name)
        if source is None:
            raise ConfigProblem(f"U8 has no stream {stream.name!r}; it has {', '.join(SOURCES)}.")
        yield from Reader(self._client, self._config, source).read(cursor)

    # -- answers ----------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return questions.QUESTIONS

    def lookup(self, ask: Ask) -> Answer | None:
        """The answer about an item or customer, given by its code; None when U8 does not know it."""
        return questions.answer(self._client, self._config, ask)

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        """None while `requisitions` is off."""
        return requisitions.OPERATIONS if self._config.requisitions != "off" else ()

    def write(self, command: Command) -> Receipt:
        """Creates a purchase requisition; key {"ticket": what it is for}."""
        return requisitions.write(self._client, self._config, self._openapi, command)

    def confirm(self, command: Command) -> Receipt | None:
        return requisitions.confirm(self._client, self._config, command)
