"""Merging ids that turned out to be one thing, and taking it back exactly.

The events are the truth: those not undone are the edges of a forest, and its trees are the components. `redirect` is
derived from it. An event is only written when it joins two components, so undoing one always splits one in two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from id_registry.batches import among, chunks, values_parameter
from id_registry.components import births_of, check_known, check_pair, first_born, is_member, lock_merges, members
from id_registry.crosswalk import Xref, crosswalk
from id_registry.errors import AlreadyMerged, MergeForbidden, UnknownMerge
from id_registry.global_ids import format_id, kind_of
from id_registry.keys import check_text
from id_registry.resolving import live
from id_registry.tables import cannot_link, merge_event, redirect

__all__ = [
    "ForbiddenPair",
    "MergeEvent",
    "MergePreview",
    "allow",
    "forbid",
    "forbidden",
    "history",
    "members_of",
    "merge",
    "preview",
    "undo",
    "undone_between",
]


_MEMBERS = {
    "postgresql": "SELECT gid, root FROM redirect WHERE root = ANY(%b::bigint[])",
    "sqlite": "SELECT gid, root FROM redirect WHERE root IN (SELECT value FROM json_each(?))",
}
_UNDONE = {
    "postgresql": """
SELECT id, a, b, winner, loser, at, actor, reason, score, undone_at, undone_by FROM merge_event
WHERE undone_at IS NOT NULL AND a = ANY(%b::bigint[])""",
    "sqlite": """
SELECT id, a, b, winner, loser, at, actor, reason, score, undone_at, undone_by FROM merge_event
WHERE undone_at IS NOT NULL AND a IN (SELECT value FROM json_each(?))""",
}


class ForbiddenPair(NamedTuple):
    """Two ids that somebody has said are two things; `a` is the lower. `at` in microseconds since 1970 UTC."""

    a: int
    b: int
    at: int
    actor: str


@dataclass(frozen=True, slots=True)
class MergeEvent:
    """One merge: that `a` and `b`, as they were given, are one thing. Times in microseconds since 1970 UTC.

    `winner` and `loser` are the two live ids that it joined. `already`: the call that returned this changed nothing,
    because it was so before; of a merge it is then the earlier event that joined the two.
    """

    id: int
    a: int
    b: int
    winner: int
    loser: int
    at: int
    actor: str
    reason: str
    score: float | None = None
    undone_at: int | None = None
    undone_by: str | None = None
    already: bool = False


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge of `a` and `b` would do.

    `already`: the event that made them one thing before, then nothing would move. Else every id in `moves` would answer
    with `winner`, and so would the keys. `forbidden`: the pairs that stand against it; with any, the merge is refused.
    """

    a: int
    b: int
    winner: int
    loser: int
    moves: tuple[int, ...]
    keys: tuple[Xref, ...]
    forbidden: tuple[ForbiddenPair, ...]
    already: MergeEvent | None = None


def preview(conn: Connection, a: int, b: int) -> MergePreview:
    """What `merge` would do now; changes nothing. Raises as `merge` does, but for forbidden pairs."""
    check_pair(a, b)
    winner, loser = _winner_and_loser(conn, a, b)
    if winner == loser:
        return MergePreview(a, b, winner, loser, (), (), (), _joining_event(conn, winner, a, b))
    moves, keys = tuple(sorted(members(conn, loser))), tuple(crosswalk(conn, loser))
    return MergePreview(a, b, winner, loser, moves, keys, tuple(_between(conn, winner, loser)))


