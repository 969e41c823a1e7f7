"""What the hub of the tour is connected to, and its rules: configuration as a person would write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.registry import installed
from gateway.config.provided import builtin_rules, defaults_of

PLANT = "plant"
POLL_S = 5
"""The tour does not wait a minute for what changes in a system."""
_FAST = {
    "u8": ("stock",),
    "kingdee": ("stock",),
    "mes": ("downtime", "inspections"),
}
_SAME_CODES = {
    "zabbix": {"device": "mes", "customer": "erp"},
    PLANT: {"device": "mes"},
    "mes": {"item": "erp", "supplier": "erp"},
    "scm": {"supplier": "erp"},
}
"""Whose ids a system uses for what it does not number itself: the monitoring's hosts are the MES's machines."""

TOO_HOT: dict[str, Any] = {
    "id": "device-too-hot",
    "title": "设备过热 · A device is too hot",
    "on": "Reading",
    "when": "metric == 'temperature'",
    "threshold": {"above": "85", "clear": "75", "for": "6s"},
    "ticket": {
        "kind": "'incident'",
        "priority": "'P1'",
        "title": "concat('设备过热 Too hot: ', device, ' ', text(value), ' ', unit)",
        "description": "concat('高于 above ', text(limit.value), '，自 since ', limit.since)",
        "device": "ids.device",
    },
}
NO_COOLANT: dict[str, Any] = {
    "id": "no-coolant",
    "title": "冷却水不足 · Too little coolant",
    "on": "Reading",
    "when": "metric == 'coolant'",
    "threshold": {"below": "5", "clear": "8"},
    "storm": {"kind": "'no-coolant'"},
    "ticket": {
        "kind": "'incident'",
        "priority": "'P2'",
        "title": "concat('冷却水流量过低 Too little coolant: ', device)",
        "description": "concat(text(value), ' ', unit, '，低于 below ', text(limit.value))",
        "device": "ids.device",
    },
}
RULES = (TOO_HOT, NO_COOLANT)


def connections(
    systems: Mapping[str, Any], plant: Mapping[str, Any] | None, *, check_after: str = "20s"
) -> list[dict[str, Any]]:
    """The company's systems (`CompanyProcess.systems()`) and, if there is a broker, the plant's devices and vehicles,
    whose settings are `plant`. `check_after`: how long another system gets to follow before it is asked whether it
    agrees."""
    found = [dict(spec) for spec in systems["connections"]]
    if plant is not None:
        topics = [*plant["topics"], {"topic": "tbox/{device}", "format": "record"}]
        found.append({"id": PLANT, "connector": "mqtt", "config": {**plant, "topics": topics}, "stale_after_s": 3600})
    erp = "u8" if "u8" in systems["urls"] else "kingdee"
    for spec in found:
        name = spec["id"]
        spec["poll_every_s"] = POLL_S
        spec["sync_every_s"] = dict.fromkeys(_FAST.get(name, ()), POLL_S)
        if name in _SAME_CODES:
            spec["codes"] = {kind: erp if whose == "erp" else whose for kind, whose in _SAME_CODES[name].items()}
        if name == "salesforce":
            spec["checks"] = _own_checks(name, after=check_after)
    return found


def documents(
    systems: Mapping[str, Any],
    plant: Mapping[str, Any] | None,
    others: Sequence[Mapping[str, Any]] = (),
    *,
    check_after: str = "20s",
) -> dict[str, Any]:
    """The whole configuration as `weft apply` takes it: the connections, `others` too, and of rules what their connectors
    and the hub have by themselves and the tour's own."""
    specs = [*connections(systems, plant, check_after=check_after), *map(dict, others)]
    known = installed().good
    kinds = dict.fromkeys(spec["connector"] for spec in specs)
    own = [rule for kind in kinds for rule in defaults_of(known[kind]).rules]
    told = [rule.model_dump(mode="json", by_alias=True, exclude_defaults=True) for rule in (*own, *builtin_rules())]
    return {"connections": specs, "rules": [*told, *RULES]}


def _own_checks(connector: str, **changes: Any) -> list[dict[str, Any]]:
    """What the connector checks by itself, with changes."""
    own = defaults_of(installed().good[connector]).checks
    return [check.model_dump(mode="json", exclude_defaults=True) | changes for check in own]
