"""How one logs in to the stand-in: SOAP with a password, and OAuth with a password, a JWT or as the application."""

from __future__ import annotations

import base64
import re
import secrets
import threading
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any

from connectors.salesforce.sandbox_http import Answer, Request, as_json

_LOCK = threading.Lock()


@dataclass(slots=True)
class Account:
    """The hub's user and its connected app. `sessions`: those that are good now."""

    organization: str
    user: str
    username: str = "weft@example.test"
    password: str = "sandbox-password"  # noqa: S105 - the stand-in's own
    security_token: str = "SandboxToken0123456789"  # noqa: S105
    consumer_key: str = "3MVG9sandboxConsumerKey0123456789"
    consumer_secret: str = "sandbox-consumer-secret-0123456789"  # noqa: S105
    trusted_address: bool = True
    """Whether the caller is in the trusted IP ranges: a login by organization, or without security token, works."""
    active: bool = True
    sessions: set[str] = field(default_factory=set)
    _private_key: str = ""

    @property
    def private_key(self) -> str:
        """PEM of the key whose certificate the connected app has; made when first asked for, as that takes a while."""
        with _LOCK:
            if not self._private_key:
                from cryptography.hazmat.primitives import serialization as form
                from cryptography.hazmat.primitives.asymmetric import rsa

                key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
                self._private_key = pem.decode()
            return self._private_key

    def open(self) -> str:
        session = f"{self.organization[:15]}!{secrets.token_urlsafe(48)}"
        self.sessions.add(session)
        return session


def soap(account: Account, request: Request, origin: str, version: str) -> Answer:
    """The login call of the partner API."""
    text = request.body.decode("utf-8", "replace")
    username, password = _element(text, "username"), _element(text, "password")
    organization = _element(text, "organizationId")
    if request.headers.get("soapaction", "").strip('"') != "login" or username is None:
        return _fault("UNKNOWN_EXCEPTION", "only the call login is known here")
    with_token = account.password + account.security_token
    if organization is not None:
        good = organization[:15] == account.organization[:15] and password == account.password
    else:
        good = password == with_token or (account.trusted_address and password == account.password)
    if not good or username != account.username or not account.active:
        text = "Invalid username, password, security token; or user locked out."
        return _fault("INVALID_LOGIN", text)
    if organization is not None and not account.trusted_address:
        return _fault("LOGIN_MUST_USE_SECURITY_TOKEN", "the address is in no trusted IP range")
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
        "<soapenv:Body><loginResponse><result>"
        f"<serverUrl>{origin}/services/Soap/u/{version}/{account.organization}</serverUrl>"
        f"<sessionId>{account.open()}</sessionId><userId>{account.user}</userId>"
        "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
    )
    return Answer(200, body.encode(), {"content-type": "text/xml;charset=UTF-8"})


def oauth(account: Account, request: Request, origin: str) -> Answer:
    """The token endpoint."""
    form = request.form
    match form.get("grant_type"):
        case "password":
            good = _is_app(account, form.get("client_id"), form.get("client_secret"))
            if not good:
                return _refused("invalid_client_id", "client identifier invalid")
            words = (account.password, account.password + account.security_token)
            if form.get("username") != account.username or form.get("password") not in words or not account.active:
                return _refused("invalid_grant", "authentication failure")
        case "client_credentials":
            key, _, secret = _basic(request).partition(":")
            if not _is_app(account, key, secret):
                return _refused("invalid_client", "invalid client credentials", 401)
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            why = _why_not(account, form.get("assertion", ""), origin)
            if why:
                return _refused("invalid_grant", why)
        case other:
            return _refused("unsupported_grant_type", f"grant type not supported: {other}")
    told = {"access_token": account.open(), "instance_url": origin, "token_type": "Bearer"}
    return as_json(told | {"id": f"{origin}/id/{account.organization}/{account.user}", "scope": "api"})


def _why_not(account: Account, assertion: str, origin: str) -> str:
    """Why a JWT is not good; empty: it is."""
    import jwt
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    public: Any = load_pem_private_key(account.private_key.encode(), None).public_key()
    audiences = ["https://login.salesforce.com", "https://test.salesforce.com", origin]
    try:
        unverified = str(jwt.decode(assertion, options={"verify_signature": False}).get("aud"))
        if unverified.startswith(origin):
            audiences.append(unverified)
        claims = jwt.decode(assertion, public, algorithms=["RS256"], audience=audiences, issuer=account.consumer_key)
    except jwt.InvalidTokenError as error:
        return {
            "InvalidAudienceError": "audience is invalid",
            "ExpiredSignatureError": "expired authorization code",
        }.get(type(error).__name__, "invalid assertion")
    if claims.get("sub") != account.username or not account.active:
        return "user hasn't approved this consumer"
    return ""


def _is_app(account: Account, key: str | None, secret: str | None) -> bool:
    return key == account.consumer_key and secret == account.consumer_secret


def _basic(request: Request) -> str:
    given = request.headers.get("authorization", "").removeprefix("Basic ")
    try:
        return base64.b64decode(given, validate=True).decode()
    except ValueError:
        return ""


def _element(text: str, name: str) -> str | None:
    found = re.search(rf"<(?:\w+:)?{name}>(.*?)</", text, re.DOTALL)
    return unescape(found[1]) if found else None


def _refused(error: str, description: str, status: int = 400) -> Answer:
    return as_json({"error": error, "error_description": description}, status)


def _fault(code: str, message: str) -> Answer:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring><detail><sf:LoginFault "
        f'xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{escape(message)}'
        "</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Answer(500, body.encode(), {"content-type": "text/xml;charset=UTF-8"})
