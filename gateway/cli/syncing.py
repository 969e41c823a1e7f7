"""Reading streams: now, with a bar that moves, and what came of it so far."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateway.cli.session import Database, Json, fail, gateway, show, table
from gateway.sync.state import Counts
from gateway.usecases import syncing

sync_app = typer.Typer(help="Reading streams.", no_args_is_help=True)


@sync_app.command("run")
def sync_run(
    connection: str,
    stream: str,
    full: Annotated[bool, typer.Option("--full", help="From the beginning, not from the cursor.")] = False,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Read a stream now: alerts are reconciled, records of business taken over where they changed."""
    with gateway(database_url=database_url) as g:
        g.start()
        live = g.hub.connection(connection)
        if live.runtime is None:
            raise fail(f"connection {connection!r} cannot work: {live.broken}")
        with g.reading() as conn:
            held = syncing.held(conn, live, stream)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"),
                   TimeElapsedColumn())  # fmt: skip
        with Progress(
            *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
        ) as progress:
            task = progress.add_task(f"reading {connection}/{stream}", total=held or None, told="")

            def told(counts: Counts) -> None:
                total = max(held, counts.read) if held else None
                line = (
                    f"{counts.read:,} read · +{counts.added:,} ~{counts.changed:,} -{counts.deleted + counts.absent:,}"
                )
                progress.update(task, completed=counts.read, total=total, told=line + f" · {counts.bad:,} bad")

            outcome = syncing.run(g, live, stream, full=full, progress=told)
    line = ", ".join(f"{name} {value}" for name, value in outcome.items() if isinstance(value, int))

    def text(out: Console) -> None:
        out.print(line)
        for veto in outcome.get("vetoes", ()):
            out.print(f"not linked: {veto}", markup=False)

    show(outcome, as_json=as_json, text=text)
    if outcome["error"]:
        raise fail(outcome["error"])


@sync_app.command("status")
def sync_status(database_url: Database = None, as_json: Json = False) -> None:
    """When each stream was read, how much, and what went wrong."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = syncing.status(conn)
    columns = ("stream", "becomes", "held", "finished", "last run", "error")
    rows = [
        (f"{s['connection']}/{s['stream']}", s["becomes"], s["held"], s["finished_at"], _counted(s), s["error"])
        for s in found
    ]
    show({"items": found}, as_json=as_json, text=lambda out: out.print(table("Syncs", columns, rows)))


def _counted(each: dict[str, Any]) -> str:
    """What a run did, in one line; of a stream of alerts only what was read and what was bad is counted."""
    counts = each["counts"]
    if counts is None:
        return f"{each['records']:,} read" + (f", {each['bad']:,} bad" if each["bad"] else "")
    gone = counts["deleted"] + counts["absent"]
    line = f"{counts['read']:,} read: +{counts['added']:,} ~{counts['changed']:,} -{gone:,}"
    bad = f", {counts['bad']:,} bad" if counts["bad"] else ""
    return line + bad + ("" if each["state"] == "complete" else f" ({each['state']})")
