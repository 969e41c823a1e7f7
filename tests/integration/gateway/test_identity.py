"""A steward's work over HTTP: find a thing, who speaks of it, its golden record, take apart, keep apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import id_registry
from gateway import clock
from id_registry import Key, Observation
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as api:
        yield api


@pytest.fixture
def firms(api: Api) -> tuple[str, str]:
    """One customer as the CRM and as the ERP know it; two tickets are about the ERP's."""
    now = clock.now()
    keys = [Key("customer", "crm", "A-1"), Key("customer", "r", "acme")]
    with api.house.gateway.transaction() as conn:
        a = id_registry.resolve(conn, keys[:1], now)[keys[0]]
    api.house.clock.forward(60)
    for name in ("a", "b"):
        api.house.tell(api.house.alert(name, device="press-7", customer="acme"))
    with api.house.gateway.transaction() as conn:
        b = id_registry.lookup(conn, keys[1:])[keys[1]]
        said = [
            (a, "crm", "name", "杭州精工机械有限公司"), (a, "crm", "phone", "1"), (a, "crm", "tier", "gold"),
            (b, "r", "name", "Acme 精工"), (b, "r", "city", "杭州"),
        ]  # fmt: skip
        id_registry.observe(conn, [Observation(g, s, f, v, now) for g, s, f, v in said], now)
    return id_registry.format_id(a), id_registry.format_id(b)


def found(api: Api, **params: Any) -> list[tuple[str, str]]:
    answer = api.ask("GET", "/v1/ids/search", params=params)
    assert answer.status_code == 200, answer.text
    return [(item["id"], item["by"]) for item in answer.json()["items"]]


def test_a_thing_is_found_by_name_key_and_id(api: Api, firms: tuple[str, str]) -> None:
    a, b = firms
    assert found(api, q="精工") == [(b, "name"), (a, "name")]
    assert found(api, q="acm") == [(b, "key")]
    assert found(api, q="press", kind="customer") == []
    item = api.ask("GET", "/v1/ids/search", params={"q": a}).json()["items"][0]
    assert (item["name"], item["systems"], item["kind"]) == ("杭州精工机械有限公司", ["crm"], "customer")


def test_who_speaks_of_a_thing_is_told_of_all_its_ids(api: Api, firms: tuple[str, str]) -> None:
    a, b = firms
    assert api.ask("GET", f"/v1/ids/{a}/uses").json()["tickets"] == 0
    api.ask("POST", "/v1/ids/merge", json={"a": a, "b": b, "reason": "same firm"})
    told = api.ask("GET", f"/v1/ids/{a}/uses").json()
    assert told["tickets"] == 2
    assert [ticket["title"] for ticket in told["latest"]] == ["alert b", "alert a"]
    read = api.ask("GET", f"/v1/ids/{b}").json()
    assert (read["live"], read["name"], read["merges"][0]["reason"]) == (a, "杭州精工机械有限公司", "same firm")


def test_a_golden_record_keeps_the_losing_values_with_whose_they_are(api: Api, firms: tuple[str, str]) -> None:
    a, b = firms
    api.ask("POST", "/v1/ids/merge", json={"a": a, "b": b})
    golden = {f["field"]: f for f in api.ask("GET", f"/v1/ids/{a}/golden").json()["fields"]}
    assert (golden["name"]["value"], golden["name"]["rule"]) == ("杭州精工机械有限公司", "completeness")
    (other,) = golden["name"]["others"]
    assert (other["value"], other["system"], other["birth_id"]) == ("Acme 精工", "r", b)
    assert (golden["city"]["rule"], golden["city"]["others"]) == ("only", [])


def test_a_split_pair_is_kept_apart_until_somebody_allows_it(api: Api, firms: tuple[str, str]) -> None:
    a, b = firms
    api.ask("POST", "/v1/ids/merge", json={"a": a, "b": b})
    done = api.ask("POST", f"/v1/ids/{a}/split", json={"out": [b], "reason": "two firms"}).json()
    assert (done["stayed"], done["left"]) == (a, b)
    forbidden = api.ask("GET", f"/v1/ids/{a}").json()["forbidden"]
    assert [(pair["a"], pair["b"]) for pair in forbidden] == [(a, b)]
    assert api.ask("POST", "/v1/ids/merge", json={"a": a, "b": b}).status_code == 409
    assert not api.ask("DELETE", "/v1/ids/apart", params={"a": a, "b": b}).json()["already"]
    assert api.ask("POST", "/v1/ids/merge", json={"a": a, "b": b}).status_code == 200
    assert api.ask("POST", "/v1/ids/apart", json={"a": a, "b": b}).status_code == 409


def test_only_who_may_configure_changes_identity(api: Api, firms: tuple[str, str]) -> None:
    a, b = firms
    assert api.ask("GET", f"/v1/ids/{a}/uses", role="viewer").status_code == 200
    for path, body in ((f"{a}/split", {"out": [b]}), ("apart", {"a": a, "b": b}), ("merge", {"a": a, "b": b})):
        assert api.ask("POST", f"/v1/ids/{path}", role="agent", json=body).status_code == 403
