"""Drafts become tickets, once."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError

from core_tickets import Change, Draft, apply, get, get_many, open_or_merge, replay, tables, timeline, touch
from core_tickets.model import AUDITED
from tests.integration.core_tickets.samples import MINUTE, NOW, command, draft, statements


def settle(conn: Connection, ticket_id: int, *, closed: bool = False) -> None:
    commands = [command(ticket_id, "resolve", resolution="done")]
    done = apply(conn, commands + [command(ticket_id, "close")] * closed, NOW)
    assert not any(d.error for d in done)


def test_a_draft_is_opened_as_it_was_drafted(conn: Connection) -> None:
    d = draft(
        "f1",
        title="主轴 50 % \\ \"hot\"\t",
        description="line 1\nline 2",
        device=60_002_026_000_001,
        customer=20_002_026_000_001,
        labels={"厂": "苏州", "quote": "\"\\"},
        source="am-main",
        source_key="k",
        url="https://prom/x",
        assignee="li",
        group="ops",
        storm_id=5,
        seen_at=NOW - 7,
        priority=1,
    )  # fmt: skip
    (opened,) = open_or_merge(conn, [d], NOW)
    ticket = get(conn, d.id)
    assert (opened.ticket_id, opened.outcome, opened.version) == (d.id, "opened", 1)
    for name in (
        "id", "kind", "priority", "title", "description", "fingerprint", "device", "customer", "labels", "source",
        "source_key", "url", "assignee", "group", "storm_id",
    ):  # fmt: skip
        assert getattr(ticket, name) == getattr(d, name)
    assert (ticket.status, ticket.opened_at, ticket.first_seen, ticket.last_seen) == ("pending", NOW, NOW - 7, NOW - 7)
    assert ticket.first_response_due == NOW + 30 * MINUTE


def test_the_first_line_of_a_timeline_replays_to_the_ticket_as_it_was_opened(conn: Connection) -> None:
    d = draft("f", labels={"line": "A"}, device=7, priority=0, resolution_due=NOW + 5, why="value > 95")
    open_or_merge(conn, [d], NOW)
    (line,) = timeline(conn, d.id)
    ticket, values = get(conn, d.id), replay([line])
    assert (line.at, line.name, line.actor, line.actor_kind, line.why) == (
        NOW,
        "open",
        "rule cpu",
        "rule",
        "value > 95",
    )
    assert {name: getattr(ticket, name) for name in AUDITED} == values
    assert values["labels"] == {"line": "A"}


def test_due_times_of_the_draft_win_over_the_policy(conn: Connection) -> None:
    d = draft(resolution_due=NOW + 5)
    open_or_merge(conn, [d], NOW)
    ticket = get(conn, d.id)
    assert (ticket.resolution_due, ticket.due_fixed) == (NOW + 5, True)
    assert ticket.first_response_due == NOW + 240 * MINUTE


def test_drafts_of_one_fingerprint_in_one_batch_make_one_ticket_of_the_highest_priority(conn: Connection) -> None:
    drafts = [draft("f", priority=2), draft("g"), draft("f", priority=0, seen_at=NOW - 9), draft("f", priority=3)]
    opened = open_or_merge(conn, drafts, NOW)
    assert [o.outcome for o in opened] == ["opened", "opened", "merged", "merged"]
    assert [o.ticket_id for o in opened] == [drafts[0].id, drafts[1].id, drafts[0].id, drafts[0].id]
    ticket = get(conn, drafts[0].id)
    assert (ticket.priority, ticket.occurrences, ticket.first_seen, ticket.last_seen) == (0, 3, NOW - 9, NOW)


def test_drafts_without_a_fingerprint_are_never_merged(conn: Connection) -> None:
    opened = open_or_merge(conn, [draft(), draft()], NOW) + open_or_merge(conn, [draft()], NOW)
    assert [o.outcome for o in opened] == ["opened"] * 3


def test_an_exact_repeat_only_counts(conn: Connection) -> None:
    d = draft("f")
    open_or_merge(conn, [d], NOW)
    before = get(conn, d.id)
    (merged,) = open_or_merge(conn, [draft("f", title="other", priority=3)], NOW + 8)
    after = get(conn, d.id)
    assert (merged.ticket_id, merged.outcome, merged.version, merged.changes) == (d.id, "merged", 1, ())
    assert (after.occurrences, after.last_seen) == (2, NOW + 8)
    assert (after.version, after.updated_at, after.priority, after.title) == (1, before.updated_at, 2, "CPU high")
    assert [e.name for e in timeline(conn, d.id)] == ["open"]


def test_a_repeat_seen_earlier_moves_the_first_sight_back(conn: Connection) -> None:
    d = draft("f")
    open_or_merge(conn, [d], NOW)
    open_or_merge(conn, [draft("f", seen_at=NOW - 5)], NOW + 1)
    assert (get(conn, d.id).first_seen, get(conn, d.id).last_seen) == (NOW - 5, NOW)


def test_a_more_urgent_repeat_raises_the_priority_and_says_why(conn: Connection) -> None:
    d = draft("f")
    open_or_merge(conn, [d], NOW)
    urgent = draft("f", priority=0, actor="rule fire", why="value > 99")
    (merged,) = open_or_merge(conn, [draft("f", priority=3), urgent], NOW + 8)[:1]
    ticket = get(conn, d.id)
    assert (merged.outcome, merged.version, merged.events) == ("merged", 2, ("ticket.priority_changed",))
    assert (ticket.priority, ticket.version, ticket.occurrences) == (0, 2, 3)
    assert ticket.first_response_due == NOW + 15 * MINUTE
    line = timeline(conn, d.id)[-1]
    assert (line.name, line.actor, line.why, line.version) == ("merge", "rule fire", "value > 99", 2)
    assert line.changes[0] == Change("priority", 2, 0)


def test_touch_counts_repeats_and_passes_over_unknown_ids(conn: Connection) -> None:
    a, b = draft("a"), draft("b")
    open_or_merge(conn, [a, b], NOW)
    touch(conn, {b.id: 4, a.id: 1, 999: 3}, NOW + 5)
    touch(conn, {b.id: 1}, NOW + 3)
    assert [(t.occurrences, t.last_seen, t.version) for t in get_many(conn, [a.id, b.id]).values()] == [
        (2, NOW + 5, 1),
        (6, NOW + 5, 1),
    ]


@pytest.mark.parametrize("closed", [False, True])
def test_a_repeat_within_the_window_reopens_the_ticket(conn: Connection, closed: bool) -> None:
    d = draft("f")
    open_or_merge(conn, [d], NOW)
    settle(conn, d.id, closed=closed)
    again = [draft("f", reopen_within=MINUTE, priority=1), draft("f")]
    opened = open_or_merge(conn, again, NOW + MINUTE - 1)
    ticket = get(conn, d.id)
    assert [(o.ticket_id, o.outcome) for o in opened] == [(d.id, "reopened"), (d.id, "merged")]
    assert opened[0].events == ("ticket.reopened", "ticket.priority_changed")
    assert (ticket.status, ticket.priority, ticket.occurrences, ticket.resolved_at) == ("in_progress", 1, 3, None)
    assert timeline(conn, d.id)[-1].name == "reopen"


@pytest.mark.parametrize("closed", [False, True])
def test_without_a_window_a_done_ticket_makes_way_for_a_new_one(conn: Connection, closed: bool) -> None:
    old, new = draft("f"), draft("f")
    open_or_merge(conn, [old], NOW)
    settle(conn, old.id, closed=closed)
    (opened,) = open_or_merge(conn, [new], NOW + 1)
    assert (opened.ticket_id, opened.outcome) == (new.id, "opened")
    assert get(conn, old.id).superseded_by == new.id
    assert timeline(conn, old.id)[-1].name == "supersede"
    assert timeline(conn, new.id)[0].data["previous"] == old.id


def test_after_the_window_a_closed_ticket_makes_way(conn: Connection) -> None:
    old, new = draft("f"), draft("f", reopen_within=MINUTE)
    open_or_merge(conn, [old], NOW)
    settle(conn, old.id, closed=True)
    assert open_or_merge(conn, [new], NOW + MINUTE)[0].ticket_id == new.id


def test_one_batch_may_open_repeat_raise_reopen_and_supersede(conn: Connection) -> None:
    first = [draft(key) for key in ("repeat", "raise", "reopen", "supersede")]
    open_or_merge(conn, first, NOW)
    settle(conn, first[2].id)
    settle(conn, first[3].id)
    second = [
        draft("supersede"), draft("reopen", reopen_within=1), draft("raise", priority=0), draft("new"), draft(),
        draft("repeat"),
    ]  # fmt: skip
    opened = open_or_merge(conn, second, NOW + 1)
    assert [o.outcome for o in opened] == ["opened", "reopened", "merged", "opened", "opened", "merged"]
    for ticket_id in [d.id for d in first] + [second[i].id for i in (0, 3, 4)]:
        ticket = get(conn, ticket_id)
        assert {f: getattr(ticket, f) for f in replay(timeline(conn, ticket_id))} == replay(timeline(conn, ticket_id))


def test_the_database_itself_refuses_a_second_open_ticket(conn: Connection) -> None:
    a, b = draft("f"), draft("g")
    open_or_merge(conn, [a, b], NOW)
    with pytest.raises(IntegrityError):
        conn.execute(update(tables.ticket).where(tables.ticket.c.id == b.id).values(fingerprint="f", open_key="f"))


def test_the_database_itself_refuses_an_open_ticket_without_its_key(conn: Connection) -> None:
    d = draft("f")
    open_or_merge(conn, [d], NOW)
    with pytest.raises(IntegrityError):
        conn.execute(update(tables.ticket).where(tables.ticket.c.id == d.id).values(open_key=None))


def test_nothing_to_open_is_no_work(conn: Connection) -> None:
    with statements(conn) as sent:
        assert open_or_merge(conn, [], NOW) == []
        assert apply(conn, [], NOW) == []
        touch(conn, {}, NOW)
    assert sent == []


@pytest.mark.parametrize("size", [1, 7, 300])
def test_a_batch_of_any_size_takes_the_same_few_statements(conn: Connection, size: int) -> None:
    def batch(prefix: str, **fields: object) -> list[Draft]:
        return [draft(f"{prefix}{i}", **fields) for i in range(size)]

    old = batch("old")
    with statements(conn) as opening:
        open_or_merge(conn, batch("x") + old, NOW)
    with statements(conn) as repeating:
        open_or_merge(conn, batch("x"), NOW)
    with statements(conn) as working:
        apply(conn, [command(d.id, "resolve", resolution="done") for d in old], NOW)
    with statements(conn) as everything:
        open_or_merge(conn, batch("x") + batch("x", priority=0) + batch("old") + batch("new"), NOW)
    assert len(opening) <= 3
    assert len(repeating) <= 5
    assert len(working) <= 4  # one of them asks for sub-tickets that are open
    assert len(everything) <= 11
