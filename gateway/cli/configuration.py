"""Configuration as code, connectors, connections, mappings."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from connectors.registry import installed
from gateway import clock
from gateway.cli import manifests, scheduled, syncing
from gateway.cli.people import tell_findings
from gateway.cli.session import Database, Json, fail, gateway, show, table
from gateway.config import documents, store, yaml12
from gateway.errors import NotFound, SchemaMismatch
from gateway.service import Gateway
from gateway.settings import load
from gateway.usecases import rule_report
from mappings import Mapping, format_path

connector_app = typer.Typer(help="Connectors.", no_args_is_help=True)
mapping_app = typer.Typer(help="Mappings.", no_args_is_help=True)
Files = Annotated[list[Path], typer.Argument(help="YAML files of connections, mappings, rules, bridges.", exists=True)]


def add(app: typer.Typer) -> None:
    app.command()(apply)
    app.command()(export)
    app.command()(check)
    manifests.add(connector_app)
    app.add_typer(connector_app, name="connector")
    app.add_typer(syncing.sync_app, name="sync")
    scheduled.add(app)
    app.add_typer(mapping_app, name="mapping")


def apply(
    files: Files,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would change, and which rules would decide nothing; change nothing."),
    ] = False,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Put configuration into force: all of it, or, with path and remedy of every problem, nothing."""
    found = documents.parse((str(f), f.read_text("utf-8")) for f in files)
    problems: list[tuple[str, str, str, str]] = []
    with gateway(database_url=database_url) as g:
        if dry_run:
            changes, planned = g.plan(found)
            with g.reading() as conn:
                problems = rule_report.findings_of(rule_report.report(conn, planned, clock.now()))
        else:
            changes = g.apply(found, actor=f"cli:{getpass.getuser()}")
    rows = [(c.what, c.kind, c.id, ", ".join(c.fields)) for c in changes]
    data: dict[str, Any] = {
        "dry_run": dry_run, "changes": [{"what": w, "kind": k, "id": i, "fields": f} for w, k, i, f in rows]
    }  # fmt: skip
    if dry_run:
        names = ("policy", "rule", "message", "hint")
        data["rules"] = [dict(zip(names, problem, strict=True)) for problem in problems]

    def text(out: Console) -> None:
        out.print(table("Would change" if dry_run else "Applied", ("what", "kind", "id", "fields"), rows))
        tell_findings(out, problems)

    show(data, as_json=as_json, text=text)


