"""A Singer tap as the hub sees it: every stream of it that is configured can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from connectors.contract import Batch, Cursor, Health, Policy, Settings, Stream
from connectors.errors import ConfigProblem, Transient
from connectors.scrub import Scrubber
from connectors.settings import secret_values
from connectors.singer.catalog import Catalog, discovered, entry_of, selection
from connectors.singer.client import Bounds, Tap
from connectors.singer.config import SingerConfig
from connectors.singer.form import TapSection, TapStream
from connectors.singer.reading import HARD_ROWS, TapReader, state_in

_VERSION_S = 20


class TapConnector:
    """What the connector `singer` and every manifest of kind `singer` share. `command`, `tap_settings` and `pipe_bytes`
    are for tests."""

    policy: ClassVar[Policy] = Policy(timeout_s=120, rate_per_s=100, batch_rows=HARD_ROWS)

    def __init__(
        self,
        config: Any,
        *,
        command: Sequence[str] = (),
        tap_settings: Mapping[str, Any] | None = None,
        pipe_bytes: int | None = None,
    ) -> None:
        self._config = config
        self._section = section = self.section()
        self._tap = Tap(
            command or section.command,
            {**self.tap_config(), **(tap_settings or {})},
            section.environment,
            section.refusals,
            Scrubber(secret_values(config)),
            Bounds(section.silence_s, section.max_line_bytes, pipe_bytes),
        )
        self._catalog: Catalog | None = section.catalog

    def section(self) -> TapSection:
        """The tap: the connection's own settings."""
        section: TapSection = self._config
        return section

    def tap_config(self) -> Mapping[str, Any]:
        """The tap's config file, secrets included."""
        config: SingerConfig = self._config
        return config.tap_config()

    @property
    def namespace(self) -> str:
        """What the tap reads, or `singer://TAP`."""
        return self._section.system or f"singer://{self._tap.name}"

    def check(self) -> Health:
        """Asks the tap for its streams, then lets it read the first of ours until it has logged in and says something
        of it."""
        version = self._tap.output("--version", timeout_s=_VERSION_S).decode("utf-8", "replace").strip()
        self._catalog = self._section.catalog or discovered(self._tap, self._config.timeout_s)
        for name, form in self._section.streams.items():
            entry_of(self._catalog, name, form)
        name, form = next(iter(self._section.streams.items()))
        message = self._first_word(name, form)
        return Health(ok=True, message=message, remote_version=version[:100] or self._tap.name)

    def _first_word(self, name: str, form: TapStream) -> str:
        try:
            with self._run(name, form, None, until_s=self._config.timeout_s) as run:
                for line in run.lines():
                    if isinstance(line, bytes) and (b'"RECORD"' in line or b'"STATE"' in line):
                        break
        except Transient as error:
            if "said nothing" not in str(error):
                raise
            return f"{name}: the tap has started, and has not read anything within {self._config.timeout_s:g} s"
        return ""

    def close(self) -> None:
        """Nothing runs between calls."""

    def streams(self) -> Sequence[Stream]:
        return [form.stream(name) for name, form in self._section.streams.items()]

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """One run of the tap; see `connectors.singer.reading`."""
        form = self._section.streams.get(stream.name)
        if form is None:
            raise ConfigProblem(f"There is no stream {stream.name!r}; there are: {', '.join(self._section.streams)}.")
        state = None if form.replication == "full_table" else state_in(cursor)
        reader = TapReader(
            form, entry_of(self._known(), stream.name, form), self._section.zone, self._config.batch_rows, cursor
        )
        with self._run(stream.name, form, state) as run:
            yield from reader.batches(run)

    def _known(self) -> Catalog:
        if self._catalog is None:
            self._catalog = discovered(self._tap, self._config.timeout_s)
        return self._catalog

    def _run(self, name: str, form: TapStream, state: Mapping[str, Any] | None, until_s: float | None = None) -> Any:
        option = self._section.catalog_option.removeprefix("--")
        return self._tap.running(until_s=until_s, **{option: selection(self._known(), name, form), "state": state})


class SingerConnector(TapConnector):
    """A tap described by the connection's own settings."""

    name: ClassVar[str] = "singer"
    title: ClassVar[str] = "Singer tap"
    title_zh: ClassVar[str] = "Singer 数据源（tap）"
    Config: ClassVar[type[Settings]] = SingerConfig
