"""A purchase is decided by a person before anything is ordered."""

from __future__ import annotations

from typing import Any

import pytest

from core_tickets import OPEN, STANDARD, Command, InvalidInput, NotAllowed, Ticket, allowed
from core_tickets.workflow import Step, step

NOW = 1_790_000_000_000_000


def purchase(status: str = "pending", kind: str = "spare_part_purchase", **fields: Any) -> Ticket:
    return Ticket(
        id=1, kind=kind, priority=2, status=status, title="Bearing", opened_at=NOW, updated_at=NOW, first_seen=NOW,
        last_seen=NOW, **fields,
    )  # fmt: skip


def do(ticket: Ticket, action: str, **args: Any) -> Step:
    return step(ticket, Command(ticket.id, action, args, actor="li.na"), NOW, STANDARD)


@pytest.mark.parametrize("status", OPEN)
def test_an_approved_purchase_is_in_progress(status: str) -> None:
    done = do(purchase(status), "approve", text="within budget").ticket
    assert (done.status, done.approval, done.first_responded_at) == ("in_progress", "approved", NOW)


def test_a_refused_purchase_is_settled_with_the_reason() -> None:
    done = do(purchase(), "refuse", text="buy the cheaper one").ticket
    assert (done.status, done.approval, done.resolution) == ("resolved", "refused", "buy the cheaper one")


def test_who_refuses_says_why() -> None:
    with pytest.raises(InvalidInput, match="text"):
        do(purchase(), "refuse")


def test_what_waited_for_approval_waits_no_longer() -> None:
    waiting = purchase("blocked", blocked_reason="waiting_for_approval", paused_since=None)
    assert do(waiting, "approve").ticket.blocked_reason is None


def test_an_incident_needs_no_approval() -> None:
    assert "approve" not in allowed(purchase(kind="incident"))
    with pytest.raises(NotAllowed, match="needs no approval"):
        do(purchase(kind="incident"), "approve")


def test_nothing_is_approved_twice() -> None:
    with pytest.raises(NotAllowed, match="approved already"):
        do(purchase("in_progress", approval="approved"), "approve")


def test_a_reopened_purchase_is_decided_anew() -> None:
    again = do(purchase("resolved", approval="refused", resolution="no", resolved_at=NOW), "reopen").ticket
    assert again.approval is None
    assert "approve" in allowed(again)
