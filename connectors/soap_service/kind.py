"""The kind `soap` of manifests."""

from __future__ import annotations

from connectors.contract import Connector
from connectors.manifest.kinds import Kind
from connectors.soap_service.connector import bases_of
from connectors.soap_service.form import SoapManifest
from connectors.soap_service.scaffold import scaffold


def _world(connector: type[Connector]) -> type[object]:
    from connectors.soap_service.world import world_of

    return world_of(connector)


def _sandbox(connector: type[Connector], port: int) -> None:
    from connectors.soap_service.sandbox import serve

    serve(connector, port)


KIND = Kind(name="soap", form=SoapManifest, bases=bases_of, scaffold=scaffold, world=_world, sandbox=_sandbox)
