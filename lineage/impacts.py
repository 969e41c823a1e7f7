"""Impact: what depends on a value. Predicted, from the schema graph; and done, from what was really written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select

from lineage import tables
from lineage.graph import FieldGraph
from lineage.state import state_of
from lineage.walk import Node, Subgraph
from lineage.writes import writes_of

_INSTANCES = 1000


class Done(NamedTuple):
    """An outbound action of the record, in its latest state. `predicted`: the graph says that it depends on the
    field."""

    rule: str
    dataset: str
    key: str
    state: str
    first_at: int
    at: int
    predicted: bool


@dataclass(frozen=True, slots=True)
class Impact:
    """What depends on a field of a record. `fed`: records that took a value from this one; `siblings`: records fed by
    the same shared source records. Both are cut at 1,000, and `truncated` then says so (of the graph it says so
    itself)."""

    rec: int
    field: str
    predicted: Subgraph
    done: tuple[Done, ...]
    fed: tuple[int, ...]
    siblings: tuple[int, ...]
    truncated: bool


def impact(
    conn: Connection, rec: int, field: str, *, graph: FieldGraph, dataset: str = "Ticket", depth: int | None = None
) -> Impact:
    """What depends on a field of a record, which is one of `dataset` in the graph. Needs no origin to be known."""
    predicted = graph.downstream(Node.of(dataset, field), depth)
    rules = {edge.via for edge in predicted.edges}
    sources = {source for write in writes_of(conn, rec, field) for source in write.sources}
    fed, more_fed = _readers(conn, {rec}, rec)
    siblings, more_siblings = _readers(conn, sources, rec)
    return Impact(rec, field, predicted, _done(conn, rec, rules), fed, siblings, more_fed or more_siblings)


def readers(conn: Connection, landing: int, *, limit: int = _INSTANCES) -> tuple[int, ...]:
    """The records fed by a shared source record, by rising id."""
    return _readers(conn, {landing}, -1, limit)[0]


def _readers(
    conn: Connection, sources: set[int], besides: int, limit: int = _INSTANCES
) -> tuple[tuple[int, ...], bool]:
    if not sources:
        return (), False
    t = tables.prov_src.c
    query = select(t.rec).where(t.src.in_(sorted(sources)), t.rec != besides).distinct().order_by(t.rec)
    found = conn.execute(query.limit(limit + 1)).scalars().all()
    return tuple(found[:limit]), len(found) > limit


def _done(conn: Connection, rec: int, rules: set[str]) -> tuple[Done, ...]:
    """The latest state of each action, in the order in which they were first noted."""
    t = tables.effect.c
    rows = conn.execute(select(t.rule, t.dataset, t.key, t.state, t.at).where(t.rec == rec).order_by(t.seq)).all()
    names = state_of(conn).datasets.keys(conn, {row.dataset for row in rows})
    done: dict[tuple[str, int, str], Done] = {}
    for row in rows:
        action = (row.rule, row.dataset, row.key)
        first = done[action].first_at if action in done else row.at
        done[action] = Done(row.rule, names[row.dataset], row.key, row.state, first, row.at, row.rule in rules)
    return tuple(done.values())
