"""Zabbix's JSON-RPC API over HTTP: the only network code of this connector.

One call is one request; the only repeat is the one that a session which ran out, or a Zabbix upgraded meanwhile, asks
for (both are refusals: nothing has happened). Every failure is classified by what must happen next.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import ssl
import threading
from typing import Any, NamedTuple

import httpx
import orjson

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.exact import load_json
from connectors.zabbix.config import API, ZabbixConfig

OLDEST = (6, 0)
_SESSION_ENDED = ("session terminated", "not authorized", "not authorised")
_BAD_LOGIN = (
    "user name or password",
    "login name or password",
    "api token expired",
    "no permissions for system access",
)
_PASSING = ("sql statement execution", "connecting to database", "connect to the database", "deadlock")


class Version(NamedTuple):
    """Zabbix's version as far as it decides the protocol."""

    major: int
    minor: int
    text: str

    @classmethod
    def parse(cls, text: str) -> Version:
        found = re.match(r"(\d+)\.(\d+)", text)
        if found is None:
            raise ConfigProblem(f"The address answers with the version {text[:40]!r}, which is none of Zabbix.")
        return cls(int(found[1]), int(found[2]), text)

    @property
    def bearer(self) -> bool:
        """The token goes into the Authorization header (6.4 and later) instead of the body (refused from 7.2 on)."""
        return self[:2] >= (6, 4)

    @property
    def acknowledges(self) -> str:
        """The name of event.get's parameter for an event's updates."""
        return "selectAcknowledges" if self[:2] >= (7, 0) else "select_acknowledges"

    @property
    def host_groups(self) -> str:
        """The name of host.get's parameter for a host's groups."""
        return "selectHostGroups" if self[:2] >= (6, 2) else "selectGroups"

    @property
    def can_suppress(self) -> bool:
        return self[:2] >= (6, 2)


