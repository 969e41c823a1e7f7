"""What goes into the index: solved tickets, the knowledge articles of every connection and the hub's own, as they change.

The index follows the database by watermarks that lie in its folder, so that they are lost with it; what was committed
late is looked at again within `LOOKBACK`, and putting a document twice changes nothing. Without watermarks everything is
put in anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, func, select, tuple_

import core_tickets
import id_registry
from core_tickets import Filters
from gateway.clock import MINUTE
from gateway.config.hub import HUB
from gateway.learning.tables import article
from gateway.search.index import LAYOUT, Document, SearchIndex
from gateway.service import Gateway
from gateway.sync.tables import replica, replica_stream

LOOKBACK = 2 * MINUTE
PAGE = 500
SOLVED = ("resolved", "closed")
ARTICLE = "KnowledgeArticle"


@dataclass(slots=True)
class Feeder:
    """Brings one index up to date. `known` keeps what was put within the lookback, so that it is not put each time."""

    index: SearchIndex
    folder: Path
    known: dict[str, int] = field(default_factory=dict)

    def feed(self, gateway: Gateway) -> int:
        """Everything that changed since the last time; answers how many documents were put or taken away."""
        if not self.index.writable():  # asked first: a damaged index is let go of, and its watermarks with it
            return 0
        marks = self._marks()
        if not marks:
            self.index.clear()
            self.known.clear()
        count = 0
        for name, pages in (("tickets", self._tickets), ("articles", self._articles), ("own", self._own_articles)):
            since = marks.get(name, 0)
            for documents, gone, reached in pages(gateway, max(since - LOOKBACK, 0)):
                fresh = [(d, at) for d, at in documents if self.known.get(d.id) != at]
                taken = [(id_, at) for id_, at in gone if self.known.get(id_) != at]
                if (fresh or taken) and not self.index.put([d for d, _ in fresh], [id_ for id_, _ in taken]):
                    return count
                self.known.update({d.id: at for d, at in fresh} | dict(taken))
                count += len(fresh) + len(taken)
                marks[name] = max(since, reached)
                self._keep(marks)
        oldest = min(marks.values(), default=0) - LOOKBACK
        self.known = {id_: at for id_, at in self.known.items() if at >= oldest}
        return count

    def _marks(self) -> dict[str, int]:
        try:
            marks: dict[str, int] = orjson.loads(self._file().read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return {}
        return marks

    def _keep(self, marks: dict[str, int]) -> None:
        """Behind the commit of the index: a crash in between puts a page twice."""
        part = self._file().with_suffix(".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(orjson.dumps(marks))
        part.replace(self._file())

    def _file(self) -> Path:
        return self.folder / f"search-{LAYOUT}" / "fed.json"

    def _tickets(self, gateway: Gateway, since: int) -> Iterator[_Page]:
        cursor: str | None = None
        while True:
            with gateway.reading() as conn:
                page = core_tickets.search(conn, Filters(updated_since=since), cursor, PAGE, order="changed")
            solved = [(_of_ticket(t), t.updated_at) for t in page.items if t.status in SOLVED]
            open_ = [(ticket_document_id(t.id), t.updated_at) for t in page.items if t.status not in SOLVED]
            if page.items:
                yield solved, open_, page.items[-1].updated_at
            cursor = page.next_cursor
            if cursor is None:
                return

    def _articles(self, gateway: Gateway, since: int) -> Iterator[_Page]:
        after: tuple[int, int, int] = (since, 0, 0)
        while True:
            with gateway.reading() as conn:
                rows = _article_rows(conn, after)
            made = [(_of_article(r), _moved(r)) for r in rows if r.deleted_at is None and _active(r)]
            gone = [(article_document_id(r.connection_id, r.key), _moved(r)) for r in rows
                    if r.deleted_at is not None or not _active(r)]  # fmt: skip
            if rows:
                yield made, gone, max(map(_moved, rows))
                after = (_moved(rows[-1]), rows[-1].stream, rows[-1].id)
            if len(rows) < PAGE:
                return

    def _own_articles(self, gateway: Gateway, since: int) -> Iterator[_Page]:
        """Those the hub learned from its own tickets."""
        c, after = article.c, (since, 0)
        while True:
            query = select(article).where(tuple_(c.changed_at, c.id) > after).order_by(c.changed_at, c.id).limit(PAGE)
            with gateway.reading() as conn:
                rows = list(conn.execute(query))
            ids = {r.id: article_document_id(HUB, id_registry.format_id(r.id)) for r in rows}
            made = [(Document(ids[r.id], "article", r.title, r.body), r.changed_at) for r in rows if r.active]
            gone = [(ids[r.id], r.changed_at) for r in rows if not r.active]
            if rows:
                yield made, gone, rows[-1].changed_at
                after = (rows[-1].changed_at, rows[-1].id)
            if len(rows) < PAGE:
                return


_Page = tuple[list[tuple[Document, int]], list[tuple[str, int]], int]


def ticket_document_id(ticket_id: int) -> str:
    return f"ticket:{id_registry.format_id(ticket_id)}"


def article_document_id(connection_id: str, key: str) -> str:
    return f"article:{connection_id}/{key}"


def _of_ticket(ticket: core_tickets.Ticket) -> Document:
    told = [ticket.description, ticket.resolution or "", ticket.cause or "", *ticket.labels.values()]
    return Document(ticket_document_id(ticket.id), "ticket", ticket.title, "\n".join(told))


def _article_rows(conn: Connection, after: tuple[int, int, int]) -> list[Any]:
    r, s = replica.c, replica_stream.c
    moved = _moved_column()
    query = (
        select(replica, s.connection_id)
        .join(replica_stream, s.id == r.stream)
        .where(s.record == ARTICLE, tuple_(moved, r.stream, r.id) > after)
        .order_by(moved, r.stream, r.id)
        .limit(PAGE)
    )
    return list(conn.execute(query))


def _moved_column() -> Any:
    return func.coalesce(replica.c.deleted_at, replica.c.read_at)


def _moved(row: Any) -> int:
    return int(row.deleted_at or row.read_at)


def _active(row: Any) -> bool:
    return orjson.loads(row.values).get("active") is not False


def _of_article(row: Any) -> Document:
    v = orjson.loads(row.values)
    told = [str(v[name]) for name in ("summary", "body", "keywords", "product", "category") if v.get(name)]
    return Document(article_document_id(row.connection_id, row.key), "article", v["title"], "\n".join(told))
