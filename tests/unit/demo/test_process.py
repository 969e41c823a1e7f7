"""Real programs as child processes."""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.demo.errors import MissingComponent, NotStarted
from gateway.demo.process import Process, accepts_connections, find_program, free_ports, library_path

READY = "import pathlib, signal, sys; {}; pathlib.Path('ready').touch(); signal.pause()"


class Script(Process):
    """A Python one-liner that is ready once it has made the file `ready`."""

    name = "script"

    def __init__(self, folder: Path, script: str = "pass") -> None:
        super().__init__(folder)
        self.script = script

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", READY.format(self.script)]

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "ready").unlink(missing_ok=True)

    def ready(self) -> bool:
        return (self.folder / "ready").exists()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(pid: int) -> bool:
    """Gone, or dead and not yet waited for by whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_process_is_up_when_it_says_so_and_gone_after_the_block(tmp_path: Path) -> None:
    with Script(tmp_path / "own") as running:
        pid = running.pid
        assert running.alive
        assert alive(pid)

    assert not alive(pid)
    assert running.pid == 0


def test_what_it_writes_is_in_its_log(tmp_path: Path) -> None:
    with Script(tmp_path, "print('hello from it', flush=True)") as running:
        assert running.log.read_text() == "hello from it\n"


def test_its_folder_may_be_given_from_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with Script(Path("own")) as running:
        assert running.folder == tmp_path / "own"
        assert (tmp_path / "own" / "ready").exists()


def test_one_that_ends_at_once_is_told_with_its_code_and_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="ended with code 3") as failure:
        Script(tmp_path, "print('no port left', flush=True); sys.exit(3)").start()

    assert "no port left" in failure.value.log
    again = pickle.loads(pickle.dumps(failure.value))
    assert (str(again), again.log) == (str(failure.value), failure.value.log)


def test_one_that_never_gets_ready_is_ended_at_its_deadline(tmp_path: Path) -> None:
    stuck = Script(tmp_path, "signal.pause()")
    stuck.start_within_s = 0.3

    with pytest.raises(NotStarted, match=r"was not ready within 0\.3 s"):
        stuck.start()

    assert not stuck.alive


def test_one_that_ignores_the_order_to_stop_is_ended_by_force(tmp_path: Path) -> None:
    stubborn = Script(tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)").start()
    stubborn.stop_within_s = 0.3
    pid = stubborn.pid

    stubborn.stop()

    assert not alive(pid)


def test_its_children_end_with_it(tmp_path: Path) -> None:
    child = "import subprocess; p = subprocess.Popen(['sleep', '300']); pathlib.Path('child').write_text(str(p.pid))"
    running = Script(tmp_path, child).start()
    pid = int((tmp_path / "child").read_text())

    running.kill()

    until = time.monotonic() + 10  # the kernel ends a killed process in its own time
    while not ended(pid):
        assert time.monotonic() < until, "its child lives on"


def test_it_can_be_started_again_on_the_same_folder(tmp_path: Path) -> None:
    running = Script(tmp_path, "print('up', flush=True)").start()
    first = running.pid
    running.restart()

    assert running.pid not in (0, first)
    assert running.log.read_text() == "up\nup\n"
    running.stop()
    running.stop()


def test_starting_what_runs_changes_nothing(tmp_path: Path) -> None:
    with Script(tmp_path) as running:
        pid = running.pid
        assert running.start().pid == pid


def test_only_its_own_environment_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_ADMIN_TOKEN", "not for children")

    with Script(tmp_path, "import os; print(sorted(os.environ), flush=True)") as running:
        assert "WEFT_ADMIN_TOKEN" not in running.log.read_text()


def test_a_missing_program_is_told_with_the_command_that_brings_it() -> None:
    with pytest.raises(MissingComponent, match=r"no-such-a or no-such-b not found: run setup/components\.sh mosquitto"):
        find_program("no-such-a", "no-such-b", component="mosquitto")


def test_an_unpacked_program_is_found_with_its_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_COMPONENTS", str(tmp_path))
    program = tmp_path / "root/usr/sbin/weft-test-daemon"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    libraries = tmp_path / "root/usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)

    assert find_program("weft-test-daemon") == program
    assert library_path(program) == str(libraries)
    assert library_path(Path(sys.executable)) == ""


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)

    assert len(set(ports)) == 5
    assert not any(accepts_connections(port) for port in ports)
