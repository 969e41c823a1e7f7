"""Looking into the hub: explain, lineage, audit, dead letters."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console

import lineage
from gateway import clock
from gateway.api.tickets import impact_shape
from gateway.cli import reading
from gateway.cli.session import As, Database, Json, eyes, fail, gateway, show, table
from gateway.config.durations import parse as parse_duration
from gateway.ingest.stored import unpack
from gateway.usecases import dead, explaining, ledger, tickets, tracing
from lineage import Node

lineage_app = typer.Typer(help="Where values came from, and what depends on them.", no_args_is_help=True)
dead_app = typer.Typer(help="Dead letters.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    app.command()(explain)
    reading.add(app)
    app.command()(audit)
    app.add_typer(lineage_app, name="lineage")
    app.add_typer(dead_app, name="dead")


def explain(ticket: str, as_: As = None, database_url: Database = None, as_json: Json = False) -> None:
    """Why a ticket exists, why this priority, what did not match and why, what was sent and what came back."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        number, look = tickets.ticket_id(ticket), eyes(conn, g, as_)
        look.demand(number, "explain")
        told = look.project(explaining.explain(conn, g.hub, number), number)
    show(told, as_json=as_json, text=lambda out: _tell(out, told))


def _tell(out: Console, told: dict[str, Any]) -> None:
    head = told["ticket"]
    out.print(f"{head['id']}  {head['priority']}  {head['status']}  {head['title']}", markup=False, style="bold")
    out.print(
        f"来源 source {head['source']}；发生 {head['occurrences']} 次 occurrences；开单 opened {head['opened_at']}",
        markup=False,
    )
    for decision in told["decisions"]:
        out.print(f"\n为什么有这张单 · why it exists: message {decision['message']}", style="bold")
        out.print(f"  mapping {decision['mapping']} {decision['mapping_version']} → {decision['record']}", markup=False)
        for rule in decision["rules"]:
            mark = "命中 matched    " if rule["matched"] else "未命中 no match "
            out.print(f"  {mark} {rule['rule']}: {rule['when']}", markup=False)
            for part in rule["because"]:
                out.print(f"      {part}", markup=False)
    for name, title in (("grading", "评级 · how urgent, and why"), ("routing", "派单 · who got it, and why")):
        for decision in told.get(name, ()):
            out.print(f"\n{title}  {decision['at']}", style="bold")
            for line in decision["told"]:
                out.print(f"  {line}", markup=False)
    _tell_promises(out, told)
    if told.get("doubts"):
        out.print("\n可能没人收到 · it may not have been received", style="bold")
        for line in told["doubts"]:
            out.print(f"  {line}", markup=False)
    if told.get("together"):
        out.print("\n协作 · working together", style="bold")
        for line in told["together"]:
            out.print(f"  {line['at'] or '——'}  {line['told']}", markup=False)
    _tell_notices(out, told)
    if told["messages"]:
        rows = [(m["at"], m["id"], m["end"], m["rule"], m["trace"].get("move", "")) for m in told["messages"]]
        out.print(table("消息 · messages", ("at", "message", "end", "rule", "move"), rows))
    if told["changes"]:
        out.print("变更 · changes", style="italic")
        for c in told["changes"]:
            out.print(f"  {c['at']}  {c['what']}  {c['who']}" + (f": {c['why']}" if c["why"] else ""), markup=False)
            for change in c["changes"]:
                out.print(f"      {_change(change)}", markup=False)
    if told["commands"]:
        columns = ("created_at", "connection", "op", "bridge", "state", "reason", "echoed_at")
        sent = [[c[name] for name in columns] for c in told["commands"]]
        out.print(table("外发 · commands", ("at", "to", "operation", "bridge", "state", "reason", "echoed"), sent))


def _tell_notices(out: Console, told: dict[str, Any]) -> None:
    if told.get("notices"):
        out.print("\n通知 · who was told, over what, with which answer", style="bold")
    for each in told.get("notices", ()):
        head, *lines = each["words"]
        out.print(f"  {each['at']}  {head}", markup=False)
        for line in lines:
            out.print(f"      {line}", markup=False)
    wrong = [channel["words"] for channel in told.get("channels", ()) if channel["state"] not in ("ok", "absent")]
    if wrong:
        out.print("\n渠道 · channels that may not deliver", style="bold")
        for line in wrong:
            out.print(f"  {line}", markup=False)


