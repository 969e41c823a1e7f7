"""What every command needs: settings from flags, a gateway on a current schema, and output for people or machines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from core_tickets.rights import EVERYBODY
from gateway import logs
from gateway.api.shapes import plain
from gateway.database import require_current
from gateway.rights import Eyes, asker_as
from gateway.service import Gateway
from gateway.settings import Settings, load

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Database = Annotated[
    str | None, typer.Option("--database-url", help="Instead of WEFT_DATABASE_URL.", show_default=False)
]

As = Annotated[
    str | None,
    typer.Option("--as", help="See what this person of the roster sees; default: everything, as an administrator.",
                 show_default=False),
]  # fmt: skip


def settings(**flags: Any) -> Settings:
    loaded = load(flags)
    logs.configure(loaded.log_format)
    return loaded


@contextmanager
def gateway(**flags: Any) -> Iterator[Gateway]:
    """A gateway for one command, not taking messages. Raises SchemaMismatch with the command to run."""
    opened = Gateway(settings(**flags))
    try:
        require_current(opened.engine)
        opened.reload()  # before any transaction of the command: SQLite has one writer
        yield opened
    finally:
        opened.close()


def eyes(conn: Connection, g: Gateway, person: str | None) -> Eyes:
    """What a person sees; nobody named: everything. Raises NotFound, Forbidden."""
    return Eyes(conn, g.hub, EVERYBODY if person is None else asker_as(g.hub, person))


def show(data: Any, *, as_json: bool, text: Callable[[Console], None]) -> None:
    """JSON for machines, or what `text` prints for people."""
    if as_json:
        option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
        sys.stdout.write(orjson.dumps(data, default=plain, option=option).decode() + "\n")
    else:
        text(Console(soft_wrap=True, highlight=False))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table of plain text."""
    made = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(("" if cell is None else str(cell)).replace("[", r"\[") for cell in row))
    return made


def fail(message: str, code: int = 1) -> typer.Exit:
    """Print why to standard error; raise what this returns."""
    sys.stderr.write(f"weft: {message}\n")
    return typer.Exit(code)
