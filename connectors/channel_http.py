"""The HTTP side of chat channels: JSON over HTTPS where business errors come with status 200, and tokens that expire."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.exact import load_json

EARLY_S = 300
"""A token is renewed so long before its end."""
_quiet: set[str] = set()
"""Hosts in whose addresses keys and tokens stand."""


def _hide_address(record: logging.LogRecord) -> bool:
    """httpx logs the whole address of every call; of these hosts only the host may be told."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            f"{a.scheme}://{a.host}/…" if isinstance(a, httpx.URL) and a.host in _quiet else a for a in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_hide_address)


class JsonApi:
    """Calls of one vendor's API. `who`: its name, for messages. Safe from any thread."""

    def __init__(self, who: str, base_url: str, timeout_s: float, transport: httpx.BaseTransport | None = None) -> None:
        self._who = who
        _quiet.add(httpx.URL(base_url).host)
        self._http = httpx.Client(
            base_url=base_url, timeout=timeout_s, transport=transport, headers={"User-Agent": "weft"}
        )

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        sends: bool = False,
    ) -> dict[str, Any]:
        """The answer's JSON object, whatever its code says; a POST where there is a body. `sends`: the call sends a
        message, so that no answer is `Ambiguous`, else `Transient`.

        :raises ConnectorError: by what must happen next.
        """
        method = "GET" if body is None else "POST"
        try:
            response = self._http.request(method, path, params=params, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unreachable(error) from error
        except httpx.TransportError as error:
            raise self._lost(f"did not answer ({type(error).__name__})", sends) from error
        self._check_status(response, sends)
        try:
            answer = load_json(response.content)
        except BadRecord as error:
            raise self._lost("answers with something that is no JSON", sends) from error
        if not isinstance(answer, dict):
            raise self._lost("answers with something that is no JSON object", sends)
        return answer

    def _check_status(self, response: httpx.Response, sends: bool) -> None:
        status = response.status_code
        if status in (429, 503):
            raise Transient(f"{self._who} answers HTTP {status}.", retry_after=_retry_after(response))
        if status == 408 or status >= 500:
            raise self._lost(f"answers HTTP {status}", sends)
        if status in (401, 403):
            raise AuthProblem(f"{self._who} answers HTTP {status}: something on the way refuses the hub.")
        if status != 200 and not response.headers.get("content-type", "").startswith("application/json"):
            raise ConfigProblem(f"{self._who} answers HTTP {status}.", hint="Is `api_url` right?")

    def _lost(self, what: str, sends: bool) -> ConnectorError:
        said = f"{self._who} {what}"
        return Ambiguous(f"{said}; the message may have arrived.") if sends else Transient(f"{said}.")

    def _unreachable(self, error: httpx.TransportError) -> ConnectorError:
        if "certificate" in str(error).lower():
            return ConfigProblem(f"The certificate of {self._who} is not trusted.", hint="Is a proxy in between?")
        return Transient(f"{self._who} can't be reached ({type(error).__name__}).")


def _retry_after(response: httpx.Response) -> float | None:
    feishus = response.headers.get("x-ogw-ratelimit-reset", "")
    given = response.headers.get("retry-after", feishus)
    return int(given) if given.isdecimal() and given.isascii() else None


class TokenCache:
    """An access token, fetched when there is none and shortly before it ends. `fetch` answers (token, seconds it lasts).
    `clock`: monotonic seconds."""

    def __init__(self, fetch: Callable[[], tuple[str, int]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def get(self) -> str:
        """Raises what `fetch` raises."""
        with self._lock:
            if not self._token or self._clock() >= self._until:
                self._renew()
            return self._token

    def renew(self) -> None:
        """Fetch one now, to find out whether one is still to be had. Raises what `fetch` raises."""
        with self._lock:
            self._renew()

    def _renew(self) -> None:
        token, lasts = self._fetch()
        self._token, self._until = token, self._clock() + max(lasts - EARLY_S, lasts / 2)

    def forget(self, token: str) -> None:
        """This one is refused; another thread may have a newer one already."""
        with self._lock:
            if self._token == token:
                self._token = ""
