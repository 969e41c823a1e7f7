"""Taking a thing apart by its records, whichever merges had brought them together."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, select

from id_registry.components import is_member, lock_merges, members
from id_registry.errors import BadInput, UnknownGlobalId
from id_registry.global_ids import format_id, kind_of
from id_registry.merging import MergeEvent, forbid, merge, undo
from id_registry.minting import was_minted
from id_registry.resolving import live
from id_registry.tables import merge_event

__all__ = ["Split", "split"]


class Split(NamedTuple):
    """What a split did: the live ids of the part that stayed and the part that left, the merges it undid, and those it made
    so that either part is still one thing."""

    stayed: int
    left: int
    undone: tuple[MergeEvent, ...]
    made: tuple[MergeEvent, ...]


def split(
    conn: Connection, gid: int, out: Collection[int], *, actor: str, reason: str, now: int, apart: bool = True
) -> Split:
    """The ids `out`, as they were born, are another thing than the rest of what `gid` is. Every merge between the two parts is
    undone; what only held together through the other part is merged again. `apart`: and they must never be one thing again.

    Raises UnknownGlobalId; BadInput if `out` is none or all of its ids, or has one that is not of them.
    """
    lock_merges(conn, kind_of(gid))
    root = live(conn, (gid,))[gid]
    if root == gid and not was_minted(conn, gid):
        raise UnknownGlobalId(f"{format_id(gid)} was never handed out", gid=gid)
    whole, leaving = members(conn, root), set(out)
    if strangers := sorted(leaving - whole):
        raise BadInput(f"{format_id(strangers[0])} is not merged with {format_id(gid)}", value=strangers[0], path="out",
                       hint="give ids of its crosswalk")  # fmt: skip
    if not leaving or leaving == whole:
        raise BadInput(f"a split takes some of the ids of {format_id(gid)}, not all and not none", value=sorted(leaving),
                       path="out", hint="choose the records that are another thing")  # fmt: skip
    e = merge_event.c
    edges = conn.execute(select(e.id, e.a, e.b).where(e.undone_at.is_(None), is_member(e.a, root)).order_by(e.id)).all()
    undone = tuple(
        undo(conn, edge.id, actor=actor, now=now) for edge in edges if (edge.a in leaving) != (edge.b in leaving)
    )
    made: list[MergeEvent] = []
    for part in (leaving, whole - leaving):
        roots = sorted(set(live(conn, part).values()))
        made += [merge(conn, roots[0], other, actor=actor, reason=reason, now=now) for other in roots[1:]]
    a, b = min(whole - leaving), min(leaving)
    if apart:
        forbid(conn, a, b, actor=actor, now=now)
    heads = live(conn, (a, b))
    return Split(heads[a], heads[b], undone, tuple(made))
