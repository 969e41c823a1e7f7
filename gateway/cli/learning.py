"""`weft proposals` and `weft learning`: what the hub learned from its own log, and deciding on what it proposes."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from gateway import clock
from gateway.api.learning import article_shape, proposal_shape
from gateway.cli.session import Database, Json, fail, gateway, show, table
from gateway.learning import articles, deciding, effects, mining, problems, proposals, rounds
from gateway.learning.kinds import KINDS

proposals_app = typer.Typer(help="What the hub proposes: promises, articles, clean-up.", no_args_is_help=True)
learning_app = typer.Typer(help="What the hub learned: problems, paths, articles.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="Number of the proposal.", min=0)]


def add(app: typer.Typer) -> None:
    app.add_typer(proposals_app, name="proposals")
    app.add_typer(learning_app, name="learning")


@proposals_app.command("list")
def proposals_list(
    kind: Annotated[str | None, typer.Option(help="promise, article, zombie or duplicate.")] = None,
    state: Annotated[str, typer.Option(help="proposed, accepted, rejected, stale or all.")] = "proposed",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """What is up for decision, newest first."""
    if kind is not None and kind not in KINDS:
        raise fail(f"--kind: {kind!r} is none of {', '.join(KINDS)}", 2)
    if state not in (*proposals.STATES, "all"):
        raise fail(f"--state: {state!r} is none of {', '.join((*proposals.STATES, 'all'))}", 2)
    with gateway(database_url=database_url) as g, g.reading() as conn:
        page = proposals.listed(conn, [kind] if kind else None, None if state == "all" else [state], limit=limit)
    found = [proposal_shape(p) for p in page.items]
    rows = [(p["id"], p["kind"], p["subject"], p["state"], _why(p)) for p in found]
    columns = ("id", "kind", "subject", "state", "原因 why")
    show({"items": found}, as_json=as_json, text=lambda out: out.print(table("建议 · proposals", columns, rows)))


@proposals_app.command("show")
def proposals_show(number: Number, database_url: Database = None, as_json: Json = False) -> None:
    """One proposal: why, what would be done, what came of it."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = proposal_shape(proposals.get(conn, number))
    show(found, as_json=as_json, text=lambda out: _tell(out, found))


