"""Settings, proof of origin, mapping, and what is refused before anyone is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Ask, Command, Delivery, Outcome
from connectors.errors import AuthProblem, ConfigProblem, InvalidConfig, Transient
from connectors.prometheus import PrometheusConnector
from connectors.prometheus.sandbox import Sandbox, fingerprint
from connectors.prometheus.sandbox_http import Reply, Server, handler_for
from connectors.settings import parse_config
from mappings import load_library

TOKEN = "token-of-the-webhook"


class Made(ExitStack):
    def __call__(self, **settings: Any) -> PrometheusConnector:
        config: Any = parse_config(PrometheusConnector, settings)
        connector = PrometheusConnector(config)
        self.callback(connector.close)
        return connector


@pytest.fixture
def made() -> Iterator[Made]:
    """made(**settings) -> connector, closed after the test."""
    with Made() as stack:
        yield stack


@pytest.fixture
def body() -> bytes:
    sandbox = Sandbox()
    return json.dumps(sandbox.notification([sandbox.fire({"alertname": "TooHot", "device": "PUMP-7"})])).encode()


def basic(login: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}


@pytest.mark.parametrize(
    ("settings", "path", "why"),
    [
        ({"url": "prometheus:9090"}, "url", "write the address as http://"),
        ({"url": "ftp://prometheus"}, "url", "write the address as http://"),
        ({"url": "http://anna:secret@prometheus:9090"}, "url", "use `username` and `password`"),
        ({"url": "http://prometheus:9090/?a=b"}, "url", "no ?"),
        ({"alertmanager_url": "http://a", "timeout_s": 0}, "timeout_s", "greater than 0"),
        ({"url": "http://p", "device_labels": ["a", "a-b"]}, "device_labels[1]", "match pattern"),
        ({"url": "http://p", "cpu_queries": ["avg(up)"]}, "cpu_queries[0]", "must hold $selector"),
        ({"url": "http://p", "cpu_queries": ["up{$selector,$other}"]}, "cpu_queries[0]", "only placeholder"),
        ({"url": "http://p", "username": "anna"}, "", "username and password go together"),
        ({"url": "http://p", "username": "a", "password": "b", "token": "c"}, "", "either token, or username"),
        ({"webhook_username": "am"}, "", "webhook_username and webhook_password go together"),
        ({}, "", "at least one of url"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_remedy(settings: dict[str, Any], path: str, why: str) -> None:
    with pytest.raises(InvalidConfig) as refusal:
        parse_config(PrometheusConnector, settings)

    (problem,) = refusal.value.problems
    assert problem.path == path
    assert why in problem.message
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "proof",
    [
        {"headers": {"authorization": f"Bearer {TOKEN}"}},
        {"headers": {"authorization": f"bearer  {TOKEN} "}},
        {"path_token": TOKEN},
        {"headers": basic("am:pass:word")},
    ],
    ids=["bearer", "bearer in other letters", "in the URL", "basic"],
)
def test_each_way_to_prove_the_origin_is_taken(made: Made, body: bytes, proof: dict[str, Any]) -> None:
    connector = made(webhook_token=TOKEN, webhook_username="am", webhook_password="pass:word")

    assert len(connector.receive(Delivery(body, **proof))) == 1


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"path_token": "guess"},
        {"headers": {"authorization": f"Basic {TOKEN}"}},
        {"headers": basic("am:")},
        {"headers": basic(":")},
        {"headers": {"authorization": "Bearer"}},
        {"headers": {"authorization": "Bearer tökén"}},
    ],
)
def test_without_the_proof_nothing_is_read(made: Made, proof: dict[str, Any]) -> None:
    connector = made(webhook_token=TOKEN, webhook_username="am", webhook_password="pass:word")

    with pytest.raises(AuthProblem):
        connector.receive(Delivery(b"{junk", **proof))


def test_an_empty_token_opens_no_door(made: Made, body: bytes) -> None:
    by_basic_only = made(webhook_username="am", webhook_password="pass:word")

    for proof in ({"path_token": ""}, {"headers": {"authorization": "Bearer "}}):
        with pytest.raises(AuthProblem):
            by_basic_only.receive(Delivery(body, **proof))


def test_a_connection_without_any_secret_refuses_all_messages_and_says_what_to_set(made: Made, body: bytes) -> None:
    with pytest.raises(AuthProblem) as refusal:
        made(url="http://prometheus:9090").receive(Delivery(body))

    assert "webhook_token" in refusal.value.hint


def test_what_has_no_address_is_not_offered(made: Made) -> None:
    only_webhook = made(webhook_token=TOKEN)

    assert (only_webhook.streams(), only_webhook.questions(), only_webhook.operations()) == ((), (), ())
    assert only_webhook.check().ok
    with pytest.raises(ConfigProblem):
        only_webhook.lookup(Ask("cpu_mean_1h", {"device": "x"}, 5))


def test_without_an_alertmanager_there_is_no_silence_to_end_and_none_to_make(made: Made) -> None:
    only_webhook = made(webhook_token=TOKEN)

    ended = only_webhook.write(Command("1", "expire_silence", {"ticket": "TKT-2026-000001"}))
    wanted = only_webhook.write(Command("2", "silence", {"labels": {"a": "b"}}, {"ticket": "TKT-2026-000001"}))

    assert ended.outcome is Outcome.duplicate
    assert wanted.outcome is Outcome.rejected
    assert "address of Alertmanager" in wanted.reason


def test_no_time_left_is_said_without_asking(made: Made) -> None:
    with pytest.raises(Transient, match="no time left"):
        made(url="http://127.0.0.1:9").lookup(Ask("cpu_mean_1h", {"device": "x"}, 0))


def test_nobody_at_the_address_is_said_shortly(made: Made) -> None:
    with pytest.raises(Transient) as failure:
        made(url="http://127.0.0.1:9").lookup(Ask("cpu_mean_1h", {"device": "x"}, 5))

    assert str(failure.value) == "query at http://127.0.0.1:9: [Errno 111] Connection refused"


@pytest.mark.parametrize(
    ("key", "body", "why"),
    [
        ({}, {"ticket": "T-1"}, "key.labels"),
        ({"labels": {"a b": "c"}}, {"ticket": "T-1"}, "'a b' is no label name"),
        ({"labels": {"a": 5}}, {"ticket": "T-1"}, "key.labels.a"),
        ({"labels": {"a": ""}}, {"ticket": "T-1"}, "none of the labels"),
        ({"labels": {"a": "b"}}, {}, "body.ticket"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1] [weft T-2"}, "body.ticket"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1", "minutes": 0}, "body.minutes"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1", "minutes": True}, "body.minutes"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1", "minutes": "30"}, "body.minutes"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1", "until": "tomorrow"}, "body.until"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1", "until": "2026-11-22T08:00:00"}, "body.until"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1", "until": "2999-01-01T00:00:00Z"}, "366 days"),
        ({"labels": {"a": "b"}}, {"ticket": "T-1", "comment": "x" * 1001}, "body.comment"),
    ],
)
def test_a_silence_that_cannot_be_made_is_rejected_naming_the_field(
    made: Made, key: dict[str, Any], body: dict[str, Any], why: str
) -> None:
    receipt = made(alertmanager_url="http://127.0.0.1:9").write(Command("1", "silence", key, body))

    assert receipt.outcome is Outcome.rejected
    assert why in receipt.reason


def test_a_comment_cannot_pretend_to_be_a_mark(made: Made) -> None:
    with Server(Sandbox()) as server:
        forged = Command(
            "1", "silence", {"labels": {"a": "b"}}, {"ticket": "T-1", "comment": f"x [weft T-2 {'0' * 32}]"}
        )
        made(alertmanager_url=server.url).write(forged)

        (silence,) = server.sandbox.silences.values()
        assert silence["comment"] == f"T-1: x [weft T-1 {forged.idempotency_key}]"


def test_chosen_labels_make_the_silence_wider(made: Made) -> None:
    with Server(Sandbox()) as server:
        connector = made(alertmanager_url=server.url, silence_labels=["alertname", "device"])
        labels = {"alertname": "TooHot", "device": "PUMP-7", "pod": "x-81f"}
        connector.write(Command("1", "silence", {"labels": labels}, {"ticket": "T-1", "minutes": Decimal(30)}))

        (silence,) = server.sandbox.silences.values()
        assert [m["name"] for m in silence["matchers"]] == ["alertname", "device"]
        assert silence["endsAt"] - datetime.now(UTC) < timedelta(minutes=31)


def test_a_redirect_is_not_followed_and_its_target_is_named_without_its_query(made: Made) -> None:
    seen: list[str] = []

    def elsewhere(method: str, target: str, *_: Any) -> Reply:
        seen.append(target)
        return Reply(302, "", {"location": "https://login.example/start?session=secret"})

    with Server(Sandbox(), handler=handler_for(elsewhere)) as server:
        connector = made(url=server.url, alertmanager_url=server.url, username="anna", password="s3cret")
        health = connector.check()
        with pytest.raises(ConfigProblem, match=r"https://login\.example/start$"):
            connector.lookup(Ask("cpu_mean_1h", {"device": "x"}, 5))

    assert not health.ok
    assert "https://login.example/start" in health.message
    assert "session" not in health.message
    assert all(target.startswith(("/-/ready", "/api/")) for target in seen)


def test_an_account_that_may_only_read_is_told_each_right_it_lacks(made: Made) -> None:
    with Server(Sandbox(token="t0ken-of-the-proxy", read_only=True)) as server:
        health = made(alertmanager_url=server.url, token="t0ken-of-the-proxy").check()

    assert not health.ok
    assert [right.right for right in health.missing_rights] == ["POST /api/v2/silences", "DELETE /api/v2/silence/{id}"]
    assert all(server.url in right.grant_at for right in health.missing_rights)


def test_pushed_and_read_an_alert_means_the_same(made: Made, body: bytes) -> None:
    mapping = load_library("mappings.prometheus")["prometheus_alert"]
    sandbox = Sandbox()
    sandbox.fire({"alertname": "TooHot", "device": "PUMP-7"}, {"value": "95.5"}, "2026-11-22T13:09:41.026926+08:00")
    with Server(sandbox) as server:
        connector = made(alertmanager_url=server.url, webhook_token=TOKEN)
        (stream,) = connector.streams()
        ((read,),) = [batch.records for batch in connector.read(stream, None)]
        pushed = json.dumps(sandbox.notification([*sandbox.alerts])).encode()
        (event,) = connector.receive(Delivery(pushed, path_token=TOKEN))

    assert mapping.run(read).values == mapping.run(event.record).values
    assert mapping.run(read).values["starts_at"] == datetime(2026, 11, 22, 5, 9, 41, 26000, tzinfo=UTC)


def test_the_mapping_passes_its_own_tests() -> None:
    (mapping,) = load_library("mappings.prometheus").values()

    assert [str(failure) for failure in mapping.check()] == []


def test_a_bad_alert_ends_as_a_dead_letter_that_says_why(made: Made) -> None:
    mapping = load_library("mappings.prometheus")["prometheus_alert"]
    delivery = Delivery(b'{"version": "4", "alerts": [{"status": "firing", "labels": {"site": 5}}]}', path_token=TOKEN)

    (event,) = made(webhook_token=TOKEN).receive(delivery)
    dead = mapping.run(event.record).dead

    assert dead is not None
    assert "alerts[0].fingerprint: expected text, got nothing" in dead.message


def test_the_sandbox_gives_the_fingerprints_the_real_one_gives() -> None:
    assert fingerprint({"a": "b", "alertname": "X"}) == "c4fa8262820e0e19"
