"""What can go wrong in a connector, named by what must happen next.

ConnectorError
├── ConfigProblem        stop; a person must change the settings
│   ├── AuthProblem      stop; a person must renew credentials or grant a right
│   └── InvalidConfig    * the settings do not fit the connector's form; every problem with its path and remedy
├── Transient            nothing happened remotely; the runtime calls again later
│   ├── CircuitOpen      * the system failed too often; it is left alone for `retry_after` seconds
│   ├── Busy             * the connection's own bound (rate, calls in flight) is reached; not the system's fault
│   └── DeadlineExceeded * no answer by the deadline; the answer, should it come, is dropped
├── Ambiguous            a write may or may not have happened; the runtime calls confirm() first
│   └── Unfinished       one step of several was done and went well; confirm() tells where it stands, write() goes on
├── BadRecord            this one record is unusable; it alone goes to the dead letters
│   └── TooLarge         * the delivery is over the connection's size bound
└── ConnectorBug         * anything else escaped: stop; the connector's author must mend it

Those marked * are raised by the runtime; a connector raises the others.

Which one to raise: would the very same call succeed later without anyone acting? `Transient`. Could it have taken
effect although we saw no answer? `Ambiguous`. Is it the fault of one record? `BadRecord`. Must a person act?
`ConfigProblem` or `AuthProblem`. Anything else that escapes a connector is a bug and stops the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Ambiguous",
    "AuthProblem",
    "BadRecord",
    "Busy",
    "CircuitOpen",
    "ConfigProblem",
    "ConnectorBug",
    "ConnectorError",
    "DeadlineExceeded",
    "FieldProblem",
    "InvalidConfig",
    "TooLarge",
    "Transient",
    "Unfinished",
]


class ConnectorError(Exception):
    """A connector could not do what was asked. The message is shown to people, so it never holds a secret."""

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n")[0])
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[ConnectorError], args: tuple[Any, ...], state: dict[str, Any]) -> ConnectorError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigProblem(ConnectorError):
    """The settings do not fit the remote system; a person must change them."""


class AuthProblem(ConfigProblem):
    """The remote system refused the credentials or a right is missing; a person must renew or grant it."""


class Transient(ConnectorError):
    """Nothing happened; the same call may succeed after `retry_after` seconds (None: the policy's backoff)."""

    def __init__(self, message: str = "", *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Ambiguous(ConnectorError):
    """A write may or may not have happened; ask confirm() before trying again."""


class Unfinished(Ambiguous):
    """One step of several was done and went well; the next call of write() goes on from there."""


class BadRecord(ConnectorError):
    """This record cannot be used; it goes to the dead letters with this reason and the others go on."""

    def __init__(self, message: str = "", *, record: Any = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.record = record


# -- raised by the runtime --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of a connection's settings. `path` is dotted, places in brackets: `a.b[0].c`."""

    path: str
    message: str
    hint: str = ""


class InvalidConfig(ConfigProblem):
    """The settings do not fit the connector's form."""

    def __init__(self, problems: Sequence[FieldProblem], *, connector: str = "") -> None:
        lines = [f"{p.path or '(whole)'}: {p.message}" + (f" ({p.hint})" if p.hint else "") for p in problems]
        super().__init__("; ".join(lines) or "")
        self.problems = tuple(problems)
        self.connector = connector


class CircuitOpen(Transient):
    """The system failed too often in a row and is left alone for `retry_after` seconds."""


class Busy(Transient):
    """The connection's own bound is reached: its rate, or its number of calls in flight."""


class DeadlineExceeded(Transient):
    """No answer by the deadline."""


class TooLarge(BadRecord):
    """The delivery is larger than the connection accepts."""


class ConnectorBug(ConnectorError):
    """A connector raised what the contract does not allow. `kind`: the original exception's type; `trace`: its scrubbed
    traceback."""

    def __init__(self, message: str = "", *, kind: str = "", trace: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.trace = trace
