"""Landing: every version of every source record that fed something, stored once, by content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, update

from lineage import cold, tables
from lineage.blocks import Block, dataset_name, is_row, place_of, read_blocks
from lineage.codec import Gone, decode, encode
from lineage.errors import Damaged, UnstorableValue
from lineage.reading import any_of, rows
from lineage.state import state_of

_OBJECT = 8
_CHUNK = 500  # SQLite bounds the variables of a statement


class SourceRead(NamedTuple):
    """One record as a source gave it. `dataset` names where ("am-main/alert"), `key` the object there. `payload` is the
    record, or its JSON as bytes (numbers with a point or an exponent are then `Decimal`s). `shared`: the object feeds
    more than one record (a customer, an article), so that its readers are indexed."""

    dataset: str
    key: str
    payload: Mapping[str, Any] | bytes
    read_at: int
    shared: bool = False


class Landed(NamedTuple):
    """A landing row, decoded. `record` is Gone when the whole payload was erased, and holds Gone where a part was;
    `problem` says why it can't be read (`record` is None then); `pruned_at`: since when retention has left its skeleton
    only."""

    id: int
    dataset: str
    key: str
    read_at: int
    run: int | None
    erased_at: int | None
    record: Any
    problem: str = ""
    pruned_at: int | None = None


def object_prefix(dataset: str, key: str) -> bytes:
    """The first bytes of the address of every version of an object. Raises UnstorableValue for a key that can't
    be kept."""
    try:
        text = f"{dataset}\0{key}".encode()
    except UnicodeEncodeError as error:
        raise UnstorableValue("key", key, "it has half a character in it") from error
    if "\0" in key:
        raise UnstorableValue("key", key, "it has a NUL in it")
    return blake2b(text, digest_size=_OBJECT).digest()


def object_prefixes(dataset: str, keys: Sequence[str]) -> list[bytes]:
    """The same for many objects of one dataset."""
    together = "\n".join(keys)
    try:
        names = together.encode().split(b"\n")
    except UnicodeEncodeError:
        names = []
    if len(names) != len(keys) or "\0" in together:  # half a character, a line feed in a key, a NUL
        return [object_prefix(dataset, key) for key in keys]
    begun = blake2b(f"{dataset}\0".encode(), digest_size=_OBJECT)
    found = []
    for name in names:
        of = begun.copy()  # costs less than a new one
        of.update(name)
        found.append(of.digest())
    return found


def land(conn: Connection, reads: Sequence[SourceRead], *, run: int | None = None) -> list[int]:
    """Store source records by content; returns the landing id of each, in order.

    The same content of the same object has the same id, however often and by whomever it is landed, until it is sealed;
    its `read_at` is that of the first time. Two statements a call (a third when something was known before).
    Raises UnstorableValue for a payload that has no JSON form.
    """
    if not reads:
        return []
    state = state_of(conn)
    datasets = state.dataset_ids(conn, {read.dataset for read in reads})
    dictionaries = {i: state.compression.current(conn, i) for i in datasets.values()}
    addresses = []
    versions: dict[bytes, tuple[Any, ...]] = {}
    compress = state.compression.compress
    for read in reads:
        payload = read.payload if isinstance(read.payload, bytes) else encode(read.payload)
        address = object_prefix(read.dataset, read.key) + blake2b(payload, digest_size=16).digest()
        addresses.append(address)
        if address not in versions:
            dataset = datasets[read.dataset]
            dictionary = dictionaries[dataset]
            versions[address] = (
                address, read.read_at, run, dataset, dictionary, read.shared, read.key, compress(dictionary, payload)
            )  # fmt: skip
    ordered = [versions[address] for address in sorted(versions)]
    known, new = _insert(conn, ordered)
    ids = new | {address: i for address, (i, _) in known.items()}
    _share(conn, [i for address, (i, shared) in known.items() if versions[address][5] and not shared])
    landed = state.landed(conn)
    for row in ordered:
        landed[ids[row[0]]] = row[5]
    for dataset in dictionaries:
        state.compression.count(conn, dataset, [i for address, i in new.items() if versions[address][3] == dataset])
    return [ids[address] for address in addresses]


def _insert(conn: Connection, rows: list[tuple[Any, ...]]) -> tuple[dict[bytes, tuple[int, bool]], dict[bytes, int]]:
    """(id, shared) of the addresses that were there, id of those that are new. Sorted: two gateways never deadlock."""
    addresses = [row[0] for row in rows]
    if conn.dialect.name == "postgresql":
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        new = {bytes(address): i for i, address in conn.exec_driver_sql(_INSERT_POSTGRESQL, columns).all()}
        known = _find(conn, [address for address in addresses if address not in new])
    else:
        known = _find(conn, addresses)
        missing = [row for row in rows if row[0] not in known]
        if missing:
            conn.exec_driver_sql(_INSERT_SQLITE, missing)
        new = {address: i for address, (i, _) in _find(conn, [row[0] for row in missing]).items()}
    return known, new


def _find(conn: Connection, addresses: list[bytes]) -> dict[bytes, tuple[int, bool]]:
    found: dict[bytes, tuple[int, bool]] = {}
    for start in range(0, len(addresses), _CHUNK):
        chunk = addresses[start : start + _CHUNK]
        if conn.dialect.name == "postgresql":
            known = conn.exec_driver_sql(_FIND_POSTGRESQL, (chunk,))
        else:
            known = conn.exec_driver_sql(_FIND_SQLITE.format(", ".join("?" * len(chunk))), tuple(chunk))
        found |= {bytes(address): (i, bool(shared)) for i, address, shared in known}
    return found


def _share(conn: Connection, ids: list[int]) -> None:
    if ids:
        conn.execute(update(tables.landing).where(tables.landing.c.id.in_(ids)).values(shared=True))


_COLUMNS = "address, read_at, run, dataset, dictionary, shared, key, payload"
_INSERT_SQLITE = f"""
    INSERT INTO lineage_landing ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO NOTHING
