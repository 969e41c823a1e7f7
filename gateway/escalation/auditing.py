"""The auditor: from the entries of the timelines alone it works out again what had to run, and names what did not.

It knows nothing of timers and plans. What was in force when is read from `escalation_policy`; what a change of policy passed
over is read from the ticket's own note. A step was due when the state before the next entry lasted to its moment. Entries of
one moment may be of one transaction or of several; what was due only between them may have run, and is not asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, insert, select

import core_tickets
from core_tickets import Entry, Ticket
from core_tickets.batch import among
from core_tickets.escalation import due_steps, episode
from core_tickets.model import BLANK
from core_tickets.rows import entry_of
from gateway import clock, metrics
from gateway.escalation import tables
from gateway.escalation.versions import REPLANNED, Rulebook, rulebooks
from gateway.service import Gateway

log = structlog.get_logger(__name__)

GRACE = clock.MINUTE
"""How late a worker may be before a step counts as missing."""
UNSURE = 10 * clock.SECOND
"""So long after a change of policy another process may still have planned by the one before."""
CHUNK = 500
SHOWN = 100
TELLING = ("claim", "hand_over", "return", REPLANNED)
"""Entries that count though they may change no field: whoever is given a ticket and then claims it has it already."""

Ran = tuple[int, int, str]
"""Ticket, episode, step."""


@dataclass(slots=True)
class Proof:
    """`due` steps had to run by `at`; all that did not are in `missing`, with the moment they were due."""

    at: int
    tickets: int = 0
    due: int = 0
    missing: list[tuple[int, str, int]] = field(default_factory=list)
    last: int | None = None
    """The ticket to go on after; None: all were looked at."""


@dataclass(slots=True)
class _Life:
    """A ticket as its entries tell it, one after the other."""

    number: int
    values: dict[str, Any] = field(default_factory=lambda: dict(BLANK))
    claimed_at: int | None = None
    stage_since: int | None = None
    passed: set[tuple[int, str]] = field(default_factory=set)

    def enter(self, entry: Entry) -> None:
        opening = entry.name == "open"
        for name, _, after in entry.changes:
            if name == "status" and not opening:
                self.stage_since = entry.at
            self.values[name] = after
        free = self.claimed_at is None
        if entry.name in ("hand_over", "return"):
            self.claimed_at = None
        if free and not opening and _takes(entry):
            self.claimed_at = entry.at
        if entry.type == "note" and entry.name == REPLANNED:
            now = episode(self.ticket())
            self.passed |= {(now, step) for step in entry.data.get("passed", ())}

    def ticket(self) -> Ticket:
        at = self.values["opened_at"]
        return Ticket(
            self.number, updated_at=at, first_seen=at, last_seen=at, claimed_at=self.claimed_at,
            stage_since=self.stage_since, **self.values,
        )  # fmt: skip


def _takes(entry: Entry) -> bool:
    """Did somebody take the ticket by this?"""
    if entry.name == "claim":
        return True
    after = {c.field: c.after for c in entry.changes}
    mine = entry.actor_kind == "person" and after.get("assignee") == entry.actor != ""
    return mine or ("status" in after and after["status"] != "pending")


def required(number: int, entries: Sequence[Entry], books: Sequence[Rulebook], now: int) -> dict[tuple[int, str], int]:
    """What had to run for one ticket by now: (episode, step) to when it was due."""
    life, found = _Life(number), dict[tuple[int, str], int]()
    book: str | None = None
    for n, entry in enumerate(entries):
        life.enter(entry)
        following = entries[n + 1].at if n + 1 < len(entries) else now  # later than now where a clock was put back
        if n + 1 < len(entries) and following == entry.at:
            continue  # what happens at one moment counts as one
        if entry.name == REPLANNED:
            book = str(entry.data.get("policy", ""))
            then = [b for b in books if b.version == book][-1:]
        else:
            then = _in_force(books, entry.at)
        ticket = life.ticket()
        due = [due_steps(ticket, b.ladders, b.promises) for b in then]
        current = episode(ticket)
        for step, at in due[0].items() if due else ():
            if at <= min(following, now) and all(step in other for other in due) and (current, step) not in life.passed:
                found.setdefault((current, step), at)
    return found


def _in_force(books: Sequence[Rulebook], at: int) -> list[Rulebook]:
    """The one of that moment; two right after a change: only what both ask for is asked for then."""
    place = bisect_right([b.since for b in books], at)
    if place == 0:
        return []
    found = [books[place - 1]]
    if place > 1 and at - books[place - 1].since < UNSURE:
        found.append(books[place - 2])
    return found


def prove(conn: Connection, now: int, *, after: int = 0, chunks: int | None = None) -> Proof:
    """Look at every ticket from the one after `after` on, at most so many chunks of 500."""
    books = rulebooks(conn)
    proof = Proof(now)
    if not books:
        return proof
    for done, numbers in enumerate(_chunks(conn, after)):
        if chunks is not None and done == chunks:
            return proof
        _prove(conn, numbers, books, proof)
        proof.last = numbers[-1]
    proof.last = None
    return proof


def _chunks(conn: Connection, after: int) -> Iterator[list[int]]:
    t = core_tickets.metadata.tables["ticket"].c
    while True:
        found = list(conn.execute(select(t.id).where(t.id > after).order_by(t.id).limit(CHUNK)).scalars())
        if not found:
            return
        yield found
        after = found[-1]


def _prove(conn: Connection, numbers: Sequence[int], books: Sequence[Rulebook], proof: Proof) -> None:
    ran = _ran(conn, numbers)
    for number, trail in trails(conn, numbers).items():
        proof.tickets += 1
        for (when, step), at in required(number, trail, books, proof.at - GRACE).items():
            proof.due += 1
            if (number, when, step) not in ran:
                proof.missing.append((number, step, at))


def trails(conn: Connection, numbers: Sequence[int]) -> dict[int, list[Entry]]:
    """The entries of these tickets that `required` asks for, each in order. One statement."""
    e = core_tickets.metadata.tables["ticket_entry"]
    found: dict[int, list[Entry]] = {n: [] for n in numbers}
    telling = (e.c.changes != "[]") | e.c.name.in_(TELLING)
    for row in conn.execute(select(e).where(among(conn, e.c.ticket_id, numbers), telling).order_by(e.c.id)):
        found[row.ticket_id].append(entry_of(row))
    return found


def _ran(conn: Connection, numbers: Iterable[int]) -> set[Ran]:
    c = tables.escalation.c
    query = select(c.ticket_id, c.episode, c.step).where(among(conn, c.ticket_id, list(numbers)))
    return {(row.ticket_id, row.episode, row.step) for row in conn.execute(query)}


class Auditor:
    """The periodic task: round by round all tickets, some thousand at a time; then what was proven is kept, and it begins
    anew. A step that did not run is told at once in the log and by a metric."""

    def __init__(self) -> None:
        self._proof: Proof | None = None

    def round(self, gateway: Gateway, now: int, *, chunks: int = 10) -> Proof:
        """The proof so far."""
        so_far = self._proof or Proof(now)
        with gateway.reading() as conn:
            part = prove(conn, now, after=so_far.last or 0, chunks=chunks)
        for number, step, at in part.missing:
            metrics.ESCALATIONS_MISSING.inc()
            log.error("escalation.missing", ticket=number, step=step, due_at=clock.rfc3339(at))
        so_far.tickets, so_far.due = so_far.tickets + part.tickets, so_far.due + part.due
        so_far.missing += part.missing[: max(0, SHOWN - len(so_far.missing))]
        so_far.last, so_far.at = part.last, now
        self._proof = so_far if part.last is not None else None
        if part.last is None and so_far.tickets:
            gateway.transact(lambda conn: keep(conn, so_far))
        return so_far


def keep(conn: Connection, proof: Proof) -> None:
    """Write down what was proven, and what was not."""
    names = [[str(n), step, at] for n, step, at in proof.missing[:SHOWN]]
    row: Mapping[str, Any] = {
        "at": proof.at, "tickets": proof.tickets, "due": proof.due, "missing": len(proof.missing),
        "names": orjson.dumps(names).decode(),
    }  # fmt: skip
    conn.execute(insert(tables.audit), [row])
