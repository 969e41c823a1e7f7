"""The field graph of a whole plan: the edges of its stages joined into edges from source to outcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lineage.plans import Plan
from mappings import EVERY_FIELD, Dependency, Edge, Path


class PlanEdge(NamedTuple):
    """A field of the outcome (`*`: all of it) depends on a path of the source record, or of the facts
    (`ids.device`)."""

    field: str
    path: Path
    how: Dependency
    masking: bool
    from_facts: bool


_KINDS = {(d.type, d.subtype): d for d in Dependency}
_STRENGTH = [
    Dependency.IDENTITY,
    Dependency.TRANSFORMATION,
    Dependency.AGGREGATION,
    Dependency.CONDITIONAL,
    Dependency.FILTER,
]


def plan_edges(plan: Plan) -> list[PlanEdge]:
    """Every dependency of a plan's fields, each (field, path, kind) once; masked only if every such way is."""
    found: dict[tuple[str, Path, Dependency, bool], bool] = {}
    for number in range(len(plan.stages)):
        last = number == len(plan.stages) - 1
        for edge in plan.stages[number].edges:
            if last or edge.target_field == EVERY_FIELD:
                name = EVERY_FIELD if edge.target_field == EVERY_FIELD else plan.prefix + edge.target_field
                for path, how, masking, fact in _sources(plan, number, edge):
                    key = (name, path, how, fact)
                    found[key] = found.get(key, True) and masking
    return [PlanEdge(name, path, how, masking, fact) for (name, path, how, fact), masking in found.items()]


def _sources(plan: Plan, stage: int, edge: Edge) -> Iterable[tuple[Path, Dependency, bool, bool]]:
    """Where an edge of a stage comes from in the source record, through the stages before it."""
    how = _KINDS[edge.type, edge.subtype]
    path = edge.source_path
    if stage == 0:
        yield path, how, edge.masking, False
        return
    before = plan.stages[stage - 1]
    if path and path[0] not in before.fields:
        yield path, how, edge.masking, True
        return
    for inner in before.edges:
        if inner.target_field == EVERY_FIELD or (path and inner.target_field != path[0]):
            continue
        for source, way, masking, fact in _sources(plan, stage - 1, inner):
            whole = source + path[1:] if way is Dependency.IDENTITY else source
            yield whole, max(how, way, key=_STRENGTH.index), edge.masking or masking, fact
