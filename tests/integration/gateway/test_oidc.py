"""Signing in elsewhere: an account by the issuer's word, and no session for anything that is not exactly its word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.api.app import create_app
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.signin import accounts
from gateway.tokens import Role
from tests.real.oidc import CLIENT, SECRET, OidcProvider, serving

HUB = "http://hub.example"
ANN = {"sub": "42", "preferred_username": "Ann", "name": "Ann Li", "groups": ["staff", "hub-agents"]}


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with serving(dict(ANN)) as running:
        yield running


@pytest.fixture
def gateway(provider: OidcProvider, migrated_url: str, tmp_path: Path) -> Gateway:
    settings = Settings(
        home=tmp_path, database_url=migrated_url, public_url=HUB, oidc_issuer=provider.url, oidc_client_id=CLIENT,
        oidc_client_secret=SecretStr(SECRET), oidc_roles='{"hub-agents": "agent", "hub-admins": "admin"}', oidc_name="Corp",
    )  # fmt: skip
    return Gateway(settings)


@pytest.fixture
def client(gateway: Gateway) -> Iterator[TestClient]:
    with TestClient(create_app(gateway=gateway, worker=False), base_url=HUB, follow_redirects=False) as opened:
        yield opened


def there_and_back(client: TestClient, path: str = "/tickets?open=true") -> Any:
    """Leave, sign in there, come back."""
    left = client.get("/v1/session/oidc", params={"next": path})
    assert left.status_code == 303, left.text
    with httpx.Client() as outside:
        back = outside.get(left.headers["location"]).headers["location"]
    assert back.startswith(f"{HUB}/v1/session/oidc/callback?")
    return client.get(back.removeprefix(HUB))


def who(client: TestClient) -> dict[str, Any] | None:
    me: dict[str, Any] | None = client.get("/v1/session").json()["me"]
    return me


def test_who_comes_back_has_an_account_with_the_role_of_their_groups(
    client: TestClient, provider: OidcProvider, gateway: Gateway
) -> None:
    assert client.get("/v1/session").json()["methods"]["oidc"] == {"name": "Corp", "url": "/v1/session/oidc"}
    done = there_and_back(client)
    assert (done.status_code, done.headers["location"]) == (303, "/tickets?open=true")
    me = who(client)
    assert me is not None
    assert (me["login"], me["name"], me["role"], me["has_password"]) == ("ann", "Ann Li", "agent", False)
    provider.user["groups"] = ["hub-admins", "hub-agents"]
    there_and_back(client)
    me = who(client)
    assert me is not None
    assert me["role"] == "admin"
    with gateway.reading() as conn:
        assert [a.login for a in accounts.listed(conn)] == ["ann"]
    refused = client.post("/v1/session", json={"login": "ann", "password": "any password at all"})
    assert refused.status_code == 401


def test_who_has_no_role_or_is_disabled_or_has_anothers_name_is_told_so(
    client: TestClient, provider: OidcProvider, gateway: Gateway
) -> None:
    provider.user["groups"] = ["staff"]
    assert there_and_back(client).headers["location"] == "/signin?refused=role"
    provider.user["groups"] = ["hub-agents"]
    there_and_back(client)
    with gateway.transaction() as conn:
        accounts.change(conn, accounts.by_login(conn, "ann").id, 1, disabled=True)
    assert who(client) is None
    assert there_and_back(client).headers["location"] == "/signin?refused=disabled"
    with gateway.transaction() as conn:
        accounts.create(conn, login="bob", role=Role.admin, now=1, password="four words of no sense")
    provider.user |= {"sub": "43", "preferred_username": "bob"}
    assert there_and_back(client).headers["location"] == "/signin?refused=taken"
    assert who(client) is None


LIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another nonce": lambda c: c | {"nonce": "replayed"},
    "for another client": lambda c: c | {"aud": "someone-else"},
    "of another issuer": lambda c: c | {"iss": "http://evil.example"},
    "of yesterday": lambda c: c | {"exp": c["exp"] - 86_400},
    "of nobody": lambda c: {k: v for k, v in c.items() if k != "sub"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_for_this_sign_in_is_refused(client: TestClient, provider: OidcProvider, lie: str) -> None:
    provider.lie = LIES[lie]
    assert there_and_back(client).headers["location"] == "/signin?refused=provider"
    assert who(client) is None


@pytest.mark.parametrize("forged", ["hmac", "other"])
def test_a_token_that_the_issuer_did_not_sign_is_refused(
    client: TestClient, provider: OidcProvider, forged: str
) -> None:
    provider.forged = forged
    assert there_and_back(client).headers["location"] == "/signin?refused=provider"
    assert who(client) is None


def test_an_answer_that_nobody_asked_for_or_that_comes_twice_signs_nobody_in(
    client: TestClient, provider: OidcProvider
) -> None:
    back = "/v1/session/oidc/callback?code=x&state=y"
    assert client.get(back).headers["location"] == "/signin?refused=state"
    for cookie in ("env:PATH", "file:/etc/passwd", "enc:x", "not ours"):
        client.cookies.set("weft_oidc", cookie, path="/v1/session/oidc")
        assert client.get(back).headers["location"] == "/signin?refused=state"
    client.cookies.clear()
    left = client.get("/v1/session/oidc")
    assert client.get("/v1/session/oidc/callback?code=x&state=forged").headers["location"] == "/signin?refused=state"
    with httpx.Client() as outside:
        there = outside.get(left.headers["location"]).headers["location"].removeprefix(HUB)
    assert client.get(there).headers["location"] == "/signin?refused=state"  # the cookie was used up
    assert who(client) is None


@pytest.mark.parametrize(
    "next_path", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_link_to_the_sign_in_leads_nowhere_else(client: TestClient, next_path: str) -> None:
    assert there_and_back(client, next_path).headers["location"] == "/"


def test_an_issuer_that_does_not_answer_is_said_on_the_page(client: TestClient, provider: OidcProvider) -> None:
    provider.url = "http://somebody.else"  # it says that it is another
    assert client.get("/v1/session/oidc").headers["location"] == "/signin?refused=provider"
