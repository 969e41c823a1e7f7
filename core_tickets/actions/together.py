"""Actions of people who work on one ticket together: who watches, what is attached, who must agree, whose turn it is.

What an action keeps beside the ticket (watchers, votes, nodes) is in core_tickets.collaboration; here is only what may be
asked for, in which state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core_tickets import checks
from core_tickets.actions.action import ANY, OPEN, UNCLOSED, Action, Args, Outcome, optional_number
from core_tickets.errors import InvalidInput
from core_tickets.model import Ticket
from core_tickets.promises import Policy
from core_tickets.vocabulary import Label

SCORES = range(1, 6)
APPROVERS = 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _person(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    return {}, {"person": checks.text("person", args.get("person") or "", required=True, limit=200)}


def _attach(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    digest = checks.text("sha256", args.get("sha256") or "", required=True)
    if not _SHA256.fullmatch(digest):
        raise InvalidInput("sha256", f"{digest[:80]!r} is no SHA-256", hint="write 64 hexadecimal digits, lower case")
    return {}, {
        "sha256": digest,
        "name": checks.text("name", args.get("name") or "", required=True, limit=255),
        "media_type": checks.text("media_type", args.get("media_type") or "", required=True, limit=100),
        "size": checks.number("size", args.get("size")),
        "label": checks.text("label", args.get("label") or "", limit=64),
    }


def _detach(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    number = checks.number("attachment", args.get("attachment"), least=1)
    return {}, {"attachment": number, "text": checks.text("text", args.get("text") or "")}


def _child(ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    other = checks.number("other", args.get("other"), least=1)
    if other == ticket.id:
        raise InvalidInput("other", "is the ticket itself", hint="name another ticket")
    return {}, {"other": other} | (
        {"required": checks.flag("required", args["required"])} if "required" in args else {}
    )


def _ask(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    given = args.get("approvers")
    if not isinstance(given, list | tuple) or not given:
        raise InvalidInput("approvers", "names nobody", hint="write a list of li.na, role:buyer or group:north")
    if len(given) > APPROVERS:
        raise InvalidInput("approvers", f"names {len(given)}", hint=f"write at most {APPROVERS}")
    named = [checks.text(f"approvers[{n}]", each, required=True, limit=200) for n, each in enumerate(given)]
    data = {"approvers": list(dict.fromkeys(named)), "text": checks.text("text", args.get("text") or "")}
    if (every := optional_number("remind_every", args.get("remind_every"))) is not None:
        data["remind_every"] = every  # type: ignore[assignment]
    return {"blocked_reason": "waiting_for_approval", "blocked_text": data["text"] or None}, data


def _unasked(ticket: Ticket) -> Label | None:
    asked = ticket.blocked_reason == "waiting_for_approval"
    return None if asked else Label("nobody was asked for an approval", "没有发起过审批")


def _said(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    return {}, {"text": checks.text("text", args.get("text") or "")}


def _why(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    return {}, {"text": checks.text("text", args.get("text") or "", required=True)}


def _handoff(ticket: Ticket, args: Args, now: int, _policy: Policy) -> Outcome:
    group = checks.text("group", args.get("group") or "", required=True, limit=200)
    if group == ticket.group:
        raise InvalidInput("group", f"{group!r} has the ticket already", hint="name another group")
    due = optional_number("due", args.get("due"))
    if due is not None and due <= now:
        raise InvalidInput("due", "is not in the future", hint="write a later time")
    data = {"group": group, "text": checks.text("text", args.get("text") or ""), "due": due}
    return {"group": group, "assignee": None}, data


def _confirm(_ticket: Ticket, args: Args, now: int, _policy: Policy) -> Outcome:
    """The customer's own word that it is finished. `score`: 1 to 5; `signature`: number of an attachment."""
    data = {"text": checks.text("text", args.get("text") or "")}
    if args.get("score") is not None:
        data["score"] = checks.member("score", args["score"], SCORES)
    if args.get("signature") is not None:
        data["signature"] = checks.number("signature", args["signature"], least=1)  # type: ignore[assignment]
    return {"confirmed_at": now}, data


def _confirmed(ticket: Ticket) -> Label | None:
    return None if ticket.confirmed_at is None else Label("the customer has confirmed it already", "客户已经确认")


ACTIONS: Mapping[str, Action] = {
    "watch": Action(ANY, None, "ticket.watched", ("person",), _person),
    "unwatch": Action(ANY, None, "ticket.unwatched", ("person",), _person),
    "attach": Action(ANY, None, "ticket.attached", ("sha256", "name", "media_type", "size", "label"), _attach),
    "detach": Action(ANY, None, "ticket.detached", ("attachment", "text"), _detach),
    "add_child": Action(UNCLOSED, None, "ticket.child_added", ("other", "required"), _child),
    "remove_child": Action(UNCLOSED, None, "ticket.child_removed", ("other",), _child),
    "request_approval": Action(
        ("pending", "in_progress"), "blocked", "ticket.approval_requested", ("approvers", "text", "remind_every"), _ask
    ),
    "accept": Action(("blocked",), None, "ticket.accepted", ("text",), _said, _unasked),
    "decline": Action(("blocked",), None, "ticket.declined", ("text",), _why, _unasked),
    "withdraw_approval": Action(("blocked",), None, "ticket.approval_withdrawn", ("text",), _said, _unasked),
    "handoff": Action(OPEN, None, "ticket.handed_off", ("group", "due", "text"), _handoff),
    "accept_handoff": Action(OPEN, None, "ticket.handoff_accepted", ("text",), _said),
    "return_handoff": Action(OPEN, None, "ticket.handoff_returned", ("text",), _why),
    "finish_handoff": Action(OPEN, None, "ticket.handoff_finished", ("text",), _said),
    "confirm": Action(
        ("resolved", "closed"), None, "ticket.confirmed", ("score", "text", "signature"), _confirm, _confirmed
    ),
}
