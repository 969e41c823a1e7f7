"""The commands of docker-compose.yml, run as they stand there, without Docker: migrate, setup, two gateways, two workers."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from gateway.demo.process import free_ports
from tests.acceptance.alerts import alert, message
from tests.acceptance.running_hub import eventually
from tests.integration.deployment.compose import ROOT, load

BIN = Path(sys.executable).parent


@dataclass
class Machine:
    """Containers that are processes: paths and ports of the containers become those of the test, nothing else changes."""

    folder: Path
    database_url: str
    ports: dict[str, int]
    compose: dict[str, Any] = field(default_factory=load)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def _here(self, text: str, name: str) -> str:
        url = make_url(self.database_url).set(drivername="postgresql")
        for theirs, ours in (
            ("postgresql://weft@postgres:5432/weft", url.render_as_string(hide_password=False)),
            ("/run/secrets", str(self.folder / "secrets")),
            ("/var/lib/weft", str(self.folder / "weft")),
            ("/opt/weft", str(ROOT)),
            ("0.0.0.0", "127.0.0.1"),
            ("8480", str(self.ports.get(name, 0))),
            ("8481", str(self.ports.get(name, 0))),
        ):
            text = text.replace(theirs, ours)
        return text

    def _environment(self, name: str) -> dict[str, str]:
        told = self.compose["services"][name]["environment"]
        own = {variable: self._here(str(value), name) for variable, value in told.items()}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}
        return kept | own | {"PATH": f"{BIN}:{os.environ['PATH']}"}

    def command(self, name: str) -> list[str]:
        return [self._file(self._here(word, name), name) for word in self.compose["services"][name]["command"]]

    def _file(self, word: str, name: str) -> str:
        """A file of configuration names secrets by their paths, too."""
        if not word.endswith(".yaml"):
            return word
        copy = self.folder / Path(word).name
        copy.write_text(self._here(Path(word).read_text("utf-8"), name), "utf-8")
        return str(copy)

    def run(self, name: str) -> None:
        """A service that ends by itself."""
        done = subprocess.run(
            self.command(name),
            env=self._environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                self.command(name), env=self._environment(name), cwd=self.folder, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def healthy(self, name: str) -> bool:
        """What its health check says."""
        kind, *check = self.compose["services"][name]["healthcheck"]["test"]
        words = [self._here(word, name) for word in check]
        command = words if kind == "CMD" else shlex.split(words[0])
        done = subprocess.run(command, env=self._environment(name), capture_output=True, timeout=30)
        return done.returncode == 0

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


@pytest.fixture
def machine(tmp_path: Path, postgres_database: str) -> Iterator[Machine]:
    subprocess.run([str(ROOT / "setup/compose/secrets.sh"), str(tmp_path / "secrets")], check=True, timeout=30)
    names = ("gateway-1", "gateway-2", "worker-1", "worker-2")
    made = Machine(tmp_path, postgres_database, dict(zip(names, free_ports(4), strict=True)))
    yield made
    made.stop()


def test_the_hub_of_the_compose_file_runs_by_its_commands_and_takes_an_alert_about_itself(machine: Machine) -> None:
    machine.run("migrate")
    machine.run("setup")
    for name in machine.ports:
        machine.start(name)
    for name in machine.ports:
        eventually(partial(machine.healthy, name), 90, why=name)
    one, two = (f"http://127.0.0.1:{machine.ports[name]}" for name in ("gateway-1", "gateway-2"))
    eventually(lambda: httpx.get(f"{two}/readyz", timeout=10).status_code == 200, 60)
    secrets = machine.folder / "secrets"
    sender = {"Authorization": f"Bearer {(secrets / 'weft_webhook_token').read_text('utf-8')}"}
    told = httpx.post(f"{one}/v1/inbound/weft-itself", json=message(alert(name="WeftDown")), headers=sender, timeout=20)
    assert told.status_code == 202
    admin = {"Authorization": f"Bearer {(secrets / 'weft_admin_token').read_text('utf-8')}"}
    (ticket,) = httpx.get(f"{two}/v1/tickets", headers=admin, timeout=20).json()["items"]
    assert ticket["labels"]["alertname"] == "WeftDown"
    worker = httpx.get(f"http://127.0.0.1:{machine.ports['worker-1']}/metrics", timeout=20)
    assert "weft_tickets_open" in worker.text
    machine.running["worker-1"].kill()
    machine.running["worker-1"].wait(10)
    assert not machine.healthy("worker-1")
