"""Connectors made of one YAML file: a new one, and its exam."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from connectors.contract import Connector, capabilities
from connectors.grades import grade_of, save
from connectors.manifest import BadManifest, kinds, read
from connectors.registry import installed
from gateway.cli.session import Json, fail, show
from gateway.config.manifests import problems_of
from gateway.settings import load

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
Kind = Annotated[str, typer.Option("--kind", help="What it talks to: rest, webhook, soap, sql, csv, singer.")]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="Where to write it; default: <home>/connectors, where it counts at once."),
]


def add(connector_app: typer.Typer) -> None:
    connector_app.command("new")(new)
    connector_app.command("test")(take_exam)


def new(name: str, kind: Kind = "rest", folder: Folder = None, as_json: Json = False) -> None:
    """Write the manifest of a new connector, one YAML file that works and passes its exam as it is."""
    home = load().home / "connectors"
    if not _NAME.fullmatch(name):
        raise fail(f"{name!r}: use lower case letters, digits and _, beginning with a letter", 2)
    found = kinds().get(kind)
    if found is None:
        raise fail(f"there is no kind {kind!r}; there are: {', '.join(sorted(kinds()))}", 2)
    if name in installed(folders=[home]).good:
        raise fail(f"there is a connector {name!r} already; choose another name", 2)
    path = (folder or home) / f"{name}.yaml"
    if path.exists():
        raise fail(f"{path} is there already", 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found.scaffold(name), "utf-8")

    def text(out: Console) -> None:
        out.print(f"{path}\nTry it: weft connector test {path}\nThen make it what your system is: docs/no-code.md")

    show({"file": str(path), "connector": name, "kind": kind}, as_json=as_json, text=text)


def take_exam(
    manifest: Annotated[str, typer.Argument(help="A manifest's file, or the name of a connector made of one.")],
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep the grade beside the file.")] = True,
    as_json: Json = False,
) -> None:
    """Take the exam: the connector against a stand-in made of the manifest's own samples. Exit 1 without a grade."""
    connector = _connector(manifest)
    problems = problems_of(connector)
    for problem in problems:
        hint = f" ({problem.hint})" if problem.hint else ""
        typer.echo(f"{problem.path}: {problem.message}{hint}", err=True)
    if problems:
        raise fail(f"{manifest}: the manifest has problems")
    try:
        from connectors.conformance.exam import examine
    except ModuleNotFoundError as error:
        raise fail(f"the exam needs {error.name}: pip install weft[dev]") from None
    try:
        report, failures = examine(connector)
    except BadManifest as error:
        raise fail(f"{manifest}: {error}") from None
    if keep:
        save(connector, report.grade)
    data = {
        "connector": connector.name, "grade": report.grade, "passed": report.passed, "cases": report.total,
        "failures": failures, "missing": list(report.missing),
    }  # fmt: skip

    def text(out: Console) -> None:
        for case, reason in failures.items():
            out.print(f"FAILED  {case}: {reason}", markup=False)
        out.print(
            f"{connector.name}: {report.grade or 'no grade'}, {report.passed} of {report.total} cases", markup=False
        )
        if report.grade and report.missing:
            out.print("the next grade lacks: " + ", ".join(report.missing), markup=False)

    show(data, as_json=as_json, text=text)
    if report.grade is None:
        raise typer.Exit(1)


def rows_of(catalogue: dict[str, type[Connector]]) -> list[dict[str, Any]]:
    """What `weft connector list` shows of each connector."""
    return [
        {
            "name": kind.name,
            "title": kind.title,
            "title_zh": kind.title_zh,
            "capabilities": ", ".join(sorted(capabilities(kind))),
            "grade": grade_of(kind),
            "made_of": getattr(getattr(kind, "manifest", None), "kind", "code"),
        }
        for _, kind in sorted(catalogue.items())
    ]


def _connector(manifest: str) -> type[Connector]:
    if Path(manifest).suffix in (".yaml", ".yml"):
        try:
            return read(Path(manifest))
        except BadManifest as error:
            raise fail(str(error)) from None
    found = installed(folders=[load().home / "connectors"])
    kind = found.good.get(manifest)
    if kind is None or not hasattr(kind, "manifest"):
        made = [name for name, each in found.good.items() if hasattr(each, "manifest")]
        why = (
            found.broken.get(f"{manifest}.yaml")
            or f"there is no manifest {manifest!r}; there are: {', '.join(sorted(made))}"
        )
        raise fail(why, 2)
    return kind
