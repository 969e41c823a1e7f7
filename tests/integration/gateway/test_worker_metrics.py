"""A worker tells of itself: metrics for Prometheus, health for whoever runs its container, the ledger's last audit."""

from __future__ import annotations

import httpx
from sqlalchemy import insert

from gateway import clock, tables
from gateway.exposition import Exposition
from gateway.usecases import ledger
from tests.integration.gateway.in_process import House


def scraped(house: House, *, alive: bool = True, path: str = "/metrics") -> httpx.Response:
    with Exposition(house.gateway, lambda: alive, "127.0.0.1", 0) as exposition:
        return httpx.get(f"http://127.0.0.1:{exposition.port}{path}", timeout=10)


def test_a_worker_tells_its_metrics_and_its_health(house: House) -> None:
    house.tell(house.alert("nul", title="a\0b"))
    answer = scraped(house)
    assert answer.status_code == 200
    assert "\nweft_dead_letters 1.0" in answer.text
    assert scraped(house, path="/healthz").status_code == 200
    assert scraped(house, path="/healthz", alive=False).status_code == 503
    assert scraped(house, path="/else").status_code == 404


def test_the_last_audit_is_a_metric_and_so_is_its_age(house: House) -> None:
    assert "\nweft_audit_findings NaN" in scraped(house).text
    assert ledger.audit_and_remember(house.gateway, clock.now()).clean
    house.clock.forward(90)
    text = scraped(house).text
    assert "\nweft_audit_findings 0.0" in text
    assert "\nweft_audit_age_seconds 90.0" in text


def test_an_audit_that_is_not_clean_is_told(house: House) -> None:
    house.tell(house.alert("a"))
    with house.gateway.transaction() as conn:
        conn.execute(insert(tables.message).values(
            id=1, delivery_id=99, position=0, connection_id="r", stream="alert", end="merged", rule="?", at=0
        ))  # fmt: skip
    assert not ledger.audit_and_remember(house.gateway, clock.now()).clean
    assert "\nweft_audit_findings 1.0" in scraped(house).text


def test_the_age_of_what_is_held_of_a_stream_counts_from_its_last_complete_reading(house: House) -> None:
    from gateway.sync.tables import sync_run

    with house.gateway.transaction() as conn:
        for number, (state, ago) in enumerate((("complete", 500), ("complete", 300), ("failed", 10))):
            conn.execute(insert(sync_run).values(
                id=number + 1, connection_id="erp", stream="stock", full=False, state=state,
                started_at=clock.now() - ago * clock.SECOND,
            ))  # fmt: skip
    assert 'weft_sync_age_seconds{connection="erp",stream="stock"} 300.0' in scraped(house).text
