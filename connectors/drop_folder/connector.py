"""A folder as the hub sees it: its files are read into streams, and files are written for others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from connectors.contract import (
    Batch,
    Command,
    Cursor,
    Health,
    Operation,
    Policy,
    Receipt,
    Settings,
    Stream,
)
from connectors.drop_folder import health
from connectors.drop_folder.client import Files, Folder
from connectors.drop_folder.config import CsvConfig
from connectors.drop_folder.examine import CHUNK
from connectors.drop_folder.exporting import Exporter, operation
from connectors.drop_folder.form import Section
from connectors.drop_folder.reading import Bounds, FileReader
from connectors.errors import BadRecord, ConfigProblem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class FolderConnector:
    """What the connector `csv` and every manifest of kind `csv` share. `files`, `clock`, `chunk` and `section` are for
    tests."""

    policy: ClassVar[Policy] = Policy(timeout_s=120, rate_per_s=200, batch_rows=2000)

    def __init__(
        self,
        config: Any,
        *,
        files: Files | None = None,
        clock: Callable[[], datetime] = _hub_clock,
        chunk: int = CHUNK,
        section: Section | None = None,
    ) -> None:
        self._config = config
        self._section = section or self.section()
        self._files = files or Files()
        self._folder = Folder(config.folder, self._files)
        self._clock = clock
        self._bounds = Bounds(config.batch_rows, config.timeout_s, chunk)

    def section(self) -> Section:
        """What is read and written: the connection's own settings."""
        section: Section = self._config
        return section

    @property
    def namespace(self) -> str:
        """`file://host/path`."""
        return f"file://{self._config.host}{self._config.folder}"

    def check(self) -> Health:
        return health.check(self._folder, self._section, self._now_ns())

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _now_ns(self) -> int:
        return (self._clock() - _EPOCH) // timedelta(microseconds=1) * 1000


class ReadsFolder(FolderConnector):
    """Files become streams."""

    def streams(self) -> Sequence[Stream]:
        return [form.stream(name) for name, form in self._section.streams.items()]

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """The rows of the stream's files; see `connectors.drop_folder.reading`."""
        form = self._section.streams.get(stream.name)
        if form is None:
            known = ", ".join(self._section.streams) or "none"
            raise ConfigProblem(f"There is no stream {stream.name!r}; there are: {known}.")
        reader = FileReader(self._folder, self._section, form, self._bounds, self._now_ns, self._taken_once)
        yield from reader.snapshot() if form.mode == "snapshot" else reader.incremental(cursor)

    def _taken_once(self, name: str) -> bool:
        return sum(form.takes(name) for form in self._section.streams.values()) == 1


class WritesFolder(FolderConnector):
    """Commands become files."""

    def operations(self) -> Sequence[Operation]:
        return [operation(name, form) for name, form in self._section.exports.items()]

    def write(self, command: Command) -> Receipt:
        """A file of its own for the command, or a row more in a file that grows."""
        return self._exporter(command).write(command)

    def confirm(self, command: Command) -> Receipt | None:
        return self._exporter(command).confirm(command)

    def _exporter(self, command: Command) -> Exporter:
        form = self._section.exports.get(command.op)
        if form is None:
            raise BadRecord(f"unknown operation {command.op!r}", record=dict(command.body))
        return Exporter(form, self._files, self._clock())


class CsvConnector(ReadsFolder, WritesFolder):
    """A folder described by the connection's own settings."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "CSV and Excel folder"
    title_zh: ClassVar[str] = "CSV/Excel 文件夹"
    Config: ClassVar[type[Settings]] = CsvConfig