def export(database_url: Database = None, as_json: Json = False) -> None:
    """The configuration as `weft apply` takes it; secrets hidden. A hub without rules prints the built-in ones."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        data = store.export(conn, g.catalogue, g.hub)
    show(data, as_json=as_json, text=lambda _: _write(yaml12.dump(data)))


def _write(text: str) -> None:
    sys.stdout.write(text)


def check(connection: str, database_url: Database = None, as_json: Json = False) -> None:
    """A real login that changes nothing: does it work, which rights are missing, where to grant them."""
    with gateway(database_url=database_url) as g:
        live = g.hub.connection(connection)
        if live.runtime is None:
            raise fail(f"connection {connection!r} cannot work: {live.broken}")
        health = live.runtime.check()
    data = health.model_dump(mode="json")

    def text(out: Console) -> None:
        out.print(f"{'OK' if health.ok else 'FAILED'}  {connection}  {health.remote_version}  {health.message}")
        if health.missing_rights:
            rows = [(r.right, r.needed_for, r.grant_at) for r in health.missing_rights]
            out.print(table("Missing rights", ("right", "needed for", "grant it at"), rows))

    show(data, as_json=as_json, text=text)
    if not health.ok or health.missing_rights:
        raise typer.Exit(1)


@connector_app.command("list")
def list_connectors(database_url: Database = None, as_json: Json = False) -> None:
    """What is there, what it can, the grade its exam gave, and plug-ins and manifests that do not work.

    Before there is a database, what is installed; with one, also the manifests of its configuration."""
    try:
        with gateway(database_url=database_url) as g:
            catalogue = g.catalogue
    except SchemaMismatch:
        catalogue = installed(folders=[load().home / "connectors"])
    items, broken = manifests.rows_of(catalogue.good), catalogue.broken
    data = {"items": items, "broken": broken}

    def text(out: Console) -> None:
        columns = ("name", "title", "名称", "capabilities", "grade", "made of")
        out.print(table("Connectors", columns, [[each or "-" for each in item.values()] for item in items]))
        for name, reason in broken.items():
            out.print(f"{name}: {reason}", markup=False)

    show(data, as_json=as_json, text=text)


def mappings_of(g: Gateway) -> dict[str, Mapping]:
    """Every mapping there is: those of installed connectors, of the configuration, and of the rules."""
    from gateway.config.provided import library_of

    found = {m.name: m for kind in g.catalogue.good.values() for m in library_of(kind).values()}
    for live in (*g.hub.connections.values(), g.hub.internal):
        found |= {m.name: m for m in live.mappings.values()}
    templates = [r.template for rules in g.hub.rules.by_kind.values() for r in rules if r.template]
    return found | {t.name: t for t in templates}


def _mapping(g: Gateway, name: str) -> Mapping:
    found = mappings_of(g)
    if name not in found:
        raise NotFound(f"There is no mapping {name!r}; there are: {', '.join(sorted(found))}.")
    return found[name]


@mapping_app.command("list")
def mapping_list(database_url: Database = None, as_json: Json = False) -> None:
    """All mappings with their versions."""
    with gateway(database_url=database_url) as g:
        rows = [(m.name, m.connector, m.stream, m.target, m.version[:12]) for _, m in sorted(mappings_of(g).items())]
    columns = ("name", "connector", "stream", "to", "version")
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    show({"items": data}, as_json=as_json, text=lambda out: out.print(table("Mappings", columns, rows)))


@mapping_app.command("test")
def mapping_test(
    name: Annotated[str | None, typer.Argument()] = None, database_url: Database = None, as_json: Json = False
) -> None:
    """Run the mappings' own tests."""
    with gateway(database_url=database_url) as g:
        chosen = [_mapping(g, name)] if name else list(mappings_of(g).values())
    results = {m.name: [str(f) for f in m.check()] for m in chosen}
    failed = {n: f for n, f in results.items() if f}

    def text(out: Console) -> None:
        for mapping, failures in sorted(results.items()):
            out.print(f"{'FAILED' if failures else 'ok':7}{mapping}", markup=False)
            for failure in failures:
                out.print(f"       {failure}", markup=False)

    show({"results": results, "ok": not failed}, as_json=as_json, text=text)
    if failed:
        raise typer.Exit(1)


@mapping_app.command("explain")
def mapping_explain(name: str, field: str, database_url: Database = None, as_json: Json = False) -> None:
    """What a field is made of: its expression and every path it depends on."""
    with gateway(database_url=database_url) as g:
        mapping = _mapping(g, name)
    if field not in mapping.fields:
        raise NotFound(f"Mapping {name!r} sets no field {field!r}; it sets: {', '.join(mapping.fields)}.")
    rule = mapping.rules[field]
    edges = [
        {"source": format_path(e.source_path), "type": e.type, "subtype": e.subtype, "masking": e.masking}
        for e in mapping.edges
        if e.target_field in (field, "*")
    ]
    data: dict[str, Any] = {"mapping": name, "field": field, "on_error": rule.on_error, "edges": edges}
    rows = [(e["source"], e["type"], e["subtype"]) for e in edges]
    show(data, as_json=as_json, text=lambda out: out.print(table(f"{name}.{field}", ("reads", "type", "how"), rows)))


@mapping_app.command("try")
def mapping_try(
    name: str, file: Annotated[Path, typer.Argument(exists=True)], database_url: Database = None, as_json: Json = False
) -> None:
    """One record (a JSON file) through a mapping."""
    with gateway(database_url=database_url) as g:
        mapping = _mapping(g, name)
    try:
        record = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise fail(f"{file} is no JSON: {error}", 2) from None
    result = mapping.run(record)
    data = {
        "values": result.values, "matched": result.matched, "dead": str(result.dead) if result.dead else None,
        "errors": [str(e) for e in result.errors],
    }  # fmt: skip
    rows = [(k, v) for k, v in result.values.items()]

    def text(out: Console) -> None:
        out.print(table(name, ("field", "value"), rows))
        for line in ([f"dead: {result.dead}"] if result.dead else []) + [f"error: {e}" for e in result.errors]:
            out.print(line, markup=False)

    show(data, as_json=as_json, text=text)
    if result.dead:
        raise typer.Exit(1)
