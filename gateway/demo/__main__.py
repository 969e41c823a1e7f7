"""`make run`: the tour. The hub on SQLite, a company's systems around it, and a story that happens in them.

Stand-ins of CRM, ERPs, MES, monitoring and channels run in a process beside the hub (`gateway.demo.company`). Where the
real programs are at hand (setup/components.sh unpacks them), a Prometheus with Alertmanager and node_exporter watches
this very machine, and a Mosquitto carries the plant's devices; what cannot be had is left out, and that is said. The
tour begins anew each time: its folder, `<home>/tour`, is thrown away at the start.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import uvicorn

from connectors.errors import ConnectorError
from gateway import logs
from gateway.api.app import create_app
from gateway.cli.first_run import FIRST, set_up
from gateway.config import documents
from gateway.database import migrate, open_engine
from gateway.demo import recorded
from gateway.demo.company import CompanyProcess
from gateway.demo.connections import documents as configuration
from gateway.demo.errors import ComponentError, MissingComponent
from gateway.demo.look import note
from gateway.demo.mosquitto import Mosquitto
from gateway.demo.process import accepts_connections, find_program, free_ports
from gateway.demo.prometheus import Alertmanager, NodeExporter, Prometheus, this_machine
from gateway.demo.sensors import Sensors
from gateway.demo.setting_up import install_zabbix
from gateway.demo.story import Stage, ca_files, steps
from gateway.demo.telling import Teller, say
from gateway.errors import BadConfiguration, Problem, WeftError
from gateway.secrets import write_private
from gateway.service import Gateway
from gateway.settings import Settings, load

BOOKS_WITHIN_S = 60
"""After so long the story begins even if a system has not been read."""


class Tour:
    """The hub's surroundings, and what happens in them. `live` ends what was started."""

    def __init__(self, settings: Settings, live: ExitStack) -> None:
        self.settings = settings
        self.live = live
        self.folder = settings.home
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.webhook_token = secrets.token_urlsafe(24)
        write_private(self.folder / "webhook-token", self.webhook_token)
        note(self.folder, settings.url)
        self.broker: Mosquitto | None = None
        self.ports: list[int] = []

    # -- before the hub serves ------------------------------------------------------------------------------------------

    def prepare(self) -> str:
        """Schema, the company's systems, configuration, first token and administrator; answers the token."""
        engine = open_engine(self.settings.database)
        migrate(engine)
        engine.dispose()
        made = set_up(self.settings, tell=False)
        token, self.password = made.token or "", made.password
        if not (self.folder / "admin-token").exists():  # it was given
            write_private(self.folder / "admin-token", token)
        self.systems = self.live.enter_context(CompanyProcess(self.folder / "company")).systems()
        plant = None
        if has_programs("mosquitto"):
            self.broker = self.live.enter_context(Mosquitto(self.folder / "mosquitto"))
            self.sensors = Sensors(self.broker.url)
            plant = self.sensors.config
        gateway = Gateway(self.settings)
        try:
            found = documents.validate(configuration(self.systems, plant, [self._monitoring()]))
            gateway.apply(found, actor="tour", note="the tour's company")
        finally:
            gateway.close()
        if self.ports:
            self._watch_this_machine()
        return token

    def _monitoring(self) -> dict[str, Any]:
        config: dict[str, Any] = {"webhook_token": f"file:{(self.folder / 'webhook-token').resolve()}"}
        if has_programs("prometheus", "prometheus-alertmanager", "prometheus-node-exporter"):
            self.ports = free_ports(3)
            config |= {
                "url": f"http://127.0.0.1:{self.ports[0]}",
                "alertmanager_url": f"http://127.0.0.1:{self.ports[1]}",
            }
        unasked: dict[str, Any] = {} if self.ports else {"context": []}  # recorded messages can be asked nothing
        return {"id": "am-main", "connector": "prometheus", "config": config, "poll_every_s": 30} | unasked

    def tell_what_runs(self) -> None:
        """Which systems there are, and which are left out and why."""
        say("公司的系统 the company's systems:")
        for name, url in self.systems["urls"].items():
            say(f"  ● {name:<11}{url}")
        for name, why in self.systems["left_out"].items():
            say(f"  ○ {name:<11}未启动 left out: {why}")
        if self.broker is not None:
            say(f"  ● {'plant':<11}{self.broker.url}  真实的 Mosquitto · a real Mosquitto, with simulated devices")
        else:
            say(
                f"  ○ {'plant':<11}没有 Mosquitto，设备与车辆的情节略过 · no Mosquitto: devices and vehicles are left out"
            )
        if self.ports:
            say(
                f"  ● {'am-main':<11}http://127.0.0.1:{self.ports[0]}  真实的 Prometheus，监控本机 · a real one, of this machine"
            )
        else:
            say(f"  ○ {'am-main':<11}没有 Prometheus，播放录制的消息 · no Prometheus: recorded messages are played")

    # -- while it serves ------------------------------------------------------------------------------------------------

    def bring_input(self) -> None:
        """Start what sends by itself."""
        install_zabbix(self.systems, self.settings.url)
        if not self.ports:
            recorded.play(self.settings.url, "am-main", self.webhook_token)
        if self.broker is not None:
            self.live.enter_context(self.sensors)
            self.sensors.overheat(0, celsius=95, seconds=90)

    def tell_the_story(self, teller: Teller, token: str, stop: threading.Event) -> None:
        """Step after step, at human speed, once the hub has read the company's books."""
        wait_for_books(self.settings.url, token, stop)
        broker_url = "" if self.broker is None else self.broker.url
        with Stage(self.systems["urls"], broker_url, ca_files(self.systems["connections"])) as stage:
            for step in steps():
                if stop.wait(step.after_s):  # also when it is left out: what comes behind counts on the time
                    return
                if stage.has(step):
                    teller.step(step)
                    stage.play(step)
                else:
                    teller.left_out(step)
        if not stop.wait(15):
            teller.end()

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


