"""A system that only sends messages, by manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.contract import Health, Policy, Settings
from connectors.errors import AuthProblem
from connectors.webhook.form import InboundForm, WebhookManifest
from connectors.webhook.receiving import Receiving
from connectors.webhook.signatures import secrets_of


class WebhookConnector(Receiving):
    """Base of every manifest of kind `webhook`. Safe to use from several threads at once."""

    name: ClassVar[str]
    title: ClassVar[str]
    title_zh: ClassVar[str]
    Config: ClassVar[type[Settings]]
    policy: ClassVar[Policy]
    manifest: ClassVar[WebhookManifest]

    def __init__(self, config: Settings) -> None:
        self.values: Mapping[str, Any] = {"config": {name: getattr(config, name) for name in type(config).model_fields}}

    @property
    def namespace(self) -> str:
        return f"{self.name.replace('_', '-')}://webhook"

    @property
    def inbound(self) -> InboundForm:
        return self.manifest.inbound

    def check(self) -> Health:
        """Nobody can be asked: the other side calls us. Whether a secret is set can be said."""
        told = self.inbound.signature.model_dump(include={"secrets", "token", "password"})
        try:
            for templates in told.values():
                secrets_of([templates] if isinstance(templates, str) else templates, self.values)
        except AuthProblem as problem:
            return Health(ok=False, message=str(problem))
        return Health(ok=True, message="waits for messages; send one to see whether its signature is accepted")

    def close(self) -> None:
        """Nothing is held open."""


def bases_of(manifest: WebhookManifest) -> tuple[type, ...]:
    """The classes that a connector of this manifest is made of."""
    return (WebhookConnector,)
