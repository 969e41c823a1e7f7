"""The simulated devices behave as their README says, without a network."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from connectors.contract import Delivery
from connectors.mqtt import MqttConfig, MqttConnector
from connectors.mqtt.sandbox import Device, settings
from mappings import load_library

NOW = 1_795_324_212.0


def device() -> Device:
    return Device("pump-01", dice=random.Random(1))


def test_a_device_measures_near_its_usual_values() -> None:
    readings = dict(device().readings(NOW))
    assert 50 < readings["temperature"]["value"] < 75
    assert readings["vibration"]["unit"] == "mm/s"
    assert [payload["seq"] for payload in readings.values()] == [1, 2, 3]


def test_stress_moves_one_signal_for_a_while() -> None:
    pump = device()
    assert pump.obey("stress", "c1", {"metric": "temperature", "value": 95, "seconds": 60}, NOW)["status"] == "ok"
    assert 93 < dict(pump.readings(NOW + 59))["temperature"]["value"] < 97
    assert dict(pump.readings(NOW + 61))["temperature"]["value"] < 75


def test_a_command_is_carried_out_once_for_each_id() -> None:
    pump = device()
    assert pump.obey("set_speed", "c1", {"rpm": 1200}, NOW)["status"] == "ok"
    assert pump.obey("set_speed", "c1", {"rpm": 1200}, NOW)["status"] == "duplicate"
    assert (pump.speed, pump.effects, pump.state()["last_commands"]) == (1200, {"c1": 1}, ["c1"])


@pytest.mark.parametrize(
    ("command", "args"),
    [("set_speed", {"rpm": 9000}), ("set_speed", {}), ("explode", {}), ("stress", {"metric": "colour"})],
)
def test_what_a_device_can_not_do_it_refuses_with_a_reason(command: str, args: dict[str, object]) -> None:
    pump = device()
    answer = pump.obey(command, "c1", args, NOW)
    assert answer["status"] == "rejected"
    assert answer["reason"]
    assert pump.effects == {}


def test_its_readings_pass_the_connector_and_the_built_in_mapping() -> None:
    connector = MqttConnector(MqttConfig.model_validate(settings("mqtt://127.0.0.1")))
    mapping = load_library("mappings.mqtt")["mqtt_reading"]
    body = b'{"value": 62.45, "unit": "Cel", "timestamp": 1795324212000, "seq": 7}'
    at = datetime(2026, 11, 22, 5, 10, 20, tzinfo=UTC)
    (event,) = connector.receive(Delivery(body, {}, "dt/plant1/pump-01/temperature", received_at=at))
    result = mapping.run(event.record)
    assert result.dead is None
    assert (result.values["device"], result.values["metric"], str(result.values["value"])) == (
        "pump-01",
        "temperature",
        "62.45",
    )


@pytest.mark.parametrize("name", load_library("mappings.mqtt"))
def test_the_built_in_mapping_passes_its_own_tests(name: str) -> None:
    assert load_library("mappings.mqtt")[name].check() == []


def test_a_vehicles_message_is_kept_whole_and_becomes_one_signal() -> None:
    topics = [{"topic": "tbox/{device}", "format": "record"}]
    connector = MqttConnector(MqttConfig.model_validate({**settings("mqtt://127.0.0.1"), "topics": topics}))
    body = b'{"vin": "V1", "model": "E5", "fault_code": "P0A1F", "mileage": 41250.5, "soc": 62, "ts": 1795324212000}'
    at = datetime(2026, 11, 22, 5, 10, 20, tzinfo=UTC)
    (event,) = connector.receive(Delivery(body, {}, "tbox/V1", received_at=at))
    assert event.stream == "vehicle"
    told = load_library("mappings.mqtt")["mqtt_vehicle"].run(event.record).values
    assert (told["vehicle"], told["text"], str(told["odometer"]), str(told["soc"])) == ("V1", "P0A1F", "41250.5", "62")
