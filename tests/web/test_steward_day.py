"""A data steward's day: find two that are one, see what a merge would move, merge, take it back, split, decide pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import expect

import id_registry
from gateway import clock
from gateway.database import open_engine
from id_registry.matching import Doubt, Evidence, propose_reviews
from tests.acceptance.running_hub import RunningHub
from tests.web import registers
from tests.web.browsing import Browsing, Language, Size

WORDS = {
    "zh": {"search": "名称、编号或某系统中的代码", "merge": "合并", "other": "选择另一个客户", "differs": "不同",
           "preview": "预览：将会怎样", "reason": "理由", "confirm": "确认合并", "merged": "已合并到",
           "undo": "撤销合并", "undone": "已撤销", "split": "拆分",
           "confirmSplit": "确认拆分", "splitDone": "已拆分", "never": "裁定为不同", "allow": "取消此裁定",
           "origin": "查看 crm 的 name 的来源", "different": "不是同一个", "decided": "已裁定为不同", "none": "没有待裁定的"},
    "en": {"search": "Name, id, or what a system calls it", "merge": "Merge", "other": "Choose the other Customer",
           "differs": "differs", "reason": "Reason", "preview": "Preview: what would happen", "confirm": "Merge them",
           "merged": "Merged into", "undo": "Undo merge",
           "undone": "Undone", "split": "Split", "confirmSplit": "Split them", "splitDone": "Split into",
           "never": "Decided to be two", "allow": "Lift this", "origin": "Origin of name of crm",
           "different": "Not the same", "decided": "Two things", "none": "Nothing to decide"},
}  # fmt: skip


@pytest.fixture(scope="module")
def hub_config(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return registers.config(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def ids(running_hub: RunningHub) -> dict[str, str]:
    return registers.read_customers(running_hub)


@pytest.fixture
def two(running_hub: RunningHub, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Two customers, and two again afterwards: whoever begins anew finds what there was."""
    pair = ids["crm A-2"], ids["erp C0002"]
    yield pair
    for merge in running_hub.get(f"/v1/ids/{pair[0]}")["merges"]:
        if merge["undone_at"] is None:
            running_hub.post(f"/v1/ids/merges/{merge['id']}/undo")


@pytest.fixture(scope="module")
def doubtful(running_hub: RunningHub, ids: dict[str, str]) -> tuple[str, str]:
    """Two customers of which a matcher could not tell whether they are one."""
    a, b = ids["crm A-4"], ids["erp C0004"]
    told = (
        Evidence("core", "博远阀门", "博远阀门", "exact", 7.1),
        Evidence("city", "苏州", "", "missing", 0.0),
        Evidence("form", "有限公司", "", "differs", -1.4, "one of the two is a short name"),
    )
    engine = open_engine(running_hub.database_url)
    with engine.begin() as conn:
        doubt = Doubt(id_registry.parse_id(a), id_registry.parse_id(b), 1.5, told, "between the thresholds")
        propose_reviews(conn, [doubt], "online", clock.now())
    engine.dispose()
    return a, b


