"""Taps of a test's own making: scripts that say what the test wants, run as real processes."""

from __future__ import annotations

import copy
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.contract import Batch, Cursor
from connectors.singer import SingerConfig, SingerConnector

SECRET = "s3cret-of-the-tap-00"
SCHEMA = {
    "properties": {
        "id": {"type": ["integer"]},
        "qty": {"type": ["number", "null"]},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "_sdc_deleted_at": {"type": ["string", "null"], "format": "date-time"},
    }
}
CATALOG = {"streams": [{"tap_stream_id": "orders", "stream": "orders", "schema": SCHEMA, "metadata": []}]}
_HEAD = """
import json, os, sys, time
def option(name):
    return json.load(open(sys.argv[sys.argv.index(name) + 1])) if name in sys.argv else None
def say(message):
    print(message if isinstance(message, str) else json.dumps(message), flush=True)
def schema(stream="orders", key=("id",), properties=None):
    say({"type": "SCHEMA", "stream": stream, "key_properties": list(key), "schema": {"properties": properties or PROPERTIES}})
def record(stream="orders", version=None, **record):
    more = {} if version is None else {"version": version}
    say({"type": "RECORD", "stream": stream, "record": record, **more})
def state(**value):
    say({"type": "STATE", "value": value})
"""


class TapMaker:
    """`says(script)`: the tap does this at every run. Settings may be changed in `config` and `stream`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "tap.py"
        self.config: dict[str, Any] = {
            "command": [sys.executable, "-I", "-S", str(self.script)],
            "settings": {"host": "db.example"},
            "secrets": {"password": SECRET},
            "catalog": copy.deepcopy(CATALOG),
            "silence_s": 20,
            "batch_rows": 100,
        }
        self.stream: dict[str, Any] = {"key": "id"}

    def says(self, script: str) -> None:
        properties = f"PROPERTIES = json.loads({json.dumps(json.dumps(SCHEMA['properties']))})"
        self.script.write_text(f"{_HEAD}\n{properties}\n{textwrap.dedent(script)}\n")

    def connector(self) -> SingerConnector:
        config = {**self.config, "streams": {"orders": self.stream}}
        return SingerConnector(SingerConfig.model_validate(config))

    def batches(self, cursor: Cursor = None) -> Iterator[Batch]:
        connector = self.connector()
        yield from connector.read(connector.streams()[0], cursor)

    def rows(self, cursor: Cursor = None) -> list[dict[str, Any]]:
        return [dict(record) for batch in self.batches(cursor) for record in batch.records]

    def bad(self, cursor: Cursor = None) -> list[str]:
        return [str(bad) for batch in self.batches(cursor) for bad in batch.bad]


def stored(cursor: Cursor) -> Cursor:
    """As it comes back out of the hub's database."""
    loaded: Cursor = orjson.loads(orjson.dumps(cursor))
    return loaded


@pytest.fixture
def tap(tmp_path: Path) -> TapMaker:
    return TapMaker(tmp_path)
