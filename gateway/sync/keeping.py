"""From rows that were read to what is held: compare, map what changed, write it with its origin."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import Connection

import id_registry
import lineage
from connectors.contract import DELETED
from gateway.ingest.item import Fault
from gateway.sync import linking, store
from gateway.sync.identity import Identifier, Said
from gateway.sync.rows import Row, whole_id
from gateway.sync.state import Counts
from gateway.sync.store import Before, Held, Shelf
from gateway.sync.values import dumped, loaded
from id_registry import Key
from mappings import Mapping


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record that cannot be used: what it was, and why."""

    key: str
    record: MappingABC[str, Any]
    fault: Fault

    def digest(self, seed: str) -> int:
        """The same for the same record with the same fault, as long as the mapping is the same."""
        told = [seed, self.key, self.record, self.fault.path, self.fault.reason]
        try:
            text = orjson.dumps(told, default=repr, option=orjson.OPT_NON_STR_KEYS)
        except orjson.JSONEncodeError:  # half a character
            text = repr(told).encode("utf-8", "backslashreplace")
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "little", signed=True)


@dataclass(slots=True)
class Sorted:
    """What is to be written: of each object only the last that was said of it."""

    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    revived: int = 0
    """So many of those changed were deleted before."""
    gone: list[Row] = field(default_factory=list)
    bad: list[Unusable] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


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


def sort(rows: Sequence[Row], known: MappingABC[int, Held], mapping: Mapping, identifier: Identifier) -> Sorted:
    """Go through the rows as they came. What is held already costs a comparison; the rest is mapped."""
    found, counts, run = Sorted(), Counts(read=len(rows)), mapping.run
    state: dict[int, int | None] = {i: held.content for i, held in known.items()}
    last: dict[int, Row] = {}
    left: set[int] = set()
    for row in rows:
        held = state.get(row.id)
        if row.deleted:
            if held is None:
                counts.unchanged += 1
                continue
            counts.deleted += 1
            state[row.id] = None
        elif held == row.content:
            counts.unchanged += 1
            continue
        else:
            made = run(row.record)
            fault = None
            if made.dead is not None:
                fault = Fault(made.dead.field, made.dead.message, made.dead.expression)
            elif not made.matched:
                if held is None:
                    counts.skipped += 1
                    continue
                counts.deleted += 1
                state[row.id] = None
            else:
                fault = _hold(row, made.values, mapping.target, identifier)
                if fault is None:
                    state[row.id] = row.content
                    if held is None:
                        counts.added += 1
                    else:
                        counts.changed += 1
            if fault is not None:
                counts.bad += 1
                found.bad.append(Unusable(row.key, row.record, fault))
                continue
        last[row.id] = row
        if state[row.id] is None:
            left.add(row.id)
        else:
            left.discard(row.id)
    for i, row in last.items():
        before = known.get(i)
        if i in left:
            if before is not None and before.content is not None:
                found.gone.append(row)
        elif before is None:
            found.new.append(row)
        else:
            found.changed.append(row)
            found.revived += before.content is None
    found.counts = counts
    return found


def _hold(row: Row, values: dict[str, Any], record: str, identifier: Identifier) -> Fault | None:
    """Note what the mapping made of a row, unless it cannot be kept."""
    try:
        row.held = dumped(record, values)
    except (orjson.JSONEncodeError, lineage.UnstorableValue) as error:
        return Fault("", f"cannot be kept: {error}", "let the mapping clean it")
    unfit = identifier.unfit(values)
    if unfit is not None:
        return Fault(*unfit, "let the mapping cut it or give null")
    row.values = values
    return None


