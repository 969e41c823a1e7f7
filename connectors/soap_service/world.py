"""The exam's World of any manifest of kind `soap`."""

from __future__ import annotations

from typing import Any

from connectors.contract import Connector
from connectors.manifest.world import AskedWorld, WithRights, one_answer
from connectors.soap_service.form import SoapManifest
from connectors.soap_service.sandbox import Sandbox


def world_of(connector: type[Connector]) -> type[Any]:
    """The World of one connector, with what its capabilities call for."""
    told: Any = connector
    manifest: SoapManifest = told.manifest
    base = WithRights if manifest.check.needed else AskedWorld
    more = {"connector_type": connector, "one_answer": one_answer(manifest.streams), "sandbox_type": Sandbox}
    return type(f"{connector.__name__}World", (base,), more)
