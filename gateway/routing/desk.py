"""Drafts are graded and routed before they become tickets: nothing has to be changed afterwards.

Without a written policy it costs nothing. With one: at most one statement for the customers' levels, where a rule asks for
them, and one for what people have to do, however many drafts there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from core_tickets import Draft, Ticket
from core_tickets.calendars import ALWAYS
from core_tickets.grading import grade
from core_tickets.matching import Seen, see
from core_tickets.people import Group, WorkingTime
from core_tickets.routing import Avoid, Decision, Load, Step, candidates, route, steps
from core_tickets.workload import loads_of
from gateway.config.hub import HUB, Hub
from gateway.policies import grading as grading_policy
from gateway.policies import routing as routing_policy
from gateway.routing.levels import levels_of

HAND = "hand"
"""The channel of tickets made by a person."""
NOBODY = Avoid()


def decide(conn: Connection, hub: Hub, drafts: Sequence[Draft], now: int) -> list[Draft]:
    """The drafts with their priority, group and assignee by the policies, and why; one for one."""
    if not active(hub) or not drafts:
        return list(drafts)
    desk = Desk(conn, hub, now)
    return desk.decide(drafts)


def active(hub: Hub) -> bool:
    """Has anybody written how tickets are graded or routed?"""
    return bool(grading_policy.KIND.of(hub.policies).rules) or routing_policy.KIND.of(hub.policies).routing.active


@dataclass(slots=True)
class Desk:
    """One transaction's work. `loads` grows with what it gives out, so a batch is spread like single tickets."""

    conn: Connection
    hub: Hub
    now: int
    loads: dict[str, Load] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def decide(self, drafts: Sequence[Draft]) -> list[Draft]:
        grading = grading_policy.KIND.of(self.hub.policies)
        levels = self._levels([d.customer for d in drafts])
        working = self._working(grading.hours)
        seen = [self._see(d, levels, working=working) for d in drafts]
        graded = []
        for draft, each in zip(drafts, seen, strict=True):
            found = grade(grading, each) if grading.rules else None
            if found is None:
                graded.append(draft)
            else:
                decided = {**draft.decided, "grading": found.as_data()}
                graded.append(replace(draft, priority=found.priority, decided=decided))
        again = [replace(s, priority=d.priority) for s, d in zip(seen, graded, strict=True)]
        return self._routed(graded, again)

    def _routed(self, drafts: Sequence[Draft], seen: Sequence[Seen]) -> list[Draft]:
        policy = routing_policy.KIND.of(self.hub.policies).routing
        if not policy.active:
            return list(drafts)
        asked = [self.ask(each, d.group) if d.assignee is None else [] for each, d in zip(seen, drafts, strict=True)]
        self.know(asked)
        made = []
        for draft, each, steps_of in zip(drafts, seen, asked, strict=True):
            if draft.assignee is not None:
                made.append(draft)
                continue
            decision = self.route(each, steps_of)
            decided = {**draft.decided, "routing": decision.as_data()}
            made.append(replace(draft, group=decision.group, assignee=decision.assignee, decided=decided))
        return made

    def ask(self, seen: Seen, given: str | None) -> list[Step]:
        """Every rule of the policy, asked of one ticket. `given`: the group it has already."""
        return steps(routing_policy.KIND.of(self.hub.policies).routing, self.hub.roster, seen, given)

    def know(self, asked: Iterable[Sequence[Step]]) -> None:
        """Read what everybody has to do who may come into question: one statement."""
        wanted = {person for each in asked for person in candidates(self.hub.roster, each)}
        if new := wanted - self._known:
            self._known |= new
            self.loads |= loads_of(self.conn, new)

    def route(self, seen: Seen, asked: Sequence[Step], avoid: Avoid = NOBODY) -> Decision:
        """Where it goes; whoever gets it has one more from now on. `know` must have heard of these steps."""
        policy = routing_policy.KIND.of(self.hub.policies).routing
        decision = route(policy, self.hub.roster, seen, asked, self.loads, self.now, self.hours, avoid)
        if decision.assignee is not None:
            had = self.loads.get(decision.assignee, Load())
            self.loads[decision.assignee] = Load(had.open + 1, self.now)
        return decision

    def see(self, tickets: Sequence[Ticket]) -> list[Seen]:
        """What conditions see of tickets that are there."""
        levels = self._levels([t.customer for t in tickets])
        working = self._working(grading_policy.KIND.of(self.hub.policies).hours)
        return [self._see(t, levels, working=working) for t in tickets]

    def hours(self, group: Group | None) -> WorkingTime:
        """When the people of a group work who have no shifts."""
        own = group.calendar if group is not None else ""
        return self.hub.calendars.get(own or routing_policy.KIND.of(self.hub.policies).hours, ALWAYS)

    def _working(self, calendar: str) -> bool:
        return self.hub.calendars.get(calendar, ALWAYS).is_working(self.now)

    def _levels(self, customers: Collection[int | None]) -> Mapping[int, str]:
        grading, routing = grading_policy.KIND.of(self.hub.policies), routing_policy.KIND.of(self.hub.policies).routing
        asked = grading.asks_level or any(r.condition.levels for r in routing.rules)
        return levels_of(self.conn, {c for c in customers if c is not None}) if asked else {}

    def _see(self, of: Draft | Ticket, levels: Mapping[int, str], *, working: bool) -> Seen:
        return see(
            kind=of.kind, priority=of.priority, title=of.title, description=of.description, labels=of.labels,
            channels=channels_of(self.hub, of.source), level=levels.get(of.customer or 0), device=of.device,
            customer=of.customer, working=working,
        )  # fmt: skip


def channels_of(hub: Hub, source: str | None) -> tuple[str, ...]:
    """What a ticket came by: its connection and that one's connector."""
    if source is None:
        return (HAND,)
    if source == HUB:
        return (HUB,)
    live = hub.connections.get(source)
    return (source,) if live is None else (source, live.origin)


def facts_of(before: Draft, after: Draft) -> dict[str, Any]:
    """The fields that the policies set, as lineage keeps facts."""
    found: dict[str, Any] = {}
    if after.priority != before.priority:
        found["priority"] = f"P{after.priority}"
    for name in ("group", "assignee"):
        value = getattr(after, name)
        if value != getattr(before, name):
            found[name] = value
    return found
