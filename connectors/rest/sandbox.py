"""A stand-in for any system that a manifest of kind `rest` describes, filled with the manifest's own samples.

    python -m connectors.rest.sandbox FILE --port 9200

It reads the manifest backwards: it knows the requests that the connector makes, checks who asks as `auth` says, gives
the lists page by page, filtered and in order, remembers what is written and tells it when asked to confirm.

What can be done to it from outside, without credentials:

    GET  /sandbox/state              rows by stream, what was written, how many changes
    PUT  /sandbox/streams/STREAM     a row (JSON), added, or in place of the one with the same key
"""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from connectors.contract import Connector
from connectors.errors import BadRecord
from connectors.exact import dump_json, load_json
from connectors.manifest.inputs import sample_of
from connectors.manifest.kinds import read
from connectors.manifest.matching import Found, match, match_path, nested, put
from connectors.manifest.serving import serve_until_interrupted
from connectors.manifest.stand_in import UNKNOWN, Effect, answer_to, confirmation, page_of, refused_key
from connectors.manifest.templates import ABSENT, as_text, fill_text
from connectors.rest.auth import signature_headers
from connectors.rest.form import (
    Basic,
    Bearer,
    HeaderKey,
    Hmac,
    Login,
    OAuth2,
    QueryKey,
    Request,
    RestManifest,
    RestOperation,
    RestStream,
)


