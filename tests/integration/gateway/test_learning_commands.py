"""`weft proposals` and `weft learning` on a hub's database, and what a business role may decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from gateway import tokens
from gateway.cli import learning as commands
from gateway.cli.root import app
from gateway.learning import rounds
from gateway.tokens import Role
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import open_api
from tests.integration.gateway.test_learning_proposals import look, orphan, slow_year, standing


@pytest.fixture
def weft(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command over the test's own hub; answers what it printed, as JSON."""

    @contextmanager
    def here(**_: Any) -> Iterator[Any]:
        yield house.gateway

    monkeypatch.setattr(commands, "gateway", here)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == 0, (done.output, done.exception)
        return orjson.loads(done.stdout[done.stdout.index("{\n") :])  # behind what the hub logs

    return run


def test_proposals_are_listed_accepted_and_rejected_by_command(house: House, weft: Callable[..., Any]) -> None:
    slow_year(house)
    rounds.run(house.gateway, house.gateway.hub, house.clock.now)
    (shown,) = weft("proposals", "list", "--kind", "promise")["items"]
    assert weft("proposals", "show", shown["id"]) == shown
    assert weft("proposals", "reject", shown["id"], "--why", "not now")["state"] == "rejected"
    assert weft("proposals", "list")["items"] == []
    assert [p["why"] for p in weft("proposals", "list", "--state", "all")["items"]] == ["not now"]
    assert CliRunner().invoke(app, ["proposals", "list", "--kind", "promises"]).exit_code == 2


def test_what_was_learned_is_shown_by_command(house: House, weft: Callable[..., Any]) -> None:
    for n, title in enumerate(("3 号泵轴承过热", "Pump 7 bearing overheating", "9 号泵轴承温度过高")):
        house.tell(house.alert(f"k{n}", title=title, rule=title))
    assert weft("learning", "run") == {"proposals": 0}
    (problem,) = weft("learning", "clusters")["items"]
    assert problem["tickets"] == 3
    told = weft("learning", "paths", "--days", "30")
    assert (told["arrived"], told["under_way"]) == (0, 3)
    assert weft("learning", "articles")["items"] == []


def test_who_may_not_end_a_ticket_by_hand_may_not_by_a_proposal(build: Build) -> None:
    house = build(start=False)
    with open_api(house) as api:
        orphan(house)
        (found,) = look(house)
        with house.gateway.transaction() as conn:
            roles = {"team_lead"}
            _, token = tokens.create(conn, name="lead", role=Role.agent, now=house.clock.now, roles=roles)
        bearer = {"Authorization": f"Bearer {token}"}
        refused = api.client.post(f"/v1/proposals/{found.id}/accept", headers=bearer)
        assert refused.status_code == 403
        assert standing(house) == [found]
