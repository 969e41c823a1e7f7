"""Who we are, shown with every request. Secrets go into headers and, of necessity, parameters; never into a text."""

from __future__ import annotations

import base64
import hashlib
import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from connectors.errors import AuthProblem, BadRecord, ConfigProblem
from connectors.exact import exact_number
from connectors.manifest.paths import at
from connectors.manifest.templates import Values, fill, fill_text
from connectors.rest.form import (
    Auth,
    Basic,
    Bearer,
    HeaderKey,
    Hmac,
    Login,
    NoAuth,
    OAuth2,
    QueryKey,
    Request,
)
from connectors.webhook.signatures import digest

Call = Callable[[httpx.Request, float, bool], Any]
"""Sends a request as it is, until a moment of the monotonic clock at the latest, and gives the answer's JSON; true: what
the manifest says of answers holds for it too. Raises Transient, AuthProblem, ConfigProblem."""
Build = Callable[[Request, Values], httpx.Request]
_EARLY_S = 30
"""A token is renewed so long before it ends, so that it does not end on its way."""


class Proof(Protocol):
    """Shows who we are, by the moment `until` at the latest. `renew`: after a refusal get new proof; False: there is
    none to get."""

    def apply(self, request: httpx.Request, until: float) -> httpx.Request: ...
    def renew(self, refused: httpx.Request) -> bool: ...


def proof_of(auth: Auth, values: Values, build: Build, call: Call) -> Proof:
    """How this connection shows who it is."""
    match auth:
        case Basic():
            login = f"{fill_text(auth.username, values)}:{fill_text(auth.password, values)}"
            return InHeaders({"Authorization": "Basic " + base64.b64encode(login.encode()).decode()})
        case Bearer():
            return InHeaders({"Authorization": f"Bearer {fill_text(auth.token, values)}"})
        case HeaderKey():
            return InHeaders({auth.name: fill_text(auth.value, values)})
        case QueryKey():
            return InQuery(auth.name, fill_text(auth.value, values))
        case OAuth2():
            return Token(_oauth2(auth, values, build, call), "Authorization", "Bearer {token}", values)
        case Login():
            return Token(_login(auth, values, build, call), auth.header, auth.value, values)
        case Hmac():
            return Signed(auth, values)
        case NoAuth():
            return InHeaders({})


class InHeaders:
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = {name: header_text(name, value) for name, value in headers.items()}

    def apply(self, request: httpx.Request, until: float) -> httpx.Request:
        request.headers.update(self._headers)
        return request

    def renew(self, refused: httpx.Request) -> bool:
        return False


class InQuery:
    """The key is added below the client (see `KeyTransport`), which logs the addresses it is asked for."""

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value

    def apply(self, request: httpx.Request, until: float) -> httpx.Request:
        return request

    def renew(self, refused: httpx.Request) -> bool:
        return False


class KeyTransport(httpx.BaseTransport):
    """Adds a parameter to every request on its last steps, beneath whatever logs it."""

    def __init__(self, inner: httpx.BaseTransport, name: str, value: str) -> None:
        self._inner = inner
        self._name = name
        self._value = value

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_add_param(self._name, self._value)
        with_key = httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return self._inner.handle_request(with_key)

    def close(self) -> None:
        self._inner.close()


class Token:
    """A token that is asked for when first needed, before it ends, and once after it was refused. Thread-safe."""

    def __init__(
        self, ask: Callable[[float], tuple[str, float | None]], header: str, value: str, values: Values
    ) -> None:
        self._ask = ask
        self._header = header
        self._value = value
        self._values = values
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def apply(self, request: httpx.Request, until: float) -> httpx.Request:
        request.headers[self._header] = self._shown(self._current(until))
        return request

    def renew(self, refused: httpx.Request) -> bool:
        """Forget the token that was refused, unless another thread has a newer one already."""
        with self._lock:
            if self._token and refused.headers.get(self._header) == self._shown(self._token):
                self._token = ""
        return True

    def _current(self, until: float) -> str:
        with self._lock:
            if not self._token or time.monotonic() >= self._until:
                asked = time.monotonic()
                self._token, lasts_s = self._ask(until)
                self._until = asked + max(1.0, lasts_s - _EARLY_S) if lasts_s is not None else math.inf
            return self._token

    def _shown(self, token: str) -> str:
        return header_text(self._header, fill_text(self._value, {**self._values, "token": token}))


