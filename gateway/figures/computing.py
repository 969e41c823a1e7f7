"""The facts of a day, from the events: told as known at any moment, read in parts so that a day of any size fits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select

from core_tickets import tables as core
from core_tickets.batch import among
from core_tickets.figures import Fact, Metric, Scene, Signal, Terms, entries_of, span, stories
from core_tickets.figures.summing import NOTHING, Groups, Sum, grouped
from core_tickets.model import Entry
from gateway import clock
from gateway.figures import indexing, signals
from gateway.figures.tables import figure_thing

CHUNK = 500


class Counted(NamedTuple):
    """One fact and whose it is."""

    ticket_id: int
    fact: Fact


@dataclass(frozen=True, slots=True)
class Part:
    """The events of some of the tickets that may count on one day, and of those they are compared with."""

    terms: Terms
    begin: int
    end: int
    mine: Sequence[int]
    entries: Mapping[int, Sequence[Entry]]
    signals: Mapping[int, Sequence[Signal]]
    things: Mapping[int, Sequence[int]]
    """Device or customer to tickets that were ever about it."""

    def facts(self, metrics: Collection[Metric], as_of: int) -> dict[str, list[Counted]]:
        """The facts of each metric on this day as known at `as_of` (exclusive), in order of ticket."""
        told = stories(self.entries, self.signals, as_of)
        scene = Scene(self.terms, {thing: [told[i] for i in ids if i in told] for thing, ids in self.things.items()})
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


def parts(conn: Connection, day: str, terms: Terms, *, upto: int, pairs: bool = True) -> Iterator[Part]:
    """The events of a day, some hundred tickets at a time and in order of ticket. Repeats of alerts are those before
    `upto`; other facts are cut at their own `as_of`. `pairs`: with the tickets they are compared with."""
    begin, end = span(day, terms.zone)
    told = signals.of_day(conn, begin, min(end, upto))
    for mine in _chunks(sorted({*indexing.tickets_of(conn, day), *told})):
        things = _things(conn, mine, terms, begin, end) if pairs else {}
        entries: dict[int, Sequence[Entry]] = {}
        for chunk in _chunks(sorted({*mine, *(i for ids in things.values() for i in ids)})):
            entries |= entries_of(conn, chunk)
        answered = signals.answers(conn, mine)
        every = {i: sorted({*told.get(i, ()), *answered.get(i, ())}) for i in mine}
        yield Part(terms, begin, end, mine, entries, every, things)


def facts(conn: Connection, day: str, terms: Terms, metric: Metric, as_of: int) -> list[Counted]:
    """The facts of one metric on a day as known at `as_of` (exclusive), in order of ticket."""
    found = parts(conn, day, terms, upto=as_of, pairs=metric.pairs)
    return [one for part in found for one in part.facts([metric], as_of)[metric.name]]


def sums(
    conn: Connection, day: str, terms: Terms, metrics: Sequence[Metric], moments: Sequence[int]
) -> list[dict[str, dict[str, dict[str, Sum]]]]:
    """By metric, dimension and group, as known at each of these moments (exclusive, the latest first)."""
    found: list[dict[str, dict[str, dict[str, Sum]]]] = [{m.name: {} for m in metrics} for _ in moments]
    for part in parts(conn, day, terms, upto=moments[0], pairs=any(m.pairs for m in metrics)):
        for place, as_of in enumerate(moments):
            known = part.facts(metrics, as_of)
            for metric in metrics:
                add(found[place][metric.name], grouped(metric, (c.fact for c in known[metric.name]), terms.zone))
    return found


def add(total: dict[str, dict[str, Sum]], groups: Groups) -> None:
    """Put the sums of a part to those of the others."""
    for dimension, keys in groups.items():
        held = total.setdefault(dimension, {})
        for key, one in keys.items():
            held[key] = held.get(key, NOTHING).plus(one)


def _things(conn: Connection, mine: Sequence[int], terms: Terms, begin: int, end: int) -> dict[int, list[int]]:
    """What these tickets were ever about, and the other tickets about that which a formula can look at."""
    t, k = figure_thing.c, core.ticket.c
    things = sorted(conn.execute(select(t.thing).where(among(conn, t.ticket_id, mine)).distinct()).scalars())
    since, until = begin - terms.duplicate_days * clock.DAY, end + terms.repeat_days * clock.DAY
    query = select(t.thing, t.ticket_id).join_from(figure_thing, core.ticket, k.id == t.ticket_id)
    near = query.where(among(conn, t.thing, things), k.opened_at >= since, k.opened_at < until)
    found: dict[int, list[int]] = {}
    for thing, ticket in conn.execute(near.order_by(t.thing, t.ticket_id)):
        found.setdefault(thing, []).append(ticket)
    return found


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for n in range(0, len(ids), CHUNK):
        yield ids[n : n + CHUNK]
