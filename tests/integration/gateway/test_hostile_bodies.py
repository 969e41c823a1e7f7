"""Whatever body is sent to whichever address that takes one: a problem document, and nothing lost."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.alerts import BEARER, CONNECTION, TOKEN
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import PROBLEM, Api, open_api

JSON = "application/json"
BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "two mebibytes": (b'{"title": "' + b"x" * (2 << 20) + b'"}', {}),
    "deeply nested": (b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}),
    "utf-16": ('{"title": "x"}'.encode("utf-16"), {}),
    "utf-16 without a mark": ('{"title": "x"}'.encode("utf-16-le"), {}),
    "invalid utf-8": (b'{"title": "\xff\xfe"}', {}),
    "a gzip bomb": (gzip.compress(b" " * (100 << 20)), {"content-encoding": "gzip"}),
}


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build({"connections": [CONNECTION]}, start=False)) as opened:
        yield opened


def addresses(api: Api) -> list[tuple[str, str, bool]]:
    """Method, address with the names of things that are there, and does it take any bytes: all that take a body."""
    ticket = api.ask("POST", "/v1/tickets", json={"title": "a ticket"}).json()["id"]
    draft = api.ask("POST", "/v1/studio/drafts", json={"kind": "rules", "name": "d", "text": "[]"})
    there = {"ticket": ticket, "connection": "am", "action": "comment", "path_token": TOKEN, "global_id": ticket,
             "draft": str(draft.json().get("id", 1)), "user": "admin"}  # fmt: skip
    found = []
    for path, methods in api.client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                named = re.sub(r"\{(\w+)\}", lambda name: there.get(name[1], "1"), path)
                found.append((method.upper(), named, JSON not in operation["requestBody"]["content"]))
    return found


@pytest.mark.parametrize("name", BODIES)
def test_no_body_breaks_any_address_that_takes_one(api: Api, name: str) -> None:
    body, headers = BODIES[name]
    tried = addresses(api)
    assert len(tried) > 50
    for method, address, any_bytes in tried:
        given = {"content-type": "application/octet-stream" if any_bytes else JSON, **headers}
        if address.startswith("/v1/inbound/"):
            given |= BEARER
        answer = api.ask(method, address, content=body, headers=given, params={"name": "x"} if any_bytes else {})
        refused = 400 <= answer.status_code < 500 and answer.headers["content-type"] == PROBLEM
        attached = any_bytes and answer.status_code == 201
        assert refused or attached, f"{method} {address}: {answer.status_code} {answer.text[:200]}"
    assert api.ask("GET", "/v1/audit").json()["clean"]
    assert len(api.house.tickets()) == 1


def test_a_body_in_another_encoding_is_refused_by_name(api: Api) -> None:
    answer: Any = api.ask(
        "POST", "/v1/tickets", content='{"title": "x"}'.encode("utf-16"), headers={"content-type": JSON}
    )
    assert answer.status_code == 422
    assert "UTF-8" in answer.text
