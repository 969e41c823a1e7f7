"""Retention: what is kept how long, and what is due."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from gateway import clock, retention
from gateway.cli.session import Database, Json, gateway, show, table

retention_app = typer.Typer(help="What is old leaves the database, and nothing that is needed.", no_args_is_help=True)
_COLUMNS = ("kind", "older than", "rows", "held", "segments", "bytes", "complete")


def add(app: typer.Typer) -> None:
    app.add_typer(retention_app, name="retention")


@retention_app.command("show")
def show_retention(database_url: Database = None, as_json: Json = False) -> None:
    """What there is, and what is due of it. Changes nothing."""
    with gateway(database_url=database_url) as g:
        there, due = retention.held(g), retention.run(g, dry_run=True)

    def text(out: Console) -> None:
        names = ("rows", "")
        out.print(table("现有 · there is", names, [(key.replace("_", " "), n) for key, n in asdict(there).items()]))
        out.print(_of(due, "到期 · due"))

    show({"held": asdict(there)} | _shape(due), as_json=as_json, text=text)


@retention_app.command("run")
def run_retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due, change nothing.")] = False,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only this kind: messages, tickets, landing, segments.")
    ] = None,
    limit_s: Annotated[float | None, typer.Option(min=0.0, help="Stop after so many seconds.")] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Prune and seal what is due; safe at any time, beside a hub at work."""
    with gateway(database_url=database_url) as g:
        report = retention.run(g, kinds=kind or retention.KINDS, dry_run=dry_run, limit_s=limit_s)
    title = "到期 · due" if dry_run else "已完成 · done"
    show(_shape(report), as_json=as_json, text=lambda out: out.print(_of(report, title)))


def _shape(report: retention.Report) -> dict[str, object]:
    kinds = [asdict(done) | {"before": clock.rfc3339(done.before)} for done in report.done]
    return {"dry_run": report.dry_run, "kinds": kinds, "swept": report.swept}


def _of(report: retention.Report, title: str) -> object:
    rows = [
        (d.kind, clock.rfc3339(d.before) or "kept for ever", d.rows, d.held, d.segments, d.bytes, d.complete)
        for d in report.done
    ]
    return table(title, _COLUMNS, rows)
