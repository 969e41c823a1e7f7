"""The connector for any channel that Apprise knows: Telegram, Slack, Teams, ntfy, SMS gateways, and some 130 more."""

from connectors.apprise_channel.config import AppriseConfig
from connectors.apprise_channel.connector import AppriseConnector

__all__ = ["AppriseConfig", "AppriseConnector"]
