"""The manifest that `weft connector new NAME --kind rest` writes: complete, and passing the exam as it is."""

from __future__ import annotations

TEXT = """\
# One file makes a connector. Try it as it is:   weft connector test {name}.yaml
# Then change it to what your system does; docs/no-code.md describes every line.
connector: {name}
kind: rest
title: {title}
title_zh: {title}（自定义）

config:                                  # beside `url`, `timeout_s`, `verify_tls` and `page_size`, which are there already
  api_key: {{type: secret, description: "API key of the account (in the system: Settings, API)"}}

auth: {{kind: header, name: X-Api-Key, value: "{{config.api_key}}"}}   # none, basic, bearer, query, oauth2, login, hmac

check:                                   # a call that changes nothing
  request: {{path: /api/status}}
  version: version
  sample: {{version: "1.0"}}

streams:
  item:
    request:
      path: /api/items
      params: {{updated_since: "{{since}}", order: updated_at, page: "{{page.number}}", per_page: "{{page.size}}"}}
    records: data
    paging: {{kind: page}}                 # none, page, offset, token, link, header
    key: id
    fields: {{id: text, name: text, quantity: number, updated_at: datetime}}
    cursor: updated_at                   # leave out `cursor` (and {{since}}) to read everything each time
    lookback: 5m
    samples:                             # records as the system sends them
      - {{id: A-1, name: First, quantity: 12.50, updated_at: "2026-11-01T08:00:00Z"}}
      - {{id: A-2, name: Second, quantity: 3, updated_at: "2026-11-02T08:00:00Z"}}

mappings:
  item:
    to: Article
    fields: {{id: id, name: "first(name, id)", changed_at: updated_at}}
    tests:
      - in: {{id: A-1, name: First, quantity: 12.50, updated_at: "2026-11-01T08:00:00Z"}}
        out: {{id: A-1, name: First}}
"""


def scaffold(name: str) -> str:
    """A new manifest."""
    return TEXT.format(name=name, title=name.replace("_", " ").capitalize())
