"""Figures over HTTP: what there is, over days and by group, as a heat map, and the tickets and entries behind a number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

import core_tickets
import id_registry
from core_tickets.figures import METRICS, Metric, Sum, Terms, version
from gateway import clock
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.shapes import Line, Request, TicketId, answer
from gateway.figures import asking, keeping
from gateway.policies.figures import KIND
from gateway.service import Gateway
from gateway.usecases import tickets

router = APIRouter(tags=["figures"], responses=REFUSALS)

Day = Annotated[str, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-11-22"])]
AsOf = Annotated[
    str,
    Query(
        max_length=40, description="now; then (as known when each day ended); or a moment such as 2026-11-22T08:00:00Z"
    ),
]
By = Literal["all", "person", "group", "kind", "priority", "stage", "stage_hour", "stage_group"]


class View(Request):
    """Who of the customer's side looked at a ticket, and where."""

    by: Line = ""
    where: Line = ""


@router.get("/v1/figures")
def list_figures(gateway: GatewayDep, _: Reader) -> Response:
    """Every figure: what it counts, in which unit, of what, by which version of its formula."""
    terms = _terms(gateway)
    return answer({"items": [metric_shape(m, terms) for m in METRICS.values()], "next_cursor": None})


@router.get("/v1/figures/{name}")
def read_figure(
    gateway: GatewayDep, _: Reader, name: Line,
    first: Annotated[Day | None, Query(alias="from")] = None, to: Day | None = None, by: By = "all", as_of: AsOf = "now",
) -> Response:  # fmt: skip
    """A figure day by day and over the whole span, by group. Without days: the last seven. Each number comes with the
    numerator and the denominator it is made of; `missing` are days that hold nothing or are not computed yet."""
    terms, now = _terms(gateway), clock.now()
    last = to or asking.today(terms, now)
    with gateway.reading() as conn:
        found = asking.series(
            conn, terms, name, first or asking.days_before(last, 6), last, by=by, as_of=moment(as_of, now)
        )
    return answer(series_shape(found, terms))


@router.get("/v1/figures/{name}/heatmap")
def read_heatmap(
    gateway: GatewayDep, _: Reader, name: Line,
    first: Annotated[Day | None, Query(alias="from")] = None, to: Day | None = None,
    across: Literal["hour", "group"] = "hour", as_of: AsOf = "now",
) -> Response:  # fmt: skip
    """A figure per stage (stay_time, return_rate) across weekday and hour in which the stage was entered, or across
    groups. Without days: the last 28."""
    terms, now = _terms(gateway), clock.now()
    last = to or asking.today(terms, now)
    begin = first or asking.days_before(last, 27)
    by = "stage_hour" if across == "hour" else "stage_group"
    with gateway.reading() as conn:
        found = asking.series(conn, terms, name, begin, last, by=by, as_of=moment(as_of, now))
    return answer(series_shape(found, terms, daily=False) | {"across": across, "cells": asking.cells(found)})


