"""Any database with an ODBC driver or a SQLAlchemy URL."""

from connectors.sql.config import SqlConfig
from connectors.sql.connector import SqlConnector

__all__ = ["SqlConfig", "SqlConnector"]
