"""Payloads are compressed one by one with a zstd dictionary trained on their own dataset.

A dictionary is trained once `SAMPLES` records of a dataset have been landed by this process; records landed before
stay as they are, with dictionary 0. A dictionary is used from the first transaction on that finds it committed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from weakref import ref

import zstandard
from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import Transaction

from lineage import tables
from lineage.errors import Damaged

SAMPLES = 500
_TRAIN_ON = 1000
_SIZE = 16 * 1024
_LEVEL = 3
_TRUSTED_S = 600
"""Seconds after which a process looks whether its dictionary was retired; `erasure.GRACE` is longer."""


@dataclass
class _Dataset:
    dictionary: int = 0
    landed: int = 0
    next_training: int = SAMPLES
    first: int | None = None
    trained_in: ref[Transaction] | None = None
    looked_up: float = 0.0


@dataclass
class _Threads(threading.local):
    """zstd contexts must not be used by two threads at once."""

    compressors: dict[int, zstandard.ZstdCompressor] = field(default_factory=dict)
    decompressors: dict[int, zstandard.ZstdDecompressor] = field(default_factory=dict)


class Compression:
    """Compresses with the newest committed dictionary of a dataset; decompresses with the one a row names."""

    def __init__(self) -> None:
        self._datasets: dict[int, _Dataset] = {}
        self._dictionaries: dict[int, bytes] = {}
        self._threads = _Threads()

    def current(self, conn: Connection, dataset: int) -> int:
        """The dictionary to compress records of a dataset with; 0: none yet."""
        state = self._datasets.get(dataset)
        if state is None:
            state = self._datasets.setdefault(dataset, _Dataset(looked_up=monotonic()))
            state.dictionary = self._newest(conn, dataset)
        elif state.dictionary and monotonic() - state.looked_up > _TRUSTED_S:
            state.looked_up = monotonic()
            state.dictionary = self._newest(conn, dataset)
        elif state.trained_in is not None and not _is_current(conn, state.trained_in):
            state.trained_in = None
            state.dictionary = self._newest(conn, dataset)
        return state.dictionary

    def compress(self, dictionary: int, payload: bytes) -> bytes:
        compressor = self._threads.compressors.get(dictionary)
        if compressor is None:
            compressor = zstandard.ZstdCompressor(
                level=_LEVEL, dict_data=self._data(dictionary), write_checksum=False, write_dict_id=False
            )
            self._threads.compressors[dictionary] = compressor
        return compressor.compress(payload)

    def decompress(self, conn: Connection, dictionary: int, payload: bytes) -> bytes:
        """Raises Damaged."""
        decompressor = self._threads.decompressors.get(dictionary)
        if decompressor is None:
            if dictionary and dictionary not in self._dictionaries:
                self._load(conn, dictionary)
            decompressor = zstandard.ZstdDecompressor(dict_data=self._data(dictionary))
            self._threads.decompressors[dictionary] = decompressor
        try:
            return decompressor.decompress(payload)
        except zstandard.ZstdError as problem:
            raise Damaged(f"payload can't be decompressed with dictionary {dictionary}: {problem}") from problem

    def count(self, conn: Connection, dataset: int, ids: Sequence[int]) -> None:
        """Note that these new rows were landed, and train a dictionary when it is time."""
        state = self._datasets[dataset]
        if state.dictionary or not ids:
            return
        state.landed += len(ids)
        state.first = min(ids) if state.first is None else state.first
        if state.landed >= state.next_training and state.trained_in is None:
            state.next_training = state.landed * 2
            state.dictionary = self._newest(conn, dataset)
            if not state.dictionary and train(conn, self, dataset, since=state.first):
                state.trained_in = _current(conn)

    def _newest(self, conn: Connection, dataset: int) -> int:
        t = tables.dictionary.c
        current = select(t.id, t.body).where(t.dataset == dataset, t.retired_at.is_(None)).order_by(t.id.desc())
        row = conn.execute(current.limit(1)).first()
        if row is None:
            return 0
        self._dictionaries[row.id] = bytes(row.body)
        return int(row.id)

    def _load(self, conn: Connection, dictionary: int) -> None:
        body = conn.execute(select(tables.dictionary.c.body).where(tables.dictionary.c.id == dictionary)).scalar()
        if body is None:
            raise Damaged(f"dictionary {dictionary} is missing")
        self._dictionaries[dictionary] = bytes(body)

    def _data(self, dictionary: int) -> zstandard.ZstdCompressionDict | None:
        return zstandard.ZstdCompressionDict(self._dictionaries[dictionary]) if dictionary else None


def _current(conn: Connection) -> ref[Transaction] | None:
    transaction = conn.get_transaction()
    return None if transaction is None else ref(transaction)


def _is_current(conn: Connection, transaction: ref[Transaction]) -> bool:
    current = conn.get_transaction()
    return current is not None and transaction() is current


def train(conn: Connection, compression: Compression, dataset: int, *, since: int = 0) -> bool:
    """Train a dictionary on the newest records of a dataset (25 ms for 500 of 450 bytes). False: they are too few or
    too little alike."""
    t = tables.landing.c
    rows = conn.execute(
        select(t.dictionary, t.payload)
        .where(t.dataset == dataset, t.id >= since, t.payload.is_not(None))
        .order_by(t.id.desc())
        .limit(_TRAIN_ON)
    ).all()
    samples: list[bytes | bytearray | memoryview[int]] = [
        compression.decompress(conn, row.dictionary, bytes(row.payload)) for row in rows
    ]
    try:
        trained = zstandard.train_dictionary(_SIZE, samples)
    except zstandard.ZstdError:
        return False
    conn.execute(insert(tables.dictionary).values(dataset=dataset, body=trained.as_bytes(), samples=len(samples)))
    return True
