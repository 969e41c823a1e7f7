"""The exam's World of any manifest of kind `rest`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.contract import Command, Connector, Delivery, capabilities
from connectors.manifest.world import AskedWorld, WithRights, one_answer
from connectors.rest.form import RestManifest
from connectors.rest.sandbox import Sandbox
from connectors.webhook.form import InboundForm
from connectors.webhook.world import Messages


class _Inbound(AskedWorld, Messages):
    """The messages of a rest system that also sends some."""

    def inbound(self) -> InboundForm:
        form: InboundForm = self.manifest.inbound
        return form

    def echoes(self, command: Command) -> Sequence[Delivery]:
        form = self.manifest.operations[command.op]
        return self.echoes_of(form.echoes, self.connector().values_of(form, command))


def world_of(connector: type[Connector]) -> type[Any]:
    """The World of one connector, with what its capabilities call for."""
    told: Any = connector
    manifest: RestManifest = told.manifest
    bases: tuple[type, ...] = (_Inbound if "receives" in capabilities(connector) else AskedWorld,)
    if manifest.check.needed:
        bases = (WithRights, *bases)
    more = {"connector_type": connector, "one_answer": one_answer(manifest.streams), "sandbox_type": Sandbox}
    return type(f"{connector.__name__}World", bases, more)