@dataclass
class Keeper:
    """Writes the rows of one stream within the caller's transaction. `wants_news`: rules look at what changed."""

    connection_id: str
    dataset: str
    shelf: Shelf
    mapping: Mapping
    identifier: Identifier
    wants_news: bool
    run: int | None = None

    def write(self, conn: Connection, sorted_: Sorted, read_at: int, now: int) -> tuple[list[News], set[Key]]:
        """Answers what rules may look at, and the keys that are resolved once this is committed. Where the database holds
        something newer, the counts are corrected."""
        rows = [*sorted_.new, *sorted_.changed]
        keys = self._resolve(conn, rows, now)
        held = self._before(conn, sorted_)
        if rows:
            landings = lineage.land_block(
                conn, self.dataset, rows, lineage.plan(conn, [self.mapping]), read_at, run=self.run,
                actor=f"connection:{self.connection_id}",
            )  # fmt: skip
            for row, landing in zip(rows, landings, strict=True):
                row.landing = landing
        added = store.add(conn, self.shelf.id, sorted_.new, read_at)
        changed = store.change(conn, self.shelf.id, sorted_.changed, read_at)
        removed = store.remove(conn, self.shelf.id, [row.id for row in sorted_.gone], now)
        late = len(sorted_.changed) - changed
        sorted_.counts.changed -= late
        sorted_.counts.unchanged += late
        store.count_live(conn, self.shelf.id, added + sorted_.revived - len(removed))
        if self.identifier.own_kind is not None:
            self._things(conn, rows, [row for row in sorted_.gone if row.id in held], held, read_at, now)
        return self._news(rows, sorted_.gone, held), keys

    def _resolve(self, conn: Connection, rows: Sequence[Row], now: int) -> set[Key]:
        """Global ids for all things these rows name, minted where nobody named them before."""
        keys = self.identifier.keys(row.values for row in rows if row.values is not None)
        if keys:
            id_registry.resolve(conn, keys, now)
        if self.identifier.own_kind is not None:
            births = self.identifier.births(conn, [row.values["id"] for row in rows if row.values])
            for row in rows:
                if row.values:
                    row.gid = births[row.values["id"]]
        if self.mapping.target == "StockLevel":
            for row in rows:
                if row.values and row.values.get("batch"):
                    row.whole = whole_id(self.dataset, row.values["item"], row.values["warehouse"])
        return keys

    def _before(self, conn: Connection, sorted_: Sorted) -> dict[int, Before]:
        """What was held of what changes, for rules and golden records."""
        if not self.wants_news and self.identifier.own_kind is None:
            return {}
        return store.before(conn, self.shelf.id, [row.id for row in (*sorted_.changed, *sorted_.gone)])

    def _things(
        self, conn: Connection, rows: Sequence[Row], gone: Sequence[Row], held: MappingABC[int, Before], read_at: int, now: int
    ) -> None:  # fmt: skip
        kind = self.identifier.own_kind
        assert kind is not None
        record = self.shelf.record
        before = {i: loaded(record, b.values) for i, b in held.items()}
        births = {row.values["id"]: row.gid for row in rows if row.values and row.gid is not None}
        said = [
            Said(row.values["id"], row.values, {} if row.id not in held or held[row.id].deleted else before[row.id], read_at,
                 row.landing)
            for row in rows if row.values
        ]  # fmt: skip
        self.identifier.observe(conn, said, births, now)
        if said:
            linking.note_keys(conn, kind, self.connection_id, {s.local: s.values for s in said}, births)
        store.forget_keys(conn, kind, self.connection_id, [str(before[row.id]["id"]) for row in gone])

    def _news(self, rows: Sequence[Row], gone: Sequence[Row], held: MappingABC[int, Before]) -> list[News]:
        if not self.wants_news:
            return []
        news = [self._changed(row, held.get(row.id)) for row in rows if row.values is not None]
        for row in gone:
            was = held.get(row.id)
            if was is not None:
                values, of = loaded(self.shelf.record, was.values), was.whole
                news.append(
                    News(
                        row.id if of is None else of,
                        row.key,
                        values,
                        was.landing,
                        row.record,
                        values,
                        was.landing,
                        of,
                        True,
                    )
                )
        return news

    def _changed(self, row: Row, was: Before | None) -> News:
        of = row.id if row.whole is None else row.whole
        assert row.values is not None
        if was is None or was.deleted:
            return News(of, row.key, row.values, row.landing, row.record, whole=row.whole)
        previous = loaded(self.shelf.record, was.values)
        return News(of, row.key, row.values, row.landing, row.record, previous, was.landing, row.whole)


def tombstone(row_id: int, key: str, of: bytes) -> Row:
    """A row that says that the object is gone."""
    return Row(row_id, key, of, {DELETED: True}, b"", 0, deleted=True)
