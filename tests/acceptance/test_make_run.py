"""`make run` and `weft sandbox up` as programs: what they show soon, and what they leave behind when they are ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.demo.process import accepts_connections, free_ports
from gateway.demo.recorded import messages
from tests.acceptance.running_hub import ADMIN, WEFT, eventually

TOUR = [sys.executable, "-m", "gateway.demo"]
WITHOUT_PROGRAMS = [
    sys.executable, "-c", "from gateway.demo import __main__ as tour; tour.has_programs = lambda *_: False; tour.main()",
]  # fmt: skip
"""The tour on a machine that has neither Prometheus nor Mosquitto."""


class Run:
    """A program of ours in a home of its own, where nothing is yet."""

    def __init__(self, folder: Path, command: list[str], port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_") or k == "WEFT_COMPONENTS"}
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        kept |= {"TMPDIR": str(self.temporary)}
        own = {"HOME": str(folder), "WEFT_HOME": str(folder / "var"), "WEFT_PORT": str(port), "WEFT_ADMIN_TOKEN": ADMIN}
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, env=kept | own, stdout=output, stderr=output, start_new_session=True
            )

    def told(self) -> str:
        assert self.process.poll() is None, self.output.read_text("utf-8", "replace")[-3000:]
        return self.output.read_text("utf-8", "replace")

    def tickets(self) -> list[dict[str, Any]]:
        self.told()
        try:
            answer = httpx.get(f"{self.url}/v1/tickets", headers={"Authorization": f"Bearer {ADMIN}"}, timeout=5)
        except httpx.TransportError:
            return []
        found: list[dict[str, Any]] = answer.json()["items"] if answer.status_code == 200 else []
        return found

    def programs(self) -> list[str]:
        """The running programs that have this home or a folder below it, this one aside."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                home, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"HOME={self.folder}".encode() in home and int(entry.name) != self.process.pid:
                found.append(command.replace(b"\0", b" ").decode())
        return found

    def end(self) -> int:
        """As `docker stop` or a service manager does it; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def running(folder: Path, command: list[str]) -> Iterator[Run]:
    folder.mkdir(exist_ok=True)
    run = Run(folder, command, free_ports(1)[0])
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.end()


def test_make_run_shows_its_first_ticket_within_a_minute_and_leaves_nothing_running(tmp_path: Path) -> None:
    with running(tmp_path / "home", TOUR) as run:
        first = eventually(run.tickets, 60, 0.2, "the first ticket")
        assert first[0]["id"].startswith("TKT-")
        children = run.programs()
        assert any("prometheus" in each for each in children), children
        assert any("mosquitto" in each for each in children), children
        assert run.end() == 0
        assert run.programs() == []


def test_where_no_program_can_be_had_recorded_messages_are_played_said_and_end_in_tickets(tmp_path: Path) -> None:
    series = [each for message in messages(datetime.now(UTC)) for each in message["alerts"]]
    wanted = {a["fingerprint"] for a in series if a["status"] == "firing" and a["labels"]["severity"] != "info"}
    over = {a["fingerprint"] for a in series if a["status"] == "resolved"}

    def of_the_recording() -> dict[str, str]:
        return {t["source_key"]: t["status"] for t in run.tickets() if t["connection"] == "am-main"}

    with running(tmp_path / "home", WITHOUT_PROGRAMS) as run:
        found = eventually(lambda: f if set(f := of_the_recording()) >= wanted else None, 60, 0.2, "their tickets")
        assert set(found) == wanted
        assert {key for key, status in found.items() if status == "resolved"} == over
        assert "recorded messages are played" in run.told()
        assert not [each for each in run.programs() if "prometheus" in each or "mosquitto" in each]
        assert run.end() == 0
        assert run.programs() == []


@pytest.fixture
def ports() -> int:
    """The first of three free ports that stand one behind the other."""
    return next(p for p in range(20_000, 60_000, 7) if not any(accepts_connections(p + n) for n in range(3)))


def test_the_stand_ins_that_are_asked_for_answer_and_end_when_told(tmp_path: Path, ports: int) -> None:
    asked: dict[str, Callable[[str], bool]] = {
        "zabbix": lambda url: httpx.post(
            f"{url}/api_jsonrpc.php", json={"jsonrpc": "2.0", "method": "apiinfo.version", "params": [], "id": 1}
        ).json()["result"].startswith("6.0"),
        "u8": lambda url: httpx.get(f"{url}/sandbox/requisitions").json() == [],
        "mes": lambda url: "machines" in httpx.get(f"{url}/sandbox/state").json(),
    }  # fmt: skip
    command = [str(WEFT), "sandbox", "up", *asked, "--port", str(ports)]
    with running(tmp_path / "home", command) as run:
        for number, (name, question) in enumerate(asked.items()):
            eventually(lambda p=ports + number: accepts_connections(p), 30, why=name)  # type: ignore[misc]
            assert question(f"http://127.0.0.1:{ports + number}"), name
        assert len(run.programs()) == len(asked)
        assert run.end() == 0
        assert run.programs() == []
        assert list(run.temporary.iterdir()) == []
