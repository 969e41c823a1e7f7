"""Who may do what, requests that come twice, and configuration that is refused whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway.config import documents, store
from gateway.errors import BadConfiguration
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api

READ, ACT, CONFIGURE, ADMINISTER = "read", "act", "configure", "administer"
MAY = {"viewer": {READ}, "agent": {READ, ACT}, "integrator": {READ, ACT, CONFIGURE},
       "admin": {READ, ACT, CONFIGURE, ADMINISTER}}  # fmt: skip
OPEN_TO_ALL = {"/healthz", "/readyz", "/metrics", "/v1/inbound/{connection}", "/v1/inbound/{connection}/{path_token}",
               "/v1/confirmations/{token}", "/v1/progress/{token}", "/v1/session", "/v1/session/oidc",
               "/v1/session/oidc/callback",
               "/v1/live"}  # fmt: skip

# /v1/live goes on for minutes; test_live.py asks it

PERSONAL = ("/v1/me/", "/v1/notices")
"""About whoever asks: a token that is nobody's is refused whatever its role."""


def needed(method: str, path: str) -> str:
    """The right a route asks for, as the documentation tells it."""
    if path.startswith(("/v1/tokens", "/v1/users", "/v1/settings", "/v1/retention", "/v1/audit/rounds")):
        return ADMINISTER
    if path.startswith(("/v1/configuration", "/v1/studio")):  # shows how things are reached
        return CONFIGURE
    if path.startswith("/v1/desk/filters") or path == "/v1/ids/merge/preview":  # changes nothing
        return READ
    if path.startswith(("/v1/tickets", "/v1/desk", "/v1/proposals", "/v1/learning/articles/used")):
        return ACT if method != "GET" or path.endswith("/remote") else READ
    if method != "GET" or path in ("/v1/dead-letters/{message_id}", "/v1/rules/report"):
        return CONFIGURE
    return READ


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def test_every_route_asks_for_its_right_and_for_a_token_that_is_alive(api: Api) -> None:
    routes = [(m.upper(), p) for p, methods in api.client.get("/openapi.json").json()["paths"].items()
              for m in methods if p not in OPEN_TO_ALL]  # fmt: skip
    assert len(routes) > 25
    for method, path in routes:
        url = path.replace("{message_id}", "1").replace("{merge}", "1").replace("{action}", "start")
        for name in ("ticket", "connection", "stream", "global_id", "token_id"):
            url = url.replace(f"{{{name}}}", "TKT-2026-000001" if name in ("ticket", "global_id") else "nothing")
        for role, rights in MAY.items() if not path.startswith(PERSONAL) else ():
            refused = api.ask(method, url, role).status_code == 403
            assert refused == (needed(method, path) not in rights), (method, path, role)
        assert api.client.request(method, url).status_code == 401
        assert api.client.request(method, url, headers={"Authorization": "Bearer weft_nobody"}).status_code == 401


