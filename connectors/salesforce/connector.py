"""Salesforce as the hub sees it: customers, contacts, cases and activities in, questions, cases and a score back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

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
from connectors.salesforce import checks, reading
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.objects import objects, stream
from connectors.salesforce.operations import OPERATIONS, Operations
from connectors.salesforce.questions import QUESTIONS, Asker

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class SalesforceConnector:
    """A connection to one organization. `adapter` (of requests) and `clock` are for tests."""

    name: ClassVar[str] = "salesforce"
    title: ClassVar[str] = "Salesforce"
    title_zh: ClassVar[str] = "Salesforce 客户关系管理"
    Config: ClassVar[type[Settings]] = SalesforceConfig
    policy: ClassVar[Policy] = Policy(timeout_s=60, rate_per_s=10, batch_rows=2000)

    def __init__(
        self,
        config: SalesforceConfig,
        *,
        adapter: BaseAdapter | None = None,
        clock: Callable[[], datetime] = _hub_clock,
    ) -> None:
        self._config = config
        self._clock = clock
        self._client = SalesforceClient(config, adapter=adapter)
        self._objects = {of.stream: of for of in objects(config)}
        self._operations = Operations(self._client, config)

    @property
    def namespace(self) -> str:
        """`salesforce://host:port` of the organization."""
        parts = urlsplit(self._config.url)
        return f"salesforce://{parts.hostname}:{parts.port or 443}"

    def check(self) -> Health:
        return checks.check(self._client, self._config)

    def close(self) -> None:
        self._client.close()

    # -- reads ------------------------------------------------------------------------------------------------------

    def streams(self) -> Sequence[Stream]:
        return [stream(of, self._config) for of in self._objects.values()]

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """In the order of SystemModstamp and Id, the deleted as tombstones; see `connectors.salesforce.reading`."""
        of = self._objects.get(stream.name)
        if of is None:
            raise ConfigProblem(f"Salesforce has no stream {stream.name!r}; it has {', '.join(self._objects)}.")
        yield from reading.read(self._client, self._config, of, cursor, stream.lookback)

    # -- answers ----------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return QUESTIONS

    def lookup(self, ask: Ask) -> Answer | None:
        """The answer about a customer, given as the Id of an Account; None when Salesforce does not know it."""
        return Asker(self._client, self._config, ask, self._clock()).answer()

    # -- writes -----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return OPERATIONS

    def write(self, command: Command) -> Receipt:
        """Keys: {"ticket": number} or {"case_id": Id} for cases, {"account_id": Id} for the score."""
        return self._operations.write(command)

    def confirm(self, command: Command) -> Receipt | None:
        return self._operations.confirm(command)