@proposals_app.command("accept")
def proposals_accept(
    number: Number,
    title: Annotated[str | None, typer.Option(help="Article: another title.")] = None,
    body: Annotated[Path | None, typer.Option(help="Article: a file with another text.", exists=True)] = None,
    minutes: Annotated[int | None, typer.Option(help="Promise: other minutes.")] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Do what is proposed."""
    text = body.read_text("utf-8") if body else None
    given = {name: v for name, v in (("title", title), ("body", text), ("minutes", minutes)) if v is not None}
    with gateway(database_url=database_url) as g:
        found = proposal_shape(deciding.accept(g, number, f"cli:{getpass.getuser()}", lambda _: True, given))
    show(found, as_json=as_json, text=lambda out: _tell(out, found))


@proposals_app.command("reject")
def proposals_reject(
    number: Number,
    why: Annotated[str, typer.Option(help="Why not.")] = "",
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Not this, and not again."""
    with gateway(database_url=database_url) as g:
        found = proposal_shape(deciding.reject(g, number, f"cli:{getpass.getuser()}", lambda _: True, why))
    show(found, as_json=as_json, text=lambda out: _tell(out, found))


@learning_app.command("clusters")
def learning_clusters(
    trend: Annotated[str | None, typer.Option(help="new, growing, steady or fading.")] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Problems: tickets that tell of one trouble."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = problems.listed(conn, trend)
    rows = [
        (p["id"], p["trend"], p["tickets"], " ".join(p["label"]), p["reason"], (p["known"] or {}).get("resolution"))
        for p in found
    ]
    columns = ("id", "trend", "tickets", "词 words", "原因 reason", "已知办法 known fix")
    show({"items": found}, as_json=as_json, text=lambda out: out.print(table("问题 · problems", columns, rows)))


@learning_app.command("paths")
def learning_paths(
    days: Annotated[int, typer.Option(min=1, max=1100, help="Tickets opened in so many days.")] = 90,
    view: Annotated[str, typer.Option(help=", ".join(mining.VIEWS) + ".")] = "status",
    kind: Annotated[str | None, typer.Option(help="Only this kind of ticket.")] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """The paths tickets really took, against the planned one."""
    now = clock.now()
    with gateway(database_url=database_url) as g, g.reading() as conn:
        kinds = [kind] if kind else None
        found = mining.shape(mining.paths(conn, g.hub, now - days * clock.DAY, now + 1, view=view, kinds=kinds))

    def text(out: Console) -> None:
        fits = "" if found["plan"] is None else f"; {found['as_planned']} as planned: {' → '.join(found['plan'])}"
        out.print(f"{found['arrived']} arrived, {found['under_way']} under way{fits}", markup=False)
        rows = [
            (v["tickets"], f"{v['share']:.1%}", _span(v["median_s"]), _span(v["p90_s"]), " → ".join(v["path"]),
             "；".join(f"{d['zh']} {d['en']}" for d in v["deviations"]))
            for v in found["variants"][:30]
        ]  # fmt: skip
        out.print(table("路径 · paths", ("tickets", "share", "median", "p90", "path", "偏离 deviations"), rows))

    show(found, as_json=as_json, text=text)


@learning_app.command("articles")
def learning_articles(database_url: Database = None, as_json: Json = False) -> None:
    """The hub's own knowledge articles with their effect."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        learned = effects.known(conn)
        found = [article_shape(row, learned) for row in articles.listed(conn, None, 500)[0]]
    rows = [(a["id"], a["title"], a["language"], a["active"], *_effect(a["effect"])) for a in found]
    columns = ("id", "title", "language", "active", "shown", "used", "worked", "score")
    show({"items": found}, as_json=as_json, text=lambda out: out.print(table("知识 · articles", columns, rows)))


@learning_app.command("run")
def learning_run(database_url: Database = None, as_json: Json = False) -> None:
    """Learn now, without waiting for the worker's next round."""
    with gateway(database_url=database_url) as g:
        put = rounds.run(g, g.hub, clock.now())
    show({"proposals": put}, as_json=as_json, text=lambda out: out.print(f"{put} proposals found or renewed"))


def _effect(told: dict[str, Any] | None) -> tuple[Any, ...]:
    return (0, 0, 0, "") if told is None else tuple(told[name] for name in ("shown", "used", "worked", "score"))


def _why(p: dict[str, Any]) -> str:
    return "；".join(f"{r['zh']} {r['en']}" for r in p["evidence"].get("reasons", ()))


def _tell(out: Console, p: dict[str, Any]) -> None:
    out.print(f"{p['id']}  {p['kind']}  {p['subject']}  {p['state']}", markup=False, style="bold")
    out.print(_why(p), markup=False)
    for name in ("title", "body"):
        if name in p["evidence"]:
            out.print(p["evidence"][name], markup=False)
    would = ", ".join(f"{k}: {v}" for k, v in p["evidence"].get("would", {}).items())
    out.print(f"接受则 accepting would: {would}", markup=False)
    if p["by"] or p["why"]:
        out.print(f"{p['decided_at']}  {p['by']}  {p['why']}", markup=False)
    if p["effect"]:
        out.print("结果 effect: " + ", ".join(f"{k}: {v}" for k, v in p["effect"].items()), markup=False)


def _span(seconds: int) -> str:
    """Two units are enough for people: 3d 4h."""
    parts = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if seconds >= length:
            parts.append(f"{seconds // length}{unit}")
            seconds %= length
    return " ".join(parts[:2]) or "0s"
