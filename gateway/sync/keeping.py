"""From what was sorted to what is held: rows with their origins, ids, golden records, and what is news to rules."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

import id_registry
import lineage
from connectors.contract import DELETED
from gateway.sync import linking, roster, store
from gateway.sync.identity import Identifier, Said
from gateway.sync.pages import Load, Row
from gateway.sync.sorting import Sorting
from gateway.sync.state import Counts
from gateway.sync.store import Before, Shelf
from gateway.sync.values import loaded
from id_registry import matching
from mappings import Mapping


@dataclass(frozen=True, slots=True)
class News:
    """A record that is new, changed or gone, as rules look at it. `id`: of what it is a part of, else its own."""

    id: int
    key: str
    values: MappingABC[str, Any]
    landing: int
    raw: MappingABC[str, Any]
    previous: MappingABC[str, Any] = field(default_factory=dict)
    previous_landing: int | None = None
    whole: int | None = None
    gone: bool = False


@dataclass
class Keeper:
    """Writes the rows of one stream within the caller's transaction. `wants_news`: rules look at what changed; `matched`: what
    its records say is compared with others of their kind."""

    connection_id: str
    dataset: str
    shelf: Shelf
    mapping: Mapping
    identifier: Identifier
    wants_news: bool
    run: int | None = None
    matched: bool = False

    @property
    def stream(self) -> str:
        return self.dataset.removeprefix(f"{self.connection_id}/")

    def write(self, conn: Connection, found: Sorting, read_at: int, now: int) -> tuple[list[News], Counts]:
        """Answers what rules may look at, and what the counts are to be corrected by: where something newer is held by now,
        nothing was done."""
        new, changed, gone = found.new, found.changed, found.gone
        rows = [*new, *changed]
        self._resolve(conn, found, rows, now)
        held = self._before(conn, [*changed, *gone])
        if rows or found.loads:
            self._land(conn, rows, found.loads, read_at)
        added = store.add(conn, self.shelf.id, new, read_at)
        for load in found.loads:
            added += store.load(conn, self.shelf.id, load, read_at)
            new += load.rows(None if self.shelf.record in roster.WHAT else load.looked)
        rows = [*new, *changed]
        overwritten, revived = store.change(conn, self.shelf.id, changed, read_at)
        removed = set(store.remove(conn, self.shelf.id, [row.id for row in gone], read_at, now))
        late = Counts(deleted=len(removed) - len(gone))
        if overwritten < len(changed):
            by_now = store.before(conn, self.shelf.id, [row.id for row in changed])
            for row in changed:
                if by_now[row.id].landing != row.landing:
                    was = found.before[row.id]
                    late += Counts(changed=-1) if was is not None and was.content is not None else Counts(added=-1)
            rows = [*new, *(row for row in changed if by_now[row.id].landing == row.landing)]
        late.unchanged = -(late.added + late.changed + late.deleted)
        gone = [row for row in gone if row.id in removed]
        if self.identifier.own_kind is not None:
            self._things(conn, rows, gone, held, read_at, now)
        roster.take(conn, self.connection_id, self.stream, self.shelf.record, rows, gone)
        # the one row that all who read the stream's parts have in common: as late as may be
        store.count_live(conn, self.shelf.id, added + revived - len(removed))
        return self._news(rows, gone, held), late

    def _land(self, conn: Connection, rows: Sequence[Row], loads: Sequence[Load], read_at: int) -> None:
        """Raw records into blocks, with the mapping that understood them."""
        plan, actor = lineage.plan(conn, [self.mapping]), f"connection:{self.connection_id}"
        landings = lineage.land_block(conn, self.dataset, rows, plan, read_at, run=self.run, actor=actor)
        for row, landing in zip(rows, landings, strict=True):
            row.landing = landing
        for load in loads:
            load.landings = lineage.land_texts(conn, self.dataset, load.plain, plan, read_at, run=self.run, actor=actor)

    def _resolve(self, conn: Connection, found: Sorting, rows: Sequence[Row], now: int) -> None:
        """Global ids for all things these rows name, minted where nobody named them before."""
        if found.keys:
            id_registry.resolve(conn, found.keys, now)
        if self.identifier.own_kind is not None:
            births = self.identifier.births(conn, [row.values["id"] for row in rows if row.values])
            for row in rows:
                if row.values:
                    row.gid = births[row.values["id"]]

    def _before(self, conn: Connection, rows: Sequence[Row]) -> dict[int, Before]:
        """What was held of what changes, for rules and golden records."""
        if not self.wants_news and self.identifier.own_kind is None:
            return {}
        return store.before(conn, self.shelf.id, [row.id for row in rows])

    def _things(
        self, conn: Connection, rows: Sequence[Row], gone: Sequence[Row], held: MappingABC[int, Before], read_at: int, now: int
    ) -> None:  # fmt: skip
        kind = self.identifier.own_kind
        assert kind is not None
        before = {i: loaded(self.shelf.record, b.values) for i, b in held.items()}
        births = {row.values["id"]: row.gid for row in rows if row.values and row.gid is not None}
        said = [
            Said(row.values["id"], row.values, {} if row.id not in held or held[row.id].deleted else before[row.id], read_at,
                 row.landing)
            for row in rows if row.values
        ]  # fmt: skip
        self.identifier.observe(conn, said, births, now)
        records = {s.local: s.values for s in said}
        if said:
            linking.note_keys(conn, kind, self.connection_id, records, births)
            if self.matched:
                matching.note_records(conn, kind, self.connection_id, records, births)
        left = [str(before[row.id]["id"]) for row in gone if row.id in before]
        linking.forget_keys(conn, kind, self.connection_id, left)
        if left and kind in matching.SCHEMES:
            matching.forget_records(conn, self.identifier.births(conn, left).values())

    def _news(self, rows: Sequence[Row], gone: Sequence[Row], held: MappingABC[int, Before]) -> list[News]:
        if not self.wants_news:
            return []
        news = [self._changed(row, held.get(row.id)) for row in rows if row.values is not None]
        news += [
            self._left(row, was) for row in rows
            if row.values is not None and (was := held.get(row.id)) is not None and was.whole != row.whole
        ]  # fmt: skip
        for row in gone:
            was = held.get(row.id)
            if was is not None:
                news.append(self._left(row, was))
        return news

    def _left(self, row: Row, was: Before) -> News:
        """The record is gone, or is a part of something else by now: what rules watched under its old number has ended."""
        values, of = loaded(self.shelf.record, was.values), was.whole
        number = row.id if of is None else of
        return News(number, row.key, values, was.landing, row.raw, values, was.landing, of, True)

    def _changed(self, row: Row, was: Before | None) -> News:
        number = row.id if row.whole is None else row.whole
        assert row.values is not None
        if was is None or was.deleted:
            return News(number, row.key, row.values, row.landing, row.raw, whole=row.whole)
        previous = loaded(self.shelf.record, was.values)
        return News(number, row.key, row.values, row.landing, row.raw, previous, was.landing, row.whole)


def tombstone(number: int, key: str, of: bytes) -> Row:
    """A row that says that the object is gone."""
    return Row(number, key, of, {DELETED: True}, b"", None, 0, deleted=True)
