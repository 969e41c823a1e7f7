"""What a file is before it is read: its content's digest, and the encoding its text is in."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.drop_folder.client import OpenFile

CHUNK = 1 << 18
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_SURELY_UTF8 = 40
"""Bytes beyond one a character, all valid, before the first fault: no GBK text goes on so for long."""
_PAGES = (b"<html", b"<!doctype", b"<?xml", b"<table")


class Unusable(Exception):
    """This file cannot be read at all; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file was like when it was examined. `codec`: of its text, empty for a workbook."""

    digest: str
    size: int
    mtime_ns: int
    codec: str = ""

    @property
    def is_workbook(self) -> bool:
        return not self.codec


def examine(file: OpenFile, codec: str = "", chunk: int = CHUNK) -> Seal:
    """Read a file once. `codec`: of its text, where it is known; else the first that the whole file is valid in, of
    UTF-8 and GB18030. A fault behind many characters that only UTF-8 can be is a fault in UTF-8. Where it is neither,
    the one with its first fault later. Lines with faults are bad rows then.

    Raises Unusable for what is neither text nor workbook, and the errors of the folder.
    """
    size, mtime_ns = file.opened
    digest = hashlib.blake2b(digest_size=8)
    told = Decoding(codec)
    for data in _chunks(file, chunk):
        digest.update(data)
        told.take(data)
    found = told.result()
    if found is None:
        found = _later_fault(file, told, chunk)
    return Seal(digest.hexdigest(), size, mtime_ns, found)


class Decoding:
    """Follows a file's bytes and says what they are encoded in. `valid`: so many bytes were valid UTF-8, and `beyond` of
    them were more than one a character."""

    def __init__(self, codec: str) -> None:
        self._given = codec
        self._strict = codecs.getincrementaldecoder("utf-8")()
        self._begun = False
        self.is_workbook = False
        self.valid = 0
        self.beyond = 0
        self.broken = False

    def take(self, data: bytes) -> None:
        """The next bytes. Raises Unusable."""
        if not self._begun:
            self._begun = True
            self._first(data)
        if self.is_workbook or self._given or self.broken:
            return
        try:
            text = self._strict.decode(data)
            self.valid += len(data)
        except UnicodeDecodeError as error:
            self.broken = True
            self.valid += error.start
            data = data[: error.start]
            text = data.decode("utf-8", "ignore")
        self.beyond += len(data) - len(text)

    def _first(self, data: bytes) -> None:
        self.is_workbook = data.startswith(_WORKBOOKS)
        if data.startswith(codecs.BOM_UTF8) and not self._given:
            self._given = "utf-8"
        if data.startswith(_UTF16) and not self._given:
            self._given = "utf-16"
        head = data[:64].lstrip(codecs.BOM_UTF8).lstrip().lower()
        if head.startswith(_PAGES):
            raise Unusable("it is a web page or XML, not a table; have it exported as CSV or as a workbook (.xlsx)")
        if not self.is_workbook and self._given != "utf-16" and b"\0" in data[:4096]:
            raise Unusable("it is neither text nor a workbook: it holds zero bytes")

    def result(self) -> str | None:
        """The codec, "" for a workbook, None while it is not UTF-8 and nothing else was tried."""
        if self.is_workbook:
            return ""
        if not self.broken and not self._given:
            try:
                self._strict.decode(b"", final=True)
            except UnicodeDecodeError:
                self.broken = True
        if self._given:
            return self._given
        return None if self.broken and self.beyond < _SURELY_UTF8 else "utf-8"


def _later_fault(file: OpenFile, told: Decoding, chunk: int) -> str:
    strict, valid = codecs.getincrementaldecoder("gb18030")(), 0
    for data in _chunks(file, chunk):
        try:
            strict.decode(data)
        except UnicodeDecodeError as error:
            valid += error.start
            return "utf-8" if told.valid >= valid else "gb18030"
        valid += len(data)
    return "gb18030"


def _chunks(file: OpenFile, size: int) -> Iterator[bytes]:
    file.seek(0)
    while data := file.read(size):
        yield data
