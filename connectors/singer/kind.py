"""Manifests of kind `singer`: a tap described once, for every connection to such a system."""

from __future__ import annotations

import re
import textwrap
import threading
from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, cast

from pydantic import model_validator

from connectors.contract import Connector
from connectors.manifest import Input, Kind, Manifest
from connectors.manifest.inputs import sample_of
from connectors.manifest.templates import fill, names
from connectors.singer.connector import TapConnector
from connectors.singer.form import TapSection
from connectors.singer.world import TapWorld

_INPUTS: Mapping[str, Input] = {
    "timeout_s": Input(
        type="int", default=120, min=Decimal(1), max=Decimal(3600), description="Longest time to discover or to check"
    ),
    "batch_rows": Input(
        type="int", default=2000, min=Decimal(1), max=Decimal(2000), description="Records that are handed on at once"
    ),
}


class SingerManifest(Manifest, TapSection):
    """The file's model. `settings` may hold placeholders: `{config.NAME}` is what the connection gives."""

    kind: Literal["singer"]

    @model_validator(mode="after")
    def _known_placeholders(self) -> SingerManifest:
        known = {f"config.{name}" for name in self.inputs()}
        for path, name in names(self.settings, "settings"):
            if name not in known:
                raise ValueError(f"{path}: there is no {{{name}}}; there are {', '.join(sorted(known))}")
        return self

    def standard_inputs(self) -> Mapping[str, Input]:
        return _INPUTS

    def mapped_streams(self) -> frozenset[str]:
        return frozenset(self.streams)


class ManifestTap(TapConnector):
    """A tap described by a manifest; the connection fills in its settings."""

    manifest: ClassVar[SingerManifest]

    def section(self) -> TapSection:
        return self.manifest

    def tap_config(self) -> Mapping[str, Any]:
        given = {name: getattr(self._config, name) for name in type(self._config).model_fields}
        filled: Mapping[str, Any] = fill(self.manifest.settings, {"config": given})
        return filled


def bases(_: SingerManifest) -> tuple[type, ...]:
    return (ManifestTap,)


def world(connector: type[Connector]) -> type[Any]:
    """The manifest's streams, out of the sandbox's tap."""
    manifest: SingerManifest = cast(Any, connector).manifest

    class ManifestTapWorld(TapWorld):
        connector_type = connector

        def __init__(self, faults: Any = None, port: int = 0) -> None:
            super().__init__(faults, port)
            secret = next((name for name, each in manifest.inputs().items() if each.type == "secret"), "")
            if secret:  # so that a leak of it would be found
                self.sandbox.token = self.config()[secret]

        def section(self) -> TapSection:
            return manifest

        def config(self) -> dict[str, Any]:
            given = {name: sample_of(name, each) for name, each in manifest.inputs().items()}
            return {**given, "batch_rows": 7, "timeout_s": 20}

        def tap_settings(self) -> dict[str, Any]:
            return {**super().tap_settings(), "token": self.sandbox.token}

    return ManifestTapWorld


def serve(connector: type[Connector], port: int) -> None:
    """A system with the manifest's samples, until interrupted."""
    made = world(connector)(SimpleNamespace(calls=0, take=lambda **_: None), port)
    try:
        for name in cast(Any, connector).manifest.streams:
            made.seed(name, 20)
        print(f"system: {made.sandbox.url}  token: {made.sandbox.token}", flush=True)  # noqa: T201 - it tells where it is
        threading.Event().wait()
    except KeyboardInterrupt:
        return
    finally:
        made.close()


def scaffold(name: str) -> str:
    """A manifest that passes the exam as it is."""
    title = re.sub(r"[_-]+", " ", name).capitalize()
    return textwrap.dedent(f"""\
        connector: {name}
        kind: singer
        title: {title}
        title_zh: {title} 数据源
        command: [/opt/taps/bin/tap-{name.replace("_", "-")}]    # pip install it into a venv of its own
        config:
          url: {{type: url, description: Address of the system}}
          api_token: {{type: secret, description: The token of the account that reads}}
        settings:                             # the tap's own config file
          url: "{{config.url}}"
          token: "{{config.api_token}}"
        streams:
          orders:
            key: id
            replication: incremental          # or full_table
            fields: {{quantity: number, updated_at: datetime}}
            samples:
              - {{id: PO-0001, item: BRG-6205, quantity: 12, updated_at: "2026-11-22T08:00:00Z"}}
        mappings:
          orders:
            to: Order
            fields:
              id: id
              kind: "'purchase'"
              item: item
              quantity: quantity
              changed_at: updated_at
            tests:
              - in: {{id: PO-0001, item: BRG-6205, quantity: 12, updated_at: "2026-11-22T08:00:00Z"}}
                out: {{id: PO-0001, quantity: 12}}
        """)


KIND = Kind("singer", SingerManifest, cast(Any, bases), scaffold, world, serve)
