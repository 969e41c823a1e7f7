"""How deliveries lie in the inbox: bodies compressed when it pays, headers by allow-list, and back again for a replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import zstandard

from connectors.contract import Delivery
from gateway.clock import to_datetime

KEPT_HEADERS = ("content-type", "content-encoding", "user-agent", "x-request-id", "webhook-id")
"""Everything else may hold a credential and is not stored. Connectors add their own `weft-...` headers."""

_PACK_FROM = 512


def pack(body: bytes) -> tuple[bytes, bool]:
    """(what is stored, is it compressed)."""
    if len(body) < _PACK_FROM:
        return body, False
    return zstandard.compress(body, 1), True


def unpack(body: bytes, packed: bool, limit: int = 64 << 20) -> bytes:
    return zstandard.ZstdDecompressor().decompress(bytes(body), max_output_size=limit) if packed else bytes(body)


def shown_headers(headers: Mapping[str, str]) -> str:
    """The allow-listed headers as JSON."""
    kept = {k: v for k, v in headers.items() if k in KEPT_HEADERS or k.startswith("weft-")}
    return orjson.dumps(kept).decode() if kept else "{}"


def restore(row: Any) -> Delivery:
    """The delivery of a stored row, marked as verified: its signature was checked when it came."""
    return Delivery(
        body=unpack(row.body, row.packed),
        headers=orjson.loads(row.headers),
        topic=row.topic,
        received_at=to_datetime(row.received_at),
        verified=True,
    )
