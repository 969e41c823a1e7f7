"""The values that go into and come out of the ticket core. Times are microseconds since 1970 UTC, ids are bigints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core_tickets import checks
from core_tickets.errors import TicketError
from core_tickets.vocabulary import ACTOR_KINDS, KINDS, PRIORITIES

__all__ = ["AUDITED", "BLANK", "Applied", "Change", "Command", "Draft", "Entry", "Note", "Opened", "Ticket"]

FINGERPRINT_LIMIT = 512  # characters; an index row of PostgreSQL holds about 2,700 bytes


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as it stands. A pure value: the functions of `workflow` make the next one from it."""

    id: int
    kind: str
    priority: int
    status: str
    title: str
    opened_at: int
    updated_at: int
    first_seen: int
    last_seen: int
    description: str = ""
    fingerprint: str | None = None
    superseded_by: int | None = None
    """The newer ticket that took this one's fingerprint over; such a ticket cannot be reopened."""
    storm_id: int | None = None
    """The ticket this one is folded into."""
    device: int | None = None
    customer: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    source_key: str | None = None
    url: str | None = None
    assignee: str | None = None
    group: str | None = None
    blocked_reason: str | None = None
    blocked_text: str | None = None
    resolution: str | None = None
    cause: str | None = None
    approval: str | None = None
    """`approved` or `refused` of a kind that needs it; the audit trail names who decided."""
    occurrences: int = 1
    version: int = 1
    first_response_due: int | None = None
    resolution_due: int | None = None
    due_fixed: bool = False
    """The due times were set by hand; a change of priority leaves them."""
    given_response_due: int | None = None
    """What whoever works on it promised by hand, beside the policy's own; likewise `given_resolution_due`."""
    given_resolution_due: int | None = None
    first_responded_at: int | None = None
    paused_since: int | None = None
    paused_total: int = 0
    """Working microseconds the resolution clock stood still since the ticket was opened or last reopened."""
    claimed_at: int | None = None
    """When whoever holds it took it; None: nobody has, or it was handed on."""
    stage_since: int | None = None
    """Since when it is in its state; None: since it was opened."""
    resolved_at: int | None = None
    closed_at: int | None = None
    reopened_at: int | None = None
    confirmed_at: int | None = None
    """When the customer said that it is finished; `resolved_at` is the technician's word."""


COUNTED = frozenset({"updated_at", "occurrences", "first_seen", "last_seen", "version", "claimed_at", "stage_since"})
AUDITED = tuple(f for f in Ticket.__dataclass_fields__ if f not in COUNTED and f != "id")
"""The fields whose every change is in the audit trail: all but the id, the version and the counters of repeats."""
_nothing = Ticket(0, "", -1, "", "", -1, -1, -1, -1)
BLANK: Mapping[str, Any] = {f: getattr(_nothing, f) for f in AUDITED}
"""What the audited fields are before a ticket is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A ticket to open, unless one with the same fingerprint is there. Making a wrong one raises InvalidInput."""

    id: int
    """Minted by the caller; unused when the draft is merged."""
    kind: str
    priority: int
    """0 (most urgent) to 3."""
    title: str
    description: str = ""
    fingerprint: str | None = None
    """What makes two drafts the same trouble; None is never merged."""
    reopen_within: int = 0
    """Microseconds after its closing in which a ticket is reopened instead of a new one opened; 0 = never, not even
    while it is only resolved."""
    device: int | None = None
    customer: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    """The connection or connector it came from."""
    source_key: str | None = None
    """The record's key there."""
    url: str | None = None
    assignee: str | None = None
    group: str | None = None
    storm_id: int | None = None
    seen_at: int | None = None
    """When the source saw it; None = now."""
    first_response_due: int | None = None
    """None: by the policy; likewise `resolution_due`."""
    resolution_due: int | None = None
    actor: str = ""
    actor_kind: str = "rule"
    why: str = ""
    decided: Mapping[str, Any] = field(default_factory=dict)
    """Why it has this priority and goes to these people, as `explain` tells it; kept with the opening."""

    def __post_init__(self) -> None:
        if not self._is_sound():
            self._check_each_field()
        object.__setattr__(self, "labels", dict(self.labels))

    def _is_sound(self) -> bool:
        """All fields at one look, which says nothing of which one is wrong."""
        labels, fingerprint = self.labels, self.fingerprint
        texts = [self.title, self.description, self.actor, self.why, self.kind, self.actor_kind]
        may_lack = (fingerprint, self.source, self.source_key, self.url, self.assignee, self.group)
        numbers = (
            self.device,
            self.customer,
            self.storm_id,
            self.seen_at,
            self.first_response_due,
            self.resolution_due,
        )
        return (
            checks.are_texts(texts + [text for text in may_lack if text is not None])
            and self.title.strip() != ""
            and (fingerprint is None or (fingerprint.strip() != "" and len(fingerprint) <= FINGERPRINT_LIMIT))
            and isinstance(labels, Mapping)
            and checks.are_texts(labels.values())
            and checks.are_texts(labels)
            and all(map(str.strip, labels))
            and all(number is None or checks.is_number(number) for number in numbers)
            and checks.is_number(self.id)
            and self.id > 0
            and checks.is_number(self.reopen_within)
            and self.kind in KINDS
            and checks.is_number(self.priority)
            and self.priority in PRIORITIES
            and self.actor_kind in ACTOR_KINDS
        )

    def _check_each_field(self) -> None:
        checks.number("id", self.id, least=1)
        checks.member("kind", self.kind, KINDS)
        checks.member("priority", self.priority, PRIORITIES)
        checks.text("title", self.title, required=True)
        if self.fingerprint is not None:
            checks.text("fingerprint", self.fingerprint, required=True, limit=FINGERPRINT_LIMIT)
        for name in ("description", "actor", "why"):
            checks.text(name, getattr(self, name))
        for name in ("source", "source_key", "url", "assignee", "group"):
            if (value := getattr(self, name)) is not None:
                checks.text(name, value)
        for name in ("device", "customer", "storm_id", "seen_at", "first_response_due", "resolution_due"):
            if (value := getattr(self, name)) is not None:
                checks.number(name, value)
        checks.number("reopen_within", self.reopen_within)
        checks.member("actor_kind", self.actor_kind, ACTOR_KINDS)
        checks.labels("labels", self.labels)


