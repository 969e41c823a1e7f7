"""Joint approval: several are asked at once; one refusal returns the ticket, all acceptances move it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select

from core_tickets.actions.states import unblocked
from core_tickets.batch import among
from core_tickets.collaboration import tables
from core_tickets.collaboration.book import put, redone
from core_tickets.errors import Incomplete, InvalidInput, Missing, NotAllowed
from core_tickets.model import Command, Ticket
from core_tickets.people import Roster, load_roster
from core_tickets.promises import Policy
from core_tickets.vocabulary import NEEDS_APPROVAL
from core_tickets.workflow import Step, allowed

__all__ = ["Approval", "Approver", "Approving", "approvals", "awaited", "may_answer", "waiting_for"]

_A, _V = tables.approval.c, tables.approver.c
REMIND_EVERY = 4 * 3600 * 1_000_000
ANSWERING = ("accept", "decline")
HELD_UP = ("unblock", "resolve", "approve", "refuse")
"""What nobody may do over the heads of those who were asked."""


@dataclass(frozen=True, slots=True)
class Approver:
    """One of those asked: a person's id, `role:buyer` or `group:north`; of the latter anybody may answer."""

    approver: str
    answer: str | None = None
    by: str | None = None
    at: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """`state`: open, accepted, returned (by the first refusal) or withdrawn."""

    ticket_id: int
    number: int
    text: str
    state: str
    asked_by: str
    asked_at: int
    remind_every: int
    remind_at: int | None
    reminders: int
    settled_at: int | None = None
    approvers: tuple[Approver, ...] = ()

    def answered(self, who: Sequence[str], verdict: str, by: str, text: str, now: int) -> Approval:
        """With the answer of these approvers; settled by the first refusal or the last acceptance."""
        mine = tuple(
            replace(a, answer=verdict, by=by, at=now, text=text) if a.approver in who else a for a in self.approvers
        )
        after = replace(self, approvers=mine)
        if verdict == "decline":
            return after.settled("returned", now)
        return after.settled("accepted", now) if all(a.answer == "accept" for a in mine) else after

    def settled(self, state: str, now: int) -> Approval:
        return replace(self, state=state, settled_at=now, remind_at=None)


def awaited(approval: Approval) -> tuple[str, ...]:
    """Who has not answered yet."""
    return tuple(a.approver for a in approval.approvers if a.answer is None) if approval.state == "open" else ()


def waiting_for(approval: Approval) -> Missing:
    """What everything else needs while an approval is open."""
    names = ", ".join(awaited(approval))
    return Missing(
        "approval", f"the joint approval of {names} is open", f"等待 {names} 会签",
        "let them accept or decline, or withdraw the request", "请其同意或退回，或撤回会签",
    )  # fmt: skip


def may_answer(approval: Approval, person: str, roster: Roster) -> tuple[str, ...]:
    """For which of those asked a person may answer now. Who asked cannot agree in another's place."""
    if person == approval.asked_by:
        return ()
    who = roster.people.get(person)
    own = {person} | ({f"role:{r}" for r in who.roles} | {f"group:{g}" for g in who.groups} if who else set())
    return tuple(name for name in awaited(approval) if name in own)


