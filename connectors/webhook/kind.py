"""The kind `webhook` of manifests."""

from __future__ import annotations

from connectors.contract import Connector
from connectors.manifest.kinds import Kind
from connectors.webhook.connector import bases_of
from connectors.webhook.form import WebhookManifest
from connectors.webhook.scaffold import scaffold


def _world(connector: type[Connector]) -> type[object]:
    from connectors.webhook.world import world_of

    return world_of(connector)


def _sandbox(connector: type[Connector], port: int) -> None:
    from connectors.webhook.sandbox import serve

    serve(connector, port)


KIND = Kind(name="webhook", form=WebhookManifest, bases=bases_of, scaffold=scaffold, world=_world, sandbox=_sandbox)
