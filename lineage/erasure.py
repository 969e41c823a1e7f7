"""Erasure: a payload, or parts of it, goes for good; the skeleton (which object, read when, feeding what) stays.

The content's hash goes too, so that nobody can check a guess against it; the same content, should its source send it
again, is a new row. A trained dictionary holds fragments of the records it was trained on: `erase` names those that
hold a text it erased, and `rebuild` replaces them.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, update

from lineage import cold, tables
from lineage.blocks import holding, is_row, place_of, read_blocks, replace_rows
from lineage.codec import Gone, decode, encode
from lineage.compression import Compression, train
from lineage.landing import fetch, object_prefix
from lineage.replay import at_path
from lineage.sealing import thaw
from lineage.state import state_of
from lineage.walk import parse_field
from mappings import Path

GRACE = 3_600_000_000
"""Microseconds that a retired dictionary is kept for processes that still compress with it."""
_REVEALING = 8  # bytes; shorter texts in a dictionary say nothing about anyone


class Erasure(NamedTuple):
    """What was erased: how many rows, and the dictionaries that may hold fragments of it (see `rebuild`)."""

    rows: int
    dictionaries: tuple[int, ...] = ()


class Rebuilt(NamedTuple):
    """One slice of work: rows compressed anew, the id of the last one (None: no more), and whether the old dictionary
    is gone."""

    moved: int
    last: int | None
    deleted: bool


def versions(conn: Connection, dataset: str, key: str) -> list[int]:
    """The landing ids of every version of an object, oldest first, those in blocks last. Reads every segment through."""
    t = tables.landing.c
    low = object_prefix(dataset, key)
    found = conn.execute(
        select(t.id).where(t.address >= low, t.address <= low + b"\xff" * 16, t.key == key).order_by(t.id)
    )
    number = state_of(conn).datasets.existing(conn, dataset)
    sealed = [row[0] for _, row in cold.scan(conn, "landing") if row[5] == number and row[7] == key]
    return [*sealed, *found.scalars(), *holding(conn, dataset, low, key)]


def erase(
    conn: Connection, landings: Sequence[int], now: int, *, fields: Sequence[str] = (), secret: bytes = b""
) -> Erasure:
    """Erase the payloads of these rows, or only the given fields (`labels.owner`) of them.

    With a `secret` each erased field leaves a token (HMAC-SHA-256 of its value), equal for equal values, so that what
    belonged together still does. Erasing again is harmless. What was sealed comes back for it, and the file it lay in
    goes with the transaction's commit.
    """
    paths = [parse_field(name) for name in fields]
    texts: set[bytes] = set()
    datasets: set[str] = set()
    thaw(conn, "landing", [i for i in landings if not is_row(i)])
    thaw(conn, "block", [place_of(i)[0] for i in landings if is_row(i)])
    landed = fetch(conn, landings)
    of_blocks: dict[int, dict[int, Any]] = {}
    for row in landed.values():
        datasets.add(row.dataset)
        record = row.record
        for path in paths or [()]:
            texts.update(_texts(at_path(record, path)))
            record = _without(record, path, secret)
        if is_row(row.id):
            block, place = place_of(row.id)
            of_blocks.setdefault(block, {})[place] = record if paths else Gone()
        else:
            _replace(conn, row.id, row.dataset, row.key, record if paths and not row.problem else None, now)
    for whole in read_blocks(conn, of_blocks).values():
        replace_rows(conn, whole, of_blocks[whole.id], now)
    return Erasure(len(landed), _holding(conn, datasets, texts))


def erase_facts(conn: Connection, rec: int, *, names: Sequence[str] = (), secret: bytes = b"") -> Erasure:
    """Erase the values of a record's facts, in all its writes; all of them, or those of these names."""
    thaw(conn, "prov", [rec])
    t = tables.prov.c
    rows = conn.execute(select(t.seq, t.facts).where(t.rec == rec, t.facts.is_not(None))).all()
    for row in rows:
        facts = decode(row.facts)
        for name, fact in facts.items():
            if not names or name in names:
                fact["value"] = _gone(fact["value"], secret)
        conn.execute(update(tables.prov).where(t.rec == rec, t.seq == row.seq).values(facts=encode(facts).decode()))
    return Erasure(len(rows))