def merge(
    conn: Connection, a: int, b: int, *, actor: str, reason: str, now: int, score: float | None = None
) -> MergeEvent:
    """From now on `a` and `b`, and all that is merged with either, are one thing; the one born first is its live id.

    Merging what is one thing already changes nothing and returns the event that joined them, with `already` set.
    Until the transaction ends, other merges of this kind wait.

    Raises SameId, KindsDiffer, BadGlobalId, UnknownGlobalId; MergeForbidden if anything now together with `a` must
    never be one with anything together with `b`; BadInput for an actor or reason that cannot be kept.
    """
    check_text(actor, "actor")
    check_text(reason, "reason", empty=True)
    lock_merges(conn, check_pair(a, b))
    winner, loser = _winner_and_loser(conn, a, b)
    if winner == loser:
        return replace(_joining_event(conn, winner, a, b), already=True)
    if pairs := tuple((pair.a, pair.b) for pair in _between(conn, winner, loser)):
        x, y = map(format_id, pairs[0])
        why = f"{format_id(a)} and {format_id(b)} cannot be merged: {x} and {y} must never be one thing"
        raise MergeForbidden(why, a=a, b=b, pairs=pairs, hint="allow() the pair first, if that was wrong")
    values = {"a": a, "b": b, "winner": winner, "loser": loser, "at": now, "actor": actor, "reason": reason}
    event_id = conn.scalars(insert(merge_event).values(values | {"score": score}).returning(merge_event.c.id)).one()
    conn.execute(update(redirect).where(redirect.c.root == loser).values(root=winner))
    conn.execute(insert(redirect).values(gid=loser, root=winner))
    return MergeEvent(event_id, a, b, winner, loser, now, actor, reason, score)


def undo(conn: Connection, event_id: int, *, actor: str, now: int) -> MergeEvent:
    """Take one merge back, whichever came after it: the component falls into the two that its other merges make.

    Undoing it again changes nothing and returns the event as it is, with `already` set. It does not forbid the pair.
    Raises UnknownMerge; BadInput for an actor that cannot be kept.
    """
    check_text(actor, "actor")
    lock_merges(conn, kind_of(_event(conn, event_id).a))
    event = _event(conn, event_id)
    if event.undone_at is not None:
        return replace(event, already=True)
    root = live(conn, (event.a,))[event.a]
    conn.execute(update(merge_event).where(merge_event.c.id == event_id).values(undone_at=now, undone_by=actor))
    side = set(_reachable(event.a, _edges(conn, root)))
    if root in side:
        side = members(conn, root) - side
    head = first_born(side, births_of(conn, side))
    conn.execute(delete(redirect).where(redirect.c.gid == head))
    conn.execute(update(redirect).where(among(conn, redirect.c.gid, side)).values(root=head))
    return replace(event, undone_at=now, undone_by=actor)


def history(conn: Connection, gid: int) -> list[MergeEvent]:
    """Every merge, undone or not, that touched this id or any that is one thing with it now; oldest first."""
    root = live(conn, (gid,))[gid]
    touched = or_(is_member(merge_event.c.a, root), is_member(merge_event.c.b, root))
    return [MergeEvent(*row) for row in conn.execute(select(merge_event).where(touched).order_by(merge_event.c.id))]


def members_of(conn: Connection, roots: Iterable[int]) -> dict[int, set[int]]:
    """Of live ids: all ids that each stands for, itself included. One statement per 5,000."""
    found = {root: {root} for root in roots}
    for chunk in chunks(sorted(found)):
        for gid, root in conn.exec_driver_sql(_MEMBERS[conn.dialect.name], (values_parameter(conn, chunk),)):
            found[root].add(gid)
    return found


def undone_between(conn: Connection, gids: Iterable[int]) -> list[MergeEvent]:
    """The merges with both ends among these that somebody took back, in order. One statement per 5,000."""
    wanted = set(gids)
    found: list[MergeEvent] = []
    for chunk in chunks(sorted(wanted)):
        rows = conn.exec_driver_sql(_UNDONE[conn.dialect.name], (values_parameter(conn, chunk),))
        found += [event for event in (MergeEvent(*row) for row in rows) if event.b in wanted]
    return sorted(found, key=lambda event: event.id)


