"""What a drill-down answers: the origin of one value."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, NamedTuple

from lineage.codec import Gone
from lineage.replay import FieldTrace, Withheld
from lineage.runs import RunRef
from mappings import format_path


class Verdict(enum.StrEnum):
    """The recomputed value beside the stored one. A value can't be recomputed when its input was erased on purpose
    (`erased`), or is missing or unreadable or its plan no longer compiles (`broken`: `Origin.problem` says which)."""

    EQUAL = "equal"
    CHANGED = "changed outside the hub"
    NOT_COMPARED = "not compared"
    ERASED = "erased"
    BROKEN = "broken"


class How(enum.StrEnum):
    """In which manner a value came about."""

    MAPPED = "mapped"
    """By the formulas of its plan."""
    ANSWERED = "as answered"
    """As the source gave it."""
    FACT = "fact"
    """Known to the hub itself: a registry, a clock, a rule."""
    BY_HAND = "by hand"
    """Set by a person; `Origin.actor` says who."""


class StageRef(NamedTuple):
    """One stage of a plan."""

    mapping: str
    version: str


class SourceField(NamedTuple):
    """A part of a source record: which system, dataset, object and field, its raw value, and when it was read.
    `raw` is Withheld.MASKED where a mapping masks it, Gone where it was erased."""

    system: str
    dataset: str
    key: str
    field: str
    raw: Any
    read_at: int
    run: int | None
    landing: int


@dataclass(frozen=True, slots=True)
class FactOrigin:
    """A fact that went into a value: what the hub knew, and where from. `derived`: the origin of the record's field
    it was taken from, as of then; `source`: the part of a source record it was taken from."""

    name: str
    value: Any
    origin: str
    xref: tuple[str, str, str] | None = None
    rec: int | None = None
    field: str | None = None
    derived: Origin | None = None
    source: SourceField | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from. `traces` go from the last stage back to the first. `value` is recomputed; `stored` is
    what the caller passed. `landings`: every source record the write used. `pruned_at`: since when retention has left of
    them what was read where and when, and no longer the values."""

    rec: int
    field: str
    seq: int
    at: int
    actor: str
    how: How
    value: Any
    verdict: Verdict
    stored: Any = None
    run: RunRef | None = None
    plan: int | None = None
    stages: tuple[StageRef, ...] = ()
    traces: tuple[FieldTrace, ...] = ()
    sources: tuple[SourceField, ...] = ()
    facts: tuple[FactOrigin, ...] = ()
    landings: tuple[int, ...] = ()
    problem: str = ""
    pruned_at: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same in maps, lists and scalars (Decimal and datetime among them), as the API, the CLI and the UI show
        it."""
        shown: dict[str, Any] = _plain(self)
        return shown


def _plain(value: Any) -> Any:
    match value:
        case Gone():
            return {"erased": True, "token": value.token} if value.token else {"erased": True}
        case Withheld():
            return {"masked": True}
        case enum.Enum():
            return value.value
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case tuple() if hasattr(value, "_fields"):
            return {name: _plain(item) for name, item in zip(value._fields, value, strict=True)}
        case list() | tuple():
            return [_plain(item) for item in value]
    names = getattr(value, "__dataclass_fields__", None)
    if names is None:
        return value
    return {
        name: format_path(item) if name == "path" and item is not None else _plain(item)
        for name in names
        if (item := getattr(value, name)) is not None or name in ("value", "result")
    }
