"""Two gateways and two workers on one PostgreSQL, each a process of its own, for the tests that `RunningHub` passes."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from tests.acceptance.running_hub import WEFT, RunningHub, eventually
from tests.real.postgres import free_port

GATEWAYS, WORKERS = 2, 2


@dataclass
class Cluster(RunningHub):
    """Whoever asks for `url` gets the gateways in turn, as from a balancer. `kill` takes one gateway and one worker of
    the four; `serve` starts what does not run."""

    ports: list[int] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    dice: random.Random = field(default_factory=lambda: random.Random(11))
    _turn: Iterator[int] = field(default_factory=itertools.count)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    @property
    def url(self) -> str:
        return self.urls[next(self._turn) % GATEWAYS]

    def serve(self) -> None:
        self.ports = self.ports or [free_port() for _ in range(GATEWAYS)]
        for number, port in enumerate(self.ports):
            self._run(f"gateway-{number}", "serve", "--no-worker", "--port", str(port))
        for number in range(WORKERS):
            self._run(f"worker-{number}", "worker")
        eventually(self._ready, 90, why=f"the cluster did not become ready: {self.log()[-2000:]}")

    def _run(self, name: str, *command: str) -> None:
        running = self.processes.get(name)
        if running is not None and running.poll() is None:
            return
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(WEFT), *command], env=self.environment, cwd=self.home, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _ready(self) -> bool:
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise AssertionError(f"{name} ended with {process.returncode}: {self.log()[-3000:]}")
        try:
            return all(httpx.get(f"{url}/readyz", timeout=5).status_code == 200 for url in self.urls)
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        for kind, count in (("gateway", GATEWAYS), ("worker", WORKERS)):
            victim = self.processes[f"{kind}-{self.dice.randrange(count)}"]
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait(30)

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)

    def log(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text('utf-8', 'replace')}" for path in self.home.glob("*-?.log"))
