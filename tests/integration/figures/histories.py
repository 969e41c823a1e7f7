"""Random work on tickets, done by the ticket core itself: opened, answered, handed on, blocked, solved, confirmed, reopened."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import Connection

from core_tickets import CAUSES, Command, Draft, Note, apply, note, open_or_merge

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_790_000_000_000_000
"""2026-09-21T14:13:20Z."""
PEOPLE = ("li.na", "wang.wei", "zhao.min", "sun.li")
GROUPS = ("north", "south", None)
DEVICES = (20_002_026_000_001, 20_002_026_000_002, 20_002_026_000_003, None)
CUSTOMERS = (10_002_026_000_001, 10_002_026_000_002, None)
KINDS = ("incident", "complaint", "maintenance")

_ids = count(22_026_000_500_001)


@dataclass
class Work:
    """What is being worked on, and the clock. `pick` chooses: a random generator's, or hypothesis's."""

    conn: Connection
    pick: Callable[[Sequence[Any]], Any]
    now: int = START
    devices: Sequence[int | None] = DEVICES
    gaps: Sequence[int] = (0, 1, 3, 7, 20, 45, 400)
    """Minutes between one step and the next."""
    customers: Sequence[int | None] = CUSTOMERS
    at_once: int = 1
    """So many tickets are opened, or acted on, by one call."""
    tickets: list[int] = field(default_factory=list)
    refused: int = 0

    def pause(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    def open(self) -> None:
        drafts = [self.draft() for _ in range(self.at_once)]
        opened = (o.ticket_id for o in open_or_merge(self.conn, drafts, self.now) if o.outcome == "opened")
        self.tickets += opened

    def draft(self) -> Draft:
        pick = self.pick
        return Draft(
            id=next(_ids), kind=pick(KINDS), priority=pick(range(4)), title="t", device=pick(self.devices),
            customer=pick(self.customers), group=pick(GROUPS), assignee=pick((*PEOPLE, None)), description=pick(("", "hot")),
            labels=pick(({}, {"site": "a"})), fingerprint=pick((None, None, f"f{pick(range(5 * self.at_once))}")),
            reopen_within=pick((0, 2 * DAY)),
        )  # fmt: skip

    def act(self) -> None:
        """Actions, allowed or not: what is refused leaves no event."""
        lately = (self.tickets[-3 * self.at_once :], self.tickets[-40 * self.at_once :])
        commands = [self.command(self.pick(self.pick(lately))) for _ in range(self.at_once)]
        self.refused += sum(done.error is not None for done in apply(self.conn, commands, self.now))

    def command(self, ticket: int) -> Command:
        pick = self.pick
        name = pick(tuple(_ARGS))
        actor = pick((*PEOPLE, "token:li.na"))
        return Command(ticket, name, _ARGS[name](self), actor, pick(("person", "person", "person", "connector")))

    def look(self, ticket: int) -> None:
        """The customer looks at it."""
        note(self.conn, [Note(ticket, "customer_view", {}, "portal", self.now, "connector")])

    def step(self) -> None:
        """Something happens, some time later."""
        self.pause(self.pick(self.gaps))
        what = self.pick(range(10))
        if what < 2 or not self.tickets:
            self.open()
        elif what == 2:
            self.look(self.pick(self.tickets))
        else:
            self.act()


def seeded(conn: Connection, seed: int, steps: int, **more: Any) -> Work:
    """A history of so many steps."""
    work = Work(conn, random.Random(seed).choice, **more)
    for _ in range(steps):
        work.step()
    return work


def _attach(work: Work) -> dict[str, Any]:
    media = work.pick(("image/jpeg", "application/pdf"))
    digest = hashlib.sha256(str(next(_ids)).encode()).hexdigest()
    return {"sha256": digest, "name": "a", "media_type": media, "size": 9, "label": ""}


_ARGS: dict[str, Callable[[Work], dict[str, Any]]] = {
    "start": lambda w: {},
    "block": lambda w: {"reason": w.pick(("waiting_for_customer", "waiting_for_part"))},
    "unblock": lambda w: {},
    "resolve": lambda w: {"resolution": "done", "cause": w.pick((*sorted(CAUSES)[:3], "recovered", None))},
    "reopen": lambda w: {},
    "close": lambda w: {},
    "confirm": lambda w: w.pick(({}, {"score": 1}, {"score": 4}, {"score": 5})),
    "assign": lambda w: {"assignee": w.pick((*PEOPLE, None)), "group": w.pick(GROUPS)},
    "set": lambda w: w.pick((
        {"priority": w.pick(range(4))}, {"device": w.pick(w.devices)}, {"kind": w.pick(KINDS)},
        {"resolution_due": w.now + w.pick((-60, 30, 600)) * MINUTE}, {"labels": {"a": "b", "c": "d"}},
        {"storm_id": w.pick(w.tickets)},
    )),
    "comment": lambda w: {"text": "x", "public": w.pick((True, False))},
    "attach": _attach,
    "handoff": lambda w: {"group": w.pick(("north", "south", "west"))},
    "return_handoff": lambda w: {"text": "not ours"},
}  # fmt: skip