class Change(NamedTuple):
    """One field of one ticket before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a draft: `outcome` is opened, merged or reopened."""

    ticket_id: int
    outcome: str
    version: int
    changes: tuple[Change, ...] = ()
    """Of the ticket that was there before (reopened, priority raised); empty for a new one and for an exact repeat."""
    ticket: Ticket | None = None
    """A new one as it stands; None of one that was there before."""

    @property
    def events(self) -> tuple[str, ...]:
        """Names for bridges: ticket.opened, ticket.reopened, ticket.priority_changed."""
        first = () if self.outcome == "merged" else (f"ticket.{self.outcome}",)
        return first + priority_events(self.changes)


@dataclass(frozen=True, slots=True)
class Command:
    """One action on one ticket. `workflow.ACTIONS` lists the actions and the `args` each takes."""

    ticket_id: int
    action: str
    args: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    actor_kind: str = "person"
    why: str = ""
    expected_version: int | None = None
    """Refuse with VersionConflict unless the ticket is at this version."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a command. Exactly one of these holds: `error` is set and nothing happened, or it is None."""

    ticket_id: int
    action: str
    ticket: Ticket | None
    """As it stands after this command (None: there is no such ticket)."""
    changes: tuple[Change, ...] = ()
    error: TicketError | None = None
    event: str | None = None

    @property
    def events(self) -> tuple[str, ...]:
        """Names for bridges: the action's own (ticket.started ...) and ticket.priority_changed."""
        return (() if self.event is None else (self.event,)) + priority_events(self.changes)


@dataclass(frozen=True, slots=True)
class Note:
    """Something the hub adds to a timeline: a receipt, context that arrived, a roll-up of a storm."""

    ticket_id: int
    kind: str
    data: Mapping[str, Any]
    actor: str
    at: int
    actor_kind: str = "system"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ticket's timeline; never changed once written.

    `type` is change, comment or note; `name` is the action (open, merge, reopen, supersede, start, block ...) or the
    note's kind.
    """

    id: int
    ticket_id: int
    at: int
    type: str
    name: str
    actor: str
    actor_kind: str
    why: str
    version: int | None
    """The ticket's version after it; None for notes."""
    changes: tuple[Change, ...]
    data: Mapping[str, Any]


def priority_events(changes: tuple[Change, ...]) -> tuple[str, ...]:
    return ("ticket.priority_changed",) if any(c.field == "priority" for c in changes) else ()
