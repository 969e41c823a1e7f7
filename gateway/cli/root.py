"""All commands in one place: each is thin around a use case."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from gateway.cli import (
    backup,
    configuration,
    figures,
    ids,
    inspection,
    learning,
    notify,
    people,
    promises,
    retention,
    serving,
    systems,
    users,
)

app = typer.Typer(name="weft", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
serving.add(app)
backup.add(app)
configuration.add(app)
inspection.add(app)
figures.add(app)
learning.add(app)
ids.add(app)
systems.add(app)
notify.add(app)
promises.add(app)
people.add(app)
retention.add(app)
users.add(app)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("weft"))
        raise typer.Exit


@app.callback()
def weft(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Weft (纬): alerts and thresholds become tickets; every field knows where it came from."""
