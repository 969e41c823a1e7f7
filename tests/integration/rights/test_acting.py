"""What is done with a ticket is asked of the policy first; a refusal names the role and what it takes."""

from __future__ import annotations

import pytest

from tests.integration.rights.house import SPELLINGS, Company, assert_safe


def test_a_technician_works_on_what_they_hold_and_stands_in_the_timeline(company: Company) -> None:
    done = company.ask("li.na", "POST", f"/v1/tickets/{company.ticket}/start")
    assert done.status_code == 200
    assert_safe(done.text)
    entry = company.get(None)["timeline"][-1]
    assert (entry["name"], entry["actor"]) == ("start", "li.na")


@pytest.mark.parametrize(("person", "action"), [("audit", "comment"), ("sun.qi", "start"), ("zhou.ba", "resolve")])
def test_a_refusal_names_the_role_and_what_it_takes(shared: Company, person: str, action: str) -> None:
    refused = shared.ask(person, "POST", f"/v1/tickets/{shared.ticket}/{action}", json={"text": "x"})
    if person == "sun.qi":  # a buyer does not even see an incident of others
        assert refused.status_code == 404
        return
    assert refused.status_code == 403
    role = {"audit": "auditor", "zhou.ba": "quality"}[person]
    detail = refused.json()["detail"]
    assert f"ole {role} may not {action} this ticket" in detail
    assert "it takes one of: " in detail
    assert "director" in detail
    assert "policy rights, line" in detail


def test_what_is_offered_is_what_may_be_done(shared: Company) -> None:
    assert "close" in shared.get(None)["allowed"] or "resolve" in shared.get(None)["allowed"]
    assert shared.get("audit")["allowed"] == []
    mine = shared.get("li.na")["allowed"]
    assert "start" in mine
    assert "set" not in mine
    for action in shared.get(None)["allowed"]:
        answer = shared.ask("audit", "POST", f"/v1/tickets/{shared.ticket}/{action}", json={})
        assert answer.status_code in (403, 422), action


def test_an_auditor_reads_all_and_changes_nothing(shared: Company) -> None:
    assert SPELLINGS[0] in shared.told("audit")
    for method, path in [("POST", "/v1/tickets"), ("POST", f"/v1/tickets/{shared.ticket}/assign"),
                         ("POST", f"/v1/tickets/{shared.ticket}/remote"), ("POST", "/v1/ids/merge"),
                         ("DELETE", "/v1/connections/r"), ("POST", "/v1/tokens")]:  # fmt: skip
        header = shared.header("audit", role="admin")
        body = {"title": "x", "op": "say", "a": "x", "b": "y", "name": "n", "role": "viewer"}
        assert shared.api.client.request(method, path, headers=header, json=body).status_code == 403, path


def test_a_technicians_token_of_an_administrator_opens_nothing_else(shared: Company) -> None:
    header = shared.header("li.na", role="admin")
    for path in (
        "/v1/dead-letters",
        "/v1/messages/1",
        "/v1/connections",
        "/v1/tokens",
        "/v1/audit",
        "/v1/lineage/graph?dataset=x",
    ):
        refused = shared.api.client.get(path, headers=header)
        assert refused.status_code == 403, path
        assert "technician" in refused.json()["detail"]


def test_business_roles_never_give_more_than_the_tokens_own(shared: Company) -> None:
    header = shared.header("zhao.liu", role="viewer")
    assert shared.api.client.get(f"/v1/tickets/{shared.ticket}", headers=header).status_code == 200
    assert shared.api.client.post(f"/v1/tickets/{shared.ticket}/start", headers=header).status_code == 403


def test_a_token_is_made_only_for_who_is_there(shared: Company) -> None:
    def make(**more: object) -> int:
        given = {"name": "n", "role": "agent", **more}
        return int(shared.api.ask("POST", "/v1/tokens", json=given).status_code)

    assert make(person="li.na", roles=["technician"], customer=shared.customer) == 201
    assert make(person="nobody") == 422
    assert make(roles=["welder"]) == 422
    assert make(customer=shared.device) == 422


def test_a_comment_with_the_number_is_told_without_it_to_who_wrote_it(company: Company) -> None:
    said = company.ask(
        "li.na", "POST", f"/v1/tickets/{company.ticket}/comment", json={"text": "call +86 138 0013 8000"}
    )
    assert said.status_code == 200
    assert_safe(said.text)
