"""What a manifest may say of messages that come in: `inbound:`, the whole of kind `webhook`, a part of kind `rest`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from connectors.manifest.inputs import Input, Part
from connectors.manifest.model import Manifest, Name, RecordForm, Span
from connectors.manifest.paths import Path
from connectors.manifest.shapes import Condition
from connectors.manifest.templates import names

Template = str
_FORMAT = re.compile(r"([^{}]*)\{(signature|timestamp)\}([^{}]*)")


class HmacSignature(Part):
    """A keyed digest in a header, as GitHub, Stripe, Slack, Shopify and most others send it.

    GitHub: `header: X-Hub-Signature-256, format: "sha256={signature}"`. Stripe: `header: Stripe-Signature, format:
    "t={timestamp},v1={signature}", signed: "{timestamp}.{body}"`. Slack: `header: X-Slack-Signature, format:
    "v0={signature}", timestamp_header: X-Slack-Request-Timestamp, signed: "v0:{timestamp}:{body}"`.
    """

    kind: Literal["hmac"]
    secrets: tuple[Template, ...] = Field(min_length=1, description="any of them signs: the new and the old one")
    header: str = Field(min_length=1, description="the header that holds the signature")
    format: str = Field("{signature}", description="how it holds it; parts are separated by commas")
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    signed: str = Field("{body}", description="what is signed; may use {timestamp}, {body} and {header.name}")
    timestamp_header: str = Field("", description="the header that holds the time, when it is not in the same one")
    timestamp: Literal["unix", "unix_ms", "iso"] = Field("unix", description="how the time is written")
    tolerance: Span = Field(timedelta(minutes=5), description="a message older or newer than this is refused")

    @field_validator("secrets", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole(self) -> HmacSignature:
        parts = [_FORMAT.fullmatch(part.strip()) for part in self.format.split(",")]
        told = [part[2] for part in parts if part]
        if None in parts or told.count("signature") != 1 or len(set(told)) != len(told):
            raise ValueError(f"format {self.format!r}: write parts such as sha256={{signature}} or t={{timestamp}}")
        used = {name for _, name in names(self.signed)}
        unknown = {name for name in used if name not in ("timestamp", "body") and not name.startswith("header.")}
        if unknown or "body" not in used:
            raise ValueError("signed uses {body}, and may use {timestamp} and {header.name}")
        if ("timestamp" in used) != (bool(self.timestamp_header) or "timestamp" in told):
            raise ValueError("a time protects only when it is signed: it belongs into both, or neither")
        return self

    @property
    def parts(self) -> dict[str, tuple[str, str]]:
        """signature or timestamp → the text before and behind it."""
        found = [_FORMAT.fullmatch(part.strip()) for part in self.format.split(",")]
        return {part[2]: (part[1], part[3]) for part in found if part}


class StandardWebhooks(Part):
    """https://www.standardwebhooks.com: headers webhook-id, webhook-timestamp, webhook-signature; secrets whsec_…"""

    kind: Literal["standard"]
    secrets: tuple[Template, ...] = Field(min_length=1, description="any of them signs: the new and the old one")
    tolerance: Span = Field(timedelta(minutes=5), description="a message older or newer than this is refused")

    @field_validator("secrets", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class BearerToken(Part):
    """A fixed token: `Authorization: Bearer …`, a header of its own, or the last part of the URL."""

    kind: Literal["bearer"]
    token: Template
    header: str = Field("Authorization", description="with any other name its value is the bare token")
    in_path: bool = Field(False, description="also as /v1/inbound/CONNECTION/TOKEN, for senders without headers")


class BasicLogin(Part):
    kind: Literal["basic"]
    username: Template
    password: Template


Signature = Annotated[HmacSignature | StandardWebhooks | BearerToken | BasicLogin, Field(discriminator="kind")]


class MessageForm(RecordForm):
    """One kind of message. The first whose `when` holds decides; without `when` it takes what is left."""

    stream: Name
    when: Condition | None = None
    records: Path = Field("", description="where in the message the record, or the list of records, is")
    samples: tuple[dict[str, Any], ...] = Field((), description="whole messages as the system sends them")


class InboundForm(Part):
    """Messages that the system sends to /v1/inbound/CONNECTION."""

    signature: Signature
    content: Literal["json", "form"] = "json"
    id: Path = Field("", description="where in the message its own id is; default: a digest of the message")
    ignore: tuple[Condition, ...] = Field((), description="messages that mean nothing, such as a ping")
    messages: tuple[MessageForm, ...] = Field(min_length=1)

    def record_forms(self) -> dict[str, RecordForm]:
        return {message.stream: message for message in self.messages}

    def check_config(self, inputs: Mapping[str, Input]) -> None:
        """Raises ValueError unless every secret is one that the integrator fills in."""
        told = self.signature.model_dump(include={"secrets", "token", "username", "password"})
        for path, name in names(told, "inbound.signature"):
            root, _, rest = name.partition(".")
            if root != "config" or rest not in inputs:
                raise ValueError(f"{path}: {{{name}}} is not under `config`; there are {', '.join(inputs) or 'none'}")
        for path, text in (("secrets", told.get("secrets", ())), ("token", [told.get("token")])):
            for each in text:
                if each is not None and not any(inputs[n.partition(".")[2]].type == "secret" for _, n in names(each)):
                    raise ValueError(f"inbound.signature.{path}: a secret stands in no manifest; write {{config.NAME}}")


class WebhookManifest(Manifest):
    kind: Literal["webhook"]
    inbound: InboundForm

    def record_forms(self) -> Mapping[str, RecordForm]:
        return self.inbound.record_forms()

    @model_validator(mode="after")
    def _complete(self) -> WebhookManifest:
        self.inbound.check_config(self.config)
        return self
