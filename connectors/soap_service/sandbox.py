"""A stand-in for any service that a manifest of kind `soap` describes, filled with the manifest's own samples.

    python -m connectors.manifest.sandbox FILE --port 9200

It reads the manifest backwards and speaks the manifest's own WSDL: GET ...?wsdl gives it, POST calls it. Whoever does not
show who he is gets a fault. From outside: GET /sandbox/state gives rows by stream and what was written.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from connectors.contract import Connector
from connectors.errors import FieldProblem
from connectors.exact import dump_json
from connectors.manifest.errors import BadManifest
from connectors.manifest.inputs import sample_of
from connectors.manifest.matching import Found, match, nested, put
from connectors.manifest.serving import serve_until_interrupted
from connectors.manifest.stand_in import UNKNOWN, Effect, answer_to, confirmation, page_of, refused_key
from connectors.manifest.templates import ABSENT
from connectors.soap import Caller
from connectors.soap_service.connector import caller_of, wsdl_of
from connectors.soap_service.form import Call, SoapManifest

_ENVELOPES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}


class Sandbox:
    """`config`: what the connector is configured with; default: the samples of its inputs. Safe from any thread."""

    def __init__(self, connector: type[Connector], config: Mapping[str, Any] | None = None) -> None:
        told: Any = connector
        self.manifest: SoapManifest = told.manifest
        self.config = dict(config or {name: sample_of(name, each) for name, each in self.manifest.inputs().items()})
        self.values = {"config": self.config}
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in self.manifest.streams}
        self.effects: list[Effect] = []
        self.lacks_rights = False
        self._caller = caller_of(self.manifest, self.values)
        self._version = str(self.config["soap_version"])
        self._lock = threading.RLock()
        self._location = wsdl_of(self.manifest, self.config.get("wsdl"), "")
        if not Path(self._location).is_file():
            problem = FieldProblem("wsdl_text", "there is no WSDL to speak", "put the service's WSDL here")
            raise BadManifest([problem])
        self._wsdl = self._loaded()

    @property
    def changes(self) -> int:
        return len(self.effects)

    def fill_with_samples(self) -> None:
        for name, form in self.manifest.streams.items():
            self.rows[name] = [dict(sample) for sample in form.samples]

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        with self._lock:
            request.read()
            if request.url.path == "/sandbox/state":
                written = [{"operation": effect.op, **nested(effect.found)} for effect in self.effects]
                state = {"streams": self.rows, "written": written, "changes": self.changes}
                return httpx.Response(200, content=dump_json(state), headers={"content-type": "application/json"})
            if request.method == "GET":
                return httpx.Response(
                    200, content=Path(self._location).read_bytes(), headers={"content-type": "text/xml"}
                )
            if not self._may(request):
                return self._fault("Client.Authentication", "who are you?")
            operation, arguments = self._read(request)
            return self._answer(operation, arguments)

    def writes(self, request: httpx.Request) -> bool:
        """Whether a request is one of the manifest's operations."""
        if request.method != "POST":
            return False
        request.read()
        operation, arguments = self._read(request)
        forms = self.manifest.operations.values()
        return any(self._match(form.request, operation, arguments) is not None for form in forms)

    def _answer(self, operation: str, arguments: Mapping[str, Any]) -> httpx.Response:
        for op, form in self.manifest.operations.items():
            if (found := self._match(form.request, operation, arguments)) is not None:
                if refused_key(found):
                    return self._fault("Client", f"there is no {UNKNOWN}")
                self.effects.append(Effect(op, found))
                return self._reply(operation, form.sample.answer if form.sample.answer is not None else {})
        for op, form in self.manifest.operations.items():
            if form.confirm and (found := self._match(form.confirm.request, operation, arguments)) is not None:
                item = confirmation(form.confirm, op, self.effects, found)
                if item is not ABSENT:
                    return self._reply(operation, put({}, form.confirm.records, item))
        for stream, listed in self.manifest.streams.items():
            if (found := self._match(listed.request, operation, arguments)) is not None:
                page = page_of(listed, self.rows[stream], found)
                return self._reply(operation, page.told(listed.paging, put({}, listed.records, list(page.rows))))
        for question in self.manifest.questions.values():
            if (found := self._match(question.request, operation, arguments)) is not None:
                told = answer_to(question.samples, found)
                if told is not ABSENT:
                    return self._reply(operation, told)
        if self._match(self.manifest.check.request, operation, arguments) is not None:
            form_ = self.manifest.check
            return self._reply(operation, put(form_.sample, form_.rights, []) if self.lacks_rights else form_.sample)
        return self._unknown()

    def _match(self, call: Call, operation: str, arguments: Mapping[str, Any]) -> Found | None:
        found: Found = {}
        fits = call.operation == operation and match(call.arguments, arguments, self.values, found)
        return found if fits else None

    # -- SOAP -----------------------------------------------------------------------------------------------------------

    def _loaded(self) -> Any:
        from connectors.soap_wsdl import Wsdl

        zone = ZoneInfo(self.manifest.zone or "UTC")
        place = {"address": "http://sandbox", "version": self._version, "service": self.manifest.service}
        return Wsdl(self._location, _no_fetch, **place, port=self.manifest.port, wsse=None, zone=zone)

    def _read(self, request: httpx.Request) -> tuple[str, dict[str, Any]]:
        """The operation that is called, and its arguments without those that were left out."""
        from lxml import etree

        from connectors.soap_values import plain

        envelope = etree.fromstring(request.content, etree.XMLParser(resolve_entities=False, no_network=True))
        body = envelope.find("{*}Body")
        first = next(iter(body)).tag if body is not None and len(body) else ""
        for name, bound in self._wsdl._operations.items():
            if getattr(bound.input.body, "qname", None) == first or str(first).rpartition("}")[2] == name:
                return name, _given(plain(bound.input.deserialize(envelope)), bound)
        return str(first), {}

    def _reply(self, operation: str, answer: Any) -> httpx.Response:
        from lxml import etree

        output = self._wsdl._operations[operation].output
        elements = output.body.type.elements
        values = {elements[0][0]: answer} if len(elements) == 1 else _complete(answer or {}, elements)
        content = etree.tostring(output.serialize(**values).content, xml_declaration=True, encoding="utf-8")
        headers = {"content-type": "text/xml; charset=utf-8", "server": "weft-sandbox/1"}
        return httpx.Response(200, content=content, headers=headers)

    def _unknown(self) -> httpx.Response:
        rule = next((rule for rule in self.manifest.faults if rule.means == "unknown"), None)
        return self._fault("Server", (rule.sample or rule.match) if rule else "not found")

    def _fault(self, code: str, reason: str) -> httpx.Response:
        from xml.sax.saxutils import escape

        said = f"<faultcode>e:{code}</faultcode><faultstring>{escape(reason)}</faultstring>"
        if self._version == "1.2":
            top = "Sender" if code.startswith("Client") else "Receiver"
            inner = f"<e:Subcode><e:Value>e:{code.rpartition('.')[2]}</e:Value></e:Subcode>" if "." in code else ""
            said = f"<e:Code><e:Value>e:{top}</e:Value>{inner}</e:Code>"
            said += f'<e:Reason><e:Text xml:lang="en">{escape(reason)}</e:Text></e:Reason>'
        text = (
            f'<e:Envelope xmlns:e="{_ENVELOPES[self._version]}"><e:Body><e:Fault>{said}</e:Fault></e:Body></e:Envelope>'
        )
        return httpx.Response(500, content=text.encode(), headers={"content-type": "text/xml; charset=utf-8"})

    def _may(self, request: httpx.Request) -> bool:
        """Whether the caller shows what the manifest's `auth` says."""
        caller: Caller = self._caller
        shown = all(request.headers.get(name) == value for name, value in caller.http.items())
        if caller.basic is not None:
            wanted = httpx.Request("GET", "http://x")
            next(httpx.BasicAuth(*caller.basic).sync_auth_flow(wanted))
            shown &= request.headers.get("authorization") == wanted.headers["authorization"]
        text = request.content.decode("utf-8", "replace")
        for value in caller.headers.values():
            shown &= all(f">{each}<" in text for each in ([value] if isinstance(value, str) else value.values()))
        if caller.wsse is not None:
            user, password = caller.wsse
            shown &= f">{user}<" in text and (caller.digest or f">{password}<" in text)
        return shown


