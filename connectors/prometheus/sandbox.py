"""A stand-in for Prometheus and Alertmanager on one port, for people who have none and for tests.

    python -m connectors.prometheus.sandbox --port 9099 --webhook http://127.0.0.1:8480/v1/inbound/am --token SECRET

Set `url` and `alertmanager_url` both to its address. It keeps alerts and silences, sends webhooks of version 4 (again
until a 2xx, at every group interval), and answers as Alertmanager 0.25 and Prometheus 2.42 do, refusals and oddities
included: a silence that is not known is a 500, an edit that changes matchers makes a new silence, an alert's times are
cut to milliseconds in the API but not in the webhook. Queries: see `sandbox_queries`.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.prometheus.sandbox_http import Reply, Server, Webhook
from connectors.prometheus.sandbox_queries import BadQuery, SeriesStore

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DURATION = re.compile(r"(\d+(ms|s|m|h|d|w|y))+|\d+(\.\d+)?")
_NEVER = "0001-01-01T00:00:00Z"
_RESOLVE_TIMEOUT = timedelta(minutes=5)


@dataclass
class Alert:
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: datetime
    generator_url: str = ""
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def resolved(self) -> bool:
        return self.ends_at <= datetime.now(UTC)


def fingerprint(labels: Mapping[str, str]) -> str:
    """The fingerprint Prometheus gives a set of labels: FNV-1a over names and values, each ended by 0xFF."""
    total = 14695981039346656037
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            total = (total ^ byte) * 1099511628211 % 2**64
    return f"{total:016x}"


class Sandbox:
    """Alerts, silences and series in memory. Safe from any thread. `changes` counts what clients changed."""

    def __init__(
        self,
        *,
        username: str = "",
        password: str = "",
        token: str = "",
        webhook_url: str = "",
        webhook_token: str = "",
        group_interval_s: float = 1,
        read_only: bool = False,
    ) -> None:
        basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode() if username else ""
        self._credentials = f"Bearer {token}" if token else basic
        self.read_only = read_only
        self.series = SeriesStore()
        self.alerts: dict[str, Alert] = {}
        self.silences: dict[str, dict[str, Any]] = {}
        self.changes = 0
        self.external_url = "http://sandbox:9093"
        self._lock = threading.RLock()
        self._webhook = Webhook(self, webhook_url, webhook_token, group_interval_s) if webhook_url else None

    def close(self) -> None:
        if self._webhook:
            self._webhook.close()

    # -- what happens in the plant ----------------------------------------------------------------------------------

    def fire(self, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None, starts_at: str = "") -> str:
        """An alert begins, or is told again; returns its fingerprint."""
        name = fingerprint(labels)
        with self._lock:
            known = self.alerts.get(name)
            begun = known.starts_at if known and not known.resolved() else starts_at or datetime.now(UTC).isoformat()
            ends = datetime.now(UTC) + _RESOLVE_TIMEOUT
            self.alerts[name] = Alert(dict(labels), dict(annotations or {}), begun, ends)
        self._tell()
        return name

    def resolve(self, name: str) -> None:
        """The alert of this fingerprint ends now."""
        with self._lock:
            self.alerts[name].ends_at = datetime.now(UTC)
        self._tell()

    def notification(self, names: list[str]) -> dict[str, Any]:
        """What the webhook says about these alerts."""
        with self._lock:
            alerts = [self._pushed(name) for name in names]
        firing = any(alert["status"] == "firing" for alert in alerts)
        group = {"alertname": alerts[0]["labels"].get("alertname", "")}
        return {
            "receiver": "weft",
            "status": "firing" if firing else "resolved",
            "alerts": alerts,
            "groupLabels": group,
            "commonLabels": _common([alert["labels"] for alert in alerts]),
            "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
            "externalURL": self.external_url,
            "version": "4",
            "groupKey": f'{{}}:{{alertname="{group["alertname"]}"}}',
            "truncatedAlerts": 0,
        }

    def silenced_by(self, labels: Mapping[str, str]) -> list[str]:
        """The ids of the active silences that match these labels."""
        return sorted(s["id"] for s in self.silences.values() if _state(s) == "active" and _matches(s, labels))

    # -- the HTTP API -------------------------------------------------------------------------------------------------

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to one request. Header names are lower case."""
        parts = urlsplit(target)
        params = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        given = headers.get("authorization", "")
        if self._credentials and not hmac.compare_digest(given.encode(), self._credentials.encode()):
            return Reply(401, "Unauthorized\n", {"www-authenticate": "Basic"})
        if self.read_only and method != "GET":
            return Reply(403, "Forbidden\n")
        if method == "POST" and parts.path == "/api/v1/query":
            params |= {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        with self._lock:
            return self._route(method, parts.path, params, body)

    def _route(self, method: str, path: str, params: dict[str, str], body: bytes) -> Reply:
        routes: dict[tuple[str, str], Callable[[], Reply]] = {
            ("GET", "/-/ready"): lambda: Reply(200, "OK"),
            ("GET", "/-/healthy"): lambda: Reply(200, "OK"),
            ("GET", "/"): lambda: Reply(302, "", {"location": "/graph"}),
            ("GET", "/api/v1/status/buildinfo"): lambda: _success({"version": "2.42.0+sandbox"}),
            ("GET", "/api/v1/query"): lambda: self._query(params),
            ("POST", "/api/v1/query"): lambda: self._query(params),
            ("GET", "/api/v2/status"): lambda: Reply(
                200, {"cluster": {"status": "disabled"}, "versionInfo": {"version": "0.25.0+sandbox"}}
            ),
            ("GET", "/api/v2/alerts"): lambda: Reply(200, self._listed(params)),
            ("POST", "/api/v2/alerts"): lambda: self._posted(body),
            ("GET", "/api/v2/silences"): lambda: Reply(200, [_shown(s) for s in self.silences.values()]),
            ("POST", "/api/v2/silences"): lambda: self._silence(body),
        }
        if route := routes.get((method, path)):
            return route()
        if path.startswith("/api/v2/silence/"):
            return self._one_silence(method, path.rpartition("/")[2])
        return Reply(404, "404 page not found\n")

    def _query(self, params: dict[str, str]) -> Reply:
        limit = params.get("timeout", "1m")
        if not _DURATION.fullmatch(limit):
            return _bad_data(f'invalid parameter "timeout": cannot parse "{limit}" to a valid duration')
        try:
            found = self.series.query(params.get("query", ""))
        except BadQuery as error:
            return _bad_data(f'invalid parameter "query": {error}')
        now = round(time.time(), 3)
        result = [{"metric": labels, "value": [now, value]} for labels, value in found]
        return _success({"resultType": "vector", "result": result})

    def _listed(self, params: dict[str, str]) -> list[dict[str, Any]]:
        listed = []
        for name, alert in sorted(self.alerts.items()):
            silenced = self.silenced_by(alert.labels)
            if alert.resolved() or (silenced and params.get("silenced") == "false"):
                continue
            listed.append(
                {
                    "fingerprint": name,
                    "labels": alert.labels,
                    "annotations": alert.annotations,
                    "startsAt": _cut(alert.starts_at),
                    "endsAt": _api_time(alert.ends_at),
                    "updatedAt": _api_time(alert.updated_at),
                    "generatorURL": alert.generator_url,
                    "receivers": [{"name": "weft"}],
                    "status": {
                        "state": "suppressed" if silenced else "active",
                        "silencedBy": silenced,
                        "inhibitedBy": [],
                    },
                }
            )
        return listed

    def _posted(self, body: bytes) -> Reply:
        for item in json.loads(body):
            if not item.get("labels"):
                return Reply(400, {"code": 400, "message": "at least one label pair required"})
            name = self.fire(item["labels"], item.get("annotations"), item.get("startsAt", ""))
            if ends := item.get("endsAt"):
                self.alerts[name].ends_at = datetime.fromisoformat(ends)
        self._tell()
        return Reply(200, "")

    def _silence(self, body: bytes) -> Reply:
        asked = json.loads(body)
        for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
            if name not in asked:
                return Reply(422, {"code": 602, "message": f"{name} in body is required"})
        now, starts, ends = datetime.now(UTC), *(datetime.fromisoformat(asked[n]) for n in ("startsAt", "endsAt"))
        if ends <= now:
            return Reply(400, "Failed to create silence: end time can't be in the past")
        if all(matcher["value"] == "" for matcher in asked["matchers"]):
            return Reply(400, "silence invalid: at least one matcher must not match the empty string")
        known = self.silences.get(asked.get("id") or "")
        if asked.get("id") and known is None:
            return Reply(404, "silence not found")
        self.changes += 1
        silence = {**asked, "startsAt": max(starts, now), "endsAt": ends, "updatedAt": now}
        if known is not None and _state(known) != "expired":
            same_start = int(known["startsAt"].timestamp()) == int(starts.timestamp())
            if same_start and known["matchers"] == asked["matchers"]:
                known.update(silence, startsAt=known["startsAt"])
                return Reply(200, {"silenceID": known["id"]})
            known["endsAt"] = now
        silence["id"] = str(uuid.uuid4())
        self.silences[silence["id"]] = silence
        return Reply(200, {"silenceID": silence["id"]})

    def _one_silence(self, method: str, name: str) -> Reply:
        if not _UUID.fullmatch(name):
            return Reply(422, {"code": 601, "message": f'silenceID in path must be of type uuid: "{name}"'})
        known = self.silences.get(name)
        if known is None:
            return Reply(500 if method == "DELETE" else 404, "silence not found")
        if method == "GET":
            return Reply(200, _shown(known))
        if _state(known) != "expired":
            self.changes += 1
            known["endsAt"] = known["updatedAt"] = datetime.now(UTC)
            self._tell()
        return Reply(200, "")

    def _pushed(self, name: str) -> dict[str, Any]:
        alert = self.alerts[name]
        return {
            "status": "resolved" if alert.resolved() else "firing",
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": alert.starts_at,
            "endsAt": _api_time(alert.ends_at) if alert.resolved() else _NEVER,
            "generatorURL": alert.generator_url,
            "fingerprint": name,
        }

    def _tell(self) -> None:
        if self._webhook:
            self._webhook.wake()


def _success(data: Any) -> Reply:
    return Reply(200, {"status": "success", "data": data})


def _bad_data(message: str) -> Reply:
    return Reply(400, {"status": "error", "errorType": "bad_data", "error": message})


def _matches(silence: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    def fits(matcher: Mapping[str, Any]) -> bool:
        value = labels.get(matcher["name"], "")
        found = bool(re.fullmatch(matcher["value"], value)) if matcher["isRegex"] else value == matcher["value"]
        return found is bool(matcher.get("isEqual", True))

    return all(fits(matcher) for matcher in silence["matchers"])


def _state(silence: Mapping[str, Any]) -> str:
    now = datetime.now(UTC)
    return "expired" if silence["endsAt"] <= now else "pending" if silence["startsAt"] > now else "active"


def _shown(silence: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: _api_time(silence[name]) for name in ("startsAt", "endsAt", "updatedAt")}
    return {**silence, **times, "status": {"state": _state(silence)}}


def _common(maps: list[dict[str, str]]) -> dict[str, str]:
    return dict(set.intersection(*(set(m.items()) for m in maps))) if maps else {}


def _api_time(moment: datetime) -> str:
    return _cut(moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"))


def _cut(moment: str) -> str:
    """As the API writes a time: cut to milliseconds, in the zone it came in."""
    base, zone = re.sub(r"(Z|[+-]\d\d:\d\d)$", "", moment), re.search(r"(Z|[+-]\d\d:\d\d)$", moment)
    whole, _, fraction = base.partition(".")
    return f"{whole}.{fraction[:3]:0<3}{zone[0] if zone else 'Z'}"


def _example(sandbox: Sandbox) -> None:
    """A pump that is too hot, and what is known about it."""
    labels = {"alertname": "DeviceTooHot", "device": "PUMP-7", "severity": "critical", "site": "demo"}
    sandbox.fire(
        labels, {"summary": "PUMP-7 is too hot: 95.5 °C", "value": "95.5", "unit": "Cel", "metric": "temperature"}
    )
    sandbox.series.set("node_cpu_seconds_total", "42.5", device="PUMP-7", mode="idle")
    sandbox.series.set("node_memory_MemAvailable_bytes", "61.25", device="PUMP-7")
    sandbox.series.set("up", "1", device="PUMP-7", job="node", instance="pump-7:9100")
    sandbox.series.set("ALERTS", "1", alertstate="firing", **labels)


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, default=9099)
    parser.add_argument("--webhook", default="", help="where alerts are sent, e.g. the hub's /v1/inbound/am")
    parser.add_argument("--token", default="", help="bearer token of the webhook")
    given = parser.parse_args()
    sandbox = Sandbox(webhook_url=given.webhook, webhook_token=given.token)
    with Server(sandbox, given.port) as server:
        _example(sandbox)
        print(f"Prometheus and Alertmanager (sandbox) on {server.url}; an alert fires for PUMP-7", flush=True)  # noqa: T201
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
