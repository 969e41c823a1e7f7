"""Exact linking: records of different systems with the same strong key are one thing.

A record's keys are written with the record; comparing follows in transactions of its own, so neither a crash in between
nor two systems that bring the same company at once loses a link. A key that several records of one system have names
none of them; two things that differ in another strong key are two, whatever else they share; and what a person took
apart is not put together again. Where a key is changed or given up, those that it had kept apart are compared anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, delete, select, tuple_, update

import id_registry
from gateway import rows
from gateway.sync.strong_keys import STRONG, strong_keys_of
from gateway.sync.tables import strong_key
from id_registry import MergeForbidden

log = structlog.get_logger(__name__)

BATCH = 200
KINDS = frozenset(STRONG)
_COLUMNS = ("kind", "system", "local", "name", "value", "gid", "pending")
_K = strong_key.c


class Linked(NamedTuple):
    """What one batch did: keys compared, things merged, and why others were not."""

    compared: int
    merged: int
    vetoes: tuple[str, ...]


class _Keyed(NamedTuple):
    system: str
    local: str
    gid: int


def note_keys(
    conn: Connection, kind: str, system: str, records: Mapping[str, Mapping[str, Any]], births: Mapping[str, int]
) -> None:
    """Write down the strong keys of these records ({local id: values}) in place of those they had."""
    new = [
        (kind, system, local, name, value, births[local], True)
        for local, values in sorted(records.items())
        for name, value in sorted(strong_keys_of(kind, values).items())
    ]
    locals_ = sorted(records)
    had: set[tuple[str, str, str]] = set()
    for start in range(0, len(locals_), 500):
        part = (_K.kind == kind, _K.system == system, _K.local.in_(locals_[start : start + 500]))
        had |= {(r.local, r.name, r.value) for r in conn.execute(select(_K.local, _K.name, _K.value).where(*part))}
    given_up = had - {(row[2], row[3], row[4]) for row in new}
    otherwise = {local for local, _, _ in given_up}
    changed = [row for row in new if (row[2], row[3], row[4]) not in had or row[2] in otherwise]
    gone = sorted({(local, name) for local, name, _ in had} - {(row[2], row[3]) for row in new})
    for start in range(0, len(gone), 500):
        lost = tuple_(_K.local, _K.name).in_(gone[start : start + 500])
        conn.execute(delete(strong_key).where(_K.kind == kind, _K.system == system, lost))
    _compare_again(conn, kind, given_up)
    rows.upsert(conn, strong_key, _COLUMNS, changed)


def forget_keys(conn: Connection, kind: str, system: str, locals_: Iterable[str]) -> None:
    """Records that are gone say nothing of identity any more."""
    wanted = sorted(locals_)
    for start in range(0, len(wanted), 500):
        mine = (_K.kind == kind, _K.system == system, _K.local.in_(wanted[start : start + 500]))
        lost = conn.execute(delete(strong_key).where(*mine).returning(_K.local, _K.name, _K.value))
        _compare_again(conn, kind, {(r.local, r.name, r.value) for r in lost})


def _compare_again(conn: Connection, kind: str, given_up: Iterable[tuple[str, str, str]]) -> None:
    """Who else has a key that a record gave up: it may name one thing now where it named none."""
    values = sorted({(name, value) for _, name, value in given_up})
    for start in range(0, len(values), 500):
        same = tuple_(_K.name, _K.value).in_(values[start : start + 500])
        conn.execute(update(strong_key).where(_K.kind == kind, same).values(pending=True))


def link(conn: Connection, kind: str, now: int) -> Linked:
    """Compare up to a batch of new keys with those of other systems, and merge what they say is one thing."""
    # the registry's own lock: whoever else merges things of this kind waits, so what is read here stays so
    id_registry.components.lock_merges(conn, kind)
    waiting = select(_K.system, _K.local, _K.name, _K.value).where(_K.kind == kind, _K.pending.is_(True))
    found = conn.execute(waiting.order_by(_K.name, _K.value, _K.system, _K.local).limit(BATCH)).all()
    merged, vetoes = 0, []
    for name, value in sorted({(r.name, r.value) for r in found}):
        did, why_not = _link_one(conn, kind, name, value, now)
        merged += did
        vetoes += why_not
    # with the value: one that another run wrote in its place meanwhile was not compared
    compared = tuple_(_K.system, _K.local, _K.name, _K.value).in_([tuple(r) for r in found])
    conn.execute(update(strong_key).where(_K.kind == kind, compared).values(pending=False))
    for veto in vetoes:
        log.warning("link.refused", kind=kind, reason=veto)
    return Linked(len(found), merged, tuple(vetoes))


def _link_one(conn: Connection, kind: str, name: str, value: str, now: int) -> tuple[int, list[str]]:
    same = (_K.kind == kind, _K.name == name, _K.value == value)
    query = select(_K.system, _K.local, _K.gid).where(*same).order_by(_K.gid)
    records = [_Keyed(*row) for row in conn.execute(query)]
    first, *others = records
    if not others:
        return 0, []
    systems = [r.system for r in records]
    several = sorted({system for system in systems if systems.count(system) > 1})
    if several:
        return 0, [f"{name} {value}: {', '.join(several)} has several records with it, so it names none of them"]
    merged, vetoes = 0, []
    for other in others:
        live = id_registry.live(conn, [first.gid, other.gid])
        if live[first.gid] == live[other.gid]:
            continue
        veto = _conflict(conn, live[first.gid], live[other.gid])
        if veto:
            vetoes.append(f"{name} {value}: {_told(first)} and {_told(other)} {veto}")
            continue
        reason = f"same {name} {value}: {_told(first)}, {_told(other)}"
        try:
            id_registry.merge(conn, first.gid, other.gid, actor="strong-key", reason=reason, now=now)
        except MergeForbidden as error:
            vetoes.append(str(error))
            continue
        merged += 1
    return merged, vetoes


def _conflict(conn: Connection, a: int, b: int) -> str:
    """Why two things are two although they share a key; empty: nothing says so."""
    for event in id_registry.history(conn, a):
        if event.undone_at is not None and set(id_registry.live(conn, [event.a, event.b]).values()) == {a, b}:
            return f"were taken apart by {event.undone_by} (merge {event.id})"
    left, right = _keys_of(conn, a), _keys_of(conn, b)
    for name in sorted(left.keys() & right.keys()):
        if left[name] != right[name]:
            return f"differ in {name}: {', '.join(sorted(left[name]))} and {', '.join(sorted(right[name]))}"
    return ""


def _keys_of(conn: Connection, root: int) -> dict[str, set[str]]:
    members = sorted(id_registry.components.members(conn, root))
    found: dict[str, set[str]] = {}
    for row in conn.execute(select(_K.name, _K.value).where(_K.gid.in_(members))):
        found.setdefault(row.name, set()).add(row.value)
    return found


def _told(record: _Keyed) -> str:
    return f"{record.local} of {record.system}"
