"""What may be done to a ticket, family by family. Pure: no database, no clock.

pending ── start ──> in_progress <── unblock ── blocked
                          │ └────── block ────────> │
   any of the three ── resolve ──> resolved ── close ──> closed
            in_progress <── reopen ── resolved, closed
   any of the three ── return ──> pending, ── claim, hand_over ──> another has it
   a kind that needs approval: any of the three ── approve ──> in_progress, ── refuse ──> resolved
"""

from __future__ import annotations

from collections.abc import Mapping

from core_tickets.actions import approval, ownership, promising, setting, states, talk, together
from core_tickets.actions.action import OPEN, Action
from core_tickets.actions.states import reopened

__all__ = ["ACTIONS", "OPEN", "Action", "reopened"]

ACTIONS: Mapping[str, Action] = {
    **{name: states.ACTIONS[name] for name in ("start", "block", "unblock", "resolve")},
    **approval.ACTIONS,
    **{name: states.ACTIONS[name] for name in ("reopen", "close")},
    **ownership.ACTIONS,
    **setting.ACTIONS,
    **promising.ACTIONS,
    **talk.ACTIONS,
    **together.ACTIONS,
}
"""In the order people are offered them."""
