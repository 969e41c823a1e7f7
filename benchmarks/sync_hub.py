"""One run of the hub's own engine, in a process of its own: `python -m benchmarks.sync_hub HUB SOURCE DRIVER [--profile FILE]`.

Says `ready` once the hub is up, waits for a line, runs, and prints a line of JSON: the counts, the CPU seconds of the run
and of the whole process, and its highest memory.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

import orjson
import structlog

from benchmarks.sync_source import MAPPING, STREAM, Bench
from connectors.registry import Catalogue
from gateway import collector
from gateway.config import documents, yaml12
from gateway.database import migrate
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.sync import engine


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("hub")
    parser.add_argument("source")
    parser.add_argument("driver", choices=["odbc", "psycopg"])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as home:
        gateway = Gateway(Settings(home=Path(home), database_url=given.hub), catalogue=Catalogue(good={"bench": Bench}))
        migrate(gateway.engine)
        config = {"url": given.source, "driver": given.driver}
        connection = {"id": "bench", "connector": "bench", "config": config, "mappings": {"stock": "bench_stock"}}
        gateway.apply(documents.validate({"connections": [connection], "mappings": [yaml12.load(MAPPING)]}))
        live = gateway.hub.connection("bench")
        profile = cProfile.Profile()
        collector.spare()  # as the worker does
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began, cpu = time.monotonic(), time.process_time()
        if given.profile:
            profile.enable()
        done = engine.run(gateway, gateway.hub, live, STREAM, full=given.full)
        if given.profile:
            profile.disable()
            profile.dump_stats(given.profile)
        wall, run_cpu = time.monotonic() - began, time.process_time() - cpu
        gateway.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = done.as_dict() | {"wall_s": wall, "run_cpu_s": run_cpu, "cpu_s": used.ru_utime + used.ru_stime,
                             "memory_mb": used.ru_maxrss / 1024}  # fmt: skip
    sys.stdout.write(orjson.dumps(told).decode() + "\n")


if __name__ == "__main__":
    main()
