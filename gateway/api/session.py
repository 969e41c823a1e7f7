"""Signing in and out, and who one is."""

from __future__ import annotations

from typing import Annotated, Literal, cast

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

import id_registry
from gateway import clock
from gateway.api.access import REFUSALS, Caller, CallerDep, GatewayDep, csrf_token, signed_in
from gateway.api.shapes import Line, Text
from gateway.api.shapes import Request as Body
from gateway.errors import Conflict, Forbidden, NotFound
from gateway.rights import Eyes, asker_of
from gateway.service import Gateway
from gateway.signin import accounts, entering, oidc, sessions
from gateway.signin.passwords import LONGEST
from gateway.tokens import Right

router = APIRouter(prefix="/v1", tags=["access"], responses=REFUSALS)
log = structlog.get_logger(__name__)
Password = Annotated[Text, Field(min_length=1, max_length=LONGEST)]


class Credentials(Body):
    login: Annotated[Line, Field(min_length=1)]
    password: Password


class NewPassword(Body):
    current: Password
    password: Password


class Pages(BaseModel):
    """Parts of the API by the beginning of their paths; of interest only where `limited`."""

    read: list[str]
    write: list[str]


class Me(BaseModel):
    """Who asks and what they may do."""

    login: str
    name: str
    actor: str = Field(description="What stands in timelines and audit trails.")
    role: Literal["viewer", "agent", "integrator", "admin"]
    rights: list[str] = Field(description="read, act, configure, administer")
    person: str | None = Field(description="Id in the roster.")
    roles: list[str] = Field(description="Business roles; the policy `rights` says what they see and do.")
    groups: list[str]
    customer: str | None
    limited: bool = Field(description="The policy `rights` holds for them.")
    may_create: bool = Field(description="May make tickets by hand.")
    pages: Pages
    must_change_password: bool
    has_password: bool
    by: Literal["session", "token"]
    csrf: str | None = Field(description="For the header X-CSRF-Token of requests that change something.")
    expires_at: str | None = Field(description="When the session ends if it is not used any more.")


class Elsewhere(BaseModel):
    """An organisation's own sign-in."""

    name: str
    url: str


class Methods(BaseModel):
    password: bool
    oidc: Elsewhere | None


class SignIn(BaseModel):
    """Who is signed in, and how one may sign in."""

    me: Me | None
    methods: Methods


@router.get("/session")
def read_session(request: Request, gateway: GatewayDep, found: CallerDep) -> SignIn:
    """Who is signed in; `me` is null for nobody, and then `methods` says how to."""
    return SignIn(me=None if found is None else me_of(gateway, found), methods=_methods(request))


@router.post("/session")
def sign_in(request: Request, response: Response, gateway: GatewayDep, given: Credentials) -> SignIn:
    """Sets the session's cookie. 401 for a wrong name or password alike; 429 after too many tries."""
    _from_here(request)
    address = request.client.host if request.client else ""
    account, cookie = entering.sign_in(
        gateway, given.login, given.password, address, request.cookies.get(sessions.COOKIE)
    )
    set_cookie(response, gateway, cookie)
    with gateway.reading() as conn:
        session = sessions.find(conn, cookie, clock.now())
    return SignIn(me=me_of(gateway, Caller(account.bearer, account, session)), methods=_methods(request))


@router.delete("/session", status_code=204)
def sign_out(request: Request, gateway: GatewayDep, found: CallerDep) -> Response:
    """Ends the session of the cookie; there need be none."""
    cookie = request.cookies.get(sessions.COOKIE)
    if found is not None and found.session is not None and cookie:
        with gateway.transaction() as conn:
            sessions.end(conn, cookie)
    answered = Response(status_code=204)
    answered.delete_cookie(sessions.COOKIE, path="/", httponly=True, samesite="lax", secure=_secure(gateway))
    return answered


@router.get("/session/oidc", status_code=303, response_class=RedirectResponse)
def sign_in_elsewhere(request: Request, gateway: GatewayDep, next: Line = "/") -> Response:
    """Leads a browser to the organisation's own sign-in. 404 when none is set."""
    provider = _provider(request)
    if provider is None:
        raise NotFound("No other sign-in is set: oidc_issuer.")
    try:
        url, held = provider.leave(_own_path(next))
    except oidc.NotSignedIn as error:
        return _refused(error)
    answered = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    answered.set_cookie(oidc.COOKIE, held, max_age=oidc.LASTS_S, path=oidc.PATH, httponly=True, samesite="lax",
                        secure=_secure(gateway))  # fmt: skip
    return answered


