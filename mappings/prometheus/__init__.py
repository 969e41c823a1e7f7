"""Mappings of what the Prometheus connector brings."""
