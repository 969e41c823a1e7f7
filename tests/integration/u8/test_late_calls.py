"""Calls that end too late, and servers that never answer: whoever waits goes on, and the process lives."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from connectors.contract import Ask
from connectors.errors import Transient
from connectors.odbc import OdbcSettings, connect, driver_file
from connectors.settings import parse_config
from connectors.u8 import U8Connector
from tests.real.odbc import postgres_settings

PASSWORD = "geheim-geheim-geheim"
HURRY = """
import random, sys, threading
from connectors.errors import Transient
from connectors.odbc import OdbcSettings, Pool
pool = Pool(OdbcSettings.model_validate_json(sys.argv[1]))
QUERIES = ["select pg_sleep(0.02)", "select i from generate_series(1, 50000) i order by -i"]
def hurry(dice):
    for _ in range(40):
        try:
            with pool.lease(timeout_s=5) as session:
                rows = session.query(dice.choice(QUERIES), timeout_s=dice.choice([0.001, 0.01, 0.02, 0.021, 0.05]))
                rows.fetch(100, dice.choice([0.001, 0.01, 0.5]))
                rows.close()
        except Transient:
            pass
threads = [threading.Thread(target=hurry, args=(random.Random(n),)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print("alive")
"""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(5)
        yield listening.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def sql_server(driver: str, port: int, timeout_s: float) -> OdbcSettings:
    driver_file(driver)  # a missing driver is a failure that says what to install
    told = {"driver": driver, "server": "127.0.0.1", "port": port, "username": "sa", "password": PASSWORD}
    return OdbcSettings.model_validate({**told, "timeout_s": timeout_s})


def test_calls_given_up_at_any_moment_do_not_crash_the_process(postgres_url: str) -> None:
    settings = OdbcSettings.model_validate(postgres_settings(postgres_url)).model_dump_json()
    done = subprocess.run(
        [sys.executable, "-c", HURRY, settings], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-2000:]


@pytest.mark.parametrize("driver", ["microsoft", "freetds"])
def test_a_server_that_never_answers_is_transient_in_time(driver: str, silent_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(Transient) as told:
        connect(sql_server(driver, silent_port, 1))
    assert time.monotonic() - began < 3
    assert PASSWORD not in f"{told.value} {told.value.hint}"


@pytest.mark.parametrize("driver", ["microsoft", "freetds"])
def test_a_closed_port_is_transient(driver: str, closed_port: int) -> None:
    with pytest.raises(Transient) as told:
        connect(sql_server(driver, closed_port, 3))
    assert PASSWORD not in f"{told.value} {told.value.hint}"


@pytest.mark.parametrize("driver", ["microsoft", "freetds"])
def test_a_question_to_a_silent_server_keeps_its_deadline(driver: str, silent_port: int) -> None:
    settings = sql_server(driver, silent_port, 30)
    config = parse_config(U8Connector, {**settings.model_dump(), "password": PASSWORD, "account": "001"})
    connector = U8Connector(config)  # type: ignore[arg-type]
    began = time.monotonic()
    with pytest.raises(Transient):
        connector.lookup(Ask("stock", {"item": "BRG-6205"}, 0.3))
    assert time.monotonic() - began < 2
    connector.close()
