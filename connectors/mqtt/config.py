"""The settings of a connection to one MQTT broker."""

from __future__ import annotations

import os
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from connectors.contract import Settings
from connectors.mqtt.topics import TemplateError, TopicTemplate

PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
"""Schemes and their usual ports. mqtts and wss are encrypted."""
SPARKPLUG = "spBv1.0"


def _template(text: str) -> str:
    TopicTemplate(text)  # TemplateError is a ValueError, which pydantic tells with its path
    return text


def _readable(path: str) -> str:
    if path and not os.access(path, os.R_OK):
        raise ValueError(f"there is no readable file {path!r}")
    return path


Topic = Annotated[str, AfterValidator(_template)]
File = Annotated[str, AfterValidator(_readable)]
Names = Annotated[tuple[str, ...], Field(max_length=8)]


class Fixed(Settings):
    """What holds for every message of a topic, where neither the topic nor the payload tells it."""

    device: str = Field("", max_length=200, description="Device")
    metric: str = Field("", max_length=200, description="What is measured")
    unit: str = Field("", max_length=40, description="Unit of the values")
    site: str = Field("", max_length=200, description="Site of the devices")
    customer: str = Field("", max_length=200, description="Whose devices they are")


class TopicSettings(Settings):
    """One kind of topic and how its messages are read. A name in the topic wins over the payload, the payload over
    `fixed`. Field names are dotted paths; of several the first that is there counts."""

    topic: Topic = Field(
        description="What to subscribe to, with names for levels that mean something: dt/{site}/{device}/{metric}. "
        "Names: device, metric, site, customer, device_name; any other becomes a label. + and a last # as in MQTT; "
        "{metric*} takes all levels that follow.",
        examples=["dt/{site}/{device}/{metric}", "plant/+/{device}/telemetry", "spBv1.0/#"],
    )
    format: Literal["json", "number", "text", "presence", "record", "sparkplug_b"] = Field(
        "json",
        description="json: an object or list of readings, or a bare value. number: digits only. text: a value that is "
        "no number. presence: a device says it is there, or its last will that it is gone. record: an object that is "
        "kept whole, for the mapping of `stream`. sparkplug_b: Sparkplug B.",
    )
    stream: str = Field(
        "vehicle",
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="record: the stream its messages are of. `vehicle` has a built-in mapping for T-Box messages; for "
        "another, name a mapping of your own in the connection's `mappings`",
    )
    qos: Literal[0, 1] | None = Field(None, description="Quality of service, if other than the connection's `qos`")
    device: Names = Field(("device", "device_id", "deviceId"), description="json: fields that may name the device")
    device_name: Names = Field(("device_name",), description="json: fields that may hold the device's display name")
    metric: Names = Field(("metric", "name"), description="json: fields that may name what is measured")
    value: Names = Field(("value", "v"), description="json: fields that may hold the value")
    values: Names = Field(
        ("values", "metrics", "readings", "data"),
        description="json: fields that may hold several readings, as an object by metric or a list of objects",
    )
    unit: Names = Field(("unit",), description="json: fields that may hold the unit")
    at: Names = Field(
        ("timestamp", "ts", "time", "at"),
        description="json: fields that may hold when it was measured: ISO 8601 with a zone, or seconds, milliseconds, "
        "microseconds or nanoseconds since 1970",
    )
    time_zone: str = Field(
        "", description="Zone of times that name none, such as Asia/Shanghai; without it such a message is unusable"
    )
    seq: Names = Field(("seq", "sequence"), description="json: fields that may hold the device's message counter")
    id: Names = Field(
        (),
        description="json: fields that hold an id no other message of this topic ever has; two with the same are one",
    )
    site: Names = Field(("site",), description="json: fields that may name the site")
    customer: Names = Field(("customer",), description="json: fields that may name the customer")
    quality: Names = Field(("quality",), description="json: fields that may hold good, bad or stale")
    identity: Literal["auto", "content", "arrival"] = Field(
        "auto",
        description="When are two messages the same one sent twice? content: same topic and payload. arrival: only if "
        "the broker sends it again. auto: content where the payload has an id, a time or a counter, else arrival.",
    )
    online: Names = Field(("online", "connected", "1", "true"), description="presence: payloads that mean: it is there")
    offline: Names = Field(("offline", "disconnected", "0", "false", "lost"), description="presence: it is gone")
    fixed: Fixed = Field(Fixed.model_validate({}), description="What neither topic nor payload tells")

    @property
    def template(self) -> TopicTemplate:
        return TopicTemplate(self.topic)

    @property
    def zone(self) -> ZoneInfo | None:
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError) as e:
            raise ValueError(f"no time zone {value!r}; write a name such as Asia/Shanghai or UTC") from e
        return value

    @model_validator(mode="after")
    def _complete(self) -> TopicSettings:
        names = self.template.names
        if self.format == "sparkplug_b":
            if self.topic.split("/")[0] != SPARKPLUG:
                raise ValueError(f"a Sparkplug B topic begins with {SPARKPLUG}/, e.g. {SPARKPLUG}/#")
            return self
        wanted = {"number": ("device", "metric"), "text": ("device", "metric"), "presence": ("device",)}
        for name in wanted.get(self.format, ()):
            if name not in names and not getattr(self.fixed, name):
                raise ValueError(
                    f"format {self.format} tells no {name}: put {{{name}}} into `topic`, or set fixed.{name}"
                )
        if self.format == "record" and self.stream == "reading":
            raise ValueError("stream: `reading` is for measurements; choose another name")
        if self.format in ("json", "record") and "device" not in names and not self.device and not self.fixed.device:
            raise ValueError(
                "which device is it? Put {device} into `topic`, name its field in `device`, or fixed.device"
            )
        return self


