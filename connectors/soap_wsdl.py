"""What a service's WSDL says, through zeep: the request of an operation, and the meaning of its reply.

This module loads zeep and lxml; `connectors.soap` imports it at the first call. Document types, entities and references
to elsewhere are refused in the WSDL and in every reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import DTDForbidden, EntitiesForbidden, Error, ExternalReferenceForbidden
from zeep.loader import parse_xml
from zeep.wsdl import Document
from zeep.wsse.username import UsernameToken

from connectors.errors import ConfigProblem
from connectors.soap_faults import Fault, Refused, fault_of
from connectors.soap_values import make_exact, plain

ENVELOPES: Mapping[str, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
SETTINGS = Settings(strict=True, force_https=False, forbid_dtd=True, forbid_entities=True, forbid_external=True)
"""`force_https` rewrites addresses of the WSDL, of which none is called."""
_ZEEP = (Error, etree.LxmlError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What zeep raises over documents and values that do not fit, its own errors and Python's."""

Fetch = Callable[[str], bytes]


class Unreadable(Exception):
    """The reply is no SOAP envelope, or only a part of one."""


class Forbidden(Exception):
    """The reply holds a document type, entities or references to elsewhere."""


class Unfitting(Exception):
    """The reply does not fit the WSDL."""


class ServiceFault(Exception):
    """The reply is a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text)
        self.fault = fault


class Wsdl:
    """A loaded WSDL, bound to one port of it. `fetch` gets the WSDL itself where `location` is a URL.

    :raises ConfigProblem: it can't be used; says why."""

    def __init__(
        self,
        location: str,
        fetch: Fetch,
        *,
        address: str,
        version: str,
        service: str,
        port: str,
        wsse: tuple[str, str, bool] | None,
        zone: ZoneInfo,
    ) -> None:
        self._location = location
        try:
            document: Any = _document(location, fetch, zone)
            names = _port(document, version, service, port, location)
            chosen = document.services[names[0]].ports[names[1]]
            chosen.binding_options["address"] = address
            token: Any = UsernameToken
            signer = None if wsse is None else token(wsse[0], wsse[1], use_digest=wsse[2])
            client: Any = Client
            self._client = client(document, wsse=signer, settings=SETTINGS, service_name=names[0], port_name=names[1])
        except ExternalReferenceForbidden as error:
            raise ConfigProblem(
                f"The WSDL refers to {error.url}, and what it refers to is not fetched.",
                hint="Take the form of the WSDL that has everything in it (often ?singleWsdl), or save it as files.",
            ) from error
        except (*_ZEEP, NotImplementedError) as error:
            raise ConfigProblem(
                f"The WSDL {location} can't be used: {str(error)[:300] or type(error).__name__}"
            ) from error
        self._operations: Mapping[str, Any] = chosen.binding.all()

    def operations(self) -> dict[str, str]:
        """Name → signature of every operation."""
        return {
            name: f"({operation.input.signature()})"
            + (f" -> {operation.output.signature(as_output=True)}" if operation.output else "")
            for name, operation in sorted(self._operations.items())
        }

    def request(
        self, operation: str, arguments: Mapping[str, Any], headers: Mapping[str, str | Mapping[str, str]]
    ) -> tuple[str, bytes]:
        """The SOAPAction and the envelope of a call.

        :raises ConfigProblem: there is no such operation.
        :raises Refused: the arguments do not fit it.
        """
        bound = self._bound(operation)
        more = {"_soapheaders": elements} if (elements := _header_elements(headers)) else {}
        try:
            envelope = self._client.create_message(self._client.service, operation, **arguments, **more)
        except _ZEEP as error:
            raise Refused(f"The arguments do not fit {operation}: {str(error)[:300]}") from error
        return bound.soapaction or "", etree.tostring(envelope, xml_declaration=True, encoding="utf-8")

    def result(self, operation: str, body: bytes) -> Any:
        """The reply's values, JSON-like.

        :raises Unreadable, Forbidden, Unfitting, ServiceFault: as their names say.
        """
        bound = self._bound(operation)
        if not body and (bound.output is None or not bound.output.body):
            return None
        envelope = _envelope(body)
        inner = envelope.find("{*}Body")
        if inner is None:
            raise Unreadable("no SOAP envelope")
        fault = fault_of(inner)
        if fault is not None:
            raise ServiceFault(fault)
        wanted = getattr(bound.output.body, "qname", None) if bound.output and bound.style == "document" else None
        found = next((child.tag for child in inner.iterchildren(tag="*")), "nothing")
        if wanted is not None and found != wanted.text:  # zeep would give a result of nulls
            raise Unfitting(f"it holds {found[:200]} instead of {wanted.text}")
        try:
            return plain(bound.process_reply(envelope))
        except (*_ZEEP, AssertionError) as error:
            raise Unfitting(str(error)[:300] or type(error).__name__) from error

    def _bound(self, operation: str) -> Any:
        if operation not in self._operations:
            known = ", ".join(sorted(self._operations))
            raise ConfigProblem(f"The WSDL {self._location} has no operation {operation!r}; it has {known}.")
        return self._operations[operation]


