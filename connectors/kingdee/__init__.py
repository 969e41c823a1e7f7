"""Kingdee K3 Cloud (金蝶云星空) as the hub sees it: its ERP records, answers for tickets, and purchase requisitions."""

from __future__ import annotations

from connectors.kingdee.connector import KingdeeConnector

__all__ = ["KingdeeConnector"]
