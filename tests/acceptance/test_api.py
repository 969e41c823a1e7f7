"""The API keeps to its own description, whatever is sent: schemathesis makes requests from /openapi.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import schemathesis.specs.openapi.schemas  # now, not while the hub's thread reads expressions (CPython gh-106905)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway import clock, tokens
from gateway.api.app import create_app
from gateway.config import documents
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.tokens import Role
from tests.acceptance.alerts import BEARER, CONNECTION
from tests.acceptance.running_hub import eventually
from tests.acceptance.test_races import served

PROBLEM = "application/problem+json"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
INBOUND = "/v1/inbound/"


NO_HTTP = "Invalid HTTP request received."
"""What the HTTP server itself says to an address longer than it reads."""
ENDLESS = "/v1/live"
"""Its answer goes on."""
DELETING = ("delete", "/v1/connections/{connection}")
"""The last of all: the others need the connection."""


@pytest.fixture
def gateway(tmp_path: Path, migrated_url: str) -> Gateway:
    made = Gateway(Settings(home=tmp_path, database_url=migrated_url))
    made.apply(documents.validate({"connections": [CONNECTION]}))
    return made


def try_out(strategy: SearchStrategy[Any], checks: list[Any], examples: int, headers: dict[str, str]) -> None:
    """Send cases of an operation: none is our fault, and every refusal is a problem document."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck),
              phases=[Phase.explicit, Phase.generate], database=None)  # fmt: skip
    @given(case=strategy)
    def one(case: schemathesis.Case[Any]) -> None:
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=checks)
        if answer.status_code >= 400 and answer.text != NO_HTTP:
            assert answer.headers["content-type"] == [PROBLEM], (case, answer.text)

    one()


def wrong(operation: Any, examples: int, headers: dict[str, str], **known: Any) -> bool:
    """The same with what its description does not allow; False where everything is allowed that can be sent."""
    try:
        try_out(operation.as_strategy(GenerationMode.NEGATIVE, **known), [not_a_server_error], examples, headers)
    except Unsatisfiable:
        return False
    return True


def fuzz(gateway: Gateway, examples: int) -> None:
    with gateway.transaction() as conn:
        _, token = tokens.create(conn, name="fuzz", role=Role.admin, now=clock.now())
    headers = {"Authorization": f"Bearer {token}"}
    with served(create_app(gateway=gateway)) as url:
        eventually(lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 200)
        found = [each.ok() for each in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations()
                 if isinstance(each, Ok)]  # fmt: skip
        operations = [each for each in found if each.path != ENDLESS]
        assert len(operations) > 100
        last = [each for each in operations if (each.method, each.path) == DELETING]
        assert len(last) == 1
        refused = 0
        for operation in [each for each in operations if each not in last] + last:
            known: dict[str, Any] = (
                {"path_parameters": {"connection": CONNECTION["id"]}} if "{connection}" in operation.path else {}
            )
            try_out(operation.as_strategy(), CHECKS, examples, headers)
            refused += wrong(operation, examples, headers)
            if known:  # a connection that is there; what it is sent with its secret is stored
                own = dict(BEARER) if operation.path.startswith(INBOUND) else headers
                try_out(operation.as_strategy(**known), CHECKS, examples, own)
                wrong(operation, examples, own, **known)
        assert refused > 60, "most operations have something that they do not allow"
        assert httpx.get(f"{url}/v1/connections/am", headers=headers).status_code == 404, "it was deleted in the end"
        report = httpx.get(f"{url}/v1/audit", headers=headers, timeout=60).json()
    assert report["clean"], report
    assert report["received"] > 0


def test_no_request_breaks_the_api_and_every_refusal_is_a_problem_document(gateway: Gateway) -> None:
    fuzz(gateway, 10)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_no_request_breaks_the_api_however_many_are_sent(gateway: Gateway) -> None:
    fuzz(gateway, 200)
