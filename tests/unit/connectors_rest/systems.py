"""A connector of a small manifest, over a function that answers its requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from connectors.contract import Batch
from connectors.manifest import connector_of, yaml_text
from connectors.rest.connector import RestConnector
from connectors.settings import parse_config

BASE: dict[str, Any] = {
    "connector": "tested",
    "kind": "rest",
    "title": "A system",
    "title_zh": "某系统",
    "config": {
        "key": {"type": "secret", "description": "the key"},
        "plant": {"description": "the plant", "default": "01"},
    },
    "check": {"request": {"path": "/about"}},
}
STREAM: dict[str, Any] = {
    "request": {"path": "/items"},
    "records": "rows",
    "key": "id",
    "fields": {"id": "text", "qty": "number", "changed": "datetime"},
}
SECRET = "the-key-of-the-test"
Handle = Callable[[httpx.Request], httpx.Response]


def kind_of(**sections: Any) -> Any:
    """The connector class of a manifest with these sections."""
    return connector_of(yaml_text.dump(BASE | sections))


def connector(handle: Handle, url: str = "http://system.test/base", **sections: Any) -> Any:
    kind = kind_of(**sections)
    config = parse_config(kind, {"url": url, "key": SECRET, "timeout_s": 2})
    return kind(config, transport=httpx.MockTransport(handle))


def always(status: int = 200, **answer: Any) -> Handle:
    """Gives the same answer to everyone; keywords as `httpx.Response` takes them."""
    return lambda _: httpx.Response(status, **answer)


def read(made: RestConnector, cursor: Any = None, stream: str = "item") -> list[Batch]:
    told: Any = made
    (found,) = [each for each in told.streams() if each.name == stream]
    return list(told.read(found, cursor))


def ids(batches: list[Batch]) -> list[Any]:
    return [record["id"] for batch in batches for record in batch.records]
