"""What somebody looks at as OpenLineage events: of the schema one JobEvent per job and dataset that it makes, of a value one
RunEvent of the run that wrote it. Both name fields, never values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from openlineage.client.event_v2 import InputDataset, Job, JobEvent, OutputDataset, RunEvent, RunState
from openlineage.client.event_v2 import Run as OpenLineageRun
from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset
from openlineage.client.serde import Serde

from lineage.composition import plan_edges
from lineage.openlineage import PRODUCER, DatasetName
from lineage.origins import Origin
from lineage.plans import Plan
from lineage.walk import GraphEdge, Node
from mappings import EVERY_FIELD

Naming = Callable[[str], DatasetName]
"""How OpenLineage calls a dataset of the graph."""


def job_events(edges: Iterable[GraphEdge], at: int, naming: Naming, *, namespace: str) -> list[dict[str, Any]]:
    """The edges of a view. A job is what makes fields: a mapping, a rule, a bridge."""
    jobs: dict[tuple[str, str], list[GraphEdge]] = {}
    for edge in edges:
        jobs.setdefault((edge.via or f"{edge.target.dataset} exists", edge.target.dataset), []).append(edge)
    return [
        Serde.to_dict(
            JobEvent(
                eventTime=_time(at),
                job=Job(namespace, via),
                inputs=_inputs(made, naming),
                outputs=[_output(target, made, naming)],
                producer=PRODUCER,
            )
        )
        for (via, target), made in sorted(jobs.items())
    ]


def value_events(
    origin: Origin, plan_of: Callable[[int], Plan], dataset: str, naming: Naming, *, namespace: str
) -> list[dict[str, Any]]:
    """The chain of one value: the write it stands in and those that its inputs came from, the latest first."""
    events = []
    for written in _chain(origin):
        edges = _edges_of(written, plan_of, dataset)
        run = written.run
        job = run.job if run is not None else f"{dataset} {written.how}"
        event: JobEvent | RunEvent
        outputs = [_output(dataset, edges, naming, [written.field])]
        if run is None:  # written by no run of its own: by hand, or known to the hub itself
            event = JobEvent(eventTime=_time(written.at), job=Job(namespace, job), inputs=_inputs(edges, naming),
                             outputs=outputs, producer=PRODUCER)  # fmt: skip
        else:
            event = RunEvent(eventTime=_time(written.at), eventType=RunState.COMPLETE, run=OpenLineageRun(run.uuid),
                             job=Job(namespace, job), inputs=_inputs(edges, naming), outputs=outputs,
                             producer=PRODUCER)  # fmt: skip
        events.append(Serde.to_dict(event))
    return events


def _chain(origin: Origin) -> Iterable[Origin]:
    yield origin
    for fact in origin.facts:
        if fact.derived is not None:
            yield from _chain(fact.derived)


def _edges_of(origin: Origin, plan_of: Callable[[int], Plan], dataset: str) -> list[GraphEdge]:
    target = Node.of(dataset, origin.field)
    whole = Node(dataset, None)
    source = origin.sources[0].dataset if origin.sources else None
    plan = plan_of(origin.plan) if origin.plan is not None else None
    if plan is None or not plan.stages:
        return [
            GraphEdge(Node.of(read.dataset, read.field), target, "DIRECT", "IDENTITY", via="as answered")
            for read in origin.sources
        ]
    via = plan.stages[-1].name
    made = []
    for edge in plan_edges(plan):
        if edge.field not in (origin.field, EVERY_FIELD):
            continue
        from_dataset = _fact_dataset(edge.path) if edge.from_facts else source
        path = edge.path[1:] if edge.from_facts else edge.path
        if from_dataset is not None:
            far = whole if edge.field == EVERY_FIELD else target
            made.append(GraphEdge(Node(from_dataset, path), far, edge.how.type, edge.how.subtype, edge.masking, via))
    return made


def _fact_dataset(path: Sequence[str | int]) -> str | None:
    return {"ids": "registry"}.get(str(path[0]), str(path[0])) if path else None


def _inputs(edges: Iterable[GraphEdge], naming: Naming) -> list[InputDataset]:
    read: dict[str, dict[str, None]] = {}
    for edge in edges:
        fields = read.setdefault(edge.source.dataset, {})
        if edge.source.path is not None:
            fields[edge.source.field] = None
    return [InputDataset(*naming(name), facets={"schema": _schema(fields)}) for name, fields in sorted(read.items())]


def _output(dataset: str, edges: Sequence[GraphEdge], naming: Naming, fields: Iterable[str] = ()) -> OutputDataset:
    columns: dict[str, dict[Node, list[GraphEdge]]] = {name: {} for name in fields}
    whole: dict[Node, list[GraphEdge]] = {}
    for edge in edges:
        place = whole if edge.target.path is None else columns.setdefault(edge.target.field, {})
        place.setdefault(edge.source, []).append(edge)
    made = {name: column_lineage_dataset.Fields(_fields(found, naming)) for name, found in columns.items()}
    facet = column_lineage_dataset.ColumnLineageDatasetFacet(made, _fields(whole, naming), producer=PRODUCER)
    return OutputDataset(*naming(dataset), facets={"schema": _schema(columns), "columnLineage": facet})


def _fields(found: Mapping[Node, list[GraphEdge]], naming: Naming) -> list[column_lineage_dataset.InputField]:
    return [
        column_lineage_dataset.InputField(
            *naming(node.dataset),
            node.field,
            transformations=[
                column_lineage_dataset.Transformation(e.type, e.subtype, description=e.via or None, masking=e.masking)
                for e in edges
            ],
        )
        for node, edges in found.items()
    ]


def _schema(fields: Iterable[str]) -> schema_dataset.SchemaDatasetFacet:
    listed = [schema_dataset.SchemaDatasetFacetFields(name) for name in fields]
    return schema_dataset.SchemaDatasetFacet(listed, producer=PRODUCER)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat()
