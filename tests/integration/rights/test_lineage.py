"""Lineage tells where a value came from, and so it would tell the value: raw, in steps, before and after."""

from __future__ import annotations

import pytest

from tests.integration.rights.house import SPELLINGS, Company, assert_safe

HIDDEN = ("context.crm.contacts.phone", "context.crm.contacts.shippingAddress", "context.crm.contacts.creditLimit",
          "context.crm.account.name", "context.crm.account.phone")  # fmt: skip


@pytest.mark.parametrize("field", HIDDEN)
def test_of_a_hidden_field_nothing_is_told(shared: Company, field: str) -> None:
    assert shared.get(None, "/lineage", field=field)["sources"]
    for path in ("lineage", "impact"):
        answer = shared.ask("li.na", "GET", f"/v1/tickets/{shared.ticket}/{path}", params={"field": field})
        assert answer.status_code == 403
        assert "role technician may not see" in answer.json()["detail"]
        assert "policy rights, line" in answer.json()["detail"]
        assert_safe(answer.text)


@pytest.mark.parametrize(
    "field", ["labels", "description", "title", "context.mes.downtime.note", "context.crm.contacts.contacts"]
)
def test_of_a_field_with_it_inside_the_rest_is_told(shared: Company, field: str) -> None:
    told = shared.told("li.na", "/lineage", field=field)
    assert_safe(told)
    assert '"verdict"' in told


def test_values_before_and_after_a_change_are_hidden_too(company: Company) -> None:
    company.set(title=f"现电话 {SPELLINGS[7]}", labels={"mobile": SPELLINGS[0], "line": "7"})
    company.set(title="号码已改 changed", labels={"line": "7"})
    for path, field in [
        ("", {}),
        ("/explain", {}),
        ("/lineage", {"field": "labels"}),
        ("/lineage", {"field": "title"}),
    ]:
        assert_safe(company.told("li.na", path, **field))
    assert SPELLINGS[0] in company.told(None)
    assert company.get("li.na")["labels"] == {"line": "7"}
