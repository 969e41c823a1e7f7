"""What a merge would move, before anybody does it: keys, records, tickets, and which values would stand in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

import id_registry
from core_tickets import tables as ticket_tables
from gateway.sync import tables as sync_tables
from id_registry import Candidate, GoldenField, MergePreview
from id_registry.survivorship import FieldPolicy, choose
from id_registry.values import is_blank

SHOWN = 20
STRONG = frozenset({"credit_code", "serial", "mac"})
"""Two different values of these speak against a merge, whatever else agrees."""
_T = ticket_tables.ticket.c
_OVER = ("closed", "resolved")


class Attribute(NamedTuple):
    """One field of the two golden records and of the one there would be. `conflict`: both say something, and not the same."""

    field: str
    a: Any
    b: Any
    after: Any
    system: str
    rule: str
    conflict: bool
    strong: bool


class Tickets(NamedTuple):
    """Tickets of the thing that would answer with the other's id."""

    total: int
    open: int
    newest: tuple[tuple[int, str, str], ...]
    """(id, title, status) of at most twenty."""


@dataclass(frozen=True, slots=True)
class Preview:
    """`merge`: the registry's part; `links`: (connection, stream, records held) of the thing that would move."""

    merge: MergePreview
    tickets: Tickets
    links: tuple[tuple[str, str, int], ...]
    attributes: tuple[Attribute, ...]

    @property
    def conflicts(self) -> tuple[Attribute, ...]:
        return tuple(each for each in self.attributes if each.conflict)


def preview(conn: Connection, a: int, b: int) -> Preview:
    """What merging would do now; changes nothing. Raises as id_registry.merge does, but for forbidden pairs."""
    merge = id_registry.preview(conn, a, b)
    moved = sorted(merge.moves)
    return Preview(merge, _tickets(conn, moved), _links(conn, moved), _attributes(conn, merge))


def _tickets(conn: Connection, moved: Sequence[int]) -> Tickets:
    if not moved:
        return Tickets(0, 0, ())
    mine = _T.device.in_(moved) | _T.customer.in_(moved)
    states = select(_T.status, func.count()).where(mine).group_by(_T.status)
    by_state: dict[str, int] = dict(conn.execute(states).all())
    newest = conn.execute(select(_T.id, _T.title, _T.status).where(mine).order_by(_T.id.desc()).limit(SHOWN)).all()
    total = sum(by_state.values())
    still = total - sum(n for state, n in by_state.items() if state in _OVER)
    return Tickets(total, still, tuple((row.id, row.title, row.status) for row in newest))


def _links(conn: Connection, moved: Sequence[int]) -> tuple[tuple[str, str, int], ...]:
    if not moved:
        return ()
    r, s = sync_tables.replica.c, sync_tables.replica_stream.c
    query = (
        select(s.connection_id, s.stream, func.count())
        .join_from(sync_tables.replica, sync_tables.replica_stream, s.id == r.stream)
        .where(r.gid.in_(moved), r.deleted_at.is_(None))
        .group_by(s.connection_id, s.stream)
        .order_by(s.connection_id, s.stream)
    )
    return tuple((row[0], row[1], row[2]) for row in conn.execute(query))


def _attributes(conn: Connection, merge: MergePreview) -> tuple[Attribute, ...]:
    if merge.already is not None:
        return ()
    left, right = (id_registry.golden(conn, gid).fields for gid in (merge.a, merge.b))
    return tuple(_attribute(name, left, right) for name in sorted(left.keys() | right.keys()))


def _attribute(name: str, left: Mapping[str, GoldenField], right: Mapping[str, GoldenField]) -> Attribute:
    told = [side[name] for side in (left, right) if name in side]
    locked = [field for field in told if field.rule == "lock"]
    said: list[Candidate] = [c for field in told for c in (field.winner, *field.losers)]
    after = locked[0] if locked else choose(sorted(said, key=lambda c: (c.system, c.gid)), FieldPolicy())
    a, b = (side[name].value if name in side else None for side in (left, right))
    conflict = not is_blank(a) and not is_blank(b) and a != b
    return Attribute(name, a, b, after.value, after.winner.system, after.rule, conflict, name in STRONG)
