"""The figures a hub keeps equal an SQL over the raw rows, with what other rooms keep: questions, and repeats of alerts."""

from __future__ import annotations

import pytest

from gateway.context import snapshot
from tests.campaign.counted import QUERIES, figures_equal_sql, kept
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.test_figures import next_day

CONTEXT = [{"question": "recent", "inputs": {"device": "alert.device"}}]


@pytest.fixture
def house(build: Build) -> House:
    connection = {"id": "r", "connector": "robot", "config": {"password": "a long password"}, "context": CONTEXT}
    return build({"connections": [connection]})


def ask(house: House) -> None:
    """What is due to be asked of other systems is asked."""
    with house.gateway.transaction() as conn:
        snapshot.expand(conn, house.gateway.hub, house.clock.now)
        asked = snapshot.claim(conn, house.clock.now)
    for section in asked:
        snapshot.ask(house.gateway, house.gateway.hub, section)


def a_day(house: House, n: int) -> None:
    """Two alerts; one is told again, by other words, while its ticket changes hands and priority; answers come or do not."""
    house.world.state = "silent" if n % 2 else "warm"
    for key in ("a", "b"):
        house.tell(house.alert(f"{key}{n}", device=f"press-{n}"))
    ticket = house.tickets()[-2]
    house.act(ticket, "assign", group="west")
    ask(house)
    for again, (group, priority) in enumerate(((None, 1), ("south", 3), ("north", 0))):
        house.clock.forward(700)
        house.tell(house.alert(f"a{n}", device=f"press-{n}", title=f"again {again}"))
        house.act(ticket, "assign", group=group, assignee=("li.na", "wang.wei", None)[again])
        house.act(ticket, "set", priority=priority)
    house.clock.forward(14 * 3600)  # over midnight
    house.tell(house.alert(f"a{n}", device=f"press-{n}", title="in the night"))
    ask(house)


def test_questions_and_repeats_count_as_an_sql_over_the_raw_rows_counts_them(house: House) -> None:
    for n in range(4):
        next_day(house, hour=12)
        a_day(house, n)
    next_day(house)
    assert figures_equal_sql(house.gateway, house.clock.now) == []
    with house.gateway.reading() as conn:
        found = kept(conn, house.gateway)
    assert {metric for metric, *_ in found} <= set(QUERIES)
    for metric in ("context_completeness", "repeat_share"):
        of_it = [one for (name, _, dimension, _), one in found.items() if (name, dimension) == (metric, "all")]
        assert len(of_it) > 3
        assert 0 < sum(n for n, _ in of_it) < sum(d for _, d in of_it)
        groups = {key for name, _, dimension, key in found if (name, dimension) == (metric, "group")}
        assert groups == {"", "west" if metric == "context_completeness" else "north"}
