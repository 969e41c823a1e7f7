"""Has the shape of what a system sends changed? A profile per (connection, stream), learnt from what comes in.

Only a sample of the records is looked at, the larger the rarer, so that watching costs about a microsecond a record; a
change that lasts is seen within some hundred records. Free mappings (labels, tags) count as one path with `*`, list
items as one with `[]`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

LEARN = 100
"""So many records are all looked at, and nothing is reported, before a profile is thought to know the shape."""
EVERY = 32
"""After that, one record in so many on average is looked at, or one in as many as it has values."""
GONE_AFTER = 50
"""A path that was in nearly every record is reported gone when it is missing from so many looked at in a row."""
USUAL = 0.95
"""The share of records a path must have been in for its absence to mean anything."""
MAX_PATHS = 400
MAX_CHILDREN = 60
"""A mapping with more different keys than this is a free mapping."""
MAX_DEPTH = 8
MAX_ITEMS = 5
MAX_VALUES = 1000
"""A record with more values is not looked at."""

_TYPES: dict[type, str] = {
    str: "text",
    bool: "flag",
    int: "number",
    Decimal: "number",
    float: "number",
    list: "list",
    tuple: "list",
    dict: "map",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One change of shape. `was` and `now` are types ("text or number"); for a new path `was` is empty, for a vanished
    one `now` is."""

    kind: Literal["new", "gone", "type"]
    path: str
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        if self.kind == "new":
            return f"{self.path} is new ({self.now})"
        if self.kind == "gone":
            return f"{self.path} ({self.was}) no longer comes"
        return f"{self.path} was {self.was}, now also {self.now}"


@dataclass(slots=True)
class PathProfile:
    """What is known of one path. `seen`: records it was in; `nulls`: of those, how often it was null."""

    types: list[str] = field(default_factory=list)
    seen: int = 0
    nulls: int = 0
    born: int = 0
    """How many records had been looked at when it first came."""
    last: int = 0
    """The number of the record it last came in."""
    gone: bool = False

    @property
    def null_rate(self) -> float:
        return self.nulls / self.seen if self.seen else 0.0


class ShapeProfile:
    """The shape of one stream's records. Not safe from several threads at once: one stream, one profile, one owner."""

    __slots__ = ("_dice", "_free", "_known", "_skip", "full", "looked_at", "paths")

    def __init__(self, dice: random.Random | None = None) -> None:
        self.paths: dict[str, PathProfile] = {}
        self.looked_at = 0
        self.full = False
        """The bound on paths was reached: new ones are no longer noticed."""
        self._free: set[str] = set()
        self._known: dict[str, int] = {}
        self._dice = dice or random.Random()
        self._skip = 0

    def observe(self, record: Mapping[str, Any]) -> list[Drift]:
        """Look at a record, now and then, and report what changed; each change is reported once."""
        if self._skip:
            self._skip -= 1
            return []
        return self._look(record)

    def to_json(self) -> dict[str, Any]:
        """Everything known, as JSON."""
        paths = {path: asdict(known) for path, known in self.paths.items()}
        return {"looked_at": self.looked_at, "full": self.full, "free": sorted(self._free), "paths": paths}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], dice: random.Random | None = None) -> ShapeProfile:
        """The profile that `to_json` wrote down."""
        profile = cls(dice)
        profile.looked_at = data["looked_at"]
        profile.full = data["full"]
        profile._free = set(data["free"])
        profile.paths = {path: PathProfile(**known) for path, known in data["paths"].items()}
        for path in profile.paths:
            profile._count_child(path)
        return profile

    # -- looking ------------------------------------------------------------------------------------------------------

    def _look(self, record: Mapping[str, Any]) -> list[Drift]:
        shape, values = self._flat(record)
        if self.looked_at >= LEARN:
            self._skip = self._dice.randrange(2 * max(EVERY, values) - 1)
        if values > MAX_VALUES:
            return []
        self.looked_at += 1
        learning = self.looked_at <= LEARN
        drifts = [drift for path, kind in shape if (drift := self._note(path, kind)) is not None]
        drifts += self._gone()
        return [] if learning else drifts

    def _flat(self, record: Mapping[str, Any]) -> tuple[dict[tuple[str, str], None], int]:
        """Every (path, type) of the record, once, and how many values it has."""
        found: dict[tuple[str, str], None] = {}
        todo: list[tuple[str, Any, int]] = [("", record, 0)]
        values = 0
        while todo and values <= MAX_VALUES:
            path, value, depth = todo.pop()
            values += 1
            if path:
                found[path, _type_of(value)] = None
            if depth >= MAX_DEPTH:
                continue
            if isinstance(value, Mapping):
                for name, child in value.items():
                    todo.append((self._child(path, str(name)), child, depth + 1))
            elif isinstance(value, (list, tuple)):
                todo.extend((f"{path}[]", child, depth + 1) for child in value[:MAX_ITEMS])
        return found, values

    def _child(self, parent: str, name: str) -> str:
        name = "*" if parent in self._free else name
        return f"{parent}.{name}" if parent else name

    def _note(self, path: str, kind: str) -> Drift | None:
        known = self.paths.get(path)
        if known is None:
            return self._meet(path, kind)
        if known.last != self.looked_at:
            known.last = self.looked_at
            known.seen += 1
        known.gone = False
        if kind == "null":
            known.nulls += 1
        elif kind not in known.types:
            was = " or ".join(known.types)
            known.types.append(kind)
            return Drift("type", path, was, kind) if was else None
        return None

    def _meet(self, path: str, kind: str) -> Drift | None:
        if len(self.paths) >= MAX_PATHS:
            self.full = True
            return None
        types = [] if kind == "null" else [kind]
        number = self.looked_at
        self.paths[path] = PathProfile(types, seen=1, nulls=kind == "null", born=number, last=number)
        parent = self._count_child(path)
        if self._known[parent] > MAX_CHILDREN:
            self._set_free(parent)
            return None
        return Drift("new", path, now=kind)

    def _count_child(self, path: str) -> str:
        parent = path.rpartition(".")[0]
        self._known[parent] = self._known.get(parent, 0) + 1
        return parent

    def _set_free(self, parent: str) -> None:
        """Fold the children of a mapping with ever new keys into one."""
        self._free.add(parent)
        below = f"{parent}." if parent else ""
        for path in [path for path in self.paths if path.startswith(below)]:
            del self.paths[path]
        self._known[parent] = 0

    def _gone(self) -> Iterator[Drift]:
        number = self.looked_at
        for path, known in self.paths.items():
            if known.gone or number - known.last < GONE_AFTER:
                continue
            known.gone = True
            met = known.last - known.born + 1
            if known.seen >= GONE_AFTER and known.seen >= USUAL * met:
                yield Drift("gone", path, was=" or ".join(known.types) or "null")


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    known = _TYPES.get(type(value))
    if known is not None:
        return known
    if isinstance(value, date):
        return "time"
    return "map" if isinstance(value, Mapping) else type(value).__name__
