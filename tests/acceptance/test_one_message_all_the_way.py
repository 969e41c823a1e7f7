"""One alert through the whole hub, seen from outside."""

from __future__ import annotations

import httpx

from tests.acceptance.alerts import BEARER, CONNECTION, TOKEN, alert, message
from tests.acceptance.conftest import StartHub
from tests.acceptance.running_hub import RunningHub, eventually


def send(hub: RunningHub, *alerts: dict[str, object]) -> httpx.Response:
    return httpx.post(f"{hub.url}/v1/inbound/am", json=message(*alerts), headers=BEARER, timeout=30)


def test_an_alert_becomes_a_ticket_that_can_say_where_every_field_came_from(start_hub: StartHub) -> None:
    hub = start_hub({"connections": [CONNECTION]})
    sent = send(hub, alert(7))
    assert sent.status_code == 202
    ticket = hub.tickets()[0]
    assert (ticket["title"], ticket["priority"], ticket["status"]) == ("CpuHigh on web-7", "P1", "pending")
    assert ticket["labels"]["alertname"] == "CpuHigh"
    origins = {
        f: hub.get(f"/v1/tickets/{ticket['id']}/lineage", field=f) for f in ("title", "priority", "device", "labels")
    }
    assert {o["verdict"] for o in origins.values()} == {"equal"}
    raw = {s["field"]: s["raw"] for s in origins["title"]["sources"]}
    assert raw["annotations.summary"] == "CpuHigh on web-7"
    assert {s["field"]: s["raw"] for s in origins["priority"]["sources"]} == {"labels.severity": "critical"}
    assert origins["device"]["facts"][0]["xref"] == ["device", "am", "web-7"]
    told = hub.get(f"/v1/messages/{sent.json()['message_id']}")
    assert [e["end"] for e in told["events"]] == ["ticketed"]
    assert told["events"][0]["ticket"] == ticket["id"]


def test_an_alert_that_ends_resolves_its_ticket_and_the_message_order_does_not_matter(start_hub: StartHub) -> None:
    hub = start_hub({"connections": [CONNECTION]})
    send(hub, alert(1, status="resolved"))  # the end comes first
    send(hub, alert(1))  # late: this episode is over
    assert hub.tickets() == []
    later = "2026-11-22T05:00:00Z"
    for _ in range(2):
        send(hub, alert(1, start=later))
    send(hub, alert(1, start=later, status="resolved", end="2026-11-22T05:05:00Z"))
    send(hub, alert(1, start=later))  # twice and late
    ticket = hub.tickets()[0]
    assert (len(hub.tickets()), ticket["status"]) == (1, "resolved")
    assert hub.audit()["ends"] == {"ticketed": 1, "merged": 3, "suppressed": 2, "dead": 0, "in_flight": 0}
    assert hub.weft_json("lineage", "verify")["ok"]


def test_an_unusable_record_takes_only_itself_to_the_dead_letters_and_can_be_replayed(start_hub: StartHub) -> None:
    hub = start_hub({"connections": [CONNECTION]})
    broken = alert(2) | {"startsAt": "yesterday"}
    assert send(hub, alert(1), broken, alert(3)).status_code == 202
    assert {t["title"] for t in hub.tickets()} == {"CpuHigh on web-1", "CpuHigh on web-3"}
    letter = hub.weft_json("dead", "list")["items"][0]
    assert "startsAt" in letter["reason"] + letter["path"]
    assert hub.weft("dead", "replay", letter["message_id"], check=False).returncode == 1  # still unusable
    hub.audit()


def test_explain_tells_which_rule_matched_and_which_part_of_the_others_did_not(start_hub: StartHub) -> None:
    hub = start_hub({"connections": [CONNECTION]})
    send(hub, alert(1))
    ticket = hub.tickets()[0]["id"]
    rules = hub.weft_json("explain", ticket)["decisions"][0]["rules"]
    assert [r["rule"] for r in rules if r["matched"]] == ["alert-incident"]
    assert {"info-is-not-a-ticket", "device-stale"} <= {r["rule"] for r in rules if not r["matched"]}
    assert any("critical" in part for part in rules[0]["because"])


def test_a_storm_of_one_kind_is_one_p0_ticket_with_the_list_of_its_members(start_hub: StartHub) -> None:
    hub = start_hub({"connections": [CONNECTION]})
    send(hub, *(alert(n) for n in range(1, 81)))
    storms = hub.tickets(priority="P0")
    assert len(storms) == 1
    assert len(hub.tickets()) == 51
    shown = hub.get(f"/v1/tickets/{storms[0]['id']}")
    assert len(shown["members"]) == 30
    send(hub, *(alert(n, status="resolved") for n in range(1, 81)))
    assert hub.tickets(priority="P0")[0]["status"] == "resolved"
    hub.audit()


def test_the_context_says_of_each_source_whether_it_answered(start_hub: StartHub) -> None:
    config = {"webhook_token": TOKEN, "url": "http://127.0.0.1:9", "timeout_s": 1}
    connection = {"id": "am", "connector": "prometheus", "config": config}
    hub = start_hub({"connections": [connection]})
    send(hub, alert(1))
    ticket = hub.tickets()[0]["id"]
    sections = eventually(lambda: hub.get(f"/v1/tickets/{ticket}/context")["sections"])
    assert {"am.cpu_mean_1h"} <= {s["name"] for s in sections}
    eventually(lambda: all(s["reason"] for s in hub.get(f"/v1/tickets/{ticket}/context")["sections"]))
