"""Alerts in any order, twice and late, flapping, in storms, and after people: the end state is the same."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.zabbix.webhook import PARAMETERS
from core_tickets import Ticket
from gateway import clock, tables
from gateway.automation.signals import Observed, Signal, advance
from tests.integration.gateway.in_process import START, Build, House

OPEN = ("pending", "in_progress", "blocked")
QUIET = {"flap": None, "storm": None}
PLAIN = {"id": "plain", "on": "Alert", "ticket": {"kind": "'incident'", "priority": "'P1'", "title": "title"},
         "reopen_within": "30m"}  # fmt: skip

_lives = st.lists(st.booleans(), min_size=1, max_size=4)  # of each episode: has it ended?


@st.composite
def _stories(draw: st.DrawFn) -> tuple[dict[str, list[bool]], list[list[tuple[str, int, str]]]]:
    """Episodes of some signals, and their messages shuffled, doubled and cut into deliveries."""
    lives = {key: draw(_lives) for key in draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))}
    told = [(key, n, s) for key, ends in lives.items() for n, over in enumerate(ends)
            for s in (("firing", "resolved") if over else ("firing",))]  # fmt: skip
    told += draw(st.lists(st.sampled_from(told), max_size=6))
    told = draw(st.permutations(told))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(told) - 1)), max_size=3)))
    return lives, [told[a:b] for a, b in zip([0, *cuts], [*cuts, len(told)], strict=True)]


@settings(max_examples=300, deadline=None)
@given(_stories())
def test_the_state_of_a_signal_is_that_of_its_newest_episode_in_whatever_order_it_was_told(story: Any) -> None:
    lives, deliveries = story
    signals: dict[str, Signal | None] = dict.fromkeys(lives)
    for key, n, status in (m for d in deliveries for m in d):
        seen = Observed(key, "r", "plain", status, str(n), START + n, None, START + 100)
        signals[key], _ = advance(signals[key], seen, None)
    for key, ends in lives.items():
        signal = signals[key]
        assert signal is not None
        assert (signal.episode, signal.status) == (str(len(ends) - 1), "resolved" if ends[-1] else "firing")


def test_a_ticket_is_open_if_and_only_if_the_newest_episode_fires(build: Build) -> None:
    house = build({"rules": [PLAIN | QUIET]})
    rounds = iter(range(10_000))

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_stories())
    def check(story: Any) -> None:
        lives, deliveries = story
        number = next(rounds)
        base = house.clock.now
        for delivery in deliveries:
            house.clock.forward(1)
            house.tell(*(
                house.alert(f"{number}/{key}", status, episode=str(n), starts_at=clock.rfc3339(base + n * clock.MINUTE))
                for key, n, status in delivery
            ))  # fmt: skip
        mine = [t for t in house.tickets() if f" {number}/" in t.title]
        for key, ends in lives.items():
            standing = [t for t in mine if t.title.endswith(f"/{key}") and t.status in OPEN]
            assert len(standing) == (0 if ends[-1] else 1), (key, ends, deliveries, standing)
        house.ends()
        for ticket in mine:  # the next example begins with few tickets
            if ticket.status in OPEN:
                house.act(ticket, "resolve", resolution="done")

    check()
    house.verify()


def test_of_two_episodes_that_began_in_one_moment_the_one_with_the_later_id_is_the_newer() -> None:
    def seen(episode: str, status: str) -> Observed:
        return Observed("k", "r", "plain", status, episode, START, None, START)

    signal, _ = advance(None, seen("99", "firing"), None)
    signal, _ = advance(signal, seen("100", "firing"), None)
    signal, move = advance(signal, seen("99", "resolved"), None)
    assert signal is not None
    assert (move, signal.episode, signal.status) == ("late", "100", "firing")


def _only(house: House) -> Ticket:
    (ticket,) = house.tickets()
    return ticket


def _flap(house: House, key: str = "a", times: int = 3) -> None:
    for n in range(times):
        house.tell(house.alert(key, episode=str(n)))
        house.clock.forward(10)
        house.tell(house.alert(key, "resolved", episode=str(n), starts_at=house.clock.text(-10)))
        house.clock.forward(10)


FLAP = PLAIN | {"flap": {"changes": 4, "within": "10m", "settle": "5m"}, "storm": None}


def test_a_flapping_signal_keeps_one_ticket_open_until_it_has_been_quiet(build: Build) -> None:
    house = build({"rules": [FLAP]})
    _flap(house)
    assert _only(house).status in OPEN
    house.clock.forward(200)
    house.tick()
    assert _only(house).status in OPEN
    house.clock.forward(120)
    house.tick()
    assert _only(house).status == "resolved"
    house.ends()
    house.verify()


def test_the_end_of_flapping_is_not_written_back_to_the_system_that_told_it(build: Build) -> None:
    house = build({"rules": [FLAP]})
    _flap(house, times=2)
    house.clock.forward(400)
    house.tick()
    assert _only(house).status == "resolved"
    assert house.commands() == []


def test_a_signal_that_fires_again_while_it_settles_stays_open(build: Build) -> None:
    house = build({"rules": [FLAP]})
    _flap(house)
    house.tell(house.alert("a", episode="9"))
    house.clock.forward(1000)
    house.tick()
    assert _only(house).status in OPEN


def test_a_recurrence_within_the_window_reopens_and_one_after_it_opens_anew(build: Build) -> None:
    house = build({"rules": [PLAIN | QUIET]})
    house.tell(house.alert("a", episode="1"))
    house.act(_only(house), "resolve", resolution="x", cause="other")
    house.act(_only(house), "close")
    house.clock.forward(29 * 60)
    house.tell(house.alert("a", episode="2"))
    assert _only(house).status == "in_progress"
    house.act(_only(house), "resolve", resolution="x", cause="other")
    house.act(_only(house), "close")
    house.clock.forward(31 * 60)
    house.tell(house.alert("a", episode="3"))
    assert [t.status for t in house.tickets()] == ["closed", "pending"]
    house.verify()


STORM = PLAIN | {"flap": None, "storm": {"more_than": 3, "within": "1h"}}


def _storm(house: House) -> Ticket:
    (found,) = [t for t in house.tickets() if t.priority == 0]
    return found


def test_a_storm_folds_what_is_too_much_and_ends_with_its_last_member(build: Build) -> None:
    house = build({"rules": [STORM]})
    house.tell(*(house.alert(f"a{n}") for n in range(8)))
    assert len(house.tickets()) == 4
    ended = [house.alert(f"a{n}", "resolved") for n in range(8)]
    house.tell(*ended[:7])
    assert _storm(house).status in OPEN
    house.tell(ended[7])
    assert _storm(house).status == "resolved"
    assert {t.status for t in house.tickets()} == {"resolved"}
    assert house.commands() == []
    house.ends()
    house.verify()


def test_one_trouble_on_many_hosts_of_zabbix_is_a_storm_though_each_host_has_a_trigger_of_its_own(build: Build) -> None:
    zabbix = {
        "id": "zbx",
        "connector": "zabbix",
        "config": {"url": "http://127.0.0.1:1", "token": "t", "webhook_token": "t"},
    }
    house = build({"connections": [zabbix]})
    for n in range(52):
        told = dict.fromkeys(PARAMETERS, "") | {
            "event_source": "0", "event_id": str(n + 1), "event_value": "1", "event_name": f"CPU of host {n} is high",
            "event_nseverity": "4", "event_date": "2026.11.21", "event_time": "21:40:00", "trigger_id": str(1000 + n),
            "host_id": str(n), "host": f"host-{n}", "item_key": "system.cpu.util",
        }  # fmt: skip
        house.deliver(orjson.dumps(told), connection="zbx", headers={"authorization": "Bearer t"})
    assert len(house.tickets()) == 51
    assert "system.cpu.util" in _storm(house).title


def test_a_member_that_fires_again_keeps_the_storm_open(build: Build) -> None:
    house = build({"rules": [STORM]})
    house.tell(*(house.alert(f"a{n}") for n in range(5)))
    house.tell(house.alert("a3", "resolved"))
    house.tell(house.alert("a3", episode="2", starts_at=house.clock.text(5)))
    house.tell(house.alert("a4", "resolved"))
    assert _storm(house).status in OPEN
    house.tell(house.alert("a3", "resolved", episode="2", starts_at=house.clock.text(5)))
    assert _storm(house).status == "resolved"


def test_a_storm_somebody_resolved_is_over_and_the_next_alert_stands_for_itself_or_a_new_storm(build: Build) -> None:
    house = build({"rules": [STORM]})
    house.tell(*(house.alert(f"a{n}") for n in range(5)))
    house.act(_storm(house), "resolve", resolution="a switch was broken")
    house.clock.forward(2 * 3600)
    house.tell(house.alert("b"))
    assert house.tickets()[-1].title == "alert b"


def test_a_flapping_member_that_settles_does_not_end_the_storm_of_the_others(build: Build) -> None:
    flapping = STORM | {"flap": {"changes": 4, "within": "10m", "settle": "5m"}}
    house = build({"rules": [flapping]})
    house.tell(*(house.alert(f"a{n}") for n in range(5)))  # a3 and a4 are in the storm
    for n in range(2, 4):
        house.tell(house.alert("a3", "resolved", episode=str(n), starts_at=house.clock.text()))
        house.clock.forward(10)
        house.tell(house.alert("a3", episode=f"{n}b", starts_at=house.clock.text()))
        house.clock.forward(10)
    house.tell(house.alert("a3", "resolved", episode="9", starts_at=house.clock.text()))
    house.clock.forward(600)
    house.tick()
    assert _storm(house).status in OPEN
    with house.gateway.reading() as conn:
        ended = conn.execute(tables.storm_member.select().where(tables.storm_member.c.resolved_at.is_not(None)))
        assert [r.signal_key for r in ended] == ["r/a3"]
    house.tell(house.alert("a4", "resolved"))
    assert _storm(house).status == "resolved"


def test_the_end_of_something_never_seen_is_kept_and_makes_nothing(house: House) -> None:
    house.tell(house.alert("a", "resolved"))
    house.tell(house.alert("a"))
    assert house.tickets() == []
    assert house.ends() == {"suppressed": 2}


def test_one_group_may_tell_a_whole_life_and_the_next(house: House) -> None:
    later = house.clock.text(60)
    house.tell(
        house.alert("a"), house.alert("a", "resolved"), house.alert("a", episode="2", starts_at=later),
        house.alert("a", "update", episode="2", message="seen", starts_at=later),
    )  # fmt: skip
    assert _only(house).status in OPEN
    house.verify()
