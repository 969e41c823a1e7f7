"""The figures of effort written a second time, in plain Python over the raw rows of entries, without core_tickets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, text

from tests.integration.figures.by_hand import day

OVER = ("resolved", "closed")
EDITS = ("set", "assign", "detach", "add_child", "remove_child", "link", "unlink")
Found = dict[tuple[str, str], tuple[Decimal, int]]


class Row(NamedTuple):
    """An entry with the fields as they were after it."""

    id: int
    at: int
    name: str
    person: str
    data: dict[str, Any]
    after: dict[str, Any]


def figures(conn: Connection, as_of: int) -> Found:
    """{(metric, day): (numerator, denominator)} of all tickets together."""
    query = text("SELECT ticket_id, id, at, name, actor, actor_kind, changes, data FROM ticket_entry ORDER BY id")
    tickets: dict[int, list[Row]] = {}
    for ticket, number, at, name, actor, kind, changes, data in conn.execute(query):
        if at < as_of:
            rows = tickets.setdefault(ticket, [])
            after = dict(rows[-1].after) if rows else {}
            after.update({field: new for field, _, new in orjson.loads(changes)})
            person = actor.removeprefix("token:") if kind == "person" else ""
            rows.append(Row(number, at, name, person, orjson.loads(data), after))
    found: Found = {}
    for rows in tickets.values():
        for round_ in rounds(rows):
            last = rows[round_[-1]]
            for metric, (numerator, denominator) in count(rows, round_).items():
                place = (metric, day(last.at))
                n, d = found.get(place, (Decimal(0), 0))
                found[place] = (n + numerator, d + denominator)
    return found


def rounds(rows: list[Row]) -> Iterator[range]:
    """Places of the rows from an opening or reopening to the resolving."""
    start: int | None = None
    for n, row in enumerate(rows):
        over = row.after["status"] in OVER
        if start is None and not over:
            start = n
        elif start is not None and over:
            yield range(start, n + 1)
            start = None


def count(rows: list[Row], places: range) -> dict[str, tuple[Decimal, int]]:
    mine = [rows[n] for n in places]
    upto = rows[: places[-1] + 1]
    last = mine[-1]
    photos = sum(r.name == "attach" and r.data["media_type"].startswith("image/") for r in mine[1:])
    edits = sum(r.name in EDITS and r.person != "" for r in mine[1:])
    views = sum(r.name == "customer_view" for r in mine[1:])
    known = sum(bool(last.after.get(f)) for f in ("device", "customer", "url", "cause", "resolution", "description"))
    known += len(last.after.get("labels") or {}) + sum(r.name == "attach" for r in upto)
    return {
        "photos": (Decimal(photos), 1), "edits": (Decimal(edits), 1), "customer_views": (Decimal(views), 1),
        "action_temperature": (Decimal(photos + edits + views), 1), "value_density": (Decimal(known), len(upto)),
        "collaboration_entropy": (entropy(mine), 1),
    }  # fmt: skip


def entropy(mine: list[Row]) -> Decimal:
    """Hours in a stage times the logarithm of how many worked on it there, from entering to leaving."""
    turns = [0] + [n for n in range(1, len(mine)) if mine[n].after["status"] != mine[n - 1].after["status"]]
    with localcontext() as exact:
        exact.prec = 80
        total = Decimal(0)
        for start, stop in itertools.pairwise(turns):
            acted = {r.person for r in mine[start : stop + 1]}
            held = {r.after.get("assignee") for r in mine[start:stop]}
            people = {p for p in acted | held if p}
            total += Decimal(max(0, mine[stop].at - mine[start].at)) * Decimal(max(1, len(people))).ln() / 3_600_000_000
        return total.quantize(Decimal("1e-9"))
