"""Finding, counting and reading tickets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from core_tickets import (
    Draft,
    Filters,
    InvalidInput,
    Order,
    UnknownTicket,
    apply,
    counts,
    get,
    get_many,
    open_or_merge,
    read_values,
    search,
)
from tests.integration.core_tickets.samples import NOW, command, draft


@pytest.fixture
def opened(conn: Connection) -> list[Draft]:
    """Three tickets: a storm, its member, and a purchase in work."""
    storm = draft("s", title="Storm on 100%_line", priority=0, device=11, group="ops", source="am-main")
    member = draft("m", title="Fan slow", storm_id=storm.id, customer=22, source="zabbix")
    purchase = draft("p", title="Buy 1000 lines", kind="spare_part_purchase", assignee="li", priority=3)
    open_or_merge(conn, [storm, member, purchase], NOW)
    apply(conn, [command(purchase.id, "start")], NOW + 10)
    return [storm, member, purchase]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [2, 1, 0]),
        ({"status": ["pending"]}, [1, 0]),
        ({"status": ["pending", "in_progress"]}, [2, 1, 0]),
        ({"status": []}, []),
        ({"priority": [0, 3]}, [2, 0]),
        ({"kind": ["spare_part_purchase"]}, [2]),
        ({"q": "LINE"}, [2, 0]),
        ({"q": "100%"}, [0]),
        ({"q": "%_l"}, [0]),
        ({"q": "0_l"}, []),
        ({"q": "/"}, []),
        ({"assignee": "li"}, [2]),
        ({"group": "ops"}, [0]),
        ({"device": 11}, [0]),
        ({"customer": 22}, [1]),
        ({"source": "zabbix"}, [1]),
        ({"fingerprint": "p"}, [2]),
        ({"updated_since": NOW + 10}, [2]),
        ({"status": ["pending"], "priority": [0], "device": 11, "q": "storm"}, [0]),
        ({"status": ["pending"], "assignee": "li"}, []),
    ],
)
def test_filters_narrow_and_add_up(
    conn: Connection, opened: list[Draft], asked: dict[str, Any], found: list[int]
) -> None:
    page = search(conn, Filters(**asked))
    assert [t.id for t in page.items] == [opened[i].id for i in found]
    assert page.next_cursor is None


def test_the_members_of_a_storm_are_found(conn: Connection, opened: list[Draft]) -> None:
    storm, member, _ = opened
    assert [t.id for t in search(conn, Filters(storm_id=storm.id)).items] == [member.id]


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"status": ["done"]}, "status"),
        ({"status": "pending"}, "status"),
        ({"priority": [9]}, "priority"),
        ({"kind": ["x"]}, "kind"),
        ({"q": "a\0"}, "q"),
        ({"device": 2**64}, "device"),
        ({"updated_since": -1}, "updated_since"),
    ],
)
def test_a_filter_nobody_can_meet_is_refused(conn: Connection, asked: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        search(conn, Filters(**asked))
    assert refused.value.path == path


def pages(conn: Connection, order: Order, limit: int) -> list[int]:
    found, cursor = [], None
    while True:
        page = search(conn, Filters(), cursor, limit, order=order)
        assert len(page.items) <= limit
        found += [t.id for t in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10])
def test_pages_join_to_the_whole_in_every_order(conn: Connection, limit: int) -> None:
    drafts = [draft() for _ in range(10)]
    open_or_merge(conn, drafts, NOW)
    ids = [d.id for d in drafts]
    apply(conn, [command(i, "start") for i in ids[3:6]], NOW + 1)
    assert pages(conn, "newest", limit) == ids[::-1]
    assert pages(conn, "recent", limit) == ids[5:2:-1] + ids[:5:-1] + ids[2::-1]
    assert pages(conn, "changed", limit) == ids[:3] + ids[6:] + ids[3:6]


@pytest.mark.parametrize("order", ["newest", "recent"])
def test_tickets_opened_while_one_pages_neither_repeat_nor_hide_any(conn: Connection, order: Order) -> None:
    drafts = [draft() for _ in range(6)]
    open_or_merge(conn, drafts, NOW)
    first = search(conn, Filters(), None, 3, order=order)
    open_or_merge(conn, [draft() for _ in range(4)], NOW + 1)
    second = search(conn, Filters(), first.next_cursor, 3, order=order)
    assert [t.id for t in first.items + second.items] == [d.id for d in drafts][::-1]


def test_who_follows_all_changes_misses_none(conn: Connection) -> None:
    drafts = [draft() for _ in range(4)]
    open_or_merge(conn, drafts, NOW)
    first = search(conn, Filters(), None, 2, order="changed")
    apply(conn, [command(first.items[0].id, "start")], NOW + 1)
    rest = search(conn, Filters(), first.next_cursor, 10, order="changed")
    assert [t.id for t in rest.items] == [drafts[2].id, drafts[3].id, drafts[0].id]


@pytest.mark.parametrize(
    "cursor", ["", "x", "ü", "WyJuZXdlc3QiXQ", "WyJyZWNlbnQiLDEsMV0", "bnVsbA", "WyJuZXdlc3QiLC0xXQ"]
)
def test_a_cursor_of_another_list_is_refused(conn: Connection, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        search(conn, Filters(), cursor)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_of_tickets_has_bounds(conn: Connection, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        search(conn, Filters(), limit=limit)


def test_counts_are_by_status_and_priority(conn: Connection, opened: list[Draft]) -> None:
    assert counts(conn) == {("pending", 0): 1, ("pending", 2): 1, ("in_progress", 3): 1}
    assert counts(conn, Filters(source="zabbix")) == {("pending", 2): 1}


def test_reading_one_that_does_not_exist_is_an_error_and_of_many_an_absence(
    conn: Connection, opened: list[Draft]
) -> None:
    with pytest.raises(UnknownTicket, match="404"):
        get(conn, 404)
    with pytest.raises(UnknownTicket):
        get(conn, 2**80)
    assert set(get_many(conn, [opened[0].id, 404])) == {opened[0].id}
    assert get_many(conn, []) == {}


def test_lineage_reads_canonical_values(conn: Connection, opened: list[Draft]) -> None:
    storm, _, purchase = opened
    values = read_values(conn, [storm.id, purchase.id, 404])
    assert set(values) == {storm.id, purchase.id}
    of_storm = values[storm.id]
    assert (of_storm["title"], of_storm["priority"], of_storm["device"], of_storm["customer"]) == (
        "Storm on 100%_line", "P0", 11, None,
    )  # fmt: skip
    assert of_storm["opened_at"] == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert values[purchase.id]["first_responded_at"] == datetime(2026, 9, 21, 14, 13, 20, 10, tzinfo=UTC)
