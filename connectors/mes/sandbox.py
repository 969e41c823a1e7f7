"""A stand-in for a MES with a SOAP service, for people who have none and for tests. Both styles at once:

    python -m connectors.mes.sandbox --port 8096

`http://127.0.0.1:8096/mes` is the typed service, `http://127.0.0.1:8096/MESService.asmx` the vendor-own one with JSON in
texts (settings: style json, key_place argument, key_name apiKey); `?wsdl` gives the WSDL of each. SOAP 1.1 and 1.2.
Both take the key `sandbox-key-2026` (HTTP header X-Api-Key, SOAP header {urn:weft:mes:1}ApiKey, or argument apiKey), or
the account hub / hub-password (HTTP basic, UsernameToken). Machines, suppliers and articles are the example company's;
OEE and stops go on with the clock. To make things happen (GET or POST):

    /sandbox/stop?device=press-7[&reason=...&code=...&planned=true&minutes=20]   stops a machine (since 20 minutes)
    /sandbox/run?device=press-7                                                  lets it run again
    /sandbox/inspect?item=BRG-6205&batch=L1&result=不合格&inspected=50&defects=3[&supplier=V001&inbound=true]
    /sandbox/lie?how=HOW[&times=1]     the next answers go wrong: truncated, html, html_500, xxe, bomb, empty, slow,
                                       server_fault, client_fault, gbk (only its encoding), other (another's reply)
    /sandbox/state                     machines, open stops and reports taken, as JSON
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

import httpx

from connectors.mes.sandbox_json import JsonService
from connectors.mes.sandbox_state import MesState, fill
from connectors.mes.sandbox_typed import SoapFault, TypedService

ENVELOPES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
KEY = "sandbox-key-2026"
ACCOUNT = ("hub", "hub-password")
WSDLS = Path(__file__).parent / "wsdl"
SLOW_S = 3.0
LIES = ("truncated", "html", "html_500", "xxe", "bomb", "empty", "slow", "server_fault", "client_fault", "gbk", "other")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Sandbox:
    """A MES in memory. `handle` answers one HTTP request; `denied` holds operations that the hub may not call."""

    def __init__(self, clock: Callable[[], datetime] = _now, *, key: str = KEY, filled: bool = True) -> None:
        self.state = MesState(clock)
        self.key = key
        self.account = ACCOUNT
        self.denied: set[str] = set()
        self.lies: list[str] = []
        self.slow_s = SLOW_S
        self.typed = TypedService(self.state)
        self.json = JsonService(self.state)
        if filled:
            fill(self.state)

    # -- HTTP -------------------------------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, as an httpx transport's handler."""
        path, query = request.url.path, dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        if path.startswith("/sandbox/"):
            with self.state.lock:
                return self._control(path.removeprefix("/sandbox/"), query)
        if path not in ("/mes", "/MESService.asmx"):
            return httpx.Response(404, text="<html><body>404 Not Found</body></html>")
        style = "typed" if path == "/mes" else "json"
        if request.method == "GET":
            return httpx.Response(200, content=self._wsdl(style, request), headers={"content-type": "text/xml"})
        with self.state.lock:
            lie = self.lies.pop(0) if self.lies else ""
        if lie == "slow":
            threading.Event().wait(self.slow_s)
        if lie == "html":
            return httpx.Response(200, text="<html><body>维护中 under maintenance</body></html>")
        if lie == "html_500":
            return httpx.Response(500, text="<html><body>Runtime Error</body></html>")
        return self._soap(request, style, lie)

    def _wsdl(self, style: str, request: httpx.Request) -> bytes:
        here = str(request.url.copy_with(query=None))
        text = (WSDLS / f"{style}.wsdl").read_text(encoding="utf-8")
        for placeholder in ("http://localhost/mes", "http://localhost/MESService.asmx"):
            text = text.replace(f'location="{placeholder}"', f'location="{here}"')
        return text.encode()

    def _soap(self, request: httpx.Request, style: str, lie: str) -> httpx.Response:
        version = "1.2" if "soap+xml" in request.headers.get("content-type", "") else "1.1"
        try:
            operation, given, headers = _read(request.content)
            with self.state.lock:
                body = self._answer(style, operation, given, self._is_known(request, given, headers), lie)
            status = 200
        except SoapFault as fault:
            body, status = _fault(fault, version), 500
        content = f'<soap:Envelope xmlns:soap="{ENVELOPES[version]}"><soap:Body>{body}</soap:Body></soap:Envelope>'
        kind = "text/xml" if version == "1.1" else "application/soap+xml"
        return httpx.Response(
            status,
            content=_spoilt(content, lie),
            headers={"content-type": f"{kind}; charset=utf-8", "server": "Weft-MES-Sandbox/4.2"},
        )

    def _answer(self, style: str, operation: str, given: Mapping[str, str], known: bool, lie: str) -> str:
        if lie == "server_fault":
            raise SoapFault("Server", "Server was unable to process request. ---> Timeout expired.")
        if lie == "client_fault":
            raise SoapFault("Client", "The request is not valid")
        refusal = None
        if not known:
            refusal = SoapFault("Client.Authentication", "key or password is not valid"), 401
        elif operation in self.denied:
            refusal = SoapFault("Client.NotAuthorized", f"no right to call {operation}"), 403
        if refusal is not None and style == "typed":
            raise refusal[0]
        if refusal is not None:
            return self.json.wrapped(operation, {"code": refusal[1], "msg": "apiKey 无效或无权限"})
        plain = {name: value for name, value in given.items() if name != "apiKey"}
        return (self.typed if style == "typed" else self.json).answer(operation, plain)

    def _is_known(self, request: httpx.Request, given: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        shown = (request.headers.get("x-api-key"), headers.get("ApiKey"), given.get("apiKey"))
        if self.key in shown:
            return True
        if headers.get("Username") == self.account[0] and headers.get("Password") in self._passwords(headers):
            return True
        try:
            login = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return login == ":".join(self.account)

    def _passwords(self, headers: Mapping[str, str]) -> tuple[str, ...]:
        """What a UsernameToken may hold: the password, or its digest with the token's nonce and time."""
        try:
            nonce = base64.b64decode(headers.get("Nonce", ""))
        except binascii.Error:
            return (self.account[1],)
        seed = nonce + headers.get("Created", "").encode() + self.account[1].encode()
        digest = hashlib.sha1(seed, usedforsecurity=False).digest()
        return (self.account[1], *((base64.b64encode(digest).decode(),) if nonce else ()))

    # -- making things happen ---------------------------------------------------------------------------------------

    def _control(self, what: str, given: dict[str, str]) -> httpx.Response:
        acts = {"stop": self._stop, "run": self._run, "inspect": self._inspect, "lie": self._lie, "state": self._state}
        if what not in acts:
            return _json({"error": f"no {what!r}; there are {', '.join(acts)}"}, 404)
        try:
            return _json(acts[what](given))
        except (KeyError, ValueError, ArithmeticError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)

    def _stop(self, given: dict[str, str]) -> Any:
        device = given["device"]
        if device not in self.state.tables["equipment"]:
            raise ValueError(f"no machine {device!r}; there are {', '.join(self.state.tables['equipment'])}")
        start = self.state.clock() - timedelta(minutes=int(given.get("minutes", "0")))
        return self.state.stop(
            device,
            code=given.get("code", "E-07"),
            reason=given.get("reason", "主轴过热"),
            planned=given.get("planned") == "true",
            start=start,
        )

    def _run(self, given: dict[str, str]) -> Any:
        return self.state.run(given["device"])

    def _inspect(self, given: dict[str, str]) -> Any:
        row = {
            "id": self.state.number("IQC"),
            "itemCode": given["item"],
            "batchNo": given.get("batch"),
            "supplierCode": given.get("supplier"),
            "inbound": given.get("inbound", "true") == "true",
            "result": given["result"],
            "inspectedQty": Decimal(given.get("inspected", "50")),
            "defectQty": Decimal(given.get("defects", "0")),
            "inspectedAt": self.state.clock(),
        }
        return self.state.put("inspections", row)

    def _lie(self, given: dict[str, str]) -> Any:
        if given["how"] not in LIES:
            raise ValueError(f"no lie {given['how']!r}; there are {', '.join(LIES)}")
        self.lies += [given["how"]] * int(given.get("times", "1"))
        return {"lies": self.lies}

    def _state(self, given: dict[str, str]) -> Any:
        tables = self.state.tables
        return {
            "machines": [*tables["equipment"].values()],
            "standing": [row for row in tables["downtime"].values() if row["end"] is None],
            "reports": [row for row in tables["work_orders"].values() if row.get("requestId")],
        }


def _read(content: bytes) -> tuple[str, dict[str, str], dict[str, str]]:
    """The operation, its arguments, and every text of the SOAP header by local name."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        envelope = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise SoapFault("Client", f"The request is no XML: {error.msg}") from error
    body = envelope.find("{*}Body")
    called = next(body.iterchildren(tag="*"), None) if body is not None else None
    if called is None:
        raise SoapFault("Client", "The request has no SOAP body")
    given = {etree.QName(child).localname: child.text or "" for child in called.iterchildren(tag="*")}
    headers = {
        etree.QName(child).localname: child.text or ""
        for header in envelope.iterfind("{*}Header")
        for child in header.iter("{*}*")
    }
    return etree.QName(called).localname, given, headers


def _fault(fault: SoapFault, version: str) -> str:
    if version == "1.1":
        code = f"<faultcode>soap:{fault.code}</faultcode>"
        return f"<soap:Fault>{code}<faultstring>{escape(fault.reason)}</faultstring></soap:Fault>"
    first, _, second = fault.code.partition(".")
    name = {"Client": "Sender", "Server": "Receiver"}.get(first, first)
    subcode = f"<soap:Subcode><soap:Value>m:{second}</soap:Value></soap:Subcode>" if second else ""
    return (
        f'<soap:Fault xmlns:m="urn:weft:mes:1"><soap:Code><soap:Value>soap:{name}</soap:Value>{subcode}</soap:Code>'
        f'<soap:Reason><soap:Text xml:lang="zh">{escape(fault.reason)}</soap:Text></soap:Reason></soap:Fault>'
    )


def _spoilt(content: str, lie: str) -> bytes:
    declared = '<?xml version="1.0" encoding="utf-8"?>'
    if lie == "empty":
        return b""
    if lie == "gbk":
        return f'<?xml version="1.0" encoding="GB18030"?>{content}'.encode("gb18030")
    if lie == "xxe":
        external = '<!DOCTYPE soap [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
        return (declared + external + content.replace("</soap:Body>", "<leak>&secret;</leak></soap:Body>")).encode()
    if lie == "bomb":
        entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
        return f'{declared}<!DOCTYPE soap [<!ENTITY a0 "ha">{entities}]>{content}'.encode()
    if lie == "other":
        head, _, _ = content.partition("<soap:Body>")
        return f'{declared}{head}<soap:Body><Other xmlns="urn:other"/></soap:Body></soap:Envelope>'.encode()
    whole = (declared + content).encode()
    return whole[: len(whole) * 2 // 3] if lie == "truncated" else whole


def _json(value: Any, status: int = 200) -> httpx.Response:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return httpx.Response(status, content=text.encode(), headers={"content-type": "application/json; charset=utf-8"})


class Server:
    """A sandbox on a port of loopback (0: any free one)."""

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self.sandbox = sandbox
        self._httpd = ThreadingHTTPServer(("127.0.0.1", port), _handler(sandbox))
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.02,), daemon=True)

    @property
    def typed_url(self) -> str:
        return f"{self.url}/mes"

    @property
    def json_url(self) -> str:
        return f"{self.url}/MESService.asmx"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(5)


def serve(port: int = 0, sandbox: Sandbox | None = None) -> Server:
    """A sandbox as a context manager with `.url`, `.typed_url`, `.json_url` and `.sandbox`."""
    return Server(sandbox or Sandbox(), port)


def _handler(sandbox: Sandbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            url = httpx.URL(f"http://{self.headers.get('host', '127.0.0.1')}").copy_with(
                path=parts.path, query=parts.query.encode()
            )
            answer = sandbox.handle(httpx.Request(self.command, url, headers=dict(self.headers.items()), content=body))
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers.get("content-type", "text/html; charset=utf-8"))
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = _reply

        def log_message(self, *_: Any) -> None:
            """Say nothing for each request."""

    return Handler


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for a MES with a SOAP service.")
    parser.add_argument("--port", type=int, default=8096)
    args = parser.parse_args(argv)
    with serve(args.port) as server:
        print(f"MES stand-in: {server.typed_url} (typed), {server.json_url} (json)\nkey: {KEY}")  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
