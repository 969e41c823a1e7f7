"""Prometheus and Alertmanager: alerts in, metrics as context, silences out."""

from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.connector import PrometheusConnector

__all__ = ["PrometheusConfig", "PrometheusConnector"]
