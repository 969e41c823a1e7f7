"""`weft people` and `weft rules`: who is there, and which rules decide nothing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from gateway import clock
from gateway.api.people import group_shape, person_shape
from gateway.cli.session import Database, Json, gateway, show, table
from gateway.usecases import rule_report

InGroup = Annotated[str | None, typer.Option(help="Only those of this group.", show_default=False)]
people_app = typer.Typer(
    help="People and groups, as personnel systems and the configuration tell.", no_args_is_help=True
)
rules_app = typer.Typer(help="Rules of automation, grading and routing.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    app.add_typer(people_app, name="people")
    app.add_typer(rules_app, name="rules")


@people_app.command("list")
def people_list(group: InGroup = None, database_url: Database = None, as_json: Json = False) -> None:
    """Everybody: roles, groups, skills, whether on shift, how they are reached, and who told of them."""
    with gateway(database_url=database_url) as g:
        roster, now = g.hub.roster, clock.now()
    ids = sorted(roster.people) if group is None else roster.members(group)
    items = [person_shape(roster.people[i], roster, now, addresses=True) for i in ids]
    columns = ("id", "name", "active", "roles", "groups", "skills", "on_shift", "channels", "sources")
    rows = [[_cell(item[c]) for c in columns] for item in items]
    show({"items": items}, as_json=as_json, text=lambda out: out.print(table("人员 · people", columns, rows)))


@people_app.command("groups")
def people_groups(database_url: Database = None, as_json: Json = False) -> None:
    """Every group: who leads it, who is in it, what it looks after."""
    with gateway(database_url=database_url) as g:
        roster = g.hub.roster
    items = [group_shape(roster.groups[i], roster) for i in sorted(roster.groups)]
    columns = ("id", "name", "lead", "director", "calendar", "modules", "regions", "members", "sources")
    rows = [[_cell(item[c]) for c in columns] for item in items]
    show({"items": items}, as_json=as_json, text=lambda out: out.print(table("组 · groups", columns, rows)))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@rules_app.command("report")
def rules_report(database_url: Database = None, as_json: Json = False) -> None:
    """How often each rule matched in the last 30 days; which match nothing, which never can, and what to write instead.

    Exit code 1 when there is anything to mend."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        told = rule_report.report(conn, g.hub, clock.now())
    found = rule_report.findings_of(told)

    def text(out: Console) -> None:
        rows = [(name, each["id"], each["matched"]) for name in ("rules", "grading", "routing") for each in told[name]]
        out.print(table(f"规则命中 · matched since {told['since']}", ("policy", "rule", "matched"), rows))
        tell_findings(out, found)

    show(told, as_json=as_json, text=text)
    if found:
        raise typer.Exit(1)


def tell_findings(out: Console, found: list[tuple[str, str, str, str]]) -> None:
    """What is wrong with rules, one line each."""
    for policy, rule, message, hint in found:
        out.print(f"{policy} {rule}: {message}" + (f" ({hint})" if hint else ""), markup=False)
