"""The policy `notification`: tiers of channels by priority, quiet hours, merging in storms, which event tells whom.

A tier is steps of channels: those of a step are used at once, the next step begins when all of it has failed, or was not
over within the tier's `patience`. What is only wrong given people and connections is refused when the policy is saved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from gateway.automation.specs import Name, Spec
from gateway.clock import DAY, MINUTE, SECOND, from_datetime, to_datetime
from gateway.config.durations import Duration
from gateway.errors import Problem
from gateway.policies.kind import PolicyKind, Surroundings

Event = Literal["opened", "assigned", "started", "blocked", "unblocked", "resolved", "reopened", "closed", "raised",
                "claimed", "returned"]  # fmt: skip
Audience = Literal["assignee", "pool", "group", "lead", "director", "creator", "watchers"]
"""`pool`: the group, as long as nobody holds the ticket."""
Tiered = Literal["P0", "P1", "P2", "P3"]
EVENTS: dict[Event, list[Audience]] = {
    "opened": ["assignee", "pool"], "assigned": ["assignee", "pool"], "returned": ["pool", "lead"],
    "raised": ["assignee", "group", "lead"], "reopened": ["assignee", "pool"], "blocked": ["watchers"],
    "resolved": ["watchers", "creator"], "closed": ["watchers"],
}  # fmt: skip
MOBILE = frozenset({"phone", "sms"})
"""Addresses that are telephone numbers."""
HOME = "Asia/Shanghai"


class Channel(Spec):
    """One way to people. `connection` names one; `connector` takes the first enabled one of that kind that offers the
    operation, and is left out where there is none."""

    connection: Name | None = None
    connector: str | None = Field(None, min_length=1)
    operation: str = "send"
    address: str | None = Field(None, description="which address of a person it takes; default: the connector's name")
    to: Literal["users", "mobiles", "default"] | None = Field(
        None, description="how a message names its reader; default: by the whole group, whom its settings name"
    )
    strong: bool = Field(False, description="with a sound: whoever is told is called by name, a P0 calls all")
    required: bool = Field(True, description="false: who has no address there is left to the other channels")

    @model_validator(mode="after")
    def _one_way(self) -> Channel:
        if (self.connection is None) == (self.connector is None):
            raise ValueError("give either `connection` or `connector`")
        return self

    @property
    def label(self) -> str:
        return self.connection or self.connector or ""


class Tier(Spec):
    """The channels of a priority, besides the inbox within the hub, which always has every notice."""

    channels: list[Channel] = []
    mode: Literal["all", "first"] = Field("all", description="all at once; or the next one when the one before failed")
    fallback: list[Channel] = Field([], description="one after the other, when all of the above failed")
    patience: Duration = Field(5 * MINUTE, description="what is not delivered by then: the next step begins as well")
    breaks_quiet_hours: bool = False
    inbox_suffices: bool = Field(False, description="who has it in the hub's inbox counts as reached")

    @property
    def steps(self) -> tuple[tuple[Channel, ...], ...]:
        """Those of a step are used at once."""
        first = [tuple(self.channels)] if self.mode == "all" else [(c,) for c in self.channels]
        return tuple(step for step in (*first, *((c,) for c in self.fallback)) if step)


class Quiet(Spec):
    """From when to when, by each person's own clock. Who is on shift is told all the same."""

    begin: time = Field(alias="from")
    end: time = Field(alias="to")

    def until(self, zone: str, now: int) -> int | None:
        """When they end, if they hold now at a place of this time zone. Microseconds UTC."""
        local = to_datetime(now).astimezone(_zone(zone))
        today = local.replace(hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0)
        clock = local.time()
        over_night = self.begin > self.end
        within = clock >= self.begin or clock < self.end if over_night else self.begin <= clock < self.end
        if not within:
            return None
        tomorrow = over_night and clock >= self.begin
        return from_datetime(today + timedelta(days=1) if tomorrow else today)


class Merge(Spec):
    """Of one channel one person gets at most so many messages within so long; what is more comes as one list."""

    more_than: int = Field(5, ge=1, le=1000)
    within: Duration = 2 * MINUTE


class Fallback(Spec):
    """Who is told when nobody was reached; by default those who lead the ticket's group."""

    people: list[str] = []
    groups: list[str] = []


class NotificationSpec(Spec):
    policy: Literal["notification"]
    tiers: dict[Tiered, Tier]
    quiet_hours: Quiet | None = None
    merge: Merge = Merge()
    events: dict[Event, list[Audience]] = Field(EVENTS, description="which event tells whom")
    nobody_reached: Fallback = Fallback()
    wait_for_context: Duration = Field(3 * SECOND, description="so long a notice waits for the snapshot to be complete")
    snapshot: list[Annotated[str, Field(pattern=r"^[\w.*-]+\.[\w*-]+$")]] = Field(
        [
            "device_twin.*",
            "similar_tickets.count",
            "root_cause.summary",
            "*.status",
            "*.state",
            "*.product",
            "*.item_name",
        ],
        description="what a message may quote of the snapshot: section.field, * for any; nothing else leaves the hub",
    )
    links_last: Duration = Field(7 * DAY, description="how long one can answer by the link of a message")

    @model_validator(mode="after")
    def _p0(self) -> NotificationSpec:
        if "P0" not in self.tiers:
            raise ValueError("tiers.P0 is missing; what is not written takes the tier above it")
        return self


