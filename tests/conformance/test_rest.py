"""Manifests of kind `rest` take the exam: those that come with Weft, the scaffold, and one for each way to prove who one
is and to turn pages."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.conformance.exam import suite_of
from connectors.manifest import connector_of, kinds, read, shipped, yaml_text
from connectors.rest.connector import RestConnector

_SHIPPED = {path.stem: read(path) for path in shipped()}
TestScmScorecards = suite_of(_SHIPPED["scm_scorecards"])
TestHrisShifts = suite_of(_SHIPPED["hris_shifts"])
TestKnowledgeBase = suite_of(_SHIPPED["knowledge_base"])
TestScaffold = suite_of(connector_of(kinds()["rest"].scaffold("shop")))

_SECRET = {"type": "secret", "description": "the account's key"}
_STAMP = "2026-11-01T08:00:00Z"


def _manifest(name: str, auth: dict[str, Any], paging: dict[str, Any], params: dict[str, str], **more: Any) -> str:
    stream = {
        "request": {"path": "/api/items", "params": {"from": "{since}", **params}},
        "records": "rows",
        "paging": paging,
        "key": "id",
        "cursor": "changed",
        "fields": {"id": "text", "amount": "number", "changed": "datetime"},
        "samples": [{"id": "A", "amount": 1, "changed": _STAMP}],
        **more,
    }
    return yaml_text.dump(
        {
            "connector": name,
            "kind": "rest",
            "title": "A system",
            "title_zh": "某系统",
            "config": {"user": {"description": "the account's name"}, "key": _SECRET},
            "auth": auth,
            "check": {"request": {"path": "/api/about"}, "version": "version", "sample": {"version": "1"}},
            "streams": {"item": stream},
        }
    )


_PAGE = {"page": "{page.number}", "size": "{page.size}"}
TestBasicAuthenticationAndPages = suite_of(
    connector_of(
        _manifest("basic", {"kind": "basic", "username": "{config.user}", "password": "{config.key}"},
                  {"kind": "page", "start": 0, "more": "more"}, _PAGE, lookback="10m")
    )
)  # fmt: skip
TestBearerTokenAndOffsets = suite_of(
    connector_of(
        _manifest("bearer", {"kind": "bearer", "token": "{config.key}"}, {"kind": "offset", "total": "total"},
                  {"skip": "{page.offset}", "take": "{page.size}"}, since_format="unix_ms")
    )
)  # fmt: skip
TestKeyInTheAddressAndTokens = suite_of(
    connector_of(
        _manifest("query_key", {"kind": "query", "name": "api_key", "value": "{config.key}"},
                  {"kind": "token", "next": "next"}, {"after": "{page.token}"}, lookback="1h")
    )
)  # fmt: skip
TestSignedRequestsAndLinks = suite_of(
    connector_of(
        _manifest("signed", {"kind": "hmac", "secret": "{config.key}", "headers": {"X-Key-Id": "{config.user}"}},
                  {"kind": "link", "next": "links.next"}, {}, deleted={"path": "gone", "equals": True})
    )
)  # fmt: skip
TestOAuthInTheBodyAndLinkHeader = suite_of(
    connector_of(
        _manifest("oauth", {"kind": "oauth2", "token_path": "/token", "client_id": "{config.user}",
                            "client_secret": "{config.key}", "send": "body"},
                  {"kind": "header"}, {}, since_is="exclusive", since_format="%Y-%m-%d %H:%M:%S", since_zone="Asia/Shanghai")
    )
)  # fmt: skip
TestNumbersAsCursor = suite_of(
    connector_of(
        _manifest("numbered", {"kind": "none"}, {"kind": "page"}, _PAGE, cursor="version", since_is="exclusive",
                  fields={"id": "int", "amount": "number", "version": "int"},
                  samples=[{"id": 7, "amount": 2.50, "version": 41}])
    )
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(_SHIPPED))
def test_a_manifest_needs_no_python(name: str) -> None:
    connector: Any = _SHIPPED[name]
    assert connector.manifest_file.suffix == ".yaml"
    assert not list(connector.manifest_file.parent.glob(f"{name}*.py"))


def test_shipped_manifests_of_this_kind_are_all_examined() -> None:
    rest = {name for name, kind in _SHIPPED.items() if issubclass(kind, RestConnector)}
    assert {globals()[name].world_type.connector_type.name for name in globals() if name.startswith("Test")} >= rest
