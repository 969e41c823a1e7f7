"""The things that records speak of get their global ids; what records of things say of them is observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

import id_registry
from gateway.sync.subjects import KINDS, OWN, SUBJECTS, Subject
from id_registry import Key, Observation
from id_registry.keys import LOCAL_LENGTH, is_storable

REMEMBERED = 100_000
_SETTLED = frozenset({"id", "changed_at"})
"""Fields of a thing's record that say nothing of the thing."""
_NOBODY = frozenset({None, ""})


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
    codes: Mapping[Any, str] = field(default_factory=dict)
    """Thing → the connection whose codes the system uses for it, where these are not its own."""
    _done: dict[Subject, set[str]] = field(default_factory=dict)

    @property
    def own_kind(self) -> str | None:
        """The kind of thing that such a record is itself."""
        name = OWN.get(self.record)
        return None if name is None else KINDS[name]

    def unfit(self, values: Mapping[str, Any]) -> tuple[str, str] | None:
        """The field whose local id cannot be kept, and why."""
        for subject in SUBJECTS.get(self.record, ()):
            local = values.get(subject.field)
            if local and not _fits(local):
                return subject.field, f"is longer than {LOCAL_LENGTH} characters, or holds what no text may"
            if not local and subject.name == OWN.get(self.record):
                return subject.field, "is empty, so it names nothing"
        return None

    @property
    def fields(self) -> list[str]:
        """The fields that hold local ids of things."""
        return [subject.field for subject in SUBJECTS.get(self.record, ())]

    def named(self, values: Mapping[str, set[Any]]) -> tuple[set[Key], bool]:
        """The keys of all things that records speak of, given the different values of each field, as far as this run has not
        resolved them yet; and whether all can be kept."""
        keys: set[Key] = set()
        for subject in SUBJECTS.get(self.record, ()):
            named = values.get(subject.field, set())
            if not named.isdisjoint(_NOBODY) and subject.name == OWN.get(self.record):
                return set(), False
            locals_ = named - self._done.get(subject, _NOBODY) - _NOBODY
            if not all(map(_fits, locals_)):
                return set(), False
            keys.update([Key(subject.kind, self._whose(subject.name), local) for local in locals_ if local is not None])
        return keys, True

    def committed(self, keys: set[Key]) -> None:
        """These are known for good."""
        if sum(map(len, self._done.values())) > REMEMBERED:
            self._done.clear()
        for subject in SUBJECTS.get(self.record, ()):
            mine = {key.local for key in keys if key.kind == subject.kind}
            self._done.setdefault(subject, set()).update(mine)

    def births(self, conn: Connection, locals_: Sequence[str]) -> dict[str, int]:
        """Of records that are things themselves: the ids they were born with."""
        name = OWN.get(self.record)
        if name is None or not locals_:
            return {}
        found = id_registry.born(conn, {Key(KINDS[name], self._whose(name), local) for local in locals_})
        return {key.local: gid for key, gid in found.items()}

    def _whose(self, name: str) -> str:
        return self.codes.get(name, self.system)

    def observe(self, conn: Connection, said: Sequence[Said], births: Mapping[str, int], now: int) -> None:
        """Every field that a thing's record says anew, for its golden record. Where the thing goes by another system's
        codes, that system describes it: the registry keeps one description for each of a system's own ids."""
        if self._whose(OWN.get(self.record, "")) != self.system:
            return
        observations = [
            Observation(births[s.local], self.system, name, s.values.get(name), s.read_at, s.landing, s.local)
            for s in said
            for name in s.values.keys() | s.before.keys()
            if name not in _SETTLED and s.values.get(name) != s.before.get(name)
        ]
        if observations:
            id_registry.observe(conn, observations, now)


def _fits(local: Any) -> bool:
    return len(local) <= LOCAL_LENGTH and is_storable(local)
