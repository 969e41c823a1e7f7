"""The golden record: of all that the systems say of a thing, one value per field, and why that one.

It is computed when asked for, from the values as they are held: a merge, an undo, a new policy or a late reading needs
no recomputation, and no value is ever thrown away for having lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import Connection, select

from id_registry.batches import among
from id_registry.components import is_member
from id_registry.errors import BadPolicy
from id_registry.resolving import live
from id_registry.tables import field_lock, observation, redirect
from id_registry.values import decode, is_blank, size

__all__ = [
    "MANUAL",
    "Candidate",
    "FieldPolicy",
    "GoldenField",
    "GoldenRecord",
    "Policy",
    "golden",
    "golden_values",
    "load_policy",
    "values_of",
]

MANUAL = "manual"
"""The `system` of a winner that a person has settled."""

Rule = Literal["priority", "recency", "completeness", "frequency"]
Decision = Literal["lock", "only", "agreed", "priority", "recency", "completeness", "frequency", "tie"]


class FieldPolicy(BaseModel):
    """How one field's value is chosen among the systems'."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sources: tuple[str, ...] = Field(
        default=(), description="Systems, the most trusted first; all others come after these."
    )
    rules: tuple[Rule, ...] = Field(
        default=get_args(Rule),
        description="Asked in this order until one value is left: priority (of `sources`), recency (changed last), "
        "completeness (says most), frequency (most records agree).",
    )
    blanks: Literal["lose", "count"] = Field(
        default="lose",
        description="Whether an empty value loses against any other, or counts: its system has cleared the field.",
    )

    @field_validator("sources", "rules")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands there twice; name each once, the strongest first")
        return names


class Policy(BaseModel):
    """Survivorship: how each field of a golden record is chosen; `default` is for fields without an entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    default: FieldPolicy = FieldPolicy()
    fields: Mapping[str, FieldPolicy] = Field(default={}, description="Field name -> how it is chosen.")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one record says of a field. `gid` is the record's birth id; times in microseconds since 1970 UTC.

    `since`: when it was first read with this value; `read_at`: when last. `source` is what the reader gave.
    """

    value: Any
    system: str
    gid: int
    since: int
    read_at: int
    source: str | int | None = None


@dataclass(frozen=True, slots=True)
class GoldenField:
    """The chosen value, who had it, who had others (or the same), and which rule settled it.

    `rule`: `lock` (a person did), `only` (nobody else says anything), `agreed` (all say the same), the name of a rule,
    or `tie` (no rule could tell; the system first in the alphabet).
    """

    value: Any
    winner: Candidate
    losers: tuple[Candidate, ...]
    rule: Decision


@dataclass(frozen=True, slots=True)
class GoldenRecord:
    """One thing as the hub believes it to be. `gid` is its live id."""

    gid: int
    fields: Mapping[str, GoldenField]


def load_policy(data: Any) -> Policy:
    """The policy that plain data describes. Raises BadPolicy with every problem and its path."""
    try:
        return Policy.model_validate(data)
    except ValidationError as e:
        problems = [(".".join(map(str, p["loc"])) or "policy", p["msg"]) for p in e.errors()]
        text = "; ".join(f"{path}: {message}" for path, message in problems)
        raise BadPolicy(f"this policy cannot be followed: {text}", value=data, path=problems[0][0]) from e


def golden(conn: Connection, gid: int, policy: Policy | None = None) -> GoldenRecord:
    """The golden record of what `gid` is now, over all records merged into it. Fields nobody observed are absent."""
    policy = policy or Policy()
    root = live(conn, (gid,))[gid]
    said: dict[str, list[Candidate]] = {}
    o = observation.c
    columns = (o.field, o.value, o.system, o.gid, o.since, o.read_at, o.source)
    for field, value, system, birth, since, read_at, source in conn.execute(
        select(*columns).where(is_member(o.gid, root)).order_by(o.field, o.system, o.gid)
    ):
        candidate = Candidate(decode(value), system, birth, since, read_at, decode(source))
        said.setdefault(field, []).append(candidate)
    settled: dict[str, Candidate] = {}
    for row in conn.execute(
        select(field_lock).where(is_member(field_lock.c.gid, root)).order_by(field_lock.c.at, field_lock.c.gid.desc())
    ):
        settled[row.field] = Candidate(decode(row.value), MANUAL, row.gid, row.at, row.at, row.actor)
    fields = {}
    for field in sorted(said.keys() | settled.keys()):
        if field in settled:
            lock = settled[field]
            fields[field] = GoldenField(lock.value, lock, tuple(said.get(field, ())), "lock")
        else:
            fields[field] = choose(said[field], policy.fields.get(field, policy.default))
    return GoldenRecord(root, fields)


