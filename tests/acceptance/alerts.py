"""Alertmanager's webhook messages, as the tests send them."""

from __future__ import annotations

from typing import Any

TOKEN = "the-senders-secret"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CONNECTION = {"id": "am", "connector": "prometheus", "config": {"webhook_token": TOKEN}}


def alert(
    number: int = 1, *, status: str = "firing", start: str = "2026-11-22T04:00:00Z", end: str = "2026-11-22T04:10:00Z",
    name: str = "CpuHigh", severity: str = "critical",
) -> dict[str, Any]:  # fmt: skip
    """One alert of the series `number`."""
    return {
        "status": status,
        "labels": {"alertname": name, "instance": f"web-{number}:9100", "severity": severity, "job": "node"},
        "annotations": {"summary": f"{name} on web-{number}"},
        "startsAt": start,
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else end,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{number:016x}",
    }


def message(*alerts: dict[str, Any]) -> dict[str, Any]:
    """A webhook message of version 4."""
    firing = any(a["status"] == "firing" for a in alerts)
    return {
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing" if firing else "resolved",
        "receiver": "weft", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager", "alerts": list(alerts),
    }  # fmt: skip
