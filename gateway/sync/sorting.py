"""What was read and waits to be written: compared with what is held, and mapped where it changed.

Rows that changed nothing are counted and forgotten at once. Of the others only the texts are kept, unless a rule or a
golden record will look at their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

import orjson

import lineage
from gateway.ingest.item import Fault
from gateway.sync.columns import ByColumns
from gateway.sync.identity import Identifier
from gateway.sync.pages import Load, Page, Row
from gateway.sync.rows import whole_id
from gateway.sync.state import Counts
from gateway.sync.store import Held
from gateway.sync.values import dumped, dumped_together
from id_registry import Key
from mappings import Mapping as FieldMapping


class Wants(Protocol):
    """Will a rule look at a new record? `fields`: all it asks to know of the record. `places`: the same of many, by
    columns."""

    @property
    def fields(self) -> Sequence[str]: ...
    def places(self, columns: Mapping[str, Sequence[Any]], keys: Sequence[str]) -> list[int]: ...
    def looks(self, values: Mapping[str, Any], key: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record that cannot be used: what it was, and why."""

    key: str
    record: Mapping[str, Any]
    fault: Fault

    def digest(self, seed: str) -> int:
        """The same for the same record with the same fault, as long as the mapping is the same."""
        told = [seed, self.key, self.record, self.fault.path, self.fault.reason]
        try:
            text = orjson.dumps(told, default=repr, option=orjson.OPT_NON_STR_KEYS)
        except orjson.JSONEncodeError:  # half a character
            text = repr(told).encode("utf-8", "backslashreplace")
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "little", signed=True)


