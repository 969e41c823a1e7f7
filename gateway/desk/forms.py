"""What each action asks for, so that any reader of the API can show it as a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import core_tickets
from core_tickets import Label

Type = Literal[
    "line", "text", "choice", "person", "approvers", "group", "time", "flag", "ticket", "number", "labels", "attachment"
]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; `name` as the action's body calls it."""

    name: str
    type: Type
    label: Label
    required: bool = False
    choices: Mapping[str, Label] | None = None

    def as_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"name": self.name, "type": self.type, "label": self.label.en, "label_zh": self.label.zh,
                                "required": self.required}  # fmt: skip
        if self.choices is not None:
            told["choices"] = [{"value": v, "label": c.en, "label_zh": c.zh} for v, c in self.choices.items()]
        return told


@dataclass(frozen=True, slots=True)
class Form:
    """How an action is offered. `many`: it can be done to several tickets at once."""

    label: Label
    fields: tuple[Field, ...] = ()
    many: bool = False


_PRIORITIES = {f"P{number}": label for number, label in core_tickets.PRIORITIES.items()}
_WHO = Field("assignee", "person", Label("Person", "人员"))
_GROUP = Field("group", "group", Label("Group", "组"))
_NOTE = Field("text", "text", Label("Remark", "说明"))
_REASON = Field("text", "text", Label("Reason", "理由"), required=True)
_OTHER = Field("other", "ticket", Label("Ticket", "工单"), required=True)
_PERSON = Field("person", "person", Label("Person (default: you)", "人员（默认自己）"))


def _because(en: str, zh: str) -> Field:
    return Field("reason", "text", Label(en, zh), required=True)


FORMS: Mapping[str, Form] = {
    "claim": Form(Label("Take it", "认领"), many=True),
    "start": Form(Label("Start", "开始处理"), many=True),
    "resolve": Form(
        Label("Resolve", "解决"),
        (
            Field("resolution", "text", Label("What was done", "解决办法"), required=True),
            Field("cause", "choice", Label("Cause", "原因"), choices=core_tickets.CAUSES),
        ),
        many=True,
    ),
    "block": Form(
        Label("Block", "阻塞"),
        (
            Field("reason", "choice", Label("Why it cannot go on", "阻塞原因"), True, core_tickets.REASONS),
            Field("text", "text", Label("More about it (needed for Other)", "补充说明（选“其他”时必填）")),
        ),
        many=True,
    ),
    "unblock": Form(Label("Go on", "解除阻塞"), many=True),
    "approve": Form(Label("Approve", "批准"), (_NOTE,), many=True),
    "refuse": Form(Label("Refuse", "不批准"), (_REASON,), many=True),
    "close": Form(Label("Close", "关闭"), many=True),
    "reopen": Form(Label("Reopen", "重新打开"), many=True),
    "confirm": Form(
        Label("Confirmed by the customer", "代客户确认"),
        (
            Field("solved", "flag", Label("It is solved", "已解决")),
            Field(
                "score", "choice", Label("Score", "评分"), choices={str(n): Label(str(n), str(n)) for n in range(1, 6)}
            ),
            Field("text", "text", Label("What the customer said", "客户原话")),
        ),
    ),
    "hand_over": Form(
        Label("Hand over", "转交"),
        (_WHO, _GROUP, _because("What the next one must know", "交代事项")),
        many=True,
    ),
    "return": Form(Label("Give back", "退回"), (_because("Why it cannot be done here", "退回原因"),), many=True),
    "assign": Form(Label("Assign", "指派"), (_WHO, _GROUP), many=True),
    "set": Form(
        Label("Change", "修改"),
        (
            Field("priority", "choice", Label("Priority", "优先级"), choices=_PRIORITIES),
            Field("kind", "choice", Label("Kind", "类型"), choices=core_tickets.KINDS),
            Field("title", "line", Label("Title", "标题")),
            Field("description", "text", Label("Description", "描述")),
            Field("labels", "labels", Label("Labels, one `name=value` a line", "标签，每行一个 名称=值")),
            Field("device", "line", Label("Device (global id)", "设备（全局编号）")),
            Field("customer", "line", Label("Customer (global id)", "客户（全局编号）")),
        ),
        many=True,
    ),
    "promise": Form(
        Label("Promise a time", "承诺时限"),
        (
            Field("first_response_due", "time", Label("Answered by", "响应时间")),
            Field("resolution_due", "time", Label("Solved by", "解决时间")),
            _because("Why then", "承诺依据"),
        ),
    ),
    "comment": Form(
        Label("Comment", "评论"),
        (
            Field("text", "text", Label("Comment (@ names somebody)", "评论（@ 提及同事）"), required=True),
            Field("public", "flag", Label("The customer may read it", "客户可见")),
        ),
        many=True,
    ),
    "request_approval": Form(
        Label("Ask for approval", "发起会签"),
        (Field("approvers", "approvers", Label("Who is asked", "审批人"), required=True), _NOTE),
    ),
    "accept": Form(Label("Agree", "同意"), (_NOTE,)),
    "decline": Form(Label("Do not agree", "不同意"), (_REASON,)),
    "withdraw_approval": Form(Label("Withdraw the question", "撤回会签"), (_NOTE,)),
    "handoff": Form(
        Label("Hand to a department", "转交部门"),
        (
            Field("group", "group", Label("Department", "部门"), required=True),
            Field("minutes", "number", Label("Working minutes it gets", "给予的工作分钟数")),
            _NOTE,
        ),
    ),
    "accept_handoff": Form(Label("Take it over", "接收"), (_NOTE,)),
    "return_handoff": Form(Label("Give it back", "退还"), (_REASON,)),
    "finish_handoff": Form(Label("Done here", "本部门完成"), (_NOTE,)),
    "watch": Form(Label("Watch", "关注"), (_PERSON,), many=True),
    "unwatch": Form(Label("Stop watching", "取消关注"), (_PERSON,), many=True),
    "link": Form(Label("Link", "关联"), (_OTHER,)),
    "unlink": Form(Label("Unlink", "取消关联"), (_OTHER,)),
    "add_child": Form(
        Label("Add a sub-ticket", "添加子工单"),
        (_OTHER, Field("required", "flag", Label("This ticket waits for it", "本工单须等待它完成"))),
    ),
    "remove_child": Form(Label("Remove a sub-ticket", "移除子工单"), (_OTHER,)),
}
"""In the order people are offered them; attaching is an upload and has no form."""

MANY = tuple(name for name, form in FORMS.items() if form.many)