class CommandSettings(Settings):
    """How the hub tells a device to do something."""

    topic: Topic = Field(
        description="Where commands go; names are filled from the command's key and {command} from its body",
        examples=["cmd/{site}/{device}/{command}"],
    )
    payload: Literal["envelope", "raw"] = Field(
        "envelope",
        description="envelope: {id, command, args, reply_to} as JSON. raw: the command's payload alone, as your "
        "devices know it; id and reply topic then travel as MQTT 5 correlation data and response topic",
    )
    qos: Literal[0, 1] = Field(1, description="Quality of service of commands")
    retain: bool = Field(False, description="Let the broker keep the last command for devices that connect later")
    expire_after_s: int = Field(
        0,
        ge=0,
        le=4_294_967_295,
        description="A device that is away gets a command only if back within so many seconds (MQTT 5); 0: always",
    )
    response_topic: Topic | None = Field(
        None,
        description="Where devices answer; may hold names of `topic` and {id}. None: the broker's acknowledgement is "
        "all we learn",
        examples=["cmd-response/{device}/{id}"],
    )
    response_timeout_s: float = Field(10, gt=0, le=120, description="Longest wait for a device's answer, in seconds")
    state_topic: Topic | None = Field(
        None,
        description="Where each device keeps a retained JSON object of its state. With it a command whose answer was "
        "lost is looked up instead of asking a person",
        examples=["state/{site}/{device}"],
    )
    state_commands: str = Field(
        "last_commands",
        description="Field of the state with the id of the last command, or a list of the latest. If the state lacks "
        "it, a command is taken as done when its args equal the state's fields of the same names",
    )
    repeat_safe: bool = Field(
        False,
        description="Devices take the same command twice without harm (they know its id, or it only sets a value): "
        "when its fate is unknown, send it again instead of asking a person",
    )

    @model_validator(mode="after")
    def _fillable(self) -> CommandSettings:
        for name, text in (
            ("topic", self.topic),
            ("response_topic", self.response_topic),
            ("state_topic", self.state_topic),
        ):
            if text and {"+", "#"} & set(text.split("/")):
                raise ValueError(f"{name}: {text!r} has a wildcard; use {{names}}, they are filled for each command")
        known = TopicTemplate(self.topic).names
        for name, text in (("response_topic", self.response_topic), ("state_topic", self.state_topic)):
            foreign = sorted(TopicTemplate(text).names - known - {"id"}) if text else []
            if foreign:
                raise ValueError(f"{name}: {{{foreign[0]}}} is not in `topic`, so nothing can fill it")
        if self.state_topic and {"id", "command"} & TopicTemplate(self.state_topic).names:
            raise ValueError("state_topic: a device has one state; leave {id} and {command} out")
        return self


