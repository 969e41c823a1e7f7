"""Process mining: the paths tickets really took, against the planned one, with share and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from core_tickets.actions import ACTIONS
from core_tickets.learning.quantiles import nearest_rank
from core_tickets.model import Entry

LONGEST = 40
"""Steps of a path that count; who goes round more often than that is in the same variant as all who do."""
EXAMPLES = 3


class Stay(NamedTuple):
    """One stage of one ticket and since when."""

    stage: str
    since: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one ticket. Two neighbours are never the same stage."""

    ticket_id: int
    stays: tuple[Stay, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned path. A stage that is not in `order` is a detour; `allowed`: the steps there may be (None: all)."""

    order: tuple[str, ...]
    allowed: frozenset[tuple[str, str]] | None = None
    ends: frozenset[str] = frozenset()
    """Who is here has arrived; empty: the last of `order`."""

    @property
    def last(self) -> frozenset[str]:
        return self.ends or frozenset(self.order[-1:])


def _steps() -> frozenset[tuple[str, str]]:
    return frozenset((a, action.target) for action in ACTIONS.values() if action.target for a in action.sources)


STATES = Plan(("pending", "in_progress", "resolved", "closed"), _steps(), frozenset({"resolved", "closed"}))
"""The states as docs/tickets.md plans them, with the steps the actions allow."""


@dataclass(frozen=True, slots=True, order=True)
class Deviation:
    """What a path does that the plan does not: `skipped` (at: the stage left out), `returned` (back to), `looped` (the
    step taken more than once leads to), `detour` (through), `forbidden` (a step no action has)."""

    kind: str
    at: str


@dataclass(frozen=True, slots=True)
class Variant:
    """All tickets that took one path. Times in microseconds from the first stage to arriving at the last."""

    path: tuple[str, ...]
    count: int
    share: float
    median: int
    p90: int
    deviations: tuple[Deviation, ...]
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """One step between two stages: how many tickets took it, how often, and how long they stayed before it."""

    source: str
    target: str
    tickets: int
    times: int
    median: int
    p90: int
    planned: bool


@dataclass(frozen=True, slots=True)
class Mined:
    """What was found of `arrived` tickets; those under way are only counted."""

    arrived: int
    under_way: int
    as_planned: int
    variants: tuple[Variant, ...]
    """The most frequent first; equals in order of their path."""
    steps: tuple[Moved, ...]
    deviations: Mapping[Deviation, int]
    """How many tickets each happened to."""


def trace(ticket_id: int, entries: Iterable[Entry], fields: Sequence[str] = ("status",)) -> Trace:
    """The way of one ticket by its entries in order; a stage is the values of these audited fields, joined by ` / `."""
    values: dict[str, str] = {}
    stays: list[Stay] = []
    for entry in entries:
        moved = {c.field: "" if c.after is None else str(c.after) for c in entry.changes if c.field in fields}
        if not moved:
            continue
        values |= moved
        stage = " / ".join(values.get(name) or "-" for name in fields)
        if not stays or stays[-1].stage != stage:
            stays.append(Stay(stage, entry.at))
    return Trace(ticket_id, tuple(stays))


def deviations(path: Sequence[str], plan: Plan) -> tuple[Deviation, ...]:
    """What of this path is not as planned; empty: all of it is."""
    found: set[Deviation] = set()
    places = {stage: n for n, stage in enumerate(plan.order)}
    taken = Counter(pairwise(path))
    reached = max((places[stage] for stage in path if stage in places), default=-1)
    found |= {Deviation("skipped", stage) for stage in plan.order[:reached] if stage not in path}
    found |= {Deviation("detour", stage) for stage in path if stage not in places}
    found |= {Deviation("looped", step[1]) for step, times in taken.items() if times > 1}
    for source, target in taken:
        if source in places and target in places and places[target] < places[source]:
            found.add(Deviation("returned", target))
        if plan.allowed is not None and (source, target) not in plan.allowed:
            found.add(Deviation("forbidden", f"{source} → {target}"))
    return tuple(sorted(found))


def mine(traces: Iterable[Trace], plan: Plan) -> Mined:
    """Paths, steps and deviations of all tickets that arrived. The order of the traces does not matter."""
    known = sorted((t for t in traces if t.stays), key=lambda t: t.ticket_id)
    arrived = [t for t in known if t.stays[-1].stage in plan.last]
    by_path: dict[tuple[str, ...], list[Trace]] = {}
    for t in arrived:
        by_path.setdefault(tuple(stay.stage for stay in t.stays[:LONGEST]), []).append(t)
    variants = [_variant(path, same, len(arrived), plan) for path, same in by_path.items()]
    variants.sort(key=lambda v: (-v.count, v.path))
    happened: Counter[Deviation] = Counter()
    for variant in variants:
        happened.update(dict.fromkeys(variant.deviations, variant.count))
    return Mined(
        len(arrived), len(known) - len(arrived), sum(v.count for v in variants if not v.deviations), tuple(variants),
        _moved(arrived, plan), dict(sorted(happened.items(), key=lambda item: (-item[1], item[0]))),
    )  # fmt: skip


def _variant(path: tuple[str, ...], same: Sequence[Trace], whole: int, plan: Plan) -> Variant:
    took = sorted(t.stays[-1].since - t.stays[0].since for t in same)
    return Variant(
        path, len(same), len(same) / whole, nearest_rank(took, 0.5), nearest_rank(took, 0.9), deviations(path, plan),
        tuple(t.ticket_id for t in same[-EXAMPLES:]),
    )  # fmt: skip


def _moved(arrived: Sequence[Trace], plan: Plan) -> tuple[Moved, ...]:
    stayed: dict[tuple[str, str], list[int]] = {}
    tickets: Counter[tuple[str, str]] = Counter()
    for t in arrived:
        steps = [((a.stage, b.stage), b.since - a.since) for a, b in pairwise(t.stays)]
        tickets.update({step for step, _ in steps})
        for step, time in steps:
            stayed.setdefault(step, []).append(time)
    planned = set(pairwise(plan.order))
    made = []
    for (source, target), times in stayed.items():
        times.sort()
        made.append(Moved(source, target, tickets[source, target], len(times), nearest_rank(times, 0.5),
                          nearest_rank(times, 0.9), (source, target) in planned))  # fmt: skip
    return tuple(sorted(made, key=lambda m: (-m.times, m.source, m.target)))
