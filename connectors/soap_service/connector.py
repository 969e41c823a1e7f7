"""A SOAP service by manifest, on the hardened client of `connectors.soap`."""

from __future__ import annotations

import atexit
import functools
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from connectors.contract import Batch, Cursor, Health, MissingRight, Policy, Settings, Stream
from connectors.errors import ConfigProblem
from connectors.manifest.asking import Answering
from connectors.manifest.exchange import Refused, Reply
from connectors.manifest.paths import at
from connectors.manifest.reading import Reader
from connectors.manifest.templates import ABSENT, Values, fill, fill_text
from connectors.manifest.writing import Writing
from connectors.soap import Caller, SoapClient
from connectors.soap_faults import Refused as CallRefused
from connectors.soap_faults import Unknown
from connectors.soap_service.form import Basic, Call, HttpHeader, SoapHeader, SoapManifest, UsernameToken


class SoapConnector:
    """Base of every manifest of kind `soap`. Safe to use from several threads at once."""

    name: ClassVar[str]
    title: ClassVar[str]
    title_zh: ClassVar[str]
    Config: ClassVar[type[Settings]]
    policy: ClassVar[Policy]
    manifest: ClassVar[SoapManifest]
    manifest_file: ClassVar[Path | None]

    def __init__(self, config: Settings, *, transport: httpx.BaseTransport | None = None) -> None:
        told: Any = config
        self.values: Mapping[str, Any] = {"config": {name: getattr(config, name) for name in type(config).model_fields}}
        self._url: str = told.url
        self._page_size = int(getattr(config, "page_size", 0) or 0)
        self._client = SoapClient(
            wsdl_of(self.manifest, told.wsdl, told.url),
            told.url,
            version=told.soap_version,
            service=self.manifest.service,
            port=self.manifest.port,
            caller=caller_of(self.manifest, self.values),
            faults=self.manifest.faults,
            zone=ZoneInfo(self.manifest.zone or "UTC"),
            timeout_s=told.timeout_s,
            verify=told.verify_tls,
            transport=transport,
        )

    @property
    def namespace(self) -> str:
        return f"{self.name.replace('_', '-')}://{urlsplit(self._url).netloc}"

    def ask(self, request: Call, values: Values, *, deadline_s: float | None = None, effect: bool = False) -> Reply:
        """One call of the manifest. Raises Refused, and what the client raises."""
        filled = fill(request.arguments, values)
        arguments = {} if filled is ABSENT else filled
        try:
            body = self._client.call(request.operation, arguments, write=effect, timeout_s=deadline_s)
        except Unknown as no:
            raise Refused(404, no.fault.reason or str(no)) from None
        except CallRefused as no:
            raise Refused(400, no.fault.reason or str(no)) from None
        return Reply(body, url=self._url)

    def check(self) -> Health:
        """The manifest's own call, which changes nothing; and whether the service has all operations that are used."""
        form = self.manifest.check
        try:
            reply = self.ask(form.request, self.values)
        except Refused as no:
            raise ConfigProblem(f"{form.request.operation}: {no.reason}", hint="does the manifest fit?") from None
        known = self._client.operations()
        lacking = sorted({call.operation for _, call, _ in self.manifest.calls()} - known.keys())
        if lacking:
            raise ConfigProblem(f"the service has no operation {', '.join(lacking)}", hint=f"it has {', '.join(known)}")
        missing = self._missing(reply.body)
        version = at(reply.body, form.version) if form.version else self._client.server
        return Health(
            ok=not missing,
            message=f"the account lacks {', '.join(each.right for each in missing)}" if missing else "",
            remote_version=str(version or ""),
            missing_rights=missing,
        )

    def close(self) -> None:
        self._client.close()

    def _missing(self, body: Any) -> tuple[MissingRight, ...]:
        form = self.manifest.check
        told = at(body, form.rights) if form.needed else None
        has = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
        return tuple(
            MissingRight(right=name, needed_for=right.needed_for, grant_at=right.grant_at)
            for name, right in form.needed.items()
            if name not in has
        )


class Reading:
    """What a connector with `streams` can do beside the rest."""

    manifest: SoapManifest
    values: Mapping[str, Any]
    policy: ClassVar[Policy]
    ask: Any
    _page_size: int

    def streams(self) -> Sequence[Stream]:
        return tuple(form.stream(name) for name, form in self.manifest.streams.items())

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        form = self.manifest.streams.get(stream.name)
        if form is None:
            raise ConfigProblem(
                f"there is no stream {stream.name!r}", hint=f"streams: {', '.join(self.manifest.streams)}"
            )

        def ask(place: Mapping[str, Any], link: str, came_from: str) -> Reply:
            reply: Reply = self.ask(form.request, {**self.values, **place})
            found = at(reply.body, form.records)
            # a list of one comes as that one, an empty list as nothing: XML knows no lists
            rows = found if isinstance(found, list) else [] if found in (None, "") else [found]
            return Reply(_with_rows(reply.body, form.records, rows), url=reply.url)

        reader = Reader(form, ask, size=self._page_size, batch_rows=self.policy.batch_rows)
        return reader.read(stream, cursor)


def caller_of(manifest: SoapManifest, values: Values) -> Caller:
    """How this connection shows who it is."""
    match manifest.auth:
        case Basic() as auth:
            return Caller(basic=(fill_text(auth.username, values), fill_text(auth.password, values)))
        case UsernameToken() as auth:
            pair = (fill_text(auth.username, values), fill_text(auth.password, values))
            return Caller(wsse=pair, digest=auth.digest)
        case HttpHeader() as auth:
            return Caller(http={auth.name: fill_text(auth.value, values)})
        case SoapHeader() as auth:
            told = auth.value
            filled = (
                fill_text(told, values) if isinstance(told, str) else {n: fill_text(t, values) for n, t in told.items()}
            )
            return Caller(headers={auth.name: filled})
    return Caller()


def wsdl_of(manifest: SoapManifest, given: str | None, url: str) -> str:
    """Where the WSDL is: as given, the manifest's own, or behind the service's address."""
    if given:
        return given
    return str(_kept(manifest.wsdl_text)) if manifest.wsdl_text else f"{url}?wsdl"


def bases_of(manifest: SoapManifest) -> tuple[type, ...]:
    """The classes that a connector of this manifest is made of."""
    sections: tuple[tuple[Any, type], ...] = (
        (manifest.streams, Reading), (manifest.questions, Answering), (manifest.operations, Writing),
    )  # fmt: skip
    return (SoapConnector, *(base for section, base in sections if section))


def _with_rows(body: Any, path: str, rows: list[Any]) -> Any:
    if not path:
        return rows
    from connectors.manifest.matching import put

    return put(body, path, rows)


@functools.cache
def _folder() -> Path:
    """Of this process alone: a WSDL that another user could change would be another service."""
    folder = Path(tempfile.mkdtemp(prefix="weft-wsdl-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.lru_cache(64)
def _kept(text: str) -> Path:
    path = _folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.wsdl"
    path.write_text(text, "utf-8")
    return path
