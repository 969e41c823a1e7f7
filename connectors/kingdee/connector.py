"""Kingdee K3 Cloud as the hub sees it: ERP records by reading, context questions, and purchase requisitions."""

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
    Health,
    Operation,
    Policy,
    Question,
    Receipt,
    Settings,
    Stream,
)
from connectors.errors import ConfigProblem
from connectors.kingdee import health, questions, reading, requisitions, stock
from connectors.kingdee.client import KingdeeClient
from connectors.kingdee.config import STREAMS, KingdeeConfig
from connectors.kingdee.forms import FORMS
from connectors.kingdee.selecting import Selector


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class KingdeeConnector:
    """A connection to one organisation in one data centre. `transport` and `clock` are for tests."""

    name: ClassVar[str] = "kingdee"
    title: ClassVar[str] = "Kingdee K3 Cloud"
    title_zh: ClassVar[str] = "金蝶云星空"
    Config: ClassVar[type[Settings]] = KingdeeConfig
    policy: ClassVar[Policy] = Policy(timeout_s=90, rate_per_s=5, batch_rows=10000)

    def __init__(
        self,
        config: KingdeeConfig,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = _hub_clock,
    ) -> None:
        self._config = config
        self._clock = clock
        self._client = KingdeeClient(config, transport=transport)
        self._selector = Selector(self._client)
        self._requisitions = requisitions.Requisitions(self._client, self._selector, config, clock)

    @property
    def namespace(self) -> str:
        """`kingdee://host:port/data centre`."""
        parts = urlsplit(self._config.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"kingdee://{parts.hostname}:{port}/{self._config.data_center}"

    def check(self) -> Health:
        return health.check(self._client, self._config)

    def close(self) -> None:
        self._client.close()

    # -- reads ------------------------------------------------------------------------------------------------------

    def streams(self) -> Sequence[Stream]:
        return tuple(
            stock.STREAM if name == "stock" else reading.stream(FORMS[name], self._config)
            for name in STREAMS
            if name not in self._config.leave_out
        )

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """See `connectors.kingdee.reading` and, for the stock, `connectors.kingdee.stock`."""
        form = next((FORMS[name] for name in FORMS if name == stream.name), None)
        if stream.name == stock.STREAM.name:
            yield from stock.Stock(self._selector, self._config).read()
        elif form is not None:
            reader = reading.FormReader(self._selector, self._config, form, self._clock, stream.lookback)
            yield from reader.read(cursor)
        else:
            raise ConfigProblem(f"Kingdee has no stream {stream.name!r}; it has {', '.join(STREAMS)}.")

    # -- answers ----------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return questions.QUESTIONS

    def lookup(self, ask: Ask) -> Answer | None:
        """The answer about an article or a customer, by its number; None when Kingdee does not know it."""
        return questions.Asker(self._selector, self._config, ask, self._clock).answer()

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return requisitions.OPERATIONS

    def write(self, command: Command) -> Receipt:
        """One step of a purchase requisition; key {"ticket": ...} for a new one, {"number": ...} for a bill."""
        return self._requisitions.write(command)

    def confirm(self, command: Command) -> Receipt | None:
        return self._requisitions.confirm(command)

    def probe(self, key: Mapping[str, Any]) -> Mapping[str, str]:
        return self._requisitions.probe(key)
