"""Reading a stream: page by page in the order of changes, without trusting page numbers.

A page number is a promise the service can't keep: a row that changes moves to the end of the list, all after it move up
by one, and the first of the next page is never seen. So each page is asked for from the last change of the page before
(`since`, its moment included), always as page 1.

Only where more rows than a page share one moment are page numbers used, and then the service lists this moment alone
(`until` is `since`): a row that moves away makes the number of its rows smaller, and it is begun again. The page of the
whole list that follows it counts if the moment has as many rows afterwards as before. A service that knows no `until` or
counts no rows is read by page numbers there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from connectors.contract import Batch, Cursor, Record, Stream
from connectors.errors import BadRecord, ConfigProblem, Transient
from connectors.mes.calls import STREAMS, CallName
from connectors.mes.client import MesClient, Page
from connectors.mes.config import MesConfig
from connectors.mes.records import SHAPES, Rows

BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
RESTARTS = 20
"""How often in one run a moment is begun again because it changed meanwhile."""


def streams(config: MesConfig) -> list[Stream]:
    """Those the service can list."""
    return [
        Stream(
            name=name,
            key=("id",),
            schema_=SHAPES[name].schema,
            mode="incremental",
            lookback=timedelta(seconds=config.lookback_s),
        )
        for name in STREAMS
        if config.call(name).operation
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a read goes on: page `page` of what changed from `since` on; `alone`: at this moment only. `total`: so many
    rows the moment had when it was read alone."""

    since: datetime
    page: int = 1
    alone: bool = False
    total: int | None = None

    @classmethod
    def load(cls, cursor: Cursor) -> Place:
        try:
            if not isinstance(cursor, Mapping):
                raise TypeError("no object")
            total = cursor.get("total")
            place = cls(
                datetime.fromisoformat(str(cursor["since"])),
                int(str(cursor.get("page", 1))),
                bool(cursor.get("alone")),
                None if total is None else int(str(total)),
            )
            if place.since.tzinfo is None or place.page < 1:
                raise ValueError(cursor["since"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigProblem(
                f"The cursor is none of this connector: {error}.", hint="Start the sync anew."
            ) from error
        return place

    def dump(self) -> Cursor:
        whole: dict[str, JsonValue] = {"since": self.since.isoformat()}
        if self.page > 1 or self.alone:
            whole |= {"page": self.page, "alone": self.alone, "total": self.total}
        return whole


class StreamReader:
    """One read of one stream; `clock` is the hub's."""

    def __init__(self, client: MesClient, config: MesConfig, stream: Stream, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._config = config
        self._stream = stream
        self._name = _call_of(stream)
        self._rows = Rows(config, self._name)
        self._bounded = config.call(self._name).bounded
        self._clock = clock

    def read(self, cursor: Cursor) -> Iterator[Batch]:
        """The batches from a cursor on. Each batch's cursor is safe to resume from."""
        place = self._start(cursor)
        restarts = 0
        while True:
            page = self._page(place)
            again = self._again(place, page)
            if again is not None:
                restarts += 1
                if restarts > RESTARTS:
                    raise Transient(f"{self._name}: what changed at {place.since} keeps changing while it is read.")
                place = again
                continue
            records, bad, last = self._taken(page, place.since)
            more = place.alone or self._is_full(place, page)
            place = self._next(place, page, last, more)
            yield Batch(records, place.dump(), bad)
            if not more:
                return

    def _start(self, cursor: Cursor) -> Place:
        if cursor is None:
            days = self._config.history_days
            return Place(BEGIN if days is None else self._clock() - timedelta(days=days))
        place = Place.load(cursor)
        if place.page > 1 or place.alone:
            return place
        return replace(place, since=max(BEGIN, place.since - self._stream.lookback))

    def _page(self, place: Place, rows: int | None = None) -> Page:
        values = {"since": place.since, "page": place.page, "page_size": rows or self._config.page_size}
        return self._client.page(self._name, {**values, "until": place.since if place.alone else None})

    def _again(self, place: Place, page: Page) -> Place | None:
        """From where to read again, because rows of the moment have left it meanwhile; None: they have not."""
        if place.page == 1 or place.total is None:
            return None
        now = page.total if place.alone else self._page(Place(place.since, alone=True), rows=1).total
        return Place(place.since, alone=True) if now is None or now < place.total else None

    def _taken(self, page: Page, since: datetime) -> tuple[list[Record], list[BadRecord], datetime]:
        """The records of a page, what of it is unusable, and its last change."""
        records: list[Record] = []
        bad: list[BadRecord] = []
        last = since
        for row in page.rows:
            changed = self._rows.changed_at(row)
            if changed is not None:
                if changed < last - timedelta(seconds=1):  # a second: services that cut off fractions when they sort
                    raise ConfigProblem(
                        f"{self._name}: the service does not list by the time of change: {changed} comes after {last}.",
                        hint=f"Correct the order or the filter in `calls.{self._name}.arguments`.",
                    )
                last = max(last, changed)
            try:
                records.append(self._rows.record(row))
            except BadRecord as error:
                bad.append(error)
        return records, bad, last

    def _is_full(self, place: Place, page: Page) -> bool:
        """Whether there may be more: the page is full, or, of a service with smaller pages of its own, not the last."""
        count = len(page.rows)
        if count >= self._config.page_size:
            return True
        return place.page == 1 and count > 0 and page.total is not None and page.total > count

    def _next(self, place: Place, page: Page, last: datetime, more: bool) -> Place:
        if place.alone:
            if len(page.rows) >= self._config.page_size:
                return replace(place, page=place.page + 1, total=page.total)
            return Place(place.since, (page.total or 0) // self._config.page_size + 1, total=page.total)
        if last > place.since or not more:
            return Place(last)
        if self._bounded and page.total is not None:
            return Place(place.since, alone=True)
        return replace(place, page=place.page + 1)


def _call_of(stream: Stream) -> CallName:
    found = next((name for name in STREAMS if name == stream.name), None)
    if found is None:
        raise ConfigProblem(f"A MES has no stream {stream.name!r}; it has {', '.join(STREAMS)}.")
    return found
