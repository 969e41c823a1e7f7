"""The kind `rest` of manifests."""

from __future__ import annotations

from connectors.contract import Connector
from connectors.manifest.kinds import Kind
from connectors.rest.connector import bases_of
from connectors.rest.form import RestManifest
from connectors.rest.scaffold import scaffold


def _world(connector: type[Connector]) -> type[object]:
    from connectors.rest.world import world_of

    return world_of(connector)


def _sandbox(connector: type[Connector], port: int) -> None:
    from connectors.rest.sandbox import serve

    serve(connector, port)


KIND = Kind(name="rest", form=RestManifest, bases=bases_of, scaffold=scaffold, world=_world, sandbox=_sandbox)
