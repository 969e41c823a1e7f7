"""Running the hub: serve, worker, migrate, tokens."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from gateway import clock, collector, tokens
from gateway.cli.first_run import set_up
from gateway.cli.session import Database, Json, gateway, settings, show, table
from gateway.database import current_revision, migrate, open_engine, require_current
from gateway.errors import BadConfiguration, Problem
from gateway.exposition import Exposition
from gateway.rights import check_holder
from gateway.secrets import new_key
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.tokens import Role
from gateway.worker import Worker

token_app = typer.Typer(help="API tokens.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(worker)
    app.command(name="migrate")(migrate_)
    app.command(name="secret-key")(secret_key)
    app.add_typer(token_app, name="token")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")] = 1,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Do not run the embedded worker.")] = False,
    database_url: Database = None,
) -> None:
    """The gateway; runs one embedded worker unless --no-worker. A new SQLite database is set up by itself."""
    import uvicorn

    s = settings(host=host, port=port, database_url=database_url)
    engine = open_engine(s.database)
    if engine.dialect.name == "sqlite" and current_revision(engine) is None:
        migrate(engine)
    require_current(engine)
    if workers > 1 and engine.dialect.name == "sqlite":
        problem = Problem("workers", "SQLite has one writer", "use --workers 1, or PostgreSQL by WEFT_DATABASE_URL")
        raise BadConfiguration("Several processes need PostgreSQL.", [problem])
    engine.dispose()
    set_up(s)
    common = {"host": s.host, "port": s.port, "log_config": None, "access_log": False, "timeout_graceful_shutdown": 20,
              "backlog": 4096, "server_header": False, "date_header": False}  # fmt: skip
    if workers == 1:
        app = _app(s, worker=not no_worker)
        collector.spare()
        uvicorn.run(app, **common)  # type: ignore[arg-type]
        return
    for name, value in (("DATABASE_URL", s.database), ("HOME", str(s.home)), ("HOST", s.host), ("PORT", str(s.port))):
        os.environ[f"WEFT_{name}"] = value
    os.environ["WEFT_EMBEDDED_WORKER"] = "0" if no_worker else "1"
    shared = s.home / "metrics"  # the processes' counters, so that a scrape of one tells of all
    shutil.rmtree(shared, ignore_errors=True)
    shared.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
    uvicorn.run("gateway.cli.serving:app_of_a_process", factory=True, workers=workers, **common)  # type: ignore[arg-type]


def _app(s: Settings, *, worker: bool) -> Any:
    from gateway.api.app import create_app  # a good part of a second, which no other command should take

    return create_app(s, worker=worker)


def app_of_a_process() -> object:
    """The application of one of several processes; each may run a worker, since work is claimed."""
    app = _app(settings(), worker=os.environ.get("WEFT_EMBEDDED_WORKER") == "1")
    collector.spare()
    return app


def worker(
    metrics_port: Annotated[
        int | None,
        typer.Option(help="Tell /metrics and /healthz on this port; default: WEFT_METRICS_PORT, else nowhere."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address of that port.")] = None,
    database_url: Database = None,
) -> None:
    """Outbox, context, timers, subscriptions; as many as you like on PostgreSQL."""
    s = settings(database_url=database_url, metrics_port=metrics_port, host=host)
    opened = Gateway(s)
    require_current(opened.engine)
    opened.start()
    running = Worker(opened)
    collector.spare()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    running.start()
    with Exposition(opened, running.alive, s.host, s.metrics_port) if s.metrics_port else nullcontext():
        stop.wait()
    running.close()
    opened.close()


def migrate_(
    additive: Annotated[
        bool, typer.Option("--additive", help="Only what adds: the program before goes on working meanwhile.")
    ] = False,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """To the newest schema, beside a hub at work: with --additive before the new program is rolled out, without after."""
    s = settings(database_url=database_url)
    before, after = migrate(open_engine(s.database), additive=additive)
    text = f"Schema {after} is in place" + (" already." if before == after else f" (before: {before or 'none'}).")
    show({"before": before, "after": after}, as_json=as_json, text=lambda out: out.print(text))


def secret_key() -> None:
    """A new key for WEFT_SECRET_KEY. To renew: put it before the old one, separated by a comma."""
    sys.stdout.write(new_key() + "\n")


@token_app.command("create")
def create_token(
    role: Annotated[Role, typer.Option(help="What it may do.")],
    name: Annotated[str, typer.Option(help="Whose it is; stands in every audit trail.")] = "cli",
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; default: never.")] = None,
    person: Annotated[str | None, typer.Option(help="Whose it is, by the roster's id: stands in timelines.")] = None,
    roles: Annotated[
        list[str] | None, typer.Option("--as", help="Business role; default: those of the person.")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="The customer it is for, such as CUST-2026-000001.")] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """A new API token, shown once. With --person, --as or --customer it sees and does what the policy rights says."""
    with gateway(database_url=database_url) as g, g.transaction() as conn:
        number = check_holder(g.hub, person, roles or [], customer)
        now = clock.now()
        expires = None if days is None else now + days * clock.DAY
        token_id, token = tokens.create(
            conn, name=name, role=role, now=now, expires_at=expires, person=person, roles=roles, customer=number
        )
    show({"id": token_id, "token": token, "role": role.value}, as_json=as_json, text=lambda out: out.print(token))


@token_app.command("list")
def list_tokens(database_url: Database = None, as_json: Json = False) -> None:
    """All tokens, never their secret."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = tokens.listed(conn)
    rows = [(t.id, t.name, t.role, clock.rfc3339(t.created_at), clock.rfc3339(t.expires_at), clock.rfc3339(t.revoked_at),
             t.person, ", ".join(t.roles or ())) for t in found]  # fmt: skip
    columns = ("id", "name", "role", "created", "expires", "revoked", "person", "as")
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    show({"items": data}, as_json=as_json, text=lambda out: out.print(table("Tokens", columns, rows)))


@token_app.command("revoke")
def revoke_token(token_id: str, database_url: Database = None) -> None:
    """End a token."""
    with gateway(database_url=database_url) as g, g.transaction() as conn:
        tokens.revoke(conn, token_id, clock.now())
