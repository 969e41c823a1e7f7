"""MQTT brokers and the devices behind them, Sparkplug B included."""

from connectors.mqtt.config import MqttConfig
from connectors.mqtt.connector import MqttConnector

__all__ = ["MqttConfig", "MqttConnector"]