class Sandbox:
    """`config`: what the connector is configured with; default: the samples of its inputs. Safe from any thread."""

    def __init__(self, connector: type[Connector], config: Mapping[str, Any] | None = None) -> None:
        told: Any = connector
        self.manifest: RestManifest = told.manifest
        self.config = dict(config or {name: sample_of(name, each) for name, each in self.manifest.inputs().items()})
        self.values = {"config": self.config}
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in self.manifest.streams}
        self.effects: list[Effect] = []
        self.lacks_rights = False
        self._tokens: set[str] = set()
        self._lock = threading.RLock()

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
            if request.url.path.startswith("/sandbox/"):
                return self._control(request)
            return self._encoded(self._route(request))

    def writes(self, request: httpx.Request) -> bool:
        """Whether a request is one of the manifest's operations."""
        return any(self._match(form.request, request) is not None for form in self.manifest.operations.values())

    def _route(self, request: httpx.Request) -> httpx.Response:
        if (login := self._log_in(request)) is not None:
            return login
        if not self._may(request):
            return _json({"message": "who are you?"}, 401)
        for op, operation in self.manifest.operations.items():
            if (found := self._match(operation.request, request)) is not None:
                return self._write(op, operation, found)
        for op, operation in self.manifest.operations.items():
            if operation.confirm and (found := self._match(operation.confirm.request, request)) is not None:
                item = confirmation(operation.confirm, op, self.effects, found)
                if item is not ABSENT:
                    records = operation.confirm.records
                    return _json(self._good(put({}, records, [item] if records else item)))
        for stream, form in self.manifest.streams.items():
            if (found := self._match(form.request, request)) is not None or self._is_link(form, request):
                return self._list(stream, form, found or {}, request)
        for question in self.manifest.questions.values():
            if (found := self._match(question.request, request)) is not None:
                return self._answer(question.samples, found)
        if self._match(self.manifest.check.request, request) is not None:
            return self._about()
        return _json({"message": f"no such page: {request.method} {request.url.path}"}, 404)

    # -- who asks -------------------------------------------------------------------------------------------------------

    def _log_in(self, request: httpx.Request) -> httpx.Response | None:
        auth = self.manifest.auth
        if isinstance(auth, Login):
            if self._match(auth.request, request) is None:
                return None
            return _json(self._good(put(put({}, auth.token, self._new_token()), auth.expires_in or "expires_in", 3600)))
        if not isinstance(auth, OAuth2):
            return None
        place = fill_text(auth.token_path or auth.token_url, self.values)
        if request.url.path.removeprefix(self._base()) != urlsplit(place).path:
            return None
        form = dict(parse_qsl(request.content.decode()))
        login = tuple(fill_text(text, self.values) for text in (auth.client_id, auth.client_secret))
        given = (form.get("client_id"), form.get("client_secret"))
        if auth.send == "basic":
            given = _basic(request)
        if given != login or form.get("grant_type") != "client_credentials":
            return _json({"error": "invalid_client"}, 401)
        return _json({"access_token": self._new_token(), "token_type": "Bearer", "expires_in": 3600})

    def forget_tokens(self) -> None:
        """All tokens end now, as when the system was started anew."""
        self._tokens.clear()

    def _new_token(self) -> str:
        self._tokens.add(token := f"token-{len(self._tokens) + 1}")
        return token

    def _may(self, request: httpx.Request) -> bool:
        auth, given = self.manifest.auth, str(request.headers.get("authorization", ""))
        match auth:
            case Basic():
                wanted = (fill_text(auth.username, self.values), fill_text(auth.password, self.values))
                return _basic(request) == wanted
            case Bearer():
                return given == f"Bearer {fill_text(auth.token, self.values)}"
            case HeaderKey():
                return str(request.headers.get(auth.name)) == fill_text(auth.value, self.values)
            case QueryKey():
                return str(request.url.params.get(auth.name)) == fill_text(auth.value, self.values)
            case OAuth2():
                return given.removeprefix("Bearer ") in self._tokens
            case Login():
                shown = [fill_text(auth.value, {**self.values, "token": token}) for token in self._tokens]
                return request.headers.get(auth.header) in shown
            case Hmac():
                stamp = request.headers.get(auth.timestamp_header, "")
                wanted_headers = signature_headers(auth, self.values, request, stamp)
                return all(request.headers.get(name) == value for name, value in wanted_headers.items())
        return True

    # -- what is asked ----------------------------------------------------------------------------------------------------

    def _list(self, stream: str, form: RestStream, found: Found, request: httpx.Request) -> httpx.Response:
        link = {n.removeprefix("sandbox_"): v for n, v in request.url.params.items() if n.startswith("sandbox_")}
        asked = found | ({"since": link["since"]} if "since" in link else {})
        page = page_of(form, self.rows[stream], asked, int(link.get("offset", 0)))
        body = page.told(form.paging, self._good(put({}, form.records, list(page.rows))))
        url = self._next_url(request, page.following, asked.get("since"))
        if form.paging.kind == "link":
            body = put(body, form.paging.next, url or None)
        return _json(body, headers={"link": f'<{url}>; rel="next"'} if url and form.paging.kind == "header" else {})

    def _next_url(self, request: httpx.Request, offset: int | None, since: Any) -> str:
        if offset is None:
            return ""
        more = {"sandbox_offset": str(offset)} | (
            {"sandbox_since": as_text(since)} if since not in (None, ABSENT) else {}
        )
        url = request.url.copy_with(query=None)
        return str(url.copy_merge_params(more))

    def _answer(self, samples: Sequence[Any], found: Found) -> httpx.Response:
        told = answer_to(samples, found)
        return _json({"message": "not found"}, 404) if told is ABSENT else _json(told)

    def _about(self) -> httpx.Response:
        form = self.manifest.check
        body = form.sample if form.sample is not None else self._good({})
        if form.sample is None and form.version:
            body = put(body, form.version, "1.0")
        if form.needed:
            body = put(body, form.rights, [] if self.lacks_rights else list(form.needed))
        return _json(body)

    # -- what is written --------------------------------------------------------------------------------------------------

    def _write(self, op: str, form: RestOperation, found: Found) -> httpx.Response:
        if refused_key(found):
            return _json({"message": f"there is no {UNKNOWN}"}, 404)
        self.effects.append(Effect(op, found))
        return _json(form.sample.answer if form.sample.answer is not None else self._good({}))

    # -- odds and ends ----------------------------------------------------------------------------------------------------

    def _match(self, form: Request, request: httpx.Request) -> Found | None:
        path = request.url.raw_path.partition(b"?")[0].decode("ascii").removeprefix(self._base())
        found = match_path(form.path, path, self.values) if request.method == form.method else None
        if found is None or not match(form.params, _params(request), self.values, found):
            return None
        for name, text in form.headers.items():
            if not match(text, request.headers.get(name, ABSENT), self.values, found):
                return None
        body = _body(form, request)
        return found if form.body is None or match(form.body, body, self.values, found) else None

    def _is_link(self, form: RestStream, request: httpx.Request) -> bool:
        path = request.url.raw_path.partition(b"?")[0].decode("ascii").removeprefix(self._base())
        return (
            form.paging.kind in ("link", "header")
            and "sandbox_offset" in request.url.params
            and match_path(form.request.path, path, self.values) is not None
        )

    def _encoded(self, answer: httpx.Response) -> httpx.Response:
        encoding = self.manifest.answers.encoding
        if not encoding:
            return answer
        content = answer.content.decode().encode(encoding, "replace")
        return httpx.Response(answer.status_code, content=content, headers={"content-type": "application/json"})

    def _base(self) -> str:
        return urlsplit(str(self.config["url"])).path.rstrip("/")

    def _good(self, body: Any) -> Any:
        success = self.manifest.answers.success
        if success is None or isinstance(body, list):
            return body
        return put(body, success.path, success.equals[0] if isinstance(success.equals, list) else success.equals)

    def _control(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.strip("/").split("/")
        if request.method == "GET" and parts[1:] == ["state"]:
            written = [{"operation": e.op, **nested(e.found)} for e in self.effects]
            return _json({"streams": self.rows, "written": written, "changes": self.changes})
        if request.method == "PUT" and len(parts) == 3 and parts[2] in self.rows:
            form, row = self.manifest.streams[parts[2]], load_json(request.content)
            key = [form.shape.value(name, row) for name in form.key]
            rest = [r for r in self.rows[parts[2]] if [form.shape.value(name, r) for name in form.key] != key]
            self.rows[parts[2]] = [*rest, row]
            return _json(row)
        return _json({"message": "GET /sandbox/state or PUT /sandbox/streams/STREAM"}, 404)


def _params(request: httpx.Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in request.url.params.multi_items():
        found[name] = value if name not in found else [*_listed(found[name]), value]
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _body(form: Request, request: httpx.Request) -> Any:
    if form.send == "form":
        return dict(parse_qsl(request.content.decode()))
    try:
        return load_json(request.content) if request.content else ABSENT
    except BadRecord:
        return ABSENT


def _basic(request: httpx.Request) -> tuple[str, str]:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    user, _, word = base64.b64decode(given).decode().partition(":") if scheme == "Basic" else ("", "", "")
    return user, word


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    told = {"content-type": "application/json", "server": "weft-sandbox/1", **(headers or {})}
    return httpx.Response(status, content=dump_json(value), headers=told)


def serve(connector: type[Connector], port: int) -> None:
    """The samples on a port, until interrupted."""
    sandbox = Sandbox(connector)
    sandbox.fill_with_samples()
    secrets = [n for n, each in sandbox.manifest.inputs().items() if each.type == "secret"]
    told = ", ".join(f"{name}: {sandbox.config[name]}" for name in secrets)
    serve_until_interrupted(
        sandbox.handle, port, lambda url: f"{connector.title} (sandbox) on {url}" + (f"; {told}" if told else "")
    )


def main(arguments: Sequence[str]) -> None:
    """FILE [--port N]"""
    port = int(arguments[arguments.index("--port") + 1]) if "--port" in arguments else 9200
    serve(read(Path(arguments[0])), port)


if __name__ == "__main__":
    main(sys.argv[1:])
