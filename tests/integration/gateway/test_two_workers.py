"""Two real processes on one database begin what is due once, and whoever is gone or late cannot spoil it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from gateway.database import normalise

SCRIPT = Path(__file__).with_name("claimant.py")


class Claimant:
    """One process. `next` waits for its next line."""

    def __init__(self, url: str, home: Path, hold_s: float = 0.0, clock_s: float = 0.0) -> None:
        command = [sys.executable, str(SCRIPT), url, str(home), str(hold_s), str(clock_s)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self.next()["what"] == "ready"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self, timeout_s: float = 60) -> dict[str, Any]:
        return self.lines.get(timeout=timeout_s)

    def until(self, what: str, timeout_s: float = 60) -> None:
        end = time.monotonic() + timeout_s
        while self.next(max(end - time.monotonic(), 0.01))["what"] != what:
            pass

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@pytest.fixture
def claimants() -> Iterator[list[Claimant]]:
    made: list[Claimant] = []
    yield made
    for each in made:
        each.close()


def rows(url: str, step: str) -> list[tuple[str, int]]:
    """(owner, when it was begun by the database's clock) of what was committed, in order."""
    engine = create_engine(normalise(url))
    with engine.connect() as conn:
        query = text("SELECT name, begun_at FROM schedule_state WHERE name LIKE :step ORDER BY begun_at")
        found = [(name.partition(":")[2], at) for name, at in conn.execute(query, {"step": f"{step}:%"})]
    engine.dispose()
    return found


def test_of_two_workers_one_begins_each_time_even_if_the_clock_of_one_is_wrong(
    migrated_url: str, tmp_path: Path, claimants: list[Claimant]
) -> None:
    wrong = 3600.0 if migrated_url.startswith("postgresql") else 0.0  # processes on SQLite have one machine's clock
    for clock_s in (0.0, wrong):
        claimants.append(Claimant(migrated_url, tmp_path, clock_s=clock_s))
    end = time.monotonic() + 60
    while len(rows(migrated_url, "second")) < 4:
        assert time.monotonic() < end, "they begin too little"
        claimants[0].process.poll()
        time.sleep(0.2)
    began = [at for _, at in rows(migrated_url, "first")]
    apart = [b - a for a, b in pairwise(began)]
    assert len(began) >= 3
    assert min(apart) >= 1_000_000, apart


def test_what_a_killed_worker_had_begun_another_begins_again(
    migrated_url: str, tmp_path: Path, claimants: list[Claimant]
) -> None:
    claimants.append(Claimant(migrated_url, tmp_path, hold_s=600))
    claimants[0].until("began")
    claimants[0].send(signal.SIGKILL)
    claimants.append(Claimant(migrated_url, tmp_path))
    claimants[1].until("ended")
    first, second = rows(migrated_url, "first")[:2]
    assert first[0] != second[0]
    assert rows(migrated_url, "second")[0][0] == second[0]


def test_a_worker_that_was_stopped_until_another_took_over_commits_nothing_more(
    migrated_url: str, tmp_path: Path, claimants: list[Claimant]
) -> None:
    claimants.append(Claimant(migrated_url, tmp_path, hold_s=2))
    claimants[0].until("began")
    claimants[0].send(signal.SIGSTOP)
    late = rows(migrated_url, "first")[-1][0]
    claimants.append(Claimant(migrated_url, tmp_path))
    claimants[1].until("ended")
    claimants[0].send(signal.SIGCONT)
    claimants[0].until("lost")
    assert late not in [owner for owner, _ in rows(migrated_url, "second")]
