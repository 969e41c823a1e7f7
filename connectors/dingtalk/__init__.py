"""The connector for DingTalk (钉钉): group robots and work notices."""

from connectors.dingtalk.config import DingtalkConfig
from connectors.dingtalk.connector import DingtalkConnector

__all__ = ["DingtalkConfig", "DingtalkConnector"]
