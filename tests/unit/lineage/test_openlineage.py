"""One RunEvent per run says which columns came from which, and no receiver can harm the hub."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import attr
import orjson
import pytest
from openlineage.client.event_v2 import RunEvent
from openlineage.client.facet_v2 import column_lineage_dataset

from lineage import Run
from lineage.openlineage import DatasetName, FileEmitter, Flow, HttpEmitter, State, run_event, to_json
from lineage.plans import make_plan
from tests.unit.lineage.samples import ALERT, INCIDENT, USAGE, alert

RUN = Run(1, UUID("0197a1c4-b24a-7f2e-a551-9b2250324c0b"), "am-main/alert", 0)
SOURCE = DatasetName("prometheus://prom.example:9090", "alerts")
TARGET = DatasetName("weft://hub", "tickets")
REGISTRY = DatasetName("weft://hub", "registry")
AT = 1_795_341_600_000_000


def event(state: State = State.COMPLETE, error: str = "") -> RunEvent:
    flow = Flow(make_plan((ALERT, INCIDENT)), SOURCE, TARGET, {"ids": REGISTRY})
    return run_event(RUN, [flow], AT, namespace="weft://hub", state=state, error=error)


def test_the_event_names_its_run_job_inputs_and_outputs() -> None:
    data = to_json(event())
    assert data["eventTime"] == "2026-11-22T10:00:00+00:00"
    assert (data["eventType"], data["run"]["runId"]) == ("COMPLETE", str(RUN.uuid))
    assert data["job"] == {"namespace": "weft://hub", "name": "am-main/alert", "facets": {}}
    assert [(d["namespace"], d["name"]) for d in data["inputs"]] == [SOURCE, REGISTRY]
    assert [(d["namespace"], d["name"]) for d in data["outputs"]] == [TARGET]


def lineage_of(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["outputs"][0]["facets"]["columnLineage"]
    return found


def test_column_lineage_goes_from_source_columns_to_ticket_columns() -> None:
    facet = lineage_of(to_json(event()))
    assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json")
    assert facet["fields"]["site"]["inputFields"] == [
        {
            "namespace": "prometheus://prom.example:9090",
            "name": "alerts",
            "field": "labels.site",
            "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "masking": False}],
        }
    ]
    device = facet["fields"]["device"]["inputFields"]
    assert [(i["name"], i["field"]) for i in device] == [("registry", "device")]
    (phone,) = facet["fields"]["customer"]["inputFields"]
    assert phone["transformations"][0]["masking"] is True


def test_filters_are_said_once_for_the_whole_dataset() -> None:
    facet = lineage_of(to_json(event()))
    assert {i["field"] for i in facet["dataset"]} == {"status", "labels.severity"}
    assert {t["subtype"] for i in facet["dataset"] for t in i["transformations"]} == {"FILTER"}
    assert "status" not in {i["field"] for f in facet["fields"].values() for i in f["inputFields"]}


def test_a_constant_has_no_inputs_but_stands_in_the_schema() -> None:
    data = to_json(event())
    assert "kind" not in lineage_of(data)["fields"]
    schema = data["outputs"][0]["facets"]["schema"]["fields"]
    assert {"name": "priority", "type": "text"}.items() <= next(f for f in schema if f["name"] == "priority").items()


def test_the_event_reads_back_into_the_models_of_the_specification() -> None:
    for edge in lineage_of(to_json(event()))["fields"].values():
        for given in edge["inputFields"]:
            parts = [column_lineage_dataset.Transformation(**t) for t in given["transformations"]]
            read = column_lineage_dataset.InputField(**{**given, "transformations": parts})
            assert attr.asdict(read)["field"] == given["field"]


def test_no_value_of_any_record_is_in_an_event() -> None:
    text = orjson.dumps(to_json(event())).decode()
    assert alert()["annotations"]["phone"] not in text
    assert "press-1" not in text


def test_several_flows_into_one_dataset_are_one_output() -> None:
    flows = [
        Flow(make_plan((ALERT, INCIDENT)), SOURCE, TARGET),
        Flow(make_plan((USAGE,), "context.cpu."), DatasetName("prometheus://prom.example:9090", "query"), TARGET),
    ]
    data = to_json(run_event(RUN, flows, AT, namespace="weft://hub"))
    assert len(data["outputs"]) == 1
    assert len(data["inputs"]) == 2
    assert "context.cpu.value" in lineage_of(data)["fields"]


def test_a_failed_run_says_why() -> None:
    data = to_json(event(State.FAIL, "the source answered 500"))
    assert data["eventType"] == "FAIL"
    assert data["run"]["facets"]["errorMessage"]["message"] == "the source answered 500"


def test_a_file_gets_one_line_per_event(tmp_path: Path) -> None:
    emitter = FileEmitter(tmp_path / "events.jsonl")
    assert emitter.emit(event()) is None
    assert emitter.emit(event(State.START)) is None
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["eventType"] for line in lines] == ["COMPLETE", "START"]


def test_threads_sharing_a_file_never_mix_their_lines(tmp_path: Path) -> None:
    emitter = FileEmitter(tmp_path / "events.jsonl")
    threads = [threading.Thread(target=lambda: [emitter.emit(event()) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["run"]["runId"] for line in lines] == [str(RUN.uuid)] * 40


def test_a_file_that_can_not_be_written_is_told_not_raised(tmp_path: Path) -> None:
    failed = FileEmitter(tmp_path / "missing" / "events.jsonl").emit(event())
    assert failed is not None
    assert "No such file" in failed.reason


class Receiver(HTTPServer):
    """Answers every post with `status`; keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 201
        self.got: list[tuple[str, str | None, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Authorization"], orjson.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_an_event_is_posted_to_a_receiver(receiver: Receiver) -> None:
    emitter = HttpEmitter(f"http://127.0.0.1:{receiver.server_port}", api_key="k1")
    assert emitter.emit(event()) is None
    emitter.close()
    path, authorization, data = receiver.got[0]
    assert (path, authorization, data["eventType"]) == ("/api/v1/lineage", "Bearer k1", "COMPLETE")


def test_a_receiver_that_refuses_is_told_not_raised_and_asked_once(receiver: Receiver) -> None:
    receiver.status = 503
    emitter = HttpEmitter(f"http://127.0.0.1:{receiver.server_port}")
    failed = emitter.emit(event())
    emitter.close()
    assert failed is not None
    assert failed.reason == "HTTP 503"
    assert len(receiver.got) == 1


def test_a_receiver_that_is_not_there_is_told_not_raised() -> None:
    emitter = HttpEmitter("http://127.0.0.1:9", timeout_s=1)
    failed = emitter.emit(event())
    emitter.close()
    assert failed is not None
    assert failed.reason == "ConnectionError"
