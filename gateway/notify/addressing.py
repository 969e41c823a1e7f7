"""From a notice to rows, one for each person and channel: which connection, which address, now or after the quiet hours.

Pure, but for `open_channels`, which looks at the running configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import ConnectorError
from core_tickets.people import Person
from gateway.config.hub import Hub, Live
from gateway.policies.notification import Channel, Quiet, Tier, address_of, way_of

INBOX = "app"
"""The channel that is always there: the inbox within the hub."""


@dataclass(frozen=True, slots=True)
class Way:
    """A channel of a tier as it is now. `broken`: why nothing can be sent over it."""

    channel: Channel
    connection: str
    address: str = ""
    to: str = "users"
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """One row to write for a person."""

    channel: str
    step: int
    op: str
    address: str
    state: str
    due_at: int
    reason: str = ""


Steps = Sequence[Sequence[Way]]


def open_channels(hub: Hub, tier: Tier) -> list[list[Way]]:
    """The tier's steps with the connections behind them. What is left to chance (`connector`) and not connected is left
    out; a connection that is named and does not work is told as broken."""
    return [[way for channel in step if (way := _way(hub, channel)) is not None] for step in tier.steps]


def _way(hub: Hub, channel: Channel) -> Way | None:
    if channel.connection is not None:
        live = hub.connections.get(channel.connection)
        if live is None:
            return Way(channel, channel.connection, broken=f"connection {channel.connection!r} is not there")
        return _of(channel, live)
    working = [
        live
        for live in hub.connections.values()
        if live.origin == channel.connector and live.spec.enabled and channel.operation in offered(live)
    ]
    return _of(channel, working[0]) if working else None


def _of(channel: Channel, live: Live) -> Way:
    broken = ""
    if not live.spec.enabled:
        broken = f"connection {live.id!r} is switched off"
    elif live.runtime is None:
        broken = f"connection {live.id!r} cannot work: {live.broken}"
    elif channel.operation not in offered(live):
        broken = f"connection {live.id!r} has no operation {channel.operation!r}"
    return Way(channel, live.id, address_of(channel, live.origin), way_of(channel, live.origin), broken)


def offered(live: Live) -> frozenset[str]:
    """The operations of a connection; none, if it cannot work now."""
    if live.runtime is None or "writes" not in live.can:
        return frozenset()
    try:
        return frozenset(operation.name for operation in live.runtime.operations())
    except ConnectorError:
        return frozenset()


def plan(
    person: Person, steps: Steps, first: int, now: int, *, quiet: Quiet | None, at_work: bool, taken: frozenset[str]
) -> list[Planned]:
    """The rows of the first step from `first` on that leaves anything to send; those before it say why they do not.

    `quiet`: None where the tier breaks quiet hours. `at_work`: on shift, so that no hour is quiet. `taken`: connections
    that this notice has a row of already."""
    rows: list[Planned] = []
    seen = set(taken)
    for number in range(first, len(steps)):
        for way in steps[number]:
            if way.connection in seen:
                continue
            seen.add(way.connection)
            rows.append(_row(person, way, number, now, None if at_work else quiet))
        if any(row.state in ("waiting", "held") for row in rows):
            break
    return rows


def _row(person: Person, way: Way, step: int, now: int, quiet: Quiet | None) -> Planned:
    address = person.channels.get(way.address, "")
    head = (way.connection, step, way.channel.operation, address)
    if way.broken:
        return Planned(*head, "failed", now, way.broken)
    if not address and way.to != "default":
        return Planned(*head, "skipped", now, f"no address {way.address!r}")
    until = quiet.until(person.zone, now) if quiet is not None and way.to != "default" else None
    if until is not None:
        return Planned(*head, "held", until, "quiet hours")
    return Planned(*head, "waiting", now)


def way_to(steps: Steps, connection: str) -> Way | None:
    """The way that a row was planned by; None: the policy has changed since."""
    return next((way for step in steps for way in step if way.connection == connection), None)


def by_tier(hub: Hub, tiers: Sequence[Tier]) -> Mapping[int, list[list[Way]]]:
    """The open channels of every tier."""
    return {number: open_channels(hub, tier) for number, tier in enumerate(tiers)}