def serve(connector: type[Connector], port: int) -> None:
    """The samples on a port, until interrupted."""
    sandbox = Sandbox(connector)
    sandbox.fill_with_samples()
    secrets = [n for n, each in sandbox.manifest.inputs().items() if each.type == "secret"]
    told = "".join(f"; {name}: {sandbox.config[name]}" for name in secrets)
    serve_until_interrupted(sandbox.handle, port, lambda url: f"{connector.title} (sandbox) on {url}{told}")


def _given(value: Any, bound: Any) -> dict[str, Any]:
    """Arguments by name. zeep gives the value alone where an operation has a single one."""
    names = [name for name, _ in bound.input.body.type.elements]
    told = value if isinstance(value, dict) and set(value) <= set(names) else dict(zip(names, [value], strict=False))
    cleaned: dict[str, Any] = _without_nulls(told)
    return cleaned


def _complete(answer: Mapping[str, Any], elements: Any) -> dict[str, Any]:
    """The answer with something in every element that the WSDL wants and the manifest does not read."""
    wanted = {name: str(each.type.name or "") for name, each in elements if each.min_occurs and not each.nillable}
    times = {"dateTime": "2026-01-01T00:00:00Z", "date": "2026-01-01", "boolean": "false"}
    return {name: times.get(kind, "0") for name, kind in wanted.items() if name not in answer} | dict(answer)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _no_fetch(url: str) -> bytes:
    raise BadManifest([FieldProblem("wsdl_text", f"the WSDL refers to {url[:200]}", "put all of it here")])
