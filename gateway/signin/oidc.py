"""An organisation's own sign-in: OpenID Connect, authorization code with PKCE. Who comes back is an account of ours.

The issuer's settings are read from its discovery document; what has to be remembered between leaving and coming back is in
an encrypted cookie, so that no session exists before somebody proved who they are.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import orjson
import structlog
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import Connection

from gateway import clock
from gateway.errors import BadConfiguration, Conflict, Problem, Refused
from gateway.secrets import ENCRYPTED, Vault
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.signin import accounts
from gateway.signin.accounts import Account
from gateway.tokens import Role

log = structlog.get_logger(__name__)

COOKIE = "weft_oidc"
PATH = "/v1/session/oidc"
LASTS_S = 600
KNOWN_S = 3600
TIMEOUT_S = 10.0
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Signatures by the issuer's key; never `none`, and never one made with a secret that we know too."""
_STRENGTH = (Role.viewer, Role.agent, Role.integrator, Role.admin)

Why = Literal["cancelled", "state", "provider", "role", "disabled", "taken"]


class NotSignedIn(Exception):
    """Somebody came back and is not signed in: `why`, for the page; the log has the rest."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why


@dataclass(slots=True)
class _Known:
    metadata: dict[str, Any]
    keys: KeySet
    until: float


class Provider:
    """The issuer that the settings name. One for a process; what it publishes is read again after an hour."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._settings = settings
        self._vault = vault
        self._known: _Known | None = None
        self.roles = roles_of(settings)

    @property
    def name(self) -> str:
        return self._settings.oidc_name or self._settings.oidc_issuer

    def leave(self, next_path: str) -> tuple[str, str]:
        """Where to send the browser, and the cookie it takes along. Raises NotSignedIn when the issuer does not answer."""
        held = {"nonce": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48), "next": next_path,
                "until": int(time.time()) + LASTS_S}  # fmt: skip
        endpoint = str(self._read().metadata["authorization_endpoint"])
        with self._client() as client:
            url, held["state"] = client.create_authorization_url(
                endpoint, nonce=held["nonce"], code_verifier=held["verifier"]
            )
        return url, self._vault.seal(orjson.dumps(held).decode()).removeprefix(ENCRYPTED)

    def come_back(self, cookie: str | None, url: str) -> tuple[dict[str, Any], str]:
        """Who it is, as the issuer's signed claims say, and where they wanted to go. Raises NotSignedIn."""
        held = self._held(cookie)
        parameters = httpx.URL(url).params
        if not secrets.compare_digest(parameters.get("state", "").encode(), str(held["state"]).encode()):
            raise NotSignedIn("state", "the state is not the one that was sent")
        if error := parameters.get("error"):
            raise NotSignedIn("cancelled" if error == "access_denied" else "provider", error)
        known = self._read()
        try:
            with self._client() as client:
                token = client.fetch_token(
                    known.metadata["token_endpoint"], grant_type="authorization_code", code=parameters.get("code", ""),
                    code_verifier=held["verifier"],
                )  # fmt: skip
        except (httpx.HTTPError, OAuthError, ValueError) as error:
            raise NotSignedIn("provider", str(error)) from error
        return self._claims(known, str(token.get("id_token", "")), str(held["nonce"])), str(held["next"])

    def _held(self, cookie: str | None) -> dict[str, Any]:
        try:
            held: dict[str, Any] = json.loads(self._vault.reveal(ENCRYPTED + (cookie or ""), COOKIE))
        except (BadConfiguration, ValueError) as error:
            raise NotSignedIn("state", "there is no cookie of ours") from error
        if held["until"] < time.time():
            raise NotSignedIn("state", "it took too long")
        return held

    def _claims(self, known: _Known, id_token: str, nonce: str) -> dict[str, Any]:
        wanted = jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": known.metadata["issuer"]},
            aud={"essential": True, "value": self._settings.oidc_client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(id_token, known.keys, algorithms=ALGORITHMS).claims
            wanted.validate(claims)
        except (JoseError, ValueError) as error:
            raise NotSignedIn("provider", f"the id token is not good: {error}") from error
        return dict(claims)

    def _client(self) -> OAuth2Client:
        s = self._settings
        secret = s.oidc_client_secret.get_secret_value() if s.oidc_client_secret is not None else None
        return OAuth2Client(
            client_id=s.oidc_client_id, client_secret=secret, scope=s.oidc_scopes, redirect_uri=f"{s.url}{PATH}/callback",
            code_challenge_method="S256", timeout=TIMEOUT_S,
        )  # fmt: skip

    def _read(self) -> _Known:
        """What the issuer publishes of itself. Raises NotSignedIn."""
        if self._known is not None and time.monotonic() < self._known.until:
            return self._known
        issuer = self._settings.oidc_issuer.rstrip("/")
        try:
            with httpx.Client(timeout=TIMEOUT_S) as client:
                metadata = client.get(f"{issuer}/.well-known/openid-configuration").raise_for_status().json()
                keys = KeySet.import_key_set(client.get(metadata["jwks_uri"]).raise_for_status().json())
            if str(metadata["issuer"]).rstrip("/") != issuer:
                raise ValueError(f"it says that it is {metadata['issuer']}")
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            raise NotSignedIn("provider", f"{issuer}: {error}") from error
        self._known = _Known(metadata, keys, time.monotonic() + KNOWN_S)
        return self._known


def roles_of(settings: Settings) -> dict[str, Role]:
    """`oidc_roles`: the system role of each group of the issuer's. Raises BadConfiguration."""
    try:
        given = json.loads(settings.oidc_roles or "{}")
        return {str(group): Role(role) for group, role in given.items()}
    except (ValueError, AttributeError) as error:
        problem = Problem("oidc_roles", str(error), """JSON of group and role, such as {"hub-admins": "admin"}""")
        raise BadConfiguration("The settings have problems.", [problem]) from None


def admit(gateway: Gateway, provider: Provider, claims: dict[str, Any]) -> Account:
    """The account of who came back, made or brought up to date by the issuer's claims. Raises NotSignedIn."""
    return gateway.transact(lambda conn: _account(conn, gateway, provider, claims))


def _account(conn: Connection, gateway: Gateway, provider: Provider, claims: dict[str, Any]) -> Account:
    s = gateway.settings
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    role = _role(s, provider, claims)
    login = str(claims.get(s.oidc_login_claim) or claims.get("email") or subject)
    person = login if login in gateway.hub.roster.people else None
    name = str(claims.get("name") or login)
    found = accounts.by_subject(conn, issuer, subject)
    now = clock.now()
    if found is None:
        try:
            return accounts.create(
                conn, login=login, name=name, role=role, now=now, person=person, issuer=issuer, subject=subject
            )
        except Conflict as error:
            raise NotSignedIn("taken", f"there is an account {login!r} that signs in with a password") from error
        except Refused as error:
            raise NotSignedIn("provider", f"the login {login!r} cannot be used: {error.detail}") from error
    if found.disabled_at is not None:
        raise NotSignedIn("disabled", f"{found.login} is disabled")
    changed = {"role": role.value, "name": name} | ({"person": person} if person is not None else {})
    try:
        return accounts.change(conn, found.id, now, **changed)
    except Conflict as error:  # the last administrator, and the issuer says that they are none
        raise NotSignedIn("role", error.detail) from error


def _role(s: Settings, provider: Provider, claims: dict[str, Any]) -> Role:
    told = claims.get(s.oidc_role_claim) or []
    groups = {told} if isinstance(told, str) else {str(each) for each in told}
    roles = {provider.roles[group] for group in groups if group in provider.roles}
    if s.oidc_default_role:
        roles.add(Role(s.oidc_default_role))
    if not roles:
        raise NotSignedIn("role", f"none of {sorted(groups)} gives a role; see oidc_roles")
    return max(roles, key=_STRENGTH.index)
