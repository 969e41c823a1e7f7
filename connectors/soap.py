"""A SOAP service as a connector calls it: zeep reads the WSDL, writes the request and reads the reply; this module owns
the line and the classification of whatever goes wrong.

    client = SoapClient(wsdl, address, caller=Caller(http={"X-Api-Key": key}), timeout_s=20)
    client.call("GetWorkOrder", {"orderNo": "WO-1"})                     # JSON-like: maps, lists, texts, Decimal, times
    client.call("ReportWorkOrder", {...}, write=True)                    # no answer: Ambiguous instead of Transient

Hardened: document types, entities and references to elsewhere are refused in the WSDL and in every reply; a WSDL's
own `soap:address` is never called; files are read only beside a WSDL that is a file; nothing is redirected; a reply is
bounded in size, and in time as a whole. zeep and lxml are loaded at the first call, not at import.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.soap_faults import Fault, FaultRule, Refused, Unknown, error_of

if TYPE_CHECKING:
    from connectors.soap_wsdl import Wsdl

SoapVersion = Literal["1.1", "1.2"]
MAX_REPLY = 16 << 20
UTC_ZONE = ZoneInfo("UTC")

__all__ = ["Caller", "Fault", "FaultRule", "Refused", "SoapClient", "SoapVersion", "Unknown"]


@dataclass(frozen=True, slots=True)
class Caller:
    """How a caller shows who he is. `http`: HTTP headers. `basic`: user name and password. `wsse`: the same as a
    WS-Security UsernameToken, with a digest instead of the password if `digest`. `headers`: elements of the SOAP header,
    `{"{namespace}Name": "text"}` or `{"{namespace}Name": {"Child": "text"}}`, the children in the same namespace."""

    http: Mapping[str, str] = field(default_factory=dict, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    wsse: tuple[str, str] | None = field(default=None, repr=False)
    digest: bool = False
    headers: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be seen in a message."""
        given = [*self.http.values(), *(pair[1] for pair in (self.basic, self.wsse) if pair is not None)]
        for value in self.headers.values():
            given += [value] if isinstance(value, str) else value.values()
        return tuple(text for text in given if text)


