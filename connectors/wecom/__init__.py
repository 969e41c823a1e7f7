"""The connector for WeCom (企业微信): group robots and app messages."""

from connectors.wecom.config import WecomConfig
from connectors.wecom.connector import WecomConnector

__all__ = ["WecomConfig", "WecomConnector"]
