"""Salesforce's refusals, named by what must happen next.

| Salesforce says | what it becomes |
|---|---|
| REQUEST_LIMIT_EXCEEDED, UNABLE_TO_LOCK_ROW, SERVER_UNAVAILABLE, 429, 503 | Transient |
| 500, 502, 504, no JSON | Transient; for a write Ambiguous |
| 401, INSUFFICIENT_ACCESS..., a column that may not be written | AuthProblem |
| no such column, object or resource | ConfigProblem |
| anything else | Refused: the call as it is will never succeed |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient

_PASSING = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "REQUEST_RUNNING_TOO_LONG",
        "QUERY_TIMEOUT",
        "INVALID_QUERY_LOCATOR",
    }
)
_RIGHTS = frozenset(
    {
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "ORG_LOCKED",
        "INVALID_AUTH_HEADER",
    }
)
_SHAPE = frozenset({"INVALID_FIELD", "INVALID_TYPE", "UNSUPPORTED_API_VERSION", "UNKNOWN_API_VERSION"})
DAY_IS_USED_UP_S = 900
"""The calls of 24 hours are counted in a rolling window: some come free all the time."""


class Refused(ConfigProblem):
    """Salesforce understood the call and refuses it. `code` is Salesforce's own, `fields` the columns it names."""

    def __init__(self, message: str = "", *, code: str = "", fields: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.fields = tuple(fields)


def refusal(status: int, content: Any, headers: Mapping[str, str], *, write: bool) -> ConnectorError:
    """The error for an answer of 300 or more. `content`: its body, parsed where it is JSON."""
    first = content[0] if isinstance(content, list) and content and isinstance(content[0], dict) else {}
    code, said = str(first.get("errorCode") or ""), str(first.get("message") or "").strip()
    named = first.get("fields")
    fields = [str(name) for name in named] if isinstance(named, list) else []
    if status in (429, 503) or code in _PASSING or code == "REQUEST_LIMIT_EXCEEDED":
        return Transient(
            _told("Salesforce can't now", status, code, said), retry_after=_retry_after(code, said, headers)
        )
    if status >= 500:
        return lost(_told("Salesforce failed", status, code, said), write)
    if status == 401:
        return AuthProblem(_told("Salesforce does not accept the session", status, code, said))
    if code in _RIGHTS or (status == 403 and not code):
        return AuthProblem(
            _told("The hub's user may not do this", status, code, said),
            hint=f"Grant it in the user's permission set{_of(fields)} and try again.",
        )
    if code in _SHAPE or not code:
        hint = "Is `url` a Salesforce organization?" if not code else _SHAPE_HINT
        return ConfigProblem(_told("Salesforce does not know what was asked for", status, code, said), hint=hint)
    return Refused(_told("Salesforce refuses", status, code, said), code=code, fields=fields)


_SHAPE_HINT = (
    "Make the column or object, or let the hub's user see it (field-level security in its permission set), or take it "
    "out of `extra_columns`, `ticket_field` or `health_field`."
)


def lost(what: str, write: bool) -> ConnectorError:
    """There was no usable answer: for a write nobody knows whether it took effect."""
    return Ambiguous(f"{what}; it may have taken effect.") if write else Transient(f"{what}.")


def _told(what: str, status: int, code: str, said: str) -> str:
    return f"{what}: {code or status}" + (f" ({said[:300]})" if said else "")


def _of(fields: Sequence[str]) -> str:
    return f" for {', '.join(fields)}" if fields else ""


def _retry_after(code: str, said: str, headers: Mapping[str, str]) -> float | None:
    """Seconds to leave it alone, where that is known."""
    told = headers.get("retry-after", "")
    if told.isdecimal():
        return int(told)
    if code == "REQUEST_LIMIT_EXCEEDED" and "totalrequests" in said.lower():
        return DAY_IS_USED_UP_S
    return None
