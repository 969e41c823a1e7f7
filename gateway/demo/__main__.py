"""`make run`: the hub with real input at once.

Where the real programs are at hand (setup/components.sh unpacks them), Prometheus with Alertmanager and node_exporter
watches this very machine, and simulated sensors publish to a Mosquitto. Else recorded messages are played through the
same front door. Either way the first ticket stands within a minute, and what runs is said.
"""

from __future__ import annotations

import secrets
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import uvicorn

from gateway import logs
from gateway.api.app import create_app
from gateway.cli.serving import first_token
from gateway.config import documents, store
from gateway.database import migrate, open_engine
from gateway.demo import recorded
from gateway.demo.errors import ComponentError, MissingComponent
from gateway.demo.mosquitto import Mosquitto
from gateway.demo.process import accepts_connections, find_program, free_ports
from gateway.demo.prometheus import Alertmanager, NodeExporter, Prometheus, this_machine
from gateway.demo.sensors import Sensors
from gateway.errors import BadConfiguration, Problem, WeftError
from gateway.secrets import write_private
from gateway.service import Gateway
from gateway.settings import Settings, load

HOT = {
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


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Demo:
    """The hub, its sources, and what is printed about them."""

    def __init__(self, settings: Settings, live: ExitStack) -> None:
        self.settings = settings
        self.live = live
        self.folder = settings.home / "demo"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.webhook_token = self._kept("webhook-token")
        self.broker: Mosquitto | None = None

    def _kept(self, name: str) -> str:
        path = self.folder / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text("ascii").strip()

    # -- before the hub serves ------------------------------------------------------------------------------------------

    def prepare(self) -> str:
        """Schema, configuration, first token; answers the token."""
        engine = open_engine(self.settings.database)
        migrate(engine)
        engine.dispose()
        token = first_token(self.settings) or (self.settings.home / "admin-token").read_text("ascii").strip()
        connections: list[dict[str, Any]] = [self._monitoring()]
        if has_programs("mosquitto"):
            self.broker = self.live.enter_context(Mosquitto(self.folder / "mosquitto"))
            self.sensors = Sensors(self.broker.url)
            connections.append({"id": "plant", "connector": "mqtt", "config": self.sensors.config, "stale_after_s": 30})
        gateway = Gateway(self.settings)
        try:
            gateway.apply(documents.validate({"connections": connections}))
            with gateway.reading() as conn:
                rules = store.export(conn, gateway.catalogue, gateway.hub)["rules"]
            rules = [r for r in rules if r["id"] != HOT["id"]]
            gateway.apply(documents.validate({"rules": [*rules, HOT]}))
        finally:
            gateway.close()
        return token

    def _monitoring(self) -> dict[str, Any]:
        config: dict[str, Any] = {"webhook_token": f"file:{(self.folder / 'webhook-token').resolve()}"}
        if has_programs("prometheus", "prometheus-alertmanager", "prometheus-node-exporter"):
            self.ports = free_ports(3)
            config |= {
                "url": f"http://127.0.0.1:{self.ports[0]}",
                "alertmanager_url": f"http://127.0.0.1:{self.ports[1]}",
            }
        else:
            self.ports = []
        return {"id": "am-main", "connector": "prometheus", "config": config, "poll_every_s": 30}

    # -- while it serves ------------------------------------------------------------------------------------------------

    def bring_input(self) -> None:
        """Start what can be started, and say which."""
        if self.ports:
            self._watch_this_machine()
            say("● 真实的 Prometheus 与 Alertmanager 正在监控本机 · a real Prometheus and Alertmanager watch this machine: "
                f"http://127.0.0.1:{self.ports[0]}")  # fmt: skip
        if self.broker is not None:
            self.live.enter_context(self.sensors)
            self.sensors.overheat(0, celsius=95, seconds=90)
            say(f"● 真实的 Mosquitto 与模拟传感器 · a real Mosquitto with simulated sensors: {self.broker.url}")
        if not self.ports:
            say("○ 没有找到 Prometheus，播放录制的消息 · no Prometheus here: playing recorded messages")
            recorded.play(self.settings.url, "am-main", self.webhook_token)

    def _watch_this_machine(self) -> None:
        exporter = self.live.enter_context(NodeExporter(self.folder / "node-exporter", port=self.ports[2]))
        alertmanager = Alertmanager(
            self.folder / "alertmanager", webhook_url=f"{self.settings.url}/v1/inbound/am-main",
            webhook_token=self.webhook_token, port=self.ports[1],
        )  # fmt: skip
        self.live.enter_context(alertmanager)
        # a machine that is watched and not there: the first real alert, within seconds
        away = {f"127.0.0.1:{free_ports(1)[0]}": {"instance": "backup-server", "site": "demo"}}
        targets = this_machine(exporter) | away
        self.live.enter_context(
            Prometheus(
                self.folder / "prometheus", targets=targets, alertmanager=alertmanager.address, port=self.ports[0]
            )
        )


def has_programs(*names: str) -> bool:
    try:
        for name in names:
            find_program(name)
    except MissingComponent:
        return False
    return True


def when_serving(url: str, then: Callable[[], None], stop: threading.Event) -> threading.Thread:
    """Call `then` once the hub answers."""

    def wait() -> None:
        while not stop.wait(0.2):
            try:
                if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                    then()
                    return
            except httpx.TransportError:
                continue

    thread = threading.Thread(target=wait, name="weft-demo", daemon=True)
    thread.start()
    return thread


def report_tickets(url: str, token: str, stop: threading.Event) -> None:
    """Print tickets as they come, and how to look into them."""
    seen: set[str] = set()
    while not stop.wait(1.0):
        try:
            found = httpx.get(f"{url}/v1/tickets", headers={"Authorization": f"Bearer {token}"}, timeout=5).json()[
                "items"
            ]
        except (httpx.TransportError, KeyError, ValueError):
            continue
        for ticket in reversed(found):
            if ticket["id"] not in seen:
                seen.add(ticket["id"])
                say(f"工单 ticket {ticket['id']}  {ticket['priority']}  {ticket['title']}")
                if len(seen) == 1:
                    say(f"    看一看 look: .venv/bin/weft explain {ticket['id']}")
                    say(f"               .venv/bin/weft lineage show {ticket['id']} title")


def main() -> None:
    settings = load()
    logs.configure("text" if sys.stdout.isatty() else settings.log_format)
    # uvicorn raises what ended it once more: as an exception, so that the programs are ended too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        run(settings)
    except (ComponentError, WeftError) as error:
        sys.exit(f"weft: {error}")
    except KeyboardInterrupt:
        sys.exit(0)


def run(settings: Settings) -> None:
    """Serve until a signal comes; then end what was started."""
    if accepts_connections(settings.port):
        problem = Problem("port", f"something listens on {settings.port} already", "WEFT_PORT=8481 make run")
        raise BadConfiguration("The hub cannot serve.", [problem])
    stop = threading.Event()
    with ExitStack() as live:
        demo = Demo(settings, live)
        token = demo.prepare()
        say(f"Weft 纬  {settings.url}   API: {settings.url}/docs")
        say(f"管理员令牌 admin token: {token}")

        def begin() -> None:
            threading.Thread(target=report_tickets, args=(settings.url, token, stop), daemon=True).start()
            demo.bring_input()

        when_serving(settings.url, begin, stop)
        uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)
        stop.set()


if __name__ == "__main__":
    main()
