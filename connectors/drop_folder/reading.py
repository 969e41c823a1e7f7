"""A stream read out of its files: each once, the oldest first, and on from the very row where it was left."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

from connectors.contract import Batch, Cursor, Record
from connectors.drop_folder.arrivals import arrivals
from connectors.drop_folder.client import Folder, Found, OpenFile
from connectors.drop_folder.examine import CHUNK, Seal, Unusable, examine
from connectors.drop_folder.form import EXCEL_SUFFIXES, FileStream, Section
from connectors.drop_folder.lines import DELIMITERS, Place, Row, Source, TextRows, as_utf8
from connectors.drop_folder.progress import Progress
from connectors.drop_folder.table import Table
from connectors.drop_folder.workbook import workbook_rows
from connectors.errors import BadRecord, ConfigProblem, Transient


@dataclass(frozen=True, slots=True)
class Bounds:
    """`batch_rows`: rows of a batch. `timeout_s`: longest silence of a workbook's reader. `chunk`: bytes of one call."""

    batch_rows: int
    timeout_s: float
    chunk: int = CHUNK


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows. `bad_so_far`: unusable ones of the file until here. `last`: the file ends here."""

    records: list[Record]
    bad: list[BadRecord]
    end: Place
    bad_so_far: int
    last: bool


class FileReader:
    """Reads one stream. `now_ns`: the hub's clock; `alone`: whether no other stream takes a file of this name."""

    def __init__(
        self,
        folder: Folder,
        section: Section,
        form: FileStream,
        bounds: Bounds,
        now_ns: Callable[[], int],
        alone: Callable[[str], bool],
    ) -> None:
        self._folder = folder
        self._section = section
        self._form = form
        self._bounds = bounds
        self._now_ns = now_ns
        self._alone = alone

    # -- every file once ----------------------------------------------------------------------------------------------

    def incremental(self, cursor: Cursor) -> Iterator[Batch]:
        """What is in files that were not read yet. A file that changed is read again from its beginning."""
        progress = Progress.load(cursor, _digest_of(self._form))
        entries = self._folder.entries()
        look = arrivals(self._folder, entries, self._form, self._section.complete, self._now_ns())
        kept = self._archived(look.ready, progress)
        progress = progress.without_gone({each.name for each in entries} - ({e.name for e in look.ready} - kept))
        for name, why in look.refused.items():
            found = next(each for each in entries if each.name == name)
            if not progress.knows(found):
                progress = progress.finished(name, Seal("", found.size, found.mtime_ns), refused=True)
                yield Batch((), progress.dump(), [_refusal(name, why)])
        for found in look.ready:
            if found.name in kept and not progress.knows(found):
                progress = yield from self._one_file(found, progress)

    def _one_file(self, found: Found, progress: Progress) -> Generator[Batch, None, Progress]:
        with self._folder.open(found.name) as file:
            if file is None or file.opened != (found.size, found.mtime_ns):
                return progress  # taken away or changed meanwhile: another time
            seal = Seal("", found.size, found.mtime_ns)
            try:
                seal = self._examined(file)
                if progress.repeats(found.name, seal):
                    progress = progress.finished(found.name, seal)
                    yield Batch((), progress.dump())
                    return progress
                for page in self._pages(file, seal, *progress.place_in(found.name, seal)):
                    _unchanged(file, seal)
                    if page.last:
                        progress = progress.finished(found.name, seal)
                    else:
                        progress = progress.in_the_middle(found.name, seal, page.end, page.bad_so_far)
                    yield Batch(page.records, progress.dump(), page.bad)
            except Unusable as why:
                progress = progress.finished(found.name, seal, refused=True)
                yield Batch((), progress.dump(), [_refusal(found.name, str(why))])
        return progress

    def _archived(self, ready: tuple[Found, ...], progress: Progress) -> set[str]:
        """Move away what the given cursor says was read whole; the names that stay."""
        to = self._section.archive_to
        kept: set[str] = set()
        for found in ready:
            done = progress.done.get(found.name)
            if to and done is not None and not done.refused and progress.knows(found) and self._alone(found.name):
                self._folder.move(found.name, to)
            else:
                kept.add(found.name)
        return kept

    # -- the newest file is everything --------------------------------------------------------------------------------

    def snapshot(self) -> Iterator[Batch]:
        """The newest complete file. Raises Transient when there is none: nothing to read is not "all deleted";
        ConfigProblem when it can't be read."""
        entries = self._folder.entries()
        look = arrivals(self._folder, entries, self._form, self._section.complete, self._now_ns())
        if not look.ready:
            waits = "".join(f"; {name}: {why}" for name, why in [*look.waiting.items(), *look.refused.items()][:3])
            raise Transient(f"no complete file {self._form.files!r} is in {self._folder.path}{waits}")
        found = look.ready[-1]
        with self._folder.open(found.name) as file:
            if file is None:
                raise Transient(f"{found.name} was taken away; the next run reads what is there then")
            try:
                seal = self._examined(file)
                for page in self._pages(file, seal, Place(), 0):
                    _unchanged(file, seal)
                    yield Batch(page.records, bad=page.bad)
            except Unusable as why:
                raise ConfigProblem(
                    f"{found.name}: {why}", hint="put a good file into the folder; nothing is deleted until then"
                ) from None

    # -- one file -----------------------------------------------------------------------------------------------------

    def _examined(self, file: OpenFile) -> Seal:
        limit = self._section.max_workbook_bytes
        size = file.state()[0]
        seal = examine(file, self._form.codec)
        if seal.is_workbook and size > limit:
            raise Unusable(
                f"a workbook of {size:,} bytes; {limit:,} are allowed (max_workbook_bytes). CSV may be larger"
            )
        if not size:
            raise Unusable("it is empty")
        if not seal.is_workbook and file.name.lower().endswith(EXCEL_SUFFIXES[:3]):
            raise Unusable("it is named like a workbook, but it is none")
        return seal

    def _pages(self, file: OpenFile, seal: Seal, start: Place, bad_so_far: int) -> Iterator[Page]:
        with ExitStack() as held:
            if seal.is_workbook:
                rows = self._workbook(file, start.row)
                held.callback(rows.close)
                header, rest = _header_of(rows, self._form)
            else:
                text = self._text(file, seal, held)
                header, rest = _header_of(text.from_(Place()), self._form)
                behind = start if start.row else header[-1].end if header else Place()
                rest = text.from_(behind)
            table = Table(self._form, self._section.zone, file.name, header)
            yield from self._cut(rest, table, start, bad_so_far)

    def _cut(self, rows: Iterator[Row], table: Table, start: Place, bad_so_far: int) -> Iterator[Page]:
        end = start
        while True:
            page = Page([], [], end, bad_so_far, last=False)
            count = 0
            for row in islice(rows, self._bounds.batch_rows):
                count += 1
                end = row.end
                if not row.problem and not any(cell not in (None, "") for cell in row.cells):
                    continue  # a spreadsheet's empty rows
                try:
                    page.records.append(table.record(row))
                except BadRecord as reason:
                    page.bad.append(reason)
            bad_so_far += len(page.bad)
            yield replace(page, end=end, bad_so_far=bad_so_far, last=count < self._bounds.batch_rows)
            if count < self._bounds.batch_rows:
                return
            if bad_so_far > self._section.max_bad_rows:
                raise Unusable(f"more than {self._section.max_bad_rows} rows are unusable; the rest was not read")

    def _text(self, file: OpenFile, seal: Seal, held: ExitStack) -> TextRows:
        source: Source = file
        codec = seal.codec
        if codec == "utf-16":
            spooled = cast(BinaryIO, held.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115
            as_utf8(file, codec, spooled)
            source, codec = spooled, "utf-8"
        given = self._form.delimiter
        delimiter = "" if given == "auto" else DELIMITERS.get(given, given)
        return TextRows(source, codec, delimiter, self._form.quote, self._section.max_row_bytes, self._bounds.chunk)

    def _workbook(self, file: OpenFile, skip: int) -> Generator[Row, None, None]:
        return workbook_rows(
            file,
            self._form,
            ZoneInfo(self._form.zone or self._section.zone),
            skip=skip,
            memory_mb=self._section.workbook_memory_mb,
            timeout_s=self._bounds.timeout_s,
        )


def _header_of(rows: Iterator[Row], form: FileStream) -> tuple[list[Row], Iterator[Row]]:
    """The header's rows, and the rows behind them. Raises Unusable."""
    if not form.header_row:
        return [], rows
    until = form.header_row + form.header_rows - 1
    header: list[Row] = []
    for row in rows:
        if row.number > until:
            raise Unusable(f"row {form.header_row} should name the columns, but it is empty (see header_row)")
        if row.problem:
            raise Unusable(f"row {row.number} can't be read: {row.problem}")
        if row.number >= form.header_row:
            header.append(row)
        if row.number == until:
            return header, rows
    raise Unusable(f"it ends before row {until}, which should name the columns")


def _unchanged(file: OpenFile, seal: Seal) -> None:
    """Raises Transient when somebody writes to the file; what is behind the last cursor is read anew."""
    if file.state() != (seal.size, seal.mtime_ns):
        raise Transient(f"{file.name} is being changed; it is read again when it rests")


def _refusal(name: str, why: str) -> BadRecord:
    return BadRecord(f"{name}: {why}", record={"_file": name})


def _digest_of(form: FileStream) -> str:
    return hashlib.blake2b(form.model_dump_json().encode(), digest_size=4).hexdigest()