def _tell_promises(out: Console, told: dict[str, Any]) -> None:
    if told.get("promises_told"):
        out.print("\n承诺 · promises", style="bold")
        for line in told["promises_told"]:
            out.print(f"  {line}", markup=False)
    for move in told.get("promises_moved", ()):
        out.print(f"  {move['at']}  {move['who']}: {'; '.join(move['told'])}", markup=False)
    steps = told.get("escalation", {})
    for name, title in (("ran", "已升级 · escalated"), ("planned", "将升级 · what runs if nothing changes")):
        for step in steps.get(name, ()):
            out.print(f"  {title}  {step['due_at']}  {step['step']}: {'; '.join(step['told'])}", markup=False)


def audit(database_url: Database = None, as_json: Json = False) -> None:
    """The conservation ledger: received = ticketed + merged + suppressed + dead + in flight; exit 1 when not."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        report = ledger.audit(conn)

    def text(out: Console) -> None:
        ends = " + ".join(f"{n} {end.replace('_', ' ')}" for end, n in report.ends.items())
        out.print(f"received {report.received} = {ends}  {'clean' if report.clean else 'NOT CLEAN'}")
        for finding in report.findings:
            out.print(f"{finding.what}: {finding.count}: {', '.join(finding.rows)}", markup=False)

    show(asdict(report) | {"clean": report.clean}, as_json=as_json, text=text)
    if not report.clean:
        raise typer.Exit(1)


@lineage_app.command("show")
def lineage_show(ticket: str, field: str, as_: As = None, database_url: Database = None, as_json: Json = False) -> None:
    """Where the value of a ticket's field came from: source, raw value, every step, and is it still so."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        number, look = tickets.ticket_id(ticket), eyes(conn, g, as_)
        look.demand(number, "lineage", field)
        try:
            origin = look.project(tracing.drill(conn, number, field).as_dict(), number)
        except lineage.NoOrigin:
            raise fail(f"{ticket} has no field {field!r} whose origin is known") from None
    show(origin, as_json=as_json, text=lambda out: _origin(out, origin))


def _told(value: Any) -> str:
    """A value as people read it; texts in quotes, so that a space is seen."""
    return str(value) if isinstance(value, Decimal) else repr(value)


def _change(change: Mapping[str, Any]) -> str:
    before, after = change["before"], change["after"]
    if isinstance(after, dict):
        after = ", ".join(f"{k}={v}" for k, v in after.items())
    return f"{change['field']}: {after}" if before is None else f"{change['field']}: {before} → {after}"


def _origin(out: Console, origin: Mapping[str, Any]) -> None:
    out.print(f"{origin['field']} = {_told(origin['value'])}   [{origin['verdict']}]", markup=False, style="bold")
    out.print(f"written {clock.rfc3339(origin['at'])} by {origin['actor']}", markup=False)
    if origin.get("pruned_at"):
        out.print(
            f"值已按保留期清理 · values pruned by retention on {clock.rfc3339(origin['pruned_at'])}", markup=False
        )
    for trace in origin["traces"]:
        head = f"{trace['mapping']} {trace['version'][:12]}: {trace['field']} = {trace['expression']}"
        out.print(head, markup=False, style="cyan")
        for step in trace["steps"]:
            out.print(f"    {step['text']} → {step.get('error') or _told(step['result'])}", markup=False)
    rows = [(s["dataset"], s["key"], s["field"], s["raw"], clock.rfc3339(s["read_at"])) for s in origin["sources"]]
    if rows:
        out.print(table("源 · sources", ("dataset", "record", "field", "raw value", "read at"), rows))
    facts = [(f["name"], f["value"], f["origin"], f.get("xref")) for f in origin["facts"]]
    if facts:
        out.print(table("事实 · facts", ("name", "value", "from", "crosswalk"), facts))


