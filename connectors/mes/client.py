"""The MES's SOAP service, call by call: the only network code of this connector (the line itself is `connectors.soap`).

Both styles end here in the same thing: rows as maps. What a service says inside a good HTTP answer (codes of JSON
answers) is classified here, what HTTP and SOAP faults say in `connectors.soap`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.exact import load_json
from connectors.mes.calls import Call, CallName, at_path
from connectors.mes.config import MesConfig
from connectors.mes.values import moment
from connectors.soap import FaultRule, Refused, SoapClient, Unknown

_OWN_FAULTS = (FaultRule(match=r"\b(NotFound|UnknownObject)\b", means="unknown"),)


class Duplicate(Refused):
    """The service says that it has taken this request before."""


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one answer, as they came; `total`: of all pages; `as_of`: the service's own time."""

    rows: Sequence[Any]
    total: int | None = None
    as_of: datetime | None = None


class MesClient:
    """One MES. Safe to use from several threads; making one calls nobody."""

    def __init__(self, config: MesConfig, *, transport: httpx.BaseTransport | None = None) -> None:
        self._config = config
        verify: ssl.SSLContext | bool = config.verify_tls
        if config.verify_tls and config.ca_file:
            try:
                verify = ssl.create_default_context(cafile=config.ca_file)
            except OSError as error:
                raise ConfigProblem(f"`ca_file`: {config.ca_file} can't be read: {error.strerror or error}") from error
        self._key = config.key.get_secret_value() if config.key is not None and config.key_place == "argument" else ""
        self._soap = SoapClient(
            config.wsdl_location,
            config.url,
            version=config.soap_version,
            service=config.service,
            port=config.port,
            caller=config.caller,
            faults=(*config.faults, *_OWN_FAULTS),
            zone=config.zone,
            timeout_s=config.timeout_s,
            secrets=(self._key,),
            verify=verify,
            transport=transport,
        )

    def close(self) -> None:
        self._soap.close()

    @property
    def server(self) -> str:
        """What the web server calls itself."""
        return self._soap.server

    def operations(self) -> Mapping[str, str]:
        """The operations of the WSDL, with their signatures."""
        return self._soap.operations()

    def ask(
        self, name: CallName, values: Mapping[str, Any], *, write: bool = False, timeout_s: float | None = None
    ) -> Any:
        """The whole answer of one call, JSON-like.

        :raises Unknown: the MES knows no such thing. :raises Refused: it refuses. :raises Duplicate: it did it before.
        :raises ConfigProblem: the service is said not to have this call.
        """
        call = self._config.call(name)
        if not call.operation:
            raise ConfigProblem(f"`calls.{name}.operation` is empty: this MES can't do it.")
        arguments = call.filled(values, self._config.form)
        if self._key:
            arguments[self._config.key_name] = self._key
        answer = self._soap.call(call.operation, arguments, write=write, timeout_s=timeout_s)
        return self._unwrapped(call, answer, write) if self._config.style == "json" else answer

    def page(self, name: CallName, values: Mapping[str, Any], *, timeout_s: float | None = None) -> Page:
        """The rows of one call."""
        call = self._config.call(name)
        answer = self.ask(name, values, timeout_s=timeout_s)
        rows = at_path(answer, call.rows)
        if rows is None:
            rows = []
        elif isinstance(rows, Mapping):
            rows = [rows]
        if not isinstance(rows, list):
            raise ConfigProblem(
                f"The answer of {call.operation} has no list of rows under {call.rows or '(the whole)'!r}.",
                hint=f"Correct `calls.{name}.rows`.",
            )
        return Page(rows, _count(at_path(answer, call.total)) if call.total else None, self._as_of(call, answer))

    def _as_of(self, call: Call, answer: Any) -> datetime | None:
        try:
            return moment(at_path(answer, call.as_of), self._config.zone) if call.as_of else None
        except BadRecord:
            return None

    # -- JSON in a text ---------------------------------------------------------------------------------------------

    def _unwrapped(self, call: Call, answer: Any, write: bool) -> Any:
        frame = self._config.answers
        lost: Callable[[str], ConnectorError] = Ambiguous if write else Transient
        if not isinstance(answer, str):
            raise lost(f"The result of {call.operation} is no text with JSON in it.")
        try:
            said = load_json(answer)
        except BadRecord as error:
            raise lost(f"The result of {call.operation} is no JSON, or only a part of it: {error}") from error
        if not frame.code:
            return said
        code = str(at_path(said, frame.code))
        if code in frame.good:
            return said
        text = f"{call.operation} is answered with code {code[:40]}: {self._clean(str(at_path(said, frame.message)))}"
        if code in frame.auth:
            raise AuthProblem(text, hint="Check `key`, or `username` and `password`.")
        if code in frame.busy:
            raise Transient(text)
        if code in frame.unknown:
            raise Unknown(text)
        raise Duplicate(text) if code in frame.duplicate else Refused(text)

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***")[:300] if self._key else text[:300]


def _count(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
