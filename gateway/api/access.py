"""Who asks, and may they: bearer tokens, sessions and rights as FastAPI dependencies."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway import clock, tokens
from gateway.api.sight import gate
from gateway.errors import Forbidden, Unauthorized
from gateway.service import Gateway
from gateway.signin import accounts, sessions
from gateway.signin.accounts import Account
from gateway.signin.sessions import Session
from gateway.tokens import RIGHTS, Bearer, Right

_scheme = HTTPBearer(auto_error=False, description="An API token: `weft token create --role ROLE`.")


def gateway_of(request: Request) -> Gateway:
    return cast(Gateway, request.app.state.gateway)


GatewayDep = Annotated[Gateway, Depends(gateway_of)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from, and, with a session's cookie, the account and the session."""

    bearer: Bearer
    account: Account | None = None
    session: Session | None = None


def caller(
    request: Request, gateway: GatewayDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]
) -> Caller | None:
    """By token or else by cookie; None: neither is there. What a browser sends by itself changes nothing: with a cookie,
    a request that may change something must carry the session's own token too. Raises Unauthorized, Forbidden."""
    if credentials is not None:
        with gateway.reading() as conn:
            found = tokens.find(conn, credentials.credentials, clock.now())
        if found is None:
            raise Unauthorized("The token is not valid (unknown, expired or revoked).")
        return Caller(found)
    cookie = request.cookies.get(sessions.COOKIE)
    if not cookie:
        return None
    now = clock.now()
    with gateway.reading() as conn:
        session = sessions.find(conn, cookie, now)
        account = None if session is None else accounts.get(conn, session.account_id)
    if session is None or account is None or account.disabled_at is not None:
        return None
    if request.method not in SAFE and not _ours(request, gateway, session):
        raise Forbidden(f"A request with a session's cookie needs its token: {sessions.CSRF_HEADER} from GET /v1/me.")
    if session.seen_at + sessions.SEEN_EVERY < now:
        with gateway.transaction() as conn:
            sessions.touch(conn, session, now)
    return Caller(account.bearer, account, session)


SAFE = ("GET", "HEAD", "OPTIONS")
CallerDep = Annotated[Caller | None, Depends(caller)]


def csrf_token(gateway: Gateway, session: Session) -> str:
    """What a page of ours knows of a session and another site's page does not."""
    return gateway.vault.sign(session.digest.encode(), "csrf").hex()


def _ours(request: Request, gateway: Gateway, session: Session) -> bool:
    given = request.headers.get(sessions.CSRF_HEADER, "")
    return hmac.compare_digest(given.encode(), csrf_token(gateway, session).encode())


def signed_in(found: CallerDep) -> Caller:
    """Raises Unauthorized."""
    if found is None:
        raise Unauthorized()
    return found


def bearer(request: Request, gateway: GatewayDep, found: Annotated[Caller, Depends(signed_in)]) -> Bearer:
    """Raises Unauthorized, and what `gate` raises."""
    if found.account is not None and found.account.must_change:
        raise Forbidden("Choose a password of your own first: PUT /v1/me/password.")
    gate(request, gateway, found.bearer)
    return found.bearer


def needs(right: Right) -> Callable[[Bearer], Bearer]:
    """A dependency that lets only bearers with this right pass. Raises Forbidden."""

    def check(who: Annotated[Bearer, Depends(bearer)]) -> Bearer:
        if not who.may(right):
            roles = ", ".join(role.value for role, rights in RIGHTS.items() if right in rights)
            raise Forbidden(f"Role {who.role.value!r} may not do this; it takes one of: {roles}.")
        return who

    return check


Reader = Annotated[Bearer, Depends(needs(Right.read))]
Actor = Annotated[Bearer, Depends(needs(Right.act))]
Configurer = Annotated[Bearer, Depends(needs(Right.configure))]
Administrator = Annotated[Bearer, Depends(needs(Right.administer))]

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, text in {
        400: "Malformed request", 401: "Not signed in", 403: "The role does not allow it", 404: "No such thing",
        409: "Another state than assumed", 413: "Too large", 415: "Unsupported encoding", 422: "Not acceptable as given",
        429: "Too busy", 502: "The connector cannot do this", 503: "Unavailable, send again",
    }.items()
}  # fmt: skip
