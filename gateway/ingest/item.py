"""One event on its way through a transaction, from canonical record to its end."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from connectors.contract import Event
from gateway.config.hub import HUB, Live
from gateway.ingest.inbox import Incoming
from gateway.ingest.internal import HELD
from gateway.ingest.recorded import UNUSABLE
from mappings import Mapping

if TYPE_CHECKING:
    from gateway.automation.watching import Verdict


PART_BITS = 20
"""One message of a delivery that packs several tells fewer events than two to this power."""


class End(enum.StrEnum):
    """Where a message ends; every stored message has exactly one."""

    ticketed = "ticketed"
    merged = "merged"
    suppressed = "suppressed"
    dead = "dead"
    in_flight = "in_flight"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message cannot be used: the field, what is wrong, what to do."""

    path: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event and what its mapping made of it; pure, so a transaction that is tried again starts from here."""

    event: Event | None
    mapping: Mapping | None
    record: dict[str, Any] | None
    fault: Fault | None
    reason: str = ""
    verdict: Verdict | None = None
    """What a rule asks for, of a record that is held already and was judged when it was read."""


@dataclass(slots=True)
class Item:
    """A prepared event within one attempt of a transaction."""

    id: int
    incoming: Incoming
    position: int
    prepared: Prepared
    end: End | None = None
    rule: str = ""
    ticket_id: int | None = None
    repeat_of: int | None = None
    trace: dict[str, Any] = field(default_factory=dict)
    fault: Fault | None = None
    device: int | None = None
    customer: int | None = None
    landing: int | None = None
    echo: bool = False
    """The remote system tells us what we did ourselves: states follow, tickets do not."""
    live: Live = field(init=False)
    kind: str = field(init=False)
    event: Event = field(init=False)
    """Not there where a delivery told of nothing; nor are `system` and `source`."""
    record: dict[str, Any] = field(init=False)
    """Not there where no mapping made one."""
    system: str = field(init=False)
    """The connection of the thing it speaks about; messages of the hub itself speak of another's."""
    source: str = field(init=False)
    """Where its ticket comes from: a held reading is still its connection's."""

    def __post_init__(self) -> None:
        """Once, since a transaction looks at them some fifty times."""
        self.live, event, record = self.incoming.live, self.prepared.event, self.prepared.record
        self.kind = self.prepared.mapping.target if self.prepared.mapping else ""
        if record is not None:
            self.record = record
        if event is not None:
            self.event = event
            self.system = str(event.record["connection"]) if self.live.id == HUB else self.live.id
            self.source = self.system if event.stream == HELD else self.live.id

    def settle(self, end: End, rule: str, ticket_id: int | None = None) -> None:
        """Give the message its end; the first one given stands."""
        if self.end is None:
            self.end, self.rule, self.ticket_id = end, rule, ticket_id

    def bury(self, fault: Fault) -> None:
        self.end, self.rule, self.fault = End.dead, "unusable", fault

    def traced(self) -> str | None:
        return orjson.dumps(self.trace, default=str).decode() if self.trace else None


def places(prepared: Sequence[Prepared]) -> Sequence[int]:
    """The place of each event in its delivery. Where a delivery packs several messages, what one of them tells moves no
    event of another."""
    if not prepared or prepared[0].event is None or prepared[0].event.part is None:
        return range(len(prepared))
    found, last, within = [], -1, 0
    for each in prepared:
        part = (each.event.part if each.event else None) or 0
        within = within + 1 if part == last else 0
        last = part
        found.append(part << PART_BITS | within)
    return found


def prepare(incoming: Incoming) -> Sequence[Prepared]:
    """Run each event through its stream's mapping. Pure; an unusable event becomes a fault, never an exception."""
    if incoming.bad is not None:
        return [Prepared(None, None, None, Fault("", str(incoming.bad), incoming.bad.hint))]
    if not incoming.events:
        return [Prepared(None, None, None, None, "nothing-told")]
    body = incoming.delivery.body
    made = [_map(incoming.live, event) for event in incoming.events]
    return [_storable(p) for p in made] if b"\\u0000" in body or b"\0" in body else made


def _storable(prepared: Prepared) -> Prepared:
    """No database text holds the character NUL: a record with it is unusable, whatever the field."""
    event, record = prepared.event, prepared.record or {}
    assert event is not None
    for path, value in {"id": event.id, "key": event.key, **record}.items():
        if b"\\u0000" in orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS):
            fault = Fault(path, "contains the character NUL", "let the sender leave it out")
            safe = replace(event, id=event.id.replace("\0", ""), key=event.key.replace("\0", ""))
            return Prepared(safe, prepared.mapping, None, fault)
    return prepared


def _map(live: Live, event: Event) -> Prepared:
    mapping = live.mappings.get(event.stream)
    if event.bad is not None:
        return Prepared(event, mapping, None, Fault("", str(event.bad), event.bad.hint))
    if mapping is None:
        return Prepared(event, None, None, None, "no-mapping")
    if UNUSABLE in event.record:
        told = event.record[UNUSABLE]
        return Prepared(event, mapping, None, Fault("", told["reason"], told["hint"]))
    if event.op == "delete" and mapping.target not in ("Alert", "Reading"):
        return Prepared(event, mapping, {}, None)
    result = mapping.run(event.record)
    if result.dead is not None:
        fault = Fault(result.dead.field, result.dead.message, result.dead.expression)
        return Prepared(event, mapping, None, fault)
    if not result.matched:
        return Prepared(event, mapping, None, None, f"where:{mapping.name}")
    return Prepared(event, mapping, result.values, None)
