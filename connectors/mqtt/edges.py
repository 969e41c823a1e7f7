"""What the running subscription remembers of Sparkplug edge nodes: births, order of messages, who is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.errors import BadRecord
from connectors.mqtt.sparkplug import DEVICES, KNOWN, VOID, Meaning, SparkplugTopic, birth_number, meanings, needed
from connectors.mqtt.sparkplug_payload import decode

ASK_AGAIN_S = 30.0
"""A rebirth that was asked for is given this long before it is asked for again."""


@dataclass
class EdgeNode:
    """One edge node since its latest birth. `devices`: name → is there."""

    bd_seq: int | None = None
    next_seq: int | None = None
    born: bool = False
    metrics: dict[str, dict[str, Meaning]] = field(default_factory=dict)
    devices: dict[str, bool] = field(default_factory=dict)
    asked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What a message needs to be read later, and whether its edge node must be asked for a rebirth now."""

    headers: dict[str, str]
    ask: bool = False


class EdgeNodes:
    """Follows every message of all edge nodes, in their order. For one thread."""

    def __init__(self, *, rebirth: bool) -> None:
        self._rebirth = rebirth
        self._nodes: dict[tuple[str, str], EdgeNode] = {}

    def note(self, place: SparkplugTopic, body: bytes, now: float) -> Noted:
        """`now`: seconds of a clock that never goes back. An unreadable message is left for `receive` to refuse."""
        if place.kind in ("STATE", "NCMD", "DCMD"):
            return Noted({})
        node = self._nodes.setdefault((place.group, place.edge), EdgeNode())
        try:
            payload = decode(body)
            if place.kind == "NBIRTH":
                return self._born(node, payload)
            if place.kind == "NDEATH":
                return self._died(node, payload)
            in_order = self._in_order(node, payload)
            if place.kind == "DBIRTH":
                node.devices[place.device] = True
                node.metrics[place.device] = dict(meanings(payload))
            elif place.kind == "DDEATH":
                node.devices[place.device] = False
            headers, understood = self._known(node, place, payload) if place.kind.endswith("DATA") else ({}, True)
        except BadRecord:
            return Noted({})
        ask = not (node.born and in_order and understood) and self._may_ask(node, now)
        if not understood and self._rebirth:
            headers[VOID] = "no birth message was seen yet; it was asked for and will tell the values anew"
        return Noted(headers, ask)

    def forget_order(self) -> None:
        """Messages may have been missed: what counts is what comes next."""
        for node in self._nodes.values():
            node.next_seq = None

    def count(self) -> dict[str, int]:
        """Edge nodes and devices that are there. From any thread."""
        born = [node for node in list(self._nodes.values()) if node.born]
        return {"edge_nodes": len(born), "devices": sum(sum(node.devices.values()) for node in born)}

    @staticmethod
    def _born(node: EdgeNode, payload: Any) -> Noted:
        found = dict(meanings(payload))
        node.bd_seq = birth_number(payload)
        node.next_seq = (payload.seq + 1) % 256
        node.born, node.asked_at = True, None
        node.metrics = {"": found}
        node.devices = {}
        return Noted({})

    @staticmethod
    def _died(node: EdgeNode, payload: Any) -> Noted:
        number = birth_number(payload)
        if node.born and None not in (number, node.bd_seq) and number != node.bd_seq:
            return Noted({VOID: f"the last will of an older session (bdSeq {number}, now {node.bd_seq})"})
        there = [device for device, online in node.devices.items() if online]
        node.born, node.next_seq = False, None
        node.devices = dict.fromkeys(node.devices, False)
        return Noted({DEVICES: orjson.dumps(there).decode()} if there else {})

    @staticmethod
    def _in_order(node: EdgeNode, payload: Any) -> bool:
        if not payload.HasField("seq"):
            return True
        expected, node.next_seq = node.next_seq, (payload.seq + 1) % 256
        return expected is None or bool(payload.seq == expected)

    @staticmethod
    def _known(node: EdgeNode, place: SparkplugTopic, payload: Any) -> tuple[dict[str, str], bool]:
        """What births told of this message's metrics, and whether that is enough. An alias is unique in a node."""
        own, nodes = node.metrics.get(place.device, {}), node.metrics.get("", {})
        found: dict[str, Meaning] = {}
        complete = True
        for key in needed(payload):
            meaning = own.get(key) or nodes.get(key)
            if meaning is not None:
                found[key] = meaning
            elif not key.startswith("="):
                complete = False
        return ({KNOWN: orjson.dumps({k: list(m) for k, m in found.items()}).decode()} if found else {}), complete

    def _may_ask(self, node: EdgeNode, now: float) -> bool:
        if not self._rebirth or (node.asked_at is not None and now - node.asked_at < ASK_AGAIN_S):
            return False
        node.asked_at = now
        return True