class Refused(ConfigProblem):
    """Zabbix understood the call and refuses it. `reason` is Zabbix's own sentence."""

    def __init__(self, message: str = "", *, reason: str = "", code: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.code = code


class MayNotCall(AuthProblem):
    """The role of the hub's account does not allow it to call this method of the API."""


class ZabbixClient:
    """A connection to one front end. Safe to use from several threads."""

    def __init__(self, config: ZabbixConfig, *, transport: httpx.BaseTransport | None = None) -> None:
        self._config = config
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._version: Version | None = None
        self._session = ""
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
            headers={"Content-Type": "application/json-rpc", "Accept": "application/json", "User-Agent": "weft-zabbix"},
        )

    def close(self) -> None:
        """Ends the session of a password login and closes the connections."""
        with self._lock:
            session, self._session = self._session, ""
        if session and self._version is not None:
            with contextlib.suppress(ConnectorError):  # a session left behind ends by itself
                self._answer("user.logout", [], session, write=False, timeout_s=min(5, self._config.timeout_s))
        self._http.close()

    def version(self, *, again: bool = False, timeout_s: float | None = None) -> Version:
        """The version of the API, asked once. Raises ConfigProblem for one older than 6.0."""
        with self._lock:
            if self._version is None or again:
                version = Version.parse(str(self._answer("apiinfo.version", [], "", write=False, timeout_s=timeout_s)))
                if version[:2] < OLDEST:
                    raise ConfigProblem(f"Zabbix {version.text} is too old; this connector needs 6.0 or later.")
                self._version = version
            return self._version

    def call(self, method: str, params: Any, *, write: bool = False, timeout_s: float | None = None) -> Any:
        """The `result` of one call.

        `write` says that the call has an effect: no answer is then Ambiguous instead of Transient. Raises Refused with
        Zabbix's reason when it refuses the call as such, else the errors of `connectors.errors`.
        """
        credential = self._credential(timeout_s)
        try:
            return self._answer(method, params, credential, write=write, timeout_s=timeout_s)
        except _SessionEnded as ended:
            if self._config.token is not None:
                raise AuthProblem(
                    "Zabbix does not accept the API token: it is wrong, disabled, or its user is.",
                    hint="Make a new one under Users > API tokens and put it into `token`.",
                ) from ended
            self._forget(credential)
        except _WrongEnvelope:
            self.version(again=True, timeout_s=timeout_s)
        try:
            return self._answer(method, params, self._credential(timeout_s), write=write, timeout_s=timeout_s)
        except (_SessionEnded, _WrongEnvelope) as e:
            raise AuthProblem(f"Zabbix refuses {method} right after a new login: {e}") from e

    def _credential(self, timeout_s: float | None) -> str:
        """The API token, or the session of a login made now if there is none."""
        self.version(timeout_s=timeout_s)
        if self._config.token is not None:
            return self._config.token.get_secret_value()
        with self._lock:
            if not self._session:
                password = self._config.password.get_secret_value() if self._config.password else ""
                login = {"username": self._config.username, "password": password}
                self._session = str(self._answer("user.login", login, "", write=False, timeout_s=timeout_s))
            return self._session

    def _forget(self, session: str) -> None:
        with self._lock:
            if self._session == session:
                self._session = ""

    # -- one request ------------------------------------------------------------------------------------------------

    def _answer(self, method: str, params: Any, auth: str, *, write: bool, timeout_s: float | None = None) -> Any:
        body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params, "id": next(self._ids)}
        headers = {}
        if auth and self._version is not None and self._version.bearer:
            headers["Authorization"] = f"Bearer {auth}"
        elif auth:
            body["auth"] = auth
        content = orjson.dumps(body)
        timeout = self._config.timeout_s if timeout_s is None else max(0.001, min(timeout_s, self._config.timeout_s))
        try:
            response = self._http.post(self._config.url + API, content=content, headers=headers, timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as e:
            raise self._unreachable(e) from e
        except httpx.TransportError as e:
            raise self._lost(f"Zabbix did not answer {method} ({type(e).__name__})", write) from e
        self._check_status(response, method, write)
        try:
            answer = load_json(response.content)
        except BadRecord as e:
            page = " but a web page; if that stays so, the path in `url` is wrong" if _is_page(response) else ""
            raise self._lost(f"The answer to {method} is no JSON{page}", write) from e
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise self._lost(f"Zabbix's answer to {method} is no JSON-RPC", write)
        if "error" in answer:
            raise self._refusal(method, answer["error"], auth)
        return answer["result"]

    @staticmethod
    def _lost(what: str, write: bool) -> ConnectorError:
        return Ambiguous(f"{what}; it may have taken effect.") if write else Transient(f"{what}.")

    def _unreachable(self, error: httpx.TransportError) -> ConnectorError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error) or "certificate" in str(error).lower():
            return ConfigProblem(
                "The certificate of `url` is not trusted.",
                hint="Name its authority in `ca_file`, or turn `verify_tls` off for a try.",
            )
        return Transient(f"Zabbix at {self._config.url} can't be reached ({type(error).__name__}).")

    def _check_status(self, response: httpx.Response, method: str, write: bool) -> None:
        status = response.status_code
        if status == 200:
            return
        said = f"{self._config.url}{API} answers HTTP {status}"
        if status in (429, 503):
            raise Transient(f"{said}.", retry_after=_retry_after(response))
        if status == 408 or status >= 500:
            raise self._lost(f"{said} to {method}", write)
        if 300 <= status < 400:
            target = response.headers.get("location", "").split("?", 1)[0]
            raise ConfigProblem(f"`url` redirects to {target[:200]}; put that address in.")
        if status in (401, 403):
            raise AuthProblem(f"{said}: the web server in front of Zabbix refuses the hub.")
        if status == 404:
            raise ConfigProblem(f"{said}: no Zabbix front end there; is its path missing, such as /zabbix?")
        if status == 412:
            raise ConfigProblem(f"{said}: something between changes the Content-Type header.")
        raise ConfigProblem(f"{said}.")

    def _refusal(self, method: str, error: Any, auth: str) -> ConnectorError:
        fields = error if isinstance(error, dict) else {}
        reason = self._clean(str(fields.get("data") or fields.get("message") or error), auth)
        code = fields.get("code")
        said = reason.lower()
        if any(mark in said for mark in _SESSION_ENDED):
            return _SessionEnded(reason)
        if 'unexpected parameter "auth"' in said or "authorization header" in said:
            return _WrongEnvelope(reason)
        if any(mark in said for mark in _BAD_LOGIN):
            return AuthProblem(
                f"Zabbix refuses the login: {reason}", hint="Check `token`, or `username` and `password`."
            )
        if "no permissions to call" in said:
            return MayNotCall(
                f"The account may not call {method}.",
                hint="Allow it in its role: Users > User roles > Access to API.",
            )
        if code == 1 or any(mark in said for mark in _PASSING):  # 1: the front end has no database
            return Transient(f"Zabbix can't answer {method} now: {reason}")
        return Refused(f"Zabbix refuses {method}: {reason}", reason=reason, code=code if isinstance(code, int) else 0)

    def _clean(self, text: str, auth: str) -> str:
        for secret in (*self._config.secrets, auth, self._session):
            if secret:
                text = text.replace(secret, "***")
        return text[:500]


class _SessionEnded(AuthProblem):
    """The session or token is not known to Zabbix (any more)."""


class _WrongEnvelope(ConfigProblem):
    """The token was sent where this version does not take it."""


def _is_page(response: httpx.Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/html") or response.content.lstrip()[:1] == b"<"


def _retry_after(response: httpx.Response) -> float | None:
    given = response.headers.get("retry-after", "")
    return int(given) if given.isdecimal() and given.isascii() else None
