"""A change of the configuration: who hears of it, and whom it leaves alone."""

from __future__ import annotations

import time

import pytest

from connectors.errors import AuthProblem
from gateway import clock
from gateway.config import documents
from gateway.errors import BadConfiguration
from gateway.reconcile import reconcile, stream_of
from gateway.usecases import explaining
from gateway.worker import Worker
from tests.integration.gateway.in_process import Build, House

RULE = {"id": "mine", "on": "Alert", "ticket": {"kind": "'incident'", "priority": "'P2'", "title": "title"}}


def apply(house: House, **given: object) -> None:
    house.gateway.apply(documents.validate(given))


def test_a_gateway_without_a_worker_hears_what_another_process_configures(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.service.FOLLOW_S", 0.01)
    here, there = build(), build()
    here.gateway.follow()
    apply(there, connections=[{"id": "new", "connector": "robot"}])
    deadline = time.monotonic() + 30
    while "new" not in here.gateway.hub.connections:
        assert time.monotonic() < deadline
    here.tell(here.alert("a"), connection="new")
    assert len(here.tickets()) == 1


def test_a_change_leaves_the_connections_alone_that_it_does_not_touch(house: House) -> None:
    apply(house, connections=[{"id": "other", "connector": "robot"}])
    before = dict(house.gateway.hub.connections)
    apply(house, rules=[RULE])
    assert all(house.gateway.hub.connections[name] is live for name, live in before.items())
    apply(house, connections=[{"id": "other", "connector": "robot", "config": {"password": "p"}}])
    assert house.gateway.hub.connections["r"] is before["r"]
    assert house.gateway.hub.connections["other"] is not before["other"]


def test_a_secret_that_changed_where_it_is_kept_is_taken_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOT_TOKEN", "first")
    apply(house, connections=[{"id": "other", "connector": "robot", "config": {"token": "env:ROBOT_TOKEN"}}])
    monkeypatch.setenv("ROBOT_TOKEN", "second")
    apply(house, rules=[RULE])
    taken = house.deliver(b"[]", connection="other", headers={"authorization": "Bearer second"})
    assert taken.ends == ["suppressed"]  # nothing told, but let in
    with pytest.raises(AuthProblem):
        house.deliver(b"[]", connection="other", headers={"authorization": "Bearer first"})


def test_an_unusable_record_that_is_read_again_and_again_is_one_dead_letter(house: House) -> None:
    live = house.gateway.hub.connection("r")
    house.world.alerts += [
        {"stream": "alert", "key": key, "episode": "1", "status": "no such status"} for key in ("a", "b")
    ]
    for _ in range(3):
        reconcile(house.gateway, house.gateway.hub, live, stream_of(live, "alert"))
    assert house.ends() == {"dead": 2}


def test_the_hubs_own_settings_cannot_be_sent_to_a_system_as_its_secret(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEFT_ADMIN_TOKEN", "weft_admin")
    with pytest.raises(BadConfiguration, match="WEFT_ADMIN_TOKEN is the hub's own"):
        apply(
            house, connections=[{"id": "other", "connector": "robot", "config": {"password": "env:WEFT_ADMIN_TOKEN"}}]
        )


def test_of_several_workers_one_polls_a_connection(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = build(), build()
    monkeypatch.setattr(clock, "steady", lambda: first.clock.now / clock.SECOND)
    workers = [Worker(first.gateway), Worker(second.gateway)]
    held = [worker._lease("poll:r", 60 * clock.SECOND) for worker in workers]
    first.clock.forward(50)
    held += [workers[1]._lease("poll:r", 60 * clock.SECOND)]
    first.clock.forward(11)
    held += [workers[1]._lease("poll:r", 60 * clock.SECOND), workers[0]._lease("poll:r", 60 * clock.SECOND)]
    assert held == [True, False, False, True, False]


def test_a_ticket_is_explained_by_the_rules_of_its_time(build: Build) -> None:
    house = build({"rules": [RULE]})
    house.tell(house.alert("a"))
    apply(house, rules=[RULE | {"id": "newer", "when": "severity == 'none'"}])
    (ticket,) = house.tickets()
    with house.gateway.reading() as conn:
        (decision,) = explaining.explain(conn, house.gateway.hub, ticket.id)["decisions"]
    assert [(r["rule"], r["matched"]) for r in decision["rules"]] == [("mine", True)]
