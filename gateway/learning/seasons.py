"""Promises proposed from history, season by season: what was really kept, with its error bars, against what is promised.

A season is a quarter. What is proposed is the upper bound of the quantile, so that even an unlucky quarter keeps it;
nothing is proposed where there are too few tickets, where the bounds are wide apart, or where the promise fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select

from core_tickets import KINDS, Policy
from core_tickets.learning import ENDLESS, Estimate, estimate
from core_tickets.learning.worth import UNFIXED
from core_tickets.tables import ticket as ticket_table
from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.config import documents, store
from gateway.config.durations import parse, show
from gateway.config.hub import Hub
from gateway.errors import Conflict, Problem, Refused
from gateway.learning.proposals import Found, Proposal, ProposalKind, cleaned_up
from gateway.policies import promises as promised
from gateway.policies.figures import KIND as FIGURES
from gateway.policies.learning import KIND as LEARNING
from gateway.policies.learning import Promises
from gateway.service import Gateway
from gateway.tokens import Right

NAME = "promise"
What = Literal["first_response", "resolution"]
WHATS: Mapping[What, tuple[str, str]] = {
    "first_response": ("首次响应", "first response"),
    "resolution": ("解决", "resolution"),
}
UNDER_WAY = 14 * DAY
"""Tickets opened less than this ago do not count: of those only the quick ones are done."""
MOST = 300_000
_T = ticket_table.c


class Season(NamedTuple):
    """A quarter of a year: `2026-Q4`."""

    year: int
    quarter: int

    def __str__(self) -> str:
        return f"{self.year}-Q{self.quarter}"


class Took(NamedTuple):
    """How long one ticket took, in working time; `ENDLESS`: it is not there yet."""

    season: Season
    first_response: int
    resolution: int


@dataclass(frozen=True, slots=True)
class Fit:
    """What history says of one promise. `seasonal`: this quarter differs from the rest of the year beyond its bounds, so
    it alone was used; else all quarters were."""

    estimate: Estimate
    rest: Estimate
    seasonal: bool
    kept: float
    """The share that keeps what is promised now."""
    minutes: int
    """What is proposed."""


def season_at(at: int, zone: str) -> Season:
    local = datetime.fromtimestamp(at // SECOND, ZoneInfo(zone))
    return Season(local.year, (local.month + 2) // 3)


def find(gateway: Gateway, hub: Hub, now: int) -> list[Found]:
    """Every promise of the coming season that history does not bear out."""
    policy, zone = LEARNING.of(hub.policies).promises, FIGURES.of(hub.policies).terms.zone
    season = season_at(now + policy.ahead, zone)
    with gateway.reading() as conn:
        told = _history(conn, hub.promises, zone, now - policy.history, now - UNDER_WAY)
    found: list[Found] = []
    for (kind, priority), took in sorted(told.items()):
        written, promise = hub.promises.line(kind, priority)
        current: Mapping[What, int | None] = {
            "first_response": promise.first_response,
            "resolution": promise.resolution,
        }
        for what, minutes in current.items():
            fit = None if minutes is None else fitted(took, what, minutes, season, policy)
            if fit is not None and minutes is not None:
                line = {"kind": kind, "priority": f"P{priority}", "promise": what, "season": str(season),
                        "written_for": written, "calendar": promise.calendar}  # fmt: skip
                found.append(Found(f"{kind}/P{priority}/{what}/{season}", line | _evidence(fit, what, minutes, policy)))
    return found


def fitted(took: Sequence[Took], what: What, minutes: int, season: Season, policy: Promises) -> Fit | None:
    """What to promise instead of `minutes`; None: leave it. Pure; the order of the tickets does not matter."""
    here = [getattr(t, what) for t in took if t.season.quarter == season.quarter]
    there = [getattr(t, what) for t in took if t.season.quarter != season.quarter]
    own, rest = (estimate(v, policy.share, policy.confidence) for v in (here, there))
    seasonal = len(here) >= policy.least and _apart(own, rest)
    used = own if seasonal else estimate(here + there, policy.share, policy.confidence)
    if used.count < policy.least or used.value is None or used.low is None or used.high is None:
        return None
    if used.high - used.low > policy.spread * used.value:
        return None
    proposed = rounded(used.high)
    if abs(proposed - minutes) <= policy.change * minutes:
        return None
    values = here if seasonal else here + there
    return Fit(used, rest, seasonal, sum(v <= minutes * MINUTE for v in values) / len(values), proposed)


def _apart(a: Estimate, b: Estimate) -> bool:
    above = a.low is not None and b.high is not None and a.low > b.high
    below = a.high is not None and b.low is not None and a.high < b.low
    return above or below


def rounded(duration: int) -> int:
    """Whole minutes not below it that people would promise: steps of 5 minutes, above 2 h of 15, above 8 h of hours."""
    step = 5 * MINUTE if duration <= 2 * HOUR else 15 * MINUTE if duration <= 8 * HOUR else HOUR
    return max(-(-duration // step) * step, step) // MINUTE


def _history(conn: Connection, policy: Policy, zone: str, since: int, until: int) -> dict[tuple[str, int], list[Took]]:
    """What people really took, by kind and priority. Members of storms, false alarms, what recovered by itself and what was
    cleaned up measure nobody's work and are left out."""
    cleaned = cleaned_up(conn)
    query = (
        select(
            _T.id, _T.kind, _T.priority, _T.status, _T.opened_at, _T.first_responded_at, _T.resolved_at, _T.paused_total
        )
        .where(_T.opened_at > since, _T.opened_at <= until, _T.storm_id.is_(None))
        .where(or_(_T.cause.is_(None), _T.cause.not_in(sorted(UNFIXED))))
        .order_by(_T.id.desc())
        .limit(MOST)
    )
    told: dict[tuple[str, int], list[Took]] = {}
    for t in conn.execute(query):
        if t.id in cleaned:
            continue
        calendar = policy.calendar(t.kind, t.priority)
        done = t.resolved_at if t.status in ("resolved", "closed") else None
        answered = t.first_responded_at if t.first_responded_at is not None else done
        first = ENDLESS if answered is None else calendar.between(t.opened_at, answered)
        last = ENDLESS if done is None else max(calendar.between(t.opened_at, done) - t.paused_total, 0)
        told.setdefault((t.kind, t.priority), []).append(Took(season_at(t.opened_at, zone), first, last))
    return told


