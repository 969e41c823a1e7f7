"""Yonyou U8: its databases read over ODBC, purchase requisitions written by its OpenAPI or, where allowed, by SQL."""

from connectors.u8.config import U8Config
from connectors.u8.connector import U8Connector

__all__ = ["U8Config", "U8Connector"]
