"""Working together on a ticket: watchers and mentions, attachments, sub-tickets, joint approval, nodes between
departments, what a stage requires. docs/working-together.md explains it.

A `Book` keeps the rows an action has beside the ticket; `BOOKS` says which actions have which, and `core_tickets.apply`
carries them along in its own transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from core_tickets.collaboration.approving import Approval, Approver, Approving, approvals, awaited, may_answer
from core_tickets.collaboration.approving import waiting_for as approval_open
from core_tickets.collaboration.attaching import Attaching, Attachment, attachments, contents
from core_tickets.collaboration.book import Book
from core_tickets.collaboration.children import Child, Children, children, open_children, parents
from core_tickets.collaboration.children import waiting_for as children_open
from core_tickets.collaboration.conduct import Conduct, Limits, Move, judge
from core_tickets.collaboration.handoffs import Handing, Handoff, Stay, handoffs, stays
from core_tickets.collaboration.mentions import Mentioned, mentions, named_in
from core_tickets.collaboration.watching import Watching, watchers

BOOKS: Mapping[str, tuple[type[Book], ...]] = {
    **dict.fromkeys(("watch", "unwatch", "comment"), (Watching,)),
    **dict.fromkeys(("attach", "detach", "confirm"), (Attaching,)),
    **dict.fromkeys(("add_child", "remove_child"), (Children,)),
    **dict.fromkeys(("request_approval", "accept", "decline", "withdraw_approval"), (Approving,)),
    **dict.fromkeys(("unblock", "approve", "refuse"), (Approving,)),
    "resolve": (Approving, Children),
    **dict.fromkeys(("handoff", "accept_handoff", "return_handoff", "finish_handoff"), (Handing,)),
}

__all__ = [
    "BOOKS",
    "Approval",
    "Approver",
    "Attachment",
    "Book",
    "Child",
    "Conduct",
    "Handoff",
    "Limits",
    "Mentioned",
    "Move",
    "Stay",
    "approval_open",
    "approvals",
    "attachments",
    "awaited",
    "children",
    "children_open",
    "contents",
    "handoffs",
    "judge",
    "may_answer",
    "mentions",
    "named_in",
    "open_children",
    "parents",
    "stays",
    "watchers",
]
