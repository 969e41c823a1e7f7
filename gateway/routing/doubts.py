"""What keeps a ticket from really being received, as things stand now."""

from __future__ import annotations

from core_tickets import OPEN, Ticket
from gateway.config.hub import Hub
from gateway.policies import routing as policy


def doubts(hub: Hub, ticket: Ticket) -> list[str]:
    """Every reason why whoever it belongs to may never have received it; nothing once it is done or taken."""
    if ticket.status not in OPEN or (ticket.claimed_at is not None and ticket.assignee is not None):
        return []
    roster, routing = hub.roster, policy.KIND.of(hub.policies).routing
    found: list[str] = []
    if ticket.assignee is None and ticket.group is None:
        found.append(
            "没有人也没有组负责：请写 routing 策略和兜底池 nobody owns it: write the policy `routing` with a pool"
        )
    if not roster.people:
        return found
    if ticket.assignee is not None:
        who = ticket.assignee
        person = roster.people.get(who)
        if person is None:
            found.append(f"{who} 不在人员名单里，没有人会收到 is no person of the roster, so nobody is told")
        else:
            if not person.active:
                found.append(f"{who} 已离职或停用 works here no more")
            if not routing.receives(person.roles):
                roles = ", ".join(sorted(person.roles)) or "—"
                found.append(f"{who} 的角色（{roles}）无权接单 has no role that lets people receive tickets")
            if not person.channels:
                found.append(f"{who} 没有任何联系方式 has no address in any channel")
    if ticket.group is not None and ticket.assignee is None:
        if ticket.group not in roster.groups:
            found.append(f"组 {ticket.group} 不存在 there is no such group")
        elif not roster.members(ticket.group):
            found.append(f"组 {ticket.group} 里没有人 nobody works in it")
        elif not any(routing.receives(roster.people[p].roles) for p in roster.members(ticket.group)):
            found.append(f"组 {ticket.group} 里没有人有权接单 nobody in it may receive tickets")
    return found
