"""The things that records speak of get their global ids; what records of things say of them is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

import id_registry
from gateway.sync.subjects import KINDS, OWN, SUBJECTS
from id_registry import Key, Observation
from id_registry.keys import LOCAL_LENGTH, is_storable

REMEMBERED = 100_000
_SETTLED = frozenset({"id", "changed_at"})
"""Fields of a thing's record that say nothing of the thing."""


class Said(NamedTuple):
    """One record of a thing: its local id, what it says now, what it said before, when, and from which row."""

    local: str
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    read_at: int
    landing: int


@dataclass
class Identifier:
    """Of one stream's records. What was resolved and committed is remembered for the run, so that a thing named by many
    records is looked up once."""

    system: str
    record: str
    _done: set[Key] = field(default_factory=set)

    @property
    def own_kind(self) -> str | None:
        """The kind of thing that such a record is itself."""
        name = OWN.get(self.record)
        return None if name is None else KINDS[name]

    def unfit(self, values: Mapping[str, Any]) -> tuple[str, str] | None:
        """The field whose local id cannot be kept, and why."""
        for subject in SUBJECTS.get(self.record, ()):
            local = values.get(subject.field)
            if local and (len(local) > LOCAL_LENGTH or not (local.isascii() or is_storable(local)) or "\0" in local):
                return subject.field, f"is longer than {LOCAL_LENGTH} characters, or holds what no text may"
        return None

    def keys(self, records: Iterable[Mapping[str, Any]]) -> set[Key]:
        """The keys of all things these records speak of that were not resolved by this run."""
        found: set[Key] = set()
        records = list(records)
        for subject in SUBJECTS.get(self.record, ()):
            locals_ = {values.get(subject.field) for values in records} - {None, ""}
            found |= {Key(subject.kind, self.system, str(local)) for local in locals_}
        return found - self._done

    def committed(self, keys: Iterable[Key]) -> None:
        """These are known for good."""
        if len(self._done) > REMEMBERED:
            self._done.clear()
        self._done |= set(keys)

    def births(self, conn: Connection, locals_: Sequence[str]) -> dict[str, int]:
        """Of records that are things themselves: the ids they were born with."""
        kind = self.own_kind
        if kind is None or not locals_:
            return {}
        found = id_registry.born(conn, {Key(kind, self.system, local) for local in locals_})
        return {key.local: gid for key, gid in found.items()}

    def observe(self, conn: Connection, said: Sequence[Said], births: Mapping[str, int], now: int) -> None:
        """Every field that a thing's record says anew, for its golden record."""
        observations = [
            Observation(births[s.local], self.system, name, s.values.get(name), s.read_at, s.landing, s.local)
            for s in said
            for name in s.values.keys() | s.before.keys()
            if name not in _SETTLED and s.values.get(name) != s.before.get(name)
        ]
        if observations:
            id_registry.observe(conn, observations, now)
