"""Whatever is done in whatever order: only allowed moves, a trail that replays, one open ticket per fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, func, select

from core_tickets import Command, Draft, NotAllowed, apply, get, get_many, open_or_merge, replay, tables, timeline
from tests.integration.core_tickets.samples import NOW

MOVES = {
    ("start", "pending"): "in_progress",
    ("block", "in_progress"): "blocked",
    ("unblock", "blocked"): "in_progress",
    ("resolve", "pending"): "resolved",
    ("resolve", "in_progress"): "resolved",
    ("resolve", "blocked"): "resolved",
    ("close", "resolved"): "closed",
    ("reopen", "resolved"): "in_progress",
    ("reopen", "closed"): "in_progress",
}
UNRESOLVED = {"pending", "in_progress", "blocked"}
ARGS: dict[str, list[dict[str, Any]]] = {
    "start": [{}],
    "block": [{"reason": "waiting_for_customer"}, {"reason": "waiting_for_part"}],
    "unblock": [{}],
    "resolve": [{"resolution": "done"}, {"resolution": "gone", "cause": "recovered"}],
    "close": [{}],
    "reopen": [{}],
    "assign": [{"assignee": "li"}, {"assignee": None, "group": "ops"}],
    "set": [{"priority": 0}, {"priority": 3, "labels": {"a": "b"}}, {"title": "t"}, {"resolution_due": NOW}],
    "comment": [{"text": "hm"}, {"text": "hello", "public": True}],
}
COMMANDS = st.sampled_from([(action, args) for action, many in ARGS.items() for args in many])


@dataclass
class Known:
    """What the model knows of a ticket."""

    status: str
    priority: int
    version: int = 1
    occurrences: int = 1
    closed_at: int = 0
    superseded: bool = False


class Tickets(RuleBasedStateMachine):
    conn: Connection

    @initialize()
    def empty(self) -> None:
        self.now = NOW
        self.known: dict[int, Known] = {}
        self.holder: dict[str, int] = {}

    def teardown(self) -> None:
        self.conn.rollback()

    @rule(minutes=st.sampled_from([0, 1, 30]))
    def wait(self, minutes: int) -> None:
        self.now += minutes * 60_000_000

    @rule(
        wanted=st.lists(
            st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 3)), min_size=1, max_size=4
        ),
        window=st.sampled_from([0, 10 * 60_000_000]),
    )  # fmt: skip
    def open(self, wanted: list[tuple[str | None, int]], window: int) -> None:
        drafts = [
            Draft(
                id=len(self.known) + 1 + i, kind="incident", priority=p, title="t", fingerprint=f, reopen_within=window
            )
            for i, (f, p) in enumerate(wanted)
        ]
        expected = self._expect(drafts, window)
        opened = open_or_merge(self.conn, drafts, self.now)
        assert {(o.ticket_id, o.outcome) for o in opened} == expected
        for d in drafts:  # ids that were not used are used by nobody
            self.known.setdefault(d.id, Known("", 0))

    def _expect(self, drafts: list[Draft], window: int) -> set[tuple[int, str]]:
        expected: set[tuple[int, str]] = set()
        groups: dict[object, list[Draft]] = {}
        for d in drafts:
            groups.setdefault(d.fingerprint or d.id, []).append(d)
        for group in groups.values():
            first, times, priority = group[0], len(group), min(d.priority for d in group)
            old_id = self.holder.get(first.fingerprint or "")
            old = None if old_id is None else self.known[old_id]
            fresh = old is not None and (old.status == "resolved" or self.now - old.closed_at < window)
            if old is not None and old_id is not None and (old.status in UNRESOLVED or (window and fresh)):
                reopened = old.status not in UNRESOLVED
                old.version += reopened or priority < old.priority
                old.status = "in_progress" if reopened else old.status
                old.priority = min(priority, old.priority)
                old.occurrences += times
                expected.add((old_id, "reopened" if reopened else "merged"))
                expected |= {(old_id, "merged")} if times > 1 else set()
                continue
            if old is not None:
                old.superseded, old.version = True, old.version + 1
            self.known[first.id] = Known("pending", priority, occurrences=times)
            if first.fingerprint:
                self.holder[first.fingerprint] = first.id
            expected |= {(first.id, "opened")} | ({(first.id, "merged")} if times > 1 else set())
        return expected

    @rule(picks=st.lists(st.tuples(st.integers(0, 9), COMMANDS, st.booleans()), min_size=1, max_size=4))
    def command(self, picks: list[tuple[int, tuple[str, dict[str, Any]], bool]]) -> None:
        ids = [i for i, k in self.known.items() if k.status]
        if not ids:
            return
        for pick, (action, args), check in picks:
            ticket_id = ids[pick % len(ids)]
            known = self.known[ticket_id]
            before = get(self.conn, ticket_id).version
            wanted = Command(ticket_id, action, args, "li", expected_version=known.version if check else None)
            (answer,) = apply(self.conn, [wanted], self.now)
            assert (answer.error is None) == self._may(known, action), answer.error
            if answer.error is not None:
                assert isinstance(answer.error, NotAllowed)
                assert action not in answer.error.allowed
            else:
                known.status = MOVES.get((action, known.status), known.status)
                known.closed_at = self.now if action == "close" else known.closed_at
                known.priority = args.get("priority", known.priority)
                known.version += bool(answer.changes)
            assert get(self.conn, ticket_id).version == before + bool(answer.changes) == known.version

    @staticmethod
    def _may(known: Known, action: str) -> bool:
        if action == "comment":
            return True
        if action in ("assign", "set"):
            return known.status != "closed"
        return (action, known.status) in MOVES and not (action == "reopen" and known.superseded)

    @invariant()
    def the_tickets_are_as_the_model_has_them(self) -> None:
        real = {i: k for i, k in self.known.items() if k.status}
        stored = get_many(self.conn, list(self.known))
        assert set(stored) == set(real)
        for ticket_id, known in real.items():
            t = stored[ticket_id]
            assert (t.status, t.priority, t.version, t.occurrences) == (
                known.status, known.priority, known.version, known.occurrences,
            )  # fmt: skip
            assert (t.superseded_by is not None) == known.superseded

    @invariant()
    def every_trail_replays_to_its_ticket(self) -> None:
        for ticket_id, ticket in get_many(self.conn, list(self.known)).items():
            trail = timeline(self.conn, ticket_id)
            values = replay(trail)
            assert {name: getattr(ticket, name) for name in values} == values
            versions = [e.version for e in trail if e.changes]
            assert versions == list(range(1, ticket.version + 1))

    @invariant()
    def a_fingerprint_has_one_open_ticket_at_most(self) -> None:
        t = tables.ticket.c
        query = select(func.count()).where(t.status.in_(UNRESOLVED), t.fingerprint.is_not(None))
        assert all(n == 1 for n in self.conn.scalars(query.group_by(t.fingerprint)))


def test_any_history_keeps_the_promises(conn: Connection) -> None:
    class OnThis(Tickets):
        pass

    OnThis.conn = conn
    run_state_machine_as_test(
        OnThis, settings=settings(max_examples=40, stateful_step_count=20, deadline=None, database=None)
    )
    assert conn.scalar(select(func.count()).select_from(tables.ticket)) == 0
