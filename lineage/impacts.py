"""Impact: what depends on a value. Predicted, from the schema graph; and done, from what was really written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from lineage.graph import FieldGraph
from lineage.reading import any_of, placeholder, rows
from lineage.state import state_of
from lineage.walk import Node, Subgraph
from lineage.writes import sources_of

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
    fed, more_fed = _readers(conn, (rec,), rec)
    siblings, more_siblings = _readers(conn, sources_of(conn, rec, field), rec)
    return Impact(rec, field, predicted, _done(conn, rec, rules), fed, siblings, more_fed or more_siblings)


def readers(conn: Connection, landing: int, *, limit: int = _INSTANCES) -> tuple[int, ...]:
    """The records fed by a shared source record, by rising id."""
    return _readers(conn, (landing,), -1, limit)[0]


def _readers(
    conn: Connection, sources: Sequence[int], besides: int, limit: int = _INSTANCES
) -> tuple[tuple[int, ...], bool]:
    """The records fed by any of these sources, and whether there are more than the limit."""
    if not sources:
        return (), False
    among, parameters = any_of(conn, sources)
    statement = _READERS.format(among, placeholder(conn))
    found = tuple(rec for (rec,) in rows(conn, statement, (*parameters, besides, limit + 1)))
    return found[:limit], len(found) > limit


def _done(conn: Connection, rec: int, rules: set[str]) -> tuple[Done, ...]:
    """The latest state of each action, in the order in which they were first noted."""
    effects = rows(conn, _EFFECTS.format(placeholder(conn)), (rec,))
    names = state_of(conn).datasets.keys(conn, {dataset for _, dataset, *_ in effects})
    done: dict[tuple[str, int, str], Done] = {}
    for rule, dataset, key, state, at in effects:
        action = (rule, dataset, key)
        first = done[action].first_at if action in done else at
        done[action] = Done(rule, names[dataset], key, state, first, at, rule in rules)
    return tuple(done.values())


_READERS = "SELECT DISTINCT rec FROM lineage_prov_src WHERE src {0} AND rec <> {1} ORDER BY rec LIMIT {1}"
_EFFECTS = "SELECT rule, dataset, key, state, at FROM lineage_effect WHERE rec = {} ORDER BY seq"