class Sorting:
    """The rows of one transaction. `last`: of each object only the last that was said of it; `before`: what was held of
    it when the transaction was prepared. `loads`: other objects, said of once, of which nothing was held."""

    def __init__(
        self, dataset: str, mapping: FieldMapping, identifier: Identifier, wants: Wants | None, columns: ByColumns | None = None
    ) -> None:  # fmt: skip
        self._dataset, self._mapping, self._identifier, self._wants = dataset, mapping, identifier, wants
        self._columns = columns if columns is not None and columns.possible and identifier.own_kind is None else None
        self._parts = mapping.target == "StockLevel"
        self._things = identifier.own_kind is not None
        self.last: dict[int, Row] = {}
        self.before: dict[int, Held] = {}
        self.loads: list[Load] = []
        self._loaded: set[int] = set()
        self.bad: list[Unusable] = []
        self.keys: set[Key] = set()
        self.counts = Counts()

    def take(self, page: Page, known: Mapping[int, Held]) -> None:
        """Go through rows in the order in which they came. `known`: what the database holds of them."""
        self.counts.read += len(page)
        if not known and self._load(page):
            return
        if not self._loaded.isdisjoint(page.ids):
            self._unload()
        for part in _without_repeats(self._not_as_held(page, known)):
            changed: list[Row] = []
            for row in part:
                held = self._held(row.id, known)
                if row.deleted:
                    self._gone(row, held, known)
                elif held == row.content:
                    self.counts.unchanged += 1
                else:
                    changed.append(row)
            if changed:
                self._map(changed, known)

    def _not_as_held(self, page: Page, known: Mapping[int, Held]) -> list[Row]:
        """The rows of a page; of a plain one without those that are held just so, which are counted."""
        plain = page.plain
        if plain is None or not known or len(set(plain.ids)) < len(plain) or not self.last.keys().isdisjoint(plain.ids):
            return page.rows()
        held = map(known.get, plain.ids)
        of = zip(held, plain.contents, strict=True)
        places = [n for n, (was, content) in enumerate(of) if was is None or was.content != content]
        self.counts.unchanged += len(plain) - len(places)
        return page.rows(places)

    def _unload(self) -> None:
        """What was taken by columns is to be looked at one by one."""
        self.last |= {row.id: row for load in self.loads for row in load.rows()}
        self.loads, self._loaded = [], set()

    @property
    def ids(self) -> list[int]:
        """All objects that something is said of."""
        return [*self.last, *self._loaded]

    def again(self, known: Mapping[int, Held]) -> None:
        """Somebody else wrote meanwhile: compare anew, with what is held now."""
        self._unload()
        for number, row in self.last.items():
            self._count(row, self.before.get(number), -1)
            self._count(row, known.get(number), 1)
        self.before = dict(known)

    @property
    def new(self) -> list[Row]:
        before = self.before
        return [row for i, row in self.last.items() if not row.deleted and i not in before]

    @property
    def changed(self) -> list[Row]:
        """Also those that come back after they were deleted."""
        last = self.last
        return [row for i, was in self.before.items() if not (row := last[i]).deleted and was.content != row.content]

    @property
    def gone(self) -> list[Row]:
        last = self.last
        return [row for i, was in self.before.items() if (row := last[i]).deleted and was.content is not None]

    @property
    def revived(self) -> int:
        """So many of those changed were deleted before."""
        return sum(self.before[row.id].content is None for row in self.changed)

    # -- one by one ---------------------------------------------------------------------------------------------------

    def _held(self, number: int, known: Mapping[int, Held]) -> int | None:
        """The content that will be held of an object before this row; None: nothing."""
        row = self.last.get(number)
        if row is not None:
            return None if row.deleted else row.content
        held = known.get(number)
        return None if held is None else held.content

    def _put(self, row: Row, known: Mapping[int, Held]) -> None:
        if row.id not in self.last and (held := known.get(row.id)) is not None:
            self.before[row.id] = held
        self.last[row.id] = row

    def _gone(self, row: Row, held: int | None, known: Mapping[int, Held]) -> None:
        if held is None:
            self.counts.unchanged += 1
            return
        self.counts.deleted += 1
        self._put(row, known)

    def _load(self, page: Page) -> bool:
        """A page of plain records of which nothing is known, by columns: the way of a first load. False: it is more than
        that, and nothing was done."""
        plain = page.plain
        if self._columns is None or plain is None or page.parts is None:
            return False
        fresh = set(plain.ids)
        if len(fresh) < len(plain) or not self.last.keys().isdisjoint(fresh) or not self._loaded.isdisjoint(fresh):
            return False
        made = self._columns.run(page.records, page.parts)
        if made is None or (self._parts and "batch" in made and any(made["batch"].values)):
            return False
        keys, fit = self._identifier.named(
            {name: set(made[name].values) for name in self._identifier.fields if name in made}
        )
        texts = lineage.joined(made) if fit else None
        if texts is None:
            return False
        looked = {} if self._wants is None else _looked(self._wants, plain.keys, made)
        if not (self.loads and self.loads[-1].take(plain, texts, looked)):
            self.loads.append(Load(plain, texts, looked))
        self.keys |= keys
        self.counts.added += len(fresh)
        self._loaded |= fresh
        return True

    def _map(self, rows: Sequence[Row], known: Mapping[int, Held]) -> None:
        run = self._mapping.run
        good: list[Row] = []
        values: list[dict[str, Any]] = []
        for row in rows:
            made = run(row.raw)
            if made.dead is not None:
                self._unusable(row, Fault(made.dead.field, made.dead.message, made.dead.expression))
            elif made.matched:
                good.append(row)
                values.append(made.values)
            elif self._held(row.id, known) is None:
                self.counts.skipped += 1
            else:
                self._gone(_tombstone_of(row), 0, known)
        fields = {name: {made.get(name) for made in values} for name in self._identifier.fields}
        keys, fit = self._identifier.named(fields)
        texts = dumped_together(self._mapping.target, values) if fit else None
        if texts is None:
            self._hold_one_by_one(good, values, known)
            return
        self.keys |= keys
        for row, made_of, text in zip(good, values, texts, strict=True):
            self._hold(row, made_of, text, known)

    def _hold_one_by_one(
        self, rows: Sequence[Row], values: Sequence[dict[str, Any]], known: Mapping[int, Held]
    ) -> None:
        for row, made in zip(rows, values, strict=True):
            unfit = self._identifier.unfit(made)
            try:
                text = dumped(self._mapping.target, made)
            except lineage.UnstorableValue as error:
                unfit = "", f"cannot be kept: {error}"
            if unfit is not None:
                self._unusable(row, Fault(*unfit, "let the mapping cut it, clean it or give null"))
                continue
            self.keys |= self._identifier.named(
                {name: {value} for name, value in made.items() if name in self._identifier.fields}
            )[0]
            self._hold(row, made, text, known)

    def _hold(self, row: Row, values: dict[str, Any], text: bytes, known: Mapping[int, Held]) -> None:
        held = self._held(row.id, known)
        row.held = text
        if held is None:
            self.counts.added += 1
        else:
            self.counts.changed += 1
        if self._parts and values.get("batch"):
            row.whole = whole_id(self._dataset, values["item"], values["warehouse"])
        looked_at = self._wants is not None and (
            held is not None or row.whole is not None or self._wants.looks(values, row.key)
        )
        if looked_at or self._things:
            row.values = values
        if not looked_at and row.columns is not None:
            row.record = None
        self._put(row, known)

    def _unusable(self, row: Row, fault: Fault) -> None:
        self.counts.bad += 1
        self.bad.append(Unusable(row.key, row.raw, fault))

    def _count(self, row: Row, held: Held | None, more: int) -> None:
        """Count the row as what it is to this holding."""
        live = held is not None and held.content is not None
        if row.deleted:
            name = "deleted" if live else "unchanged"
        elif not live:
            name = "added"
        else:
            name = "unchanged" if held is not None and held.content == row.content else "changed"
        setattr(self.counts, name, getattr(self.counts, name) + more)


def _looked(wants: Wants, keys: Sequence[str], made: Mapping[str, lineage.Column]) -> dict[int, Mapping[str, Any]]:
    """The values of those rows at which a rule will look, by place."""
    asked = {name: made[name].values for name in wants.fields if name in made}
    return {place: {name: column.values[place] for name, column in made.items()} for place in wants.places(asked, keys)}


def _tombstone_of(row: Row) -> Row:
    """The object is not for the mapping any more."""
    return Row(row.id, row.key, row.object, row.record, b"", None, 0, deleted=True)


def _without_repeats(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The same rows in pieces in which no object comes twice."""
    if len({row.id for row in rows}) == len(rows):
        yield rows
        return
    seen: set[int] = set()
    start = 0
    for n, row in enumerate(rows):
        if row.id in seen:
            yield rows[start:n]
            start, seen = n, set()
        seen.add(row.id)
    yield rows[start:]
