"""The manifest that `weft connector new NAME --kind webhook` writes: complete, and passing the exam as it is."""

from __future__ import annotations

TEXT = """\
# One file makes a connector. Try it as it is:   weft connector test {name}.yaml
# The system sends its messages to https://HUB/v1/inbound/CONNECTION; docs/no-code.md describes every line.
connector: {name}
kind: webhook
title: {title}
title_zh: {title}（自定义）

config:
  signing_secret: {{type: secret, description: "Key that the system signs its messages with (in the system: Webhooks)"}}

inbound:
  signature:                             # kinds: hmac, standard (Standard Webhooks), bearer, basic
    kind: hmac
    secrets: "{{config.signing_secret}}"
    header: X-Signature
    format: "t={{timestamp}},v1={{signature}}"
    signed: "{{timestamp}}.{{body}}"
    tolerance: 5m
  id: id                                 # the message's own id; leave it out where there is none
  ignore:
    - {{path: type, equals: ping}}
  messages:
    - stream: alert
      when: {{path: type, equals: [alert.raised, alert.cleared]}}
      records: data
      key: alert_id
      fields: {{alert_id: text, state: text, level: text, text: text, machine: text, at: datetime}}
      samples:                           # whole messages as the system sends them
        - {{id: m-1, type: alert.raised, data: {{alert_id: A-7, state: open, level: high, text: Too hot, machine: press-7,
             at: "2026-11-22T08:00:00Z"}}}}
        - {{id: m-2, type: alert.cleared, data: {{alert_id: A-7, state: closed, level: high, text: Too hot, machine: press-7,
             at: "2026-11-22T08:10:00Z"}}}}

mappings:
  alert:
    to: Alert
    tables: {{states: {{open: firing, closed: resolved}}}}
    fields:
      key: alert_id
      episode: alert_id
      status: {{expr: "lookup(state, states)", on_error: dead_letter}}
      severity: {{expr: "severity(level)", on_error: "null"}}
      title: text
      starts_at: at
      device: machine
    tests:
      - in: {{alert_id: A-7, state: open, level: high, text: Too hot, machine: press-7, at: "2026-11-22T08:00:00Z"}}
        out: {{key: A-7, status: firing, severity: major, device: press-7}}
"""


def scaffold(name: str) -> str:
    """A new manifest."""
    return TEXT.format(name=name, title=name.replace("_", " ").capitalize())
