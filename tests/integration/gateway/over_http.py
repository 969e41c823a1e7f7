"""The API of a house over ASGI, without a socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from gateway import clock, tokens
from gateway.api.app import create_app
from gateway.tokens import Role
from tests.integration.gateway.in_process import House

PROBLEM = "application/problem+json"
__all__ = ["PROBLEM", "Api", "open_api"]


@dataclass
class Api:
    """A client of a house's API as whoever holds `token`."""

    client: TestClient
    house: House
    tokens: dict[str, str] = field(default_factory=dict)

    def as_(self, role: str) -> dict[str, str]:
        """The header of a token of this role."""
        if role not in self.tokens:
            with self.house.gateway.transaction() as conn:
                _, self.tokens[role] = tokens.create(conn, name=role, role=Role(role), now=clock.now())
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def ask(
        self, method: str, path: str, role: str = "admin", headers: Mapping[str, str] | None = None, **more: Any
    ) -> Any:
        """The answer; whatever it is, a refusal is a problem document and never our fault."""
        answer = self.client.request(method, path, headers={**self.as_(role), **(headers or {})}, **more)
        assert answer.status_code < 500, f"{method} {path}: {answer.status_code} {answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == PROBLEM, f"{method} {path}: {answer.text}"
            assert answer.json()["status"] == answer.status_code
        return answer


@contextmanager
def open_api(house: House) -> Iterator[Api]:
    """The house must not be started: the application does that."""
    app = create_app(gateway=house.gateway, worker=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Api(client, house)
