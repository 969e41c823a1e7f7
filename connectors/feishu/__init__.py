"""The connector for Feishu (飞书) and Lark: group robots and messages of an app."""

from connectors.feishu.config import FeishuConfig
from connectors.feishu.connector import FeishuConnector

__all__ = ["FeishuConfig", "FeishuConnector"]
