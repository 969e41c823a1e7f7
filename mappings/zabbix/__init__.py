"""Mappings of the Zabbix connector's streams."""
