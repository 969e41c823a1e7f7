"""`weft ids`: pairs that may be one thing, what a merge would move, and matching the whole registry."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from rich.console import Console

import id_registry
from gateway import clock
from gateway.cli.session import Database, Json, fail, gateway, show, table
from gateway.matching import batch, write_all_settings
from gateway.matching.previewing import preview
from gateway.matching.showing import decision_shape, preview_shape, review_shape, review_whole
from id_registry import matching

ids_app = typer.Typer(help="Identity: which records are one thing.", no_args_is_help=True)
review_app = typer.Typer(help="Pairs that a person decides: one thing, two things, or later.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="Number of the review.", min=0)]
STATES = get_args(matching.ReviewState)


def add(app: typer.Typer) -> None:
    ids_app.add_typer(review_app, name="review")
    app.add_typer(ids_app, name="ids")


@review_app.command("list")
def review_list(
    state: Annotated[str, typer.Option(help="open, later, same, different or all.")] = "open",
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as customer.")] = None,
    source: Annotated[str | None, typer.Option(help="online or batch: who could not decide.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on behind a page: its next_cursor.")] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Pairs that may be one thing, the likeliest first."""
    states = STATES if state == "all" else (state,)
    with gateway(database_url=database_url) as g, g.reading() as conn:
        page = matching.list_reviews(
            conn, states=states, kind=kind, source=source, now=clock.now(), limit=limit, cursor=cursor
        )
        found = [review_shape(conn, review) for review in page.items]
    rows = [
        (r["id"], r["kind"], r["state"], f"{r['probability']:.3f}", _named(r["a"]), _named(r["b"]), r["reason"])
        for r in found
    ]
    columns = ("id", "kind", "state", "可能性 likely", "甲 a", "乙 b", "原因 why")
    data = {"items": found, "next_cursor": page.next_cursor}
    show(data, as_json=as_json, text=lambda out: out.print(table("待审 · reviews", columns, rows)))


@review_app.command("show")
def review_show(number: Number, database_url: Database = None, as_json: Json = False) -> None:
    """One pair: the evidence of each field, and what merging would move."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = review_whole(conn, matching.read_review(conn, number))
    show(found, as_json=as_json, text=lambda out: _tell(out, found))


@review_app.command("decide")
def review_decide(
    number: Number,
    decision: Annotated[str, typer.Argument(help="same, different or later.")],
    why: Annotated[str, typer.Option(help="Why so.")] = "",
    until: Annotated[
        str | None, typer.Option(help="later: until this time, such as 2026-12-01T08:00:00+08:00.")
    ] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Say what a pair is. A merge can be undone; two things are never merged again by themselves."""
    if decision not in get_args(matching.Decision):
        raise fail(f"{decision!r} is none of {', '.join(get_args(matching.Decision))}", 2)
    at = None if until is None else _moment(until)
    decided, actor = cast(matching.Decision, decision), f"cli:{getpass.getuser()}"
    with gateway(database_url=database_url) as g:
        g.transact(
            lambda conn: matching.decide_review(conn, number, decided, actor=actor, now=clock.now(), why=why, until=at)
        )
        with g.reading() as conn:
            found = review_whole(conn, matching.read_review(conn, number))
    show(found, as_json=as_json, text=lambda out: _tell(out, found))


