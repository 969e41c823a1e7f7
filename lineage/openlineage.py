"""OpenLineage: one RunEvent per run, with the columnLineage facet 1-2-0 on every output.

Datasets are named by the caller (`prometheus://host:9090` + `alerts`): what a system is called out there is not
lineage's to know. An event is data only; an `Emitter` takes it to a file or to a receiver and never raises for what
fails on the way.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any, NamedTuple, Protocol

import requests
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, RunEvent, RunState
from openlineage.client.event_v2 import Run as OpenLineageRun
from openlineage.client.facet_v2 import column_lineage_dataset, error_message_run, parent_run, schema_dataset
from openlineage.client.serde import Serde
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

from lineage.composition import PlanEdge, plan_edges
from lineage.errors import EmissionFailed
from lineage.plans import Plan
from lineage.runs import Run
from mappings import EVERY_FIELD, RECORDS, format_path

PRODUCER = "https://weft.example/lineage"


class DatasetName(NamedTuple):
    """A dataset as OpenLineage names it: `zabbix://host`, `problems`."""

    namespace: str
    name: str


class Flow(NamedTuple):
    """Records of `source` became records of `target` by a plan. `facts` names the datasets of the facts by their first
    part: {"ids": DatasetName("weft://hub", "registry")}; facts without a name are left out."""

    plan: Plan
    source: DatasetName
    target: DatasetName
    facts: Mapping[str, DatasetName] = {}


class State(enum.StrEnum):
    """What the event says of the run."""

    START = "START"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"


def run_event(
    run: Run,
    flows: Sequence[Flow],
    at: int,
    *,
    namespace: str,
    state: State = State.COMPLETE,
    error: str = "",
    producer: str = PRODUCER,
    parent: str = "",
) -> RunEvent:
    """The event of a run: its job (`namespace`, `run.job`), its inputs, and its outputs with their column lineage.
    `error` says why a run failed. `parent`: the run that began it, `namespace/job/run id`."""
    facets: dict[str, Any] = {}
    if parent:
        job, _, number = parent.rpartition("/")
        of, _, name = job.partition("/")
        facets["parent"] = parent_run.ParentRunFacet(
            parent_run.Run(number), parent_run.Job(of, name), producer=producer
        )
    if error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(error, "python", producer=producer)
    targets = dict.fromkeys(flow.target for flow in flows)
    reads: dict[DatasetName, dict[str, None]] = {}
    outputs = [_output(target, [f for f in flows if f.target == target], reads, producer) for target in targets]
    return RunEvent(
        eventTime=datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(),
        eventType=RunState(state.value),
        run=OpenLineageRun(str(run.uuid), facets=facets),
        job=Job(namespace, run.job),
        inputs=[_input(name, fields, producer) for name, fields in reads.items()],
        outputs=outputs,
        producer=producer,
    )


def to_json(event: RunEvent) -> dict[str, Any]:
    """The event as JSON data."""
    data: dict[str, Any] = Serde.to_dict(event)
    return data


def _input(name: DatasetName, fields: Iterable[str], producer: str) -> InputDataset:
    listed = [schema_dataset.SchemaDatasetFacetFields(field) for field in fields]
    return InputDataset(*name, facets={"schema": schema_dataset.SchemaDatasetFacet(listed, producer=producer)})


def _output(
    target: DatasetName, flows: list[Flow], reads: dict[DatasetName, dict[str, None]], producer: str
) -> OutputDataset:
    """One output; what it reads is noted in `reads`."""
    columns: dict[str, dict[tuple[DatasetName, str], list[column_lineage_dataset.Transformation]]] = {}
    for flow in flows:
        reads.setdefault(flow.source, {})
        for edge in plan_edges(flow.plan):
            source = flow.facts.get(str(edge.path[0])) if edge.from_facts else flow.source
            if source is None:
                continue
            field = format_path(edge.path[1:] if edge.from_facts else edge.path)
            reads.setdefault(source, {})[field] = None
            columns.setdefault(edge.field, {}).setdefault((source, field), []).append(_transformation(edge))
    whole = _inputs(columns.pop(EVERY_FIELD, {}))
    fields = {name: column_lineage_dataset.Fields(_inputs(found)) for name, found in columns.items()}
    listed = [field for flow in flows for field in _schema(flow.plan)]
    return OutputDataset(
        *target,
        facets={
            "schema": schema_dataset.SchemaDatasetFacet(listed, producer=producer),
            "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields, whole, producer=producer),
        },
    )


def _inputs(
    found: Mapping[tuple[DatasetName, str], list[column_lineage_dataset.Transformation]],
) -> list[column_lineage_dataset.InputField]:
    return [
        column_lineage_dataset.InputField(*source, field, transformations=list(how))
        for (source, field), how in found.items()
    ]


def _transformation(edge: PlanEdge) -> column_lineage_dataset.Transformation:
    return column_lineage_dataset.Transformation(edge.how.type, edge.how.subtype, masking=edge.masking)


def _schema(plan: Plan) -> list[schema_dataset.SchemaDatasetFacetFields]:
    record = RECORDS.get(plan.stages[-1].target) if plan.stages else None
    known = record.fields if record is not None else {}
    listed = []
    for name in plan.fields:
        field = known.get(name[len(plan.prefix) :])
        kind, doc = (field.type, field.doc) if field is not None else (None, None)
        listed.append(schema_dataset.SchemaDatasetFacetFields(name, kind, doc))
    return listed


class Emitter(Protocol):
    """Takes events to where they are wanted. `emit` answers None, or why the event did not arrive: for the caller to
    log, never to fail by."""

    def emit(self, event: RunEvent) -> EmissionFailed | None: ...


@dataclass(frozen=True)
class FileEmitter:
    """Appends each event as one line of JSON. Several processes may share the file: a line is one write."""

    path: FilePath

    def emit(self, event: RunEvent) -> EmissionFailed | None:
        line = Serde.to_json(event).encode() + b"\n"
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                written = os.write(file, line)
            finally:
                os.close(file)
        except OSError as error:
            return EmissionFailed(str(self.path), error.strerror or str(error))
        if written != len(line):
            return EmissionFailed(str(self.path), f"only {written} of {len(line)} bytes fitted: is the disk full?")
        return None


class HttpEmitter:
    """Posts each event to an OpenLineage receiver (`url` + /api/v1/lineage) once, within `timeout_s`; the caller
    decides whether to try again."""

    def __init__(self, url: str, *, api_key: str = "", timeout_s: float = 5.0, verify_tls: bool = True) -> None:
        self.url = url
        auth = ApiKeyTokenProvider({"api_key": api_key}) if api_key else TokenProvider({})
        once = {"total": 0, "read": 0, "connect": 0}
        config = HttpConfig(url=url, timeout=timeout_s, verify=verify_tls, auth=auth, retry=once)
        self._transport = HttpTransport(config)

    def emit(self, event: RunEvent) -> EmissionFailed | None:
        try:
            self._transport.emit(event)
        except requests.HTTPError as error:
            return EmissionFailed(self.url, f"HTTP {error.response.status_code}")
        except requests.RequestException as error:
            return EmissionFailed(self.url, type(error).__name__)
        return None

    def close(self) -> None:
        """Close the connections."""
        self._transport.close(0)
