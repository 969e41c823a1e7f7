"""What can go wrong in the gateway, named by who can mend it.

WeftError
├── Refused              what was given is wrong; nothing was changed
│   ├── BadConfiguration   settings, connections, rules, mappings: every problem with its path and remedy
│   ├── NotFound           there is no such thing
│   ├── Conflict           the thing is in another state than the request assumes
│   ├── Unauthorized       no valid token
│   └── Forbidden          the token's role does not allow this
├── TooBusy              the inbox is over its bound; come again after `retry_after` seconds
├── SchemaMismatch       the database is older or newer than this program
└── Unavailable          the database did not answer; nothing was stored
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (a path such as `rules[2].when`), what, and what to write instead."""

    path: str
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class WeftError(Exception):
    """The hub could not do what was asked."""

    status = 500
    title = "Internal error"

    def __init__(self, detail: str = "", problems: list[Problem] | None = None, **extra: Any) -> None:
        super().__init__(detail or (self.__doc__ or "").strip().split("\n")[0])
        self.problems = problems or []
        self.extra = extra

    @property
    def detail(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[WeftError], args: tuple[Any, ...], state: dict[str, Any]) -> WeftError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class Refused(WeftError):
    """What was given cannot be accepted."""

    status, title = 422, "Not acceptable as given"


class BadConfiguration(Refused):
    """The configuration has problems; nothing of it was applied."""

    title = "Configuration refused"

    def __str__(self) -> str:
        lines = [f"{p.path}: {p.message}" + (f" ({p.hint})" if p.hint else "") for p in self.problems]
        return "\n".join([self.detail, *lines])


class NotFound(Refused):
    """There is no such thing."""

    status, title = 404, "Not found"


class Conflict(Refused):
    """The thing is in another state than the request assumes."""

    status, title = 409, "Conflict"


class Unauthorized(Refused):
    """Sign in, or send a valid token: `Authorization: Bearer TOKEN`."""

    status, title = 401, "Unauthorized"


class Forbidden(Refused):
    """The token's role does not allow this."""

    status, title = 403, "Forbidden"


class TooLarge(Refused):
    """The message is larger than this connection accepts."""

    status, title = 413, "Too large"


class UnsupportedEncoding(Refused):
    """The body's encoding is not supported; send it plain or gzip."""

    status, title = 415, "Unsupported encoding"


class TooBusy(WeftError):
    """The inbox is full; send again later."""

    status, title = 429, "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(WeftError):
    """The database did not answer; nothing was stored, send again."""

    status, title = 503, "Unavailable"


class SchemaMismatch(WeftError):
    """The database's schema is not the one this program needs; run `weft migrate`."""

    status, title = 503, "Schema mismatch"
