"""What would change: the messages of the last days, played through the configuration that runs and through a new one.

Both begin with nothing and know the same; nobody works on tickets in between. So whatever differs in the end, differs
because of the configuration. Both play on scratch databases (rehearsal.py): the hub's own is only read.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import select

import core_tickets
import id_registry
from connectors.errors import ConnectorError
from gateway import clock
from gateway.automation.specs import STANDING
from gateway.config.hub import Hub, Live
from gateway.service import Gateway
from gateway.studio.rehearsal import Beginning, Place, Rehearsal
from gateway.studio.stories import Past, Told, difference, group_of, sampled, standing

Progress = Callable[[int, int], None]
"""Told how many messages of how many are played."""
SHOWN = 200
EXAMPLES = 5
FIELDS = ("kind", "priority", "title", "description", "status", "resolution", "group", "assignee", "device", "customer", "labels",
          "url", "source_key", "occurrences", "opened_at", "resolved_at", "fingerprint")  # fmt: skip
SUMMARY = (
    "title",
    "kind",
    "priority",
    "status",
    "device",
    "customer",
    "group",
    "opened_at",
    "occurrences",
    "fingerprint",
)
PAGE = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """What a comparison may cost. Of more messages the newest are played."""

    messages: int = 200_000
    seconds: float = 300
    tickets: int = 20_000
    """Opened by either configuration; then it stops."""


@dataclass
class _Side:
    """One configuration at play."""

    stage: Rehearsal
    tickets: dict[Place, tuple[int, Beginning]] = field(default_factory=dict)

    def by_place(self) -> dict[Place, tuple[int, Beginning]]:
        """Tickets by the message that opened them."""
        found: dict[Place, tuple[int, Beginning]] = {}
        for number, beginning in sorted(self.stage.opened.items()):
            place, n = beginning.place, 1
            while place in found:  # one message may open several: thresholds on one reading
                n += 1
                place = (beginning.place[0], f"{beginning.place[1]}#{n}")
            found[place] = (number, beginning)
        return found


def compare(
    gateway: Gateway, now: Hub, then: Hub, *, since: int, until: int, limits: Limits | None = None, sample: bool = True,
    progress: Progress = lambda done, total: None, stop: threading.Event | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Play the stored messages from `since` up to `until` (microseconds UTC) through both; answers the report as JSON-like
    data. `sample`: of connections that are new, some records are read now. Nothing is written to the hub's database.

    :raises Unavailable: the hub's database did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="weft-rehearsal-") as folder, ExitStack() as stack:
        sides = [_Side(Rehearsal(hub, Path(folder) / name, since)) for hub, name in ((now, "now"), (then, "then"))]
        for side in sides:
            stack.callback(side.stage.close)
        return _Comparison(
            gateway, now, then, sides[0], sides[1], limits or Limits(), progress, stop or threading.Event()
        ).go(since, until, sample)


@dataclass
class _Comparison:
    gateway: Gateway
    now: Hub
    then: Hub
    old: _Side
    new: _Side
    limits: Limits
    progress: Progress
    stop: threading.Event
    began: float = field(default_factory=monotonic)
    played: int = 0
    spent: float = 0
    """Seconds of playing alone."""
    total: int = 0
    stopped: str = ""
    moved: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)
    read: dict[str, Any] = field(default_factory=dict)

    def go(self, since: int, until: int, sample: bool) -> dict[str, Any]:
        differs = difference(self.now, self.then)
        past = Past(self.gateway, self.now, self.then, sorted(differs.connections), since, until)
        self.total = past.narrowed(self.limits.messages) if differs.connections else 0
        for side in (self.old, self.new):
            side.stage.since = past.since
        self._records(past, differs.connections, sample)
        for group in past.deliveries() if differs.connections else ():
            if self._over():
                break
            self._play(group, group[-1].at, past)
        if not self.stopped:
            for side in (self.old, self.new):
                side.stage.until(until)
        return self._report(past, differs.connections, since, until)

    # -- playing ------------------------------------------------------------------------------------------------------

    def _play(self, group: Sequence[Told], at: int, past: Past | None) -> None:
        began = monotonic()
        self.old.stage.play([told.now for told in group if told.now is not None], at)
        self.new.stage.play([told.then for told in group if told.then is not None], at)
        self.spent += monotonic() - began
        before, after = self.old.stage.outcomes, self.new.stage.outcomes
        for place in before.keys() | after.keys():
            move = (before.get(place, ("", ""))[0], after.get(place, ("", ""))[0])
            if move[0] != move[1]:
                self.moves[move] += 1
                examples = self.moved.setdefault(move, [])
                if len(examples) < EXAMPLES:
                    examples.append(str(place[0]))
        if past is not None:
            for place, end in past.then_ends(group).items():
                if place in before:
                    self.agreed["same" if before[place][0] == end[0] else "other"] += 1
        self.played += sum(told.events for told in group)
        self.progress(self.played, max(self.total, self.played))

    def _records(self, past: Past, connections: Mapping[str, Sequence[str]], sample: bool) -> None:
        """Records of business as they stand; of a new connection, some as they are read now."""
        for connection in connections:
            old, new = self.now.connections.get(connection), self.then.connections.get(connection)
            for stream in sorted({*(old.mappings if old else ()), *(new.mappings if new else ())}):
                if self._over():
                    return
                if _business(old, stream) or _business(new, stream):
                    with self.gateway.reading() as conn:
                        for events in standing(past, conn, connection, stream):
                            self._records_of(events, old, new, past.since)
                            if self._over():
                                return
            if sample and old is None and new is not None:
                self._sample(new, past.since)

    def _records_of(self, events: Sequence[Any], old: Live | None, new: Live | None, at: int) -> None:
        if events:
            self.total += len(events)
            number = next(iter(self.old.stage.serial.take()))
            self._play(group_of(events, old, new, number, at), at, None)

    def _sample(self, live: Live, at: int) -> None:
        for stream in sorted(live.mappings):
            if self._over() or live.runtime is None or "reads" not in live.can:
                return
            try:
                events = sampled(live, stream)
            except ConnectorError as error:
                self.read[f"{live.id}/{stream}"] = {"records": 0, "error": str(error)}
                continue
            self.read[f"{live.id}/{stream}"] = {"records": len(events), "error": ""}
            self._records_of(events, None, live, at)

    def _over(self) -> bool:
        tickets = max(len(self.old.stage.opened), len(self.new.stage.opened))
        if self.stop.is_set():
            self.stopped = "cancelled"
        elif monotonic() - self.began > self.limits.seconds:
            self.stopped = "time"
        elif tickets >= self.limits.tickets:
            self.stopped = "tickets"
        return bool(self.stopped)

    # -- telling ------------------------------------------------------------------------------------------------------

    def _report(self, past: Past, connections: Mapping[str, Sequence[str]], since: int, until: int) -> dict[str, Any]:
        old, new = self.old.by_place(), self.new.by_place()
        pairs, vanished, appeared = _paired(self.old.stage, self.new.stage, old, new)
        changed: list[dict[str, Any]] = []
        same, by_field = 0, Counter[str]()
        for start in range(0, len(pairs), PAGE):
            page = pairs[start : start + PAGE]
            before = _values(self.old.stage, [a for a, _ in page])
            after = _values(self.new.stage, [b for _, b in page])
            for a, b in page:
                fields = [f for f in FIELDS if before[a][f] != after[b][f]]
                by_field.update(fields)
                same += not fields
                if fields and len(changed) < SHOWN:
                    differs = [{"field": f, "before": before[a][f], "after": after[b][f]} for f in fields]
                    changed.append(_summary(after[b], self.new.stage.opened[b]) | {"fields": differs})
        seconds = max(monotonic() - self.began, 1e-6)
        return {
            "window": {"since": clock.rfc3339(since), "until": clock.rfc3339(until), "covered_since": clock.rfc3339(past.since)},
            "messages": self.played, "unreadable": past.unreadable, "stopped": self.stopped, "seconds": round(seconds, 3),
            "per_second": round(self.played / max(self.spent, 1e-6)), "read_now": self.read,
            "connections": [{"connection": c, "because": list(why)} for c, why in connections.items()],
            "agreement": {"same": self.agreed["same"], "other": self.agreed["other"]},
            "ends": {"now": dict(self.old.stage.ends), "then": dict(self.new.stage.ends)},
            "moves": [{"now": a or None, "then": b or None, "messages": n, "examples": self.moved[a, b]}
                      for (a, b), n in self.moves.most_common()],
            "tickets": {"now": len(old), "then": len(new), "same": same, "appear": len(appeared), "vanish": len(vanished),
                        "change": len(pairs) - same},
            "by_field": dict(by_field.most_common()),
            "appear": _told(self.new.stage, appeared), "vanish": _told(self.old.stage, vanished), "change": changed,
        }  # fmt: skip


def _business(live: Live | None, stream: str) -> bool:
    mapping = None if live is None else live.mappings.get(stream)
    return mapping is not None and mapping.target in STANDING


def _paired(
    before: Rehearsal, after: Rehearsal, old: Mapping[Place, tuple[int, Beginning]],
    new: Mapping[Place, tuple[int, Beginning]],
) -> tuple[list[tuple[int, int]], list[int], list[int]]:  # fmt: skip
    """(the same ticket in both, only in the old, only in the new). The same is what the same message opened, or, of those
    that are left, what stands for the same fingerprint."""
    pairs = [(old[place][0], new[place][0]) for place in old if place in new]
    only_old = [number for place, (number, _) in old.items() if place not in new]
    only_new = [number for place, (number, _) in new.items() if place not in old]
    by_fingerprint: dict[str, list[int]] = {}
    for number, ticket in sorted(_tickets(after, only_new).items()):
        if ticket.fingerprint:
            by_fingerprint.setdefault(ticket.fingerprint, []).append(number)
    for number, ticket in sorted(_tickets(before, only_old).items()):
        if ticket.fingerprint and (twins := by_fingerprint.get(ticket.fingerprint)):
            pairs.append((number, twins.pop(0)))
    paired = {n for pair in pairs for n in pair[:1]}, {n for pair in pairs for n in pair[1:]}
    return pairs, [n for n in only_old if n not in paired[0]], [n for n in only_new if n not in paired[1]]


def _tickets(stage: Rehearsal, numbers: Sequence[int]) -> dict[int, core_tickets.Ticket]:
    found: dict[int, core_tickets.Ticket] = {}
    with stage.reading() as conn:
        for start in range(0, len(numbers), PAGE):
            found |= core_tickets.get_many(conn, numbers[start : start + PAGE])
    return found


def _values(stage: Rehearsal, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The fields of these tickets as they can be compared: things by what their systems call them."""
    tickets = _tickets(stage, numbers)
    things = {t for ticket in tickets.values() for t in (ticket.device, ticket.customer) if t is not None}
    x = id_registry.tables.xref.c
    with stage.reading() as conn:
        wanted = sorted(things)
        names = {
            row.gid: f"{row.system}/{row.local}"
            for start in range(0, len(wanted), PAGE)
            for row in conn.execute(select(x.gid, x.system, x.local).where(x.gid.in_(wanted[start : start + PAGE])))
        }
    return {number: _fields(ticket, names) for number, ticket in tickets.items()}


def _fields(ticket: core_tickets.Ticket, names: Mapping[int, str]) -> dict[str, Any]:
    told = {name: getattr(ticket, name) for name in FIELDS}
    told["priority"] = f"P{ticket.priority}"
    told["labels"] = dict(ticket.labels)
    for name in ("device", "customer"):
        told[name] = None if told[name] is None else names.get(told[name], "")
    for name in ("opened_at", "resolved_at"):
        told[name] = clock.rfc3339(told[name])
    return told


def _told(stage: Rehearsal, numbers: Sequence[int]) -> list[dict[str, Any]]:
    shown = list(numbers)[:SHOWN]
    values = _values(stage, shown)
    return [_summary(values[n], stage.opened[n]) for n in shown]


def _summary(values: Mapping[str, Any], opened: Beginning) -> dict[str, Any]:
    return {name: values[name] for name in SUMMARY} | {"opened": _beginning(opened)}


def _beginning(b: Beginning) -> dict[str, Any]:
    return {
        "connection": b.place[0],
        "stream": b.stream,
        "rule": b.rule,
        "at": clock.rfc3339(b.at),
        "message": b.message,
    }
