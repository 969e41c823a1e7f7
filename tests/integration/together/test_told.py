"""`weft explain` tells what people did together and what is still missing."""

from __future__ import annotations

from tests.integration.together.house import Floor


def test_explain_tells_each_step_and_what_is_missing(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "comment", text="@wang.wu 看一下 @nobody")
    floor.attach("wang.wu", ticket, label="photo")
    child = floor.ask("li.na", "POST", f"/{ticket}/children", 201, json={"title": "seal"})["id"]
    floor.do("li.na", ticket, "handoff", group="workshop", minutes=60)
    floor.do("wang.wu", ticket, "return_handoff", text="不归我们")
    floor.do("li.na", ticket, "request_approval", approvers=["zhao.liu"], text="换电机")
    told = [line["told"] for line in floor.ask("li.na", "GET", f"/{ticket}/explain")["together"]]
    expected = [
        "li.na 提到 mentioned wang.wu；名册中没有 nobody on the roster is nobody",
        "wang.wu 上传 attached a.png（photo）",
        f"li.na 增加子工单 added sub-ticket {child}（必需 required）",
        "li.na 由 service 移交 handed from it to workshop",
        "workshop（wang.wu）退回 returned：不归我们",
        "li.na 请 zhao.liu 会签 asked for a joint approval：换电机",
        "resolve 还需 still needs",
    ]
    for line in expected:
        assert any(t.startswith(line) for t in told), (line, told)
    assert any(child in t for t in told if t.startswith("resolve"))