def forbid(conn: Connection, a: int, b: int, *, actor: str, now: int) -> bool:
    """`a` and `b` must never be one thing, nor anything merged with them. True: new; False: it was forbidden before.

    Raises AlreadyMerged if they are one thing now; SameId, KindsDiffer, BadGlobalId, UnknownGlobalId, BadInput.
    """
    check_text(actor, "actor")
    lock_merges(conn, check_pair(a, b))
    winner, loser = _winner_and_loser(conn, a, b)
    if winner == loser:
        event = _joining_event(conn, winner, a, b)
        why = f"{format_id(a)} and {format_id(b)} are one thing since merge {event.id}"
        raise AlreadyMerged(why, a=a, b=b, event_id=event.id, hint=f"undo merge {event.id} first")
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    row = {"a": min(a, b), "b": max(a, b), "at": now, "actor": actor}
    added = make(cannot_link).values(row).on_conflict_do_nothing().returning(cannot_link.c.a)
    return conn.execute(added).one_or_none() is not None


def allow(conn: Connection, a: int, b: int) -> bool:
    """Take `forbid` back, for exactly this pair. False: it was not forbidden.

    Raises SameId, KindsDiffer, BadGlobalId.
    """
    lock_merges(conn, check_pair(a, b))
    pair = (cannot_link.c.a == min(a, b)) & (cannot_link.c.b == max(a, b))
    return conn.execute(delete(cannot_link).where(pair)).rowcount == 1


def forbidden(conn: Connection, gid: int) -> list[ForbiddenPair]:
    """The forbidden pairs with this id or any that is one thing with it now."""
    root = live(conn, (gid,))[gid]
    touched = or_(is_member(cannot_link.c.a, root), is_member(cannot_link.c.b, root))
    rows = conn.execute(select(cannot_link).where(touched).order_by(cannot_link.c.a, cannot_link.c.b))
    return [ForbiddenPair(*row) for row in rows]


def _winner_and_loser(conn: Connection, a: int, b: int) -> tuple[int, int]:
    """The live ids of the two, the one that would stand for both first. Raises UnknownGlobalId."""
    roots = live(conn, (a, b))
    births = births_of(conn, {a, b, *roots.values()})
    check_known(conn, (a, b), births)
    winner = first_born(set(roots.values()), births)
    return winner, roots[b] if winner == roots[a] else roots[a]


def _between(conn: Connection, root: int, other: int) -> list[ForbiddenPair]:
    """The forbidden pairs with one end in each of two components."""
    a, b = cannot_link.c.a, cannot_link.c.b
    across = or_(is_member(a, root) & is_member(b, other), is_member(a, other) & is_member(b, root))
    return [ForbiddenPair(*row) for row in conn.execute(select(cannot_link).where(across).order_by(a, b))]


def _event(conn: Connection, event_id: int) -> MergeEvent:
    row = conn.execute(select(merge_event).where(merge_event.c.id == event_id)).one_or_none()
    if row is None:
        raise UnknownMerge(f"there is no merge {event_id}", event_id=event_id)
    return MergeEvent(*row)


class _Edge(NamedTuple):
    id: int
    a: int
    b: int


def _edges(conn: Connection, root: int) -> list[_Edge]:
    """The merges that make up a component: those not undone."""
    e = merge_event.c
    rows = conn.execute(select(e.id, e.a, e.b).where(e.undone_at.is_(None), is_member(e.a, root)))
    return [_Edge(*row) for row in rows]


def _joining_event(conn: Connection, root: int, a: int, b: int) -> MergeEvent:
    """The merge that made one thing of two: in a forest, the latest on the only way from one to the other."""
    came_by = _reachable(a, _edges(conn, root))
    way, at = [], b
    while at != a:
        edge = came_by[at]
        assert edge is not None
        way.append(edge.id)
        at = edge.a if at == edge.b else edge.b
    return _event(conn, max(way))


def _reachable(start: int, edges: Iterable[_Edge]) -> dict[int, _Edge | None]:
    """All ids that the edges connect with `start`, each with the edge by which it was reached."""
    touching: dict[int, list[_Edge]] = {}
    for edge in edges:
        touching.setdefault(edge.a, []).append(edge)
        touching.setdefault(edge.b, []).append(edge)
    came_by: dict[int, _Edge | None] = {start: None}
    todo = deque([start])
    while todo:
        at = todo.popleft()
        for edge in touching.get(at, ()):
            other = edge.a if at == edge.b else edge.b
            if other not in came_by:
                came_by[other] = edge
                todo.append(other)
    return came_by
