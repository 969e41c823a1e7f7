"""A stand-in K3 Cloud whose clock stands, and connectors on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import httpx
import pytest

from connectors.contract import Batch, Command, Record, Stream
from connectors.kingdee import KingdeeConnector
from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, PASSWORD, USER, Sandbox
from connectors.settings import parse_config

Connect: TypeAlias = Callable[..., KingdeeConnector]
Handler: TypeAlias = Callable[[httpx.Request], httpx.Response]
CHINA = ZoneInfo("Asia/Shanghai")
LOGINS: dict[str, dict[str, Any]] = {
    "headers": {"app_id": APP_ID, "app_secret": APP_SECRET},
    "app_secret": {"app_id": APP_ID, "app_secret": APP_SECRET},
    "signed": {"app_id": APP_ID, "app_secret": APP_SECRET},
    "signed_sha1": {"app_id": APP_ID, "app_secret": APP_SECRET},
    "password": {"password": PASSWORD},
}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def local(self) -> datetime:
        """As the server's own database has it."""
        return self.now.astimezone(CHINA).replace(tzinfo=None)

    def pass_by(self, **much: float) -> None:
        self.now += timedelta(**much)


class Line:
    """The way to the sandbox: keeps every request, and lets a test step in before one is answered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.requests: list[httpx.Request] = []
        self.before: Callable[[str, dict[str, Any]], httpx.Response | None] = lambda service, body: None
        self.lose: str = ""
        """The service whose next answer is lost on its way back."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        service = request.url.path.split(".")[-3]
        instead = self.before(service, json.loads(request.content or b"{}"))
        if instead is not None:
            return instead
        answer = self._sandbox.handle(request)
        if self.lose == service:
            self.lose = ""
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer

    def services(self) -> list[str]:
        return [request.url.path.split(".")[-3] for request in self.requests]

    def bodies(self, service: str) -> list[dict[str, Any]]:
        return [json.loads(r.content) for r in self.requests if r.url.path.split(".")[-3] == service]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    """Without the example company: one article, one supplier, one customer."""
    made = Sandbox(example=False, clock=clock.local)
    made.state.backdate = clock.local() - timedelta(days=60)
    made.filler.item("A-1", "轴承", FSafeStock=Decimal(20), FIsEnableSafeStock=True)
    made.filler.supplier("V-1", "东海")
    made.filler.customer("C-1", "杭州精工")
    made.state.backdate = None
    return made


@pytest.fixture
def line(sandbox: Sandbox) -> Line:
    return Line(sandbox)


@pytest.fixture
def connect(line: Line, clock: Clock) -> Connect:
    """Makes a connector on the sandbox; changes to its settings as keywords."""

    def make(**changes: Any) -> KingdeeConnector:
        login = changes.get("login", "headers")
        settings = {
            "url": "https://erp.example.test/k3cloud/",
            "data_center": ACCT,
            "username": USER,
            "organization": "100",
            **LOGINS[login],
            **changes,
        }
        config: Any = parse_config(KingdeeConnector, settings)
        return KingdeeConnector(config, transport=httpx.MockTransport(line), clock=clock)

    return make


def stream(connector: KingdeeConnector, name: str) -> Stream:
    return next(s for s in connector.streams() if s.name == name)


def read(connector: KingdeeConnector, name: str, cursor: Any = None) -> tuple[list[Record], Any]:
    """Every record of a run, and the cursor it ends with."""
    records: list[Record] = []
    batches: list[Batch] = list(connector.read(stream(connector, name), cursor))
    for batch in batches:
        assert not batch.bad, batch.bad
        records += batch.records
        cursor = batch.cursor if batch.cursor is not None else cursor
    return records, cursor


def wanted(number: str = "c-1", *, until: str = "audited", **line: Any) -> Command:
    """A command for a requisition of eight of A-1."""
    lines = [{"item": "A-1", "quantity": "8", **line}]
    return Command(number, "create_requisition", {"ticket": "TKT-2026-000007"}, {"lines": lines, "until": until})
