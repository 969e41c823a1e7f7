"""What runs: an immutable snapshot of the whole configuration, compiled. It is swapped as a whole or not at all."""

from __future__ import annotations

import difflib
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connectors.contract import Connector, Settings, Stream, capabilities
from connectors.registry import Catalogue
from connectors.runtime import Connection as Runtime
from core_tickets import Policy
from core_tickets.calendars import ALWAYS, Calendar
from core_tickets.escalation import Ladders
from core_tickets.people import Roster
from gateway.automation.rules import (
    CompiledBridge,
    CompiledCheck,
    CompiledQuestion,
    RuleSet,
)
from gateway.automation.specs import Bridge
from gateway.config.documents import ConnectionSpec
from gateway.config.syncs import SyncSpec
from gateway.errors import NotFound
from gateway.policies import Policies, calendars, escalation, promises
from gateway.policies import build as build_policies
from gateway.telemetry.tally import Tally
from mappings import Mapping

HUB = "hub"
"""The connection and origin of messages the hub makes itself: held readings, silent devices."""


@dataclass(frozen=True)
class Live:
    """One connection, ready to work; or `broken`: why it is not."""

    id: str
    origin: str
    spec: ConnectionSpec
    runtime: Runtime | None
    mappings: MappingABC[str, Mapping]
    broken: str = ""
    config: Settings | None = field(default=None, repr=False)
    unusable: set[str] = field(default_factory=set, repr=False)
    """Digests of unusable records that were told since the hub runs with this; read every minute, they are told once."""
    tally: Tally = field(default_factory=Tally, repr=False, compare=False)
    """What this process counted of it and has not written down yet."""

    @property
    def connector(self) -> Connector | None:
        return self.runtime.connector if self.runtime else None

    @cached_property
    def can(self) -> frozenset[str]:
        return capabilities(self.connector) if self.connector else frozenset()

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """What it can read, asked once. Raises ConnectorError."""
        return tuple(self.runtime.streams()) if self.runtime is not None and "reads" in self.can else ()

    @cached_property
    def namespace(self) -> str:
        return self.connector.namespace if self.connector else f"weft://{self.id}"

    def dataset(self, stream: str) -> str:
        return f"{self.id}/{stream}"

    def codes_of(self, thing: str) -> str:
        """Whose local ids it uses for things such as `item`: the system of their keys in the registry."""
        told: MappingABC[Any, str] = self.spec.codes
        return told.get(thing, self.id)


@dataclass(frozen=True)
class Hub:
    """The whole configuration at one moment."""

    generation: int
    connections: MappingABC[str, Live]
    rules: RuleSet
    bridges: tuple[CompiledBridge, ...]
    questions: tuple[CompiledQuestion, ...]
    internal: Live
    checks: tuple[CompiledCheck, ...] = ()
    builtin_rules: bool = True
    bridge_specs: Sequence[tuple[Bridge, str | None]] = field(default=())
    public_url: str = ""
    """How people reach the hub, for links; empty: nobody has said."""
    catalogue: Catalogue = field(default_factory=Catalogue)
    """The connectors there are: those installed, and those of the configuration."""
    policies: Policies = field(default_factory=lambda: build_policies(()))
    """How tickets move: read by `gateway.policies.<kind>.KIND.of(hub.policies)`."""
    syncs: MappingABC[tuple[str, str], SyncSpec] = field(default_factory=dict)
    """How streams are read, by connection and stream, where it is written down; `gateway.sync.planned` has all."""
    roster: Roster = field(default_factory=Roster)
    """People, groups and shifts as they were when this was read; swapped when they change."""

    @cached_property
    def calendars(self) -> MappingABC[str, Calendar]:
        """When people work, by the names of the policy `calendars`, with the days and shifts that are known now."""
        specs = calendars.KIND.of(self.policies)
        return {ALWAYS.name: ALWAYS, **{n: calendars.calendar_of(spec, self.roster) for n, spec in specs.items()}}

    @cached_property
    def promises(self) -> Policy:
        """By when tickets are answered and solved, for whoever changes them: core_tickets.apply(..., policy=...)."""
        return promises.in_force(self.policies, self.roster, self.calendars)

    @cached_property
    def ladders(self) -> Ladders:
        """Who is told when nothing moves."""
        return escalation.KIND.of(self.policies)

    @cached_property
    def escalation_version(self) -> str:
        """Of promises, calendars and ladders: equal exactly when they decide the same."""
        return promises.version(self.policies, self.roster, ("promises", "calendars", "escalation"))

    def connection(self, connection_id: str) -> Live:
        """Raises NotFound."""
        found = self.connections.get(connection_id)
        if found is None:
            near = difflib.get_close_matches(connection_id, self.connections, n=1)
            raise NotFound(
                f"There is no connection {connection_id!r}." + (f" Did you mean {near[0]!r}?" if near else "")
            )
        return found


def codes_of(hub: Hub, connection_id: str, thing: str) -> str:
    """As `Live.codes_of`, also of a connection that is there no more."""
    live = hub.connections.get(connection_id)
    return connection_id if live is None else live.codes_of(thing)
