"""Runs a tap as a child process: without a shell, its files in a private folder, its output bounded and in time."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.errors import AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.scrub import Scrubber

log = logging.getLogger("connectors.singer")

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_TAIL_LINES = 40
_TAIL_CHARS = 1000
_GRACE_S = 2
_LEVEL = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|Traceback)\b")
_LATER = re.compile(r"(?i)retry[- ]after\D{0,4}(\d{1,6})")
_UNFIT = re.compile(r"(?i)config(uration)? ?validation|missing required (config|key|setting)|is a required property")


@dataclass(frozen=True, slots=True)
class Bounds:
    """`silence_s`: a tap that says nothing for so long is ended. `pipe_bytes`: how far a tap may run ahead; None: as
    the system has it."""

    silence_s: float
    max_line_bytes: int
    pipe_bytes: int | None = None


class Tap:
    """A tap's program. `config` is written to a file that only this account can read, for as long as the tap runs."""

    def __init__(
        self,
        command: Sequence[str],
        config: Mapping[str, Any],
        environment: Sequence[str],
        refusals: Sequence[str],
        scrub: Scrubber,
        bounds: Bounds,
    ) -> None:
        self._command = tuple(command)
        self._config = config
        self._environment = {name: os.environ[name] for name in (*_INHERITED, *environment) if name in os.environ}
        self._refusals = [re.compile(each) for each in refusals]
        self._scrub = scrub
        self._bounds = bounds

    @property
    def name(self) -> str:
        return os.path.basename(self._command[0])

    @contextlib.contextmanager
    def running(
        self, *options: str, until_s: float | None = None, **files: Mapping[str, Any] | None
    ) -> Iterator[Running]:
        """The tap, started with these options and files (`catalog=…` is given as `--catalog FILE`); ended and its folder
        removed afterwards. `until_s`: longest time in all. Raises ConfigProblem when the program can't be started."""
        folder = tempfile.mkdtemp(prefix="weft-tap-")
        child: subprocess.Popen[bytes] | None = None
        try:
            arguments = [*self._command, "--config", _private(folder, "config", self._config), *options]
            for option, content in files.items():
                if content is not None:
                    arguments += [f"--{option}", _private(folder, option, content)]
            child = self._started(arguments, folder)
            yield Running(self.name, child, self._bounds, self._scrub, self._refusals, until_s)
        finally:
            if child is not None:
                _ended(child)
            shutil.rmtree(folder, ignore_errors=True)

    def output(self, *options: str, timeout_s: float) -> bytes:
        """All it writes when run with these options and no files, e.g. --version. Raises as `Running.lines`."""
        try:
            done = subprocess.run(  # noqa: S603 - the configured program, without a shell
                [*self._command, *options],
                stdin=subprocess.DEVNULL, capture_output=True, env=self._environment, timeout=timeout_s,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Transient(f"{self.name} {' '.join(options)} took longer than {timeout_s:g} s") from None
        except OSError as error:
            raise _not_started(self._command[0], error) from error
        return done.stdout if done.returncode == 0 else b""

    def _started(self, arguments: Sequence[str], folder: str) -> subprocess.Popen[bytes]:
        try:
            child = subprocess.Popen(  # noqa: S603 - the configured program, without a shell
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            raise _not_started(self._command[0], error) from error
        size = self._bounds.pipe_bytes
        if size is not None and child.stdout is not None:
            import fcntl

            fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, size)
        return child


class Running:
    """A tap at work. Its errors are logged as they come, masked."""

    def __init__(
        self,
        name: str,
        child: subprocess.Popen[bytes],
        bounds: Bounds,
        scrub: Scrubber,
        refusals: Sequence[re.Pattern[str]],
        until_s: float | None,
    ) -> None:
        self._name = name
        self._child = child
        self._bounds = bounds
        self._scrub = scrub
        self._refusals = refusals
        self._last_words: deque[str] = deque(maxlen=_TAIL_LINES)
        self._until = None if until_s is None else time.monotonic() + until_s
        self._listener = threading.Thread(target=self._listen, daemon=True, name=f"weft-{name}")
        self._listener.start()

    def lines(self) -> Iterator[bytes | BadRecord]:
        """What it writes, line by line; a BadRecord stands for a line that is too long.

        :raises Transient: it failed, or was silent for too long. :raises AuthProblem: it failed for want of rights.
        :raises ConfigProblem: it refuses its settings.
        """
        stdout = self._child.stdout
        assert stdout is not None
        size = self._bounds.pipe_bytes or 1 << 16
        limit, rest, dropped = self._bounds.max_line_bytes, b"", 0
        with selectors.DefaultSelector() as ready:
            ready.register(stdout, selectors.EVENT_READ)
            while True:
                self._wait(ready)
                data = os.read(stdout.fileno(), size)
                if not data:
                    break
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    if dropped or len(line) > limit:
                        yield BadRecord(
                            f"a message of {dropped + len(line):,} bytes; {limit:,} are allowed (max_line_bytes)",
                            record={"message": line[:500].decode("utf-8", "replace")},
                        )
                        dropped = 0
                    elif line.strip():
                        yield line
                if len(rest) > limit:
                    dropped, rest = dropped + len(rest), b""
        if rest.strip():
            yield rest
        self._check_exit()

    def _wait(self, ready: selectors.BaseSelector) -> None:
        seconds = self._bounds.silence_s
        if self._until is not None:
            seconds = min(seconds, max(0.0, self._until - time.monotonic()))
        if not ready.select(seconds):
            raise Transient(self._told(f"{self._name} said nothing for {seconds:.3g} s and was ended"))

    def _check_exit(self) -> None:
        try:
            code = self._child.wait(_GRACE_S + self._bounds.silence_s)
        except subprocess.TimeoutExpired:
            raise Transient(f"{self._name} closed its output and did not end") from None
        self._listener.join(_GRACE_S)
        if code == 0:
            return
        words = "\n".join(self._last_words)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        raise self._meaning(words, self._told(f"{self._name} {how}"))

    def _meaning(self, words: str, reason: str) -> ConnectorError:
        if any(pattern.search(words) for pattern in self._refusals):
            return AuthProblem(reason, hint="renew the tap's credentials or grant its account what it asks for")
        if _UNFIT.search(words):
            return ConfigProblem(reason, hint="compare `settings` with the tap's own documentation")
        later = _LATER.search(words)
        return Transient(reason, retry_after=int(later[1]) if later else None)

    def _told(self, what: str) -> str:
        said = [line for line in self._last_words if _LEVEL.search(line)] or list(self._last_words)
        return self._scrub.text(what + (f": {said[-1][:400]}" if said else ""))

    def _listen(self) -> None:
        """Keeps the last lines of the tap's log and passes all on to ours."""
        assert self._child.stderr is not None
        with contextlib.suppress(ValueError):  # closed meanwhile
            for raw in iter(lambda: self._child.stderr.readline(_TAIL_CHARS), b""):  # type: ignore[union-attr]
                line = self._scrub.text(raw.decode("utf-8", "replace").rstrip())
                if line:
                    self._last_words.append(line)
                    log.log(logging.WARNING if _LEVEL.search(line) else logging.DEBUG, "%s: %s", self._name, line)


def _ended(child: subprocess.Popen[bytes]) -> None:
    """The tap and all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM if child.poll() is None else signal.SIGKILL)
    try:
        child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(_GRACE_S)
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def _private(folder: str, name: str, content: Mapping[str, Any]) -> str:
    path = os.path.join(folder, f"{name}.json")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, default=_number)
    return path


def _number(value: object) -> Any:
    """A setting that is exact, as JSON has it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    raise TypeError(f"a setting of type {type(value).__name__} can't be written as JSON")


def _not_started(program: str, error: OSError) -> ConfigProblem:
    there = Path(program).exists()
    hint = "is it executable for the hub's account?" if there else "give the program's whole path"
    return ConfigProblem(f"{program} can't be started: {error.strerror}", hint=hint)