def _evidence(fit: Fit, what: What, minutes: int, policy: Promises) -> dict[str, Any]:
    zh, en = WHATS[what]
    share = f"{policy.share:.0%}"
    value, low, high = (
        x // MINUTE if x is not None else None for x in (fit.estimate.value, fit.estimate.low, fit.estimate.high)
    )
    of = "本季度与其余时间明显不同" if fit.seasonal else "各季度没有明显差别，按全年计算"
    season = "this quarter differs from the rest of the year" if fit.seasonal else "no quarter differs, so all count"
    return {
        "now": f"{minutes}m", "kept": round(fit.kept, 4), "seasonal": fit.seasonal,
        "estimate": _bars(fit.estimate), "rest": _bars(fit.rest), "share": policy.share, "confidence": policy.confidence,
        "reasons": [{
            "name": "history",
            "zh": f"{fit.estimate.count} 张工单中，{share} 的{zh}在 {value} 分钟内（{policy.confidence:.0%} 区间 {low}–{high}）；"
                  f"现承诺 {minutes} 分钟，做到 {fit.kept:.0%}；{of}",
            "en": f"of {fit.estimate.count} tickets {share} had their {en} within {value} minutes ({policy.confidence:.0%} "
                  f"between {low} and {high}); {minutes} are promised and {fit.kept:.0%} keep it; {season}",
        }],
        "would": {"action": "promise", "minutes": fit.minutes},
    }  # fmt: skip


def _bars(found: Estimate) -> dict[str, Any]:
    """Minutes, rounded down."""
    values = {"value": found.value, "low": found.low, "high": found.high}
    return {name: None if v is None else v // MINUTE for name, v in values.items()} | {"count": found.count}


def stale(conn: Connection, hub: Hub, standing: Sequence[Proposal], now: int) -> dict[int, str]:
    zone = FIGURES.of(hub.policies).terms.zone
    gone: dict[int, str] = {}
    for p in standing:
        e = p.evidence
        promise = hub.promises.line(e["kind"], int(e["priority"][1]))[1]
        if getattr(promise, e["promise"]) != parse(e["now"]) // MINUTE or promise.calendar != e["calendar"]:
            gone[p.id] = "承诺已被修改 the promise was changed since"
        elif e["season"] < str(season_at(now, zone)):
            gone[p.id] = "该季度已过 the season is over"
    return gone


def accept(
    conn: Connection, gateway: Gateway, found: Proposal, given: Mapping[str, Any], actor: str, now: int
) -> Mapping[str, Any]:
    """Change one line of the policy `promises`. Tickets that are open keep what they were promised."""
    e, minutes = found.evidence, given.get("minutes", found.evidence["would"]["minutes"])
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= 5_270_400:
        raise Refused(
            "This cannot be promised.", [Problem("minutes", f"{minutes!r} is no promise", "write whole minutes")]
        )
    nothing = documents.Documents()
    # taken first, it holds the configuration still, so that what is changed is what is really stored
    _, hub = store.apply(conn, nothing, gateway.installed, gateway.vault, now, dry_run=True)
    if stale(conn, hub, [found], now):
        raise Conflict("The promise was changed since it was looked at; look again.")
    document = hub.policies.specs[promised.KIND.name].model_dump(mode="json", exclude_defaults=True)
    line = _line(document["lines"], e["kind"], e["priority"])
    line[e["promise"]] = show(minutes * MINUTE)
    policies = documents.validate({"policies": [document | {"policy": promised.KIND.name}]})
    note = f"proposal accepted: {e['kind']}/{e['priority']}"
    store.apply(conn, policies, gateway.installed, gateway.vault, now, actor=actor, note=note)
    return {"line": f"{e['kind']}/{e['priority']}", "promise": e["promise"], "before": e["now"], "after": f"{minutes}m"}


def _line(lines: list[dict[str, Any]], kind: str, priority: str) -> dict[str, Any]:
    """The line of this very kind; made of the one for all others where there is none. Kinds come in the core's order."""
    same = [each for each in lines if each["priority"] == priority]
    own = next((each for each in same if each.get("kind", "*") == kind), None)
    if own is None:
        general = next((each for each in same if each.get("kind", "*") == "*"), {"priority": priority})
        own = {**general, "kind": kind if kind in KINDS else "*"}
        lines.append(own)
    return own


PROMISES = ProposalKind(NAME, Right.configure, find, stale, accept, frozenset({"minutes"}))
