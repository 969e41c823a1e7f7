"""Settings are refused with the place and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import InvalidConfig
from connectors.mqtt import MqttConfig, MqttConnector
from connectors.mqtt.sandbox import settings
from connectors.settings import parse_config

URL = {"url": "mqtt://broker.example"}
TOPIC = "dt/{site}/{device}/{metric}"


def parsed(**data: Any) -> MqttConfig:
    config = parse_config(MqttConnector, {**URL, **data})
    assert isinstance(config, MqttConfig)
    return config


def test_an_address_is_enough() -> None:
    config = parsed()
    assert (config.host, config.port, config.qos, config.mqtt5) == ("broker.example", 1883, 1, True)
    assert [topic.topic for topic in config.topics] == [TOPIC]


@pytest.mark.parametrize(
    ("url", "port", "encrypted", "path"),
    [
        ("mqtt://h", 1883, False, ""),
        ("mqtts://h", 8883, True, ""),
        ("mqtts://h:9999/", 9999, True, ""),
        ("ws://h", 80, False, "/mqtt"),
        ("wss://h/broker/ws", 443, True, "/broker/ws"),
        ("mqtt://[::1]:1884", 1884, False, ""),
    ],
)
def test_every_kind_of_address(url: str, port: int, encrypted: bool, path: str) -> None:
    config = parsed(url=url)
    assert (config.port, config.encrypted, config.path) == (port, encrypted, path)


@pytest.mark.parametrize(
    ("data", "path", "said"),
    [
        ({"url": "http://h"}, "url", "mqtt://host"),
        ({"url": "mqtt://"}, "url", "mqtt://host"),
        ({"url": "mqtt://u:p@h"}, "url", "`username`"),
        ({"url": "mqtt://h/path"}, "url", "nothing may follow"),
        ({"url": "mqtt://h:0"}, "url", "port"),
        ({"url": "mqtt://h:99999"}, "url", "Port"),
        ({"client_id": "has space"}, "client_id", "pattern"),
        ({"password": "x"}, "", "`username`"),
        ({"cert_file": __file__, "url": "mqtts://h"}, "", "go together"),
        ({"ca_file": __file__}, "", "mqtts://"),
        ({"ca_file": "/no/such/file", "url": "mqtts://h"}, "ca_file", "no readable file"),
        ({"shared_group": "g", "protocol": "3.1.1"}, "", "protocol 5"),
        ({"qos": 2}, "qos", "0 or 1"),
        ({"topics": []}, "topics", "at least 1"),
        ({"topics": [{"topic": "a/#/b"}]}, "topics[0].topic", "write fixed text"),
        ({"topics": [{"topic": TOPIC}, {"topic": "dt/{a}/{device}/{metric}"}]}, "", "two of `topics`"),
        ({"topics": [{"topic": "a/{device}", "format": "number"}]}, "topics[0]", "{metric}"),
        ({"topics": [{"topic": "a/b", "format": "presence"}]}, "topics[0]", "{device}"),
        ({"topics": [{"topic": "a/b", "device": []}]}, "topics[0]", "which device"),
        ({"topics": [{"topic": "a/#", "format": "sparkplug_b"}]}, "topics[0]", "spBv1.0/"),
        ({"topics": [{"topic": TOPIC, "time_zone": "Mars/North"}]}, "topics[0].time_zone", "Asia/Shanghai"),
        ({"commands": {"topic": "cmd/+/x"}}, "commands", "wildcard"),
        ({"commands": {"topic": "cmd/{device}", "response_topic": "r/{site}"}}, "commands", "{site}"),
        ({"commands": {"topic": "cmd/{command}", "state_topic": "s/{command}"}}, "commands", "one state"),
        (
            {
                "commands": {"topic": "c/{device}", "response_topic": "r/{device}", "payload": "raw"},
                "protocol": "3.1.1",
            },
            "",
            "{id}",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_place_and_remedy(data: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(InvalidConfig) as refusal:
        parsed(**data)
    problems = refusal.value.problems
    assert path in [problem.path for problem in problems]
    assert any(said in f"{problem.message} {problem.hint}" for problem in problems), problems


def test_a_field_of_the_payload_may_tell_device_and_metric() -> None:
    topic = parsed(topics=[{"topic": "telemetry", "device": ["dev.id"]}]).topics[0]
    assert topic.device == ("dev.id",)


def test_certificates_go_with_an_encrypted_address(tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    file.write_text("…")
    config = parsed(url="mqtts://h", ca_file=str(file), cert_file=str(file), key_file=str(file))
    assert config.ca_file == str(file)


def test_the_settings_of_the_sandbox_are_valid() -> None:
    assert parsed(**settings("mqtt://127.0.0.1")).commands is not None
