"""A Singer tap on the sandbox's system, as taps are: a program of its own that knows nothing of the hub.

    python connectors/singer/sandbox_tap.py --config FILE [--discover | --catalog FILE [--state FILE]] [--version]

Its config: {"url": "http://127.0.0.1:PORT", "token": "...", "page_size": 50}; `padding` makes every
message longer by so many spaces, to fill pipes in tests. Incremental streams say a STATE after
each page and look back five minutes once they had come to the end; full tables have versions.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

_LOOKBACK = timedelta(minutes=5)
_TIMEOUT_S = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--config", "--catalog", "--properties", "--state"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--discover", action="store_true")
    parser.add_argument("--version", action="store_true")
    given = parser.parse_args()
    if given.version:
        print("sandbox-tap 1.0.0")  # noqa: T201
        return
    config = _read(given.config) if given.config else {}
    missing = [name for name in ("url", "token") if not config.get(name)]
    if missing:
        sys.exit(f"CRITICAL Config validation failed: {missing[0]!r} is a required property")
    if given.discover:
        _say(_get(config, "/catalog"))
        return
    catalog = _read(given.catalog or given.properties)
    state = _read(given.state) if given.state else {"bookmarks": {}}
    for entry in catalog["streams"]:
        if _marks(entry, []).get("selected"):
            _sync(config, entry, state)


def _sync(config: dict[str, Any], entry: dict[str, Any], state: dict[str, Any]) -> None:
    name, marks = entry["tap_stream_id"], _marks(entry, [])
    fields = [f for f in entry["schema"]["properties"] if _marks(entry, ["properties", f]).get("selected", True)]
    schema = {**entry["schema"], "properties": {f: entry["schema"]["properties"][f] for f in fields}}
    _say({"type": "SCHEMA", "stream": name, "schema": schema, "key_properties": entry["key_properties"]})
    if marks.get("replication-method") == "FULL_TABLE":
        _full(config, name, fields)
        return
    mark = state["bookmarks"].get(name, {})
    since, after = mark.get("since", ""), mark.get("after", "")
    if since and not mark.get("unfinished"):
        since, after = (datetime.fromisoformat(since) - _LOOKBACK).isoformat(), ""
    newest = mark.get("since", "")
    while rows := _get(config, f"/data/{name}", since=since, after=after, limit=config.get("page_size", 50)):
        for row in rows:
            record = {f: row.get(f) for f in fields}
            _say({"type": "RECORD", "stream": name, "record": record}, config.get("padding", 0))
        since, after = rows[-1]["_at"], rows[-1]["_key"]
        newest = max(newest, since)
        _state(state, name, {"since": since, "after": after, "unfinished": True})
    _state(state, name, {"since": newest})


def _full(config: dict[str, Any], name: str, fields: list[str]) -> None:
    version, after = int(time.time() * 1000), ""
    while rows := _get(config, f"/data/{name}", after=after, limit=config.get("page_size", 50)):
        for row in rows:
            record = {f: row.get(f) for f in fields}
            _say({"type": "RECORD", "stream": name, "record": record, "version": version}, config.get("padding", 0))
        after = rows[-1]["_key"]
    _say({"type": "ACTIVATE_VERSION", "stream": name, "version": version})


def _state(state: dict[str, Any], name: str, mark: dict[str, Any]) -> None:
    state["bookmarks"][name] = mark
    _say({"type": "STATE", "value": state})


def _marks(entry: dict[str, Any], breadcrumb: list[str]) -> dict[str, Any]:
    found = (each["metadata"] for each in entry.get("metadata", ()) if each["breadcrumb"] == breadcrumb)
    return next(found, {})


def _get(config: dict[str, Any], path: str, **asked: Any) -> Any:
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in asked.items())
    line = http.client.HTTPConnection(config["url"].removeprefix("http://"), timeout=_TIMEOUT_S)
    try:
        line.request("GET", f"{path}?{query}", headers={"authorization": f"Bearer {config['token']}"})
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            later = answer.headers.get("retry-after")
            told = f", retry after {later}" if later else ""
            sys.exit(f"CRITICAL {answer.status} {answer.reason} for {path}{told} (token {config['token']})")
        return json.loads(body, parse_float=Decimal)
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.exit(f"CRITICAL {path}: {type(error).__name__}: {error}")
    finally:
        line.close()


def _say(message: Any, padding: int = 0) -> None:
    sys.stdout.write(_encode(message) + " " * padding + "\n")
    sys.stdout.flush()


def _encode(value: Any) -> str:
    """JSON in which exact numbers stay exact."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_encode, value)) + "]"
    return json.dumps(value)


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"), parse_float=Decimal)


if __name__ == "__main__":
    main()
