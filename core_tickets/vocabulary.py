"""The words of a ticket: what is stored, and what people read, in English and Chinese.

The keys are what tables and interfaces hold; they never change. Labels are for people only.
"""

from __future__ import annotations

from typing import NamedTuple

from core_tickets.errors import InvalidInput

__all__ = [
    "ACTOR_KINDS",
    "APPROVALS",
    "CAUSES",
    "KINDS",
    "NEEDS_APPROVAL",
    "PRIORITIES",
    "REASONS",
    "SHOWN",
    "STATUSES",
    "Label",
    "format_priority",
    "parse_priority",
    "shown",
]


class Label(NamedTuple):
    """One term as people read it."""

    en: str
    zh: str


STATUSES = {
    "pending": Label("Pending", "待处理"),
    "in_progress": Label("In progress", "处理中"),
    "blocked": Label("Blocked", "已阻塞"),
    "resolved": Label("Resolved", "已解决"),
    "closed": Label("Closed", "已关闭"),
}

# Five states are stored; people see three.
SHOWN = {
    "active": Label("In progress", "进行中"),
    "blocked": Label("Blocked", "已阻塞"),
    "done": Label("Done", "已完成"),
}
_SHOWN_AS = {"pending": "active", "in_progress": "active", "blocked": "blocked", "resolved": "done", "closed": "done"}

KINDS = {
    "incident": Label("Incident", "故障"),
    "maintenance": Label("Maintenance", "维护"),
    "complaint": Label("Complaint", "客户投诉"),
    "spare_part_purchase": Label("Spare part purchase", "备件采购"),
    "potential_batch_issue": Label("Potential batch issue", "潜在批次问题"),
    "data_quality": Label("Data quality", "数据质量"),
    "management": Label("Management", "管理"),
}

# What costs money is decided by a person before it is ordered.
NEEDS_APPROVAL = frozenset({"spare_part_purchase"})
APPROVALS = {"approved": Label("Approved", "已批准"), "refused": Label("Refused", "未批准")}

# The number is what is stored: 0 is the most urgent.
PRIORITIES = {
    0: Label("P0 critical", "P0 紧急"),
    1: Label("P1 high", "P1 高"),
    2: Label("P2 normal", "P2 中"),
    3: Label("P3 low", "P3 低"),
}

# Why a ticket is blocked. Only `waiting_for_customer` stops the resolution clock: all else is ours to chase.
REASONS = {
    "waiting_for_customer": Label("Waiting for the customer", "等待客户"),
    "waiting_for_part": Label("Waiting for a part", "等待备件"),
    "waiting_for_vendor": Label("Waiting for the vendor", "等待供应商"),
    "waiting_for_approval": Label("Waiting for approval", "等待审批"),
    "waiting_for_window": Label("Waiting for a maintenance window", "等待维护窗口"),
    "other": Label("Other", "其他"),
}

CAUSES = {
    "hardware": Label("Hardware failure", "硬件故障"),
    "software": Label("Software defect", "软件缺陷"),
    "configuration": Label("Configuration", "配置问题"),
    "capacity": Label("Capacity", "容量不足"),
    "network": Label("Network", "网络问题"),
    "power": Label("Power or environment", "电源或环境"),
    "wear": Label("Wear", "磨损老化"),
    "material": Label("Material or batch", "物料或批次"),
    "operation": Label("Operation", "操作不当"),
    "third_party": Label("Third party", "第三方原因"),
    "data": Label("Wrong data", "数据错误"),
    "recovered": Label("Recovered by itself", "自行恢复"),
    "false_alarm": Label("False alarm", "误报"),
    "other": Label("Other", "其他"),
}

ACTOR_KINDS = {
    "person": Label("Person", "人员"),
    "customer": Label("Customer", "客户"),
    "rule": Label("Rule", "规则"),
    "connector": Label("Connector", "连接器"),
    "system": Label("System", "系统"),
}


def shown(status: str) -> str:
    """The key in `SHOWN` under which people see a stored status."""
    return _SHOWN_AS[status]


def format_priority(priority: int) -> str:
    """0 -> "P0"."""
    return f"P{priority}"


def parse_priority(text: str) -> int:
    """ "P0" -> 0. Raises InvalidInput for anything but P0 to P3."""
    if len(text) == 2 and text[0] in "Pp" and text[1] in "0123":
        return int(text[1])
    raise InvalidInput("priority", f"{text!r} is no priority", hint="write P0, P1, P2 or P3")
