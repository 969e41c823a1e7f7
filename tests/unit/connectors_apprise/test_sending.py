"""What Apprise's yes and no mean, and what its log adds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connectors.apprise_channel import AppriseConnector
from connectors.apprise_channel.sandbox import Sandbox
from connectors.channel_sandbox import Server
from connectors.contract import Command, Outcome
from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.settings import parse_config, safe_config

SECRET = "pa55-word-of-it"


class Place:
    """A receiver, and its address."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.server = Server(self._handle)
        self.silent = False
        self.requests = 0

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.silent:
            threading.Event().wait(0.5)
            raise ConnectionAbortedError
        return self.sandbox.handle(request)

    @property
    def url(self) -> str:
        return self.server.url.replace("http://", f"json://weft:{SECRET}@") + "/duty"


@pytest.fixture
def places() -> Iterator[list[Place]]:
    made = [Place(), Place()]
    with made[0].server, made[1].server:
        yield made


def connector(*urls: str, **more: Any) -> AppriseConnector:
    parsed: Any = parse_config(AppriseConnector, {"urls": list(urls), "timeout_s": 0.3, **more})
    return AppriseConnector(parsed)


def say(**body: Any) -> Command:
    return Command("c-1", "send", {"to": "default"}, {"title": "7 号冲压机过热", **body})


def test_a_message_goes_to_every_address_with_title_text_link_and_kind(places: list[Place]) -> None:
    body = {"text": "主轴 **95 ℃**", "link": "https://hub.test/t/1", "priority": "P0", "mention": ["zhang"]}
    assert connector(*(p.url for p in places)).write(say(**body)).outcome is Outcome.applied
    for place in places:
        arrived = place.sandbox.messages[0]
        assert arrived.title == "🔴 P0 7 号冲压机过热"
        assert arrived.payload["type"] == "failure"
        assert [part in arrived.text for part in ("95 ℃", "@zhang", "https://hub.test/t/1")] == [True] * 3


STATUSES: list[tuple[int, type[ConnectorError] | None]] = [
    (429, Transient), (503, Transient), (401, AuthProblem), (403, AuthProblem), (500, Ambiguous), (502, Ambiguous),
    (400, None), (404, None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_an_http_status_in_apprises_log_tells_what_must_happen_next(
    places: list[Place], status: int, kind: type[ConnectorError] | None
) -> None:
    places[0].sandbox.fail(status)
    if kind is None:
        receipt = connector(places[0].url).write(say())
        assert (receipt.outcome, receipt.reason) == (Outcome.rejected, f"urls[0] (json): HTTP {status}")
        return
    with pytest.raises(kind) as raised:
        connector(places[0].url).write(say())
    assert type(raised.value) is kind


def test_a_server_that_is_not_there_is_tried_again(places: list[Place]) -> None:
    with pytest.raises(Transient, match="can't be reached"):
        connector("json://127.0.0.1:9/duty").write(say())


def test_silence_is_a_doubt(places: list[Place]) -> None:
    places[0].silent = True
    with pytest.raises(Ambiguous, match="not why"):
        connector(places[0].url).write(say())


def test_one_address_that_took_it_makes_it_done_and_the_receipt_names_the_other(places: list[Place]) -> None:
    places[1].sandbox.fail(503)
    receipt = connector(*(p.url for p in places)).write(say())
    assert receipt.outcome is Outcome.applied
    assert receipt.values == {"left_out": {"urls[1] (json)": "HTTP 503"}}
    assert len(places[0].sandbox.messages) == 1


def test_of_several_failures_the_least_sure_decides(places: list[Place]) -> None:
    places[0].sandbox.fail(400)
    places[1].silent = True
    with pytest.raises(Ambiguous):
        connector(*(p.url for p in places)).write(say())


def test_an_address_apprise_does_not_know_is_named_by_its_place_and_scheme_only() -> None:
    with pytest.raises(ConfigProblem) as raised:
        connector("json://127.0.0.1:9/x", f"nosuch://{SECRET}").check()
    assert "urls[1] (nosuch)" in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_check_asks_the_servers_it_knows_and_sends_nothing(places: list[Place]) -> None:
    health = connector(places[0].url, "ntfy://a-topic-of-the-test").check()
    assert health.message.startswith("2 address(es) understood, 1 of their servers")
    assert places[0].sandbox.messages == []
    with pytest.raises(Transient, match=r"urls\[0\]"):
        connector("json://127.0.0.1:9/duty").check()


def test_nothing_of_an_address_is_logged_or_shown(places: list[Place], caplog: pytest.LogCaptureFixture) -> None:
    places[0].sandbox.fail(500)
    made = connector(places[0].url)
    with caplog.at_level(logging.INFO), pytest.raises(Ambiguous) as raised:
        made.write(say())
    assert SECRET not in caplog.text + str(raised.value) + str(safe_config(made._config))


def test_the_hub_alone_tries_again_and_apprise_does_not_sleep(places: list[Place]) -> None:
    made = connector(f"{places[0].url}?retry=3&wait=60")
    places[0].sandbox.fail(500)
    for _ in range(2):
        with pytest.raises(Ambiguous):
            made.write(say())
    assert places[0].requests == 2


def test_a_failure_stays_one_at_an_address_called_optional(places: list[Place]) -> None:
    places[0].sandbox.fail(503)
    with pytest.raises(Transient):
        connector(f"{places[0].url}?optional=yes").write(say())
