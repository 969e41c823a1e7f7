"""Recorded messages, for machines on which no real source can be started: played through the same front door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import httpx
import orjson


def messages(now: datetime) -> list[dict[str, Any]]:
    """Alertmanager's messages as they were recorded, moved to the present."""
    recorded = orjson.loads(files("gateway.demo").joinpath("recorded.json").read_bytes())
    first = datetime.fromisoformat(recorded["recorded_at"])
    return [_moved(message, now - first) for message in recorded["messages"]]


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, dict):
        return {k: _time(v, by) if k in ("startsAt", "endsAt") else _moved(v, by) for k, v in value.items()}
    return [_moved(v, by) for v in value] if isinstance(value, list) else value


def _time(text: str, by: timedelta) -> str:
    if text.startswith("0001"):
        return text
    return (datetime.fromisoformat(text) + by).isoformat().replace("+00:00", "Z")


def play(url: str, connection: str, token: str) -> None:
    """Send them all. Raises httpx.HTTPStatusError when the hub refuses one."""
    for message in messages(datetime.now(UTC)):
        answer = httpx.post(
            f"{url}/v1/inbound/{connection}", json=message, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        answer.raise_for_status()
