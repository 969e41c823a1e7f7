"""The settings of a connection."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.zabbix import ZabbixConfig, ZabbixConnector

GOOD: dict[str, Any] = {"url": "https://zabbix.example.test/zabbix", "token": "a" * 64}


@pytest.mark.parametrize(
    "given",
    [
        "https://zabbix.example.test/zabbix",
        "https://zabbix.example.test/zabbix/",
        "https://zabbix.example.test/zabbix/api_jsonrpc.php",
        " https://zabbix.example.test/zabbix/index.php?x=1#y",
    ],
)
def test_the_front_end_is_found_however_its_address_is_written(given: str) -> None:
    assert ZabbixConfig(**GOOD | {"url": given}).url == "https://zabbix.example.test/zabbix"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "zabbix.example.test"}, "must be the address of the front end"),
        ({"url": "https://me:secret-pass@zabbix.example.test"}, "put them into `username` and `password`"),
        ({"time_zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"time_zone": "../../etc/passwd"}, "no time zone"),
        ({"username": "hub", "password": "p"}, "either `token`, or"),
        ({"token": None}, "give `token`, or"),
        ({"token": None, "username": "hub"}, "give `token`, or"),
        ({"webhook_token": "a", "webhook_secret": "b"}, "either `webhook_token` or `webhook_secret`"),
        ({"min_severity": "terrible"}, "not_classified"),
        ({"timeout_s": 0}, "greater than 0"),
    ],
)
def test_wrong_settings_are_refused_with_the_remedy(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        ZabbixConfig(**GOOD | changes)
    assert says in str(refusal.value)


def test_the_namespace_names_the_front_end() -> None:
    def namespace(url: str) -> str:
        return ZabbixConnector(ZabbixConfig(**GOOD | {"url": url})).namespace

    assert namespace("https://zabbix.example.test/zabbix") == "zabbix://zabbix.example.test:443"
    assert namespace("http://10.0.0.5:8080") == "zabbix://10.0.0.5:8080"
