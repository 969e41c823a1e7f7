"""What an action requires, and what of it is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_tickets import CAUSES, Incomplete, Ticket
from core_tickets.collaboration import Attachment
from core_tickets.collaboration.stages import Facts, Need, Stage, items_of, missing, required

NOW = 1_790_000_000_000_000


def ticket(**fields: Any) -> Ticket:
    plain: dict[str, Any] = {"id": 7, "kind": "incident", "priority": 1, "status": "resolved", "title": "t", "opened_at": NOW,
             "updated_at": NOW, "first_seen": NOW, "last_seen": NOW}  # fmt: skip
    return Ticket(**(plain | fields))


def photo(number: int, removed: int | None = None) -> Attachment:
    return Attachment(7, number, "0" * 64, f"{number}.png", "image/png", 1, "photo", NOW, "li", removed)


def lacking(need: Need, given_to: Ticket | None = None, facts: Facts | None = None, **args: Any) -> list[str]:
    held = given_to or ticket()
    return [m.need for m in missing([Stage("close", (need,))], held, "close", args, facts or Facts())]


@pytest.mark.parametrize(
    ("need", "without", "fields", "facts", "args"),
    [
        (Need("cause"), "cause", {"cause": "wear"}, Facts(), {}),
        (Need("cause"), "cause", {}, Facts(), {"cause": "wear"}),
        (Need("score"), "score", {}, Facts(score=5), {}),
        (Need("signature"), "signature", {}, Facts(signed=True), {}),
        (Need("confirmed"), "confirmed", {"confirmed_at": NOW}, Facts(), {}),
        (Need("approval"), "approval", {}, Facts(approved=True), {}),
        (Need("approval"), "approval", {"approval": "approved"}, Facts(), {}),
        (Need("recovered"), "recovered", {}, Facts(recovered=True), {}),
        (Need("field", "resolution"), "field:resolution", {"resolution": "x"}, Facts(), {}),
        (Need("label", "site"), "label:site", {"labels": {"site": "north"}}, Facts(), {}),
        (Need("attachment", "photo", 2), "attachment:photo", {}, Facts([photo(1), photo(2)]), {}),
    ],
)
def test_each_requirement_is_missing_until_it_is_given(
    need: Need, without: str, fields: dict[str, Any], facts: Facts, args: dict[str, Any]
) -> None:
    assert lacking(need) == [without]
    assert lacking(need, ticket(**fields), facts, **args) == []


def test_a_removed_attachment_is_no_proof() -> None:
    need = Need("attachment", "photo", 2)
    assert lacking(need, facts=Facts([photo(1), photo(2, removed=NOW)])) == ["attachment:photo"]


def test_a_cause_that_is_none_of_the_list_is_no_cause() -> None:
    assert lacking(Need("cause"), cause="because") == ["cause"]
    assert all(lacking(Need("cause"), cause=code) == [] for code in CAUSES)


def test_one_of_several_suffices_and_the_refusal_names_them_all() -> None:
    need = Need("any", any_of=(Need("cause"), Need("score")))
    assert lacking(need, facts=Facts(score=1)) == []
    (told,) = missing([Stage("close", (need,))], ticket(), "close", {}, Facts())
    assert "a cause code; the customer's score" in told.en
    assert "原因代码；客户评分" in told.zh


def test_a_stage_speaks_only_of_its_kinds_states_and_priorities() -> None:
    stage = Stage("close", (Need("cause"),), frozenset({"incident"}), frozenset({"resolved"}), frozenset({0, 1}))
    held = ticket()
    assert missing([stage], held, "close", {}, Facts())
    for other in (ticket(kind="complaint"), ticket(status="closed"), ticket(priority=2)):
        assert missing([stage], other, "close", {}, Facts()) == ()
    assert missing([stage], held, "resolve", {}, Facts()) == ()


def test_everything_missing_is_said_at_once_and_once() -> None:
    stages = [Stage("close", (Need("cause"), Need("score"))), Stage("close", (Need("cause"),))]
    with pytest.raises(Incomplete, match=r"cause code.*customer's score") as refused:
        required(stages, ticket(), "close", {}, Facts())
    assert [m.need for m in refused.value.missing] == ["cause", "score"]


@given(st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_stock_suffices_exactly_when_there_is_as_much_as_needed(free: Decimal, wanted: Decimal) -> None:
    need = Need("stock", "part", quantity="pieces")
    held = ticket(labels={"part": "A-1", "pieces": str(wanted)})
    assert (lacking(need, held, Facts(stock={"A-1": free})) == []) == (free >= wanted)
    assert items_of([Stage("close", (need,))], held, {}) == {"A-1"}


@pytest.mark.parametrize(("labels", "told"), [
    ({}, "label:part"), ({"part": "A-1", "pieces": "three"}, "label:pieces"), ({"part": "A-1", "pieces": "NaN"}, "label:pieces"),
    ({"part": "A-1", "pieces": "1"}, "stock:A-1"),
])  # fmt: skip
def test_stock_that_cannot_be_looked_up_says_why(labels: dict[str, str], told: str) -> None:
    assert lacking(Need("stock", "part", quantity="pieces"), ticket(labels=labels)) == [told]
