"""Mappings of what the MQTT connector brings."""
