"""People who sign in: the same rights as by token, and what hostile browsers and guessers get."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from gateway.cli.first_run import set_up
from gateway.database import open_engine
from gateway.settings import Settings
from gateway.signin import attempts, passwords, sessions
from gateway.signin.tables import account, session
from gateway.tokens import Role
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import PROBLEM, Api, open_api

PASSWORD = "four words of no sense"


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def add(api: Api, login: str = "ann", role: str = "agent", **more: Any) -> dict[str, Any]:
    made = api.ask("POST", "/v1/users", json={"login": login, "role": role, "password": PASSWORD, **more})
    assert made.status_code == 201, made.text
    return dict(made.json())


def browser(api: Api) -> TestClient:
    """A client with cookies of its own, on the same application."""
    return TestClient(api.client.app, raise_server_exceptions=False)


def sign_in(client: TestClient, login: str = "ann", password: str = PASSWORD) -> Any:
    return client.post("/v1/session", json={"login": login, "password": password})


def csrf(client: TestClient) -> dict[str, str]:
    return {"X-CSRF-Token": client.get("/v1/me").json()["csrf"]}


def test_who_signs_in_has_the_rights_of_their_role_and_acts_in_their_own_name(api: Api) -> None:
    add(api, "Ann", name="Ann Li")
    client = browser(api)
    assert client.get("/v1/session").json()["me"] is None
    me = sign_in(client, "ANN").json()["me"]
    assert (me["login"], me["name"], me["actor"], me["rights"]) == ("ann", "Ann Li", "account:ann", ["read", "act"])
    opened = client.post("/v1/tickets", json={"title": "by hand"}, headers=csrf(client))
    assert opened.status_code == 201, opened.text
    timeline = client.get(f"/v1/tickets/{opened.json()['id']}").json()["timeline"]
    assert {entry["actor"] for entry in timeline if entry["name"] == "opened"} <= {"account:ann"}
    assert client.get("/v1/tokens").status_code == 403
    assert client.request("DELETE", "/v1/session", headers=csrf(client)).status_code == 204
    assert client.get("/v1/tickets").status_code == 401


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites_and_not_kept(api: Api) -> None:
    add(api)
    answer = sign_in(browser(api))
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=lax" in said
    assert "path=/" in said
    cookie = answer.cookies[sessions.COOKIE]
    with api.house.gateway.reading() as conn:
        stored = conn.execute(select(session)).one()
        password = conn.execute(select(account.c.password)).scalar_one()
    assert cookie not in str(tuple(stored))
    assert stored.digest == hashlib.sha256(cookie.encode()).hexdigest()
    assert password.startswith("$argon2id$")


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(api: Api) -> None:
    add(api)
    add(api, "mallory")
    planted = sign_in(browser(api), "mallory").cookies[sessions.COOKIE]
    victim = browser(api)
    victim.cookies.set(sessions.COOKIE, planted)
    fresh = sign_in(victim).cookies[sessions.COOKIE]
    assert fresh != planted
    attacker = browser(api)
    attacker.cookies.set(sessions.COOKIE, planted)
    assert attacker.get("/v1/session").json()["me"] is None


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 32}, {"X-CSRF-Token": "ü"}])
def test_another_sites_page_changes_nothing_with_the_cookie_alone(api: Api, headers: dict[str, str]) -> None:
    add(api, role="admin")
    client = browser(api)
    sign_in(client)
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    for method, path in (
        ("POST", "/v1/tickets"),
        ("DELETE", "/v1/session"),
        ("PUT", "/v1/me/password"),
        ("POST", "/v1/users"),
    ):
        answer = client.request(method, path, json={"title": "forged"}, headers=raw)
        assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM), path
    assert api.house.tickets() == []
    other = browser(api)
    sign_in(other)
    mine = client.post("/v1/tickets", json={"title": "forged"}, headers=csrf(other))
    assert mine.status_code == 403  # another session's token is none


def test_nobody_is_signed_in_from_another_sites_page(api: Api) -> None:
    add(api)
    client = browser(api)
    given = {"login": "ann", "password": PASSWORD}
    assert client.post("/v1/session", json=given, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/v1/session", data=given).status_code == 422


def test_wrong_names_and_wrong_passwords_are_answered_alike_and_take_alike(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(api)
    gone = add(api, "gone")
    api.ask("PATCH", f"/v1/users/{gone['id']}", json={"disabled": True})
    hashes: list[str] = []
    verify = passwords._HASHER.verify
    monkeypatch.setattr(passwords, "_HASHER", Counting(verify, hashes))
    bodies = set()
    for login, password in (("ann", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD),
                            ("' OR 1=1 --", PASSWORD), ("ann' --", PASSWORD), ("ann\\", "' OR ''='")):  # fmt: skip
        answer = sign_in(browser(api), login, password)
        bodies.add((answer.status_code, answer.text))
    assert len(bodies) == 1
    assert next(iter(bodies))[0] == 401
    assert len(hashes) == 6  # each cost one comparison with an argon2 hash of the same parameters
    assert len({stored.rsplit("$", 2)[0] for stored in hashes}) == 1


class Counting:
    """The hasher, noting what each password was compared with."""

    def __init__(self, verify: Any, seen: list[str]) -> None:
        self._verify, self._seen = verify, seen
        self.hash = passwords._HASHER.hash
        self.check_needs_rehash = passwords._HASHER.check_needs_rehash

    def verify(self, stored: str, password: str) -> bool:
        self._seen.append(stored)
        return bool(self._verify(stored, password))


def test_an_oversized_or_strange_password_is_refused_quickly_and_not_echoed(api: Api) -> None:
    add(api)
    began = time.monotonic()
    for password in ("x" * 1_001, "x" * 500_000, "a\x00b"):
        answer = sign_in(browser(api), "ann", password)
        assert answer.status_code == 422
        assert password not in answer.text
    assert sign_in(browser(api), "ann", "x" * 2_000_000).status_code == 413
    assert time.monotonic() - began < 10


def test_who_guesses_has_to_wait_and_the_right_password_waits_too(api: Api) -> None:
    add(api)
    for _ in range(attempts.TOGETHER):
        assert sign_in(browser(api), "ann", "wrong password").status_code == 401
    for login in ("ann", "ann", "ANN"):
        refused = sign_in(browser(api), login)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) <= 301
    for _ in range(attempts.TOGETHER):
        sign_in(browser(api), "nobody", "wrong password")
    assert sign_in(browser(api), "nobody").status_code == 429  # alike for a name that there is not
    api.house.clock.forward(301)
    assert sign_in(browser(api)).status_code == 200


def test_guesses_at_once_are_counted_each(api: Api) -> None:
    add(api)
    with ThreadPoolExecutor(12) as pool:
        codes = [*pool.map(lambda _: sign_in(browser(api), "ann", "wrong password").status_code, range(24))]
    assert codes.count(401) == attempts.TOGETHER
    assert codes.count(429) == 24 - attempts.TOGETHER


def test_a_session_ends_when_it_is_idle_and_when_it_is_old(api: Api) -> None:
    add(api)
    idle, busy = browser(api), browser(api)
    sign_in(idle)
    sign_in(busy)
    step = sessions.IDLE // 1_000_000 - 60
    for _ in range(int(sessions.LASTING / sessions.IDLE)):
        api.house.clock.forward(step)
        assert busy.get("/v1/tickets").status_code == 200
    assert idle.get("/v1/tickets").status_code == 401
    api.house.clock.forward(step)
    assert busy.get("/v1/tickets").status_code == 401


def test_a_change_of_role_holds_at_once_and_who_is_disabled_is_out(api: Api) -> None:
    someone = add(api, role="integrator")
    client = browser(api)
    sign_in(client)
    assert client.get("/v1/configuration").status_code == 200
    api.ask("PATCH", f"/v1/users/{someone['id']}", json={"role": "viewer"})
    assert client.get("/v1/configuration").status_code == 403
    api.ask("PATCH", f"/v1/users/{someone['id']}", json={"disabled": True})
    assert client.get("/v1/tickets").status_code == 401
    assert sign_in(client).status_code == 401


def test_a_password_that_was_reset_must_be_changed_before_anything_else(api: Api) -> None:
    someone = add(api)
    before = browser(api)
    sign_in(before)
    made = api.ask("POST", f"/v1/users/{someone['id']}/password").json()["password"]
    assert before.get("/v1/tickets").status_code == 401
    client = browser(api)
    assert sign_in(client, password=made).json()["me"]["must_change_password"]
    assert client.get("/v1/tickets").status_code == 403
    for bad in ("short", "annann", "aaaaaaaaaaaa", made):
        answer = client.put("/v1/me/password", json={"current": made, "password": bad}, headers=csrf(client))
        assert answer.status_code in (409, 422), bad
    wrong = client.put(
        "/v1/me/password", json={"current": "wrong one", "password": PASSWORD + "!"}, headers=csrf(client)
    )
    assert wrong.status_code == 401
    done = client.put("/v1/me/password", json={"current": made, "password": PASSWORD + "!"}, headers=csrf(client))
    assert done.status_code == 200, done.text
    assert client.get("/v1/tickets").status_code == 200
    assert sign_in(browser(api), password=made).status_code == 401


def test_the_last_administrator_stays_one(api: Api) -> None:
    boss = add(api, "boss", "admin")
    for change in ({"disabled": True}, {"role": "viewer"}):
        assert api.ask("PATCH", f"/v1/users/{boss['id']}", json=change).status_code == 409
    add(api, "second", "admin")
    assert api.ask("PATCH", f"/v1/users/{boss['id']}", json={"role": "viewer"}).status_code == 200


def test_names_that_are_one_are_one_account_and_odd_ones_are_refused(api: Api) -> None:
    add(api, "Ann")
    for login in ("ann", "ＡＮＮ", " ann "):
        refused = api.ask("POST", "/v1/users", json={"login": login, "role": "viewer", "password": PASSWORD})
        assert refused.status_code == 409, login
    for login in ("a b", "a\nb", "<script>", "ann'--", "x" * 101, " "):
        refused = api.ask("POST", "/v1/users", json={"login": login, "role": "viewer", "password": PASSWORD})
        assert refused.status_code == 422, login


def test_the_first_administrator_is_made_once_and_told_once(
    migrated_url: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path, database_url=migrated_url)
    with ThreadPoolExecutor(4) as pool:  # gateways that start at the same moment
        told = [made.password for made in pool.map(set_up, [settings] * 4) if made.password is not None]
    assert len(told) == 1
    assert capsys.readouterr().out.count(told[0]) == 1
    assert set_up(settings) == (None, None)
    assert capsys.readouterr().out == ""
    engine = open_engine(migrated_url)
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT login, role FROM account")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("admin", Role.admin.value)]
