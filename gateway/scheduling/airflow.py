"""What Airflow has to know, as one small JSON file: which syncs and jobs there are, and when. The DAGs are made of it, so
that reading them costs no database and nothing of the hub's code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from gateway import clock
from gateway.config.hub import Hub
from gateway.config.syncs import Timing
from gateway.policies.scheduling import KIND
from gateway.scheduling.jobs import JOBS
from gateway.sync.planned import planned

VERSION = 1


def definitions(hub: Hub) -> dict[str, Any]:
    """`syncs`, `jobs` and `pools`. Names of data sets are those of the hub's own OpenLineage events."""
    syncs = list(planned(hub))
    pools = {live.id: live.spec.reads_at_once for live in (sync.live for sync in syncs)}
    return {
        "version": VERSION,
        "generation": hub.generation,
        "syncs": [
            {
                "connection": sync.live.id, "stream": sync.stream.name, "record": sync.record,
                "namespace": sync.live.namespace, "when": _when(sync.timing), "pool": pool_of(sync.live.id),
                "parts": sync.partitions is not None,
                "by_day": sync.partitions is not None and sync.partitions.since is not None,
            }
            for sync in syncs
        ],
        "jobs": [
            {"name": name, "title": f"{JOBS[name].title_zh} · {JOBS[name].title}", "when": _when(timing),
             "after": [s.name for s in syncs if s.record in JOBS[name].needs]}
            for name, timing in KIND.of(hub.policies).jobs.items()
        ],
        "pools": {pool_of(connection): {"slots": slots, "description": f"readers of {connection} at once",
                                        "include_deferred": False} for connection, slots in pools.items()},
    }  # fmt: skip


def pool_of(connection: str) -> str:
    return f"weft_{connection}"


def _when(timing: Timing) -> dict[str, Any]:
    if timing.every is not None:
        return {"every_s": timing.every // clock.SECOND}
    return {"cron": timing.cron, "zone": timing.zone}


def write(hub: Hub, file: Path) -> bool:
    """Write the file, and beside it the pools as `airflow pools import` takes them; whole or not at all. False: nothing in
    them is new."""
    told = definitions(hub)
    new = [_replaced(file, told), _replaced(file.with_name("pools.json"), told["pools"])]
    return any(new)


def _replaced(file: Path, data: Any) -> bool:
    body = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    if file.exists() and file.read_bytes() == body:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_bytes(body)
    beside.replace(file)
    return True