@router.get("/session/oidc/callback", status_code=303, response_class=RedirectResponse)
def come_back(request: Request, gateway: GatewayDep) -> Response:
    """Where the organisation's sign-in leads back to: begins a session, or leads to the sign-in page, which says why not."""
    provider = _provider(request)
    if provider is None:
        raise NotFound("No other sign-in is set: oidc_issuer.")
    try:
        claims, where = provider.come_back(request.cookies.get(oidc.COOKIE), str(request.url))
        account = oidc.admit(gateway, provider, claims)
    except oidc.NotSignedIn as error:
        return _refused(error)
    cookie = entering.enter(gateway, account, request.cookies.get(sessions.COOKIE))
    answered = RedirectResponse(_own_path(where), 303)
    answered.delete_cookie(oidc.COOKIE, path=oidc.PATH, httponly=True, samesite="lax", secure=_secure(gateway))
    set_cookie(answered, gateway, cookie)
    return answered


def _refused(error: oidc.NotSignedIn) -> Response:
    log.warning("signin.oidc_refused", why=error.why, detail=str(error)[:300])
    answered = RedirectResponse(f"/signin?refused={error.why}", 303, {"Cache-Control": "no-store"})
    answered.delete_cookie(oidc.COOKIE, path=oidc.PATH, httponly=True, samesite="lax")
    return answered


@router.get("/me")
def read_me(gateway: GatewayDep, found: Annotated[Caller, Depends(signed_in)]) -> Me:
    """Who asks, by cookie or token."""
    return me_of(gateway, found)


@router.put("/me/password")
def change_password(
    request: Request, response: Response, gateway: GatewayDep, found: Annotated[Caller, Depends(signed_in)], given: NewPassword
) -> Me:  # fmt: skip
    """One's own; all other sessions end. 401 when the current one is wrong, which counts as a try to sign in."""
    account = found.account
    if account is None or found.session is None or not account.has_password:
        raise Conflict("Only who signed in with a password has one to change.")
    if given.password == given.current:
        raise Conflict("The new password is the current one.")
    address = request.client.host if request.client else ""
    entering.prove(gateway, account.login, given.current, address)
    with gateway.transaction() as conn:
        accounts.set_password(conn, account.id, given.password, must_change=False)
        now = clock.now()
        cookie = sessions.begin(conn, account.id, now)
        session = sessions.find(conn, cookie, now)
        account = accounts.get(conn, account.id)
    set_cookie(response, gateway, cookie)
    return me_of(gateway, Caller(account.bearer, account, session))


def set_cookie(response: Response, gateway: Gateway, cookie: str) -> None:
    response.set_cookie(
        sessions.COOKIE, cookie, max_age=sessions.LASTING // clock.SECOND, path="/", httponly=True, samesite="lax",
        secure=_secure(gateway),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"


def me_of(gateway: Gateway, found: Caller) -> Me:
    """Raises Forbidden for a person who is not in the roster any more."""
    who, account, session = found.bearer, found.account, found.session
    asker = asker_of(gateway.hub, who)
    with gateway.reading() as conn:
        eyes = Eyes(conn, gateway.hub, asker)
        roles = [] if asker.unlimited else eyes.rights.roles_of(asker.roles)
        may_create = eyes.may_create and who.may(Right.act)
    known = gateway.hub.roster.people.get(who.person or "")
    pages = [page for role in roles for page in role.pages]
    return Me(
        login=who.name,
        name=known.name if known is not None else account.name if account is not None else who.name,
        actor=who.actor,
        role=who.role.value,
        rights=[right.value for right in Right if who.may(right)],
        person=who.person,
        roles=sorted(asker.roles),
        groups=sorted(asker.groups),
        customer=None if asker.customer is None else id_registry.format_id(asker.customer),
        limited=not asker.unlimited,
        may_create=may_create,
        pages=Pages(
            read=sorted({page.removeprefix("* ") for page in pages}),
            write=sorted({page.removeprefix("* ") for page in pages if page.startswith("* ")}),
        ),
        must_change_password=account is not None and account.must_change,
        has_password=account is not None and account.has_password,
        by="token" if session is None else "session",
        csrf=None if session is None else csrf_token(gateway, session),
        expires_at=None if session is None else clock.rfc3339(session.ends_at),
    )


def _methods(request: Request) -> Methods:
    provider = _provider(request)
    return Methods(password=True, oidc=None if provider is None else Elsewhere(name=provider.name, url=oidc.PATH))


def _provider(request: Request) -> oidc.Provider | None:
    return cast("oidc.Provider | None", request.app.state.oidc)


def _own_path(text: str) -> str:
    """A path of the hub's own, or its start: nobody is led elsewhere by a link to the sign-in."""
    good = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if good else "/"


def _secure(gateway: Gateway) -> bool:
    return gateway.settings.url.startswith("https://")


def _from_here(request: Request) -> None:
    """Signing somebody in from another site's page would make them work in another's name. Raises Forbidden."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("Sign in on the hub's own page.")
