"""One list for the audit trail, the comments and the hub's notes."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from core_tickets import Draft, InvalidInput, Note, UnknownTicket, apply, note, open_or_merge, timeline
from tests.integration.core_tickets.samples import NOW, command, draft, statements


@pytest.fixture
def opened(conn: Connection) -> Draft:
    d = draft("f")
    open_or_merge(conn, [d], NOW)
    return d


def receipt(ticket_id: int, number: int = 1) -> Note:
    return Note(ticket_id, "receipt", {"command": number, "text": "已确认 \0"}, "bridge zabbix-close", NOW + 2)


def test_changes_comments_and_notes_come_in_the_order_they_were_written(conn: Connection, opened: Draft) -> None:
    apply(conn, [command(opened.id, "comment", text="hm")], NOW + 9)
    note(conn, [receipt(opened.id)])
    apply(conn, [command(opened.id, "start")], NOW + 10)
    assert [(e.type, e.name) for e in timeline(conn, opened.id)] == [
        ("change", "open"), ("comment", "comment"), ("note", "receipt"), ("change", "start"),
    ]  # fmt: skip


def test_a_note_keeps_its_data(conn: Connection, opened: Draft) -> None:
    note(conn, [receipt(opened.id, 42)])
    entry = timeline(conn, opened.id)[-1]
    assert (entry.data, entry.actor, entry.actor_kind, entry.at, entry.version, entry.changes) == (
        {"command": 42, "text": "已确认 \0"}, "bridge zabbix-close", "system", NOW + 2, None, (),
    )  # fmt: skip


def test_a_timeline_is_read_in_pages(conn: Connection, opened: Draft) -> None:
    note(conn, [receipt(opened.id, n) for n in range(7)])
    read, after = [], 0
    while page := timeline(conn, opened.id, after, limit=3):
        assert len(page) <= 3
        read += page
        after = page[-1].id
    assert [e.data.get("command") for e in read] == [None, *range(7)]


def test_a_batch_of_notes_is_two_statements_at_most(conn: Connection, opened: Draft) -> None:
    with statements(conn) as sent:
        note(conn, [receipt(opened.id, n) for n in range(50)])
    assert len(sent) <= 2


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (Note(404, "receipt", {}, "hub", NOW), UnknownTicket),
        (Note(1, "", {}, "hub", NOW), InvalidInput),
        (Note(1, "receipt", {"a": {1, 2}}, "hub", NOW), InvalidInput),
        (Note(1, "receipt", {"a": "\ud800"}, "hub", NOW), InvalidInput),
        (Note(1, "receipt", {}, "a\0", NOW), InvalidInput),
        (Note(1, "receipt", {}, "hub", NOW, actor_kind="ghost"), InvalidInput),
    ],
)
def test_one_wrong_note_writes_none(conn: Connection, opened: Draft, wrong: Note, error: type[Exception]) -> None:
    with pytest.raises(error):
        note(conn, [receipt(opened.id), wrong])
    assert len(timeline(conn, opened.id)) == 1


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_has_bounds(conn: Connection, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        timeline(conn, 1, 0, limit)