def test_a_token_ends_when_it_is_revoked_and_when_its_time_is_over(api: Api) -> None:
    made = api.ask("POST", "/v1/tokens", json={"name": "n", "role": "viewer", "expires_in_s": 60}).json()
    other = api.ask("POST", "/v1/tokens", json={"name": "o", "role": "viewer"}).json()

    def works(token: str) -> bool:
        answer = api.client.get("/v1/tickets", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code == 200

    assert works(made["token"])
    api.house.clock.forward(61)
    assert not works(made["token"])
    assert works(other["token"])
    assert api.ask("DELETE", f"/v1/tokens/{other['id']}").status_code == 204
    assert not works(other["token"])
    assert api.ask("DELETE", f"/v1/tokens/{other['id']}").status_code == 404
    assert made["token"] not in api.ask("GET", "/v1/tokens").text


def test_the_same_request_eight_times_at_once_is_done_once_and_answered_alike(api: Api) -> None:
    api.as_("agent")
    for path, body in (("/v1/tickets", {"title": "by hand"}), ("/v1/tickets/{id}/start", {"why": "mine"})):
        with api.house.gateway.reading():
            ticket = api.ask("GET", "/v1/tickets").json()["items"]
        url = path.replace("{id}", ticket[0]["id"] if ticket else "")
        gate = threading.Barrier(8)

        def send(_: int, url: str = url, body: Any = body, gate: threading.Barrier = gate) -> tuple[int, str]:
            gate.wait(20)
            answer = api.ask("POST", url, "agent", {"Idempotency-Key": f"k-{url}"}, json=body)
            return answer.status_code, answer.text

        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(send, range(8)))
        assert len(answers) == 1, answers
        assert answers.pop()[0] in (200, 201)
    assert len(api.ask("GET", "/v1/tickets").json()["items"]) == 1
    assert (
        api.ask(
            "POST", "/v1/tickets", "agent", {"Idempotency-Key": "k-/v1/tickets"}, json={"title": "other"}
        ).status_code
        == 422
    )
    assert (
        api.ask("POST", "/v1/tickets", "viewer", {"Idempotency-Key": "k-/v1/tickets"}, json={"title": "x"}).status_code
        == 403
    )


def test_a_refusal_does_not_use_its_idempotency_key_up(api: Api) -> None:
    ticket = api.ask("POST", "/v1/tickets", json={"title": "t"}).json()["id"]
    close = f"/v1/tickets/{ticket}/close"
    assert api.ask("POST", close, headers={"Idempotency-Key": "k"}).status_code == 409
    api.ask("POST", f"/v1/tickets/{ticket}/resolve", json={"resolution": "done", "cause": "other"})
    assert api.ask("POST", close, headers={"Idempotency-Key": "k"}).status_code == 200


