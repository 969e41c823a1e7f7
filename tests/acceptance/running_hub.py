"""A hub as its users have it: `weft serve` as a process of its own, spoken to over HTTP and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.real.postgres import free_port

T = TypeVar("T")
ADMIN = "weft_admin_token_of_the_tests"
WEFT = Path(sys.executable).with_name("weft")


def eventually(question: Callable[[], T | None], deadline_s: float = 30, every_s: float = 0.05, why: str = "") -> T:
    """The first true answer. Fails with the last answer when the deadline passes; CI's machines get longer."""
    deadline_s *= 3 if os.environ.get("CI") == "true" else 1
    until = time.monotonic() + deadline_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError(f"not within {deadline_s} s{': ' + why if why else ''}; last answer: {answer!r}")
        time.sleep(every_s)


@dataclass
class RunningHub:
    """`home` and `database_url` outlive the process: kill it, start it again, nothing acknowledged may be missing."""

    home: Path
    database_url: str
    config: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "WEFT_HOME": str(self.home / "var"),
            "WEFT_DATABASE_URL": self.database_url,
            "WEFT_ADMIN_TOKEN": ADMIN,
            "WEFT_LOG": "json",
            "PYTHONDONTWRITEBYTECODE": "",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}
        return kept | own

    def start(self, *, migrated: bool = False) -> RunningHub:
        """Migrate, apply the configuration, serve; returns when it is ready. `migrated`: its tables are there."""
        if not migrated:
            self.weft("migrate")
        if self.config:
            path = self.home / "config.json"
            path.write_text(json.dumps(self.config), "utf-8")  # JSON is YAML
            self.weft("apply", str(path))
        self.serve()
        return self

    def serve(self) -> None:
        """Start the process (again) on the same port."""
        self.port = self.port or free_port()
        with (self.home / "serve.log").open("ab") as log:
            command = [str(WEFT), "serve", "--port", str(self.port), *self.arguments]
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._ready, 60, why=f"the hub did not become ready: {self.log()[-2000:]}")

    def _ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the hub ended with {self.process.returncode}: {self.log()[-3000:]}")
        try:
            path = "/healthz" if "--no-worker" in self.arguments else "/readyz"
            return httpx.get(self.url + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """kill -9, the whole process group."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """As an operator stops it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def log(self) -> str:
        path = self.home / "serve.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    # -- the doors ----------------------------------------------------------------------------------------------------

    def weft(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The command line on the same database."""
        done = subprocess.run(
            [str(WEFT), *arguments], env=self.environment, cwd=self.home, capture_output=True, text=True, timeout=120
        )
        if check and done.returncode:
            raise AssertionError(f"weft {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def weft_json(self, *arguments: str) -> Any:
        return json.loads(self.weft(*arguments, "--json").stdout)

    def get(self, path: str, **params: Any) -> Any:
        answer = httpx.get(self.url + path, params=params, headers=self.bearer, timeout=30)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = httpx.post(self.url + path, json=body, headers=self.bearer, timeout=30)
        assert answer.status_code == status, f"POST {path}: {answer.status_code} {answer.text}"
        return answer.json()

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {ADMIN}"}

    def tickets(self, **params: Any) -> list[dict[str, Any]]:
        """All tickets, newest first."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get("/v1/tickets", limit=500, **params, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def audit(self) -> dict[str, Any]:
        """`weft audit`, which must be clean."""
        report: dict[str, Any] = self.weft_json("audit")
        assert report["clean"], report
        return report
