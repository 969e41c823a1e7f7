"""A full run by Airflow's own scheduler (LocalExecutor, everything on PostgreSQL): a mapped task is killed, and its part goes on
from its cursor with no row lost or doubled."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from gateway.database import normalise
from tests.acceptance.running_hub import eventually
from tests.integration.airflow.airflow_here import HERE, Airflow, Plant
from tests.real.postgres import free_port

pytestmark = pytest.mark.timeout(900)
DAG = "weft_sync__erp__stock"
PART = "~others"


class Running(Airflow):
    """Its three processes, each by itself, on a metadata database of their own."""

    port = 0
    metadata = ""

    @property
    def environment(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.port}"
        return super().environment | {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.metadata,
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API__SECRET_KEY": "of this test alone",
            "AIRFLOW__API_AUTH__JWT_SECRET": "of this test alone, and long enough for its algorithm to accept",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        }

    @contextlib.contextmanager
    def processes(self) -> Iterator[httpx.Client]:
        """Serving; ended with all they began."""
        subprocess.run([str(HERE / "airflow"), "pools", "import", str(self.plant.syncs.with_name("pools.json"))],
                       env=self.environment, check=True, capture_output=True, timeout=240)  # fmt: skip
        commands = (
            ("api-server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"),
            ("scheduler",),
            ("dag-processor",),
        )
        begun = []
        for words in commands:
            with (self.home / f"{words[0]}.log").open("wb") as log:
                begun.append(subprocess.Popen([str(HERE / "airflow"), *words], env=self.environment, stdout=log, stderr=log,
                                              start_new_session=True))  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as client:
                eventually(lambda: _is_up(client), 300, 0.2, "the API server did not come up")
                token = client.get("/auth/token").json()["access_token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield client
        finally:
            for process in begun:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            for process in begun:
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/api/v2/monitor/health").status_code == 200
    except httpx.TransportError:
        return False


def _ended(client: httpx.Client, run: str) -> str | None:
    state = str(client.get(run).json()["state"])
    return state if state in ("success", "failed") else None


class SlowPlant(Plant):
    """Its ERP gives ten rows a call, so that there is time to kill whoever reads it. It is read once a year."""

    def config(self) -> dict[str, Any]:
        told = super().config()
        told["syncs"][0]["schedule"] = {"cron": "0 0 1 1 *"}
        return told


@pytest.fixture
def airflow(tmp_path: Path, postgres_url: str, postgres_database: str) -> Iterator[Running]:
    with SlowPlant(tmp_path, postgres_url, rows=5_000, page_rows=10).made() as plant:
        running = Running(plant)
        running.port = free_port()
        url = make_url(postgres_database).set(drivername="postgresql+psycopg2")
        running.metadata = url.render_as_string(hide_password=False)
        running.made()
        yield running


def read_so_far(plant: Plant) -> int:
    engine = create_engine(normalise(plant.database_url))
    with engine.connect() as conn:
        told = conn.execute(text("SELECT read FROM sync_part WHERE part = :part"), {"part": PART}).scalar()
    engine.dispose()
    return told or 0


def reader(plant: Plant) -> psutil.Process | None:
    """The process of the hub that reads the part."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if PART in words and "part" in words:
            with contextlib.suppress(psutil.Error):
                if process.environ().get("WEFT_HOME") == plant.environment["WEFT_HOME"]:
                    return process
    return None


def test_a_mapped_task_that_is_killed_goes_on_from_its_cursor(airflow: Running) -> None:
    plant = airflow.plant
    with airflow.processes() as client:
        eventually(lambda: client.get(f"/api/v2/dags/{DAG}").status_code == 200, 240, 0.2, "the DAG was not read")
        assert client.patch(f"/api/v2/dags/{DAG}", json={"is_paused": False}).is_success
        runs = f"/api/v2/dags/{DAG}/dagRuns"  # of what was due before it was switched on, the last is done
        (begun,) = eventually(lambda: client.get(runs).json()["dag_runs"], 240, 0.2, "the scheduler began no run")
        run = f"{runs}/{begun['dag_run_id']}"
        before = eventually(lambda: read_so_far(plant), 240, 0.2, "no part was read")
        command = reader(plant)
        assert command is not None
        for process in (command.parent(), command):  # the task, and what it began
            assert process is not None
            process.kill()
        state = eventually(lambda: _ended(client, run), 400, 0.5, "the run did not end")
        tasks = client.get(f"{run}/taskInstances").json()["task_instances"]
    assert state == "success", tasks
    tries = {t["rendered_map_index"]: t["try_number"] for t in tasks if t["task_id"] == "part"}
    assert tries[PART] >= 2
    assert tries["00"] == 1
    assert plant.held("stock") == plant.rows
    engine = create_engine(normalise(plant.database_url))
    with engine.connect() as conn:
        added, read = conn.execute(text("SELECT sum(added), sum(read) FROM sync_part")).one()
    engine.dispose()
    assert added == plant.rows
    assert before < read < plant.rows + before, "it was read on from its cursor, not from the beginning"
