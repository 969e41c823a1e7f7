"""The API keeps to its own description, whatever is sent: schemathesis makes requests from /openapi.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import schemathesis.specs.openapi.schemas  # now, not while the hub's thread reads expressions (CPython gh-106905)
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
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
from tests.acceptance.alerts import CONNECTION
from tests.acceptance.running_hub import eventually
from tests.acceptance.test_races import served

PROBLEM = "application/problem+json"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def gateway(tmp_path: Path, migrated_url: str) -> Gateway:
    made = Gateway(Settings(home=tmp_path, database_url=migrated_url))
    made.apply(documents.validate({"connections": [CONNECTION]}))
    return made


def fuzz(gateway: Gateway, examples: int) -> None:
    with gateway.transaction() as conn:
        _, token = tokens.create(conn, name="fuzz", role=Role.admin, now=clock.now())
    headers = {"Authorization": f"Bearer {token}"}
    tried = 0
    with served(create_app(gateway=gateway)) as url:
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        for result in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            if (operation.method, operation.path) == ("delete", "/v1/connections/{connection}"):
                continue  # the others need the connection
            if operation.path == "/v1/live":
                continue  # its answer goes on

            @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck),
                      phases=[Phase.explicit, Phase.generate], database=None)  # fmt: skip
            @given(case=operation.as_strategy())
            def one(case: schemathesis.Case[Any]) -> None:
                answer = case.call(headers=headers)
                case.validate_response(answer, checks=CHECKS)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == [PROBLEM], (case, answer.text)

            one()
            tried += 1
    assert tried > 25


def test_no_request_breaks_the_api_and_every_refusal_is_a_problem_document(gateway: Gateway) -> None:
    fuzz(gateway, 25)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_no_request_breaks_the_api_however_many_are_sent(gateway: Gateway) -> None:
    fuzz(gateway, 400)
