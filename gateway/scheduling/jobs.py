"""The hub's own periodic jobs: each a name and one use case. Workers run them, or Airflow does (`weft job run NAME`).

Their times are those of the policy `scheduling`. Each may be run at any moment, twice at once, and again after it was
killed: what it finds done it leaves alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from connectors.errors import ConnectorError
from gateway import clock, matching, retention
from gateway.automation import checks
from gateway.config.hub import Hub, Live
from gateway.errors import NotFound
from gateway.figures import keeping, thresholds
from gateway.learning import memory
from gateway.learning import rounds as learning_rounds
from gateway.matching.second_opinion import MatchingNotInstalled
from gateway.reconcile import reconcile
from gateway.scheduling import freshness, upkeep
from gateway.service import Gateway
from gateway.usecases import ledger, tracing
from mappings.suggestions import among

log = structlog.get_logger(__name__)

VERIFIED_SHARE = 0.05
VERIFIED_SPAN = 26 * clock.HOUR
"""A little more than a day, so that nothing falls between two nights."""
ROLL_UP_S = 600.0
RETENTION_S = 1_800.0

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """`run` answers what it did, as JSON; `error` in it says what went wrong. `needs`: what must be fresh for it, by the
    records that syncs bring (empty: nothing), for a scheduler that begins things when their inputs are there."""

    name: str
    title: str
    title_zh: str
    run: Callable[[Gateway, Hub, int], Result]
    needs: tuple[str, ...] = ()


def _reconcile(gateway: Gateway, hub: Hub, _now: int) -> Result:
    """Every stream of alerts read in full; a system that does not answer is named, and stops nobody."""
    told, failed = {"read": 0, "told": 0, "ended": 0, "bad": 0}, []
    for live in hub.connections.values():
        if not live.spec.enabled or live.runtime is None or "reads" not in live.can:
            continue
        for outcome in _reconciled(gateway, hub, live):
            for name in told:
                told[name] += getattr(outcome, name)
            if outcome.error:
                failed.append(f"{live.id}: {outcome.error}")
    return told | {"error": "; ".join(failed)}


def _reconciled(gateway: Gateway, hub: Hub, live: Live) -> list[Any]:
    try:
        streams = [s for s in live.streams if (m := live.mappings.get(s.name)) is not None and m.target == "Alert"]
    except ConnectorError as error:
        log.warning("reconcile.no_streams", connection=live.id, reason=str(error))
        return []
    return [reconcile(gateway, hub, live, stream, full=True) for stream in streams]


def _learning(gateway: Gateway, hub: Hub, now: int) -> Result:
    """Zombie and duplicate tickets, problems, proposals: the round of this hour, and once a day the slow parts."""
    with gateway.reading() as conn:
        last, last_daily = memory.last(conn, learning_rounds.HOURLY), memory.last(conn, learning_rounds.DAILY)
    if not last:
        return {"proposals": learning_rounds.run_due(gateway, hub, now)}
    daily = last_daily + clock.DAY <= now + 5 * clock.MINUTE  # a scheduler is never exactly on time
    return {"proposals": learning_rounds.run(gateway, hub, now, daily=daily), "daily": daily}


def _figures(gateway: Gateway, _hub: Hub, now: int) -> Result:
    """Every day that is due is computed, and the limits are looked at."""
    days, end = 0, time.monotonic() + ROLL_UP_S
    while time.monotonic() < end and (did := keeping.tick(gateway, now)):
        days += did
    return {"done": days, "crossed": thresholds.watch(gateway, now)}


def _lineage_verify(gateway: Gateway, hub: Hub, now: int) -> Result:
    """A sample of what was written since yesterday is recomputed from what it came from. A difference makes a ticket."""
    with gateway.reading() as conn:
        report = tracing.verify(conn, now - VERIFIED_SPAN, VERIFIED_SHARE)
    found = [str(each) for each in (*report.differences, *report.plans, *report.missing, *report.segments)]
    upkeep.tell(gateway, hub, upkeep.Subject(
        "lineage-verify", "lineage-differs", "数据溯源不一致 Values differ from what they came from",
        "weft lineage verify --since 26h\n" + "\n".join(found[:20]),
    ), standing=bool(found), now=now)  # fmt: skip
    return {
        "records": report.records,
        "values": report.values,
        "differences": len(found),
        "error": "\n".join(found[:20]),
    }


def _matching(gateway: Gateway, _hub: Hub, _now: int) -> Result:
    """Records of different systems that tell of one thing; Splink's second opinion where it is installed."""
    try:
        done = matching.batch(gateway)
    except MatchingNotInstalled:
        done = matching.batch(gateway, second_opinion=False)
    return {"kinds": [outcome.as_dict() for outcome in done]}


def _cross_check(gateway: Gateway, hub: Hub, now: int) -> Result:
    """What other systems are to be asked about tickets, asked now that their data are fresh."""
    asked = 0
    while did := checks.run_due(gateway, hub, now):
        asked += did
    return {"asked": asked}


def _retention(gateway: Gateway, _hub: Hub, _now: int) -> Result:
    """What is old leaves the database, old lineage for sealed segments."""
    report = retention.run(gateway, limit_s=RETENTION_S)
    return {f"{done.kind}_rows": done.rows for done in report.done} | {"swept": len(report.swept)}


def _audit(gateway: Gateway, _hub: Hub, now: int) -> Result:
    """The ledger, added up; what it found is a metric and stays in the log."""
    report = ledger.audit_and_remember(gateway, now)
    found = [f"{each.what}: {each.count}: {', '.join(each.rows[:5])}" for each in report.findings]
    return {"received": report.received, "error": "\n".join(found[:20])}


def _freshness(gateway: Gateway, hub: Hub, now: int) -> Result:
    late = freshness.look(gateway, hub, now)
    return {"late": late}


JOBS: Mapping[str, Job] = {
    job.name: job
    for job in (
        Job("freshness", "Data that are older than promised become tickets", "数据逾期变工单", _freshness),
        Job("reconcile", "Alerts of every system compared with the hub's", "与各系统核对告警", _reconcile),
        Job("learning", "Zombie and duplicate tickets, problems, proposals", "僵尸与重复工单、问题、建议", _learning),
        Job("audit", "The ledger added up", "核对账本", _audit),
        Job(
            "figures", "Metrics rolled up", "指标汇总", _figures, ("StockLevel", "Downtime", "Oee", "Order", "Delivery")
        ),
        Job(
            "matching",
            "Records that tell of one thing are found",
            "识别同一对象（批量）",
            _matching,
            ("Customer", "Supplier", "Device", "Article", "Product"),
        ),
        Job(
            "cross-check",
            "Do the other systems agree?",
            "与其他系统交叉核对",
            _cross_check,
            ("Order", "Delivery", "Interaction", "Downtime"),
        ),
        Job("retention", "What is old leaves, lineage moves into segments", "清理过期数据，溯源转入冷分段", _retention),
        Job("lineage-verify", "A sample of lineage recomputed", "抽样核对溯源", _lineage_verify),
    )
}


def job_of(name: str) -> Job:
    """Raises NotFound."""
    if name not in JOBS:
        raise NotFound(f"There is no job {name!r}. {among(name, sorted(JOBS))}")
    return JOBS[name]
