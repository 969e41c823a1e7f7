"""Every configuration that was in force is kept: who, when, what; and any of them can be had again, exactly."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway import tables
from gateway.config import documents, store
from gateway.errors import BadConfiguration
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import open_api

MINE = """# what the robot says
mapping: mine
from: {connector: robot, stream: alert}
to: Alert
fields:
  key: key
  episode: episode
  status: status
tests:
  - {in: {key: a, episode: '1', status: firing, at: !datetime '2026-01-01T00:00:00Z'}, out: {key: a}}
"""
AM = {"url": "http://p:9090", "webhook_token": "s3cret-token"}
RULES = [{"id": "hush", "on": "Alert", "when": "severity == 'info'", "suppress": "noise"},
         {"id": "all", "on": "Alert", "ticket": {"kind": "'incident'", "priority": "'P1'", "title": "title"}}]  # fmt: skip


def _items(house: House) -> list[tuple[object, ...]]:
    c = tables.config_item.c
    with house.gateway.reading() as conn:
        return [tuple(r) for r in conn.execute(select(c.kind, c.id, c.position, c.body).order_by(c.kind, c.id))]


def _apply(house: House, actor: str, **given: object) -> int:
    house.gateway.apply(documents.validate(given), actor=actor)
    return house.gateway.hub.generation


def test_a_roll_back_restores_every_item_exactly_secrets_and_order_included(build: Build) -> None:
    house = build()
    am = {"id": "am", "connector": "prometheus", "config": AM}
    first = _apply(house, "ann", connections=[am], rules=RULES)
    then = _items(house)
    _apply(house, "bob", connections=[am | {"config": AM | {"webhook_token": "other"}}], rules=RULES[::-1])
    _apply(house, "bob", rules=RULES[:1])
    assert _items(house) != then
    changes, _ = house.gateway.roll_back(first, actor="ann")
    assert _items(house) == then
    assert {(c.kind, c.id) for c in changes} == {("connection", "am"), ("rule", "all")}
    assert house.gateway.hub.connection("am").runtime is not None


def test_rules_in_another_order_are_another_configuration(build: Build) -> None:
    house = build()
    before = _apply(house, "ann", rules=RULES)
    changes = house.gateway.apply(documents.validate({"rules": RULES[::-1]}))
    assert {(c.id, c.fields) for c in changes} == {("hush", ("order",)), ("all", ("order",))}
    assert house.gateway.hub.generation == before + 1
    assert [r.spec.id for r in house.gateway.hub.rules.by_kind["Alert"]] == ["all", "hush"]


def test_a_configuration_that_works_no_more_is_refused_and_nothing_changes(build: Build) -> None:
    house = build()
    old = _apply(house, "ann", connections=[{"id": "b", "connector": "books", "config": {}}])
    with house.gateway.transaction() as conn:
        store.remove(conn, "connection", "b", house.gateway.catalogue, house.gateway.vault, house.clock.now)
    now = _items(house)
    del house.gateway.installed.good["books"]
    with pytest.raises(BadConfiguration) as refused:
        house.gateway.roll_back(old, actor="ann")
    assert "connections" in refused.value.problems[0].path
    assert _items(house) == now


def test_history_says_who_when_and_what_and_shows_no_secret(build: Build) -> None:
    house = build(start=False)
    with open_api(house) as api:
        body = {
            "id": "am",
            "connector": "prometheus",
            "config": {"url": "http://p:9090", "webhook_token": "s3cret-token"},
        }
        assert api.ask("POST", "/v1/connections", json=body).status_code == 201
        listed = api.ask("GET", "/v1/configuration/versions").json()["items"]
        newest = listed[0]
        assert (newest["actor"], newest["current"]) == ("token:admin", True)
        assert [(c["kind"], c["id"], c["what"]) for c in newest["changes"]] == [("connection", "am", "added")]
        shown = api.ask("GET", f"/v1/configuration/versions/{newest['generation']}")
        assert "url: http://p:9090" in shown.json()["changes"][0]["after"]
        assert "s3cret-token" not in shown.text
        assert "enc:" not in shown.text
        back = api.ask("POST", f"/v1/configuration/versions/{listed[1]['generation']}/restore", json={})
        assert [(c["id"], c["what"]) for c in back.json()["changes"]] == [("am", "removed")]
        assert "am" not in house.gateway.hub.connections
        assert api.ask("GET", "/v1/configuration/versions").json()["items"][0]["note"].startswith("back to")
        assert api.ask("POST", "/v1/configuration/versions/99999/restore", json={}).status_code == 404
        assert api.ask("GET", "/v1/configuration/versions", role="agent").status_code == 403


def test_a_mapping_keeps_its_own_words(build: Build) -> None:
    text = MINE
    house = build()
    _apply(house, "ann", mappings=[{"mapping": "mine", "text": text}],
           connections=[{"id": "r", "connector": "robot", "mappings": {"alert": "mine"}}])  # fmt: skip
    assert house.gateway.hub.connection("r").mappings["alert"].text == text
    with pytest.raises(BadConfiguration) as refused:
        _apply(house, "ann", mappings=[{"mapping": "mine", "text": text.replace("key: key", "key: nme(key)")}])
    problem = refused.value.problems[0]
    assert problem.message.startswith("line 6, column 8")
    with pytest.raises(BadConfiguration):
        _apply(house, "ann", mappings=[{"mapping": "yours", "text": text}])