@pytest.mark.parametrize(
    ("size", "language", "dark"), [("desktop", "zh", True), ("phone", "en", False)], ids=["desktop-zh", "phone-en"]
)
def test_two_customers_are_merged_with_a_preview_and_taken_apart_again(
    web: Browsing, two: tuple[str, str], size: Size, language: Language, dark: bool
) -> None:
    words, (a, b) = WORDS[language], two
    visit = web.open("/identity", web.person("integrator"), size=size, language=language, dark=dark)
    page = visit.page
    page.get_by_label(words["search"]).fill("华联")
    expect(page.get_by_text("北京华联超市有限公司").first).to_be_visible()
    visit.check_axe()
    visit.check_fits()
    page.get_by_role("link", name=a).click()
    expect(page.get_by_role("heading", name="上海华联超市有限公司")).to_be_visible()
    expect(page.get_by_text("C0002")).to_have_count(0)
    visit.check_axe()
    visit.check_fits()
    page.get_by_role("button", name=words["merge"]).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(words["other"]).fill("北京华联")
    page.locator(".ant-select-item-option", has_text=b).click()
    would = web.hub.post("/v1/ids/merge/preview", {"a": a, "b": b})
    expect(dialog.get_by_label(words["preview"])).to_contain_text(f"{would['loser']} ")
    (key,) = would["keys"]
    expect(dialog.get_by_label(words["preview"])).to_contain_text(f"{key['system']} {key['local_id']}")
    expect(dialog.get_by_label(words["preview"])).to_contain_text(f"{key['system']}/customers 1")
    name = dialog.get_by_role("row", name="name")
    expect(name).to_contain_text(words["differs"])
    expect(name).to_contain_text("北京华联超市有限公司")
    visit.check_axe()
    dialog.get_by_label(words["reason"]).fill("一家公司 one firm")
    dialog.get_by_role("button", name=words["confirm"]).click()
    expect(page.get_by_text(words["merged"])).to_be_visible()
    expect(page.get_by_text("一家公司 one firm").first).to_be_visible()
    expect(page.get_by_text("C0002")).to_be_visible()
    expect(page.get_by_text("A-2")).to_be_visible()
    golden = page.get_by_role("row", name="name")
    expect(golden).to_contain_text("北京华联超市有限公司")
    visit.check_axe()
    page.get_by_role("button", name=words["origin"]).click()
    expect(page.locator(".moment-source")).to_contain_text("crm/customers")
    page.keyboard.press("Escape")
    expect(page.locator(".moment-source")).to_have_count(0)
    page.get_by_role("button", name=words["undo"]).first.click()
    page.locator(".ant-popconfirm").get_by_role("button", name=words["undo"]).click()
    expect(page.get_by_text(words["undone"]).first).to_be_visible()
    expect(page.get_by_text(key["local_id"], exact=True)).to_have_count(0)
    assert [web.hub.get(f"/v1/ids/{each}")["live"] for each in (a, b)] == [a, b]
    visit.check_axe()


def test_a_wrong_merge_of_the_matcher_is_split_and_never_comes_back(web: Browsing, ids: dict[str, str]) -> None:
    words, one = WORDS["en"], ids["crm A-1"]
    assert ids["erp C0001"] == one, "the matcher holds the two for one"
    visit = web.open(f"/identity/{one}", web.person("integrator"), language="en")
    page = visit.page
    page.get_by_role("button", name=words["split"]).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("erp C0001").check()
    visit.check_axe()
    dialog.get_by_role("button", name=words["confirmSplit"]).click()
    expect(page.get_by_text(words["splitDone"])).to_be_visible()
    expect(page.get_by_text(words["never"])).to_be_visible()
    # whichever of them was known first keeps the id
    expect(page.get_by_text(re.compile("^(C0001|A-1)$"))).to_have_count(1)
    page.get_by_role("button", name=words["allow"]).click()
    expect(page.get_by_text(words["never"])).to_have_count(0)
    visit.check_axe()


@pytest.mark.parametrize(("size", "language"), [("desktop", "en"), ("phone", "zh")])
def test_a_pair_is_decided_by_its_evidence(
    web: Browsing, doubtful: tuple[str, str], size: Size, language: Language
) -> None:
    words = WORDS[language]
    a, b = doubtful
    reviews = web.hub.get("/v1/ids/reviews", state=["open", "different"])["items"]
    assert len(reviews) == 1
    state = "open" if size == "desktop" else "different"
    visit = web.open(f"/identity/reviews?state={state}", web.person("integrator"), size=size, language=language)
    page = visit.page
    pair = page.get_by_role("link", name="博远阀门")
    pair.wait_for()
    visit.check_axe()
    visit.check_fits()
    pair.click()
    expect(page.get_by_text("苏州博远阀门有限公司").first).to_be_visible()
    expect(page.get_by_role("cell", name="+7.1")).to_be_visible()
    expect(page.get_by_text("one of the two is a short name")).to_be_visible()
    visit.check_axe()
    visit.check_fits()
    page.get_by_role("button", name=words["different"]).click()
    expect(page.get_by_text(words["decided"]).first).to_be_visible()
    expect(page.get_by_text(words["none"])).to_be_visible()
    forbidden = web.hub.get(f"/v1/ids/{a}")["forbidden"]
    assert [{pair["a"], pair["b"]} for pair in forbidden] == [{a, b}]
