"""The time of the campaign, driven beat by beat: alerts come in by the hub's front door, people act by the use cases of the
API, and workers do the rest, of whom some are killed."""

from __future__ import annotations

import random
import time
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from pathlib import Path

import orjson
from sqlalchemy import Connection, func, select

import core_tickets
import id_registry
from connectors.contract import Delivery
from core_tickets.errors import TicketError
from gateway import clock
from gateway.config import documents
from gateway.errors import WeftError
from gateway.ingest.inbox import Incoming
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.stuck import answering
from gateway.stuck.tables import stuck_question
from gateway.usecases import tickets
from tests.acceptance.alerts import CONNECTION
from tests.campaign import staff
from tests.campaign.crew import Crew
from tests.campaign.demand import HOUR, Alarm, Beats, Call, Span, arrivals, until
from tests.campaign.lives import Lives

BATCH = 100
_T = core_tickets.metadata.tables["ticket"].c


@dataclass(frozen=True)
class Campaign:
    """How large, how long, how disturbed."""

    span: Span
    tickets: int
    seed: int = 1
    minutes: float = 15
    """Between two beats, in the mean."""
    workers: int = 2
    kills: int = 0
    """So many workers are killed in all, at random."""
    together: bool = True
    """People act while the workers work; else before them."""


@dataclass
class Year:
    """A hub, its workers, and all that happens in the time of the campaign."""

    campaign: Campaign
    gateway: Gateway
    crew: Crew
    lives: Lives
    now: int
    sent: int = 0
    """Alerts that the front door has taken."""
    beats: int = 0
    longest_beat: int = 0
    spent: Counter[str] = field(default_factory=Counter)
    """Microseconds of real time by what they went into."""
    planned: date = date.min
    """The month whose shifts are known."""
    coming: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    """Repeats and ends of alerts, in order of time."""
    newest: int = 0
    asked_at: int = 0

    def __call__(self) -> int:
        return self.now

    def run(self, each_month: Callable[[Year], None] | None = None) -> None:
        """The whole time. `each_month` looks at what must hold, between two beats and with every worker at rest."""
        span, dice = self.campaign.span, random.Random(f"kills {self.campaign.seed}")
        demand = arrivals(span, self.campaign.tickets, self.campaign.seed)
        beats = list(Beats(span, self.campaign.minutes, self.campaign.seed))
        deadly = set(dice.sample(range(len(beats)), min(self.campaign.kills, len(beats))))
        month, taken = span.first.month, 0
        for number, now in enumerate(beats):
            local = datetime.fromtimestamp(now // clock.SECOND, staff.ZONE).date()
            if local.month != month:
                if each_month is not None:
                    each_month(self)
                month = local.month
            self._plan_ahead(local)
            arrived = until(demand, taken, now)
            taken += len(arrived)
            self._beat(now, arrived, dice if number in deadly else None)

    def _plan_ahead(self, today: date) -> None:
        """On the 25th the shifts of the next month are there."""
        month = today.replace(day=1)
        wanted = _next(month) if today.day >= 25 else month
        if self.planned < wanted:
            first, last = (today if self.planned == date.min else wanted), _next(wanted)
            self.gateway.transact(lambda conn: staff.plan(conn, first, last, self.campaign.seed))
            self.planned = wanted
            self.gateway.reload()

    def _beat(self, now: int, arrived: list[Alarm | Call], dice: random.Random | None) -> None:
        self.longest_beat = max(self.longest_beat, now - self.now)
        self.now, self.beats = now, self.beats + 1
        victim = None if dice is None else dice.randrange(self.crew.size)
        fatal = 0 if dice is None else dice.randrange(6)
        if self.campaign.together:
            self.crew.begin(now)
        for number, (what, act) in enumerate(self._acts(now, arrived)):
            if victim is not None and number == fatal and self.campaign.together:
                self.crew.kill(victim)
                victim = None
            with self._measured(what):
                act()
        if not self.campaign.together:
            self.crew.begin(now)
        if victim is not None:
            self.crew.kill(victim)
        with self._measured("waiting for workers"):
            self.crew.rest()

    def _acts(self, now: int, arrived: list[Alarm | Call]) -> Iterator[tuple[str, Callable[[], None]]]:
        """Everything that comes and that people do at this moment."""
        alarms = [each for each in arrived if isinstance(each, Alarm)]
        records = [*self._repeats(now), *(self._firing(alarm, now) for alarm in alarms)]
        for place in range(0, len(records), BATCH):
            yield "alerts", lambda p=place: self._deliver(records[p : p + BATCH])  # type: ignore[misc]
        for each in arrived:
            if isinstance(each, Call):
                yield "calls", lambda call=each: self._written_down(call)  # type: ignore[misc]
        yield "births", lambda: self._births(now)
        for turn in list(self.lives.due(now)):
            yield "people", lambda t=turn: self.lives.live(t, now)  # type: ignore[misc]
        if now // (6 * HOUR) != self.asked_at // (6 * HOUR):
            self.asked_at = now
            yield "answers", lambda: self._answers(now)

    # -- alerts -------------------------------------------------------------------------------------------------------

    def _firing(self, alarm: Alarm, now: int) -> dict[str, object]:
        key = f"{alarm.name}/{alarm.device}"
        told = self._record(alarm, key, now, None)
        ends = now + alarm.ends_after
        for n in range(alarm.repeats):
            insort(self.coming, (now + (n + 1) * alarm.ends_after // (alarm.repeats + 1), told), key=itemgetter(0))
        insort(self.coming, (ends, self._record(alarm, key, now, ends)), key=itemgetter(0))
        return told

    def _repeats(self, now: int) -> list[dict[str, object]]:
        """What is told again or has ended by now."""
        due = [told for at, told in self.coming if at <= now]
        del self.coming[: len(due)]
        return due

    def _record(self, alarm: Alarm, key: str, started: int, ended: int | None) -> dict[str, object]:
        module, region = alarm.area
        labels = {"alertname": alarm.name, "instance": f"m-{alarm.device}:9100", "severity": alarm.severity,
                  "module": module, "region": region, "job": "machines"}  # fmt: skip
        return {
            "status": "firing" if ended is None else "resolved", "labels": labels, "fingerprint": key,
            "annotations": {"summary": f"{alarm.name} 设备 m-{alarm.device}"}, "startsAt": clock.rfc3339(started),
            "endsAt": "0001-01-01T00:00:00Z" if ended is None else clock.rfc3339(ended),
        }  # fmt: skip

    def _deliver(self, records: list[dict[str, object]]) -> None:
        body = {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "weft",
                "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
                "externalURL": "http://alertmanager", "alerts": records}  # fmt: skip
        live = self.gateway.hub.connection("am")
        delivery = Delivery(orjson.dumps(body), {}, received_at=clock.to_datetime(self.now), verified=True)
        incoming: Incoming = self.gateway.run_in_inbox(live, delivery)
        self.sent += len(incoming.events)

    # -- people -------------------------------------------------------------------------------------------------------

    def _written_down(self, call: Call) -> None:
        labels = {} if call.area is None else {"module": call.area[0], "region": call.area[1]}
        if call.skill:
            labels["skill"] = call.skill
        keys = [id_registry.Key("device", "am", f"m-{call.device}")] if call.device is not None else []
        keys += [id_registry.Key("customer", "crm", f"c-{call.customer}")] if call.customer is not None else []
        gids = self.gateway.transact(lambda conn: id_registry.resolve(conn, keys, self.now))
        device, customer = (
            next((gid for k, gid in gids.items() if k.kind == kind), None) for kind in ("device", "customer")
        )
        self.gateway.transact(
            lambda conn: tickets.create(
                conn, self.gateway, kind=call.kind, priority=call.priority, title=call.title, description="",
                actor=staff.dispatchers()[1], labels=labels, device=device, customer=customer, assignee=None, group=None,
            )
        )  # fmt: skip

    def _births(self, now: int) -> None:
        """Tickets of this moment begin their lives."""
        with self.gateway.reading() as conn:
            rows = conn.execute(
                select(_T.id, _T.priority, _T.title, _T.source_key).where(_T.id > self.newest).order_by(_T.id)
            ).all()
        for row in rows:
            self.lives.born(row.id, row.priority, now, (row.title, row.source_key, now))
            self.newest = row.id

    def _answers(self, now: int) -> None:
        """Some of those who were asked what holds them up answer."""
        q = stuck_question.c
        with self.gateway.reading() as conn:
            rows = conn.execute(select(q.ticket_id, q.people, q.body).where(q.state == "open").order_by(q.id)).all()
        dice = random.Random(f"answers {now}")
        given = {"text": "as seen on site", "until": "6h"}
        for row in rows:
            people, offered = orjson.loads(row.people), orjson.loads(row.body)["answers"]
            if not people or dice.random() < 0.5:
                continue
            said = dice.choice(offered)
            try:
                self.gateway.transact(partial(self._answer, row.ticket_id, said, given, people[0]))
                self.lives.done[f"answer {said}"] += 1
            except (WeftError, TicketError) as error:
                self.lives.refused[f"answer {said}: {type(error).__name__}: {str(error)[:80]}"] += 1

    def _answer(self, number: int, said: str, given: dict[str, str], who: str, conn: Connection) -> None:
        answering.answer(conn, self.gateway, number, said, given, actor=who)

    @contextmanager
    def _measured(self, what: str) -> Iterator[None]:
        began = time.perf_counter_ns()
        yield
        self.spent[what] += (time.perf_counter_ns() - began) // 1000

    def size(self) -> int:
        """How many tickets there are."""
        with self.gateway.reading() as conn:
            return int(
                conn.execute(select(func.count()).select_from(core_tickets.metadata.tables["ticket"])).scalar_one()
            )


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def configuration(seed: int) -> documents.Documents:
    alarms = CONNECTION | {"context": []}
    hris = {"id": staff.HRIS, "connector": "prometheus", "enabled": False, "config": {"webhook_token": "unused"}}
    return documents.validate({"connections": [alarms, hris], "policies": staff.policies(seed)})


@contextmanager
def the_hub(campaign: Campaign, url: str, home: Path, set_clock: Callable[[Callable[[], int]], None]) -> Iterator[Year]:
    """A hub on a database that has its tables, with its policies and its workers. `set_clock` makes the driver's process
    go by the campaign's clock."""
    begin = campaign.span.begin
    crew = Crew(url, home, begin, size=campaign.workers)
    held = [begin]
    set_clock(lambda: held[0])
    gateway = Gateway(Settings(home=home, database_url=url))
    year = Year(campaign, gateway, crew, Lives(gateway, campaign.seed), begin)
    set_clock(year)
    try:
        gateway.apply(configuration(campaign.seed))
        gateway.start()
        crew.start()
        yield year
    finally:
        crew.close()
        gateway.close()
