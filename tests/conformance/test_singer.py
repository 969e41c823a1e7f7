"""A Singer tap passes the whole exam, as a connection's settings and as a manifest: real processes, real pipes."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.conformance import Conformance
from connectors.contract import Connector
from connectors.manifest import connector_of
from connectors.singer import SingerConfig, SingerConnector
from connectors.singer.form import TapSection
from connectors.singer.kind import KIND
from connectors.singer.world import TapWorld


class SingerWorld(TapWorld):
    """Changes with deletions of two kinds, and a whole table."""

    connector_type: ClassVar[type[Connector]] = SingerConnector

    def config(self) -> dict[str, Any]:
        machine = {"id": "text", "weight": "number", "count": "int", "since": "datetime"}
        return {
            "command": ["/opt/taps/bin/tap-example"],
            "settings": self.tap_settings(),
            "secrets": {"token": self.sandbox.token},
            "streams": {
                "orders": {"key": "id", "fields": {**machine, "removed": "bool"}, "deleted_field": "_sdc_deleted_at"},
                "notes": {
                    "tap_stream": "public-notes",
                    "key": ["id", "line"],
                    "fields": {"line": "int", "text": "text"},
                },
                "machines": {"key": "id", "replication": "full_table", "fields": machine},
            },
            "catalog": self.sandbox.catalog() if self.sandbox.tables else None,
            "batch_rows": 7,
            "timeout_s": 20,
        }

    def section(self) -> TapSection:
        return SingerConfig.model_validate(self.config())


class TestSinger(Conformance):
    world_type = SingerWorld


class TestManifest(Conformance):
    """What `weft connector new` makes."""

    world_type = KIND.world(connector_of(KIND.scaffold("purchasing")))