@ids_app.command("why")
def ids_why(
    global_id: Annotated[str, typer.Argument(help="A global id, such as CUST-2026-000001.")],
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Why the records of a thing were linked, put to a person, or left alone: every decision with its evidence."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = [decision_shape(each) for each in matching.decisions(conn, id_registry.parse_id(global_id))]

    def text(out: Console) -> None:
        for each in found:
            out.print(
                f"{each['at']} {each['outcome']} {each['record']} {each['other'] or ''} {each['weight'] or ''}",
                markup=False,
            )
            rows = [(e["field"], e["a"], e["b"], e["level"], f"{e['bits']:+.1f}", e["note"]) for e in each["evidence"]]
            out.print(table("证据 · evidence", ("field", "a", "b", "发现 found", "bits", "备注 note"), rows))

    show({"items": found}, as_json=as_json, text=text)


@ids_app.command("preview")
def ids_preview(
    a: Annotated[str, typer.Argument(help="A global id, such as CUST-2026-000001.")],
    b: Annotated[str, typer.Argument(help="The other.")],
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """What merging two ids would move; changes nothing."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        found = preview_shape(preview(conn, id_registry.parse_id(a), id_registry.parse_id(b)))
    show(found, as_json=as_json, text=lambda out: _preview(out, found))


@ids_app.command("match")
def ids_match(
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; may be given more than once.")] = None,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion/--no-second-opinion", help="Ask Splink, too (the extra `matching`).")
    ] = True,
    write_settings: Annotated[
        Path | None,
        typer.Option(
            help="Only write Splink's settings there, of each kind for DuckDB and for Spark.", file_okay=False
        ),
    ] = None,
    database_url: Database = None,
    as_json: Json = False,
) -> None:
    """Match the whole registry: what waits, what is frequent, and Splink's second opinion; disagreements are for review."""
    with gateway(database_url=database_url) as g:
        if write_settings is not None:
            files = write_all_settings(g, write_settings, kind)
            show({"files": list(map(str, files))}, as_json=as_json, text=lambda out: out.print(*files, sep="\n"))
            return
        found = [outcome.as_dict() for outcome in batch(g, kind, second_opinion=second_opinion)]
    rows = [tuple(outcome.values()) for outcome in found]
    columns = ("kind", "记录 records", "比较 compared", "合并 linked", "待审 reviews", "Splink pairs", "一致 agreed", "漏 missed",
               "疑 doubted")  # fmt: skip
    show({"items": found}, as_json=as_json, text=lambda out: out.print(table("匹配 · matching", columns, rows)))


def _moment(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise fail(f"--until: {text!r} is no time with its zone; write one such as 2026-12-01T08:00:00+08:00", 2)
    return clock.from_datetime(at)


def _named(side: dict[str, Any]) -> str:
    return f"{side['live']} {side['name']}".strip()


def _tell(out: Console, found: dict[str, Any]) -> None:
    a, b = _named(found["a"]), _named(found["b"])
    out.print(
        f"{found['id']} {found['kind']} {found['state']}  {found['probability']:.4f}  {found['reason']}", markup=False
    )
    rows = [(e["field"], e["a"], e["b"], e["level"], f"{e['bits']:+.1f}", e["note"]) for e in found["evidence"]]
    out.print(table("证据 · evidence", ("field", a or "a", b or "b", "发现 found", "bits", "备注 note"), rows))
    if found["merge"] is not None:
        undone = found["merge"]["undone_at"]
        out.print(f"merge {found['merge']['id']}" + (f" undone {undone}" if undone else ""), markup=False)
    _preview(out, found["preview"])


def _preview(out: Console, found: dict[str, Any]) -> None:
    if found["already"] is not None:
        out.print(f"已是同一个 one thing since merge {found['already']['id']}", markup=False)
        return
    tickets = found["tickets"]
    out.print(
        f"{found['loser']} → {found['winner']}: {len(found['keys'])} 个编号 keys, "
        f"{sum(link['records'] for link in found['links'])} 条记录 records, {tickets['count']} 张工单 tickets "
        f"({tickets['open']} 未关闭 open)", markup=False,
    )  # fmt: skip
    rows = [(x["field"], x["a"], x["b"], x["after"], "!" if x["conflict"] else "") for x in found["attributes"]]
    out.print(table("合并后 · after merging", ("field", found["a"], found["b"], "之后 after", "冲突 conflict"), rows))
    for pair in found["forbidden"]:
        out.print(f"禁止 forbidden: {pair['a']} {pair['b']} ({pair['actor']})", markup=False)
