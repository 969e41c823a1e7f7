"""Reviews and merge previews as people and pages use them: over HTTP, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import id_registry
from gateway import clock
from id_registry import Key, format_id
from id_registry.matching import Doubt, Evidence, propose_reviews
from tests.integration.gateway.books.connector import Shelves
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api
from tests.integration.gateway.replicas import Keep

HOSTILE = "\u202e华联" + "🏭" * 40 + "超市" + "长" * 300


@pytest.fixture
def shop(build: Build) -> Iterator[tuple[Api, Keep, list[int]]]:
    """A hub that holds one customer of the ERP and one of the CRM, which a matcher could not tell apart."""
    world = {place: Shelves() for place in ("erp", "crm")}
    books = [{"id": p, "connector": "books", "config": {"place": p}} for p in world]
    given = {"connections": [{"id": "r", "connector": "robot"}, *books]}
    keep = Keep(build(given, books=world, start=False), world)
    with open_api(keep.house) as api:
        keep.erp.put("customers", {"code": "C1", "name": HOSTILE, "city": "上海"})
        keep.crm.put("customers", {"code": "EC-1", "name": "华联超市", "city": "北京"})
        keep.run("customers")
        keep.run("customers", "crm")
        keys = [Key("customer", "erp", "C1"), Key("customer", "crm", "EC-1")]
        with keep.house.gateway.transaction() as conn:
            found = id_registry.lookup(conn, keys)
            a, b = (found[key] for key in keys)
            told = (
                Evidence("name", HOSTILE, "华联超市", "near", 6.0),
                Evidence("city", "上海", "北京", "differs", -4.5),
            )
            propose_reviews(conn, [Doubt(a, b, 1.5, told, "between")], "online", clock.now())
        yield api, keep, [a, b]


def test_a_pair_is_shown_with_both_sides_and_its_evidence(shop: Any) -> None:
    api, _, (a, b) = shop
    listed = api.ask("GET", "/v1/ids/reviews").json()
    assert listed["counts"] == {"customer": {"open": 1}}
    (item,) = listed["items"]
    assert (item["a"]["id"], item["b"]["id"]) == (format_id(min(a, b)), format_id(max(a, b)))
    whole = api.ask("GET", f"/v1/ids/reviews/{item['id']}").json()
    assert {e["field"]: e["bits"] for e in whole["evidence"]} == {"name": 6.0, "city": -4.5}
    shown = {f["field"]: f["value"] for side in ("a", "b") for f in whole["sides"][side]["fields"]}
    assert "city" in shown
    assert whole["preview"]["conflicts"] == ["city", "name"]


def test_a_preview_tells_what_would_move_and_changes_nothing(shop: Any) -> None:
    api, keep, (a, b) = shop
    keep.house.tell(keep.house.alert("x", customer="EC-1"), connection="r")
    ticket = api.ask("POST", "/v1/tickets", json={"title": "refund", "customer": format_id(b)}).json()
    found = api.ask("POST", "/v1/ids/merge/preview", json={"a": format_id(a), "b": format_id(b)}).json()
    assert (found["winner"], found["loser"]) == (format_id(a), format_id(b))
    assert found["keys"] == [{"system": "crm", "local_id": "EC-1", "birth_id": format_id(b)}]
    assert found["links"] == [{"connection": "crm", "stream": "customers", "records": 1}]
    assert (found["tickets"]["count"], found["tickets"]["open"]) == (1, 1)
    assert found["tickets"]["items"][0]["id"] == ticket["id"]
    with keep.house.gateway.reading() as conn:
        assert id_registry.live(conn, [a, b]) == {a: a, b: b}


def test_deciding_same_merges_and_undoing_the_merge_takes_it_back(shop: Any) -> None:
    api, _, (a, b) = shop
    number = api.ask("GET", "/v1/ids/reviews").json()["items"][0]["id"]
    path = f"/v1/ids/reviews/{number}/decide"
    for _ in range(2):
        decided = api.ask("POST", path, json={"decision": "same", "why": "同一家"}).json()
        assert (decided["state"], decided["one_thing"]) == ("same", True)
    assert api.ask("POST", path, json={"decision": "different"}).status_code == 409
    api.ask("POST", f"/v1/ids/merges/{decided['merge']['id']}/undo")
    again = api.ask("POST", path, json={"decision": "different"}).json()
    assert (again["state"], again["one_thing"]) == ("different", False)
    merged = api.ask("POST", "/v1/ids/merge", json={"a": format_id(a), "b": format_id(b)})
    assert merged.status_code == 409


def test_what_cannot_be_is_refused(shop: Any) -> None:
    api, _, _ = shop
    for method, path, body, status in (
        ("GET", "/v1/ids/reviews/999", None, 404),
        ("GET", "/v1/ids/reviews?state=lost", None, 422),
        ("GET", "/v1/ids/reviews?cursor=x", None, 422),
        ("GET", "/v1/ids/reviews?kind=unicorn", None, 422),
        ("POST", "/v1/ids/reviews/1/decide", {"decision": "perhaps"}, 422),
        ("POST", "/v1/ids/reviews/1/decide", {"decision": "same", "why": "\0"}, 422),
        ("POST", "/v1/ids/merge/preview", {"a": "CUST-2026-000001", "b": "DEV-2026-000001"}, 409),
        ("POST", "/v1/ids/merge/preview", {"a": "CUST-1999-000001", "b": "CUST-1999-000002"}, 404),
    ):
        assert api.ask(method, path, json=body).status_code == status, path


def test_what_the_matcher_decided_is_told_with_its_evidence(shop: Any) -> None:
    api, keep, _ = shop
    keep.erp.put("customers", {"code": "C2", "name": "上海精工机械"})
    keep.crm.put("customers", {"code": "EC-2", "name": "北京精工机械"})
    keep.run("customers")
    keep.run("customers", "crm")
    found = api.ask("GET", "/v1/ids?system=crm&kind=customer&local_id=EC-2").json()
    (latest,) = api.ask("GET", f"/v1/ids/{found['id']}/decisions", role="viewer").json()["items"]
    assert (latest["record"], latest["candidates"]) == (found["id"], 1)
    assert latest["outcome"] in ("mint", "review")
    levels = {e["field"]: e["level"] for e in latest["evidence"]}
    assert (levels["core"], levels["region"]) == ("exact", "differs")


def test_a_viewer_reads_reviews_and_decides_none(shop: Any) -> None:
    api, _, _ = shop
    (item,) = api.ask("GET", "/v1/ids/reviews", role="viewer").json()["items"]
    refused = api.ask("POST", f"/v1/ids/reviews/{item['id']}/decide", role="viewer", json={"decision": "same"})
    assert refused.status_code == 403
