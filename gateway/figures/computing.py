"""The facts of a day, from the events: read at most once, told as known at any moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, select

from core_tickets import tables as core
from core_tickets.batch import among
from core_tickets.figures import METRICS, Fact, Metric, Scene, Signal, Story, Terms, entries_of, span, stories
from core_tickets.figures.summing import Sum, grouped
from core_tickets.model import Entry
from gateway import clock
from gateway.figures import indexing, signals
from gateway.figures.tables import figure_thing

CHUNK = 1_000


class Counted(NamedTuple):
    """One fact and whose it is."""

    ticket_id: int
    fact: Fact


@dataclass(slots=True)
class Day:
    """The events of the tickets that may count on one day, and of those they are compared with."""

    day: str
    terms: Terms
    begin: int
    end: int
    mine: Sequence[int]
    entries: Mapping[int, Sequence[Entry]]
    signals: Mapping[int, Sequence[Signal]]
    things: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Device or customer to tickets that were ever about it."""

    def facts(self, metrics: Collection[Metric], as_of: int) -> dict[str, list[Counted]]:
        """The facts of each metric on this day as known at `as_of` (exclusive), in order of ticket."""
        told = stories(self.entries, self.signals, as_of)
        scene = Scene(self.terms, _by_thing(self.things, told))
        begin, end = self.begin, min(self.end, as_of)
        return {
            metric.name: [
                Counted(i, one)
                for i in self.mine
                if i in told
                for one in metric.facts(told[i], scene)
                if begin <= one.at < end
            ]
            for metric in metrics
        }

    def sums(self, metrics: Collection[Metric], as_of: int) -> dict[str, dict[str, dict[str, Sum]]]:
        """By metric, dimension and group."""
        found = self.facts(metrics, as_of)
        return {m.name: grouped(m, (c.fact for c in found[m.name]), self.terms.zone) for m in metrics}


def _by_thing(things: Mapping[int, Sequence[int]], told: Mapping[int, Story]) -> dict[int, list[Story]]:
    return {thing: [told[i] for i in ids if i in told] for thing, ids in things.items()}


def load(
    conn: Connection, day: str, terms: Terms, *, upto: int, only: Collection[int] | None = None, pairs: bool = True
) -> Day:
    """The events of a day before `upto`, which only repeats of alerts look at: facts are cut at their own `as_of`. `only`:
    of these tickets. `pairs`: with the tickets they are compared with."""
    begin, end = span(day, terms.zone)
    told = signals.of_day(conn, begin, min(end, upto))
    mine = sorted({*indexing.tickets_of(conn, day), *told})
    if only is not None:
        mine = [i for i in mine if i in set(only)]
    things = _things(conn, mine, terms, begin, end) if pairs else {}
    wanted = {*mine, *(i for ids in things.values() for i in ids)}
    entries: dict[int, Sequence[Entry]] = {}
    for chunk in _chunks(sorted(wanted)):
        entries |= entries_of(conn, chunk)
    answered: dict[int, list[Signal]] = {}
    for chunk in _chunks(mine):
        answered |= signals.answers(conn, chunk)
    every = {i: sorted({*told.get(i, ()), *answered.get(i, ())}) for i in mine}
    return Day(day, terms, begin, end, mine, entries, every, things)


def _things(conn: Connection, mine: Sequence[int], terms: Terms, begin: int, end: int) -> dict[int, list[int]]:
    """What the tickets of the day were ever about, and the other tickets about that which a formula can look at."""
    t, k = figure_thing.c, core.ticket.c
    things: set[int] = set()
    for chunk in _chunks(mine):
        things |= set(conn.execute(select(t.thing).where(among(conn, t.ticket_id, chunk)).distinct()).scalars())
    since, until = begin - terms.duplicate_days * clock.DAY, end + terms.repeat_days * clock.DAY
    found: dict[int, list[int]] = {}
    for chunk in _chunks(sorted(things)):
        query = select(t.thing, t.ticket_id).join_from(figure_thing, core.ticket, k.id == t.ticket_id)
        near = query.where(among(conn, t.thing, chunk), k.opened_at >= since, k.opened_at < until)
        for thing, ticket in conn.execute(near.order_by(t.thing, t.ticket_id)):
            found.setdefault(thing, []).append(ticket)
    return found


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for n in range(0, len(ids), CHUNK):
        yield ids[n : n + CHUNK]


def every() -> list[Metric]:
    """All metrics."""
    return list(METRICS.values())
