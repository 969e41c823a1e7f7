"""An article drafted from a solved ticket."""

from __future__ import annotations

from typing import Any

from core_tickets import Entry
from gateway.learning.drafting import draft, in_chinese, teaches
from gateway.learning.redaction import Redactor
from tests.unit.learning.fixtures import NOW, a_ticket


def said(text: str, *, by: str = "person", name: str = "comment", public: bool = False) -> Entry:
    data: dict[str, Any] = {"text": text, "public": public}
    kind = "comment" if name == "comment" else "change"
    return Entry(1, 1, NOW, kind, name, "ann", by, "", 2, (), data)


SOLVED = a_ticket(
    status="resolved", title="明远机械 3 号泵轴承过热", description="客户电话 13812345678 反映异响", cause="wear",
    resolution="更换轴承 BRG-6205 并重新加注润滑脂", resolved_at=NOW,
)  # fmt: skip
STEPS = [said("先停机断电，挂牌"), said("收到"), said("拆下联轴器，取出旧轴承"), said("先停机断电，挂牌"),
         said("done automatically", by="system"), said("", name="resolve"), said("客户说谢谢，下次再来")]  # fmt: skip


def test_it_tells_symptom_cause_remedy_and_steps_in_the_language_of_the_ticket() -> None:
    made = draft(SOLVED, STEPS, Redactor(["苏州明远机械有限公司"]), "TKT-2026-000001")
    assert made.language == "zh-CN"
    assert made.title == "[客户] 3 号泵轴承过热"
    assert made.body == (
        "## 现象\n\n[客户] 3 号泵轴承过热\n\n客户电话 [电话] 反映异响\n\n## 原因\n\n磨损老化\n\n"
        "## 处理\n\n更换轴承 BRG-6205 并重新加注润滑脂\n\n## 步骤\n\n1. 先停机断电，挂牌\n2. 拆下联轴器，取出旧轴承\n\n"
        "## 来源\n\nTKT-2026-000001\n"
    )
    assert made.removed == {"customer": 1, "phone": 1}


def test_an_english_ticket_makes_an_english_article() -> None:
    english = a_ticket(
        status="closed", title="Pump 3 leaks", resolution="Replaced the shaft seal with part S-12", cause="wear"
    )
    made = draft(english, [], Redactor(), "TKT-2026-000002")
    assert made.language == "en"
    assert "## Remedy\n\nReplaced the shaft seal with part S-12" in made.body
    assert "## Steps" not in made.body


def test_a_ticket_teaches_when_somebody_solved_it_and_says_how() -> None:
    assert teaches(SOLVED, 15)
    for other in (
        a_ticket(status="in_progress", resolution=SOLVED.resolution), a_ticket(status="closed", resolution="已处理"),
        a_ticket(status="closed", resolution=SOLVED.resolution, cause="false_alarm"), a_ticket(status="closed"),
    ):  # fmt: skip
        assert not teaches(other, 15)


def test_a_chinese_text_with_english_part_names_is_chinese() -> None:
    assert in_chinese("更换 Siemens S7-1500 控制器电源模块")
    assert not in_chinese("Replaced the power module at 苏州")
