"""Proposals: what the hub would do, why, and what a person decided. One per kind and subject, for ever: what was
rejected is not proposed again, what was accepted is done once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import Connection, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

import id_registry
from gateway.config.hub import Hub
from gateway.errors import NotFound
from gateway.learning.tables import proposal
from gateway.service import Gateway
from gateway.tokens import Right

State = Literal["proposed", "accepted", "rejected", "stale"]
STATES: tuple[State, ...] = ("proposed", "accepted", "rejected", "stale")
_C = proposal.c


class Found(NamedTuple):
    """Something to propose. `subject` names it once and for all; `evidence` is told to who decides, as JSON can hold it."""

    subject: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """`state`: proposed, accepted, rejected, or stale: what it was proposed for is not so any more."""

    id: int
    kind: str
    subject: str
    evidence: Mapping[str, Any]
    state: State
    made_at: int
    by: str = ""
    why: str = ""
    decided_at: int | None = None
    effect: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ProposalKind:
    """A thing the hub may propose."""

    name: str
    right: Right
    """What it takes to decide."""
    find: Callable[[Gateway, Hub, int], Sequence[Found]]
    """All there is to propose now, however often it was found before; a bounded number. It opens its own transactions."""
    stale: Callable[[Connection, Hub, Sequence[Proposal], int], Mapping[int, str]]
    """Those that hold no more, by id, each with the reason. A constant number of statements."""
    accept: Callable[[Connection, Gateway, Proposal, Mapping[str, Any], str, int], Mapping[str, Any]]
    """Do it, as this actor, and answer what was done. Raises what the hub refuses; then nothing is decided."""
    takes: frozenset[str] = frozenset()
    """What whoever accepts may change, by name."""


class Page(NamedTuple):
    items: list[Proposal]
    next_cursor: str | None


def propose(conn: Connection, kind: str, found: Sequence[Found], now: int) -> int:
    """Put these up, in order of their subjects; what stands already keeps its number and gets the newest evidence, what
    was decided stays decided. Answers how many are up."""
    if not found:
        return 0
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    by_subject = {each.subject: each for each in found}
    rows = [
        {"kind": kind, "subject": subject, "evidence": orjson.dumps(each.evidence).decode(), "state": "proposed",
         "made_at": now}
        for subject, each in sorted(by_subject.items())
    ]  # fmt: skip
    statement = insert(proposal).values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "subject"],
        set_={"evidence": statement.excluded.evidence, "state": "proposed", "decided_at": None, "why": "",
              "made_at": case((_C.state == "stale", now), else_=_C.made_at)},
        where=_C.state.in_(("proposed", "stale")),
    )  # fmt: skip
    return len(conn.execute(statement.returning(_C.id)).all())


def listed(
    conn: Connection, kinds: Collection[str] | None = None, states: Collection[str] | None = None,
    cursor: int | None = None, limit: int = 50,
) -> Page:  # fmt: skip
    """The newest first. `cursor`: the last number of the page before."""
    query = select(proposal).order_by(_C.id.desc()).limit(limit + 1)
    for column, wanted in ((_C.kind, kinds), (_C.state, states)):
        if wanted is not None:
            query = query.where(column.in_(sorted(wanted)))
    if cursor is not None:
        query = query.where(_C.id < cursor)
    rows = [_of(row) for row in conn.execute(query)]
    return Page(rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None)


def get(conn: Connection, number: int, *, locked: bool = False) -> Proposal:
    """Raises NotFound."""
    query = select(proposal).where(_C.id == number)
    row = conn.execute(query.with_for_update() if locked else query).first()
    if row is None:
        raise NotFound(f"There is no proposal {number}; `weft proposals list` shows those there are.")
    return _of(row)


def decide(
    conn: Connection, number: int, state: State, by: str, why: str, now: int, effect: Mapping[str, Any] | None = None
) -> None:
    """Write a decision down."""
    told = None if effect is None else orjson.dumps(effect).decode()
    values = {"state": state, "by": by, "why": why, "decided_at": now, "effect": told}
    conn.execute(update(proposal).where(_C.id == number).values(values))


def retire(conn: Connection, gone: Mapping[int, str], now: int) -> None:
    """These hold no more; those decided in the meantime stay decided."""
    if not gone:
        return
    whys = case(*((_C.id == number, why) for number, why in sorted(gone.items())), else_="")
    mine = _C.id.in_(sorted(gone)) & (_C.state == "proposed")
    conn.execute(update(proposal).where(mine).values(state="stale", why=whys, decided_at=now))


def decided(conn: Connection, kinds: Collection[str], subjects: Collection[str]) -> set[tuple[str, str]]:
    """Those of these that somebody accepted or rejected."""
    query = select(_C.kind, _C.subject).where(
        _C.kind.in_(sorted(kinds)),
        _C.subject.in_(sorted(subjects)),
        or_(_C.state == "accepted", _C.state == "rejected"),
    )
    return {(row.kind, row.subject) for row in conn.execute(query)}


def cleaned_up(conn: Connection) -> set[int]:
    """The tickets that were closed because such a proposal was accepted: nobody's work, and no solution."""
    query = select(_C.evidence).where(_C.state == "accepted", _C.kind.in_(("zombie", "duplicate")))
    return {id_registry.parse_id(orjson.loads(evidence)["ticket"]) for evidence in conn.execute(query).scalars()}


def _of(row: Any) -> Proposal:
    effect = None if row.effect is None else orjson.loads(row.effect)
    return Proposal(row.id, row.kind, row.subject, orjson.loads(row.evidence), row.state, row.made_at, row.by, row.why,
                    row.decided_at, effect)  # fmt: skip
