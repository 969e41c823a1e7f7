"""What Zabbix can tell about a device for a ticket's context: its host, its load, its latest problems."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.contract import Answer, Ask, Question
from connectors.errors import BadRecord, Transient
from connectors.zabbix.client import ZabbixClient
from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.records import SEVERITY_NAMES, event_url, moment

HOUR = 3600
_AGENT = frozenset({"0", "7"})
"""Item types: asked by the server, sent by the agent."""
_MODES = frozenset({"idle", "user", "system", "nice", "iowait", "interrupt", "softirq", "steal", "guest", "guest_nice"})

QUESTIONS = (
    Question(
        name="cpu_mean_1h",
        needs=("device",),
        title="CPU load, mean of the last hour",
        title_zh="最近一小时 CPU 平均使用率",
        record="zabbix.cpu_mean_1h",
    ),
    Question(
        name="recent_problems",
        needs=("device",),
        title="Latest problems of the device",
        title_zh="该设备最近的问题",
        record="zabbix.recent_problems",
    ),
    Question(name="host", needs=("device",), title="Host in Zabbix", title_zh="Zabbix 主机信息", record="zabbix.host"),
)


class Asker:
    """Answers one question within its deadline; each call to Zabbix gets what is left of it."""

    def __init__(self, client: ZabbixClient, config: ZabbixConfig, ask: Ask, now: datetime) -> None:
        self._client = client
        self._config = config
        self._ask = ask
        self._now = now
        self._until = time.monotonic() + ask.deadline_s

    def answer(self) -> Answer | None:
        """The answer, None when Zabbix knows no such device or has no such values. Raises BadRecord for a question
        that is not one of QUESTIONS or lacks its `device`, Transient when the deadline has passed."""
        asked = {"cpu_mean_1h": self._cpu_mean, "recent_problems": self._recent_problems, "host": self._host_info}
        if self._ask.question not in asked:
            raise BadRecord(f"No question {self._ask.question!r}; there are {', '.join(asked)}.")
        device = self._ask.inputs.get("device")
        if device is None or str(device).strip() == "":
            raise BadRecord(f"{self._ask.question} needs the input `device`: a host's id or technical name.")
        host = self._host(str(device))
        return None if host is None else asked[self._ask.question](host)

    def _get(self, method: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = self._client.call(method, params, timeout_s=self._left(method))
        return found if isinstance(found, list) else []

    def _left(self, method: str) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise Transient(f"The deadline passed before Zabbix could be asked for {method}.")
        return left

    def _host(self, device: str) -> dict[str, Any] | None:
        """The host of this technical name, else of this id, else of this visible name if it is the only one."""
        query: dict[str, Any] = {
            "output": ["hostid", "host", "name", "status", "description", "maintenance_status", "inventory_mode"],
            "selectInterfaces": ["ip", "dns", "port", "type", "main", "available", "error"],
            "selectInventory": "extend",
            self._client.version(timeout_s=self._left("apiinfo.version")).host_groups: ["name"],
        }
        named = {"filter": {"host": [device], "name": [device]}, "searchByAny": True}
        found = self._get("host.get", query | named)
        exact = [h for h in found if h["host"] == device]
        if not exact and device.isascii() and device.isdecimal():
            exact = self._get("host.get", query | {"hostids": [device]})
        chosen = exact or found
        return chosen[0] if len(chosen) == 1 else None

    def _link(self, page: str) -> str:
        return f"{self._config.url}/{page}"

    # -- the questions ---------------------------------------------------------------------------------------------

    def _host_info(self, host: Mapping[str, Any]) -> Answer:
        inventory = host.get("inventory") or {}
        groups = host.get("hostgroups", host.get("groups", []))
        return Answer(
            values={
                "host_id": host["hostid"],
                "host": host["host"],
                "name": host["name"],
                "description": host.get("description") or None,
                "monitored": str(host.get("status")) == "0",
                "in_maintenance": str(host.get("maintenance_status")) == "1",
                "groups": sorted(g["name"] for g in groups),
                "interfaces": [_interface(i) for i in host.get("interfaces", [])],
                "inventory": {k: v for k, v in sorted(dict(inventory).items()) if v and k != "hostid"},
            },
            as_of=self._now,
            link=self._link(f"zabbix.php?action=host.view&filter_set=1&hostids%5B%5D={host['hostid']}"),
            key=str(host["hostid"]),
        )

    def _recent_problems(self, host: Mapping[str, Any]) -> Answer:
        query = {
            "output": ["eventid", "objectid", "clock", "name", "severity", "r_eventid", "acknowledged"],
            "hostids": [host["hostid"]],
            "value": [1],
            "sortfield": ["eventid"],
            "sortorder": "DESC",
            "limit": 10,
        }
        events = self._get("event.get", query)
        return Answer(
            values={
                "open": sum(str(e["r_eventid"]) == "0" for e in events),
                "problems": [
                    {
                        "event_id": str(e["eventid"]),
                        "name": e["name"],
                        "severity": SEVERITY_NAMES[int(e["severity"])],
                        "started_at": moment(e["clock"]),
                        "open": str(e["r_eventid"]) == "0",
                        "acknowledged": str(e["acknowledged"]) == "1",
                        "url": event_url(self._config.url, str(e["objectid"]), str(e["eventid"])),
                    }
                    for e in events
                ],
            },
            as_of=self._now,
            link=self._link(f"zabbix.php?action=problem.view&filter_set=1&hostids%5B%5D={host['hostid']}"),
            key=str(host["hostid"]),
        )

    def _cpu_mean(self, host: Mapping[str, Any]) -> Answer | None:
        query = {
            "output": ["itemid", "key_", "type", "value_type", "units"],
            "hostids": [host["hostid"]],
            "search": {"key_": "system.cpu.util"},
            "startSearch": True,
            "filter": {"value_type": [0, 3], "status": [0]},
        }
        chosen = cpu_item(self._get("item.get", query))
        if chosen is None:
            return None
        item, is_idle = chosen
        till = int(self._now.timestamp())
        samples = self._history(item, till - HOUR, till) or self._trend(item, till - 2 * HOUR, till)
        if samples is None:
            return None
        mean, low, high, count, newest, source, points = samples
        if is_idle:
            mean, low, high = 100 - mean, 100 - high, 100 - low
            points = [(at, 100 - value) for at, value in points]
        return Answer(
            values={
                "cpu_mean_1h": mean.quantize(Decimal("0.01")),
                "min": low.quantize(Decimal("0.01")),
                "max": high.quantize(Decimal("0.01")),
                "unit": item.get("units") or "%",
                "samples": count,
                "source": source,
                "item": item["key_"],
                "recent": [[moment(at), value.quantize(Decimal("0.01"))] for at, value in points],
            },
            as_of=datetime.fromtimestamp(newest, UTC),
            link=self._link(f"history.php?action=showgraph&itemids%5B%5D={item['itemid']}"),
            key=str(item["itemid"]),
        )

    def _history(self, item: Mapping[str, Any], since: int, till: int) -> _Samples | None:
        query = {
            "output": ["clock", "value"],
            "itemids": [item["itemid"]],
            "history": int(item["value_type"]),
            "time_from": since,
            "time_till": till,
            "sortfield": "clock",
            "sortorder": "DESC",
            "limit": 5000,
        }
        rows = self._get("history.get", query)
        if not rows:
            return None
        values = [Decimal(str(r["value"])) for r in rows]
        mean = sum(values, Decimal(0)) / len(values)
        every = -(-len(rows) // _POINTS)
        points = [(int(r["clock"]), Decimal(str(r["value"]))) for r in rows[::every]][::-1]
        return mean, min(values), max(values), len(values), int(rows[0]["clock"]), "history", points

    def _trend(self, item: Mapping[str, Any], since: int, till: int) -> _Samples | None:
        """The newest complete hour, for an item whose single values are not kept."""
        query = {
            "output": ["clock", "num", "value_min", "value_avg", "value_max"],
            "itemids": [item["itemid"]],
            "time_from": since,
            "time_till": till,
        }
        rows = sorted(self._get("trend.get", query), key=lambda r: int(r["clock"]))
        if not rows:
            return None
        row = rows[-1]
        average, low, high = (Decimal(str(row[k])) for k in ("value_avg", "value_min", "value_max"))
        return average, low, high, int(row["num"]), min(int(row["clock"]) + HOUR, till), "trend", []


_Samples = tuple[Decimal, Decimal, Decimal, int, int, str, list[tuple[int, Decimal]]]
"""Mean, lowest, highest, how many, the clock of the newest, `history` or `trend`, and single values for a chart."""
_POINTS = 60
"""As many as a chart of an hour needs."""


def cpu_item(items: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], bool] | None:
    """The item for the whole CPU's use, and whether it counts idle time instead; never that of one processor or one
    mode.

    The templates' `system.cpu.util` is a total, computed or by SNMP; asked of a Unix agent the same key is the user
    time only. So: a computed total, else the idle time of all processors, else what the agent says."""
    agent: list[Mapping[str, Any]] = []
    total: list[Mapping[str, Any]] = []
    idle: list[Mapping[str, Any]] = []
    for item in sorted(items, key=lambda i: (len(str(i["key_"])), str(i["key_"]))):
        found = re.fullmatch(r"system\.cpu\.util(?:\[(.*)\])?", str(item["key_"]))
        if found is None:
            continue
        parameters = [p.strip().strip('"') for p in (found[1] or "").split(",")]
        one_processor = parameters[0].isdecimal()
        mode = next((p for p in parameters if p in _MODES), "")
        if mode == "idle" and not one_processor:
            idle.append(item)
        elif not mode and not one_processor:
            (agent if str(item.get("type")) in _AGENT else total).append(item)
    if total:
        return total[0], False
    if idle:
        return idle[0], True
    return (agent[0], False) if agent else None


def _interface(interface: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {"1": "agent", "2": "SNMP", "3": "IPMI", "4": "JMX"}
    available = {"1": True, "2": False}.get(str(interface.get("available")))
    return {
        "kind": kinds.get(str(interface.get("type")), str(interface.get("type"))),
        "ip": interface.get("ip") or None,
        "dns": interface.get("dns") or None,
        "port": interface.get("port") or None,
        "main": str(interface.get("main")) == "1",
        "available": available,
        "error": interface.get("error") or None,
    }
