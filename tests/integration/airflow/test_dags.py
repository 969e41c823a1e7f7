"""Real Airflow runs the DAGs that are made of the hub's configuration, with the hub on PostgreSQL.

Airflow's metadata are SQLite: one process runs all of them, since starting it
is most of what a run costs.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.dags import definitions
from tests.integration.airflow.airflow_here import DAGS, Airflow, Plant

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Plant]:
    with Plant(tmp_path_factory.mktemp("plant"), postgres_url).made() as made:
        yield made


@pytest.fixture(scope="module")
def airflow(plant: Plant) -> Airflow:
    return Airflow(plant).made()


@pytest.fixture(scope="module")
def told(plant: Plant, airflow: Airflow) -> dict[str, Any]:
    """What came of a run of each kind of DAG, one after the other in one process."""
    runs = [
        ["weft_sync__erp__stock", {}],
        ["weft_sync__erp__items", {"full": True}],
        ["weft_sync__erp__stock", {"parts": ["00"]}],
        ["weft_sync__away__items", {}],
        ["weft_job__lineage-verify", {}],
    ]
    return airflow.test_runs(runs)


def run_of(told: dict[str, Any], number: int) -> tuple[str, dict[str, list[str]]]:
    """The state of a run, and the states of its tasks by name."""
    tasks: dict[str, list[str]] = {}
    for task in told["runs"][number]["tasks"]:
        tasks.setdefault(task["task"], []).append(task["state"])
    return told["runs"][number]["state"], tasks


def test_the_folder_is_read_without_an_error_and_has_a_dag_for_every_sync_and_job(
    told: dict[str, Any], plant: Plant
) -> None:
    assert told["import_errors"] == {}
    defined = json.loads(plant.syncs.read_text("utf-8"))
    assert told["dags"] == len(defined["syncs"]) + len(defined["jobs"])


def test_the_parts_of_a_stream_are_mapped_tasks_in_the_pool_of_their_connection(
    told: dict[str, Any], plant: Plant
) -> None:
    state, tasks = run_of(told, 0)
    assert (state, tasks) == ("success", {"plan": ["success"], "part": ["success"] * 2, "finish": ["success"]})
    parts = [t for t in told["runs"][0]["tasks"] if t["task"] == "part"]
    assert sorted(t["shown"] for t in parts) == ["00", "~others"]
    assert {t["pool"] for t in parts} == {"weft_erp"}
    assert plant.held("stock") == plant.rows


def test_a_stream_without_parts_is_one_task(told: dict[str, Any], plant: Plant) -> None:
    assert run_of(told, 1) == ("success", {"whole": ["success"]})
    assert plant.held("items") == plant.rows


def test_a_backfill_reads_the_parts_that_were_asked_for(told: dict[str, Any]) -> None:
    state, tasks = run_of(told, 2)
    assert (state, len(tasks["part"])) == ("success", 1)


def test_what_a_source_did_wrong_is_not_tried_again_by_airflow(told: dict[str, Any]) -> None:
    assert run_of(told, 3) == ("failed", {"whole": ["failed"]})
    (task,) = told["runs"][3]["tasks"]
    assert task["tries"] == 1


def test_a_job_is_one_task(told: dict[str, Any]) -> None:
    assert run_of(told, 4) == ("success", {"run": ["success"]})


def test_the_names_in_airflows_openlineage_events_are_the_hubs_own(told: dict[str, Any], plant: Plant) -> None:
    theirs = [
        e for e in plant.events("airflow") if e["eventType"] == "COMPLETE" and e["job"]["name"].endswith(".finish")
    ]
    ours = [e for e in plant.events("hub") if e["job"]["name"] == "erp.stock"]
    assert theirs
    assert ours
    names = [{(d["namespace"], d["name"]) for side in ("inputs", "outputs") for d in theirs[0][side]}]
    names.append({(d["namespace"], d["name"]) for side in ("inputs", "outputs") for d in ours[0][side]})
    assert names[0] == names[1] == {(plant.namespace, "stock"), ("weft://hub", "StockLevel")}
    parent = ours[0]["run"]["facets"]["parent"]
    assert parent["job"]["namespace"] == theirs[0]["job"]["namespace"] == ours[0]["job"]["namespace"] == "weft"
    assert (parent["job"]["name"], parent["run"]["runId"]) == (theirs[0]["job"]["name"], theirs[0]["run"]["runId"])


def test_two_hundred_syncs_are_read_in_less_than_a_second(airflow: Airflow, tmp_path: Path) -> None:
    file = tmp_path / "syncs.json"
    file.write_text(json.dumps(definitions(200)), "utf-8")
    told = airflow.python(str(DAGS.parent / "benchmarks" / "dag_files.py"), str(DAGS), WEFT_SYNCS=str(file))
    assert json.loads(told.splitlines()[-1])["cpu_s"] < 1.0


def test_nothing_of_the_hub_or_of_a_database_is_loaded_to_read_the_dags(airflow: Airflow, plant: Plant) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(DAGS)!r}); import airflow.sdk, airflow.sdk.definitions.dag; "
        "before = set(sys.modules); import weft_syncs, weft_jobs; "
        "new = {m.partition('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(new & {'gateway', 'connectors', 'sqlalchemy', 'psycopg2', 'pandas'}))"
    )
    assert airflow.python("-c", code).splitlines()[-1] == "[]"


def test_the_lock_names_no_host() -> None:
    lock = (DAGS.parent / "setup" / "airflow.lock").read_text("utf-8")
    assert "://" not in lock
    assert "--hash=sha256:" in lock


def test_a_stale_definition_file_is_refused_in_words(airflow: Airflow, tmp_path: Path) -> None:
    file = tmp_path / "syncs.json"
    file.write_text('{"version": 2}', "utf-8")
    code = f"import sys; sys.path.insert(0, {str(DAGS)!r}); import weft_syncs"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        airflow.python("-c", code, WEFT_SYNCS=str(file))
    assert "use the DAGs that came with it" in failed.value.stderr
