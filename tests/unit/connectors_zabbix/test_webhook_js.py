"""webhook.js, run by Zabbix's own JavaScript engine against a real HTTP listener."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from connectors.zabbix import ZabbixConfig, ZabbixConnector
from connectors.zabbix.webhook import PARAMETERS
from tests.integration.zabbix.inbox import Inbox
from tests.real.postgres import MissingComponent
from tests.real.zabbix import environment, find_root

TEXTS = ["plain", "温度过高 °C", "fire \U0001f525", 'quotes " \\ and \u2028 and \x01', "</script>"]
FIRST = {"event_value": "1", "event_update_status": "0"}


@pytest.fixture(scope="module")
def engine() -> tuple[Path, dict[str, str]]:
    """zabbix_js and its environment."""
    try:
        root = find_root()
    except MissingComponent as e:
        pytest.fail(str(e))
    return root / "usr/bin/zabbix_js", environment(root)


@pytest.fixture
def hub() -> Iterator[Inbox]:
    with Inbox() as running:
        yield running


def run(engine: tuple[Path, dict[str, str]], **params: str) -> subprocess.CompletedProcess[str]:
    program, env = engine
    given = json.dumps({**PARAMETERS, "token": "", "secret": "", "http_proxy": "", **params}, ensure_ascii=False)
    with as_file(files("connectors.zabbix").joinpath("webhook.js")) as script:
        command = [str(program), "-s", str(script), "-p", given]
        return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=30)


def connector(**proof: Any) -> ZabbixConnector:
    return ZabbixConnector(ZabbixConfig(url="https://z.test", token="a" * 64, **proof))


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_arrives_rightly_signed(engine: Any, hub: Inbox, text: str) -> None:
    ids = {"event_id": "17", "trigger_id": "3", "event_nseverity": "4"}
    done = run(engine, url=hub.url, secret="a secret", event_name=text, **ids, **FIRST)
    assert done.returncode == 0, done.stderr
    (event,) = connector(webhook_secret="a secret").receive(hub.deliveries[0])
    assert event.record["name"] == text


def test_the_token_goes_into_a_header_and_not_into_the_body(engine: Any, hub: Inbox) -> None:
    run(engine, url=hub.url, token="the-token-0123456789", event_id="17", trigger_id="3", **FIRST)
    assert b"the-token" not in hub.deliveries[0].body
    assert hub.url.encode() not in hub.deliveries[0].body
    assert connector(webhook_token="the-token-0123456789").receive(hub.deliveries[0])


@pytest.mark.parametrize(
    ("told", "tags"),
    [
        (FIRST, {"weft_message": "M1"}),
        ({"event_value": "1", "event_update_status": "1"}, {}),
        ({"event_value": "0", "event_update_status": "0"}, {}),
        ({"event_value": "0", "event_update_status": "1"}, {}),
    ],
)
def test_only_the_first_message_of_a_problem_leaves_a_tag(
    engine: Any, hub: Inbox, told: dict[str, str], tags: Any
) -> None:
    assert json.loads(run(engine, url=hub.url, event_id="17", **told).stdout) == {"tags": tags}


def test_a_hub_that_is_down_or_refuses_makes_zabbix_try_again(engine: Any) -> None:
    with Inbox(refusals=1) as hub:
        refused = run(engine, url=hub.url, secret="a secret", event_id="17", **FIRST)
        assert refused.returncode != 0
        assert "the hub answered HTTP 503" in refused.stdout + refused.stderr
        assert run(engine, url=hub.url, event_id="17", **FIRST).returncode == 0
    down = run(engine, url=hub.url, secret="a secret", event_id="17", **FIRST)
    assert down.returncode != 0
    assert "a secret" not in down.stdout + down.stderr + refused.stdout + refused.stderr


def test_without_an_address_it_says_so(engine: Any) -> None:
    done = run(engine, url="", event_id="17")
    assert 'the parameter "url" is not set' in done.stdout + done.stderr
