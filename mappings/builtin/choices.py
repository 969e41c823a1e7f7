"""Choosing a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings.errors import EvaluationError
from mappings.registry import DYNAMIC, FUNCTIONS, Table, function
from mappings.suggestions import nearest
from mappings.values import as_text, describe


@function(lazy=True)
def first(value: Any | None, *values: Any | None) -> Any:
    """The first of the values that is not null; those after it are not looked at.

    first(missing, 'web-1') == 'web-1'
    first(missing, also_missing) is None
    """
    return next((v for v in (value, *values) if v is not None), None)


@function(lazy=True)
def coalesce(value: Any | None, *values: Any | None) -> Any:
    """The same as `first`, by the name SQL gives it.

    coalesce(missing, 5) == 5
    """
    return first(value, *values)


@function(lazy=True)
def default(value: Any | None, otherwise: Any | None) -> Any:
    """The value, or the other one where it is null.

    default(missing, False) == False
    default('a', 'b') == 'a'
    """
    return first(value, otherwise)


def _lookup_in(value: Any, table: dict[str, Any], otherwise: Any = DYNAMIC) -> Callable[..., Any] | None:
    if value is not DYNAMIC or otherwise is DYNAMIC:
        return None
    find, whole = table.get, FUNCTIONS["lookup"].checked
    return lambda key: find(key, otherwise) if key.__class__ is str else whole(key, table, otherwise)


@function(fallible=True, specialise=_lookup_in)
def lookup(value: Any, table: Table) -> Any:
    """What a table of the mapping (`tables:`), or a map written in its place, has under the value. Fails when it has
    nothing.

    lookup('RMB', {'RMB': 'CNY', 'US$': 'USD'}) == 'CNY'
    lookup('?', {'RMB': 'CNY'}, otherwise='CNY') == 'CNY'
    """
    key = value if isinstance(value, str) else as_text(value)
    rows: dict[str, Any] = table  # type: ignore[assignment]
    if key not in rows:
        hint = nearest(key, rows)
        raise EvaluationError(f"the table has no {describe(key)}" + (f": {hint}" if hint else ""))
    return rows[key]


@function(fallible=True)
def fail(reason: str) -> Any:
    """No value: the field fails, for the reason given. For a record that must not pass as it is.

    fail('no device', otherwise='unknown') == 'unknown'
    fail(missing) is None
    """
    raise EvaluationError(reason[:500])


_SEVERITIES = {
    "critical": "critical disaster fatal emergency emerg crit page p0 p1 sev0 sev1 blocker 紧急 严重 灾难 致命",
    "major": "major high error err p2 sev2 高 重要 主要",
    "minor": "minor average medium moderate p3 sev3 中 一般 次要",
    "warning": "warning warn low p4 sev4 低 警告 预警",
    "info": "info information informational notice none debug ok p5 sev5 not_classified 信息 提示 通知",
}
_SEVERITY_OF = {word: severity for severity, words in _SEVERITIES.items() for word in words.split()}


@function(fallible=True)
def severity(value: str) -> str:
    """How bad, in the hub's words (critical, major, minor, warning, info), from the words that monitoring systems
    use, in any case: disaster, high, average, warn, notice, 严重, P1, sev2 ... Fails for an unknown word.

    severity('Disaster') == 'critical'
    severity('WARN') == 'warning'
    severity('odd', otherwise='minor') == 'minor'
    """
    word = value.strip().lower().replace(" ", "_")
    if word not in _SEVERITY_OF:
        raise EvaluationError(f"{describe(value)} is no known severity: use lookup() with a table of your own")
    return _SEVERITY_OF[word]
