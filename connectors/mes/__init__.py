"""The connector for MES over SOAP."""

from connectors.mes.config import MesConfig
from connectors.mes.connector import MesConnector

__all__ = ["MesConfig", "MesConnector"]