class SoapClient:
    """One service at one address. Safe to use from several threads; making one calls nobody.

    `wsdl` is a path or an http(s) URL; `address` is where calls go, whatever the WSDL says. `zone`: of times that name
    none. `faults`: what this service's faults mean, see `FaultRule`; the first that matches. `service` and `port`: only
    where the WSDL has several for the wanted version of SOAP. `secrets`: more that must not be seen in a message."""

    def __init__(
        self,
        wsdl: str | Path,
        address: str,
        *,
        version: SoapVersion = "1.1",
        service: str = "",
        port: str = "",
        caller: Caller | None = None,
        faults: Sequence[FaultRule] = (),
        zone: ZoneInfo = UTC_ZONE,
        timeout_s: float = 30,
        max_bytes: int = MAX_REPLY,
        secrets: Sequence[str] = (),
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._wsdl = str(wsdl)
        self._address = address
        self._version: SoapVersion = version
        self._service = service
        self._port = port
        self._caller = caller or Caller()
        self._faults = tuple(faults)
        self._zone = zone
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._secrets = (*self._caller.secrets, *filter(None, secrets))
        self._lock = threading.Lock()
        self._loaded: Wsdl | None = None
        self.server = ""
        """What the service's web server called itself in its last answer."""
        self._http = httpx.Client(
            timeout=timeout_s,
            follow_redirects=False,
            verify=verify if transport is None else False,  # a transport of its own checks by itself
            transport=transport,
            auth=httpx.BasicAuth(*self._caller.basic) if self._caller.basic else None,
            headers={"User-Agent": "weft-soap", **self._caller.http},
        )

    def close(self) -> None:
        self._http.close()

    def operations(self, *, timeout_s: float | None = None) -> dict[str, str]:
        """The names of the service's operations with their signatures, as its WSDL gives them."""
        return self._described(self._until(timeout_s)).operations()

    def call(
        self, operation: str, arguments: Mapping[str, Any], *, write: bool = False, timeout_s: float | None = None
    ) -> Any:
        """The result of one operation, JSON-like; where the reply has a single element, that element's value.

        A value that is not what the WSDL promises is the text it is. `write` says that the call has an effect.
        `timeout_s` bounds the exchange as a whole and can only shorten the client's own.

        :raises Unknown: the service says there is no such thing (only by a `FaultRule`).
        :raises Refused: the service refuses the call for good, or the arguments do not fit the WSDL.
        :raises ConnectorError: of `connectors.errors`, for everything else that goes wrong.
        """
        wsdl = self._described(self._until(timeout_s))
        action, envelope = wsdl.request(operation, arguments, self._caller.headers)
        # the service's time begins here: reading the WSDL, once, takes none of it
        body = self._post(operation, action, envelope, self._until(timeout_s), write)
        return self._result(wsdl, operation, body, write)

    def _described(self, until: float) -> Wsdl:
        from connectors.soap_wsdl import Wsdl

        with self._lock:
            if self._loaded is None:
                given = self._caller.wsse
                self._loaded = Wsdl(
                    self._wsdl,
                    lambda url: self._fetch(url, until),
                    address=self._address,
                    version=self._version,
                    service=self._service,
                    port=self._port,
                    wsse=None if given is None else (*given, self._caller.digest),
                    zone=self._zone,
                )
            return self._loaded

    def _result(self, wsdl: Wsdl, operation: str, body: bytes, write: bool) -> Any:
        from connectors.soap_wsdl import Forbidden, ServiceFault, Unfitting, Unreadable

        try:
            return wsdl.result(operation, body)
        except ServiceFault as answer:
            said = answer.fault
            fault = Fault(said.codes, self._clean(said.reason), self._clean(said.detail))
            raise error_of(fault, operation, self._faults, write=write) from None
        except Unreadable as error:
            page = " but a web page" if b"<html" in body[:2000].lower() else ""
            raise _lost(f"The answer to {operation} is no SOAP message{page}, or only a part of one", write) from error
        except Forbidden:
            what = f"The answer to {operation} holds a document type, which no SOAP service sends; it is not read"
            hint = "Find out who answers at this address."
        except Unfitting as error:
            what = f"The answer to {operation} does not fit the WSDL: {self._clean(str(error))}"
            hint = "Give the system's own WSDL in `wsdl`."
        raise Ambiguous(f"{what}. The call may have taken effect.") if write else ConfigProblem(f"{what}.", hint=hint)

    # -- the line ---------------------------------------------------------------------------------------------------

    def _fetch(self, url: str, until: float) -> bytes:
        status, _, body = self._exchange("GET", url, "the WSDL", until)
        if status in (401, 403):
            raise AuthProblem(f"{_host(url)} refuses the WSDL with HTTP {status}.")
        if status == 404:
            raise ConfigProblem(f"{url[:200]} answers HTTP 404: there is no WSDL.")
        if status != 200:
            raise Transient(f"{_host(url)} answers HTTP {status} instead of the WSDL.")
        return body

    def _post(self, operation: str, action: str, content: bytes, until: float, write: bool) -> bytes:
        if self._version == "1.1":
            headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        else:
            headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'}
        status, received, body = self._exchange("POST", self._address, operation, until, write, content, headers)
        self.server = received.get("server", self.server)[:100]
        if status >= 300:
            self._check_status(status, received, body, operation, write)
        return body

    def _exchange(
        self,
        method: str,
        url: str,
        what: str,
        until: float,
        write: bool = False,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, httpx.Headers, bytes]:
        """One request; its answer as a whole before `until`, and no larger than allowed."""
        left = until - time.monotonic()
        if left <= 0:
            raise Transient(f"The deadline passed before {what} could be asked for.")
        body = bytearray()
        try:
            with self._http.stream(method, url, content=content, headers=headers, timeout=left) as response:
                for piece in response.iter_bytes(1 << 16):
                    if body and time.monotonic() > until:
                        raise _lost(f"{what} was not answered in time", write)
                    body += piece
                    if len(body) > self._max_bytes:
                        raise _lost(f"The answer to {what} is larger than {self._max_bytes >> 10} KiB", write)
                return response.status_code, response.headers, bytes(body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _unreachable(url, error) from error
        except httpx.TransportError as error:
            raise _lost(f"{what} was not answered ({type(error).__name__})", write) from error
        except httpx.DecodingError as error:
            raise _lost(f"The answer to {what} can't be decompressed", write) from error

    def _check_status(self, status: int, headers: Mapping[str, str], body: bytes, operation: str, write: bool) -> None:
        """Raises for what the web server says; an answer that may hold a fault is left to be read."""
        said = f"{_host(self._address)} answers HTTP {status} to {operation}"
        if status in (401, 403, 407):
            raise AuthProblem(f"{said}: the credentials are refused.", hint="Check this connection's key or password.")
        if b"Fault" in body:
            return
        if status in (429, 503):
            given = headers.get("retry-after", "")
            raise Transient(f"{said}.", retry_after=int(given) if given.isascii() and given.isdecimal() else None)
        if status < 400:
            raise ConfigProblem(f"{said}: it redirects to {headers.get('location', '').split('?')[0][:200]}.")
        if status == 415:
            raise ConfigProblem(f"{said}: it speaks the other version of SOAP.", hint="Change `soap_version`.")
        if status == 408 or status >= 500:
            raise _lost(said, write)
        raise ConfigProblem(f"{said}: there is no such service at this address.")

    def _until(self, timeout_s: float | None) -> float:
        given = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        return time.monotonic() + given

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:500]


def _lost(what: str, write: bool) -> ConnectorError:
    """No usable answer: a read may be repeated, of a write nobody knows whether it happened."""
    return Ambiguous(f"{what}; it may have taken effect.") if write else Transient(f"{what}.")


def _unreachable(url: str, error: httpx.TransportError) -> ConnectorError:
    if "certificate" in str(error).lower():
        return ConfigProblem(
            "The certificate of the service is not trusted.",
            hint="Name its authority in `ca_file`, or turn `verify_tls` off for a try.",
        )
    return Transient(f"{_host(url)} can't be reached ({type(error).__name__}).")


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
