"""The connector for Zabbix 6.0 and later."""

from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.connector import ZabbixConnector
from connectors.zabbix.install import Administrator, InstallReport

__all__ = ["Administrator", "InstallReport", "ZabbixConfig", "ZabbixConnector"]
