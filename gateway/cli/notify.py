"""Telling people from the command line: try a channel, look into somebody's inbox."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from gateway.cli.session import Database, Json, fail, gateway, show, table
from gateway.notify import inbox, trying

notify_app = typer.Typer(help="Telling people: channels and inboxes.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    app.add_typer(notify_app, name="notify")


@notify_app.command("test")
def try_out(
    channel: Annotated[str, typer.Argument(help="The connection.")],
    to: Annotated[str, typer.Option(help="Send a message: to a person's id, an address, or `default`.")] = "",
    operation: Annotated[str, typer.Option(help="By this operation; default: an app's message, else `send`.")] = "",
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Try a channel: a real login, and with --to a real message; kept, since a policy may only name channels that worked."""
    with gateway(database_url=database_url) as g:
        tried = trying.try_channel(g, channel, "cli", to=to, operation=operation)
    data = {"connection": channel, "ok": tried.ok, "reason": tried.reason, "message": tried.message, "sent_to": to}

    def text(out: Console) -> None:
        what = f"message to {to}" if to else "login"
        out.print(f"{'OK' if tried.ok else 'FAILED'}  {channel}  {what}  {tried.reason or tried.message}", markup=False)

    show(data, as_json=as_json, text=text)
    if not tried.ok:
        raise typer.Exit(1)


@notify_app.command("inbox")
def show_inbox(
    person: str,
    unread: Annotated[bool, typer.Option(help="Only what was not read.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """The notices of a person, newest first."""
    with gateway(database_url=database_url) as g:
        if person not in g.hub.roster.people:
            raise fail(f"there is nobody {person!r}")
        with g.reading() as conn:
            page = inbox.listed(conn, g.hub, person, unread=unread, limit=limit)
    rows: list[tuple[Any, ...]] = [(i["at"], i["priority"], i["ticket"], i["title"], i["read_at"]) for i in page.items]
    columns = ("at", "priority", "ticket", "title", "read")
    data = {"items": page.items, "unread": page.unread}
    show(data, as_json=as_json, text=lambda out: out.print(table("收件箱 · inbox", columns, rows)))
