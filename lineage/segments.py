"""A segment: rows that no longer change, sorted by a number, in one immutable file named by the SHA-256 of its content.

    "WEFTSEG1"  frame*  index  length of the index (8 bytes, big endian)  "WEFTSEG1"

A frame is the zstd of some hundred lines, each the JSON of a row whose first item is the number it is found by. The index
is the zstd of JSON: the kind of rows, how many, and of each frame the first and last number, place and length. Whoever
looks for a number reads the index (kept in memory) and one frame.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import zstandard

from lineage.errors import Damaged

Row = list[Any]

_MAGIC = b"WEFTSEG1"
_FRAME = 128 * 1024  # bytes of lines: enough to compress well, few enough to read one row in a millisecond
_LEVEL = 9
_LARGEST = 1 << 30  # a frame says how large it becomes; more than this is damage


class Written(NamedTuple):
    """A segment that lies on disk."""

    name: str
    rows: int
    size: int


class Index(NamedTuple):
    """What a segment says of itself; `frames`: (first number, last number, place, length)."""

    kind: str
    rows: int
    frames: tuple[tuple[int, int, int, int], ...]
    lasts: tuple[int, ...]


def path_of(folder: Path, name: str) -> Path:
    """Where the segment of this name lies."""
    return folder / f"{name}.segment"


def write(folder: Path, kind: str, rows: Iterable[Row]) -> Written:
    """Write rows, sorted by their first item, and see that they are on disk. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    compress = zstandard.ZstdCompressor(level=_LEVEL).compress
    digest, frames, count, place = sha256(_MAGIC), [], 0, len(_MAGIC)
    handle, temporary = tempfile.mkstemp(prefix=".segment-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC)

            def put(part: bytes) -> None:
                file.write(part)
                digest.update(part)

            for first, last, lines in _framed(rows):
                frame = compress(b"\n".join(lines))
                put(frame)
                frames.append((first, last, place, len(frame)))
                place += len(frame)
                count += len(lines)
            index = compress(orjson.dumps({"kind": kind, "count": count, "frames": frames}))
            put(index + len(index).to_bytes(8, "big") + _MAGIC)
            file.flush()
            os.fsync(file.fileno())
        name = digest.hexdigest()
        os.chmod(temporary, 0o640)
        os.replace(temporary, path_of(folder, name))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(folder)
    return Written(name, count, place + len(index) + 8 + len(_MAGIC))


def _framed(rows: Iterable[Row]) -> Iterator[tuple[int, int, list[bytes]]]:
    """Rows of one number stay together, so that a look-up reads one frame."""
    lines: list[bytes] = []
    size, first, last = 0, 0, 0
    for row in rows:
        if lines and size >= _FRAME and row[0] != last:
            yield first, last, lines
            lines, size = [], 0
        if not lines:
            first = row[0]
        last = row[0]
        lines.append(orjson.dumps(row))
        size += len(lines[-1])
    if lines:
        yield first, last, lines


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def find(folder: Path, name: str, number: int) -> list[Row]:
    """The rows of a number, in their order. Raises Damaged when the segment is not there or can't be read."""
    index = index_of(folder, name)
    at = bisect_left(index.lasts, number)
    if at == len(index.frames) or index.frames[at][0] > number:
        return []
    begins = b"[%d," % number
    return [orjson.loads(line) for line in _frame(folder, name, *index.frames[at][2:]) if line.startswith(begins)]


def rows(folder: Path, name: str) -> Iterator[Row]:
    """Every row, in order. Raises Damaged."""
    for _, _, place, length in index_of(folder, name).frames:
        yield from map(orjson.loads, _frame(folder, name, place, length))


def check(folder: Path, name: str) -> None:
    """Compare the content with the name. Raises Damaged."""
    digest = sha256()
    try:
        with path_of(folder, name).open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except OSError as error:
        raise Damaged(f"segment {name} can't be read: {error}") from error
    if digest.hexdigest() != name:
        raise Damaged(f"segment {name} has another content than it was sealed with: restore the file from a backup")


@lru_cache(maxsize=4096)
def index_of(folder: Path, name: str) -> Index:
    """The index of a segment; a content is known by its name, so what was read once stays true. Raises Damaged."""
    try:
        with path_of(folder, name).open("rb") as file:
            file.seek(-8 - len(_MAGIC), os.SEEK_END)
            tail = file.read()
            length = int.from_bytes(tail[:8], "big")
            file.seek(-8 - len(_MAGIC) - length, os.SEEK_END)
            packed = file.read(length)
        if tail[8:] != _MAGIC:
            raise ValueError("it does not end as a segment does")
        told = orjson.loads(zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LARGEST))
        frames = tuple((first, last, place, size) for first, last, place, size in told["frames"])
        return Index(told["kind"], told["count"], frames, tuple(frame[1] for frame in frames))
    except (OSError, ValueError, KeyError, TypeError, zstandard.ZstdError) as error:
        raise Damaged(f"segment {name} can't be read: {error}; restore the file from a backup") from error


@lru_cache(maxsize=64)
def _frame(folder: Path, name: str, place: int, length: int) -> tuple[bytes, ...]:
    try:
        with path_of(folder, name).open("rb") as file:
            file.seek(place)
            packed = file.read(length)
        return tuple(zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LARGEST).split(b"\n"))
    except (OSError, ValueError, zstandard.ZstdError) as error:
        raise Damaged(f"segment {name} can't be read: {error}; restore the file from a backup") from error


def forget(folder: Path, name: str) -> None:
    """Remove a segment's file."""
    index_of.cache_clear()
    _frame.cache_clear()
    path_of(folder, name).unlink(missing_ok=True)
