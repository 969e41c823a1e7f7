"""A REST system by manifest. The class of each manifest is made of `RestConnector` and one of the others for each of
its sections, so that it has exactly the capabilities that the manifest describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from connectors.contract import Batch, Cursor, Health, MissingRight, Policy, Settings, Stream
from connectors.errors import ConfigProblem, Transient
from connectors.manifest.asking import Answering
from connectors.manifest.exchange import Refused, Reply
from connectors.manifest.paths import at
from connectors.manifest.reading import Reader
from connectors.manifest.writing import Writing
from connectors.rest.client import RestClient
from connectors.rest.form import RestManifest
from connectors.webhook.form import InboundForm
from connectors.webhook.receiving import Receiving


class RestConnector:
    """Base of every manifest of kind `rest`. Safe to use from several threads at once."""

    name: ClassVar[str]
    title: ClassVar[str]
    title_zh: ClassVar[str]
    Config: ClassVar[type[Settings]]
    policy: ClassVar[Policy]
    manifest: ClassVar[RestManifest]

    def __init__(self, config: Settings, *, transport: httpx.BaseTransport | None = None) -> None:
        told: Any = config
        self.values: Mapping[str, Any] = {"config": {name: getattr(config, name) for name in type(config).model_fields}}
        self._page_size = int(getattr(config, "page_size", 0) or 0)
        self.client = RestClient(
            told.url,
            self.manifest.auth,
            self.manifest.answers,
            self.values,
            timeout_s=told.timeout_s,
            verify_tls=told.verify_tls,
            transport=transport,
        )

    @property
    def namespace(self) -> str:
        return f"{self.name.replace('_', '-')}://{urlsplit(self.client.base).netloc}"

    def check(self) -> Health:
        """The manifest's own call, which changes nothing."""
        form = self.manifest.check
        try:
            reply = self.client.ask(form.request, self.values)
        except Refused as no:
            raise ConfigProblem(
                f"{form.request.path}: {no.status} {no.reason}", hint="does `url` lead to this system?"
            ) from None
        if not isinstance(reply.body, dict | list):
            raise Transient(f"{form.request.path} answers neither an object nor a list", hint="is it this system?")
        missing = self._missing(reply)
        version = at(reply.body, form.version) if form.version else reply.headers.get("server")
        return Health(
            ok=not missing,
            message=f"the account lacks {', '.join(each.right for each in missing)}" if missing else "",
            remote_version=str(version or ""),
            missing_rights=missing,
        )

    def ask(
        self, request: Any, values: Mapping[str, Any], *, deadline_s: float | None = None, effect: bool = False
    ) -> Reply:
        """One request of the manifest; raises what the client raises."""
        return self.client.ask(request, values, deadline_s=deadline_s, effect=effect)

    def close(self) -> None:
        self.client.close()

    def _missing(self, reply: Reply) -> tuple[MissingRight, ...]:
        form = self.manifest.check
        if not form.needed:
            return ()
        told = at(reply.body, form.rights)
        has = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
        return tuple(
            MissingRight(right=name, needed_for=right.needed_for, grant_at=right.grant_at)
            for name, right in form.needed.items()
            if name not in has
        )


class Reading:
    """What a connector with `streams` can do beside the rest."""

    manifest: RestManifest
    client: RestClient
    values: Mapping[str, Any]
    policy: ClassVar[Policy]
    _page_size: int

    def streams(self) -> Sequence[Stream]:
        return tuple(form.stream(name) for name, form in self.manifest.streams.items())

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        form = self.manifest.streams.get(stream.name)
        if form is None:
            known = ", ".join(self.manifest.streams)
            raise ConfigProblem(f"there is no stream {stream.name!r}", hint=f"streams: {known}")

        def ask(place: Mapping[str, Any], link: str, came_from: str) -> Reply:
            values = {**self.values, **place}
            if link:
                return self.client.follow(link, came_from or self.client.base, form.request, values)
            return self.client.ask(form.request, values)

        reader = Reader(form, ask, size=self._page_size, batch_rows=self.policy.batch_rows)
        return reader.read(stream, cursor)


class Inbound(Receiving):
    """What a connector with `inbound` can do beside the rest."""

    manifest: RestManifest
    values: Mapping[str, Any]

    @property
    def inbound(self) -> InboundForm:
        form = self.manifest.inbound
        assert form is not None
        return form


def bases_of(manifest: RestManifest) -> tuple[type, ...]:
    """The classes that a connector of this manifest is made of."""
    sections: tuple[tuple[Any, type], ...] = (
        (manifest.streams, Reading),
        (manifest.questions, Answering),
        (manifest.operations, Writing),
        (manifest.inbound, Inbound),
    )
    return (RestConnector, *(base for section, base in sections if section))