def wait_for_books(url: str, token: str, stop: threading.Event) -> None:
    """Until every system's records of business were read once; the story needs customers, machines and articles."""
    for _ in range(BOOKS_WITHIN_S):
        answer = httpx.get(f"{url}/v1/syncs", headers={"Authorization": f"Bearer {token}"}, timeout=10)
        begun = answer.raise_for_status().json()["items"]
        systems = {each["connection"] for each in begun}
        if len(systems) > 5 and all(each["finished_at"] for each in begun):
            return
        if stop.wait(1):
            return


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

    thread = threading.Thread(target=wait, name="weft-tour", daemon=True)
    thread.start()
    return thread


def keep_looking(teller: Teller, stop: threading.Event) -> None:
    """Print tickets as they come and go."""
    while not stop.wait(1.0):
        try:
            teller.look()
        except httpx.HTTPError:
            continue


def main() -> None:
    given = load()
    # its own folder and database: the tour throws them away, and those of a real hub beside it are never touched
    settings = given.model_copy(update={"home": given.home / "tour", "database_url": ""})
    logs.configure("text" if sys.stdout.isatty() else settings.log_format, logging.WARNING)
    # uvicorn raises what ended it once more: as an exception, so that the programs are ended too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        run(settings)
    except (ComponentError, ConnectorError, WeftError) as error:
        sys.exit(f"weft: {error}")
    except KeyboardInterrupt:
        sys.exit(0)


def run(settings: Settings) -> None:
    """Serve until a signal comes; then end what was started."""
    if accepts_connections(settings.port):
        problem = Problem("port", f"something listens on {settings.port} already", "WEFT_PORT=8481 make run")
        raise BadConfiguration("The hub cannot serve.", [problem])
    settings = settings.model_copy(update={"public_url": settings.url})  # tickets have links
    stop = threading.Event()
    with ExitStack() as live:
        tour = Tour(settings, live)
        token = tour.prepare()
        say(
            f"Weft 纬  {settings.url}   用户名 user: {FIRST}   密码 password: {tour.password}   API: {settings.url}/docs"
        )
        tour.tell_what_runs()
        teller = Teller(settings, token)

        def begin() -> None:
            for work in (lambda: keep_looking(teller, stop), lambda: tour.tell_the_story(teller, token, stop)):
                threading.Thread(target=work, daemon=True).start()
            tour.bring_input()

        when_serving(settings.url, begin, stop)
        uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)
        stop.set()


if __name__ == "__main__":
    main()
