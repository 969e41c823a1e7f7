"""`weft figures`: what is counted, the numbers, the tickets behind them, and computing them anew."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import id_registry
from core_tickets.figures import METRICS, days_between
from gateway import clock
from gateway.api.figures import metric_shape, moment, series_shape
from gateway.cli.session import Database, Json, fail, gateway, show, table
from gateway.figures import asking, indexing, keeping
from gateway.policies.figures import KIND

figures_app = typer.Typer(
    help="Figures: what is counted, the numbers, and the tickets behind them.", no_args_is_help=True
)

First = Annotated[str | None, typer.Option("--from", help="First day, such as 2026-11-01; default: a week back.")]
Last = Annotated[str | None, typer.Option("--to", help="Last day; default: today.")]
AsOf = Annotated[
    str, typer.Option(help="now; then (as known when each day ended); or a time such as 2026-11-22T08:00:00Z.")
]


def add(app: typer.Typer) -> None:
    app.add_typer(figures_app, name="figures")


@figures_app.command("list")
def figures_list(database_url: Database = None, as_json: Json = False) -> None:
    """Every figure with its unit, version and what it counts."""
    with gateway(database_url=database_url) as g:
        terms = KIND.of(g.hub.policies).terms
    found = [metric_shape(metric, terms) for metric in METRICS.values()]
    rows = [(m["name"], m["title_zh"], m["unit"], m["version"][:12], m["about_zh"]) for m in found]
    columns = ("figure", "名称", "unit", "version", "含义")
    show({"items": found}, as_json=as_json, text=lambda out: out.print(table("指标 · figures", columns, rows)))


@figures_app.command("show")
def figures_show(
    name: str,
    first: First = None,
    to: Last = None,
    by: Annotated[
        str, typer.Option(help="all, person, group, kind, priority; stage, stage_hour, stage_group.")
    ] = "all",
    as_of: AsOf = "now",
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """A figure day by day and over all of the days, by group."""
    with gateway(database_url=database_url) as g:
        terms, now = KIND.of(g.hub.policies).terms, clock.now()
        last = to or asking.today(terms, now)
        begin = first or asking.days_before(last, 6)
        with g.reading() as conn:
            found = asking.series(conn, terms, name, begin, last, by=by, as_of=moment(as_of, now))
    data = series_shape(found, terms)
    rows = [(d["day"], *_cells(group)) for d in data["days"] for group in d["groups"]]
    rows += [("合计 total", *_cells(group)) for group in data["total"]]
    title = f"{found.metric.title.zh} · {found.metric.title.en}（{found.metric.unit}，{found.basis}）"
    columns = ("day", by, "value", "numerator", "denominator")
    show(data, as_json=as_json, text=lambda out: out.print(table(title, columns, rows)))


def _cells(group: dict[str, Any]) -> tuple[Any, ...]:
    return group["key"], group["value"], group["numerator"], group["denominator"]


@figures_app.command("tickets")
def figures_tickets(
    name: str,
    day: Annotated[str, typer.Argument(help="Such as 2026-11-22.")],
    person: Annotated[str | None, typer.Option(help="Only what counts for this person.")] = None,
    group: Annotated[str | None, typer.Option(help="Only of this group.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    priority: Annotated[str | None, typer.Option(help="Only of this priority, P0 to P3.")] = None,
    as_of: AsOf = "now",
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """The tickets that make the number of a day, what each adds, and the entries that say so."""
    given = {"person": person, "group": group, "kind": kind, "priority": priority}
    groups = {dimension: key for dimension, key in given.items() if key is not None}
    with gateway(database_url=database_url) as g:
        terms, now = KIND.of(g.hub.policies).terms, clock.now()
        with g.reading() as conn:
            found = asking.behind(conn, terms, name, day, now=now, as_of=moment(as_of, now), groups=groups)
    data = [
        {"ticket": id_registry.format_id(c.ticket_id), "at": clock.rfc3339(c.fact.at), "numerator": c.fact.numerator,
         "denominator": c.fact.denominator, "person": c.fact.person, "entries": [str(i) for i in c.fact.entries]}
        for c in found
    ]  # fmt: skip
    rows = [(*list(d.values())[:5], " ".join(map(str, c.fact.entries))) for d, c in zip(data, found, strict=True)]
    columns = ("ticket", "at", "numerator", "denominator", "person", "entries")
    show({"items": data}, as_json=as_json, text=lambda out: out.print(table(f"{name} {day}", columns, rows)))


@figures_app.command("recompute")
def figures_recompute(
    first: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01.")],
    to: Annotated[str, typer.Option("--to", help="Last day.")],
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Compute days anew from the events; exit 1 when a day that was over comes to something else, and say what."""
    with gateway(database_url=database_url) as g:
        policy, now = KIND.of(g.hub.policies), clock.now()
        try:
            days = days_between(first, to)
        except ValueError as error:
            raise fail(f"--from, --to: {error}; write days such as 2026-11-01", 2) from None
        while g.transact(lambda conn: indexing.index(conn, policy.terms, now)) >= indexing.PAGE:
            pass
        changed = [r._asdict() for day in days for r in keeping.refresh(g, policy, day, now)]
    rows = [(r["day"], r["metric"], r["dimension"], r["key"], r["before"], r["after"]) for r in changed]
    columns = ("day", "figure", "by", "key", "before", "after")

    def text(out: Any) -> None:
        out.print(
            f"{len(days)} 天已重算 days recomputed: "
            + ("结果一致 the same" if not rows else f"{len(rows)} 处变化 changed")
        )
        if rows:
            out.print(table("变化 · changes", columns, rows))

    show({"days": days, "changed": changed}, as_json=as_json, text=text)
    if changed:
        raise typer.Exit(1)
