"""Who asks, and may they: bearer tokens and rights as FastAPI dependencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway import clock, tokens
from gateway.api.sight import gate
from gateway.errors import Forbidden, Unauthorized
from gateway.service import Gateway
from gateway.tokens import RIGHTS, Bearer, Right

_scheme = HTTPBearer(auto_error=False, description="An API token: `weft token create --role ROLE`.")


def gateway_of(request: Request) -> Gateway:
    return cast(Gateway, request.app.state.gateway)


GatewayDep = Annotated[Gateway, Depends(gateway_of)]


def bearer(
    request: Request, gateway: GatewayDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]
) -> Bearer:
    """Raises Unauthorized, and what `gate` raises."""
    if credentials is None:
        raise Unauthorized()
    with gateway.reading() as conn:
        found = tokens.find(conn, credentials.credentials, clock.now())
    if found is None:
        raise Unauthorized("The token is not valid (unknown, expired or revoked).")
    gate(request, gateway, found)
    return found


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
        400: "Malformed request", 401: "No valid token", 403: "The role does not allow it", 404: "No such thing",
        409: "Another state than assumed", 413: "Too large", 415: "Unsupported encoding", 422: "Not acceptable as given",
        429: "Too busy", 502: "The connector cannot do this", 503: "Unavailable, send again",
    }.items()
}  # fmt: skip