@router.get("/v1/figures/{name}/tickets")
def read_tickets_behind(
    gateway: GatewayDep, _: Reader, name: Line, day: Day, as_of: AsOf = "now", person: Line | None = None,
    group: Line | None = None, kind: Line | None = None, priority: Line | None = None, stage: Line | None = None,
    cursor: Annotated[int, Query(ge=0, lt=1 << 31)] = 0, limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:  # fmt: skip
    """Which tickets make the number of a day, and which entries of their timelines it was read from. `total` is the sum
    of all of them: the number itself. An empty person or group means nobody's."""
    terms, now, metric = _terms(gateway), clock.now(), asking.metric_of(name)
    given = {"person": person, "group": group, "kind": kind, "priority": priority, "stage": stage}
    groups = {dimension: key for dimension, key in given.items() if key is not None}
    with gateway.reading() as conn:
        found = asking.behind(conn, terms, name, day, now=now, as_of=moment(as_of, now), groups=groups)
    total = Sum()
    for each in found:
        total = total.plus(Sum(each.fact.numerator, each.fact.denominator, 1))
    page = found[cursor : cursor + limit]
    end = cursor + limit
    return answer({
        "metric": name, "version": version(metric, terms), "unit": metric.unit, "day": day, "as_of": as_of,
        "groups": groups, "total": asking.shown(metric, total), "items": [_counted(metric, c) for c in page],
        "next_cursor": str(end) if end < len(found) else None,
    })  # fmt: skip


@router.get("/v1/figures/{name}/revisions")
def read_revisions(
    gateway: GatewayDep, _: Reader, name: Line, first: Annotated[Day | None, Query(alias="from")] = None,
    to: Day | None = None,
) -> Response:  # fmt: skip
    """What recomputations changed of days that were over, newest first: events that were stored late."""
    last = to or asking.today(_terms(gateway), clock.now())
    with gateway.reading() as conn:
        found = asking.revisions(conn, first or "1971-01-01", last, name)
    return answer({"items": found, "next_cursor": None})


@router.post("/v1/tickets/{ticket}/views", status_code=201)
def note_view(gateway: GatewayDep, who: Actor, ticket: TicketId, view: View) -> Response:
    """A customer looked at a ticket, as the portal that showed it tells: a line of its timeline, and warmth in its action
    temperature."""
    number, now = tickets.ticket_id(ticket), clock.now()
    note = core_tickets.Note(number, "customer_view", view.model_dump(), f"token:{who.name}", now, "connector")
    gateway.transact(lambda conn: core_tickets.note(conn, [note]))
    return answer({"ticket": ticket, "at": clock.rfc3339(now)}, 201)


def moment(text: str, now: int) -> str | int:
    """`now`, `then`, or the microseconds of a time with zone. Raises Refused."""
    if text in (keeping.NOW, keeping.THEN):
        return text
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("the zone is missing")
        found = clock.from_datetime(at)
    except (ValueError, OverflowError) as error:
        hint = "write now, then, or a time such as 2026-11-22T08:00:00Z"
        raise asking.refused("as_of", f"{text!r}: {error}", hint) from None
    if not 0 < found <= now:
        raise asking.refused("as_of", f"{text!r} is not in the past", "write an earlier one")
    return found


def metric_shape(metric: Metric, terms: Terms) -> dict[str, Any]:
    """What a figure is."""
    return {
        "name": metric.name, "version": version(metric, terms), "title": metric.title.en, "title_zh": metric.title.zh,
        "about": metric.about.en, "about_zh": metric.about.zh, "unit": metric.unit, "sum": metric.adds,
        "settled": metric.settled, "reads": metric.reads, "by": metric.dimensions, "terms": metric.used(terms),
    }  # fmt: skip


def series_shape(found: asking.Series, terms: Terms, *, daily: bool = True) -> dict[str, Any]:
    """A figure over days."""
    metric = found.metric
    told: dict[str, Any] = {
        "metric": metric.name, "version": found.version, "unit": metric.unit, "by": found.by, "basis": found.basis,
        "timezone": terms.zone, "missing": found.missing,
    }  # fmt: skip
    if daily:
        told["total"] = _groups(metric, found.total())
        told["days"] = [
            {"day": day, "as_of": clock.rfc3339(found.as_of[day]), "groups": _groups(metric, groups)}
            for day, groups in found.days.items()
        ]
    return told


def _groups(metric: Metric, groups: Any) -> list[dict[str, Any]]:
    return [{"key": key, **asking.shown(metric, groups[key])} for key in sorted(groups)]


def _counted(metric: Metric, counted: Any) -> dict[str, Any]:
    one = counted.fact
    mine = Sum(one.numerator, one.denominator, 1)
    return {
        "ticket": id_registry.format_id(counted.ticket_id), "at": clock.rfc3339(one.at), **asking.shown(metric, mine),
        "entries": [str(i) for i in one.entries], "person": one.person, "group": one.group, "kind": one.kind,
        "priority": f"P{one.priority}", "stage": one.stage,
    }  # fmt: skip


def _terms(gateway: Gateway) -> Terms:
    return KIND.of(gateway.hub.policies).terms
