"""Streams: all of a snapshot page by page, or what changed since the cursor.

An incremental stream is asked in ascending order of its cursor. As soon as a page ends later than it began, the next
query begins at that moment instead of turning the page: records that change meanwhile move to the end of the list and
would push others over the edge between two pages. Pages are turned only among records of one and the same moment. So
the cursor is `[moment, place among those of that moment]`, and safe after every page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Batch, Cursor, Stream
from connectors.errors import BadRecord, ConfigProblem, Transient
from connectors.manifest.cursors import Moment, decode, encode
from connectors.manifest.exchange import Refused, Reply
from connectors.manifest.forms import ListForm
from connectors.manifest.paging import Pages, Place
from connectors.manifest.paths import at
from connectors.manifest.shapes import Shape, write_moment

Ask = Callable[[Mapping[str, Any], str, str], Reply]
"""(values for the templates, link to follow or "", where the link came from) → the answer. Raises Refused."""
_STEP = timedelta(seconds=1)
_GONE = frozenset({400, 404, 410, 422})


class Reader:
    """Reads one stream."""

    def __init__(self, form: ListForm, ask: Ask, *, size: int, batch_rows: int) -> None:
        self._form = form
        self._ask = ask
        self._size = size
        self._batch_rows = batch_rows
        self._shape: Shape = form.shape
        self._kind = form.fields[form.cursor].type if form.cursor else ""
        self._zone = ZoneInfo(form.since_zone or form.zone or "UTC")
        self._from = ""

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """:raises Transient, ConfigProblem, AuthProblem: see `connectors.errors`."""
        return self._changes(cursor, stream.lookback) if self._form.cursor else self._all()

    def _all(self) -> Iterator[Batch]:
        pages, more = Pages(self._form.paging, self._size), True
        while more:
            reply, rows = self._page(pages, None)
            more = pages.turn(reply, rows)
            yield from self._batches(rows, None)

    def _changes(self, cursor: Cursor, lookback: timedelta) -> Iterator[Batch]:
        since, place = self._start(cursor, lookback)
        pages, resumed, more = Pages(self._form.paging, self._size, place), place is not None, True
        while more:
            try:
                reply, rows = self._page(pages, since)
            except _Gone:
                if not resumed and pages.place is None:
                    raise
                # the place is no longer known: its moment is, and its records are read again
                pages, resumed = Pages(self._form.paging, self._size), False
                continue
            resumed = False
            latest = self._latest(rows, since)
            more = pages.turn(reply, rows)
            if latest is not None and (since is None or latest > since):  # type: ignore[operator]
                since, pages = latest, Pages(self._form.paging, self._size)
            place = pages.place if more else None
            yield from self._batches(rows, None if since is None else [encode(since), place])

    def _page(self, pages: Pages, since: Moment | None) -> tuple[Reply, list[Any]]:
        values = {"page": pages.values, "since": self._since(since)}
        first = pages.place is None
        try:
            reply = self._ask(values, pages.link, self._from)
        except Refused as no:
            if not first and no.status == 404 and self._form.paging.kind in ("page", "offset"):
                return Reply(None, no.status, url=self._from), []
            if not first and no.status in _GONE:
                raise _Gone(f"the system does not know the next page any more: {no.status} {no.reason}") from None
            hint = "is `url` right, and does the manifest fit this system?"
            raise ConfigProblem(f"{self._form.asked}: {no.status} {no.reason}", hint=hint) from None
        self._from = reply.url
        rows = at(reply.body, self._form.records)
        if not isinstance(rows, list):
            place = self._form.records or "the top"
            raise Transient(f"{self._form.asked}: there is no list at {place} of the answer", hint="see `records`")
        return reply, rows

    def _batches(self, rows: Sequence[Any], cursor: Cursor) -> Iterator[Batch]:
        for start in range(0, len(rows) or 1, self._batch_rows):
            part = rows[start : start + self._batch_rows]
            good, bad = self._shape.sorted_out(part)
            yield Batch(good, cursor if start + len(part) >= len(rows) else None, bad)

    def _start(self, cursor: Cursor, lookback: timedelta) -> tuple[Moment | None, Place]:
        if cursor is None:
            first = self._form.since_start
            return (decode(self._kind, encode(first)) if first is not None else None), None
        if not (isinstance(cursor, list) and len(cursor) == 2):
            raise ConfigProblem(f"{cursor!r} is no cursor of this stream", hint="read it from the beginning")
        since, place = decode(self._kind, cursor[0]), cursor[1]
        if place is not None:
            return since, place if isinstance(place, int | str) else None
        return (since - lookback if isinstance(since, datetime) else since), None

    def _since(self, since: Moment | None) -> Any:
        if not isinstance(since, datetime):
            if isinstance(since, int) and self._form.since_is == "exclusive":
                return since - 1
            return since
        if self._form.since_is == "exclusive":
            since -= _STEP
        return write_moment(since, self._form.since_format, self._zone)

    def _latest(self, rows: Sequence[Any], since: Moment | None) -> Moment | None:
        """The greatest cursor of a page, which must be in order. Raises ConfigProblem."""
        latest: Any = None
        for row in rows:
            try:
                value = self._shape.value(self._form.cursor, row) if isinstance(row, Mapping) else None
            except BadRecord:
                continue
            if value is None:
                continue
            if latest is not None and value < latest:
                raise ConfigProblem(
                    f"the records do not come in ascending order of {self._form.cursor}, so some would be lost",
                    hint="ask for that order in the request, or leave `cursor` out to read all each time",
                )
            latest = value
        return latest  # type: ignore[no-any-return]


class _Gone(Transient):
    """A page that followed another is no longer there."""
