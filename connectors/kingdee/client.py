"""Kingdee's WebAPI over HTTP: the only network code of this connector.

One call is one request; the only repeat is the one that a lost session asks for (a refusal: nothing has happened).
Every failure is classified by what must happen next. HTTP/1.1, no redirects, one connection pool.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import orjson

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.kingdee.answers import NO_FORM, Failure, parsed
from connectors.kingdee.config import KingdeeConfig
from connectors.kingdee.sessions import LOGIN_SERVICES, LoginAnswer, Session, login_body, taken_up
from connectors.kingdee.signing import signed_headers

AUTH = "Kingdee.BOS.WebApi.ServicesStub.AuthService."
DATA = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."
_GRANT = (
    "In Kingdee: 系统管理 > 第三方系统登录授权 (the application), 系统管理 > 用户 (the user), acctID (`data_center`)."
)


class Refused(ConfigProblem):
    """Kingdee understood the call and refuses it. `failure` holds its own words."""

    def __init__(self, message: str = "", *, failure: Failure, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.failure = failure


class MayNot(AuthProblem):
    """The hub's user lacks the right for this form and operation."""

    def __init__(self, message: str = "", *, failure: Failure, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.failure = failure


class _SessionLost(AuthProblem):
    """The session is not known to the server (any more), or the signature is not accepted."""


class KingdeeClient:
    """A connection to one data centre. Safe to use from several threads.

    Every call takes `until`, a value of time.monotonic(): the answer is not awaited any longer.
    """

    def __init__(self, config: KingdeeConfig, *, transport: httpx.BaseTransport | None = None) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._session: Session | None = None
        self.login_answer: LoginAnswer | None = None
        verify: ssl.SSLContext | bool = config.verify_tls
        if config.verify_tls and config.ca_file:
            try:
                verify = ssl.create_default_context(cafile=config.ca_file)
            except OSError as e:
                raise ConfigProblem(f"`ca_file`: {config.ca_file} can't be read: {e.strerror or e}") from e
        self._http = httpx.Client(
            timeout=config.timeout_s,
            follow_redirects=False,
            verify=verify,
            transport=transport,
            headers={"Content-Type": "application/json", "Accept-Charset": "utf-8", "User-Agent": "weft-kingdee"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # each session carries its own, see `Session`
        )

    def close(self) -> None:
        """Ends the session, which would hold a licence until it times out, and closes the connections."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None and session.sid:
            with contextlib.suppress(ConnectorError):  # a session left behind ends by itself
                self._post(AUTH + "Logout", {}, session, write=False, until=time.monotonic() + 5)
        self._http.close()

    # -- what the connector asks ----------------------------------------------------------------------------------

    def query(
        self,
        form: str,
        fields: Sequence[str],
        *,
        where: str = "",
        order: str = "",
        start: int = 0,
        limit: int,
        until: float | None = None,
    ) -> list[Any]:
        """The rows of ExecuteBillQuery, as they came: lists with the values in the order of `fields`.

        TopRowCount stays 0: it is an absolute last row, not a page size, and would cut every page but the first.
        """
        data = {
            "FormId": form,
            "FieldKeys": ",".join(fields),
            "FilterString": where,
            "OrderString": order,
            "TopRowCount": 0,
            "StartRow": start,
            "Limit": limit,
            "SubSystemId": "",
        }
        rows = self._call(DATA + "ExecuteBillQuery", {"data": data}, what=f"query of {form}", until=until)
        if not isinstance(rows, list):
            raise Transient(f"Kingdee's answer to the query of {form} is no table.")
        return rows

    def operate(self, operation: str, form: str, data: Mapping[str, Any], *, write: bool = True) -> dict[str, Any]:
        """The whole answer of Save, Submit, Audit …: IsSuccess was true, which says little (`answers.handled`)."""
        answer = self._call(
            DATA + operation, {"formid": form, "data": data}, what=f"{operation} of {form}", write=write
        )
        if not isinstance(answer, dict):
            raise _lost(f"Kingdee's answer to {operation} of {form} is no result", write)
        return answer

    def log_in_once(self) -> LoginAnswer:
        """A login for its own sake, ended at once: tells the version and that the account works."""
        kind = "app_secret" if self._config.login == "headers" else self._config.login
        session, answer = self._log_in(kind, None)
        with contextlib.suppress(ConnectorError):
            self._post(AUTH + "Logout", {}, session, write=False, until=time.monotonic() + 5)
        return answer

    # -- one call, and the session it needs ---------------------------------------------------------------------------

    def _call(
        self, service: str, body: Mapping[str, Any], *, what: str, write: bool = False, until: float | None = None
    ) -> Any:
        session = self._current(until)
        try:
            return self._answer(service, body, session, what, write, until)
        except _SessionLost as lost:
            if session is None:
                raise self._unauthorised(lost) from lost
            with self._lock:
                if self._session is not None and self._session.sid == session.sid:
                    self._session = None
        try:
            return self._answer(service, body, self._current(until), what, write, until)
        except _SessionLost as lost:
            raise self._unauthorised(lost) from lost

    def _current(self, until: float | None) -> Session | None:
        """The session to use; a login happens here. None: header mode, before the server gave one."""
        with self._lock:
            if self._session is None and self._config.login != "headers":
                self._session, self.login_answer = self._log_in(self._config.login, until)
            return self._session

    def _log_in(self, kind: str, until: float | None) -> tuple[Session, LoginAnswer]:
        body = login_body(self._config, kind, int(time.time()))
        text, cookies = self._post(AUTH + LOGIN_SERVICES[kind], body, None, write=False, until=until)
        try:
            answer, failure = parsed(text)
        except BadRecord as e:
            raise _no_json("the login", text, False) from e
        if failure is not None:
            raise self._unauthorised(AuthProblem(self._clean(failure.message)))
        return taken_up(answer, cookies, clean=self._clean)

    def _unauthorised(self, lost: AuthProblem) -> AuthProblem:
        if self._config.login == "headers":
            said = "Kingdee does not accept the signature: application, secret, data centre or user is wrong, or the "
            return AuthProblem(f"{said}application is not authorised ({lost}).", hint=_GRANT)
        return AuthProblem(f"Kingdee refuses the hub's login: {lost}", hint=_GRANT)

    def _answer(
        self,
        service: str,
        body: Mapping[str, Any],
        session: Session | None,
        what: str,
        write: bool,
        until: float | None,
    ) -> Any:
        text, cookies = self._post(service, body, session, write=write, until=until, what=what)
        try:
            answer, failure = parsed(text)
        except BadRecord as e:
            raise _no_json(what, text, write) from e
        if failure is not None:
            raise self._refusal(failure, what, write)
        if cookies:
            self._remember(session, cookies)
        return answer

    def _remember(self, session: Session | None, cookies: Mapping[str, str]) -> None:
        """Cookies of an answer go along from now on: the session's in header mode, a load balancer's in both."""
        with self._lock:
            if self._session is session and (session is None or not cookies.items() <= session.cookies.items()):
                self._session = (session or Session()).with_cookies(cookies)

    # -- one request ----------------------------------------------------------------------------------------------------

    def _post(
        self,
        service: str,
        body: Mapping[str, Any],
        session: Session | None,
        *,
        write: bool,
        until: float | None,
        what: str = "",
    ) -> tuple[str, Mapping[str, str]]:
        what = what or service.rpartition(".")[2]
        url = f"{self._config.url}{service}.common.kdsvc"
        headers = dict(session.headers) if session is not None else {}
        if self._config.login == "headers" and not service.startswith(AUTH):
            headers |= self._signed(url)
        try:
            response = self._http.post(
                url, content=orjson.dumps(body, default=_number), headers=headers, timeout=self._left(until, what)
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as e:
            raise self._unreachable(e) from e
        except httpx.TransportError as e:
            raise _lost(f"Kingdee did not answer {what} ({type(e).__name__})", write) from e
        text = _decoded(response)
        self._check_status(response, text, what, write)
        return text, {c.name: c.value or "" for c in response.cookies.jar}

    def _signed(self, url: str) -> Mapping[str, str]:
        config = self._config
        secret = config.app_secret.get_secret_value() if config.app_secret else ""
        org = config.organization if config.organization.isascii() and config.organization.isdecimal() else "0"
        now = int(time.time())
        return signed_headers(url, config.app_id, secret, config.data_center, config.username, config.lcid, org, now)

    def _left(self, until: float | None, what: str) -> float:
        if until is None:
            return self._config.timeout_s
        left = until - time.monotonic()
        if left <= 0:
            raise Transient(f"The deadline passed before Kingdee could be asked for {what}.")
        return min(left, self._config.timeout_s)

    def _unreachable(self, error: httpx.TransportError) -> ConnectorError:
        if "certificate" in str(error).lower():
            return ConfigProblem(
                "The certificate of `url` is not trusted.",
                hint="Name its authority in `ca_file`, or turn `verify_tls` off for a try.",
            )
        return Transient(f"Kingdee at {self._config.url} can't be reached ({type(error).__name__}).")

    def _check_status(self, response: httpx.Response, text: str, what: str, write: bool) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        said = f"{self._config.url} answers HTTP {status} to {what}"
        if status in (429, 503):
            raise Transient(f"{said}.", retry_after=_retry_after(response))
        if status == 401 or (300 <= status < 400 and "login" in response.headers.get("location", "").lower()):
            raise _SessionLost(f"{said}.")
        if 300 <= status < 400:
            target = response.headers.get("location", "").split("?", 1)[0]
            raise ConfigProblem(f"`url` redirects to {self._clean(target)[:200]}; put that address in.")
        if status == 403:
            raise AuthProblem(f"{said}: something in front of Kingdee refuses the hub.")
        if "thirty passport" in text:
            raise ConfigProblem(f"`data_center`: Kingdee knows no data centre {self._config.data_center!r}.")
        if status == 519:
            raise AuthProblem(f"The gateway refuses the call: {self._clean(_gateway_words(text))}", hint=_GRANT)
        if status == 404:
            raise ConfigProblem(f"{said}: no K3 Cloud there; is its path missing, such as /k3cloud/?")
        if status == 408 or status >= 500:
            raise _lost(said, write)
        raise ConfigProblem(f"{said}.")

    def _refusal(self, failure: Failure, what: str, write: bool) -> ConnectorError:
        words = self._clean(failure.message)
        told = Failure(words, failure.code, tuple((n, self._clean(m)) for n, m in failure.fields))
        if failure.no_right:
            return MayNot(f"The hub's user may not do this ({what}): {words}", failure=told, hint=_GRANT)
        if failure.session_lost:
            return _SessionLost(words)
        if failure.passing:
            return Transient(f"Kingdee can't do this now ({what}): {words}")
        if failure.timed_out:
            return _lost(f"Kingdee's database took too long ({what}): {words}", write)
        if failure.code == NO_FORM:
            return Refused(f"This Kingdee has no such form ({what}): {words}", failure=told)
        return Refused(f"Kingdee refuses this ({what}): {words}", failure=told)

    def _clean(self, text: str) -> str:
        for secret in self._config.secrets:
            text = text.replace(secret, "***")
        return text[:1000]


def _lost(what: str, write: bool) -> ConnectorError:
    return Ambiguous(f"{what}; it may have taken effect.") if write else Transient(f"{what}.")


def _no_json(what: str, text: str, write: bool) -> ConnectorError:
    if text.lstrip()[:1] != "<":
        return _lost(f"The answer to {what} is no JSON", write)
    if "登录" in text or "login" in text.lower():
        return _SessionLost("a login page came instead of an answer")
    return _lost(f"The answer to {what} is a web page; if that stays so, the path in `url` is wrong", write)


def _gateway_words(text: str) -> str:
    with contextlib.suppress(BadRecord):
        _, failure = parsed(text)
        if failure is not None:
            return failure.message
    return text[:200]


def _decoded(response: httpx.Response) -> str:
    """The body as text. Kingdee writes UTF-8; pages of a Chinese Windows in front of it come in GBK."""
    named = (response.charset_encoding or "utf-8").lower()
    for encoding in ("gb18030" if named in ("gbk", "gb2312") else named, "gb18030"):
        with contextlib.suppress(UnicodeDecodeError, LookupError):
            return response.content.decode(encoding)
    return response.content.decode("utf-8", "replace")


def _retry_after(response: httpx.Response) -> float | None:
    given = response.headers.get("retry-after", "")
    return int(given) if given.isdecimal() and given.isascii() else None


def _number(value: object) -> Any:
    """A Decimal as the JSON number it is, digit by digit."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)
