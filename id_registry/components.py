"""Which ids count as one thing: `redirect` holds every merged id's live one, one hop away.

Of a component the live id is the one born first (tie: the lower gid; an id that no system uses comes after all that
are used). It follows from the members alone, so it does not matter in which order they were merged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import BigInteger, ColumnElement, Connection, literal, select, union_all, update

from id_registry.batches import among
from id_registry.errors import BadTransaction, KindsDiffer, SameId, UnknownGlobalId
from id_registry.global_ids import KINDS, format_id, kind_of
from id_registry.minting import was_minted
from id_registry.tables import redirect, xref

__all__ = ["births_of", "check_known", "check_pair", "first_born", "is_member", "lock_merges", "members"]

_MERGE_LOCK = 0x77656674
"""Advisory lock (32 bits, "weft") together with the kind's number: who changes components of a kind goes one by one."""
_FOREVER = 1 << 63


def check_pair(a: int, b: int) -> str:
    """The kind of both. Raises BadGlobalId, SameId, KindsDiffer."""
    kind, other = kind_of(a), kind_of(b)
    if a == b:
        raise SameId(f"{format_id(a)} was given twice; this takes two different ids", a=a, b=b)
    if kind != other:
        raise KindsDiffer(f"{format_id(a)} is a {kind} and {format_id(b)} a {other}: never one thing", a=a, b=b)
    return kind


def lock_merges(conn: Connection, kind: str) -> None:
    """Wait for other transactions that change components of this kind, and keep them waiting until this one ends.

    Raises BadTransaction where later statements would not see what the others did.
    """
    if conn.dialect.name != "postgresql":
        # Takes SQLite's one write lock before anything is read, in case the transaction has not begun as IMMEDIATE.
        conn.execute(update(redirect).where(redirect.c.gid == 0).values(root=redirect.c.root))
        return
    lock = "SELECT current_setting('transaction_isolation') FROM pg_advisory_xact_lock(%s, %s)"
    isolation = conn.exec_driver_sql(lock, (_MERGE_LOCK, KINDS[kind].number)).scalar_one()
    if isolation != "read committed":
        raise BadTransaction(f"merges need READ COMMITTED, this transaction is {str(isolation).upper()}")


def is_member(gid: ColumnElement[int], root: int) -> ColumnElement[bool]:
    """Condition: the id is one of those that `root` stands for, itself included."""
    return gid.in_(union_all(select(redirect.c.gid).where(redirect.c.root == root), select(literal(root, BigInteger))))


def members(conn: Connection, root: int) -> set[int]:
    """The ids that `root` stands for, itself included."""
    return {root, *conn.scalars(select(redirect.c.gid).where(redirect.c.root == root))}


def births_of(conn: Connection, gids: Collection[int]) -> dict[int, int]:
    """When each id came to be: the first sight of the key it was minted for. Without those that no system uses."""
    return dict(conn.execute(select(xref.c.gid, xref.c.first_seen).where(among(conn, xref.c.gid, gids))).all())


def first_born(gids: Collection[int], births: Mapping[int, int]) -> int:
    """The one of these ids that stands for them all."""
    return min(gids, key=lambda gid: (births.get(gid, _FOREVER), gid))


def check_known(conn: Connection, gids: Collection[int], births: Mapping[int, int]) -> None:
    """Raises UnknownGlobalId for the first id that was never handed out."""
    for gid in gids:
        if gid not in births and not was_minted(conn, gid):
            raise UnknownGlobalId(f"{format_id(gid)} was never handed out", gid=gid)