def golden_values(conn: Connection, gids: Collection[int], field: str, policy: Policy | None = None) -> dict[int, Any]:
    """One field of many golden records, by the ids as given; those without a value are absent. Four statements."""
    if not gids:
        return {}
    chosen = policy or Policy()
    roots = live(conn, gids)
    birth = {root: root for root in roots.values()}
    merged = select(redirect.c.gid, redirect.c.root).where(among(conn, redirect.c.root, set(roots.values())))
    birth |= {row.gid: row.root for row in conn.execute(merged)}
    o, k = observation.c, field_lock.c
    said: dict[int, list[Candidate]] = {}
    rows = select(o.gid, o.value, o.system, o.since, o.read_at).where(among(conn, o.gid, birth), o.field == field)
    for gid, value, system, since, read_at in conn.execute(rows.order_by(o.system, o.gid)):
        said.setdefault(birth[gid], []).append(Candidate(decode(value), system, gid, since, read_at, None))
    found = {root: choose(told, chosen.fields.get(field, chosen.default)).value for root, told in said.items()}
    locked = select(k.gid, k.value).where(among(conn, k.gid, birth), k.field == field).order_by(k.at, k.gid.desc())
    found |= {birth[gid]: decode(value) for gid, value in conn.execute(locked)}
    return {gid: found[root] for gid, root in roots.items() if found.get(root) is not None}


def values_of(conn: Connection, field: str, limit: int = 1000) -> list[Any]:
    """The different values that systems say of a field, whatever the thing; at most `limit`. Reads all observations."""
    rows = select(observation.c.value).where(observation.c.field == field).distinct().limit(limit)
    return [decode(value) for value in conn.execute(rows).scalars()]


def choose(candidates: Sequence[Candidate], policy: FieldPolicy) -> GoldenField:
    """One value among those of at least one candidate, which come in order of system and gid."""
    pool = list(candidates)
    rule: Decision = "only" if len(pool) == 1 else "agreed"
    if policy.blanks == "lose" and not _agree(pool):
        pool, rule = [c for c in pool if not is_blank(c.value)] or pool, "completeness"
    for name in policy.rules:
        if _agree(pool):
            break
        score = _SCORES[name](pool, policy)
        best = max(map(score, pool))
        pool, rule = [c for c in pool if score(c) == best], name
    if not _agree(pool):
        rule = "tie"
    winner = max(pool, key=_priority(pool, policy))  # of those that agree
    return GoldenField(winner.value, winner, tuple(c for c in candidates if c is not winner), rule)


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def _agree(pool: Sequence[Candidate]) -> bool:
    return all(_same(c.value, pool[0].value) for c in pool)


_Score = Callable[[Candidate], int]


def _priority(_: Sequence[Candidate], policy: FieldPolicy) -> _Score:
    ranks = {system: -rank for rank, system in enumerate(policy.sources)}
    return lambda c: ranks.get(c.system, -len(ranks))


def _recency(_: Sequence[Candidate], __: FieldPolicy) -> _Score:
    return lambda c: c.since


def _completeness(_: Sequence[Candidate], __: FieldPolicy) -> _Score:
    return lambda c: size(c.value)


def _frequency(pool: Sequence[Candidate], _: FieldPolicy) -> _Score:
    return lambda c: sum(_same(c.value, other.value) for other in pool)


_SCORES: Mapping[Rule, Callable[[Sequence[Candidate], FieldPolicy], _Score]] = {
    "priority": _priority,
    "recency": _recency,
    "completeness": _completeness,
    "frequency": _frequency,
}