@dataclass(frozen=True, slots=True)
class Notification:
    """The policy as it runs. `tiers` by priority, 0 to 3."""

    tiers: tuple[Tier, Tier, Tier, Tier]
    quiet: Quiet | None
    merge: Merge
    events: Mapping[str, tuple[str, ...]]
    nobody: Fallback = field(default_factory=Fallback)
    wait_for_context: int = 0
    snapshot: tuple[str, ...] = ()
    links_last: int = 7 * DAY


def _compile(spec: NotificationSpec) -> Notification:
    found: list[Tier] = []
    for name in ("P0", "P1", "P2", "P3"):
        found.append(spec.tiers[name] if name in spec.tiers else found[-1])
    first, second, third, fourth = found
    events: Mapping[str, tuple[str, ...]] = {event: tuple(whom) for event, whom in spec.events.items()}
    return Notification(
        (first, second, third, fourth), spec.quiet_hours, spec.merge, events, spec.nobody_reached,
        spec.wait_for_context, tuple(spec.snapshot), spec.links_last,
    )  # fmt: skip


def address_of(channel: Channel, connector: str) -> str:
    """Which address of a person the channel takes."""
    return channel.address or connector


def way_of(channel: Channel, connector: str) -> str:
    """How it names its readers: users, mobiles, or default. A robot speaks to its group; an app and a mail to people."""
    if channel.to is not None:
        return channel.to
    if address_of(channel, connector) in MOBILE:
        return "mobiles"
    return (
        "users" if channel.operation == "send_app" or connector in ("email", "smtp") or channel.address else "default"
    )


def _check(spec: NotificationSpec, around: Surroundings) -> Sequence[Problem]:
    """Every channel is there, works, and has an address for everybody who may be told over it."""
    problems: list[Problem] = []
    receivers = _receivers(around)
    for name, tier in spec.tiers.items():
        for place, part in (("channels", tier.channels), ("fallback", tier.fallback)):
            for n, channel in enumerate(part):
                path = f"tiers.{name}.{place}[{n}]"
                problems += _check_channel(path, channel, around, receivers)
    for n, person in enumerate(spec.nobody_reached.people):
        known = around.roster.people.get(person)
        if known is None or not known.active:
            problems.append(
                Problem(f"nobody_reached.people[{n}]", f"{person!r} is nobody who works here", "name another")
            )
    for n, group in enumerate(spec.nobody_reached.groups):
        if group not in around.roster.groups:
            hint = "there are: " + ", ".join(sorted(around.roster.groups))
            problems.append(Problem(f"nobody_reached.groups[{n}]", f"there is no group {group!r}", hint))
    return problems


def _check_channel(path: str, channel: Channel, around: Surroundings, receivers: Collection[str]) -> Iterable[Problem]:
    offering = {c for c, operations in around.operations.items() if channel.operation in operations}
    if channel.connection is not None:
        connection, named = channel.connection, f"{path}.connection"
    else:
        named = f"{path}.connector"
        of_kind = [c for c, kind in around.connections.items() if kind == channel.connector]
        connection = next((c for c in of_kind if c in offering), of_kind[0] if of_kind else "")
        if not connection:
            yield Problem(named, f"no connection of {channel.connector!r} is there and enabled",
                          "connect one, or take the channel out")  # fmt: skip
            return
    if connection not in around.connections:
        hint = "there are: " + ", ".join(sorted(around.connections)) if around.connections else "there is none yet"
        yield Problem(named, f"{connection!r} is no connection that is there and enabled", hint)
        return
    if connection not in offering:
        known = ", ".join(sorted(around.operations.get(connection, ()))) or "none"
        yield Problem(f"{path}.operation", f"{connection!r} has no operation {channel.operation!r}", f"it has: {known}")
    if connection not in around.tested:
        yield Problem(named, f"{connection!r} was never tested: nobody knows whether it delivers",
                      f"run: weft notify test {connection}")  # fmt: skip
    connector = around.connections[connection]
    if not channel.required or way_of(channel, connector) == "default":
        return
    address = address_of(channel, connector)
    without = [p for p in receivers if not around.roster.people[p].channels.get(address)]
    if without:
        shown = ", ".join(without[:10]) + (f" and {len(without) - 10} more" if len(without) > 10 else "")
        yield Problem(f"{path}.address", f"{len(without)} who may be told have no address {address!r}: {shown}",
                      "give them one in the system the people come from, or write `required: false`")  # fmt: skip


def _receivers(around: Surroundings) -> list[str]:
    """Everybody who may be told: the active people of groups, and those who lead them."""
    roster = around.roster
    found = {p for group in roster.groups for p in roster.members(group)}
    for group in roster.groups:
        found |= {p for p in (roster.lead(group), roster.director(group)) if p}
    return sorted(p for p in found if p in roster.people and roster.people[p].active)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # a zone nobody knows is no reason to wake somebody, nor to be silent
        return ZoneInfo(HOME)


KIND: PolicyKind[NotificationSpec, Notification] = PolicyKind("notification", NotificationSpec, _compile, _check)
