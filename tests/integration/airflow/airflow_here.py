"""A plant with an ERP of one table, a hub on PostgreSQL that reads it, and an Airflow of the components beside it."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

ROOT = Path(__file__).parents[3]
DAGS = ROOT / "dags"
WEFT = ROOT / ".venv" / "bin" / "weft"
HERE = ROOT / ".components" / "airflow" / "bin"
WAREHOUSES = ("00", "01", "02", "03")
_numbers = itertools.count(1)
FIELDS = {"item": {"type": "text"}, "warehouse": {"type": "text"}, "qty": {"type": "number"}}


@dataclass
class Plant:
    """`stock` is read in parts, `items` as a whole; connection `away` cannot be reached."""

    folder: Path
    server: str
    rows: int = 400
    page_rows: int = 100
    database_url: str = ""

    @property
    def erp(self) -> Path:
        return self.folder / "erp.db"

    @property
    def syncs(self) -> Path:
        return self.folder / "syncs.json"

    @property
    def namespace(self) -> str:
        (sync,) = [s for s in json.loads(self.syncs.read_text("utf-8"))["syncs"] if s["stream"] == "stock"]
        return str(sync["namespace"])

    @contextmanager
    def made(self) -> Iterator[Plant]:
        name = f"weft_airflow_{os.getpid()}_{next(_numbers)}"
        self._on_server(f"CREATE DATABASE {name}")
        self.database_url = make_url(self.server).set(database=name).render_as_string(hide_password=False)
        try:
            with sqlite3.connect(self.erp) as erp:
                erp.execute("CREATE TABLE stock (item TEXT, warehouse TEXT, qty INTEGER, changed TEXT, "
                            "PRIMARY KEY (item, warehouse))")  # fmt: skip
                rows = [(f"A{n:05}", WAREHOUSES[n % 4], n, f"2026-11-01 00:00:{n % 60:02}") for n in range(self.rows)]
                erp.executemany("INSERT INTO stock VALUES (?, ?, ?, ?)", rows)
            (self.folder / "config.json").write_text(json.dumps(self.config()), "utf-8")
            for words in (
                ("migrate",),
                ("apply", str(self.folder / "config.json")),
                ("airflow", "export", str(self.syncs)),
            ):
                self.weft(*words)
            yield self
        finally:
            self._on_server(f"DROP DATABASE {name} WITH (FORCE)")

    def config(self) -> dict[str, Any]:
        table = {"table": "stock", "key": ["item", "warehouse"], "page_rows": self.page_rows}
        streams = {
            "stock": {**table, "cursor": "changed", "fields": FIELDS | {"changed": {"type": "datetime"}}},
            "items": {**table, "fields": FIELDS},
        }
        mapping = {"from": {"connector": "sql", "stream": "stock"}, "to": "StockLevel",
                   "fields": {"item": "item", "warehouse": "warehouse", "quantity": "qty"},
                   "tests": [{"in": {"item": "a", "warehouse": "w", "qty": 1}, "out": {"item": "a"}}]}  # fmt: skip
        named = {"stock": "erp_stock", "items": "erp_items"}
        return {
            "connections": [
                {"id": "erp", "connector": "sql", "reads_at_once": 2, "mappings": named,
                 "config": {"url": f"sqlite:///{self.erp}", "streams": streams}},
                {"id": "away", "connector": "sql", "mappings": {"items": "erp_items"},
                 "config": {"url": f"sqlite:///{self.folder}/nowhere/erp.db", "streams": {"items": streams["items"]}}},
            ],
            "mappings": [{"mapping": name, **mapping} for name in named.values()],
            "syncs": [{"connection": "erp", "stream": "stock",
                       "partitions": {"by": "warehouse", "values": ["00"]}}],
            "policies": [{"policy": "scheduling", "scheduler": "airflow"}],
        }  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        own = {"WEFT_HOME": str(self.folder / "var"), "WEFT_DATABASE_URL": self.database_url, "WEFT_BIN": str(WEFT),
               "WEFT_SYNCS": str(self.syncs), "WEFT_LOG": "json", "PYTHONDONTWRITEBYTECODE": "",
               "WEFT_OPENLINEAGE_URL": str(self.folder / "hub.jsonl")}  # fmt: skip
        return {k: v for k, v in os.environ.items() if not k.startswith(("WEFT_", "AIRFLOW"))} | own

    def weft(self, *words: str) -> str:
        done = subprocess.run(
            [str(WEFT), *words], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def held(self, stream: str) -> int:
        """Live rows of a stream; its audit must be clean."""
        told = json.loads(self.weft("sync", "status", "--json"))["items"]
        json.loads(self.weft("audit", "--json"))
        return int(next(s["held"] for s in told if s["stream"] == stream and s["connection"] == "erp"))

    def events(self, whose: str) -> list[dict[str, Any]]:
        """OpenLineage events that `airflow` or the `hub` sent."""
        file = self.folder / f"{whose}.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line]

    def _on_server(self, statement: str) -> None:
        admin = create_engine(self.server, isolation_level="AUTOCOMMIT")
        with admin.connect() as conn:
            conn.execute(text(statement))
        admin.dispose()


@dataclass
class Airflow:
    """Airflow of the components, with a home and metadata of its own in the plant's folder."""

    plant: Plant

    def made(self) -> Airflow:
        if not (HERE / "airflow").exists():
            if os.environ.get("CI") == "true":
                raise AssertionError("Airflow is not there: setup/components.sh airflow")
            pytest.skip("Airflow is not there: setup/components.sh airflow")
        self.home.mkdir()
        subprocess.run(
            [str(HERE / "airflow"), "db", "migrate"], env=self.environment, check=True, capture_output=True, timeout=240
        )
        return self

    @property
    def home(self) -> Path:
        return self.plant.folder / "airflow"

    @property
    def environment(self) -> dict[str, str]:
        transport = {"type": "file", "log_file_path": str(self.plant.folder / "airflow.jsonl"), "append": True}
        return self.plant.environment | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "weft",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
            "PATH": f"{HERE}:{os.environ['PATH']}",
        }

    def python(self, *words: str, given: str = "", **environment: str) -> str:
        """Standard output of Airflow's own interpreter."""
        done = subprocess.run(
            [str(HERE / "python"), *words], env=self.environment | environment, input=given, capture_output=True, text=True,
            timeout=560, check=False,
        )  # fmt: skip
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, words, done.stdout, done.stderr)
        return done.stdout

    def test_runs(self, runs: list[Any]) -> dict[str, Any]:
        """`dag.test()` of each, in one process."""
        out = self.python(str(Path(__file__).with_name("run_dags.py")), given=json.dumps(runs))
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told
