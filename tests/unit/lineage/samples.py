"""Mappings and records that the tests of lineage share."""

from __future__ import annotations

from typing import Any

from mappings import load_mapping

ALERT = load_mapping("""
mapping: alertmanager
from: {connector: prometheus, stream: alert}
to: Alert
where: status != 'ignored'
tables: {severity: {critical: critical, page: critical, warning: warning}}
fields:
  key: fingerprint
  episode: startsAt
  status: status
  severity: lookup(labels.severity, severity)
  title: annotations.summary
  description: concat('Call ', mask(annotations.phone))
  device: first(labels.device, labels.instance)
  customer: annotations.phone
  value: {expr: num(annotations.value), on_error: null}
  labels: labels
  starts_at: datetime(startsAt)
tests:
  - in: {status: ignored}
    skipped: true
""")

INCIDENT = load_mapping("""
mapping: incident
from: {connector: hub, stream: alert}
to: Ticket
where: severity is not None
fields:
  kind: "'incident'"
  priority: "'P1' if severity == 'critical' else 'P2'"
  title: concat(title, ' on ', ids.device)
  description: description
  device: ids.device
  customer: mask(customer, 2)
  site: labels.site
  fingerprint: key
  occurred_at: first(starts_at, hub.now)
  group: "'night' if value > hub.threshold else 'day'"
tests:
  - in: {severity: critical, title: Hot, ids: {device: DEV-1}}
    out: {priority: P1, title: Hot on DEV-1}
""")

USAGE = load_mapping("""
mapping: cpu_mean
from: {connector: prometheus, stream: cpu_mean_1h}
to: Reading
fields:
  device: metric.instance
  metric: "'cpu'"
  value: num(value) * 100
  at: {expr: datetime(at), on_error: dead_letter}
tests:
  - in: {metric: {instance: a}, value: "0.5", at: "2026-11-22T10:00:00Z"}
    out: {value: 50}
""")


def alert(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An alert as Alertmanager sends it; another number is another device's."""
    return {
        "status": "firing",
        "labels": {
            "alertname": "HighTemperature",
            "instance": f"press-{number % 40}:9100",
            "severity": "critical" if number % 3 else "warning",
            "site": f"hall-{number % 7}",
        },
        "annotations": {
            "summary": f"Press {number} is {60 + number % 50} degrees",
            "value": f"{60 + number % 50}.5",
            "phone": f"1380000{number:04}",
        },
        "startsAt": f"2026-11-22T10:{number % 60:02}:00Z",
        "fingerprint": f"{number:016x}",
    } | changes
