"""The systems on the other side: what the hub sets up in them, and stand-ins for people who have none."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from connectors.manifest.sandbox import FIRST_PORT
from connectors.registry import installed
from gateway.cli.session import Database, Json, fail, gateway, settings, show, table
from gateway.demo.errors import ComponentError
from gateway.demo.mosquitto import Mosquitto
from gateway.demo.process import accepts_connections

MQTT_PORT = 1883
STAND_IN = (
    "import runpy, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0));"
    " runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
"""Runs the module named first, which ends in order when it is told to: its temporary folders are removed."""

connection_app = typer.Typer(help="Setting up the other side of a connection.", no_args_is_help=True)
sandbox_app = typer.Typer(help="Stand-ins of vendors' systems, for trying Weft without one.", no_args_is_help=True)

AdminUser = Annotated[str, typer.Option(help="An administrator there, for this once; not kept.")]
AdminPassword = Annotated[
    str, typer.Option(envvar="WEFT_REMOTE_ADMIN_PASSWORD", help="The administrator's password.", show_default=False)
]
AdminToken = Annotated[
    str, typer.Option(envvar="WEFT_REMOTE_ADMIN_TOKEN", help="Instead: the administrator's token.", show_default=False)
]
HubUrl = Annotated[str, typer.Option(help="How that system reaches this hub; default: WEFT_PUBLIC_URL.")]


def add(app: typer.Typer) -> None:
    app.add_typer(connection_app, name="connection")
    app.add_typer(sandbox_app, name="sandbox")


@connection_app.command("install")
def install(
    connection: str,
    hub_url: HubUrl = "",
    admin_user: AdminUser = "",
    admin_password: AdminPassword = "",
    admin_token: AdminToken = "",
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Make or repair there what sends its messages to the hub (Zabbix: media type, user group, user, action)."""
    _set_up("install", connection, hub_url, admin_user, admin_password, admin_token, database_url, as_json)


@connection_app.command("uninstall")
def uninstall(
    connection: str,
    hub_url: HubUrl = "",
    admin_user: AdminUser = "",
    admin_password: AdminPassword = "",
    admin_token: AdminToken = "",
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Take away what install made; nothing else."""
    _set_up("uninstall", connection, hub_url, admin_user, admin_password, admin_token, database_url, as_json)


def _set_up(
    verb: str,
    connection: str,
    hub_url: str,
    user: str,
    password: str,
    token: str,
    database_url: str | None,
    as_json: bool,
) -> None:
    with gateway(database_url=database_url) as g:
        live = g.hub.connection(connection)
        if live.connector is None:
            raise fail(f"connection {connection!r} cannot work: {live.broken}")
        do: Any = getattr(live.connector, verb, None)
        kind: Any = getattr(live.connector, "AdministratorForm", None)
        if do is None or kind is None:
            raise fail(f"connector {live.origin!r} has nothing to install; its README says what to set up by hand")
        given = {"token": token} if token else {"username": user, "password": password} if user else None
        inbound = f"{hub_url.rstrip('/') or g.settings.url}/v1/inbound/{connection}"
        report = do(inbound, administrator=None if given is None else kind.model_validate(given))
    data = report.model_dump(mode="json")

    def text(out: Console) -> None:
        rows = [list(step.values()) for step in data["steps"]]
        out.print(table(f"{connection} → {inbound}", list(data["steps"][0]) if rows else ["nothing to do"], rows))
        for warning in data["warnings"]:
            out.print(f"! {warning}", markup=False)

    show(data, as_json=as_json, text=text)


@sandbox_app.command("list")
def sandbox_list(as_json: Json = False) -> None:
    """The systems that have a stand-in."""
    names = sorted(_stand_ins())
    show({"items": names}, as_json=as_json, text=lambda out: out.print("\n".join(names)))


@sandbox_app.command("up")
def sandbox_up(
    systems: Annotated[list[str] | None, typer.Argument(help="Which; default: all.")] = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port of the first, the next ones behind it; default: their usual ones."),
    ] = 0,
) -> None:
    """Start stand-ins on their usual ports, each with a line that says where it is; Ctrl-C ends them.

    The devices of mqtt need a broker: where none listens on port 1883, a Mosquitto is started for them. For other ports
    and options: python -m connectors.SYSTEM.sandbox --help, or, for a connector made of a manifest,
    python -m connectors.manifest.sandbox FILE --help
    """
    stand_ins = _stand_ins()
    known = sorted(stand_ins)
    wanted = systems or known
    for name in wanted:
        if name not in known:
            raise fail(f"there is no stand-in for {name!r}; there are: {', '.join(known)}", 2)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as live:
        if "mqtt" in wanted and (missing := _broker(live)):
            typer.echo(f"mqtt: left out: {missing}", err=True)
            wanted = [name for name in wanted if name != "mqtt"]
        places = {name: ["--port", str(port + n)] if port and name != "mqtt" else [] for n, name in enumerate(wanted)}
        running = {n: subprocess.Popen([sys.executable, "-c", STAND_IN, *stand_ins[n], *places[n]]) for n in wanted}  # noqa: S603
        ended = _watch(running, stop)
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(20)
    if ended:
        raise fail(f"ended by themselves: {', '.join(ended)}")


def _watch(running: Mapping[str, subprocess.Popen[bytes]], stop: threading.Event) -> list[str]:
    """Until told to stop, or none runs any more; whichever ends before is named, and the others go on."""
    ended: list[str] = []
    while len(ended) < len(running) and not stop.wait(0.5):
        for name, process in running.items():
            if process.poll() is not None and name not in ended:
                ended.append(name)
                typer.echo(f"{name}: its stand-in ended with code {process.returncode}", err=True)
    return ended


def _broker(live: ExitStack) -> str:
    """See that a broker listens on MQTT's own port; why there is none, or nothing."""
    if accepts_connections(MQTT_PORT):
        return ""
    folder = Path(live.enter_context(tempfile.TemporaryDirectory(prefix="weft-mosquitto-")))
    try:
        broker = live.enter_context(Mosquitto(folder, port=MQTT_PORT))
    except ComponentError as error:
        return str(error)
    typer.echo(f"Mosquitto: {broker.url}")
    return ""


def _stand_ins() -> dict[str, list[str]]:
    """Connector name → the module to run and its arguments, of those that have a stand-in."""
    found: dict[str, list[str]] = {}
    made: list[str] = []
    for name, kind in sorted(installed(folders=[settings().home / "connectors"]).good.items()):
        if hasattr(kind, "manifest"):
            port = FIRST_PORT + len(made)
            made.append(name)
            found[name] = ["connectors.manifest.sandbox", str(getattr(kind, "manifest_file", "")), "--port", str(port)]
            continue
        module = f"{kind.__module__.rpartition('.')[0]}.sandbox"
        if importlib.util.find_spec(module):
            found[name] = [module]
    return found
