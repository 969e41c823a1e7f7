"""What is attached to a ticket: name, type, size and SHA-256 of contents that are kept elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy import Connection, select

from core_tickets.batch import among
from core_tickets.collaboration import tables
from core_tickets.collaboration.book import put
from core_tickets.errors import InvalidInput
from core_tickets.model import Command, Ticket
from core_tickets.promises import Policy
from core_tickets.workflow import Step

__all__ = ["Attaching", "Attachment", "attachments", "contents"]

_A = tables.attachment.c


@dataclass(frozen=True, slots=True)
class Attachment:
    """`number` counts a ticket's attachments from 1; `label` says what it is for: photo, signature, report ..."""

    ticket_id: int
    number: int
    sha256: str
    name: str
    media_type: str
    size: int
    label: str
    at: int
    actor: str
    removed_at: int | None = None


@dataclass(slots=True)
class Attaching:
    """For attach, detach, and confirm with a signature."""

    held: dict[int, list[Attachment]] = field(default_factory=dict)
    changed: dict[tuple[int, int], Attachment] = field(default_factory=dict)

    def load(self, conn: Connection, tickets: Mapping[int, Ticket], commands: Sequence[Command]) -> None:
        asked = {c.ticket_id for c in commands if c.action in ("attach", "detach") or "signature" in c.args}
        self.held = attachments(conn, sorted(asked & tickets.keys()), removed=True) if asked else {}

    def enter(self, ticket: Ticket, command: Command, step: Step, now: int, _policy: Policy) -> Step:
        mine = self.held.setdefault(ticket.id, [])
        if command.action == "attach":
            return self._attach(ticket, command, step, now)
        name = "attachment" if command.action == "detach" else "signature"
        if name not in step.data:
            return step
        found = next((a for a in mine if a.number == step.data[name] and a.removed_at is None), None)
        if found is None:
            there = ", ".join(str(a.number) for a in mine if a.removed_at is None) or "none"
            raise InvalidInput(name, f"there is no attachment {step.data[name]}", hint=f"there are: {there}")
        if command.action == "detach":
            self._put(replace(found, removed_at=now))
            return replace(step, data={**step.data, "name": found.name, "sha256": found.sha256})
        return step

    def _attach(self, ticket: Ticket, command: Command, step: Step, now: int) -> Step:
        """The same contents under the same name and label again is no second attachment."""
        d, mine = step.data, self.held[ticket.id]
        same = (d["sha256"], d["name"], d["label"])
        if any((a.sha256, a.name, a.label) == same and a.removed_at is None for a in mine):
            return Step(ticket, ())
        number = max((a.number for a in mine), default=0) + 1
        self._put(
            Attachment(
                ticket.id, number, d["sha256"], d["name"], d["media_type"], d["size"], d["label"], now, command.actor
            )
        )
        return replace(step, data={**d, "attachment": number})

    def _put(self, attachment: Attachment) -> None:
        mine = [a for a in self.held[attachment.ticket_id] if a.number != attachment.number]
        self.held[attachment.ticket_id] = [*mine, attachment]
        self.changed[attachment.ticket_id, attachment.number] = attachment

    def store(self, conn: Connection) -> None:
        put(conn, tables.attachment, [asdict(a) for a in self.changed.values()])


def attachments(conn: Connection, ids: Sequence[int], *, removed: bool = False) -> dict[int, list[Attachment]]:
    """The attachments of these tickets in their order; `removed`: also those that were taken away."""
    query = select(*(_A[name] for name in Attachment.__dataclass_fields__)).where(among(conn, _A.ticket_id, ids))
    if not removed:
        query = query.where(_A.removed_at.is_(None))
    found: dict[int, list[Attachment]] = {}
    for row in conn.execute(query.order_by(_A.ticket_id, _A.number)):
        found.setdefault(row.ticket_id, []).append(Attachment(*row))
    return found


def contents(conn: Connection, digests: Collection[str]) -> set[str]:
    """Which of these SHA-256 some ticket still holds."""
    held = select(_A.sha256).where(among(conn, _A.sha256, digests), _A.removed_at.is_(None)).distinct()
    return set(conn.execute(held).scalars())
