"""Every figure there is, by name. docs/figures.md is made from this list."""

from __future__ import annotations

from collections.abc import Mapping

from core_tickets.figures import effort, finished, promised
from core_tickets.figures.metric import STAGED, Metric
from core_tickets.vocabulary import Label

__all__ = ["METRICS"]

MICRO = 1_000_000
_TIMES = ("opened_at", "status")
_ROUND = ("status", "entry:resolve", "entry:reopen")
_THING = ("device", "customer", "kind")

_ALL = (
    Metric(
        "opened", Label("Opened", "新开工单"), Label("Tickets opened.", "当日新开的工单数。"),
        "count", ("entry:open",), finished.opened, adds=True,
    ),
    Metric(
        "resolved", Label("Resolved", "已解决（技术员点击）"),
        Label("Resolvings, as clicked; again after each reopening.",
              "点击“解决”的次数；重开后再解决再计一次。"),
        "count", _ROUND, finished.resolved, adds=True,
    ),
    Metric(
        "confirmed", Label("Confirmed", "已完成（客户确认）"),
        Label("Confirmations by the customer: what is really finished.",
              "客户确认的次数：真正完成的工单。"),
        "count", ("entry:confirm",), finished.confirmed, adds=True,
    ),
    Metric(
        "confirmed_share", Label("Confirmed of resolved", "解决后获确认率"),
        Label("Of a day's resolvings, the share the customer confirmed before any reopening.",
              "当日解决的工单中，重开前获客户确认的比例。"),
        "share", (*_ROUND, "entry:confirm"), finished.confirmed_share, settled=False,
    ),
    Metric(
        "time_to_confirm", Label("Time to confirmation", "到客户确认用时"),
        Label("Mean time from the opening to the customer's confirmation.",
              "从开单到客户确认的平均时间。"),
        "s", ("opened_at", "entry:confirm"), finished.time_to_confirm, scale=MICRO,
    ),
    Metric(
        "satisfaction", Label("Satisfaction", "满意度"),
        Label("Mean score (1 to 5) given with the confirmations of the day.",
              "当日客户确认时所给评分（1 至 5）的平均值。"),
        "score", ("entry:confirm",), finished.satisfaction,
    ),
    Metric(
        "repeat_repair", Label("Repeat repair rate", "重复报修率"),
        Label("Of a day's repairs, the share that did not last: reopened, or the same device (or customer) and kind came "
              "again within repeat_days, not for a cause known to be another.",
              "当日修复中未能保持的比例：被重开，或同一设备（或客户）同类工单在 repeat_days 天内再次出现"
              "（原因已知不同者除外）。"),
        "share", (*_ROUND, *_THING, "cause"), finished.repeat_repair, settled=False, terms=("repeat_days",), pairs=True,
    ),
    Metric(
        "duplicate_rate", Label("Duplicate rate", "重复工单率"),
        Label("Of a day's tickets about a device or customer, the share opened while another of the same kind about the "
              "same, at most duplicate_days old, was being worked on.",
              "当日针对设备或客户新开的工单中，同一对象同类工单（不超过 duplicate_days 天）仍在处理时又开出的比例。"),
        "share", ("entry:open", *_THING, "status", "storm_id"), finished.duplicate_rate, settled=False,
        terms=("duplicate_days",), pairs=True,
    ),
    Metric(
        "first_response", Label("First response", "平均首次响应时间"),
        Label("Mean time from the opening to the first response; counts for who gave it.",
              "从开单到首次响应的平均时间，计入响应者。"),
        "s", ("opened_at", "first_responded_at"), promised.first_response, scale=MICRO,
    ),
    Metric(
        "first_response_deviation", Label("First-response deviation", "首次响应偏差"),
        Label("Mean of first response minus the promised time; negative is earlier than promised.",
              "实际首次响应减去承诺时间的平均值；负数为早于承诺。"),
        "s", ("first_responded_at", "first_response_due", "given_response_due"), promised.first_response_deviation, scale=MICRO,
    ),
    Metric(
        "first_response_overdue", Label("First responses overdue", "首次响应超时率"),
        Label("Of the first responses that were given or fell due on the day, the share that was too late.",
              "当日已响应或到期的首次响应中超时的比例。"),
        "share", ("first_response_due", "first_responded_at", "status"), promised.first_response_overdue,
    ),
    Metric(
        "overdue", Label("Overdue share", "超期率"),
        Label("Of the resolutions that were given or fell due on the day, the share that was too late; waits for the "
              "customer are no time of ours.", "当日已解决或到期的工单中超期的比例；等待客户的时间不计。"),
        "share", ("resolution_due", "paused_since", "status"), promised.overdue,
    ),
    Metric(
        "resolution_time", Label("Time to resolution", "解决用时"),
        Label("Mean time from the opening (or reopening) to the resolving, waits included.",
              "从开单（或重开）到解决的平均时间，含等待。"),
        "s", _TIMES, promised.resolution_time, scale=MICRO,
    ),
    Metric(
        "stay_time", Label("Stay time", "环节停留时间"),
        Label("Mean time a visit of a stage lasted, of the visits that ended on the day; the heat map.",
              "当日离开某环节的工单在该环节的平均停留时间；热力图。"),
        "s", ("status",), promised.stay_time, scale=MICRO, dimensions=STAGED,
    ),
    Metric(
        "return_rate", Label("Return rate", "退回率"),
        Label("Of the visits of a stage that ended on the day, the share that came back from a later stage or was given "
              "back there; the heat map.", "当日离开某环节的停留中，从后续环节退回或在该环节被退回的比例；热力图。"),
        "share", ("status", "entry:return", "entry:return_handoff"), promised.return_rate, dimensions=STAGED,
    ),
    Metric(
        "collaboration_entropy", Label("Collaboration entropy", "协作熵"),
        Label("Mean over resolved rounds of the sum of stay × ln(people) over the stages: hour·nat; 0 in one hand.",
              "已解决工单各环节 停留小时 × ln(参与人数) 之和的平均值；一人完成为 0。"),
        "hour·nat", (*_ROUND, "assignee"), effort.collaboration_entropy,
    ),
    Metric(
        "value_density", Label("Value density", "信息价值密度"),
        Label("What is known at the resolving (device, customer, link, cause, resolution, description, labels, "
              "attachments, answers of other systems) per entry of the timeline.",
              "解决时已知信息项（设备、客户、链接、原因、解决方案、描述、标签、附件、系统答复）与时间线条目数之比。"),
        "facts per entry", (*effort.PLAIN, "labels", "entry:attach", "entry:detach", "signal:answered", "status"),
        effort.value_density,
    ),
    Metric(
        "photos", Label("Photos", "照片数"), Label("Mean number of pictures attached per resolved round.", "平均上传的照片数。"),
        "per ticket", (*_ROUND, "entry:attach"), effort.photos,
    ),
    Metric(
        "edits", Label("Edits", "编辑次数"),
        Label("Mean number of changes by persons per resolved round that move no stage.",
              "每张已解决工单中人员修改（不含环节流转）的平均次数。"),
        "per ticket", (*_ROUND, *(f"entry:{name}" for name in sorted(effort.EDITS))), effort.edits,
    ),
    Metric(
        "customer_views", Label("Customer views", "客户查看次数"),
        Label("Mean number of looks by the customer per resolved round.",
              "每张已解决工单客户查看的平均次数。"),
        "per ticket", (*_ROUND, "entry:customer_view"), effort.customer_views,
    ),
    Metric(
        "action_temperature", Label("Action temperature", "动作温度"),
        Label("Photos, edits and customer views together, per resolved round.",
              "每张已解决工单的照片、编辑与客户查看次数之和。"),
        "per ticket", (*_ROUND, "entry:attach", "entry:customer_view", *(f"entry:{name}" for name in sorted(effort.EDITS))),
        effort.action_temperature,
    ),
    Metric(
        "context_completeness", Label("Context completeness", "上下文完整率"),
        Label("Of the questions asked of other systems on the day, the share that was answered.",
              "当日向其他系统提出的问题中得到答复的比例。"),
        "share", ("signal:asked", "signal:answered"), effort.context_completeness, settled=False,
    ),
    Metric(
        "repeat_share", Label("Repeats of what is known", "重复告警占比"),
        Label("Of what arrived (tickets and merged alerts), the share an open ticket stood for already.",
              "到达的告警与工单中，已有工单代表的重复所占比例。"),
        "share", ("entry:open", "signal:repeat"), effort.repeat_share,
    ),
)  # fmt: skip

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
