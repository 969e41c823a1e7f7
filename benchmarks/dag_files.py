"""How long Airflow takes to read the DAG files: run by Airflow's own interpreter, `python dag_files.py FOLDER`, with WEFT_SYNCS.

Airflow's own imports are not counted: its processor has them already.
"""

import importlib
import json
import os
import sys
import time


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    importlib.import_module("airflow.sdk")
    from airflow.sdk import (
        Asset,  # noqa: F401
        Param,  # noqa: F401
        dag,  # noqa: F401
        get_parsing_context,  # noqa: F401
        task,  # noqa: F401
    )

    with open(os.environ["WEFT_SYNCS"], encoding="utf-8") as file:
        told = json.load(file)
    importlib.import_module("weft_shapes")
    began, wall = time.process_time(), time.perf_counter()
    for name in ("weft_syncs", "weft_jobs"):
        importlib.import_module(name)
    used = {"cpu_s": round(time.process_time() - began, 3), "wall_s": round(time.perf_counter() - wall, 3)}
    print(json.dumps(used | {"syncs": len(told["syncs"]), "jobs": len(told["jobs"])}))


main(sys.argv[1])