@dataclass(slots=True)
class Approving:
    """For request_approval, accept, decline, withdraw_approval, and what must wait for them."""

    roster: Roster = field(default_factory=Roster)
    held: dict[int, list[Approval]] = field(default_factory=dict)
    changed: dict[tuple[int, int], Approval] = field(default_factory=dict)

    def load(self, conn: Connection, tickets: Mapping[int, Ticket], commands: Sequence[Command]) -> None:
        asked = {
            c.ticket_id for c in commands
            if c.action == "request_approval" or getattr(tickets.get(c.ticket_id), "blocked_reason", "") == "waiting_for_approval"
        }  # fmt: skip
        if not asked:
            return
        self.held = approvals(conn, sorted(asked & tickets.keys()))
        if any(c.action in ("request_approval", *ANSWERING) for c in commands):
            self.roster = load_roster(conn)

    def enter(self, ticket: Ticket, command: Command, step: Step, now: int, policy: Policy) -> Step:
        mine = self.held.setdefault(ticket.id, [])
        if command.action == "request_approval":
            return self._ask(ticket, command, step, now)
        standing = next((a for a in reversed(mine) if a.state == "open"), None)
        if command.action in HELD_UP:
            if standing is not None and command.actor_kind == "person":
                raise Incomplete(ticket.id, command.action, ticket.status, allowed(ticket), (waiting_for(standing),))
            if standing is not None:
                self._put(standing.settled("withdrawn", now))
            return step
        if standing is None:
            raise NotAllowed(ticket.id, command.action, ticket.status, allowed(ticket), "no approval is open")
        if command.action in ANSWERING:
            return self._answer(ticket, command, step, standing, now, policy)
        self._put(standing.settled("withdrawn", now))
        fields = unblocked(ticket, now, policy) | {"status": "in_progress"}
        return redone(ticket, now, fields, {**step.data, "approval": standing.number}, policy)

    def _ask(self, ticket: Ticket, command: Command, step: Step, now: int) -> Step:
        asked: list[str] = step.data["approvers"]
        for n, name in enumerate(asked):
            if problem := _unknown(name, self.roster):
                raise InvalidInput(f"approvers[{n}]", problem, hint="write li.na, role:buyer or group:north")
            if name == command.actor:
                raise InvalidInput(f"approvers[{n}]", "is who asks", hint="name somebody else")
        every = int(step.data.get("remind_every") or REMIND_EVERY)
        number = max((a.number for a in self.held[ticket.id]), default=0) + 1
        for old in self.held[ticket.id]:
            if old.state == "open":
                self._put(old.settled("withdrawn", now))
        self._put(
            Approval(ticket.id, number, step.data["text"], "open", command.actor, now, every, now + every, 0, None,
                     tuple(Approver(name) for name in asked))
        )  # fmt: skip
        return replace(step, data={**step.data, "approval": number})

    def _answer(
        self, ticket: Ticket, command: Command, step: Step, standing: Approval, now: int, policy: Policy
    ) -> Step:
        person = command.actor
        if not (mine := may_answer(standing, person, self.roster)):
            open_to = ", ".join(awaited(standing))
            reason = f"{person or 'nobody'} was not asked or has answered; awaited: {open_to}"
            raise NotAllowed(ticket.id, command.action, ticket.status, allowed(ticket), reason)
        after = standing.answered(mine, command.action, command.actor, step.data["text"], now)
        self._put(after)
        data = {
            **step.data,
            "approval": after.number,
            "for": list(mine),
            "state": after.state,
            "asked_by": after.asked_by,
        }
        if after.state == "open":
            return replace(step, data=data | {"awaited": list(awaited(after))})
        fields = unblocked(ticket, now, policy) | {"status": "in_progress"}
        if after.state == "accepted" and ticket.kind in NEEDS_APPROVAL:
            return redone(ticket, now, fields | {"approval": "approved"}, data, policy, "ticket.approved")
        return redone(ticket, now, fields, data, policy)

    def _put(self, approval: Approval) -> None:
        others = [a for a in self.held[approval.ticket_id] if a.number != approval.number]
        self.held[approval.ticket_id] = sorted([*others, approval], key=lambda a: a.number)
        self.changed[approval.ticket_id, approval.number] = approval

    def store(self, conn: Connection) -> None:
        put(conn, tables.approval, [_row(a) for a in self.changed.values()])
        put(conn, tables.approver, [
            {"ticket_id": a.ticket_id, "number": a.number, **asdict(each)}
            for a in self.changed.values() for each in a.approvers
        ])  # fmt: skip


def _unknown(name: str, roster: Roster) -> str:
    kind, _, who = name.rpartition(":")
    if kind not in ("", "role", "group", "token"):
        return f"{name!r} is neither a person, a role nor a group"
    if kind == "token" or not roster.people:
        return ""
    if kind == "group":
        return "" if who in roster.groups else f"there is no group {who!r}"
    if kind == "role":
        return "" if roster.with_role(who) else f"nobody has the role {who!r}"
    person = roster.people.get(who)
    return "" if person is not None and person.active else f"there is nobody {who!r}"


def _row(approval: Approval) -> dict[str, Any]:
    row = asdict(approval)
    del row["approvers"]
    return row


def approvals(conn: Connection, ids: Sequence[int]) -> dict[int, list[Approval]]:
    """The joint approvals of each of these tickets, eldest first."""
    voters: dict[tuple[int, int], list[Approver]] = {}
    query = select(tables.approver).where(among(conn, _V.ticket_id, ids)).order_by(_V.approver)
    for row in conn.execute(query):
        voter = Approver(row.approver, row.answer, row.by, row.at, row.text)
        voters.setdefault((row.ticket_id, row.number), []).append(voter)
    found: dict[int, list[Approval]] = {}
    names = [f for f in Approval.__dataclass_fields__ if f != "approvers"]
    rows = select(*(_A[f] for f in names)).where(among(conn, _A.ticket_id, ids)).order_by(_A.ticket_id, _A.number)
    for row in conn.execute(rows):
        asked = tuple(voters.get((row.ticket_id, row.number), ()))
        approval = replace(Approval(*row), approvers=asked)
        found.setdefault(row.ticket_id, []).append(approval)
    return found
