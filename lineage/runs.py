"""Runs: one row per batch or connector run, the OpenLineage run that landing and prov rows belong to."""

from __future__ import annotations

from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, update
from ulid import ULID

from lineage import tables


class Run(NamedTuple):
    """A run: `id` in this database, `uuid` for OpenLineage."""

    id: int
    uuid: UUID
    job: str
    started_at: int


class RunRef(NamedTuple):
    """The run that a row belongs to."""

    id: int
    uuid: str
    job: str


def open_run(conn: Connection, job: str, at: int, *, uuid: UUID | None = None) -> Run:
    """Begin a run of a job ("am-main/alert"). `uuid`: the runId an orchestrator gave, else a new one whose first
    48 bits are the milliseconds of its making."""
    uuid = uuid or ULID().to_uuid4()
    values = {"uuid": str(uuid), "job": job, "started_at": at, "state": "running"}
    row = conn.execute(insert(tables.run).values(values).returning(tables.run.c.id)).scalar_one()
    return Run(row, uuid, job, at)


def close_run(conn: Connection, run: Run, at: int, state: Literal["complete", "fail"] = "complete") -> None:
    """End a run."""
    conn.execute(update(tables.run).where(tables.run.c.id == run.id).values(ended_at=at, state=state))
