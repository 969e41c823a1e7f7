"""How long Airflow takes to read the DAG files of 200 syncs, of which half are read in parts: `python -m benchmarks dags`."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks.meters import Claim

ROOT = Path(__file__).parents[1]
AIRFLOW = ROOT / ".components" / "airflow" / "bin" / "python"


def definitions(count: int) -> dict[str, object]:
    """As `weft airflow export` writes them."""
    syncs = [
        {"connection": f"erp{n // 10}", "stream": f"s{n % 10}", "record": "StockLevel", "namespace": "postgresql://db/erp",
         "when": {"every_s": 300} if n % 2 else {"cron": "0 2 * * *", "zone": "Asia/Shanghai"}, "pool": f"weft_erp{n // 10}",
         "parts": n % 2 == 0, "by_day": n % 4 == 0} for n in range(count)
    ]  # fmt: skip
    return {"version": 1, "syncs": syncs, "jobs": []}


def measure(count: int) -> dict[str, float]:
    """CPU and wall seconds of reading the files once, in a process of Airflow's own interpreter."""
    with tempfile.TemporaryDirectory(prefix="weft-benchmark-") as folder:
        file = Path(folder) / "syncs.json"
        file.write_text(json.dumps(definitions(count)), "utf-8")
        environment = os.environ | {"WEFT_SYNCS": str(file), "AIRFLOW_HOME": folder}
        command = [str(AIRFLOW), str(Path(__file__).with_name("dag_files.py")), str(ROOT / "dags")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def run() -> list[Claim]:
    if not AIRFLOW.exists():
        raise RuntimeError("Airflow is not there: setup/components.sh airflow")
    best = min((measure(200) for _ in range(3)), key=lambda told: told["cpu_s"])
    return [Claim("reading the DAG files of 200 syncs", best["cpu_s"], "CPU s", at_most=1.0)]
