"""A ticket's way through departments: handed to a group with a promise of its own, accepted or returned there, done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy import Connection, select

from core_tickets.batch import among
from core_tickets.collaboration import tables
from core_tickets.collaboration.book import put, redone
from core_tickets.errors import InvalidInput, NotAllowed
from core_tickets.model import Command, Entry, Ticket
from core_tickets.people import Roster, load_roster
from core_tickets.promises import Policy
from core_tickets.workflow import Step, allowed

__all__ = ["Handing", "Handoff", "Stay", "handoffs", "stays"]

_H = tables.handoff.c
FROM = {"accept_handoff": ("sent",), "return_handoff": ("sent", "accepted"), "finish_handoff": ("accepted",)}


@dataclass(frozen=True, slots=True)
class Handoff:
    """`state`: sent, accepted, returned or done. `due`: when the receiving group promised to be done with it."""

    ticket_id: int
    number: int
    state: str
    from_group: str | None
    from_assignee: str | None
    group: str
    text: str
    at: int
    actor: str
    due: int | None
    accepted_at: int | None = None
    accepted_by: str | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    ended_text: str = ""
    overdue_told_at: int | None = None

    @property
    def open(self) -> bool:
        return self.state in ("sent", "accepted")

    def overdue(self, now: int) -> bool:
        """It is, or was, not done by its due time."""
        return self.due is not None and (now if self.ended_at is None else self.ended_at) > self.due


@dataclass(slots=True)
class Handing:
    """For handoff, accept_handoff, return_handoff and finish_handoff. A group that has a ticket may hand it on: the
    newest open node is the one that is spoken of, and when it ends the one before it goes on."""

    roster: Roster = field(default_factory=Roster)
    held: dict[int, list[Handoff]] = field(default_factory=dict)
    changed: dict[tuple[int, int], Handoff] = field(default_factory=dict)

    def load(self, conn: Connection, tickets: Mapping[int, Ticket], commands: Sequence[Command]) -> None:
        asked = {c.ticket_id for c in commands if c.action == "handoff" or c.action in FROM}
        self.held = handoffs(conn, sorted(asked & tickets.keys()))
        self.roster = load_roster(conn)

    def enter(self, ticket: Ticket, command: Command, step: Step, now: int, policy: Policy) -> Step:
        mine = self.held.setdefault(ticket.id, [])
        standing = next((h for h in reversed(mine) if h.open), None)
        if command.action == "handoff":
            return self._hand(ticket, command, step, standing, now)
        if standing is None or standing.state not in FROM[command.action]:
            reason = (
                "it was handed to nobody"
                if standing is None
                else f"the handoff to {standing.group} is {standing.state}"
            )
            raise NotAllowed(ticket.id, command.action, ticket.status, allowed(ticket), reason)
        self._receiving(ticket, command, standing)
        person, text = command.actor, str(step.data["text"])
        data = {
            **step.data,
            "handoff": standing.number,
            "group": standing.group,
            "due": standing.due,
            "sent_by": standing.actor,
        }
        if command.action == "accept_handoff":
            self._put(replace(standing, state="accepted", accepted_at=now, accepted_by=command.actor))
            taken = {} if ticket.claimed_at is not None else {"claimed_at": now}
            return redone(ticket, now, {"assignee": person or None} | taken, data, policy)
        state = "returned" if command.action == "return_handoff" else "done"
        self._put(replace(standing, state=state, ended_at=now, ended_by=command.actor, ended_text=text))
        back = {"group": standing.from_group, "assignee": standing.from_assignee}
        return redone(ticket, now, back, data | {"back_to": standing.from_group, "late": standing.overdue(now)}, policy)

    def _hand(self, ticket: Ticket, command: Command, step: Step, standing: Handoff | None, now: int) -> Step:
        group = str(step.data["group"])
        if self.roster.groups and group not in self.roster.groups:
            raise InvalidInput("group", f"there is no group {group!r}", hint=", ".join(sorted(self.roster.groups)))
        if standing is not None and standing.state == "sent":
            reason = f"{standing.group} has not accepted it yet; it can accept or return it"
            raise NotAllowed(ticket.id, command.action, ticket.status, allowed(ticket), reason)
        number = max((h.number for h in self.held[ticket.id]), default=0) + 1
        made = Handoff(
            ticket.id, number, "sent", ticket.group, ticket.assignee, group, str(step.data["text"]), now, command.actor,
            step.data["due"],
        )  # fmt: skip
        self._put(made)
        return replace(step, data={**step.data, "handoff": number, "from_group": ticket.group})

    def _receiving(self, ticket: Ticket, command: Command, standing: Handoff) -> None:
        """Only the receiving side answers, where it is known who that is."""
        person = self.roster.people.get(command.actor)
        if person is None or standing.group in person.groups:
            return
        group = self.roster.groups.get(standing.group)
        if group is not None and person.id in (group.lead, group.director):
            return
        reason = f"{person.id} is not in {standing.group}, which it was handed to"
        raise NotAllowed(ticket.id, command.action, ticket.status, allowed(ticket), reason)

    def _put(self, handoff: Handoff) -> None:
        others = [h for h in self.held[handoff.ticket_id] if h.number != handoff.number]
        self.held[handoff.ticket_id] = sorted([*others, handoff], key=lambda h: h.number)
        self.changed[handoff.ticket_id, handoff.number] = handoff

    def store(self, conn: Connection) -> None:
        put(conn, tables.handoff, [asdict(h) for h in self.changed.values()])


def handoffs(conn: Connection, ids: Sequence[int]) -> dict[int, list[Handoff]]:
    """The handoffs of each of these tickets, eldest first."""
    query = select(*(_H[name] for name in Handoff.__dataclass_fields__)).where(among(conn, _H.ticket_id, ids))
    found: dict[int, list[Handoff]] = {}
    for row in conn.execute(query.order_by(_H.ticket_id, _H.number)):
        found.setdefault(row.ticket_id, []).append(Handoff(*row))
    return found


@dataclass(frozen=True, slots=True)
class Stay:
    """A ticket's time with one group (None: with nobody), half open; `until` None: it is there now."""

    group: str | None
    since: int
    until: int | None

    def length(self, now: int) -> int:
        return (now if self.until is None else self.until) - self.since


def stays(entries: Sequence[Entry], opened_at: int, ended_at: int | None = None) -> list[Stay]:
    """How long which group had the ticket, of all its entries in order. Pure."""
    moves = [(e.at, c.after) for e in entries for c in e.changes if c.field == "group"]
    if not moves or moves[0][0] > opened_at:
        moves.insert(0, (opened_at, None))
    found: list[Stay] = []
    for n, (since, group) in enumerate(moves):
        until = moves[n + 1][0] if n + 1 < len(moves) else ended_at
        if until is None or until > since:
            found.append(Stay(group, since, until))
    return found