class MqttConfig(Settings):
    """One broker, whose messages are read as measurements, and devices that take commands over it."""

    url: str = Field(
        description="Address of the broker: mqtt://host, mqtts://host (encrypted), ws:// or wss://host/mqtt; with "
        ":port if it is not the usual one",
        examples=["mqtts://broker.example.com:8883"],
    )
    client_id: str = Field(
        "weft-hub",
        pattern=r"^[A-Za-z0-9_.:-]{1,64}$",
        description="Our name at the broker; must be ours alone, and stay: what was sent while the hub was down is "
        "kept under it",
    )
    username: str = Field("", description="The hub's account at the broker")
    password: SecretStr = Field(SecretStr(""), description="Password of `username`")
    ca_file: File = Field("", description="File with the broker's certificate authority, if it is your own (PEM)")
    cert_file: File = Field("", description="File with the hub's certificate, if the broker wants one (PEM)")
    key_file: File = Field("", description="File with the private key of `cert_file` (PEM)")
    key_password: SecretStr = Field(SecretStr(""), description="Password of `key_file`, if it has one")
    verify_tls: bool = Field(True, description="Check the broker's certificate; switch off only in a test")
    protocol: Literal["5", "3.1.1"] = Field("5", description="Version of MQTT that the broker speaks")
    topics: tuple[TopicSettings, ...] = Field(
        (TopicSettings.model_validate({"topic": "dt/{site}/{device}/{metric}"}),),
        min_length=1,
        max_length=200,
        description="What to subscribe to and how to read it; a topic that fits several is read as the first of them",
    )
    qos: Literal[0, 1] = Field(
        1,
        description="Quality of service of subscriptions. 1: a message is acknowledged once the hub has stored it. (2 "
        "is not offered: there the broker is told before that.)",
    )
    shared_group: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_.-]{0,64}$",
        description="Share the messages between several hubs: all that give the same group get each message once. "
        "Nothing is then kept for a hub that is down",
    )
    session_expiry_s: int = Field(
        259_200,
        ge=0,
        le=4_294_967_295,
        description="How long the broker keeps messages for a hub that is down, in seconds (MQTT 5). Its own queue "
        "limit counts too",
    )
    receive_maximum: int = Field(
        1000,
        ge=1,
        le=65_535,
        description="Most messages that may be waiting for our acknowledgement at a time (MQTT 5)",
    )
    redeliver_after_s: float = Field(
        120,
        ge=1,
        le=86_400,
        description="A message the hub could not store within this time is asked for again, by connecting anew",
    )
    keepalive_s: int = Field(
        60, ge=5, le=3600, description="Longest silence before both sides check the line, in seconds"
    )
    timeout_s: float = Field(10, gt=0, le=60, description="Longest wait for one answer of the broker, in seconds")
    clock_tolerance_s: int = Field(
        300,
        ge=0,
        le=86_400,
        description="A time further in the future is a wrong device clock: the time of arrival is used instead",
    )
    max_payload_bytes: int = Field(1 << 20, ge=100, le=1 << 28, description="A larger message is refused as unusable")
    sparkplug_rebirth: bool = Field(
        True, description="Ask a Sparkplug edge node to introduce itself anew when its data can't be understood"
    )
    sparkplug_host_id: str = Field(
        "",
        pattern=r"^[^/+#\x00]{0,200}$",
        description="Announce the hub as this Sparkplug host application, whose edge nodes keep data while it is away",
    )
    commands: CommandSettings | None = Field(
        None, description="How to send commands to devices; None: the hub only reads"
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(
                "write the broker's address as mqtt://host, mqtts://host, ws://host/path or wss://host/path"
            )
        if parts.username or parts.password:
            raise ValueError("no user or password in the address: use `username` and `password`")
        if parts.query or parts.fragment or (parts.path not in ("", "/") and parts.scheme in ("mqtt", "mqtts")):
            raise ValueError("nothing may follow the host and port (ws:// and wss:// may have a path)")
        if parts.port == 0:
            raise ValueError("the port must be from 1 to 65535")
        return value.strip().rstrip("/")

    @model_validator(mode="after")
    def _whole(self) -> MqttConfig:
        if self.password.get_secret_value() and not self.username:
            raise ValueError("`password` without `username`: give both or none")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("`cert_file` and `key_file` go together")
        if not self.encrypted and (self.ca_file or self.cert_file):
            raise ValueError("certificates are for mqtts:// and wss:// only; change `url`, or leave them out")
        if self.shared_group and self.protocol != "5":
            raise ValueError("`shared_group` needs protocol 5")
        filters = [topic.template.filter for topic in self.topics]
        twice = sorted({f for f in filters if filters.count(f) > 1})
        if twice:
            raise ValueError(f"two of `topics` subscribe to {twice[0]!r}; leave one out")
        answers = self.commands.response_topic if self.commands and self.commands.payload == "raw" else None
        if answers and not self.mqtt5 and "id" not in TopicTemplate(answers).names:
            raise ValueError("commands: without MQTT 5 a raw command's answer is known by {id} in `response_topic`")
        return self

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or PORTS[self.scheme]

    @property
    def path(self) -> str:
        """Path of a WebSocket; empty for others."""
        return (urlsplit(self.url).path or "/mqtt") if self.scheme in ("ws", "wss") else ""

    @property
    def encrypted(self) -> bool:
        return self.scheme in ("mqtts", "wss")

    @property
    def mqtt5(self) -> bool:
        return self.protocol == "5"

    @property
    def speaks_sparkplug(self) -> bool:
        return any(topic.format == "sparkplug_b" for topic in self.topics)


__all__ = ["PORTS", "SPARKPLUG", "CommandSettings", "Fixed", "MqttConfig", "TemplateError", "TopicSettings"]
