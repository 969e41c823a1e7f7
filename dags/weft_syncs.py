"""One DAG for each connection and stream: plan, read its parts side by side, finish; and an Asset that says it is fresh.

Retries are at one level: what a system does wrong the hub's runtime has tried again already, so that such a task fails for
good; Airflow tries again where a worker died or the stream was busy, and the part then goes on from its cursor.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import weft_hub
import weft_shapes
from airflow.sdk import Param, dag, get_current_context, get_parsing_context, task

RETRIES = {"retries": 4, "retry_delay": timedelta(seconds=30)}


def build(sync: dict[str, Any]) -> None:
    """Register the DAG of one stream."""
    connection, stream, pool = sync["connection"], sync["stream"], sync["pool"]
    params: dict[str, Any] = {
        "full": Param(False, type="boolean", description="从头全量读取 · read from the beginning")
    }
    if sync["parts"]:
        params["parts"] = Param(
            [], type="array", items={"type": "string"}, description="只读这些分区 · only these parts"
        )
    if sync["by_day"]:
        for name, says in (("since", "回填起始日 · backfill from this day"), ("until", "回填截止日 · to this day")):
            params[name] = Param(None, type=["null", "string"], format="date", description=says)

    @dag(
        dag_id=weft_shapes.sync_id(connection, stream), schedule=weft_shapes.schedule(sync["when"]), start_date=weft_shapes.BEGIN,
        catchup=False, max_active_runs=1, params=params, default_args=RETRIES, tags=["weft", "sync", connection],
        doc_md=f"`{connection}/{stream}` → {sync['record']}. See docs/airflow.md of the hub.",
    )  # fmt: skip
    def reads() -> None:
        if sync["parts"]:
            planned = plan(connection, stream)
            done = part.override(pool=pool).partial(connection=connection, stream=stream).expand(planned=planned)
            finish.override(**weft_shapes.lineage(sync))(connection, stream, planned, done)
        else:
            whole.override(pool=pool, **weft_shapes.lineage(sync))(connection, stream)

    reads()


@task
def plan(connection: str, stream: str) -> list[dict[str, Any]]:
    """Which parts are to be read, one for each mapped task. Tried again, it is the same reading."""
    context = get_current_context()
    params = context["params"]
    words = ["--full"] if params["full"] else []
    words += [word for name in params.get("parts") or () for word in ("--part", name)]
    words += [word for name in ("since", "until") if params.get(name) for word in (f"--{name}", params[name])]
    asked_by = f"{context['dag'].dag_id}/{context['run_id']}"
    told = weft_hub.weft("sync", "plan", *words, "--asked-by", asked_by, given=(connection, stream))
    return [{"reading": told["reading"], "part": name} for name in told["parts"]]


@task(map_index_template="{{ planned['part'] }}")
def part(connection: str, stream: str, planned: dict[str, Any]) -> dict[str, Any]:
    """Read one part, from where it was read to."""
    reading = str(planned["reading"])
    told = weft_hub.weft(
        "sync", "part", "--reading", reading, given=(connection, stream, planned["part"]), attended=True
    )
    return {"read": told["read"], "added": told["added"], "changed": told["changed"]}


@task
def finish(connection: str, stream: str, planned: list[dict[str, Any]], done: Any) -> dict[str, Any]:
    """All parts are read: what none of them had is gone, and those who wait for this stream begin."""
    list(done)  # every part, before anything is ended
    reading = str(planned[0]["reading"])
    return weft_hub.weft(
        "sync", "finish", "--reading", reading, given=(connection, stream), parent=weft_shapes.parent_of()
    )


@task
def whole(connection: str, stream: str) -> dict[str, Any]:
    """Read a stream that has no parts, from where it was read to."""
    words = ["--full"] if get_current_context()["params"]["full"] else []
    return weft_hub.weft(
        "sync", "part", *words, given=(connection, stream), attended=True, parent=weft_shapes.parent_of()
    )


wanted = get_parsing_context().dag_id  # a worker reads this file for one task of one DAG
for each in weft_hub.definitions()["syncs"]:
    if wanted is None or wanted == weft_shapes.sync_id(each["connection"], each["stream"]):
        build(each)
