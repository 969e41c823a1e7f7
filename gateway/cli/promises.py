"""Promises: the attribution sheet of a ticket."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from gateway import clock
from gateway.cli.session import As, Database, Json, eyes, gateway, show, table
from gateway.escalation.words import length
from gateway.usecases import tickets
from gateway.usecases.attribution import attribution as drawn_up


def add(app: typer.Typer) -> None:
    app.command()(attribution)


def attribution(ticket: str, as_: As = None, database_url: Database = None, as_json: Json = False) -> None:
    """After a breach: who held a ticket how long, who was late where, who was told what and answered when."""
    with gateway(database_url=database_url) as g, g.reading() as conn:
        number, look = tickets.ticket_id(ticket), eyes(conn, g, as_)
        look.demand(number, "attribution")
        told = look.project(drawn_up(conn, g.hub, number, clock.now()), number)
    show(told, as_json=as_json, text=lambda out: tell(out, told))


def tell(out: Console, told: dict[str, Any]) -> None:
    """The sheet in words, as people read it."""
    out.print(f"{told['ticket']}  {told['priority']}  {told['status']}  {told['title']}", markup=False, style="bold")
    out.print(f"工作时间按日历 working time by calendar {told['calendar']}", markup=False)
    if not told["late"]:
        out.print("没有超时 no promise was broken", markup=False)
    for late in told["late"]:
        out.print(f"\n{late['title_zh']} {late['title']}: 超时 late by {_length(late['late_s'])}", style="bold")
        out.print(f"  到期 due {late['due']}，当时在 then in the hands of {late['holder']}", markup=False)
        out.print(f"  此前 before: {_shares(late['held_before_s'])}", markup=False)
        out.print(f"  此后 after: {_shares(late['held_after_s'])}", markup=False)
    held = [
        (h["from"], h["to"], h["holder"], h["status"], h["blocked_reason"], _length(h["working_s"]))
        for h in told["held"]
    ]
    out.print(table("经手 · who held it", ("from", "to", "holder", "state", "blocked", "working"), held))
    for move in told["moves"]:
        out.print(f"  {move['at']}  {move['field']}  {move['before']} → {move['after']}  {move['who']}", markup=False)
        for line in [*move["told"], *([move["why"]] if move["why"] else [])]:
            out.print(f"      {line}", markup=False)
    sent = [
        (d["sent_at"] or m["at"], m["reason"], d["person"], d["channel"], d["state"], d["answer"], d["answered_after_s"])
        for m in told["messages"]
        for d in m["deliveries"] or [{"sent_at": None, "person": ", ".join([*m["people"], *m["groups"]]), "channel": "",
                                      "state": m["state"], "answer": None, "answered_after_s": None}]
    ]  # fmt: skip
    if sent:
        out.print(table("消息 · messages", ("at", "why", "to", "channel", "state", "answer", "after s"), sent))


def _length(seconds: int) -> str:
    return length(seconds * clock.SECOND)


def _shares(shares: dict[str, int]) -> str:
    return ", ".join(f"{who} {_length(part)}" for who, part in shares.items()) or "-"
