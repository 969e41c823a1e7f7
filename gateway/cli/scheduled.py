"""What a scheduler calls, one step a process: parts of a sync, the hub's jobs, and the file that Airflow's DAGs are made of.

Exit codes say what to do next: 0 done; 1 the source or the job failed, and the next run at its time is soon enough; 2 used
wrongly; 75 try again in a while (somebody else is at it, or the database was away).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import announcing, clock
from gateway.cli.session import Database, Json, fail, gateway, show, table
from gateway.cli.syncing import sync_app
from gateway.config.hub import Live
from gateway.errors import BadConfiguration, Conflict, Problem, Unavailable
from gateway.leases import LeaseLost
from gateway.policies.scheduling import KIND
from gateway.scheduling import airflow
from gateway.scheduling.jobs import job_of
from gateway.service import Gateway
from gateway.sync.parts import Wanted
from gateway.usecases import syncing

TRY_AGAIN = 75

job_app = typer.Typer(help="The hub's own periodic jobs.", no_args_is_help=True)
airflow_app = typer.Typer(help="What Airflow needs to know.", no_args_is_help=True)

Attended = Annotated[
    bool,
    typer.Option("--attended", help="End, after the transaction that is on its way, when standard input does."),
]
Reading = Annotated[int | None, typer.Option(help="The number that `weft sync plan` gave; none: not in parts.")]


def add(app: typer.Typer) -> None:
    app.add_typer(job_app, name="job")
    app.add_typer(airflow_app, name="airflow")


@contextmanager
def _opened(database_url: str | None) -> Iterator[Gateway]:
    """A gateway that takes messages; what may pass ends with the exit code that says so."""
    try:
        with gateway(database_url=database_url) as g:
            g.start()
            yield g
    except (Conflict, Unavailable, LeaseLost) as error:
        raise fail(str(error), TRY_AGAIN) from None


def _live(g: Gateway, connection: str) -> Live:
    live = g.hub.connection(connection)
    if live.runtime is None:
        raise fail(f"connection {connection!r} cannot work: {live.broken}")
    return live


def _stop(attended: bool) -> threading.Event:
    """Set when whoever began this process is gone."""
    stop = threading.Event()
    if attended:

        def watch() -> None:
            while os.read(0, 4096):  # not sys.stdin: its lock would be held while the process ends
                pass
            stop.set()

        threading.Thread(target=watch, name="weft-attended", daemon=True).start()
    return stop


def _announce(g: Gateway, live: Live, stream: str) -> None:
    """An OpenLineage event, where somebody listens; its parent is the task that began this process."""
    emitter = announcing.emitter_of(g.settings.openlineage_url)
    if emitter is not None:
        announcing.announce_sync(g, live, stream, emitter, os.environ.get("WEFT_OPENLINEAGE_PARENT", ""))


def _told(outcome: dict[str, Any], as_json: bool) -> None:
    line = ", ".join(f"{name} {value}" for name, value in outcome.items() if isinstance(value, int))
    show(outcome, as_json=as_json, text=lambda out: out.print(line))
    if outcome.get("error"):
        raise fail(str(outcome["error"]))


@sync_app.command("plan")
def sync_plan(
    connection: str,
    stream: str,
    full: Annotated[bool, typer.Option("--full", help="From the beginning, not from the cursors.")] = False,
    part: Annotated[
        list[str] | None, typer.Option(help="Only this part, from its beginning; may be given again.")
    ] = None,
    since: Annotated[str, typer.Option(help="By day: from this day on, e.g. 2026-11-01, from its beginning.")] = "",
    until: Annotated[str, typer.Option(help="By day: up to this day, included.")] = "",
    asked_by: Annotated[str, typer.Option(help="Who asks; asked again, the same reading is answered.")] = "",
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Begin to read a stream in parts: the number of the reading, and the parts to be read, one `weft sync part` each."""
    wanted = Wanted(full, tuple(part or ()), _day("since", since), _day("until", until))
    with _opened(database_url) as g:
        told = syncing.plan(g, _live(g, connection), stream, wanted, asked_by=asked_by or None)
    show(told, as_json=as_json, text=lambda out: out.print(f"{told['reading']}: {' '.join(told['parts'])}"))


@sync_app.command("part")
def sync_part(
    connection: str,
    stream: str,
    part: Annotated[str, typer.Argument(help="Its name; empty where the stream is not read in parts.")] = "",
    reading: Reading = None,
    full: Annotated[bool, typer.Option("--full", help="Not in parts: from the beginning.")] = False,
    attended: Attended = False,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Read one part of a planned reading, from where it was read to; a part that is complete is not read again."""
    with _opened(database_url) as g:
        live = syncing.one_of_several(_live(g, connection))
        outcome = syncing.run_part(g, live, stream, reading, part, full=full, stop=_stop(attended))
        if reading is None and not outcome["error"]:
            _announce(g, live, stream)
    _told(outcome, as_json)


@sync_app.command("finish")
def sync_finish(
    connection: str, stream: str, reading: Reading = None, database_url: Database = None, as_json: Json = False
) -> None:
    """End a reading all of whose parts are read: what none of them had is gone, new rules look at what is held."""
    with _opened(database_url) as g:
        live = _live(g, connection)
        outcome = syncing.finish(g, live, stream, reading)
        if not outcome["error"]:
            _announce(g, live, stream)
    _told(outcome, as_json)


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadConfiguration("That is no day.", [Problem(name, f"{text!r}", "write 2026-11-01")]) from None


@job_app.command("list")
def list_jobs(database_url: Database = None, as_json: Json = False) -> None:
    """Every job, and when it runs."""
    with gateway(database_url=database_url) as g:
        policy = KIND.of(g.hub.policies)
    jobs = [
        (name, timing.describe(), job_of(name).title_zh, job_of(name).title) for name, timing in policy.jobs.items()
    ]
    data = [dict(zip(("name", "when", "title_zh", "title"), each, strict=True)) for each in jobs]
    begun_by = "airflow" if policy.airflow else "the workers"
    heading = f"Jobs, begun by {begun_by}"
    show(
        {"items": data, "scheduler": "airflow" if policy.airflow else "embedded"},
        as_json=as_json,
        text=lambda out: out.print(table(heading, ("job", "when", "任务", "does"), jobs)),
    )


@job_app.command("run")
def run_job(name: str, database_url: Database = None, as_json: Json = False) -> None:
    """Run a job now, whoever else schedules it."""
    job = job_of(name)
    with _opened(database_url) as g:
        outcome = job.run(g, g.hub, clock.now())
    _told(outcome, as_json)


@airflow_app.command("export")
def airflow_export(
    file: Annotated[Path, typer.Argument(help="Where the DAGs look for it: WEFT_SYNCS, else dags/syncs.json.")],
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Write syncs and jobs for the DAGs, and pools.json beside it for `airflow pools import`. Run it after each `weft apply`,
    or let the worker do it (WEFT_AIRFLOW_FILE)."""
    with gateway(database_url=database_url) as g:
        new = airflow.write(g.hub, file)
        told = airflow.definitions(g.hub)
    data = {"file": str(file), "changed": new, "syncs": len(told["syncs"]), "jobs": len(told["jobs"])}
    line = f"{data['syncs']} syncs and {data['jobs']} jobs in {file}" + ("" if new else " (unchanged)")
    show(data, as_json=as_json, text=lambda out: out.print(line))
