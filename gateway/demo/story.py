"""The story of the tour: what happens in the example company, told to its stand-ins and over MQTT, never to the hub.

`steps()` is the story as data. A `Stage` carries steps out: it knows where the stand-ins and the broker are.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gateway.demo.company import ENOUGH, SPARE

MACHINE = "press-7"
BATCH = "BAT-2026-07"
VEHICLES = 112
WITHOUT_COOLANT = 60
_ACKNOWLEDGED_WITHIN_S = 30


@dataclass(frozen=True)
class Tell:
    """One request to a stand-in's control surface (see the docstring of its sandbox module)."""

    system: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Publish:
    """One MQTT message, measured so many minutes ago."""

    topic: str
    values: Mapping[str, Any]
    minutes_ago: float = 0


@dataclass(frozen=True)
class Shows:
    """How the ticket that the hub makes of a step is recognised: its kind, and a word of its title."""

    kind: str
    word: str

    def is_it(self, ticket: Mapping[str, Any]) -> bool:
        return ticket["kind"] == self.kind and self.word in ticket["title"]


@dataclass(frozen=True)
class Step:
    """Something happens, `after_s` behind the step before. `needs`: the system without which it is left out; `look`:
    the sections of the ticket's snapshot that are worth a look; `do`: what the newcomer may do: resolve or approve it,
    or look at the channels."""

    id: str
    zh: str
    en: str
    after_s: float
    does: Sequence[Tell | Publish]
    shows: Shows | None = None
    needs: str = ""
    look: tuple[str, ...] = ()
    do: str = ""


def steps(*, down_minutes: int = 14) -> tuple[Step, ...]:
    """The story. `down_minutes`: how long the machine has been down when the MES is told; the ticket comes at 15."""
    return (
        Step(
            "payment",
            "支付网关 pay01 的失败率升到 12.5 %，Zabbix 告警。",
            "12.5 % of the payments of gateway pay01 fail: Zabbix raises a problem.",
            3,
            [
                *(_reading("pay01", "latency", 300 + 45 * n, "ms", 12 - n) for n in range(12)),
                Tell("zabbix", "/sandbox/values", {"host": "pay01", "key": "payment.failed", "value": 12.5}),
            ],
            Shows("incident", "Payment gateway 1"),
            look=(
                "salesforce.last_interactions",
                "purchase_frequency",
                "cpu_mean_1h",
                "device_twin",
                "similar_articles",
            ),
            do="resolve",
        ),
        Step(
            "machine-down",
            f"7 号冲压机（{MACHINE}）振动越来越大，{down_minutes} 分钟前停机；停满 15 分钟自动建维修工单，原因报告自己写好。",
            f"Press 7 ({MACHINE}) shook more and more and has been down for {down_minutes} minutes; at 15 a maintenance "
            "ticket opens, and its root-cause report writes itself.",
            12,
            [
                *(_reading(MACHINE, "vibration", 2.4 + 0.5 * n, "mm/s", down_minutes + 6 - n) for n in range(6)),
                Tell("mes", f"/sandbox/stop?device={MACHINE}&minutes={down_minutes}"),
            ],
            Shows("maintenance", MACHINE),
            look=("root_cause", "oee_before_after", "work_order"),
        ),
        Step(
            "stock",
            f"仓库只剩 12 个轴承 {SPARE}，低于安全库存 20。",
            f"Only 12 bearings {SPARE} are left; the safety stock is 20.",
            10,
            [Tell("u8", "/sandbox/stock", {"item": SPARE, "quantity": 12})],
            Shows("spare_part_purchase", "轴承"),
            needs="u8",
            look=("u8.bom", "u8.open_purchase_orders", "u8.suppliers"),
            do="approve",
        ),
        Step(
            "vehicles",
            f"{VEHICLES} 辆同型号、同里程段的车报同一个故障码 P0A1F。",
            f"{VEHICLES} vehicles of one model and mileage report the same fault code, P0A1F.",
            20,
            [
                Tell(
                    "mes",
                    f"/sandbox/inspect?item=BAT-90&batch={BATCH}&result=不合格&inspected=80&defects=6&supplier=V002",
                ),
                *(Publish(f"tbox/{_vin(n)}", _fault(n)) for n in range(VEHICLES)),
            ],
            Shows("potential_batch_issue", "E5"),
            needs="plant",
            look=("mes.batch_quality",),
        ),
        Step(
            "storm",
            f"冷却水泵停了：{WITHOUT_COOLANT} 台设备同时告警。超过 50 起即合并为一张 P0，企业微信和钉钉各收到一条 @所有人。",
            f"The coolant pump stops: {WITHOUT_COOLANT} machines report it within seconds. Beyond 50 they become one P0, and "
            "WeCom and DingTalk each get one message to all.",
            30,
            [_reading(f"spindle-{n:02}", "coolant", 2, "L/min") for n in range(1, WITHOUT_COOLANT + 1)],
            Shows("incident", "告警风暴"),
            needs="plant",
            do="channels",
        ),
        Step(
            "coolant-back",
            "冷却水恢复：没有人动过的工单自动解决。",
            "The coolant is back: the tickets that nobody has touched resolve themselves.",
            25,
            [_reading(f"spindle-{n:02}", "coolant", 12, "L/min") for n in range(1, WITHOUT_COOLANT + 1)],
            needs="plant",
        ),
        Step(
            "payment-again",
            "第二个支付网关 pay02 也开始失败；已解决的相似工单会出现在快照里。",
            "The second gateway, pay02, fails as well; its snapshot shows similar tickets that were solved.",
            20,
            [Tell("zabbix", "/sandbox/values", {"host": "pay02", "key": "payment.failed", "value": 9})],
            Shows("incident", "Payment gateway 2"),
            look=("similar_tickets",),
        ),
        Step(
            "goods-arrive",
            f"轴承到货，库存 {ENOUGH} 个：采购工单随之解决。",
            f"The bearings arrive, {ENOUGH} in stock: the purchase ticket is resolved.",
            25,
            [Tell("u8", "/sandbox/stock", {"item": SPARE, "quantity": int(ENOUGH)})],
            needs="u8",
        ),
        Step(
            "machine-runs",
            "7 号冲压机修好了，重新运转。",
            "Press 7 is repaired and runs again.",
            10,
            [Tell("mes", f"/sandbox/run?device={MACHINE}")],
        ),
    )


