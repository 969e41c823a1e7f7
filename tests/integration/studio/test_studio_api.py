"""The studio over HTTP: drafts of one's own, benches that tell, publishing whole or not at all, comparisons in the background."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core_tickets import Filters
from gateway.studio import samples
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api
from tests.integration.studio.weeks import RULES

MAPPING = """mapping: mine
from: {connector: robot, stream: alert}
to: Alert
fields:
  key: key
  episode: text(episode)
  status: status
  severity: severity
  title: concat('[robot] ', title)
  starts_at: datetime(starts_at)
  device: device
tests:
  - {in: {key: a, episode: 1, status: firing, title: t}, out: {title: '[robot] t'}}
"""
ROBOT: dict[str, Any] = {"id": "r", "connector": "robot", "config": {}, "mappings": {"alert": "mine"}}


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def _draft(api: Api, role: str = "integrator", **body: Any) -> str:
    made = api.ask("POST", "/v1/studio/drafts", role, json={"title": "a draft", "body": body})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_from_an_address_to_a_published_mapping(api: Api) -> None:
    """As the pages do it: try the connection, take a sample, write, review, publish."""
    api.house.world.alerts = [api.house.alert("a", note="x")]
    new = {
        "id": "robot-2",
        "connector": "robot",
        "config": {"password": "s3cret-word"},
        "mappings": {"alert": "robot_2_alert"},
    }
    draft = _draft(api, connections=[new])
    base = f"/v1/studio/drafts/{draft}"
    assert api.ask("POST", f"{base}/connections/robot-2/check", "integrator").json()["ok"] is True
    found = api.ask("GET", f"{base}/connections/robot-2/streams", "integrator").json()["items"]
    assert {(s["name"], s["reads"], s["becomes"]) for s in found} == {
        ("alert", True, "Alert"),
        ("reading", False, "Reading"),
    }
    live = api.ask("POST", f"{base}/samples", "integrator", json={"connection": "robot-2", "stream": "alert"}).json()[
        "items"
    ]
    assert samples.parsed(live[0]["text"])["note"] == "x"
    begun = api.ask("POST", f"{base}/start", "integrator", json={"connection": "robot-2", "stream": "alert"}).json()
    assert begun["text"].startswith("mapping: robot_2_alert")
    text = begun["text"].replace("title: title", "title: upper(title)")
    tried = api.ask(
        "POST", "/v1/studio/mappings/try", "integrator", json={"text": text, "sample": live[0]["text"]}
    ).json()
    assert tried["result"]["values"]["title"] == "ALERT A"
    shown = api.ask("GET", base, "integrator").json()
    assert "s3cret" not in str(shown)
    assert shown["body"]["connections"][0]["config"]["password"] == "********"
    body = shown["body"] | {"mappings": {"robot_2_alert": text}}
    saved = api.ask("PUT", base, "integrator", json={"title": "Robots", "body": body, "version": 1})
    assert saved.json()["version"] == 2
    review = api.ask("POST", f"{base}/review", "integrator").json()
    assert review["problems"] == []
    assert {(c["kind"], c["id"], c["what"]) for c in review["changes"]} == {
        ("connection", "robot-2", "added"), ("mapping", "robot_2_alert", "added")}  # fmt: skip
    assert api.ask("POST", f"{base}/publish", "integrator", json={}).status_code == 200
    live_now = api.house.gateway.hub.connection("robot-2")
    assert live_now.mappings["alert"].name == "robot_2_alert"
    assert live_now.config is not None
    assert live_now.config.password.get_secret_value() == "s3cret-word"  # type: ignore[attr-defined]
    assert api.ask("GET", base, "integrator").status_code == 404
    newest = api.ask("GET", "/v1/configuration/versions").json()["items"][0]
    assert (newest["actor"], newest["note"]) == ("token:integrator", "Robots")


def test_a_draft_is_its_owners_alone_and_changes_nothing(api: Api) -> None:
    before = api.ask("GET", "/v1/configuration").json()
    draft = _draft(api, connections=[ROBOT], mappings={"mine": MAPPING}, rules="- {id: x, on: Alert, suppress: all}")
    assert api.ask("GET", f"/v1/studio/drafts/{draft}", "admin").status_code == 404
    assert api.ask("DELETE", f"/v1/studio/drafts/{draft}", "admin").status_code == 404
    assert api.ask("GET", "/v1/studio/drafts", "agent").status_code == 403
    assert api.ask("GET", "/v1/configuration").json() == before
    stale = {"title": "x", "body": {}, "version": 7}
    assert api.ask("PUT", f"/v1/studio/drafts/{draft}", "integrator", json=stale).status_code == 409


def test_a_bad_draft_is_refused_whole_and_every_problem_has_its_place(api: Api) -> None:
    rules = "# mine\n- id: one\n  on: Alert\n  when: severty == 'x'\n  ticket:\n    kind: \"'incident'\"\n    priority: prio(\n"
    draft = _draft(api, connections=[ROBOT, {"id": "k", "connector": "kingdee", "config": {"url": "http://x"}}],
                   mappings={"mine": MAPPING.replace("upper", "u").replace("concat(", "cncat(")}, rules=rules)  # fmt: skip
    review = api.ask("POST", f"/v1/studio/drafts/{draft}/review", "integrator").json()
    places = {(p["part"], p["path"], p["line"]) for p in review["problems"]}
    assert ("mapping mine", "fields.title", 9) in places
    assert ("rules", "rules[0].ticket.priority", 7) in places
    assert ("connection k", "config.data_center", None) in places
    before = api.house.gateway.hub.generation
    assert api.ask("POST", f"/v1/studio/drafts/{draft}/publish", "integrator", json={}).status_code == 422
    assert api.house.gateway.hub.generation == before


def test_what_others_changed_meanwhile_is_not_overwritten_unasked(api: Api) -> None:
    draft = _draft(api, rules="- {id: mine, on: Alert, suppress: all}")
    theirs = {"text": "rules: [{id: theirs, on: Alert, suppress: all}]"}
    assert api.ask("POST", "/v1/configuration/apply", "admin", json=theirs).status_code == 200
    refused = api.ask("POST", f"/v1/studio/drafts/{draft}/publish", "integrator", json={})
    assert refused.status_code == 409
    assert refused.json()["overtaken"] == ["rule theirs"]
    done = api.ask("POST", f"/v1/studio/drafts/{draft}/publish", "integrator", json={"overwrite": True})
    assert done.status_code == 200


def test_the_rules_bench_tells_what_each_recorded_message_would_meet_and_why(api: Api) -> None:
    api.house.tell(api.house.alert("a", severity="info"), api.house.alert("b"), api.house.reading(95))
    draft = _draft(api, rules=_yaml(RULES))
    told = api.ask("POST", f"/v1/studio/drafts/{draft}/rules/try", "integrator", json={"connection": "r"}).json()[
        "items"
    ]
    assert [(t["kind"], t["then"]["rule"], t["then"]["end"]) for t in told] == [
        ("Reading", "hot", "ticketed"), ("Alert", "any", "ticketed"), ("Alert", "quiet", "suppressed")]  # fmt: skip
    assert told[1]["then"]["ticket"]["priority"] == "P1"
    assert told[1]["then"]["trace"][0]["because"]
    assert told[1]["now"]["rule"] != "any"


def test_a_comparison_runs_in_the_background_and_its_report_stays(api: Api) -> None:
    api.house.tell(api.house.alert("a"), api.house.alert("b", severity="warning"))
    api.house.clock.forward(60)
    draft = _draft(api, rules=_yaml([{"id": "none", "on": "Alert", "suppress": "never"}]))
    begun = api.ask("POST", f"/v1/studio/drafts/{draft}/comparisons", "integrator", json={"days": 1})
    assert begun.status_code == 202
    place = f"/v1/studio/comparisons/{begun.json()['id']}"
    _until(lambda: api.ask("GET", place, "integrator").json()["state"] != "running")
    ended = api.ask("GET", place, "integrator").json()
    assert (ended["state"], ended["error"]) == ("done", "")
    assert ended["report"]["tickets"] == {"now": 2, "then": 0, "same": 0, "appear": 0, "vanish": 2, "change": 0}
    assert ended["report"]["moves"][0]["messages"] == 2
    assert api.ask("GET", place, "admin").status_code == 404
    assert [j["id"] for j in api.ask("GET", "/v1/studio/comparisons", "integrator").json()["items"]] == [
        begun.json()["id"]
    ]


def test_a_sample_becomes_a_test_of_the_mapping(api: Api) -> None:
    untested = MAPPING[: MAPPING.index("tests:")]
    record = {"key": "k", "episode": 3, "status": "firing", "title": 'say "hi"\n', "more": [1, {"x": None}], "no": {}}
    given = {"text": untested, "sample": samples.written(record)}
    tried = api.ask("POST", "/v1/studio/mappings/try", json=given).json()
    assert [p["path"] for p in tried["problems"]] == ["tests"]
    assert tried["result"]["values"]["title"] == '[robot] say "hi"\n'
    text = api.ask("POST", "/v1/studio/mappings/test", json=given).json()["text"]
    again = api.ask("POST", "/v1/studio/mappings/try", json=given | {"text": text}).json()
    assert (again["problems"], again["mapping"]["tests"]) == ([], 1)


def _yaml(rules: Any) -> str:
    from gateway.config import yaml12

    return yaml12.dump(rules)


def test_hostile_drafts_are_refused_and_nothing_of_them_runs(api: Api) -> None:
    deep = "(" * 5_000 + "1" + ")" * 5_000
    texts = [
        "", "\x85", "[" * 10_000, "{" * 500, "a: &a [*a, *a]", "mapping: !!python/object/apply:os.system ['true']",
        MAPPING.replace("status: status", "status: __import__('os').system('true')"),
        MAPPING.replace("status: status", "status: ().__class__.__mro__[1].__subclasses__()"),
        MAPPING.replace("status: status", f"status: {deep}"),
        MAPPING.replace("status: status", "status: open('/etc/passwd')"),
        MAPPING.replace("status: status", "status: \"'x' * 9999999999\""),
        MAPPING.replace("status: status", "status: 9 ** 9 ** 9"),
        MAPPING.replace("status: status", "status: python:os.system"),
        MAPPING.replace("  key: key", "".join(f"  f{n}: key\n" for n in range(12_000))),
    ]  # fmt: skip
    for text in texts:
        for given in ({"text": text}, {"text": MAPPING, "sample": text}):
            answer = api.ask("POST", "/v1/studio/mappings/try", "integrator", json=given)
            assert answer.status_code in (200, 422), answer.text
            if answer.status_code == 200 and "sample" not in given:
                told = answer.json()
                assert told["problems"] or told["result"]["values"].get("status") is None, text[:200]
        draft = _draft(api, mappings={"mine": text}, rules=text[:200_000], connections=[ROBOT])
        before = api.house.gateway.hub.generation
        refused = api.ask("POST", f"/v1/studio/drafts/{draft}/publish", "integrator", json={})
        assert refused.status_code == 422
        assert api.house.gateway.hub.generation == before
        api.ask("DELETE", f"/v1/studio/drafts/{draft}", "integrator")
    huge = {"title": "x", "body": {"mappings": {"mine": "x" * 300_000}}}
    assert api.ask("POST", "/v1/studio/drafts", "integrator", json=huge).status_code == 422
    huge["body"] = {"mappings": {f"m{n}": "x" * 200_000 for n in range(8)}}
    assert api.ask("POST", "/v1/studio/drafts", "integrator", json=huge).status_code == 413
    with api.house.gateway.reading() as conn:
        assert not _tickets(conn)


def _tickets(conn: Any) -> Any:
    import core_tickets

    return core_tickets.search(conn, Filters(), None, 10).items
