"""Several processes of one hub on one PostgreSQL, behind one port."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.acceptance.alerts import BEARER, CONNECTION, alert, message
from tests.acceptance.running_hub import RunningHub


def test_two_processes_make_one_ticket_of_first_sights_at_once_and_count_together(
    tmp_path: Path, postgres_database: str
) -> None:
    hub = RunningHub(tmp_path, postgres_database, {"connections": [CONNECTION]}, ("--workers", "2"))
    hub.start()
    try:
        with ThreadPoolExecutor(16) as pool:

            def send(number: int) -> int:
                answer = httpx.post(
                    f"{hub.url}/v1/inbound/am", json=message(alert(number % 10)), headers=BEARER, timeout=60
                )
                return answer.status_code

            assert set(pool.map(send, range(160))) == {202}
        assert len(hub.tickets()) == 10
        ends = hub.audit()["ends"]
        assert (ends["ticketed"], ends["merged"]) == (10, 150)
        text = httpx.get(f"{hub.url}/metrics", timeout=10).text
        assert 'weft_messages_received_total{connection="am"} 160.0' in text
    finally:
        hub.stop()


def test_sqlite_refuses_several_processes_and_says_what_to_do(tmp_path: Path) -> None:
    hub = RunningHub(tmp_path, f"sqlite:///{tmp_path / 'weft.db'}")
    refused = hub.weft("serve", "--workers", "2", "--port", "1", check=False)
    assert refused.returncode == 2
    assert "PostgreSQL" in refused.stderr
