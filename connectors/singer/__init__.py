"""Any Singer tap as a source."""

from connectors.singer.config import SingerConfig
from connectors.singer.connector import SingerConnector

__all__ = ["SingerConfig", "SingerConnector"]
