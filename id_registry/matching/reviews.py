"""Pairs that the matcher could not decide, and what a person says of them: one thing, two things, or later.

A pair stands in the queue once, between the births of two records. Deciding it calls `merge` or `forbid`, so it is
undone, shown and refused like any other merge; what is decided is not proposed again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import orjson
from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from id_registry.components import check_pair, lock_merges
from id_registry.errors import BadCursor, BadInput, UnknownReview
from id_registry.global_ids import KINDS, kind_named
from id_registry.keys import check_text
from id_registry.matching.evidence import Evidence, evidence_from, evidence_text, probability
from id_registry.matching.tables import match_review
from id_registry.merging import allow, forbid, merge, undo
from id_registry.tables import cannot_link, redirect

__all__ = [
    "Decision",
    "Doubt",
    "Review",
    "ReviewPage",
    "ReviewState",
    "count_reviews",
    "decide_review",
    "list_reviews",
    "propose_reviews",
    "read_review",
    "settle_reviews",
]

Decision = Literal["same", "different", "later"]
ReviewState = Literal["open", "later", "same", "different"]
Source = Literal["online", "batch"]
LARGEST_PAGE = 500
_R = match_review.c
_NAMES = {kind.number: name for name, kind in KINDS.items()}


class Doubt(NamedTuple):
    """A pair to be put up, by the births of its records. `weight`: bits with the prior; `evidence` as seen from `a`.

    `merge_event`: the merge that is doubted; the two are one thing as long as it stands."""

    a: int
    b: int
    weight: float
    evidence: tuple[Evidence, ...]
    reason: str = ""
    merge_event: int | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """One pair and what became of it; `a` < `b` are births. Times in microseconds since 1970 UTC."""

    id: int
    kind: str
    a: int
    b: int
    weight: float
    evidence: tuple[Evidence, ...]
    source: str
    reason: str
    state: ReviewState
    created_at: int
    decided_at: int | None
    decided_by: str | None
    why: str
    merge_event: int | None
    until: int | None

    @property
    def probability(self) -> float:
        """That the two are one thing, as far as the evidence goes."""
        return probability(self.weight)


class ReviewPage(NamedTuple):
    items: list[Review]
    next_cursor: str | None


def propose_reviews(conn: Connection, doubts: Iterable[Doubt], source: Source, now: int) -> int:
    """Put pairs up. One that waits gets the newest evidence; one that was decided, or whose two must never be one thing,
    stays as it is. Answers how many are new. Raises SameId, KindsDiffer."""
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for doubt in sorted(doubts, key=lambda d: (min(d.a, d.b), max(d.a, d.b))):
        kind = check_pair(doubt.a, doubt.b)
        low_first = doubt.a < doubt.b
        told = doubt.evidence if low_first else [e.turned() for e in doubt.evidence]
        a, b = (doubt.a, doubt.b) if low_first else (doubt.b, doubt.a)
        rows[a, b] = {
            "kind": KINDS[kind].number, "a": a, "b": b, "weight": doubt.weight, "evidence": evidence_text(told),
            "source": source, "reason": doubt.reason, "state": "open", "created_at": now, "why": "",
            "merge_event": doubt.merge_event,
        }  # fmt: skip
    given = list(rows)
    known: set[tuple[int, int]] = set()
    for start in range(0, len(given), 500):
        part = given[start : start + 500]
        for table in (match_review, cannot_link):
            held = select(table.c.a, table.c.b).where(tuple_(table.c.a, table.c.b).in_(part))
            known |= {(r.a, r.b) for r in conn.execute(held)}
    new = [row for pair, row in rows.items() if pair not in known]
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    for start in range(0, len(new), 500):
        conn.execute(insert(match_review).values(new[start : start + 500]).on_conflict_do_nothing())
    for a, b in sorted(known & rows.keys()):
        row = rows[a, b]
        waits = (_R.a == a) & (_R.b == b) & _R.state.in_(("open", "later"))
        newest = {name: row[name] for name in ("weight", "evidence", "source", "reason", "merge_event")}
        conn.execute(update(match_review).where(waits).values(newest))
    return len(new)


def list_reviews(
    conn: Connection, *, states: Collection[str] = ("open",), kind: str | None = None, source: str | None = None,
    now: int | None = None, cursor: str | None = None, limit: int = 50,
) -> ReviewPage:  # fmt: skip
    """A page, the likeliest pair first. With `now`, what was put off counts as open again when its time has come.

    Raises BadInput (a limit outside 1 to 500, an unknown state), UnknownKind, BadCursor.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadInput(f"limit is {limit}; give 1 to {LARGEST_PAGE}", value=limit, path="limit")
    strange = sorted(set(states) - set(get_args(ReviewState)))
    if strange:
        raise BadInput(f"state is {strange[0]!r}; give {', '.join(get_args(ReviewState))}", value=strange, path="state")
    wanted: ColumnElement[bool] = _R.state.in_(sorted(states))
    if now is not None and "open" in states:
        wanted = or_(wanted, and_(_R.state == "later", _R.until <= now))
    query = select(match_review).where(wanted)
    if kind is not None:
        query = query.where(_R.kind == kind_named(kind).number)
    if source is not None:
        query = query.where(_R.source == source)
    if cursor is not None:
        query = query.where(tuple_(_R.weight, _R.id) < tuple_(*map(literal, _decode(cursor))))
    rows = conn.execute(query.order_by(_R.weight.desc(), _R.id.desc()).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return ReviewPage([_review(row) for row in rows[:limit]], None if last is None else _encode(last))


def count_reviews(conn: Connection) -> dict[tuple[str, str], int]:
    """How many pairs there are by kind and state."""
    query = select(_R.kind, _R.state, func.count()).group_by(_R.kind, _R.state)
    return {(_NAMES[kind], state): n for kind, state, n in conn.execute(query)}


def read_review(conn: Connection, number: int) -> Review:
    """Raises UnknownReview."""
    row = conn.execute(select(match_review).where(_R.id == number)).one_or_none()
    if row is None:
        raise UnknownReview(f"there is no review {number}", number=number)
    return _review(row)


def decide_review(
    conn: Connection, number: int, decision: Decision, *, actor: str, now: int, why: str = "", until: int | None = None
) -> Review:
    """What a person says: `same` merges, `different` forbids, `later` puts the pair off (until a time, or until asked for).

    Saying the same again changes nothing. Another decision replaces the first, where the registry allows it: `same` after
    `different` lifts the ban; `different` after `same` needs the merge undone first; `different` of a merge that was
    doubted undoes it. Until the transaction ends, other
    merges of the kind wait, so of two people who decide at once one is first.

    Raises UnknownReview; AlreadyMerged, MergeForbidden (by another pair), BadInput.
    """
    check_text(actor, "actor")
    check_text(why, "why", empty=True)
    lock_merges(conn, read_review(conn, number).kind)
    review = read_review(conn, number)
    values: dict[str, Any] = {"state": decision, "decided_at": now, "decided_by": actor, "why": why, "until": None}
    if decision == "same":
        allow(conn, review.a, review.b)
        reason = f"review {number}" + (f": {why}" if why else "")
        event = merge(conn, review.a, review.b, actor=actor, reason=reason[:2000], now=now, score=review.weight)
        if event.already and review.state == "same":
            return review
        values["merge_event"] = event.id
    elif decision == "different":
        if review.state in ("open", "later") and review.merge_event is not None:  # it is the merge that is doubted
            undo(conn, review.merge_event, actor=actor, now=now)
        if not forbid(conn, review.a, review.b, actor=actor, now=now) and review.state == "different":
            return review
    elif decision == "later":
        if review.state in ("same", "different"):
            path, hint = "decision", f"it was decided {review.state!r} before; decide same or different"
            raise BadInput(f"review {number} cannot be put off: {hint}", value=decision, path=path, hint=hint)
        values["until"] = until
    else:
        raise BadInput(f"decision is {decision!r}; give same, different or later", value=decision, path="decision")
    conn.execute(update(match_review).where(_R.id == number).values(values))
    if decision != "later":
        settle_reviews(conn, now)  # other pairs of the same two things
    return read_review(conn, number)


def settle_reviews(conn: Connection, now: int) -> int:
    """Close what waits but was settled elsewhere: pairs that are one thing by now, or must never be. Answers how many."""
    waits = _R.state.in_(("open", "later"))
    left, right = redirect.alias("left_of"), redirect.alias("right_of")
    query = (
        select(_R.id)
        .join(left, left.c.gid == _R.a, isouter=True)
        .join(right, right.c.gid == _R.b, isouter=True)
        .where(waits, _R.merge_event.is_(None), func.coalesce(left.c.root, _R.a) == func.coalesce(right.c.root, _R.b))
    )
    told = {"decided_at": now, "decided_by": "matcher", "why": "settled elsewhere"}
    joined = list(conn.scalars(query))
    for start in range(0, len(joined), 500):
        mine = _R.id.in_(joined[start : start + 500])
        conn.execute(update(match_review).where(mine).values(state="same", **told))
    banned = exists().where(cannot_link.c.a == _R.a, cannot_link.c.b == _R.b)
    apart = conn.execute(update(match_review).where(waits, banned).values(state="different", **told))
    return len(joined) + apart.rowcount


def _review(row: Any) -> Review:
    return Review(
        row.id, _NAMES[row.kind], row.a, row.b, row.weight, evidence_from(row.evidence), row.source, row.reason, row.state,
        row.created_at, row.decided_at, row.decided_by, row.why, row.merge_event, row.until,
    )  # fmt: skip


def _encode(row: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([row.weight, row.id])).decode()


def _decode(cursor: str) -> tuple[float, int]:
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError) as e:
        raise BadCursor(value=cursor, path="cursor", hint="give the next_cursor of the page before, or none") from e
    match place:
        case [int(weight) | float(weight), int(number)] if abs(number) < 1 << 63:
            return float(weight), number
    raise BadCursor(value=cursor, path="cursor", hint="give the next_cursor of the page before, or none")