class _Documents:
    """What zeep loads documents with: the WSDL itself, and files beside it if it is a file. Nothing else."""

    def __init__(self, location: str, fetch: Fetch) -> None:
        self._location = location
        self._remote = location.startswith(("http://", "https://"))
        self._fetch = fetch

    def load(self, url: str) -> bytes:
        if self._remote and url == self._location:
            return self._fetch(url)
        if self._remote or url.startswith(("http://", "https://")):
            raise ConfigProblem(f"The WSDL refers to {url[:200]}, which is not fetched.")
        path = Path(unquote(urlsplit(url).path) if url.startswith("file:") else url).resolve()
        if not path.is_relative_to(Path(self._location).resolve().parent):
            raise ConfigProblem(f"The WSDL refers to {path}, which does not lie beside it and is not read.")
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigProblem(f"The WSDL {path} can't be read: {error.strerror or error}") from error


def _document(location: str, fetch: Fetch, zone: ZoneInfo) -> Document:
    class ExactDocument(Document):
        def load(self, location: Any) -> None:
            make_exact(self.types, zone)
            load: Any = super().load
            load(location)

    documents: Any = _Documents(location, fetch)
    return ExactDocument(location, documents, settings=SETTINGS)


def _port(document: Any, version: str, service: str, port: str, location: str) -> tuple[str, str]:
    """The names of the service and port to use."""
    found = []
    for a_service in document.services.values():
        for a_port in a_service.ports.values():
            spoken = getattr(a_port.binding, "nsmap", {}).get("soap-env")
            named = service in ("", a_service.name) and port in ("", a_port.name)
            if named and spoken == ENVELOPES[version]:
                return a_service.name, a_port.name
            found.append(f"{a_service.name}/{a_port.name}")
    what = f" of the name {service}/{port}" if service or port else ""
    raise ConfigProblem(
        f"The WSDL {location} has no port for SOAP {version}{what}; it has {', '.join(found) or 'none'}.",
        hint="Change `soap_version`.",
    )


def _envelope(body: bytes) -> Any:
    parse: Any = parse_xml
    try:
        return parse(body, None, settings=SETTINGS)
    except (DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden) as error:
        raise Forbidden(str(error)[:300]) from error
    except (Error, etree.LxmlError, ValueError) as error:
        raise Unreadable(str(error)[:300]) from error


def _header_elements(headers: Mapping[str, str | Mapping[str, str]]) -> Sequence[Any]:
    elements = []
    for name, value in headers.items():
        namespace = etree.QName(name).namespace
        element = etree.Element(name, nsmap={None: namespace} if namespace else None)
        if isinstance(value, str):
            element.text = value
        else:
            for child, text in value.items():
                etree.SubElement(element, f"{{{namespace}}}{child}" if namespace else child).text = text
        elements.append(element)
    return elements
