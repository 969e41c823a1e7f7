"""What the DAG files share: names, times, assets, and the data sets of OpenLineage, named as the hub names them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, get_current_context

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HUB = "weft://hub"
"""The namespace of what the hub holds; a source's is its connection's own (`postgresql://db:5432/erp`)."""


def sync_id(connection: str, stream: str) -> str:
    return f"weft_sync__{connection}__{stream}"


def job_id(name: str) -> str:
    return f"weft_job__{name}"


def schedule(when: dict[str, Any]) -> Any:
    """A timetable of what the hub's configuration says."""
    if "every_s" in when:
        return timedelta(seconds=when["every_s"])
    return CronTriggerTimetable(when["cron"], timezone=when["zone"])


def asset(name: str) -> Asset:
    """What the hub holds of a stream (`connection/stream`)."""
    return Asset(name=f"weft/{name}", uri=f"weft://hub/{name}")


def lineage(sync: dict[str, Any]) -> dict[str, Any]:
    """Outlets and inlets of the task that makes a stream fresh: the asset, and, where an OpenLineage receiver is set, the two
    data sets under the names of the hub's own events."""
    outlets: list[Any] = [asset(f"{sync['connection']}/{sync['stream']}")]
    if not os.environ.get("AIRFLOW__OPENLINEAGE__TRANSPORT"):
        return {"outlets": outlets}
    from openlineage.client.event_v2 import Dataset

    source = Dataset(namespace=sync["namespace"], name=sync["stream"])
    return {"outlets": [*outlets, Dataset(namespace=HUB, name=sync["record"])], "inlets": [source]}


def parent_of() -> str:
    """This task's run as the parent of the hub's own events; empty where nobody listens."""
    if not os.environ.get("AIRFLOW__OPENLINEAGE__TRANSPORT"):
        return ""
    from airflow.providers.openlineage.plugins.macros import lineage_parent_id

    parent: str = lineage_parent_id(get_current_context()["ti"])
    return parent
