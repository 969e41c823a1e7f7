"""Lists that come in pages, and that change while they are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.errors import ConfigProblem, Transient
from tests.unit.connectors_rest.systems import STREAM, connector, ids, read

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
CHANGES = {
    **STREAM,
    "cursor": "changed",
    "request": {"path": "/items", "params": {"since": "{since}", "page": "{page.number}", "size": "{page.size}"}},
    "paging": {"kind": "page", "size": 3},
}


class Shelf:
    """A list in the order of its changes; `before` is done to it before each page is given."""

    def __init__(self, n: int, minutes: int = 1) -> None:
        self.rows = {f"r{i:02}": BEGIN + timedelta(minutes=minutes * i) for i in range(n)}
        self.pages = 0
        self.before: dict[int, Any] = {}

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.pages += 1
        if self.pages in self.before:
            self.before[self.pages](self)
        asked = request.url.params
        since = datetime.fromisoformat(asked["since"]) if "since" in asked else BEGIN - timedelta(days=1)
        found = sorted((at, name) for name, at in self.rows.items() if at >= since)
        start = (int(asked["page"]) - 1) * 3
        rows = [{"id": name, "changed": at.isoformat()} for at, name in found[start : start + 3]]
        return httpx.Response(200, json={"rows": rows, "total": len(found)})


def test_a_record_that_moves_to_the_end_while_pages_are_turned_pushes_none_over_the_edge() -> None:
    shelf = Shelf(12)
    shelf.before = {n: lambda s, n=n: s.rows.update({f"r{n - 2:02}": BEGIN + timedelta(days=n)}) for n in (2, 3, 4)}
    found = ids(read(connector(shelf.handle, streams={"item": CHANGES})))
    assert set(found) == set(shelf.rows)


def test_many_records_of_one_moment_are_read_through_and_the_read_ends() -> None:
    shelf = Shelf(10, minutes=0)
    batches = read(connector(shelf.handle, streams={"item": CHANGES}))
    assert sorted(set(ids(batches))) == sorted(shelf.rows)
    assert batches[-1].cursor == [BEGIN.isoformat(), None]


def test_a_run_cut_among_records_of_one_moment_goes_on_at_its_place() -> None:
    shelf = Shelf(10, minutes=0)
    made = connector(shelf.handle, streams={"item": CHANGES})
    first = read(made)[:2]
    rest = read(made, first[-1].cursor)
    assert sorted({*ids(first), *ids(rest)}) == sorted(shelf.rows)
    assert len(ids(rest)) < 10


def test_an_empty_page_moves_no_cursor() -> None:
    made = connector(Shelf(0).handle, streams={"item": CHANGES})
    cursor = [BEGIN.isoformat(), None]
    assert [batch.cursor for batch in read(made, cursor)] == [cursor]
    assert [batch.cursor for batch in read(made)] == [None]


def test_records_out_of_order_stop_the_run_instead_of_losing_some() -> None:
    rows = [{"id": "a", "changed": "2026-11-02T00:00:00Z"}, {"id": "b", "changed": "2026-11-01T00:00:00Z"}]
    made = connector(lambda _: httpx.Response(200, json={"rows": rows}), streams={"item": CHANGES})
    with pytest.raises(ConfigProblem, match="ascending order of changed"):
        read(made)


def test_lookback_reaches_behind_the_cursor() -> None:
    shelf = Shelf(12)
    stream = {**CHANGES, "lookback": "3m"}
    cursor = [(BEGIN + timedelta(minutes=11)).isoformat(), None]
    found = ids(read(connector(shelf.handle, streams={"item": stream}), cursor))
    assert min(found) == "r08"


def test_a_place_that_is_gone_is_begun_again_at_its_moment() -> None:
    stream = {**CHANGES, "paging": {"kind": "token", "next": "next"},
              "request": {"path": "/items", "params": {"since": "{since}", "after": "{page.token}"}}}  # fmt: skip
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        if request.url.params.get("after") == "stale":
            return httpx.Response(410, json={"error": "cursor expired"})
        return httpx.Response(200, json={"rows": [{"id": "a", "changed": BEGIN.isoformat()}], "next": None})

    found = read(connector(handle, streams={"item": stream}), [BEGIN.isoformat(), "stale"])
    assert ids(found) == ["a"]
    assert [("after" in query) for query in asked] == [True, False]


def test_a_cursor_of_another_stream_is_refused() -> None:
    made = connector(Shelf(3).handle, streams={"item": CHANGES})
    for cursor in ("2026", ["yesterday", None], [7, None], {"a": 1}):
        with pytest.raises(ConfigProblem, match="no cursor"):
            read(made, cursor)


# -- snapshots --------------------------------------------------------------------------------------------------------

PAGED = {
    **STREAM,
    "request": {"path": "/items", "params": {"page": "{page.number}", "size": "{page.size}"}},
    "paging": {"kind": "page", "size": 3, "total": "total"},
}


def test_a_list_that_shrinks_while_it_is_read_is_read_again_and_not_taken_for_whole() -> None:
    shelf = Shelf(9)
    shelf.before = {2: lambda s: s.rows.pop("r00")}
    made = connector(shelf.handle, streams={"item": PAGED})
    with pytest.raises(Transient, match="changed"):
        read(made)
    assert ids(read(made)) == sorted(shelf.rows)


def test_the_number_of_all_spares_the_empty_page() -> None:
    shelf = Shelf(9)
    read(connector(shelf.handle, streams={"item": PAGED}))
    assert shelf.pages == 3


def test_a_short_page_in_the_middle_is_not_taken_for_the_end() -> None:
    pages = {"1": ["a", "b", "c"], "2": ["d"], "3": ["e", "f"], "4": []}

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"rows": [{"id": each} for each in pages[request.url.params["page"]]]})

    stream = {**PAGED, "paging": {"kind": "page", "size": 3}}
    assert ids(read(connector(handle, streams={"item": stream}))) == list("abcdef")


def test_a_system_that_ignores_the_page_asked_for_is_found_out() -> None:
    stream = {**PAGED, "paging": {"kind": "page", "size": 3}}
    made = connector(lambda _: httpx.Response(200, json={"rows": [{"id": "a"}]}), streams={"item": stream})
    with pytest.raises(ConfigProblem, match="same page again"):
        read(made)


def test_a_page_behind_the_end_may_be_a_404() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(200, json={"rows": [{"id": "a"}]})
            if request.url.params["page"] == "1"
            else httpx.Response(404)
        )

    stream = {**PAGED, "paging": {"kind": "page", "size": 3}}
    assert ids(read(connector(handle, streams={"item": stream}))) == ["a"]


def test_relative_and_absolute_links_are_followed_with_the_same_headers() -> None:
    seen: list[tuple[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        seen.append((path, request.headers["x-plant"]))
        following = {"/base/items": "items/2", "/base/items/2": "http://system.test/base/items/3"}.get(path)
        return httpx.Response(200, json={"rows": [{"id": path}], "next": following})

    stream = {**STREAM, "request": {"path": "/items", "headers": {"X-Plant": "{config.plant}"}},
              "paging": {"kind": "link", "next": "next"}}  # fmt: skip
    read(connector(handle, streams={"item": stream}))
    assert seen == [("/base/items", "01"), ("/base/items/2", "01"), ("/base/items/3", "01")]


def test_an_answer_without_the_list_is_not_an_empty_list() -> None:
    made = connector(lambda _: httpx.Response(200, json={"data": []}), streams={"item": STREAM})
    with pytest.raises(Transient, match="no list at rows"):
        read(made)
