"""The rows of a text file, one by one, each with where it begins and ends; a row that can't be read takes only itself."""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from connectors.drop_folder.examine import CHUNK, Unusable

DELIMITERS = {"tab": "\t"}
_CANDIDATES = (",", ";", "\t", "|")


class Source(Protocol):
    """Bytes that can be read from any place."""

    def read(self, size: int) -> bytes: ...
    def seek(self, offset: int) -> Any: ...


class BadLine(Exception):
    """This line can't be read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to read on: behind so many bytes, rows and lines."""

    offset: int = 0
    row: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row, counted as a spreadsheet would, from 1. `problem`: why it can't be read. `end`: behind it."""

    number: int
    line: int
    cells: tuple[Any, ...]
    problem: str
    end: Place


class Lines(Iterator[str]):
    """The decoded lines of a text with their ends. After `mark`, at most `limit` bytes may be asked for."""

    def __init__(self, source: Source, codec: str, limit: int, chunk: int = CHUNK) -> None:
        self._source = source
        self._codec = codec
        self._limit = limit
        self._chunk = chunk
        self.go_to(0, 0)

    def go_to(self, offset: int, number: int) -> None:
        self._source.seek(offset)
        self.offset, self.number = offset, number
        self._ready: deque[bytes] = deque()
        self._rest = b""
        self.mark()

    def mark(self) -> None:
        """A row begins here."""
        self.marked = self.offset
        self.first_end: tuple[int, int] | None = None

    def __next__(self) -> str:
        line = self._line()
        self.number += 1
        self.offset += len(line)
        if self.first_end is None:
            self.first_end = (self.offset, self.number)
        if self.offset - self.marked > self._limit:
            raise BadLine(f"longer than {self._limit:,} bytes (a quotation mark that is never closed?)")
        start = 3 if self.offset == len(line) and line.startswith(b"\xef\xbb\xbf") else 0
        try:
            return line[start:].decode(self._codec)
        except UnicodeDecodeError as error:
            raise BadLine(f"not {self._codec.upper()} at byte {error.start + 1} of line {self.number}") from None

    def _line(self) -> bytes:
        while not self._ready:
            data = self._source.read(self._chunk)
            if not data:
                if not self._rest:
                    raise StopIteration
                last, self._rest = self._rest, b""
                return last
            if len(self._rest) > self._limit:
                data = self._skip_to_newline(data)
            whole = self._rest + data
            lines = whole.splitlines(keepends=True)  # of bytes: at \n, \r and \r\n only
            self._rest = b"" if whole.endswith(b"\n") else lines.pop()
            self._ready.extend(lines)
        return self._ready.popleft()

    def _skip_to_newline(self, data: bytes) -> bytes:
        """Of a line that is too long already, only the count of bytes is kept."""
        while data and b"\n" not in data and b"\r" not in data:
            self.offset += len(data)
            data = self._source.read(self._chunk)
        return data


class TextRows:
    """The rows of a text file. `delimiter` "": found in its first line."""

    def __init__(self, source: Source, codec: str, delimiter: str, quote: str, limit: int, chunk: int = CHUNK) -> None:
        self._lines = Lines(source, codec, limit, chunk)
        self._delimiter = delimiter
        self._quote = quote
        self._row = 0

    def from_(self, place: Place) -> Iterator[Row]:
        """All rows behind a place, empty ones left out."""
        if not self._delimiter:
            self._delimiter = self._found_delimiter()
        self._lines.go_to(place.offset, place.line)
        self._row = place.row
        reader = self._reader()
        while True:
            self._lines.mark()
            began = self._lines.number + 1
            cells: list[str] = []
            problem = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, BadLine) as error:
                problem = str(error)
                if self._lines.first_end is not None:
                    self._lines.go_to(*self._lines.first_end)
                reader = self._reader()
            self._row += 1
            if problem or cells:
                end = Place(self._lines.offset, self._row, self._lines.number)
                yield Row(self._row, began, tuple(cells), problem, end)

    def _reader(self) -> Iterator[list[str]]:
        if self._quote == "none":
            return csv.reader(self._lines, delimiter=self._delimiter, quoting=csv.QUOTE_NONE)
        return csv.reader(self._lines, delimiter=self._delimiter, quotechar=self._quote, strict=True)

    def _found_delimiter(self) -> str:
        """That which stands most often outside quotes in the first line that has text."""
        self._lines.go_to(0, 0)
        try:
            line = next((line for line in self._lines if line.strip()), "")
        except BadLine as error:
            raise Unusable(f"its first line can't be read: {error}") from None
        bare = "".join(line.split(self._quote)[::2]) if self._quote != "none" else line
        counts = {each: bare.count(each) for each in _CANDIDATES}
        return max(_CANDIDATES, key=lambda each: counts[each])


def as_utf8(source: Source, codec: str, into: BinaryIO) -> None:
    """The same text in UTF-8, so that lines end where a byte says so. Raises Unusable."""
    decoder = codecs.getincrementaldecoder(codec)()
    source.seek(0)
    try:
        while data := source.read(CHUNK):
            into.write(decoder.decode(data).encode("utf-8"))
        into.write(decoder.decode(b"", final=True).encode("utf-8"))
    except UnicodeError as error:
        raise Unusable(f"it is not {codec.upper()}: {error}") from None
