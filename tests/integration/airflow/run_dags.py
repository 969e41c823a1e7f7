"""Run by Airflow's own interpreter: `dag.test()` for each of the given DAGs, in one process, since the first one is dear.

Reads a JSON list of [dag id, params] from standard input; the last line of standard output is the list of what came of them.
"""

import json
import logging
import os
import sys
import time
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def main() -> None:
    sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])  # as a bundle's folder is
    began = time.process_time()
    bag = DagBag()
    runs: list[Any] = []
    told = {
        "import_errors": dict(bag.import_errors),
        "parse_s": time.process_time() - began,
        "dags": len(bag.dags),
        "runs": runs,
    }
    for dag_id, params in json.load(sys.stdin):
        run = bag.dags[dag_id].test(run_conf=params or None)
        tasks = [
            {"task": ti.task_id, "index": ti.map_index, "state": str(ti.state), "tries": ti.try_number,
             "shown": ti.rendered_map_index, "pool": ti.pool}
            for ti in run.get_task_instances()
        ]  # fmt: skip
        runs.append({"dag": dag_id, "run": run.run_id, "state": str(run.state), "tasks": tasks})
    sys.stdout.write("\n" + json.dumps(told, default=str) + "\n")


logging.disable(logging.DEBUG)
main()
