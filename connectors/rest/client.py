"""The only network code of manifests of kind `rest`: one request, one answer, every failure named by what must happen.

No redirect is followed (credentials would go along), no address but the connection's own host is asked, every call has
a limit in time and every answer one in size, and nothing is tried twice, but for a token that is renewed once.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient
from connectors.exact import dump_json
from connectors.manifest.exchange import Refused, Reply
from connectors.manifest.paths import at
from connectors.manifest.shapes import read_json
from connectors.manifest.templates import ABSENT, Values, as_text, fill, fill_path, fill_text
from connectors.rest.auth import InQuery, KeyTransport, header_text, proof_of
from connectors.rest.form import Answers, Auth, Request

MAX_ANSWER = 64 << 20
_NOTHING_HAPPENED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_LATER = frozenset({408, 425, 429, 503})
"""Nothing was done. 500, 502 and 504 leave it open."""


class Forbidden(AuthProblem):
    """The account is known and lacks this right."""


class RestClient:
    """`values`: `{config: ...}` for the templates. `transport`: instead of the network. Safe from any thread."""

    def __init__(
        self,
        base: str,
        auth: Auth,
        answers: Answers,
        values: Values,
        *,
        timeout_s: float,
        verify_tls: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base = base
        self._answers = answers
        self._timeout_s = timeout_s
        self._proof = proof_of(auth, values, self._build, self._call)
        inner = transport or httpx.HTTPTransport(verify=verify_tls)
        if isinstance(self._proof, InQuery):
            inner = KeyTransport(inner, self._proof.name, self._proof.value)
        self._http = httpx.Client(transport=inner, timeout=timeout_s, follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def ask(self, request: Request, values: Values, *, deadline_s: float | None = None, effect: bool = False) -> Reply:
        """Send a request. `effect`: it changes something, so that a lost answer is Ambiguous.

        :raises Refused: the system says no for good. :raises Transient, Ambiguous, AuthProblem, ConfigProblem: so.
        :raises BadRecord: a value is missing that the address needs.
        """
        return self._proven(lambda: self._build(request, values), deadline_s, effect)

    def follow(self, link: str, came_from: str, request: Request, values: Values) -> Reply:
        """GET the address an answer gave, on the same host only. Raises as `ask`."""
        target = urljoin(came_from, link)
        if not same_origin(target, self.base):
            raise ConfigProblem(
                f"the answer links to {urlsplit(target).scheme}://{urlsplit(target).netloc}, another host",
                hint="links are followed on the connection's own host only; is a proxy's own name in them?",
            )
        headers = {name: fill_text(text, values) for name, text in request.headers.items()}
        return self._proven(lambda: self._request("GET", target, headers, None, ""), None, False)

    # -- one call -----------------------------------------------------------------------------------------------------

    def _proven(self, build: Any, deadline_s: float | None, effect: bool) -> Reply:
        until = time.monotonic() + min(self._timeout_s, deadline_s if deadline_s is not None else self._timeout_s)
        request = self._proof.apply(build(), until)
        try:
            return self._send(request, until, effect)
        except AuthProblem as refusal:
            # it was refused before anything was done, so asking again with new proof is still one effect
            if isinstance(refusal, Forbidden) or not self._proof.renew(request):
                raise
        return self._send(self._proof.apply(build(), until), until, effect)

    def _call(self, request: httpx.Request, until: float, look_inside: bool) -> Any:
        """For a login: without proof."""
        try:
            return self._send(request, until, False, look_inside).body
        except Refused as no:
            raise AuthProblem(
                f"the login at {request.url.path} was refused: {no.status} {no.reason}", hint="renew the credentials"
            ) from None

    def _send(self, request: httpx.Request, until: float, effect: bool, look_inside: bool = True) -> Reply:
        what = f"{request.method} {request.url.path}"
        left = max(0.001, until - time.monotonic())
        request.extensions = {**request.extensions, "timeout": httpx.Timeout(left).as_dict()}
        lost = Ambiguous if effect else Transient
        try:
            answer = self._http.send(request, stream=True)
        except _NOTHING_HAPPENED as error:
            raise Transient(f"{what}: {_told(error)}") from None
        except httpx.RequestError as error:
            raise lost(f"{what}: {_told(error)}") from None
        try:
            content = _content(answer, until)
        except httpx.RequestError as error:
            raise lost(f"{what}: {_told(error)}") from None
        except _TooMuch as error:
            raise (Ambiguous if effect else ConfigProblem)(f"{what}: {error}", hint="ask for smaller pages") from None
        finally:
            answer.close()
        return self._judged(answer, content, what, effect, look_inside)

    # -- what an answer means -----------------------------------------------------------------------------------------

    def _judged(self, answer: httpx.Response, content: bytes, what: str, effect: bool, look_inside: bool) -> Reply:
        status = answer.status_code
        if 300 <= status < 400:
            place = urlsplit(answer.headers.get("location", ""))
            where = f"{place.scheme}://{place.netloc}{place.path}" if place.netloc else place.path
            raise ConfigProblem(f"{what} was sent on to {where}", hint="write the final address into the settings")
        body: Any = None
        problem = ""
        try:
            body = self._decoded(answer, content)
        except BadRecord as error:
            problem = str(error)
        self._refuse(status, answer.headers, body, what, effect)
        if problem:
            kind = Ambiguous if effect else Transient
            raise kind(f"{what}: the answer is no JSON: {problem}", hint="does `url` lead to the system's API?")
        if look_inside:
            self._look_inside(answer, body, what)
        return Reply(body, status, dict(answer.headers), str(answer.request.url))

    def _refuse(self, status: int, headers: Mapping[str, str], body: Any, what: str, effect: bool) -> None:
        if 200 <= status < 300:
            return
        reason = self._reason(body)
        said = f"{what}: {status}" + (f" {reason}" if reason else "")
        if self._answers.auth_when is not None and self._answers.auth_when.holds(body):
            raise AuthProblem(said, hint="renew the credentials")
        if status in (401, 407):
            raise AuthProblem(said, hint="the credentials were refused: renew them")
        if status == 403:
            raise Forbidden(said, hint="the account lacks the right for this call; grant it in the system")
        if status in _LATER:
            raise Transient(said, retry_after=retry_after(headers))
        if status < 500:
            raise Refused(status, reason or f"status {status}")
        raise (Ambiguous if effect else Transient)(said)

    def _look_inside(self, answer: httpx.Response, body: Any, what: str) -> None:
        """Failures that come with status 200."""
        told = self._answers
        said = f"{what}: {self._reason(body) or 'refused'}"
        if told.auth_when is not None and told.auth_when.holds(body):
            raise AuthProblem(said, hint="renew the credentials")
        if told.retry_when is not None and told.retry_when.holds(body):
            raise Transient(said, retry_after=retry_after(answer.headers))
        if told.success is not None and not told.success.holds(body):
            raise Refused(
                answer.status_code, self._reason(body) or f"{told.success.path} is not {told.success.equals!r}"
            )

    def _reason(self, body: Any) -> str:
        paths = (
            [self._answers.message] if self._answers.message else ["message", "error.message", "error", "msg", "detail"]
        )
        found = (at(body, path) for path in paths)
        return next((" ".join(text.split())[:300] for text in found if isinstance(text, str) and text.strip()), "")

    def _decoded(self, answer: httpx.Response, content: bytes) -> Any:
        if not content.strip():
            return None
        encoding = self._answers.encoding or answer.charset_encoding or "utf-8"
        try:
            codecs.lookup(encoding)
            text = content.decode(encoding)
        except (LookupError, UnicodeDecodeError) as error:
            raise BadRecord(f"not {encoding}: {error}", record="") from None
        return read_json(text.removeprefix("\ufeff"))

    # -- a request ----------------------------------------------------------------------------------------------------

    def _build(self, form: Request, values: Values) -> httpx.Request:
        url = self.base + fill_path(form.path, values)
        params = [(name, as_text(v)) for name, v in _flat(fill(form.params, values))]
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params)
        headers = {name: text for name, told in form.headers.items() if (text := fill_text(told, values))}
        if form.body is None:
            return self._request(form.method, url, headers, None, "")
        body = fill(form.body, values)
        body = None if body is ABSENT else body
        if form.send == "form":
            pairs = [(name, as_text(v)) for name, v in _flat(body or {})]
            return self._request(
                form.method, url, headers, urlencode(pairs).encode(), "application/x-www-form-urlencoded"
            )
        return self._request(form.method, url, headers, dump_json(body), "application/json")

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, kind: str
    ) -> httpx.Request:
        sent = {"Accept": "application/json", **({"Content-Type": kind} if kind else {})}
        sent |= {name: header_text(name, text) for name, text in headers.items()}
        return self._http.build_request(method, url, headers=sent, content=content)


class _TooMuch(Exception):
    """The answer is larger, or takes longer, than any may."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait a system asks for: seconds, or an HTTP date."""
    told = headers.get("retry-after", "").strip()
    if told.isdecimal() and len(told) < 10:
        return int(told)
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def same_origin(url: str, base: str) -> bool:
    """Whether both have the same scheme, host and port."""
    try:
        return _origin(url) == _origin(base)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials in an address")
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _content(answer: httpx.Response, until: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in answer.iter_bytes():
        size += len(chunk)
        if size > MAX_ANSWER:
            raise _TooMuch(f"the answer is larger than {MAX_ANSWER >> 20} MiB")
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the answer took too long")
        chunks.append(chunk)
    return b"".join(chunks)


def _flat(params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A list's items as parameters of the same name; maps as JSON, as some systems want their filters."""
    found: list[tuple[str, Any]] = []
    for name, value in params.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                found.append((str(name), dump_json(item).decode() if isinstance(item, dict) else item))
    return found


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
