"""Lineage as it is looked at over HTTP: a ticket's fields, views of the schema, and what is exported of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

import id_registry
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import Api, open_api


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    made = build(start=False)
    with open_api(made) as api:
        yield api


@pytest.fixture
def ticket(api: Api) -> str:
    return a_ticket(api.house)


def a_ticket(house: House) -> str:
    house.tell(house.alert("a", device="press-7", customer="acme", labels={"site": "south"}))
    return id_registry.format_id(house.tickets()[-1].id)


def test_every_field_that_is_listed_has_an_origin_equal_to_what_is_held(api: Api, ticket: str) -> None:
    listed = api.ask("GET", f"/v1/tickets/{ticket}/lineage/fields").json()["items"]
    assert {"title", "priority", "device", "labels"} <= {item["field"] for item in listed}
    for item in listed:
        told = api.ask("GET", f"/v1/tickets/{ticket}/lineage", params={"field": item["field"]}).json()
        assert told["verdict"] == "equal", item
        assert told["stored"] == item["value"]


def test_an_origin_says_what_its_systems_are_called(api: Api, ticket: str) -> None:
    told = api.ask("GET", f"/v1/tickets/{ticket}/lineage", params={"field": "title"}).json()
    assert told["sources"][0]["system"] == "r"
    assert told["systems"]["r"]["connector"] == "robot"
    assert told["systems"]["r"]["title"]


def test_the_graph_is_listed_by_system_the_hub_first(api: Api) -> None:
    told = api.ask("GET", "/v1/lineage/systems").json()
    assert [s["id"] for s in told["items"]][:2] == ["weft", "r"]
    weft = {d["dataset"]: d for d in told["items"][0]["datasets"]}
    assert weft["Ticket"]["fields"] > 10
    assert told["fields"] > 50
    assert told["edges"] > 50


def test_fields_are_searched_by_words(api: Api) -> None:
    found = api.ask("GET", "/v1/lineage/search", params={"q": "ticket title"}).json()
    assert found["items"][0] == {"dataset": "Ticket", "field": "title", "system": "weft"}
    only = api.ask("GET", "/v1/lineage/search", params={"q": "title", "system": "r"}).json()
    assert {item["system"] for item in only["items"]} == {"r"}


def test_a_view_has_edges_only_between_what_it_shows(api: Api) -> None:
    opened = [orjson.dumps(["Alert", "title", "upstream", 5]).decode()]
    told = api.ask("GET", "/v1/lineage/view", params={"dataset": "Ticket", "field": "title", "opened": opened}).json()
    shown = {(n["dataset"], n["field"]) for n in told["nodes"]}
    assert {("Ticket", "title"), ("Alert", "title"), ("r/alert", "title")} <= shown
    for edge in told["edges"]:
        assert {
            (edge["source"]["dataset"], edge["source"]["field"]),
            (edge["target"]["dataset"], edge["target"]["field"]),
        } <= shown
    filtered = api.ask(
        "GET", "/v1/lineage/view", params={"dataset": "Ticket", "field": "title", "type": "INDIRECT"}
    ).json()
    assert {e["type"] for e in filtered["edges"]} <= {"INDIRECT"}


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({"dataset": "Tickets"}, 404, "'Ticket'"),
        ({"dataset": "Ticket", "field": "titel"}, 404, "'title'"),
        ({"dataset": "Ticket", "opened": "Ticket:title"}, 422, "downstream"),
    ],
)
def test_a_view_of_nothing_says_what_there_is(api: Api, params: dict[str, str], status: int, says: str) -> None:
    answer = api.ask("GET", "/v1/lineage/view", params=params)
    assert answer.status_code == status
    assert says in answer.text


def test_a_view_is_exported_as_openlineage_of_its_edges(api: Api) -> None:
    params = {"dataset": "Ticket", "field": "title", "depth": 2}
    view = api.ask("GET", "/v1/lineage/view", params=params).json()
    events = api.ask("GET", "/v1/lineage/view/openlineage", params=params).json()
    exported = {
        (read["name"].removeprefix("r/"), read["field"], output["name"], field)
        for event in events
        for output in event["outputs"]
        for field, made in output["facets"]["columnLineage"]["fields"].items()
        for read in made["inputFields"]
    }
    shown = {
        (e["source"]["dataset"].removeprefix("r/"), e["source"]["field"], e["target"]["dataset"], e["target"]["field"])
        for e in view["edges"]
        if e["target"]["field"] is not None and "/" not in e["target"]["dataset"] and e["source"]["field"] is not None
    }
    assert shown
    assert shown <= exported
    assert all(event["job"]["namespace"] == "weft" and "run" not in event for event in events)


def test_a_value_is_exported_as_openlineage_without_the_value(api: Api, ticket: str) -> None:
    answer = api.ask("GET", f"/v1/tickets/{ticket}/lineage/openlineage", params={"field": "title"})
    event = answer.json()[0]
    columns = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert list(columns) == ["title"]
    assert {(f["name"], f["field"]) for f in columns["title"]["inputFields"]} >= {("alert", "title")}
    assert "alert a" not in answer.text


RIGHTS = {
    "policy": "rights",
    "data": {"customer.phone": {"names": ["phone"], "looks": "phone"}, "place": {"names": ["site"]}},
    "roles": {"guard": {"pages": ["/v1"], "may": [{"read": ["*"], "hidden": ["title", "place"]}]}},
}


def test_what_a_role_may_not_see_is_not_in_the_graph(build: Build) -> None:
    with open_api(build({"policies": [RIGHTS]}, start=False)) as api:
        ticket = a_ticket(api.house)
        made = api.ask("POST", "/v1/tokens", json={"name": "g", "role": "viewer", "roles": ["guard"]}).json()
        guard = {"Authorization": f"Bearer {made['token']}"}

        def ask(path: str, **params: str) -> Any:
            return api.client.get(path, headers=guard, params=params)

        found = ask("/v1/lineage/search", q="title").json()["items"]
        assert ("Ticket", "title") not in {(i["dataset"], i["field"]) for i in found}
        assert ask("/v1/lineage/view", dataset="Ticket", field="title").status_code == 404
        view = ask("/v1/lineage/view", dataset="Alert", field="title").json()
        assert ("Ticket", "title") not in {(n["dataset"], n["field"]) for n in view["nodes"]}
        assert view["withheld"] == 1
        fields = {i["field"]: i["value"] for i in ask(f"/v1/tickets/{ticket}/lineage/fields").json()["items"]}
        assert fields["title"] == "***"
        assert fields["labels"] == {"site": "***"}
        assert ask(f"/v1/tickets/{ticket}/lineage/openlineage", field="title").status_code == 403
