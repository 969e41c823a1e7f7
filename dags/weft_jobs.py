"""The hub's own jobs: reconcile, lineage sample, retention, zombie and duplicate tickets, matching, metrics, cross-check,
freshness. Each is one command; those that wait for data run when all of it is fresh again, and at their time in any case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import weft_hub
import weft_shapes
from airflow.sdk import AssetAll, AssetOrTimeSchedule, DeltaTriggerTimetable, dag, get_parsing_context, task


def build(job: dict[str, Any]) -> None:
    """Register the DAG of one job."""

    @dag(
        dag_id=weft_shapes.job_id(job["name"]), schedule=_schedule(job), start_date=weft_shapes.BEGIN, catchup=False,
        max_active_runs=1, default_args={"retries": 2, "retry_delay": timedelta(minutes=1)}, tags=["weft", "job"],
        doc_md=job["title"],
    )  # fmt: skip
    def runs() -> None:
        run(job["name"])

    runs()


def _schedule(job: dict[str, Any]) -> Any:
    when = weft_shapes.schedule(job["when"])
    if not job["after"]:
        return when
    timetable = DeltaTriggerTimetable(when) if isinstance(when, timedelta) else when
    return AssetOrTimeSchedule(timetable=timetable, assets=AssetAll(*map(weft_shapes.asset, job["after"])))


@task
def run(name: str) -> dict[str, Any]:
    return weft_hub.weft("job", "run", given=(name,))


wanted = get_parsing_context().dag_id
for each in weft_hub.definitions()["jobs"]:
    if wanted is None or wanted == weft_shapes.job_id(each["name"]):
        build(each)
