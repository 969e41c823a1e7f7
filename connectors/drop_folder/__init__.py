"""CSV and Excel files that other systems or people put into a folder; files written for them."""

from connectors.drop_folder.config import CsvConfig
from connectors.drop_folder.connector import CsvConnector

__all__ = ["CsvConfig", "CsvConnector"]
