"""Acme's HTTP API: one method per request, every failure named by what must happen next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from connectors.conformance.reference.config import AcmeConfig
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient
from connectors.exact import load_json


class Refused(Exception):
    """Acme understood the request and refuses it for good (404, 409, 422); the text is Acme's reason."""


class Client:
    """`transport`: instead of the network, for a sandbox in the same process."""

    def __init__(self, config: AcmeConfig, transport: httpx.BaseTransport | None = None) -> None:
        self._timeout_s = config.timeout_s
        self._http = httpx.Client(
            base_url=config.url,
            auth=(config.username, config.password.get_secret_value()),
            verify=config.verify_tls,
            timeout=config.timeout_s,
            transport=transport,
        )

    def get(self, path: str, params: Mapping[str, str | int] | None = None, *, deadline_s: float | None = None) -> Any:
        """Ask for something; None when it is not there. Waits for `deadline_s`, at most the connection's timeout."""
        timeout = self._timeout_s if deadline_s is None else min(deadline_s, self._timeout_s)
        try:
            response = self._http.get(path, params=params, timeout=timeout)
        except httpx.TransportError as error:
            raise Transient(f"{type(error).__name__}: {error}") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        _refuse(response)
        try:
            return load_json(response.content)
        except BadRecord as error:
            raise Transient(f"Acme's answer to {path} is unreadable: {error}") from error

    def post(self, path: str, body: dict[str, Any], *, key: str) -> Any:
        """Have something done, once. `key` is kept by Acme beside the change.

        :raises Refused: nothing was done, and never will be.
        """
        try:
            response = self._http.post(path, json=body, headers={"idempotency-key": key}, timeout=self._timeout_s)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Transient(f"{type(error).__name__}: {error}") from error
        except httpx.TransportError as error:
            raise Ambiguous(f"{type(error).__name__}: {error}") from error
        if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY):
            raise Refused(_reason(response))
        _refuse(response)
        try:
            answer = load_json(response.content)
        except BadRecord as error:
            raise Ambiguous(f"Acme's answer to {path} is unreadable: {error}") from error
        if isinstance(answer, dict) and "error" in answer:  # with status 200, as Acme says that it did nothing now
            raise Transient(f"Acme answers {path}: {answer['error']}")
        return answer

    def close(self) -> None:
        self._http.close()


def _refuse(response: httpx.Response) -> None:
    status = response.status_code
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise AuthProblem(f"Acme refuses the account ({status})", hint="renew username and password")
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Transient(f"Acme answers {status}", retry_after=_retry_after(response))
    if status >= httpx.codes.BAD_REQUEST:
        raise ConfigProblem(f"Acme answers {status}: {_reason(response)}", hint="is url an Acme server?")


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return int(text) if text.isdecimal() else None


def _reason(response: httpx.Response) -> str:
    try:
        answer = load_json(response.content)
    except BadRecord:
        answer = None
    return str(answer.get("error", "")) if isinstance(answer, dict) else f"status {response.status_code}"
