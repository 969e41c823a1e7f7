"""A tap's catalog: what there is, and what we choose of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.errors import BadRecord, ConfigProblem
from connectors.exact import load_json
from connectors.singer.client import Tap
from connectors.singer.form import TapStream

Catalog = Mapping[str, Any]


def discovered(tap: Tap, timeout_s: float) -> Catalog:
    """What the tap says there is. Raises as a run of the tap, and ConfigProblem for an answer that is no catalog."""
    with tap.running("--discover", until_s=timeout_s) as run:
        lines = list(run.lines())
    long = next((line for line in lines if isinstance(line, BadRecord)), None)
    try:
        told = None if long else load_json(b"\n".join(line for line in lines if isinstance(line, bytes)))
    except BadRecord as reason:
        long = reason
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("streams"), list):
        why = f": {long}" if long else ""
        raise ConfigProblem(f"{tap.name} --discover gives no catalog{why}", hint="is it a Singer tap?")
    return told


def entry_of(catalog: Catalog, name: str, form: TapStream) -> dict[str, Any]:
    """The catalog's own entry of a stream. Raises ConfigProblem, naming those that are there."""
    wanted = form.tap_stream or name
    entries = [each for each in catalog.get("streams", ()) if isinstance(each, dict)]
    for each in entries:
        if wanted in (each.get("tap_stream_id"), each.get("stream")):
            return each
    there = ", ".join(str(each.get("tap_stream_id") or each.get("stream")) for each in entries[:30]) or "none"
    raise ConfigProblem(f"the tap has no stream {wanted!r}", hint=f"it has: {there}")


def selection(catalog: Catalog, name: str, form: TapStream) -> dict[str, Any]:
    """The catalog with this stream chosen, and nothing else.

    Selection is told as metadata, and as `selected` for older taps; fields the tap marks `automatic` always come.
    """
    chosen = entry_of(catalog, name, form)
    entries = []
    for each in catalog["streams"]:
        entry = copy.deepcopy(each)
        mine = each is chosen
        entry["selected"] = mine
        _mark(entry, (), {"selected": mine, **(_method(form) if mine else {})})
        if mine:
            entry |= _method_of_old(form)
            _choose_fields(entry, form)
        entries.append(entry)
    return {**catalog, "streams": entries}


def _choose_fields(entry: dict[str, Any], form: TapStream) -> None:
    properties = entry.get("schema", {}).get("properties", {})
    wanted = {*form.select, *form.key, form.replication_key} if form.select else set(properties)
    unknown = sorted(set(form.select) - set(properties))
    if unknown:
        raise ConfigProblem(f"the tap's stream has no field {unknown[0]!r}", hint=f"it has: {', '.join(properties)}")
    for field in properties:
        _mark(entry, ("properties", field), {"selected": field in wanted})


def _method(form: TapStream) -> dict[str, Any]:
    told: dict[str, Any] = {"replication-method": form.replication.upper()}
    return {**told, "replication-key": form.replication_key} if form.replication_key else told


def _method_of_old(form: TapStream) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in _method(form).items()}


def _mark(entry: dict[str, Any], breadcrumb: tuple[str, ...], marks: Mapping[str, Any]) -> None:
    metadata = entry.setdefault("metadata", [])
    for each in metadata:
        if isinstance(each, dict) and tuple(each.get("breadcrumb", ())) == breadcrumb:
            each["metadata"] = {**each.get("metadata", {}), **marks}
            return
    metadata.append({"breadcrumb": list(breadcrumb), "metadata": dict(marks)})


def names_of(entry: Mapping[str, Any]) -> frozenset[str]:
    """What the stream is called in the tap's messages."""
    return frozenset(_texts(entry))


def _texts(entry: Mapping[str, Any]) -> Iterator[str]:
    for name in ("tap_stream_id", "stream", "stream_alias"):
        if isinstance(entry.get(name), str):
            yield entry[name]
