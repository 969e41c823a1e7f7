"""How a connection is doing: every call counted for a listener, one log line when it fails and one when it recovers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from connectors.errors import (
    Ambiguous,
    AuthProblem,
    BadRecord,
    Busy,
    CircuitOpen,
    ConfigProblem,
    ConnectorBug,
    ConnectorError,
    DeadlineExceeded,
    Transient,
    Unfinished,
)

Status = Literal["unknown", "ok", "failing", "needs_person", "broken"]
Result = Literal[
    "ok", "transient", "circuit_open", "busy", "deadline", "ambiguous", "auth", "config", "bad_record", "bug"
]

_RESULTS: tuple[tuple[type[ConnectorError], Result], ...] = (
    (CircuitOpen, "circuit_open"),
    (Busy, "busy"),
    (DeadlineExceeded, "deadline"),
    (Transient, "transient"),
    (Unfinished, "ok"),
    (Ambiguous, "ambiguous"),
    (AuthProblem, "auth"),
    (ConfigProblem, "config"),
    (BadRecord, "bad_record"),
    (ConnectorBug, "bug"),
)
_STATUS: dict[Result, Status] = {
    "ok": "ok",
    "bad_record": "ok",
    "transient": "failing",
    "deadline": "failing",
    "ambiguous": "failing",
    "auth": "needs_person",
    "config": "needs_person",
    "bug": "broken",
}
"""What a call's result says about the connection. `busy` and `circuit_open` say nothing: the system was not asked."""


def result_of(error: ConnectorError | None) -> Result:
    """The label of a call's end, for metrics."""
    if error is None:
        return "ok"
    return next((result for kind, result in _RESULTS if isinstance(error, kind)), "bug")


class Listener(Protocol):
    """Is told of every call and every change, from the thread it happened in; must be quick and raise nothing."""

    def called(self, connection: str, verb: str, result: Result, seconds: float) -> None: ...
    def changed(self, connection: str, status: Status, reason: str) -> None: ...


class Silence:
    """A listener that does nothing."""

    def called(self, connection: str, verb: str, result: Result, seconds: float) -> None:
        pass

    def changed(self, connection: str, status: Status, reason: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Condition:
    """How a connection is doing. `for_s`: since when, in seconds before now. `retry_in_s`: when the circuit is open."""

    status: Status
    reason: str
    for_s: float
    failures: int
    """Failed calls in a row."""
    circuit: Literal["closed", "open", "half_open"]
    retry_in_s: float


class Watch:
    """Keeps the status of one connection. Safe from any thread."""

    def __init__(self, connection: str, connector: str, clock: Callable[[], float], listener: Listener) -> None:
        self._connection = connection
        self._clock = clock
        self._listener = listener
        self._log = structlog.get_logger("weft.connection").bind(connection=connection, connector=connector)
        self._lock = threading.Lock()
        self.status: Status = "unknown"
        self.reason = ""
        self.since = clock()
        self.failures = 0

    def count(self, verb: str, result: Result, seconds: float) -> None:
        """A call ended that says nothing about the system."""
        self._listener.called(self._connection, verb, result, seconds)

    def note(self, verb: str, result: Result, seconds: float, reason: str = "") -> None:
        """One call to the system ended."""
        self.count(verb, result, seconds)
        status = _STATUS.get(result)
        if status is None:
            return
        with self._lock:
            self.failures = 0 if status == "ok" else self.failures + 1
            before, changed = self.status, status != self.status
            lasted = self._clock() - self.since
            if changed:
                self.status, self.since = status, self._clock()
            self.reason = "" if status == "ok" else reason
        if not changed:
            return
        if status != "ok":
            self._log.warning("connection fails", status=status, verb=verb, reason=reason)
        elif before != "unknown":
            self._log.info("connection works again", verb=verb, after_s=round(lasted, 1))
        self._listener.changed(self._connection, status, reason)

    def tell(self, event: str, **facts: object) -> None:
        """Log something that happens once."""
        self._log.warning(event, **facts)
