"""Which objects a whole reading had, so that those it had not are known to be gone: eight bytes for each."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.sync import store

_BUCKETS, _SHIFT = 32, 59
"""By their upper bits, so that no more than one part of them is ever compared at once."""


class Presence:
    """What was seen in one whole reading. `blind`: something was read of which not even the key is known, so that nothing
    can be called absent."""

    def __init__(self) -> None:
        self._seen = [array("q") for _ in range(_BUCKETS)]
        self.blind = False

    def saw(self, numbers: Sequence[int]) -> None:
        seen = self._seen
        for number in numbers:
            seen[number >> _SHIFT].append(number)

    def saw_one(self, number: int) -> None:
        self._seen[number >> _SHIFT].append(number)

    def packed(self) -> dict[int, bytes]:
        """What was seen, by bucket, to be kept until the other parts of the stream were read."""
        return {bucket: seen.tobytes() for bucket, seen in enumerate(self._seen) if seen}

    def add(self, bucket: int, packed: bytes) -> None:
        """What another part of the same reading saw."""
        self._seen[bucket].frombytes(packed)

    def absent(self, conn: Connection, stream: int) -> list[int]:
        """The numbers of live rows of a stream that were not seen."""
        return [i for n in range(_BUCKETS) for i in self._absent_in(conn, stream, n)]

    def _absent_in(self, conn: Connection, stream: int, bucket: int) -> set[int]:
        first = bucket - _BUCKETS if bucket >= _BUCKETS // 2 else bucket  # negative numbers have the upper buckets
        low = first << _SHIFT
        return store.ids_between(conn, stream, low, low + (1 << _SHIFT) - 1) - set(self._seen[bucket])
