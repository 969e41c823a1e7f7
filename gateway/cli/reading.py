"""Reading tickets: lists and exports, the history of a device, and who may see and do what."""

from __future__ import annotations

import csv
import enum
import sys
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

import core_tickets
import id_registry
from gateway import clock
from gateway.api.shapes import plain, ticket_shape
from gateway.cli.session import As, Database, Json, eyes, gateway, show, table
from gateway.policies.rights import KIND, text_of
from gateway.usecases import histories, tickets

rights_app = typer.Typer(help="Who may see and do what.", no_args_is_help=True)
COLUMNS = ("id", "kind", "status", "priority", "title", "description", "labels", "device", "customer", "assignee", "group",
           "occurrences", "connection", "source_key", "opened_at", "first_responded_at", "resolved_at", "closed_at",
           "resolution", "cause")  # fmt: skip
PAGE = 500


class Form(enum.StrEnum):
    csv = "csv"
    json = "json"


def add(app: typer.Typer) -> None:
    app.command(name="tickets")(export_tickets)
    app.command()(history)
    app.add_typer(rights_app, name="rights")


def export_tickets(
    form: Annotated[Form, typer.Option("--format", help="csv: one line a ticket; json: one object a line.")] = Form.csv,
    status: Annotated[list[str] | None, typer.Option(help="Only in these states.")] = None,
    group: Annotated[str | None, typer.Option(help="Only of this group.")] = None,
    words: Annotated[str | None, typer.Option("--q", help="Only with this in the title.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100_000,
    as_: As = None,
    database_url: Database = None,
) -> None:
    """Tickets, the newest first, as CSV or as JSON lines."""
    filters = core_tickets.Filters(status=status, group=group, q=words)
    writer = csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore") if form is Form.csv else None
    if writer is not None:
        writer.writeheader()
    cursor, left = None, limit
    with gateway(database_url=database_url) as g:
        while left:
            with g.reading() as conn:
                look = eyes(conn, g, as_)
                page = look.search(filters, cursor, min(left, PAGE))
                now = clock.now()
                shown = look.project([ticket_shape(t, now, g.hub.promises) for t in page.items])
            for each in shown:
                if writer is None:
                    sys.stdout.write(orjson.dumps(each, default=plain).decode() + "\n")
                else:
                    writer.writerow({name: _cell(each.get(name)) for name in COLUMNS})
            left, cursor = left - len(page.items), page.next_cursor
            if cursor is None:
                return


def _cell(value: Any) -> Any:
    """As a spreadsheet takes it: nothing that it would compute."""
    if isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def history(ticket: str, as_: As = None, database_url: Database = None, as_json: Json = False) -> None:
    """The other tickets of a ticket's device: what was wrong with it, why, and what helped."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        number, look = tickets.ticket_id(ticket), eyes(conn, g, as_)
        look.demand(number, "history")
        told = look.project(histories.of_device(conn, number), number)
    columns = ("ticket", "opened_at", "state", "title", "resolution", "cause")
    rows = [[each[c] for c in columns] for each in told["items"]]
    show(
        told, as_json=as_json, text=lambda out: out.print(table(f"{told['device']} · 设备履历 history", columns, rows))
    )


@rights_app.command("show")
def rights_show(database_url: Database = None) -> None:
    """The policy in force, with the numbers of its lines that decisions name."""
    with gateway(database_url=database_url) as g:
        text = text_of(g.hub.policies.specs[KIND.name])  # type: ignore[arg-type]
    for n, line in enumerate(text.splitlines(), 1):
        sys.stdout.write(f"{n:4}  {line}\n")


@rights_app.command("why")
def rights_why(
    person: Annotated[str, typer.Argument(help="Id in the roster.")],
    ticket: str,
    fields: Annotated[
        list[str] | None, typer.Argument(help="title, context.SECTION.FIELD, customer.phone; default: all")
    ] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """What a person may see of a ticket and do with it, and why not the rest."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        look = eyes(conn, g, person)
        number = tickets.ticket_id(ticket)
        seen = look.seen_many([number]).get(number)
        if seen is None:
            raise core_tickets.UnknownTicket(number)
        kinds = [kind.name for kind in look.rights.data.kinds]
        wanted = fields or [
            *ticket_shape(seen.ticket, clock.now(), g.hub.promises),
            "timeline",
            "context",
            "history",
            "lineage",
            *kinds,
        ]
        found = [(f, seen.sight.data(f) if f in kinds else seen.sight.of(f)) for f in wanted]
        actions = [(a, seen.sight.action(a, seen.ticket)) for a in core_tickets.allowed(seen.ticket)]
    data = {
        "person": person, "ticket": id_registry.format_id(number), "visible": seen.sight.visible,
        "fields": [{"path": f, "level": d.level.name, "why": d.why} for f, d in found],
        "actions": [{"action": a, "may": bool(d), "why": d.why} for a, d in actions],
    }  # fmt: skip

    def text(out: Console) -> None:
        out.print(table("可见 · sees", ("field", "how far", "why"), [(f, d.level.name, d.why) for f, d in found]))
        out.print(
            table("可做 · does", ("action", "may", "why"), [(a, "yes" if d else "no", d.why) for a, d in actions])
        )

    show(data, as_json=as_json, text=text)
