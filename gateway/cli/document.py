"""The reference pages that are made from the code: `python -m gateway.cli.document` writes them anew.

docs/cli.md (every command with its options), docs/settings.md and docs/metrics.md; a test compares them with the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from prometheus_client.metrics import MetricWrapperBase

from gateway import metrics
from gateway.cli.root import app
from gateway.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def commands(node: Any, path: str = "weft") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    children = getattr(node, "commands", None)
    if children is None:
        yield path, node
        return
    for name, child in sorted(children.items()):
        yield from commands(child, f"{path} {name}")


def cli_page() -> str:
    """docs/cli.md"""
    lines = [
        "# Commands",
        "",
        "Made from the code by `python -m gateway.cli.document`. Exit codes: 0 done, 1 found something wrong, 2 used wrongly.",
        "",
    ]
    for path, command in commands(typer.main.get_command(app)):
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        usage = " ".join([path, *(_usage(a) for a in arguments)])
        lines += [f"## `{usage}`", "", " ".join((command.help or "").split()), ""]
        if options:
            lines += ["| option | does |", "|---|---|"]
            lines += [f"| `{', '.join(o.opts)}` | {' '.join((o.help or '').split())} |" for o in options]
            lines += [""]
    return "\n".join(lines)


def _usage(argument: Any) -> str:
    name = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def settings_page() -> str:
    """docs/settings.md"""
    lines = [
        "# Settings",
        "",
        "Defaults, then `weft.toml` (or the file `WEFT_CONFIG` names), then the environment, then flags; the later wins.",
        "`WEFT_<NAME>_FILE` names a file that holds the value, as secrets are mounted into containers.",
        "Made from the code by `python -m gateway.cli.document`.",
        "",
        "| in `weft.toml` | in the environment | default | what it is |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        lines.append(f"| `{name}` | `WEFT_{name.upper()}` | {default} | {field.description} |")
    return "\n".join([*lines, ""])


def metrics_page() -> str:
    """docs/metrics.md"""
    lines = [
        "# Metrics",
        "",
        "`GET /metrics`, for Prometheus. Made from the code by `python -m gateway.cli.document`.",
        "",
        "| metric | labels | what it is |",
        "|---|---|---|",
    ]
    for each in vars(metrics).values():
        if isinstance(each, MetricWrapperBase):
            labels = ", ".join(f"`{label}`" for label in each._labelnames)
            lines.append(f"| `{each._name}` | {labels} | {each._documentation} |")
    return "\n".join([*lines, ""])


PAGES = {"cli.md": cli_page, "settings.md": settings_page, "metrics.md": metrics_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page(), "utf-8")
