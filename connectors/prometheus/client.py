"""The only network code of this connector: Alertmanager's API v2 by httpx, queries by prometheus-api-client.

Both have a time limit for every call, follow no redirect (credentials would go along) and never try twice: that is the
runtime's business. prometheus-api-client's own session has no time limit, retries and reads ~/.netrc; hence `_Session`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import orjson

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, Transient
from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.promql import Sample, samples

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect

_NOTHING_HAPPENED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Forbidden(AuthProblem):
    """The account is known and lacks this right."""


class Refused(Exception):
    """The system understood the request and refused it for good (4xx); `status` and the reason it gave."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def http_client(config: PrometheusConfig) -> httpx.Client:
    """The client that both programs' APIs are called with."""
    token = config.token.get_secret_value()
    return httpx.Client(
        auth=(config.username, config.password.get_secret_value()) if config.username else None,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        verify=config.verify_tls,
        timeout=config.timeout_s,
        follow_redirects=False,
    )


class HttpApi:
    """JSON over HTTP at one base address."""

    def __init__(self, base: str, http: httpx.Client) -> None:
        self.base = base
        self._http = http

    def read(self, path: str, params: Mapping[str, Any] | None = None, *, text: bool = False) -> Any:
        """GET: the JSON (or the text) of the answer. Raises Refused, Transient, AuthProblem, ConfigProblem."""
        what = f"GET {self.base}{path}"
        try:
            answer = self._http.get(self.base + path, params=params)
        except httpx.RequestError as error:
            raise Transient(f"{what}: {_reason(error)}") from error
        if not answer.is_success:
            raise failure(answer.status_code, answer.headers, answer.text, what)
        if text:
            return answer.text
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            raise Transient(f"{what}: the answer is no JSON", hint="is it this program's address?") from error

    def write(self, method: str, path: str, body: Any = None) -> Any:
        """POST or DELETE: the JSON of the answer, None when empty. Raises what `read` raises, and Ambiguous when the
        request may have had its effect."""
        what = f"{method} {self.base}{path}"
        content = None if body is None else orjson.dumps(body)
        try:
            answer = self._http.request(
                method, self.base + path, content=content, headers={"Content-Type": "application/json"}
            )
        except _NOTHING_HAPPENED as error:
            raise Transient(f"{what}: {_reason(error)}") from error
        except httpx.RequestError as error:
            raise Ambiguous(f"{what}: {_reason(error)}") from error
        if not answer.is_success:
            raise failure(answer.status_code, answer.headers, answer.text, what, wrote=True)
        try:
            return orjson.loads(answer.content) if answer.content.strip() else None
        except orjson.JSONDecodeError as error:
            raise Ambiguous(f"{what}: the answer is no JSON") from error


class Queries:
    """Instant queries at Prometheus, by prometheus-api-client over a session made safe."""

    def __init__(self, config: PrometheusConfig) -> None:
        self._config = config
        self._connection: PrometheusConnect | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def ask(self, query: str, timeout_s: float) -> list[Sample]:
        """The series a query gives now. Prometheus itself is told the time limit as well. Raises Transient,
        AuthProblem, ConfigProblem (a query it does not understand)."""
        import requests

        connection = self._connect()
        what = f"query at {self._config.url}"
        try:
            result = connection.custom_query(
                query, params={"timeout": f"{max(1, int(timeout_s * 1000))}ms"}, timeout=timeout_s
            )
        except requests.exceptions.JSONDecodeError as error:
            raise Transient(f"{what}: the answer is no JSON", hint="is `url` the address of Prometheus?") from error
        except (KeyError, TypeError) as error:
            raise ConfigProblem(f"{what}: the answer is not Prometheus'", hint="is `url` right?") from error
        except requests.Timeout as error:
            raise Transient(f"{what}: no answer within {timeout_s:g} s") from error
        except requests.RequestException as error:
            cause = getattr(error.args[0], "reason", error) if error.args else error  # without the whole URL
            raise Transient(f"{what}: {str(cause).rpartition(': ')[2]}") from error
        except Refused as error:
            raise ConfigProblem(f"{what}: {error.reason}", hint="check the queries in the settings") from error
        return samples(result)

    def _connect(self) -> PrometheusConnect:
        if self._connection is None:
            from prometheus_api_client import PrometheusConnect
            from urllib3 import Retry

            self._connection = PrometheusConnect(
                self._config.url,
                retry=Retry(total=0, read=False, redirect=False),
                session=_session(self._config),
                timeout=self._config.timeout_s,
            )
        return self._connection


def _session(config: PrometheusConfig) -> Any:
    """A requests session with our credentials (never ~/.netrc's), no redirects, and our errors for bad answers."""
    import requests

    login = (config.username, config.password.get_secret_value()) if config.username else None
    token = config.token.get_secret_value()

    class Credentials(requests.auth.AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            if token:
                request.headers["Authorization"] = f"Bearer {token}"
            elif login:
                requests.auth.HTTPBasicAuth(*login)(request)
            return request

    class Session(requests.Session):
        def request(self, method: Any, url: Any, *args: Any, **kw: Any) -> requests.Response:
            kw.update(allow_redirects=False, auth=Credentials())
            answer = super().request(method, url, *args, **kw)
            if answer.status_code != 200:
                raise failure(answer.status_code, answer.headers, answer.text, f"query at {config.url}")
            return answer

    session = Session()
    session.verify = config.verify_tls
    return session


def failure(status: int, headers: Mapping[str, str], text: str, what: str, *, wrote: bool = False) -> Exception:
    """The error for an answer other than 2xx that says what must happen next."""
    reason = refusal(text)
    if 300 <= status < 400:
        target = urlsplit(headers.get("location", ""))
        where = f"{target.scheme}://{target.netloc}{target.path}" if target.netloc else target.path
        return ConfigProblem(f"{what} was sent on to {where}", hint="write the final address into the settings")
    if status == 401:
        return AuthProblem(f"{what}: the credentials were refused", hint="renew username and password, or the token")
    if status == 403:
        return Forbidden(f"{what}: not allowed for this account", hint="grant it at the proxy before Prometheus")
    if status in (408, 429, 503):
        wait = headers.get("retry-after", "")
        return Transient(f"{what}: {status} {reason}", retry_after=int(wait) if wait.isdecimal() else None)
    if status < 500 or (status == 500 and "not found" in reason):  # Alertmanager 0.25 says 500 for an unknown silence
        return Refused(status, reason)
    return (Ambiguous if wrote else Transient)(f"{what}: {status} {reason}")


def refusal(text: str) -> str:
    """The reason in an error's body: a JSON text, `message` (Alertmanager), `error` (Prometheus), or its first line."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = text.strip().split("\n")[0]
    if isinstance(said, dict):
        said = said.get("message") or said.get("error") or ""
    return str(said)[:300]


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
