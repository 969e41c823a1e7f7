"""Decisions of grading and routing in plain words, Chinese first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "word": "文中有“{0}” the text has “{0}”",
        "kind": "类型是 {0} its kind is {0}",
        "priority": "优先级是 {0} its priority is {0}",
        "channel": "来自 {0} it came by {0}",
        "level": "客户级别是 {0} the customer's level is {0}",
        "label": "标签 {0} 是 {1} its label {0} is {1}",
        "device": "设备相符 it is this device",
        "customer": "客户相符 it is this customer",
        "time": "时间是 {0} it is {0} time",
        "group": "工单自己写明了组 {0} the ticket itself names the group {0}",
        "not_word": "文中没有这些词 the text has none of the words",
        "barred_word": "文中有排除词“{0}” the text has “{0}”, which is ruled out",
        "not_kind": "类型是 {0} its kind is {0}",
        "not_priority": "优先级是 {0} its priority is {0}",
        "not_channel": "来自 {0} it came by {0}",
        "not_level": "客户级别是 {0} the customer's level is {0}",
        "no_label": "没有标签 {0} it has no label {0}",
        "not_label": "标签 {0} 是 {1} its label {0} is {1}",
        "near_label": "标签 {0} 是 {2}，规则写的是 {1}：只差写法，请按工单的写法改规则 "
        "its label {0} is {2}, the rule says {1}: the same but for its spelling; write it as tickets have it",
        "not_device": "不是这台设备 it is another device",
        "not_customer": "不是这个客户 it is another customer",
        "not_time": "时间不是 {0} it is not {0} time",
        "no_area": "没有组负责模块 {0}、区域 {1} no group looks after module {0}, region {1}",
        "nobody_there": "{0} 现在没有人在 nobody of {0} is there",
        "nobody_fits": "{0} 里没有人能接 nobody of {0} can take it",
        "gave_back": "刚刚退回过 gave it back last",
        "chosen": "在岗、有技能、手头最少（{0} 个）→ 选中 is there, can do it and has least to do ({0} open): chosen",
        "more_work": "也可以，但手头更多或更近才派过（{0} 个）could too, but has more to do or was given one later ({0} open)",
        "off_shift": "不在岗 is off shift",
        "full": "手头已满（{0} 个）has enough to do ({0} open)",
        "no_role": "角色无权接单（{0}）no role lets them receive tickets ({0})",
        "no_skill": "缺少技能 {0} lacks the skill {0}",
        "no_module": "不负责模块 {0} does not look after module {0}",
        "no_region": "不在区域 {0} does not work in region {0}",
    }
)
_COMBINE = {
    "raise": "只升不降 the more urgent counts",
    "replace": "以评分为准 the points alone count",
    "add": "与原优先级相加 added to the given priority's points",
}


def said(reason: Sequence[Any]) -> str:
    """One reason, such as ["word", "停机"]."""
    code, *about = [str(each) for each in reason]
    text = WORDS.get(code)
    return " ".join([code, *about]) if text is None else text.format(*(each or "—" for each in [*about, "", "", ""]))


def tell_grading(data: Mapping[str, Any]) -> list[str]:
    """Each contribution with its points and reason, then what came of it."""
    lines = [
        f"{rule}: {points:+d}（{'；'.join(map(said, because)) or '总是 always'}）"
        for rule, points, because in data["contributions"]
    ]
    total = f"合计 total {data['points']}: {data['given']} → {data['priority']}（{_COMBINE[data['combine']]}）"
    return [*lines, total]


def tell_routing(data: Mapping[str, Any]) -> list[str]:
    """Who got it by which rule and why; then the rules that were passed over, and everybody who was considered."""
    who = data["assignee"] or "组内待领 whoever of the group takes it"
    because = "；".join(map(said, data["because"]))
    rule = {
        "pool": "没有规则能派出，归兜底池 no rule could place it: the pool",
        "given": "组已写明 the group was given",
    }
    lines = [
        f"{data['group']} / {who} ← {rule.get(data['rule'], data['rule'])}" + (f"（{because}）" if because else "")
    ]
    lines += [f"规则 rule {name}: {said(reason)}" for name, *reason in data["passed"]]
    return lines + [f"{person}: {said(reason)}" for person, *reason in data["people"]]
