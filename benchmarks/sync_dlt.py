"""One run of dlt, with dlt's own Python: `python sync_dlt.py SOURCE TARGET FOLDER BACKEND FORMAT`.

BACKEND and FORMAT: sqlalchemy insert_values are dlt's defaults; connectorx parquet is the best it has for PostgreSQL.
Says `ready`, waits for a line, runs, and prints a line of JSON: the CPU seconds of the run, without the imports, and the
highest memory. Knows nothing of this repository.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any


def main(source: str, target: str, folder: str, backend: str, file_format: str) -> None:
    import dlt
    from dlt.sources.sql_database import sql_table

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    cpu = time.process_time()
    more: dict[str, Any] = {}
    if backend == "connectorx":
        more["backend_kwargs"] = {"conn": source, "return_type": "arrow"}
    table = sql_table(
        credentials=source.replace("postgresql://", "postgresql+psycopg2://"), schema="public", table="stock", backend=backend,
        incremental=dlt.sources.incremental("updated_at"), **more,
    )  # fmt: skip
    table.apply_hints(primary_key="autoid", write_disposition="merge")
    pipeline = dlt.pipeline(
        "stock", pipelines_dir=folder, destination=dlt.destinations.postgres(credentials=target), dataset_name="bench"
    )
    pipeline.run(table, loader_file_format=file_format).raise_on_failed_jobs()
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "run_cpu_s": time.process_time() - cpu,
        "cpu_s": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