@lineage_app.command("impact")
def lineage_impact(
    dataset: Annotated[str, typer.Argument(help="A dataset (am-main/alert, Alert, Ticket) or a ticket id.")],
    field: str, as_: As = None, database_url: Database = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What depends on a field: of a dataset by the configuration, of a ticket also what was really done."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        if dataset.startswith("TKT-"):
            number, look = tickets.ticket_id(dataset), eyes(conn, g, as_)
            look.demand(number, "impact", field)
            shown = look.project(impact_shape(tracing.impact(conn, g.hub, number, field)), number)
        else:
            eyes(conn, g, as_).demand_page("/v1/lineage/graph")
            found = tracing.graph_of(g.hub).downstream(Node.of(dataset, field), None)
            shown = {"field": field, "predicted": [
                {"dataset": e.target.dataset, "field": None if e.target.path is None else ".".join(map(str, e.target.path)),
                 "via": e.via, "type": e.type, "subtype": e.subtype} for e in found.edges
            ], "done": []}  # fmt: skip
    rows = [(p["dataset"], p["field"], p["via"], p["type"], p["subtype"]) for p in shown["predicted"]]
    done = [(d["rule"], d["dataset"], d["key"], d["state"], d["at"]) for d in shown["done"]]

    def text(out: Console) -> None:
        out.print(table("预计 · predicted", ("dataset", "field", "via", "type", "how"), rows))
        if done:
            out.print(table("已发生 · done", ("rule", "dataset", "key", "state", "at"), done))

    show(shown, as_json=as_json, text=text)


@lineage_app.command("verify")
def lineage_verify(
    since: Annotated[str, typer.Option(help="How far back: 1h, 7d ...")] = "7d",
    sample: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the records looked at.")] = 1.0,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Recompute values from their stored inputs and report every difference; exit 1 when there is one."""
    try:
        begin = clock.now() - parse_duration(since)
    except ValueError as error:
        raise fail(f"--since: {error}", 2) from None
    with gateway(database_url=database_url) as g, g.reading() as conn:
        report = tracing.verify(conn, begin, sample)
    data = {"ok": report.ok, "records": report.records, "values": report.values, "erased": report.erased,
            "differences": [d._asdict() for d in report.differences], "missing": [m._asdict() for m in report.missing],
            "plans": [p._asdict() for p in report.plans],
            "segments": [s._asdict() for s in report.segments]}  # fmt: skip

    def text(out: Console) -> None:
        out.print(
            f"{report.values} values of {report.records} records recomputed: {'all equal' if report.ok else 'NOT ALL EQUAL'}"
        )
        for finding in (*report.differences, *report.missing, *report.plans, *report.segments):
            out.print(str(finding), markup=False)

    show(data, as_json=as_json, text=text)
    if not report.ok:
        raise typer.Exit(1)


@dead_app.command("list")
def dead_list(
    connection: Annotated[str | None, typer.Option(help="Only of this connection.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Those that nobody settled, newest first."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = dead.listed(conn, limit=limit, wanted=dead.Wanted(connection=connection))
    rows = [(d.message_id, clock.rfc3339(d.at), d.connection_id, d.stream, d.path, d.reason) for d in found]
    columns = ("message", "at", "connection", "stream", "path", "reason")
    data = [asdict(d) | {"message_id": str(d.message_id)} for d in found]
    show({"items": data}, as_json=as_json, text=lambda out: out.print(table("Dead letters", columns, rows)))


@dead_app.command("show")
def dead_show(message_id: int, database_url: Database = None, as_json: Json = False) -> None:
    """One with its raw message."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        letter, row = dead.shown(conn, message_id)
    body = unpack(row.body, row.packed).decode("utf-8", "replace")
    data = asdict(letter) | {"message_id": str(letter.message_id), "body": body}

    def text(out: Console) -> None:
        out.print(f"{letter.path or 'message'}: {letter.reason} ({letter.hint})", markup=False)
        sys.stdout.write(body + "\n")

    show(data, as_json=as_json, text=text)


@dead_app.command("replay")
def dead_replay(
    message_ids: Annotated[list[int] | None, typer.Argument(help="Which; or --all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every open dead letter.")] = False,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Through today's connector, mapping and rules; exit 1 when one is still unusable."""
    if not message_ids and not everything:
        raise fail("name dead letters, or --all", 2)
    ends: dict[str, str] = {}
    with gateway(database_url=database_url) as g:
        if everything:
            with g.reading() as conn:
                message_ids = [d.message_id for d in dead.listed(conn, limit=10_000)]
        for message_id in message_ids or []:
            ends[str(message_id)] = dead.replay(g, message_id)
    rows = list(ends.items())
    show({"ends": ends}, as_json=as_json, text=lambda out: out.print(table("Replayed", ("message", "end"), rows)))
    if "dead" in ends.values():
        raise typer.Exit(1)
