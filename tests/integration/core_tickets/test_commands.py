"""Commands on stored tickets: one answer each, in one batch."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from core_tickets import (
    Change,
    Command,
    Draft,
    InvalidInput,
    NotAllowed,
    UnknownTicket,
    VersionConflict,
    apply,
    get,
    links,
    open_or_merge,
    replay,
    tables,
    timeline,
)
from tests.integration.core_tickets.samples import NOW, command, draft


@pytest.fixture
def opened(conn: Connection) -> list[Draft]:
    drafts = [draft(f"f{i}") for i in range(3)]
    open_or_merge(conn, drafts, NOW)
    return drafts


def test_a_wrong_command_harms_no_other_in_its_batch(conn: Connection, opened: list[Draft]) -> None:
    a, b, c = (d.id for d in opened)
    answers = apply(
        conn,
        [
            command(a, "start"),
            command(b, "close"),
            command(404, "start"),
            command(-1, "start"),
            command(2**70, "start"),
            command(c, "block", reason="lunch"),
            command(c, "start", expected_version=9),
            command(c, "resolve", resolution="done"),
        ],
        NOW + 1,
    )
    kinds = [type(answer.error) for answer in answers]
    nothing = type(None)
    assert kinds == [
        nothing,
        NotAllowed,
        UnknownTicket,
        UnknownTicket,
        UnknownTicket,
        NotAllowed,
        VersionConflict,
        nothing,
    ]
    assert [get(conn, t).status for t in (a, b, c)] == ["in_progress", "pending", "resolved"]
    assert len(timeline(conn, b)) == 1


def test_commands_on_one_ticket_see_what_those_before_them_did(conn: Connection, opened: list[Draft]) -> None:
    a = opened[0].id
    answers = apply(
        conn,
        [
            command(a, "start", expected_version=1),
            command(a, "block", expected_version=2, reason="waiting_for_customer"),
            command(a, "unblock", expected_version=3),
            command(a, "unblock"),
            command(a, "resolve", expected_version=4, resolution="done", cause="wear"),
            command(a, "close"),
        ],
        NOW + 1,
    )
    assert [type(x.error) for x in answers].count(NotAllowed) == 1
    assert [x.ticket.version for x in answers if x.ticket] == [2, 3, 4, 4, 5, 6]
    assert [x.event for x in answers] == [
        "ticket.started", "ticket.blocked", "ticket.unblocked", None, "ticket.resolved", "ticket.closed",
    ]  # fmt: skip
    assert [e.name for e in timeline(conn, a)] == ["open", "start", "block", "unblock", "resolve", "close"]
    assert get(conn, a) == answers[-1].ticket


def test_an_entry_says_who_when_what_and_why(conn: Connection, opened: list[Draft]) -> None:
    a = opened[0].id
    apply(conn, [Command(a, "set", {"priority": 0}, "wang.wu", "person", "customer called", 1)], NOW + 5)
    entry = timeline(conn, a)[-1]
    assert (entry.at, entry.type, entry.name, entry.actor, entry.actor_kind, entry.why, entry.version) == (
        NOW + 5, "change", "set", "wang.wu", "person", "customer called", 2,
    )  # fmt: skip
    assert entry.changes[0] == Change("priority", 2, 0)


@pytest.mark.parametrize("text", ["a\tb\r\nc", "\\N", "\\.", "'; --", "“引号” \U0001f600", '{"a": [null]}'])
def test_any_text_is_kept_as_it_was_written(conn: Connection, opened: list[Draft], text: str) -> None:
    a = opened[0].id
    apply(conn, [Command(a, "set", {"title": text, "labels": {text: text}}, text, "person", text)], NOW)
    entry, ticket = timeline(conn, a)[-1], get(conn, a)
    assert (entry.actor, entry.why, entry.changes[0].after) == (text, text, text)
    assert (ticket.title, ticket.labels) == (text, {text: text})


def test_a_command_for_what_is_already_so_leaves_no_line(conn: Connection, opened: list[Draft]) -> None:
    a = opened[0].id
    (answer,) = apply(conn, [command(a, "set", title="CPU high", priority=2)], NOW + 5)
    assert (answer.error, answer.changes, answer.events) == (None, (), ())
    assert get(conn, a).updated_at == NOW
    assert len(timeline(conn, a)) == 1


def test_every_settable_field_is_stored_and_replays(conn: Connection, opened: list[Draft]) -> None:
    a, b, _ = (d.id for d in opened)
    fields = {
        "title": "温度 高", "description": "x\ny", "kind": "complaint", "priority": 1, "labels": {"a": "b"},
        "device": 7, "customer": 8, "url": "https://x", "storm_id": b, "first_response_due": 1, "resolution_due": 2,
    }  # fmt: skip
    (answer,) = apply(conn, [Command(a, "set", fields)], NOW)
    assert answer.error is None
    stored = get(conn, a)
    assert {name: getattr(stored, name) for name in fields} == fields
    apply(conn, [Command(a, "set", dict.fromkeys(("device", "customer", "url", "storm_id")))], NOW)
    again = get(conn, a)
    assert (again.device, again.customer, again.url, again.storm_id) == (None, None, None, None)
    trail = replay(timeline(conn, a))
    assert {name: getattr(again, name) for name in trail} == trail


def test_a_storm_that_does_not_exist_is_refused(conn: Connection, opened: list[Draft]) -> None:
    (answer,) = apply(conn, [command(opened[0].id, "set", storm_id=404)], NOW)
    assert isinstance(answer.error, UnknownTicket)
    assert get(conn, opened[0].id).storm_id is None


def test_linked_tickets_know_each_other(conn: Connection, opened: list[Draft]) -> None:
    a, b, c = (d.id for d in opened)
    answers = apply(conn, [command(a, "link", other=b), command(c, "link", other=a)], NOW)
    assert [x.events for x in answers] == [("ticket.linked",), ("ticket.linked",)]
    assert links(conn, [a, b, c]) == {a: [b, c], b: [a], c: [a]}
    assert [(e.name, e.data) for e in timeline(conn, b)][1:] == [("link", {"other": a})]
    assert get(conn, a).version == 1


def test_a_link_is_made_once_and_taken_away_once_from_either_side(conn: Connection, opened: list[Draft]) -> None:
    a, b, _ = (d.id for d in opened)
    first, again = apply(conn, [command(a, "link", other=b), command(b, "link", other=a)], NOW)
    assert (first.event, again.event, again.error) == ("ticket.linked", None, None)
    gone, nothing = apply(conn, [command(b, "unlink", other=a), command(a, "unlink", other=b)], NOW)
    assert (gone.event, nothing.event, nothing.error) == ("ticket.unlinked", None, None)
    assert links(conn, [a, b]) == {}
    assert conn.execute(select(tables.link)).all() == []


def test_a_link_made_and_taken_away_in_one_batch_is_gone(conn: Connection, opened: list[Draft]) -> None:
    a, b, c = (d.id for d in opened)
    commands = [command(a, "link", other=b), command(a, "unlink", other=b), command(a, "link", other=c)]
    apply(conn, commands, NOW)
    apply(conn, [command(a, "unlink", other=c), command(a, "link", other=c)], NOW)
    assert links(conn, [a, b]) == {a: [c]}


def test_a_link_to_no_ticket_is_refused(conn: Connection, opened: list[Draft]) -> None:
    a = opened[0].id
    unknown, wrong = apply(conn, [command(a, "link", other=404), command(a, "link", other="x")], NOW)
    assert isinstance(unknown.error, UnknownTicket)
    assert isinstance(wrong.error, InvalidInput)


def test_comments_are_kept_with_who_may_read_them(conn: Connection, opened: list[Draft]) -> None:
    a = opened[0].id
    apply(conn, [command(a, "comment", text="内部"), command(a, "comment", text="Hello", public=True)], NOW + 3)
    inside, outside = timeline(conn, a)[1:]
    assert (inside.type, inside.data, inside.version) == ("comment", {"text": "内部", "public": False}, 1)
    assert (outside.data["public"], outside.changes) == (True, (Change("first_responded_at", None, NOW + 3),))
    assert get(conn, a).updated_at == NOW + 3
