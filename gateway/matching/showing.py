"""Reviews, decisions and previews as API and command line show them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

import id_registry
from gateway import clock
from gateway.matching.previewing import Preview, preview
from id_registry import format_id
from id_registry.matching import Decided, Evidence, Review

NAMES = ("name", "short_name", "model", "serial")
"""Fields that tell a person which thing is meant, the best first."""


def review_shape(conn: Connection, review: Review) -> dict[str, Any]:
    """A pair as a list shows it."""
    live = id_registry.live(conn, [review.a, review.b])
    return {
        "id": review.id, "kind": review.kind, "state": review.state, "source": review.source,
        "a": _named(conn, review.a, live[review.a]), "b": _named(conn, review.b, live[review.b]),
        "one_thing": live[review.a] == live[review.b],
        "weight": round(review.weight, 2), "probability": round(review.probability, 4), "reason": review.reason,
        "created_at": clock.rfc3339(review.created_at), "decided_at": clock.rfc3339(review.decided_at),
        "decided_by": review.decided_by, "why": review.why, "until": clock.rfc3339(review.until),
    }  # fmt: skip


def review_whole(conn: Connection, review: Review) -> dict[str, Any]:
    """A pair with its evidence side by side, what merging would move, and what became of it."""
    events = id_registry.history(conn, review.a)
    merged = next((event_shape(e) for e in events if e.id == review.merge_event), None)
    return review_shape(conn, review) | {
        "evidence": evidence_shape(review.evidence),
        "sides": {"a": _side(conn, review.a), "b": _side(conn, review.b)},
        "preview": preview_shape(preview(conn, review.a, review.b)),
        "merge": merged,
    }


def evidence_shape(evidence: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    return [
        {"field": e.field, "a": e.a, "b": e.b, "level": e.level, "bits": round(e.bits, 2), "note": e.note} for e in evidence
    ]  # fmt: skip


def decision_shape(decided: Decided) -> dict[str, Any]:
    """One decision of the matcher."""
    return {
        "id": decided.id, "record": format_id(decided.gid), "other": None if decided.other is None else format_id(decided.other),
        "outcome": decided.outcome, "weight": None if decided.weight is None else round(decided.weight, 2),
        "candidates": decided.candidates, "evidence": evidence_shape(decided.evidence), "model": decided.model,
        "at": clock.rfc3339(decided.at), "merge": decided.merge_event,
    }  # fmt: skip


def preview_shape(found: Preview) -> dict[str, Any]:
    """What a merge would move."""
    m = found.merge
    return {
        "a": format_id(m.a), "b": format_id(m.b), "winner": format_id(m.winner), "loser": format_id(m.loser),
        "already": None if m.already is None else event_shape(m.already),
        "moves": [format_id(gid) for gid in m.moves],
        "keys": [{"system": x.system, "local_id": x.local, "birth_id": format_id(x.birth)} for x in m.keys],
        "links": [{"connection": c, "stream": s, "records": n} for c, s, n in found.links],
        "tickets": {
            "count": found.tickets.total, "open": found.tickets.open,
            "items": [{"id": format_id(i), "title": title, "status": status} for i, title, status in found.tickets.newest],
        },
        "attributes": [
            {"field": x.field, "a": x.a, "b": x.b, "after": x.after, "system": x.system, "rule": x.rule,
             "conflict": x.conflict, "strong": x.strong}
            for x in found.attributes
        ],
        "conflicts": [x.field for x in found.conflicts],
        "forbidden": [
            {"a": format_id(p.a), "b": format_id(p.b), "at": clock.rfc3339(p.at), "actor": p.actor} for p in m.forbidden
        ],
    }  # fmt: skip


def event_shape(event: id_registry.MergeEvent) -> dict[str, Any]:
    """A merge, undone or not."""
    return {
        "id": event.id, "a": format_id(event.a), "b": format_id(event.b), "winner": format_id(event.winner),
        "loser": format_id(event.loser), "at": clock.rfc3339(event.at), "actor": event.actor, "reason": event.reason,
        "already": event.already, "undone_at": clock.rfc3339(event.undone_at), "undone_by": event.undone_by,
    }  # fmt: skip


def _named(conn: Connection, gid: int, live: int) -> dict[str, Any]:
    record = id_registry.golden(conn, live).fields
    name = next((str(record[f].value) for f in NAMES if f in record and record[f].value not in (None, "")), "")
    return {"id": format_id(gid), "live": format_id(live), "name": name}


def _side(conn: Connection, gid: int) -> dict[str, Any]:
    """One side: its names in every system, and what all of them say of it."""
    live = id_registry.live(conn, [gid])[gid]
    record = id_registry.golden(conn, live).fields
    return {
        "id": format_id(gid), "live": format_id(live),
        "crosswalk": [
            {"system": x.system, "local_id": x.local, "birth_id": format_id(x.birth)}
            for x in id_registry.crosswalk(conn, live)
        ],
        "fields": [
            {"field": name, "value": f.value, "system": f.winner.system, "rule": f.rule,
             "others": [{"system": c.system, "value": c.value} for c in f.losers]}
            for name, f in record.items()
        ],
    }  # fmt: skip
