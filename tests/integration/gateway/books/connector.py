"""The books: tables of records that are read by pages, and what may go wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson
from pydantic import Field

from connectors.contract import (
    Answer,
    Ask,
    Batch,
    Cursor,
    Delivery,
    Event,
    Health,
    Part,
    Policy,
    Question,
    Settings,
    Stream,
)
from connectors.errors import BadRecord, Transient

PAGE = 100
STREAMS: Mapping[str, Stream] = {
    s.name: s
    for s in (
        Stream(name="stock", key=("item", "warehouse", "batch"), schema_={}, mode="snapshot", deletes="absence"),
        Stream(name="customers", key=("code",), schema_={}, deletes="tombstone"),
        Stream(name="machines", key=("code",), schema_={}, mode="snapshot", deletes="absence"),
        Stream(name="items", key=("code",), schema_={}, mode="snapshot", deletes="absence"),
        Stream(name="stops", key=("id",), schema_={}, every=timedelta(seconds=30)),
        Stream(name="orders", key=("no", "line"), schema_={}, deletes="tombstone", lookback=timedelta(seconds=1)),
    )
}


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Shelves:
    """One system's tables, by connection: rows in the order of their last change (`at`), for streams with a cursor."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    bad: dict[str, list[BadRecord]] = field(default_factory=dict)
    fails_at_page: int | None = None
    """This page (from 0) is not given: the system is away."""
    dies_at_page: int | None = None
    pages: int = 0
    changes: int = 0
    read: list[str] = field(default_factory=list)
    """`stream:part` of every reading, in order."""
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def put(self, table: str, *records: dict[str, Any]) -> None:
        """Add or overwrite rows by the stream's key; each is now the last to have changed."""
        held, key = self.tables.setdefault(table, []), STREAMS[table].key
        for record in records:
            name = [record.get(k) for k in key]
            held[:] = [r for r in held if [r.get(k) for k in key] != name]
            self.changes += 1
            held.append(record | {"at": self.changes})

    def drop(self, table: str, **key: Any) -> None:
        self.tables[table] = [r for r in self.tables[table] if any(r.get(k) != v for k, v in key.items())]


def lies_in(part: Part, value: Any) -> bool:
    """Is a record with this value in the part?"""
    if part.among:
        return (value not in part.among) if part.others else (value in part.among)
    if value is None:
        return part.lower is None
    return (part.lower is None or value >= part.lower) and (part.upper is None or value < part.upper)


class BooksConfig(Settings):
    place: str = Field("erp", description="Which shelves.")


class Books:
    """See the module. `world` is set by `books_of`: shelves by place."""

    name: ClassVar[str] = "books"
    title: ClassVar[str] = "Books"
    title_zh: ClassVar[str] = "账册"
    Config: ClassVar[type[Settings]] = BooksConfig
    policy: ClassVar[Policy] = Policy(rate_per_s=100_000, breaker_failures=1_000_000, attempts=1, backoff_s=0.01)
    mappings: ClassVar[str] = "tests.integration.gateway.books.mappings"
    world: ClassVar[dict[str, Shelves]]

    def __init__(self, config: BooksConfig) -> None:
        self._shelves = self.world.setdefault(config.place, Shelves())
        self._place = config.place

    @property
    def namespace(self) -> str:
        return f"books://{self._place}"

    def check(self) -> Health:
        return Health(ok=True)

    def close(self) -> None:
        """Nothing is held."""

    def streams(self) -> Sequence[Stream]:
        return list(STREAMS.values())

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        return self._pages(stream, cursor, list(self._shelves.tables.get(stream.name, ())), "")

    def read_part(self, stream: Stream, part: Part, cursor: Cursor) -> Iterator[Batch]:
        rows = [r for r in self._shelves.tables.get(stream.name, ()) if lies_in(part, r.get(part.field))]
        return self._pages(stream, cursor, rows, part.name)

    def _pages(self, stream: Stream, cursor: Cursor, rows: list[dict[str, Any]], part: str) -> Iterator[Batch]:
        shelves = self._shelves
        shelves.read.append(f"{stream.name}:{part}")
        by_cursor = stream.mode == "incremental"
        if by_cursor and isinstance(cursor, int):
            rows = [r for r in rows if r["at"] > cursor - int(stream.lookback.total_seconds())]
        bad = list(shelves.bad.get(stream.name, ())) if part in ("", "~others") else []
        for start in range(0, max(len(rows), 1), PAGE):
            number = start // PAGE
            shelves.pages += 1
            if shelves.fails_at_page == number:
                raise Transient("the books are closed", retry_after=600)
            if shelves.dies_at_page == number:
                raise Killed
            page = [{k: v for k, v in r.items() if k != "at"} for r in rows[start : start + PAGE]]
            last = rows[start : start + PAGE]
            yield Batch(page, cursor=last[-1]["at"] if by_cursor and last else None, bad=bad)
            bad = []

    def receive(self, delivery: Delivery) -> Sequence[Event]:
        told = orjson.loads(delivery.body)
        return [Event(t["id"], t["stream"], t["record"], t.get("key", ""), t.get("op", "upsert")) for t in told]

    def questions(self) -> Sequence[Question]:
        return [Question(name="orders_of", needs=("customer",), title="Orders", title_zh="订单"),
                Question(name="stock_of", needs=("item",), title="Stock", title_zh="库存")]  # fmt: skip

    def lookup(self, ask: Ask) -> Answer | None:
        self._shelves.asked.append({"question": ask.question, **ask.inputs})
        found = self._shelves.answers.get(str(next(iter(ask.inputs.values()))))
        return None if found is None else Answer(found, datetime(2026, 11, 22, tzinfo=UTC))


def books_of(world: dict[str, Shelves]) -> type[Books]:
    """The connector over these shelves."""
    return type("BooksHere", (Books,), {"world": world, "__module__": Books.__module__})
