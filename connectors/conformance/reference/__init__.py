"""The reference connector: an imaginary alarm system, and the example to copy for a new connector."""

from connectors.conformance.reference.config import AcmeConfig
from connectors.conformance.reference.connector import AcmeConnector

__all__ = ["AcmeConfig", "AcmeConnector"]