class Signed:
    """Every request signed over what it is; see `Hmac`."""

    def __init__(self, auth: Hmac, values: Values) -> None:
        self._auth = auth
        self._values = values

    def apply(self, request: httpx.Request, until: float) -> httpx.Request:
        stamp = _stamp(self._auth.timestamp, datetime.now(UTC))
        for name, value in signature_headers(self._auth, self._values, request, stamp).items():
            request.headers[name] = value
        return request

    def renew(self, refused: httpx.Request) -> bool:
        return False


def signature_headers(auth: Hmac, values: Values, request: httpx.Request, stamp: str) -> dict[str, str]:
    """The headers that sign a request made at this time."""
    body = request.content
    what = {
        **values,
        "method": request.method,
        "path": request.url.raw_path.partition(b"?")[0].decode("ascii"),
        "query": request.url.query.decode("ascii"),
        "timestamp": stamp,
        "body": body.decode("utf-8", "replace"),
        "body_sha256": hashlib.sha256(body).hexdigest(),
    }
    signed = fill_text(auth.signed, what).encode()
    what["signature"] = digest(auth.algorithm, auth.encoding, fill_text(auth.secret, values), signed)
    found = {auth.header: fill_text(auth.value, what)}
    found |= {name: fill_text(text, what) for name, text in auth.headers.items()}
    if auth.timestamp_header:
        found[auth.timestamp_header] = stamp
    return {name: header_text(name, value) for name, value in found.items()}


def header_text(name: str, value: str) -> str:
    """A value that may stand in a header. Raises BadRecord: a line break would begin another header."""
    if not value.isprintable() or not value.isascii():
        raise BadRecord(f"the header {name} may hold printable ASCII only")
    return value


def _oauth2(auth: OAuth2, values: Values, build: Build, call: Call) -> Callable[[float], tuple[str, float | None]]:
    def ask(until: float) -> tuple[str, float | None]:
        form = {"grant_type": "client_credentials", "scope": auth.scope, **auth.more}
        login = (fill_text(auth.client_id, values), fill_text(auth.client_secret, values))
        if auth.send == "body":
            form |= {"client_id": auth.client_id, "client_secret": auth.client_secret}
        sent = {name: told for name, text in form.items() if (told := fill_text(text, values))}
        if auth.token_url:
            url = fill_text(auth.token_url, values)
            if not url.startswith(("http://", "https://")):
                raise ConfigProblem(f"token_url is no address: {url!r}")
            request = httpx.Request("POST", url, data=sent, headers={"Accept": "application/json"})
        else:
            form_request = Request(method="POST", path=auth.token_path, body=sent, send="form")
            request = build(form_request, values)
        if auth.send == "basic":
            request.headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
        answer = call(request, until, False)
        return _token_in(answer, "access_token"), _life_in(answer, "expires_in")

    return ask


def _login(auth: Login, values: Values, build: Build, call: Call) -> Callable[[float], tuple[str, float | None]]:
    def ask(until: float) -> tuple[str, float | None]:
        answer = call(build(auth.request, values), until, True)
        return _token_in(answer, auth.token), _life_in(answer, auth.expires_in) if auth.expires_in else None

    return ask


def _token_in(answer: Any, path: str) -> str:
    token = at(answer, path)
    if not isinstance(token, str | int) or isinstance(token, bool) or token == "":
        raise AuthProblem(f"the login gave no token at {path or 'the top'}", hint="are the credentials right?")
    return str(token)


def _life_in(answer: Any, path: str) -> float | None:
    try:
        return int(exact_number(at(answer, path)))
    except BadRecord:
        return None


def _stamp(format: str, now: datetime) -> str:
    if format == "iso":
        return now.isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(int(now.timestamp() * (1 if format == "unix" else 1000)))


__all__ = ["InQuery", "KeyTransport", "Proof", "fill", "header_text", "proof_of", "signature_headers"]
