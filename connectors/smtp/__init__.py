"""The connector for e-mail (邮件), by SMTP."""

from connectors.smtp.config import EmailConfig
from connectors.smtp.connector import EmailConnector

__all__ = ["EmailConfig", "EmailConnector"]