def _reading(device: str, metric: str, value: float, unit: str, minutes_ago: float = 0) -> Publish:
    return Publish(f"dt/plant1/{device}/{metric}", {"value": round(value, 2), "unit": unit}, minutes_ago)


def _vin(number: int) -> str:
    return f"LSVAA4189E2{number:06}"


def _fault(number: int) -> dict[str, Any]:
    return {"vin": _vin(number), "model": "E5", "fault_code": "P0A1F", "mileage": 41_000 + 100 * number, "soc": 30 + number % 60,
            "ambient": 33.5, "batch": BATCH}  # fmt: skip


class Stage:
    """Where the story plays: `urls` of the stand-ins by the ids of their connections, and the broker's URL, if there is
    one. `ca_files`: certificates to trust, by system. A context manager."""

    def __init__(
        self, urls: Mapping[str, str], broker_url: str = "", ca_files: Mapping[str, Path] | None = None
    ) -> None:
        self.urls = dict(urls)
        self._broker_url = broker_url
        self._ca_files = ca_files or {}
        self._http: dict[str, httpx.Client] = {}
        self._mqtt: mqtt.Client | None = None

    def has(self, step: Step) -> bool:
        """Whether what the step needs is there."""
        return step.needs in ("", *self.urls) or (step.needs == "plant" and bool(self._broker_url))

    def play(self, step: Step) -> None:
        """Do what the step does. Raises httpx.HTTPError when a stand-in refuses, ConnectionError without the broker."""
        self._publish([deed for deed in step.does if isinstance(deed, Publish)])
        for deed in step.does:
            if isinstance(deed, Tell):
                answer = self.client(deed.system).post(deed.path, json=dict(deed.body))
                answer.raise_for_status()

    def client(self, system: str) -> httpx.Client:
        """Speaks with a stand-in: `client("salesforce").get("/sandbox/records/Case")`."""
        if system not in self._http:
            ca_file = self._ca_files.get(system)
            trusted: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else True
            self._http[system] = httpx.Client(base_url=self.urls[system], timeout=30, trust_env=False, verify=trusted)
        return self._http[system]

    def _publish(self, messages: Iterable[Publish]) -> None:
        messages = list(messages)
        if not messages or not self._broker_url:
            return
        now = time.time()
        client = self._mqtt or self._connected()
        sent = [
            client.publish(
                m.topic, json.dumps({**m.values, "timestamp": int((now - 60 * m.minutes_ago) * 1000)}), qos=1
            )
            for m in messages
        ]
        for each in sent:
            each.wait_for_publish(_ACKNOWLEDGED_WITHIN_S)

    def _connected(self) -> mqtt.Client:
        place = urlsplit(self._broker_url)
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "weft-story")
        client.max_inflight_messages_set(200)
        client.connect(place.hostname or "127.0.0.1", place.port or 1883)
        client.loop_start()
        self._mqtt = client
        return client

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._http.values():
            client.close()
        if self._mqtt is not None:
            self._mqtt.disconnect()
            self._mqtt.loop_stop()


def ca_files(connections: Iterable[Mapping[str, Any]]) -> dict[str, Path]:
    """The certificates that connections trust, by their id."""
    return {c["id"]: Path(c["config"]["ca_file"]) for c in connections if "ca_file" in c["config"]}
