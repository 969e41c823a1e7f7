"""Connectors made of YAML alone, as the hub takes them: as configuration, and from its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.manifest import kinds
from gateway.config import documents, store, yaml12
from gateway.config.hub import Hub
from gateway.errors import BadConfiguration, Problem
from gateway.service import Gateway
from gateway.settings import Settings
from tests.integration.gateway.in_process import Build, House

SHOP = {"id": "shop-1", "connector": "shop", "config": {"url": "http://shop.example", "api_key": "a-key-of-the-shop"}}


def manifest(name: str = "shop", **more: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml12.load(kinds()["rest"].scaffold(name))
    return loaded | more


def apply(house: House, **given: Any) -> list[store.Change]:
    return house.gateway.apply(documents.validate(given))


def refused(house: House, **given: Any) -> list[Problem]:
    with pytest.raises(BadConfiguration) as refusal:
        apply(house, **given)
    assert not [c for c in house.gateway.hub.connections if c != "r"], "nothing may have changed"
    return list(refusal.value.problems)


def test_a_manifest_and_a_connection_of_it_are_applied_together(house: House) -> None:
    changes = apply(house, connectors=[manifest()], connections=[SHOP])
    assert [(c.kind, c.id, c.what) for c in changes] == [
        ("connector", "shop", "added"), ("connection", "shop-1", "added"),
    ]  # fmt: skip
    live = house.gateway.hub.connection("shop-1")
    assert live.broken == ""
    assert live.can == {"reads"}
    assert live.mappings["item"].target == "Article"
    assert "shop" in house.gateway.catalogue.good
    assert "shop" not in house.gateway.installed.good


def test_a_manifest_that_is_applied_twice_changes_nothing_and_disturbs_nobody(house: House) -> None:
    apply(house, connectors=[manifest()], connections=[SHOP])
    before = house.gateway.hub.connection("shop-1")
    assert {c.what for c in apply(house, connectors=[manifest()], connections=[SHOP])} == {"unchanged"}
    apply(house, connectors=[manifest("other")])
    assert house.gateway.hub.connection("shop-1") is before


def test_a_changed_manifest_makes_its_connections_anew(house: House) -> None:
    apply(house, connectors=[manifest()], connections=[SHOP])
    before = house.gateway.hub.connection("shop-1")
    (change,) = apply(house, connectors=[manifest(title="A better shop")])
    assert (change.what, change.fields) == ("changed", ("title",))
    after = house.gateway.hub.connection("shop-1")
    assert after is not before
    assert after.connector is not None
    assert after.connector.title == "A better shop"


def test_the_secrets_of_a_manifests_connection_are_sealed_and_never_shown(house: House) -> None:
    apply(house, connectors=[manifest()], connections=[SHOP])
    with house.gateway.reading() as conn:
        stored = store.stored(conn)["connection"]
        shown = store.export(conn, house.gateway.catalogue, house.gateway.hub)
    assert "a-key-of-the-shop" not in str(stored)
    assert "a-key-of-the-shop" not in str(shown)
    assert [each["connector"] for each in shown["connectors"]] == ["shop"]


def test_an_export_can_be_applied_again(house: House) -> None:
    apply(house, connectors=[manifest()], connections=[SHOP])
    with house.gateway.reading() as conn:
        text = yaml12.dump(store.export(conn, house.gateway.catalogue, house.gateway.hub))
    changes = house.gateway.apply(documents.parse([("export.yaml", text)]))
    assert {c.what for c in changes if c.kind in ("connector", "connection")} == {"unchanged"}


def test_a_manifests_file_is_a_document_as_it_is(house: House) -> None:
    found = documents.parse([("shop.yaml", kinds()["rest"].scaffold("shop"))])
    assert [c.what for c in house.gateway.apply(found)] == ["added"]


@pytest.mark.parametrize(
    ("more", "path", "told"),
    [
        ({"stream": {}}, "connectors[0].stream", "streams"),
        ({"kind": "rset"}, "connectors[0].kind", "rest"),
        ({"auth": {"kind": "bearer", "token": "{config.nothing}"}}, "connectors[0]", "config.nothing"),
        ({"bridges": [{"id": "b", "on": "ticket.closed", "op": "x", "when": "1 +"}]}, "connectors[0].bridges[0]", ""),
        ({"rules": [{"id": "a"}]}, "connectors[0].rules[0]", ""),
    ],
)
def test_a_mistake_is_told_with_its_path_and_the_remedy(house: House, more: Any, path: str, told: str) -> None:
    (problem, *_) = refused(house, connectors=[manifest(**more)], connections=[SHOP])
    assert problem.path.startswith(path)
    assert told in f"{problem.message} {problem.hint}"


def test_a_mapping_of_a_manifest_is_proven_by_its_own_tests(house: House) -> None:
    mapping = manifest()["mappings"]["item"]
    wrong = {**mapping, "tests": [{"in": {"id": "A-1"}, "out": {"id": "B-2"}}]}
    (problem,) = refused(house, connectors=[manifest(mappings={"item": wrong})])
    assert problem.path == "connectors[0].mappings.item.tests"


def test_the_name_of_another_connector_is_taken(house: House) -> None:
    (problem,) = refused(house, connectors=[manifest("zabbix")])
    assert (problem.path, problem.hint) == ("connectors[0].connector", "rename it")
    assert house.gateway.catalogue.good["zabbix"].__module__.startswith("connectors.zabbix")


def test_a_manifests_own_rules_bridges_and_questions_are_on_for_its_connections(house: House) -> None:
    rule = {"id": "few-items", "on": "Article", "when": "active == False", "suppress": "not interesting"}
    apply(house, connectors=[manifest(rules=[rule])])
    assert "few-items" not in {r.spec.id for r in house.gateway.hub.rules.by_kind.get("Article", ())}
    apply(house, connections=[SHOP])
    assert "few-items" in {r.spec.id for r in house.gateway.hub.rules.by_kind["Article"]}


@pytest.fixture
def empty_hub(build: Build, tmp_path: Path, migrated_url: str) -> Iterator[Gateway]:
    """A hub with a folder of its own, on a database with tables and nothing in them."""
    gateway = Gateway(Settings(home=tmp_path / "apart", database_url=migrated_url))
    (tmp_path / "apart" / "connectors").mkdir(parents=True)
    yield gateway
    gateway.close()


def write(gateway: Gateway, text: str) -> Hub:
    """Put a manifest into the hub's folder; the hub as it then is."""
    (gateway.settings.home / "connectors" / "shop.yaml").write_text(text, "utf-8")
    return gateway.reload()


def test_a_file_in_the_hubs_folder_counts_at_once_and_so_does_its_end(empty_hub: Gateway) -> None:
    assert "shop" not in empty_hub.catalogue.good
    write(empty_hub, kinds()["rest"].scaffold("shop"))
    assert "shop" in empty_hub.catalogue.good
    empty_hub.apply(documents.validate({"connections": [SHOP]}))
    assert empty_hub.hub.connection("shop-1").broken == ""
    hub = write(empty_hub, "connector: shop\nkind: rest\n")
    assert "no such connector" in hub.connection("shop-1").broken
    assert "title" in empty_hub.catalogue.broken["shop.yaml"]


def test_a_broken_expression_in_the_folder_stops_only_its_own_connections(empty_hub: Gateway) -> None:
    write(empty_hub, kinds()["rest"].scaffold("shop"))
    empty_hub.apply(documents.validate({"connections": [SHOP]}))
    hub = write(
        empty_hub, yaml12.dump(manifest(bridges=[{"id": "b", "on": "ticket.closed", "op": "x", "when": "1 +"}]))
    )
    assert "bridges[0]" in hub.connection("shop-1").broken
