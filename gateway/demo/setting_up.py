"""What an administrator of the company's systems does once, so that they speak with the hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.zabbix import ZabbixConnector
from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.install import Administrator


def install_zabbix(systems: Mapping[str, Any], hub_url: str) -> None:
    """Zabbix's media type, user and action that send its problems to the hub, as `weft connection install` makes them.
    Raises ConnectorError."""
    config = next(spec["config"] for spec in systems["connections"] if spec["id"] == "zabbix")
    connector = ZabbixConnector(ZabbixConfig.model_validate(config))
    administrator = Administrator.model_validate({"username": "Admin", "password": "zabbix"})
    try:
        connector.install(f"{hub_url}/v1/inbound/zabbix", administrator=administrator)
    finally:
        connector.close()