"""  # noqa: S608
_INSERT_POSTGRESQL = f"""
    INSERT INTO lineage_landing ({_COLUMNS})
    SELECT * FROM unnest(
        %b::bytea[], %b::bigint[], %b::bigint[], %b::int[], %b::int[], %b::boolean[], %b::text[], %b::bytea[]
    )
    ON CONFLICT (address) DO NOTHING
    RETURNING id, address
"""  # noqa: S608

_FIND_SQLITE = "SELECT id, address, shared FROM lineage_landing WHERE address IN ({})"
_FIND_POSTGRESQL = "SELECT id, address, shared FROM lineage_landing WHERE address = ANY(%b::bytea[])"


class LandingRow(NamedTuple):
    """A row as it is stored."""

    id: int
    dataset: int
    key: str
    read_at: int
    run: int | None
    erased_at: int | None
    dictionary: int
    payload: bytes | None


def fetch(conn: Connection, ids: Sequence[int]) -> dict[int, Landed]:
    """The landing rows, and rows of blocks, with these ids, decoded; ids that don't exist are left out."""
    alone, of_blocks = [i for i in ids if not is_row(i)], [i for i in ids if is_row(i)]
    found: list[LandingRow] = []
    for start in range(0, len(alone), _CHUNK):
        among, parameters = any_of(conn, alone[start : start + _CHUNK])
        statement = f"SELECT {', '.join(LandingRow._fields)} FROM lineage_landing WHERE id {among}"  # noqa: S608
        found += map(LandingRow._make, rows(conn, statement, parameters))
    landed = {row.id: unpack(conn, row) for row in found}
    if len(landed) < len(set(alone)):
        landed |= fetch_sealed(conn, [i for i in alone if i not in landed])
    return landed | fetch_rows(conn, of_blocks) if of_blocks else landed


def fetch_sealed(conn: Connection, ids: Sequence[int]) -> dict[int, Landed]:
    """Landing rows that lie in segments, decoded; ids that don't exist are left out."""
    found, problems = cold.find_all(conn, "landing", ids)
    names = state_of(conn).datasets.keys(conn, {of.row[5] for of in found.values()})
    landed = {i: Landed(i, "", "", 0, None, None, None, problem) for i, problem in problems.items()}
    for i, ((_, _, read_at, run, erased_at, dataset, _, key, text), pruned_at) in found.items():
        record = Gone() if text is None else decode(text)
        pruned_at = pruned_at if erased_at is None else None
        landed[i] = Landed(i, names.get(dataset, ""), key, read_at, run, erased_at or pruned_at, record, "", pruned_at)
    return landed


def fetch_rows(conn: Connection, ids: Sequence[int]) -> dict[int, Landed]:
    """Rows of blocks, decoded; ids that don't exist are left out."""
    state = state_of(conn)
    places = {i: place_of(i) for i in ids}
    blocks: dict[int, Block] = {}
    problems: dict[int, str] = {}
    for number in sorted({block for block, _ in places.values()}):
        try:
            blocks |= read_blocks(conn, [number])
        except Damaged as error:
            problems[number] = str(error)
    landed = {}
    for i, (number, place) in places.items():
        block = blocks.get(number)
        if block is not None and place < len(block.records):
            name = dataset_name(conn, state, block.dataset)
            landed[i] = Landed(
                i, name, block.keys[place], block.read_at, block.run, block.erased_at, block.records[place],
                pruned_at=block.pruned_at,
            )  # fmt: skip
        elif number in problems:
            landed[i] = Landed(i, "", "", 0, None, None, None, problems[number])
    return landed


def unpack(conn: Connection, row: LandingRow) -> Landed:
    """A row of `lineage_landing`, decoded."""
    state = state_of(conn)
    record: Any = Gone()
    problem = ""
    if row.payload is not None:
        try:
            record = decode(state.compression.decompress(conn, row.dictionary, bytes(row.payload)))
        except Damaged as error:
            record, problem = None, f"source record {row.id} can't be read: {error}"
    dataset = state.datasets.keys(conn, (row.dataset,)).get(row.dataset, f"(unnamed {row.dataset})")
    return Landed(row.id, dataset, row.key, row.read_at, row.run, row.erased_at, record, problem)
