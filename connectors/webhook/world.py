"""The exam's World of messages that a manifest describes: its samples, signed as their sender signs."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode

from connectors.conformance.world import Break, Kind
from connectors.contract import Connector, Delivery
from connectors.errors import FieldProblem
from connectors.exact import dump_json
from connectors.manifest import paths
from connectors.manifest.errors import BadManifest
from connectors.manifest.inputs import sample_of
from connectors.manifest.matching import put
from connectors.manifest.templates import as_text, fill_text
from connectors.settings import parse_config
from connectors.webhook.form import BasicLogin, BearerToken, HmacSignature, InboundForm, MessageForm, StandardWebhooks
from connectors.webhook.signatures import sign, sign_standard

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
_FEWEST = 3


class EchoLike(Protocol):
    """A message foretold by an operation."""

    @property
    def stream(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def match(self) -> Mapping[str, str]: ...


class Messages:
    """Genuine and forged messages. A base of Worlds that have `inbound` and `config`."""

    def inbound(self) -> InboundForm:
        raise TypeError("a World says which messages it has")

    def config(self) -> dict[str, Any]:
        return {}

    def deliveries(self) -> Sequence[Delivery]:
        found = [
            self.sent(self._body(variant))
            for form in self.inbound().messages
            for variant in _variants(self.inbound(), form)
        ]
        if not found:
            raise BadManifest(
                [FieldProblem("inbound.messages", "there are no samples", "write one message as it comes")]
            )
        return found

    def sent(self, body: bytes, *, at: datetime = NOW) -> Delivery:
        kind = "application/json" if self.inbound().content == "json" else "application/x-www-form-urlencoded"
        proof, token = self._proof(body, at)
        return Delivery(body, {"content-type": kind, **proof}, path_token=token, received_at=at)

    def forged(self) -> Sequence[Delivery]:
        good = self.deliveries()[0]
        proof, _ = self._proof(good.body, NOW)
        wrong = [
            replace(good, headers={}, path_token=""),
            *(replace(good, headers={**good.headers, name: value}) for name in proof for value in ("", "0" * 64)),
            *(replace(good, headers={**good.headers, name: proof[name][:-3] + "AAA"}) for name in proof),
        ]
        if isinstance(self.inbound().signature, HmacSignature | StandardWebhooks):
            wrong.append(replace(good, body=good.body.replace(b":", b": ", 1)))
        return [each for each in wrong if each != good]

    def echoes_of(self, echoes: Sequence[EchoLike], values: Mapping[str, Any]) -> Sequence[Delivery]:
        """What the system sends because an operation took effect."""
        found = []
        for echo in echoes:
            form = next(message for message in self.inbound().messages if message.stream == echo.stream)
            field = form.fields.get(form.key[0])
            where = field.path if field and field.path else form.key[0]
            told = {where: echo.key, **echo.match}
            message: Any = form.samples[0]
            for path, text in told.items():
                message = put(message, _in_record(form, message, path), fill_text(text, values))
            found.append(self.sent(self._body(message)))
        return found

    def _body(self, message: Any) -> bytes:
        return dump_json(message) if self.inbound().content == "json" else urlencode(message).encode()

    def _proof(self, body: bytes, at: datetime) -> tuple[dict[str, str], str]:
        form, values = self.inbound().signature, {"config": self.config()}
        match form:
            case HmacSignature():
                secret = next(s for each in form.secrets if (s := fill_text(each, values)))
                return sign(form, secret, body, at, {}), ""
            case StandardWebhooks():
                secret = next(s for each in form.secrets if (s := fill_text(each, values)))
                return sign_standard(secret, f"msg_{hashlib.sha256(body).hexdigest()[:24]}", body, at), ""
            case BearerToken():
                token = fill_text(form.token, values)
                if form.header.lower() != "authorization":
                    return {form.header.lower(): token}, ""
                return {"authorization": f"Bearer {token}"}, ""
            case BasicLogin():
                login = f"{fill_text(form.username, values)}:{fill_text(form.password, values)}"
                return {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}, ""


class WebhookWorld(Messages):
    """Base of the Worlds of kind `webhook`; `world_of` makes one for a connector."""

    connector_type: ClassVar[type[Connector]]
    breaks: ClassVar[frozenset[Kind]] = frozenset()
    calls = 0
    changes = 0

    def inbound(self) -> InboundForm:
        told: Any = self.connector_type
        form: InboundForm = told.manifest.inbound
        return form

    def config(self) -> dict[str, Any]:
        told: Any = self.connector_type
        return {name: sample_of(name, each) for name, each in told.manifest.inputs().items()}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        return kind(parse_config(kind, {**self.config(), **changes}))

    def break_next(self, how: Break) -> None:
        raise TypeError("nobody is called, so nothing can break")

    def close(self) -> None:
        """Nothing is held open."""


def world_of(connector: type[Connector]) -> type[Any]:
    """The World of one connector."""
    return type(f"{connector.__name__}World", (WebhookWorld,), {"connector_type": connector})


def _variants(inbound: InboundForm, form: MessageForm) -> list[Any]:
    """The samples, and as many variations of the first as make three messages in all."""
    found: list[Any] = list(form.samples)
    for number in itertools.count(1):
        if not found or len(found) >= _FEWEST:
            return found
        field = form.fields.get(form.key[0])
        where = _in_record(form, found[0], field.path if field and field.path else form.key[0])
        first: Any = found[0]
        value = paths.at(first, where)
        varied = value + number if isinstance(value, int) else f"{as_text(value)}-{number}"
        message = put(first, where, varied)
        if inbound.id:
            message = put(message, inbound.id, f"{as_text(paths.at(first, inbound.id))}-{number}")
        found.append(message)
    return found


def _in_record(form: MessageForm, message: Any, path: str) -> str:
    """Where a path of the record is in the message."""
    rows = paths.at(message, form.records)
    before = form.records + ("[0]" if isinstance(rows, list) else "")
    return f"{before}.{path}" if before else path
