"""Backup and restore."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import backup
from gateway.cli.session import Database, Json, settings, show

Folder = Annotated[Path, typer.Argument(help="The backup's folder.")]


def add(app: typer.Typer) -> None:
    app.command(name="backup")(make)
    app.command(name="restore")(restore)


def make(folder: Folder, database_url: Database = None, as_json: Json = False) -> None:
    """Database, attachments and sealed lineage as of now into a new folder, beside a hub at work. Without the secret key:
    keep that elsewhere."""
    made = backup.make(settings(database_url=database_url), folder)
    text = f"{len(made.files)} files, {made.bytes} bytes, schema {made.revision}, as of {made.at}"
    show(asdict(made), as_json=as_json, text=lambda out: out.print(text))


def restore(folder: Folder, database_url: Database = None, as_json: Json = False) -> None:
    """A backup into an empty database and WEFT_HOME; every file is checked first. Then: weft migrate, weft audit."""
    found = backup.restore(settings(database_url=database_url), folder)
    text = (
        f"Schema {found.revision} as of {found.at} is restored. Now run: weft migrate, weft audit, weft lineage verify"
    )
    show(asdict(found), as_json=as_json, text=lambda out: out.print(text))