def rebuild(conn: Connection, dictionary: int, now: int, *, after: int = 0, limit: int = 2000) -> Rebuilt:
    """Replace a dictionary by one trained on what is there now. Call it, each time in a transaction of its own and with
    the `last` of the call before as `after`, until `last` is None; and once more an hour later, until it is
    `deleted`."""
    d, t = tables.dictionary.c, tables.landing.c
    old = conn.execute(select(d.dataset, d.retired_at).where(d.id == dictionary)).first()
    if old is None:
        return Rebuilt(0, None, deleted=True)
    compression = Compression()
    if old.retired_at is None:
        conn.execute(update(tables.dictionary).where(d.id == dictionary).values(retired_at=now))
        train(conn, compression, old.dataset)
    current = compression.current(conn, old.dataset)
    rows = conn.execute(
        select(t.id, t.payload)
        .where(t.dataset == old.dataset, t.dictionary == dictionary, t.id > after)
        .order_by(t.id)
        .limit(limit)
    ).all()
    for row in rows:
        values: dict[str, Any] = {"dictionary": current}
        if row.payload is not None:
            plain = compression.decompress(conn, dictionary, bytes(row.payload))
            values["payload"] = compression.compress(current, plain)
        conn.execute(update(tables.landing).where(t.id == row.id).values(values))
    if rows:
        return Rebuilt(len(rows), rows[-1].id, deleted=False)
    in_use = conn.execute(select(t.id).where(t.dataset == old.dataset, t.dictionary == dictionary).limit(1)).first()
    over = in_use is None and old.retired_at is not None and now - old.retired_at >= GRACE
    if over:
        conn.execute(delete(tables.dictionary).where(d.id == dictionary))
    return Rebuilt(0, None, deleted=over)


def _replace(conn: Connection, row: int, dataset: str, key: str, record: Any, now: int) -> None:
    compression = state_of(conn).compression
    values: dict[str, Any] = {
        "erased_at": now,
        "address": object_prefix(dataset, key) + secrets.token_bytes(16),
        "dictionary": 0,
        "payload": None if record is None else compression.compress(0, encode(record)),
    }
    conn.execute(update(tables.landing).where(tables.landing.c.id == row).values(values))


def _gone(value: Any, secret: bytes) -> Gone:
    if isinstance(value, Gone):
        return value
    return Gone(hmac.new(secret, encode(value), sha256).hexdigest()[:32] if secret else "")


def _without(value: Any, path: Path, secret: bytes) -> Any:
    """A copy with the part at a path erased; the same value where the path leads nowhere."""
    if not path:
        return _gone(value, secret)
    key, *rest = path
    if isinstance(value, dict) and key in value:
        return {**value, key: _without(value[key], tuple(rest), secret)}
    if isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
        copy = value.copy()
        copy[key] = _without(value[key], tuple(rest), secret)
        return copy
    return value


def _texts(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, Gone):
        text = str(value).encode("utf-8", "surrogatepass")
        if len(text) >= _REVEALING:
            yield text


def _holding(conn: Connection, datasets: set[str], texts: set[bytes]) -> tuple[int, ...]:
    """The dictionaries of these datasets in which one of these texts stands."""
    if not texts:
        return ()
    ids = state_of(conn).dataset_ids(conn, datasets).values()
    d = tables.dictionary.c
    rows = conn.execute(select(d.id, d.body).where(d.dataset.in_(ids)).order_by(d.id)).all()
    return tuple(row.id for row in rows if any(text in bytes(row.body) for text in texts))
