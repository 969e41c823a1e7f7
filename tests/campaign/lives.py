"""What people do with a ticket, one thing after the other, each at its time and by whoever has it. Seeded by ticket, so that
who does what does not depend on what happens to other tickets."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import core_tickets
from core_tickets import Ticket
from core_tickets.errors import TicketError
from gateway.collaboration import confirming
from gateway.errors import WeftError
from gateway.service import Gateway
from gateway.usecases import tickets
from tests.campaign.demand import HOUR, pick
from tests.campaign.staff import AREAS, SECOND, dispatchers, group_of

MINUTE = 60 * SECOND
DAY = 24 * HOUR
FIRST_LOOK_MIN = (9, 45, 200, 420)
"""Mean minutes until somebody looks at a ticket, by priority."""
WORK_MIN = (50, 150, 500, 900)
LONGEST_WAIT = 8
"""So often nobody is there to do it; then the ticket is left to the ladders for a week."""
GROUPS = tuple(group_of(area) for area in AREAS)


@dataclass(order=True)
class Turn:
    """The next thing that somebody does to a ticket."""

    at: int
    order: int
    ticket: int = field(compare=False)
    stage: str = field(compare=False)
    waited: int = field(compare=False, default=0)


class Lives:
    """All tickets there are, and what is next for each."""

    def __init__(self, gateway: Gateway, seed: int) -> None:
        self._gateway, self._seed = gateway, seed
        self._turns: list[Turn] = []
        self._dice: dict[int, random.Random] = {}
        self._order = 0
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def born(self, number: int, priority: int, now: int, told: Any) -> None:
        """A ticket was opened. `told` names it in every run: what it was opened for."""
        dice = self._dice[number] = random.Random(f"{self._seed} {told}")
        if dice.random() < 0.03:  # forgotten
            self._later(number, "late", now + int(dice.uniform(6, 15) * DAY))
        else:
            self._later(number, "look", now + self._in(dice, FIRST_LOOK_MIN[priority]))

    def due(self, now: int) -> Iterator[Turn]:
        while self._turns and self._turns[0].at <= now:
            yield heapq.heappop(self._turns)

    def _in(self, dice: random.Random, mean_minutes: float) -> int:
        return int(dice.expovariate(1 / mean_minutes) * MINUTE) + 1

    def _later(self, number: int, stage: str, at: int, waited: int = 0) -> None:
        self._order += 1
        heapq.heappush(self._turns, Turn(at, self._order, number, stage, waited))

    def live(self, turn: Turn, now: int) -> None:
        """Do what the turn is about, and note what comes next."""
        with self._gateway.reading() as conn:
            ticket = core_tickets.get(conn, turn.ticket)
        dice = self._dice[turn.ticket]
        if turn.stage == "after" or ticket.status in ("resolved", "closed"):
            self._afterwards(ticket, dice, turn, now)
            return
        who = self._who(ticket, now)
        if who is None:
            waited = turn.waited + 1
            wait = DAY * 7 if waited > LONGEST_WAIT else int(dice.uniform(0.5, 4) * HOUR)
            self._later(turn.ticket, turn.stage, now + wait, waited % (LONGEST_WAIT + 1))
            return
        following = getattr(self, f"_{turn.stage}")(ticket, dice, who, now)
        if following is not None:
            stage, mean = following
            self._later(turn.ticket, stage, now + self._in(dice, mean))

    def _who(self, ticket: Ticket, now: int) -> str | None:
        """Whose turn it is: the holder's, or that of somebody of the group, of those who are there."""
        hub = self._gateway.hub
        roster, hours = hub.roster, hub.calendars["plant"]
        if ticket.assignee:
            known = roster.people.get(ticket.assignee)
            here = known is not None and known.active and roster.present(ticket.assignee, now, hours)
            return ticket.assignee if here else None
        members = dispatchers() if ticket.group == "dispatch" else roster.members(ticket.group or "")
        there = [p for p in members if roster.present(p, now, hours) or ticket.priority == 0]
        return self._dice[ticket.id].choice(there) if there else None

    def act(self, ticket: Ticket, action: str, who: str, **args: Any) -> bool:
        """One action as that person. False: it was refused, as the hub may."""
        try:
            self._gateway.transact(lambda c: tickets.act(c, self._gateway, ticket.id, action, args, actor=who))
        except (WeftError, TicketError) as error:
            self.refused[f"{action}: {type(error).__name__}: {str(error)[:80]}"] += 1
            return False
        self.done[action] += 1
        return True

    # -- stages: each does something and answers what is next, and after how many minutes in the mean -------------------

    def _look(self, ticket: Ticket, dice: random.Random, who: str, now: int) -> tuple[str, float]:
        mean = WORK_MIN[ticket.priority]
        if ticket.group == "dispatch" and dice.random() < 0.7:  # a dispatcher finds the right group
            self.act(ticket, "hand_over", who, group=dice.choice(GROUPS), reason="theirs")
            return "look", FIRST_LOOK_MIN[ticket.priority]
        what = pick(dice, (("claim", 0.5), ("start", 0.25), ("return", 0.07), ("hand_over", 0.06), ("comment", 0.12)))
        match what:
            case "return":
                self.act(ticket, "return", who, reason="not ours")
                return "look", FIRST_LOOK_MIN[ticket.priority]
            case "hand_over":
                others = [p for p in self._gateway.hub.roster.members(ticket.group or "") if p != ticket.assignee]
                if others:
                    self.act(ticket, "hand_over", who, assignee=dice.choice(others), reason="knows it better")
                return "look", FIRST_LOOK_MIN[ticket.priority]
            case "comment":
                self.act(ticket, "comment", who, text="seen, we come", public=dice.random() < 0.6)
                return "look", mean / 4
            case "claim":
                self.act(ticket, "claim", who)
                if dice.random() < 0.2:
                    due = now + int(dice.uniform(1, 30) * HOUR)
                    self.act(ticket, "promise", who, resolution_due=due, reason="as agreed by telephone")
                return "begin", mean / 5
        self.act(ticket, "start", who)
        return "work", mean

    def _begin(self, ticket: Ticket, dice: random.Random, who: str, now: int) -> tuple[str, float]:
        if ticket.status == "pending":
            self.act(ticket, "start", who)
        return "work", WORK_MIN[ticket.priority]

    def _work(self, ticket: Ticket, dice: random.Random, who: str, now: int) -> tuple[str, float]:
        mean = WORK_MIN[ticket.priority]
        if ticket.status == "pending":  # it was handed on or came back meanwhile
            return self._look(ticket, dice, who, now)
        if ticket.status == "blocked":
            return self._go_on(ticket, dice, who, now)
        if ticket.kind == "spare_part_purchase" and ticket.approval is None:
            self.act(ticket, "approve" if dice.random() < 0.85 else "refuse", who, text="by the budget")
            return "work", mean
        what = pick(dice, (("resolve", 0.55), ("wait", 0.14), ("part", 0.05), ("approval", 0.05), ("regrade", 0.05),
                           ("return", 0.03), ("handoff", 0.04), ("pass_on", 0.04), ("kind", 0.02),
                           ("promise", 0.03)))  # fmt: skip
        match what:
            case "wait":
                self.act(ticket, "block", who, reason="waiting_for_customer", text="which serial number?")
                return "go_on", 1_200
            case "part":
                self.act(ticket, "block", who, reason="waiting_for_part")
                return "go_on", 2_400
            case "approval":
                lead = self._gateway.hub.roster.lead(ticket.group) or dispatchers()[0]
                self.act(ticket, "request_approval", who, approvers=[lead], text="two hours of a crane")
                return "go_on", 600
            case "regrade":
                priority = max(0, min(3, ticket.priority + dice.choice((-1, 1))))
                self.act(ticket, "set", who, priority=priority)
                return "work", mean
            case "kind":
                self.act(ticket, "set", who, kind="maintenance" if ticket.kind == "incident" else "incident")
                return "work", mean
            case "return":
                self.act(ticket, "return", who, reason="needs another trade")
                return "look", FIRST_LOOK_MIN[ticket.priority]
            case "pass_on":
                others = [p for p in self._gateway.hub.roster.members(ticket.group or "") if p != ticket.assignee]
                if others:
                    self.act(ticket, "hand_over", who, assignee=dice.choice(others), reason="end of my shift")
                return "look", FIRST_LOOK_MIN[ticket.priority]
            case "handoff":
                other = dice.choice([g for g in GROUPS if g != ticket.group])
                self.act(ticket, "handoff", who, group=other, text="your part of it")
                return "handed", mean / 2
            case "promise":
                due = now + int(dice.uniform(1, 60) * HOUR)
                self.act(ticket, "promise", who, resolution_due=due, reason="the supplier says so")
                return "work", mean
        self.act(
            ticket, "resolve", who, resolution="exchanged and tested", cause=dice.choice(("wear", "hardware", "power"))
        )
        return "after", 900

    def _handed(self, ticket: Ticket, dice: random.Random, who: str, now: int) -> tuple[str, float]:
        if not self.act(ticket, "accept_handoff", who):
            return "work", 60
        if dice.random() < 0.2:
            self.act(ticket, "return_handoff", who, text="nothing to do for us")
        else:
            self.act(ticket, "finish_handoff", who, text="done")
        return "work", WORK_MIN[ticket.priority] / 2

    def _go_on(self, ticket: Ticket, dice: random.Random, who: str, now: int) -> tuple[str, float]:
        if ticket.blocked_reason == "waiting_for_approval":
            with self._gateway.reading() as conn:
                asked = core_tickets.collaboration.approvals(conn, [ticket.id])[ticket.id]
            for approver in asked[-1].approvers if asked else ():
                said = "accept" if dice.random() < 0.8 else "decline"
                self.act(ticket, said, approver.approver, text="as asked")
        elif ticket.status == "blocked":
            if dice.random() < 0.1:
                self.act(ticket, "return", who, reason="nobody answers")
                return "look", FIRST_LOOK_MIN[ticket.priority]
            if dice.random() < 0.1:
                self.act(ticket, "resolve", who, resolution="the customer found it", cause="operation")
                return "after", 900
            self.act(ticket, "unblock", who)
        return "work", WORK_MIN[ticket.priority] / 2

    def _late(self, ticket: Ticket, dice: random.Random, who: str, now: int) -> tuple[str, float]:
        """Found in the end."""
        return self._look(ticket, dice, who, now)

    def _afterwards(self, ticket: Ticket, dice: random.Random, turn: Turn, now: int) -> None:
        if ticket.status not in ("resolved", "closed"):
            self._later(turn.ticket, "work", now + self._in(dice, WORK_MIN[ticket.priority]))
            return
        if turn.stage != "after":
            if dice.random() < 0.3:
                self._later(turn.ticket, "after", now + self._in(dice, 900))
            return
        what = pick(dice, (("confirm", 0.5), ("back", 0.09), ("close", 0.2), ("nothing", 0.21)))
        customer = confirming.customer_actor(ticket.customer)
        if what == "close" and ticket.status == "resolved":
            self.act(ticket, "close", dispatchers()[0])
        elif what in ("confirm", "back"):
            score = dice.choice((3, 4, 5)) if dice.random() < 0.7 else None
            word = confirming.Word(what == "confirm", "thank you" if what == "confirm" else "again!", score)
            try:
                self._gateway.transact(lambda c: confirming.say(c, self._gateway, ticket.id, word, actor=customer))
            except (WeftError, TicketError) as error:
                self.refused[f"{what}: {type(error).__name__}: {str(error)[:80]}"] += 1
                return
            self.done[what] += 1
            if what == "back":
                self._later(turn.ticket, "work", now + self._in(dice, WORK_MIN[ticket.priority]))

    def summary(self) -> Mapping[str, int]:
        return {**dict(self.done.most_common()), **{f"refused {k}": n for k, n in self.refused.most_common(12)}}