BAD: list[tuple[dict[str, Any], str]] = [
    ({"connections": [{"id": "x", "connector": "robot", "nonsense": 1}]}, "connections[0].nonsense"),
    ({"connections": [{"id": "X Y", "connector": "robot"}]}, "connections[0].id"),
    ({"connections": [{"id": "hub", "connector": "robot"}]}, "connections[0].id"),
    ({"connections": [{"id": "x", "connector": "robbot"}]}, "connections[0].connector"),
    ({"connections": [{"id": "x", "connector": "robot", "config": {"pasword": "y"}}]}, "connections[0].config.pasword"),
    ({"connections": [{"id": "x", "connector": "robot", "config": {"password": "env:NOT_THERE"}}]},
     "connections[0].config.password"),
    ({"connections": [{"id": "x", "connector": "robot", "config": {"password": "file:/not/there"}}]},
     "connections[0].config.password"),
    ({"connections": [{"id": "x", "connector": "robot", "config": {"password": "********"}}]}, "config.password"),
    ({"connections": [{"id": "x", "connector": "robot", "mappings": {"alert": "mine"}}]}, "connections[0].mappings.alert"),
    ({"connections": [{"id": "x", "connector": "robot"}] * 2}, "connections[1].id"),
    ({"rules": [{"id": "a", "on": "Alert"}]}, "rules[0]"),
    ({"rules": [{"id": "a", "on": "Alert", "suppress": "x", "when": "severity ="}]}, "rules[0].when"),
    ({"rules": [{"id": "a", "on": "Alert", "suppress": "x", "when": "__import__('os')"}]}, "rules[0].when"),
    ({"rules": [{"id": "a", "on": "Alert", "ticket": {"kind": "'incident'", "priority": "'P1'", "tittle": "title"}}]},
     "rules[0].ticket"),
    ({"rules": [{"id": "a", "on": "Alert", "ticket": {"kind": "'task'", "priority": "'P1'", "title": "title"}}]},
     "rules[0].ticket.kind"),
    ({"rules": [{"id": "a", "on": "Alert", "ticket": {"kind": "'incident'", "priority": "'P9'", "title": "title"}}]},
     "rules[0].ticket.priority"),
    ({"rules": [{"id": "a", "on": "Reading", "ticket": {}, "threshold": {"above": 1, "below": 2}}]}, "rules[0].threshold"),
    ({"rules": [{"id": "a", "on": "Alert", "suppress": "x", "reopen_within": "soon"}]}, "rules[0].reopen_within"),
    ({"bridges": [{"id": "b", "on": "ticket.exploded", "op": "x"}]}, "bridges[0].on"),
    ({"bridges": [{"id": "b", "on": "ticket.closed", "op": "x", "key": {"k": "a +"}}]}, "bridges[0].key.k"),
    ({"mappings": [{"mapping": "m", "from": {"connector": "robot", "stream": "alert"}, "to": "Alert", "fields": {}}]},
     "mappings[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "path"), BAD, ids=[p for _, p in BAD])
def test_a_bad_document_is_refused_whole_and_says_where(build: Build, document: dict[str, Any], path: str) -> None:

    house = build(start=False)
    gateway = house.gateway
    with gateway.reading() as conn:
        before = store.stored(conn), store.generation(conn)
    good = {"connections": [{"id": "good", "connector": "robot"}]}
    with pytest.raises(BadConfiguration) as refused:
        gateway.apply(
            documents.validate(good | document | {"connections": [*document.get("connections", good["connections"])]})
        )
    assert any(path in p.path for p in refused.value.problems), refused.value.problems
    with gateway.reading() as conn:
        assert (store.stored(conn), store.generation(conn)) == before


def test_applying_twice_and_trying_dry_change_nothing(build: Build) -> None:

    house = build(robot={"password": "s3cret-s3cret", "token": "t0ken-t0ken"})
    gateway = house.gateway
    with gateway.reading() as conn:
        before = store.stored(conn), store.generation(conn)
        exported = store.export(conn, gateway.catalogue, gateway.hub)
    same = {
        "connections": [
            {"id": "r", "connector": "robot", "config": {"password": "s3cret-s3cret", "token": "t0ken-t0ken"}}
        ]
    }
    assert {c.what for c in gateway.apply(documents.validate(same))} == {"unchanged"}
    hidden = {"connections": exported["connections"]}
    assert {c.what for c in gateway.apply(documents.validate(hidden))} == {"unchanged"}
    other = {"connections": [{"id": "s", "connector": "robot"}]}
    assert [c.what for c in gateway.apply(documents.validate(other), dry_run=True)] == ["added"]
    with gateway.reading() as conn:
        assert (store.stored(conn), store.generation(conn)) == before


def test_two_who_change_the_configuration_at_once_leave_one_of_both_whole(build: Build) -> None:

    first, second = build(start=False), build(start=False)
    sets = [[{"id": f"{who}-{n}", "on": "Alert", "suppress": "x"} for n in range(6)] for who in ("ann", "bob")]
    for _ in range(5):
        gate = threading.Barrier(2)

        def put(house: Any, rules: Any, gate: threading.Barrier = gate) -> None:
            gate.wait(20)
            house.gateway.apply(documents.validate({"rules": rules}))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(put, (first, second), sets))
        with first.gateway.reading() as conn:
            stored = [r["id"] for r in store.stored(conn)["rule"]]
        assert stored in [[r["id"] for r in s] for s in sets]


def test_a_reload_under_load_is_never_half_changed(build: Build) -> None:
    """Every message is decided by one whole set of rules: suppressed by the old or by the new, never by none."""

    house = build({"rules": [{"id": "v0", "on": "Alert", "suppress": "0"}]})
    stop = threading.Event()

    def change() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            house.gateway.apply(documents.validate({"rules": [{"id": f"v{n}", "on": "Alert", "suppress": str(n)}]}))

    changing = threading.Thread(target=change)
    changing.start()
    for n in range(60):
        house.tell(house.alert(f"a{n}"))
    stop.set()
    changing.join(30)
    with house.gateway.reading() as conn:
        rules = conn.exec_driver_sql("SELECT DISTINCT rule FROM message").scalars().all()
    assert all(r.startswith("v") for r in rules)
    assert house.tickets() == []
