"""An integrator's day in a browser: Kingdee, from nothing to a published mapping, and every page of the studio on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from connectors.kingdee import sandbox as kingdee
from tests.acceptance.running_hub import RunningHub, eventually
from tests.web.browsing import Browsing, Language, Visit

WORDS = {
    "zh": {
        "find": "按名称或能力查找",
        "add": "添加系统: 金蝶云星空",
        "id": "连接标识",
        "test": "测试连接",
        "works": "连接成功",
        "fails": "连接失败",
        "sample": "{} 的样本",
        "mapping": "映射",
        "change": "修改映射",
        "begin": "开始",
        "result": "结果",
        "problems": "个问题",
        "no_problems": "没有问题",
        "add_test": "把样本加为测试",
        "steps": "步骤",
        "changes": "会有什么变化",
        "compare": "开始比较",
        "appear": "会出现",
        "review": "检查并发布",
        "publish": "发布",
        "current": "正在运行",
        "saved": "已保存",
        "rules": "规则",
        "take": "取来正在运行的规则",
        "try": "用这些规则试跑",
        "trace": "决定的经过",
        "replay": "重放",
        "replayed": "已重放",
        "raw": "原始消息",
        "drift": "数据形状的变化",
        "table": "以表格显示",
    },
    "en": {
        "find": "Find by name or ability",
        "add": "Add a system: Kingdee K3 Cloud",
        "id": "Connection id",
        "test": "Test connection",
        "works": "The connection works",
        "fails": "The connection does not work",
        "sample": "Sample of {}",
        "mapping": "Mapping",
        "change": "Change the mapping",
        "begin": "Begin",
        "result": "Result",
        "problems": "Problems:",
        "no_problems": "No problems",
        "add_test": "Add sample as a test",
        "steps": "Steps",
        "changes": "What would change",
        "compare": "Compare",
        "appear": "would appear",
        "review": "Review and publish",
        "publish": "Publish",
        "current": "runs now",
        "saved": "Saved",
        "rules": "Rules",
        "take": "Copy the rules that run",
        "try": "Try these rules",
        "trace": "How it was decided",
        "replay": "Replay",
        "replayed": "Replayed",
        "raw": "The message as it came",
        "drift": "Changes of shape",
        "table": "Show as a table",
    },
}
FORM = {
    "zh": ("服务器地址", "数据中心 ID", "用户名", "组织编码", "应用 ID", "应用密钥"),
    "en": ("Address", "Data centre id", "User name", "Organisation", "Application id", "Application secret"),
}
"""Titles of the settings of a connection to Kingdee."""
HELP = {"zh": "即金蝶接口中的 acctID", "en": "acctID in Kingdee's words"}
LOGIN = {"zh": ("登录方式", "请求头签名", "应用密钥"), "en": ("Login", "headers", "app_secret")}
"""A choice, its usual value, and another one."""
OTHER: dict[Language, Language] = {"zh": "en", "en": "zh"}


@pytest.fixture(scope="module")
def hub_config() -> Mapping[str, Any]:
    am = {"url": "http://127.0.0.1:9", "webhook_token": "token-of-the-alertmanager"}
    return {"connections": [{"id": "am", "connector": "prometheus", "config": am}]}


@pytest.fixture(scope="module")
def erp() -> Iterator[kingdee.Server]:
    with kingdee.Server(kingdee.Sandbox()) as server:
        yield server


def _alert(hub: RunningHub, name: str, **labels: str) -> int:
    told = {"status": "firing", "labels": {"alertname": name, **labels}, "annotations": {"summary": name},
            "startsAt": "2026-11-22T04:05:06Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": f"fp-{name}"}  # fmt: skip
    body = {"version": "4", "status": "firing", "receiver": "weft", "groupKey": "g", "alerts": [told]}
    answer = httpx.post(
        f"{hub.url}/v1/inbound/am", json=body, headers={"Authorization": "Bearer token-of-the-alertmanager"}
    )
    return answer.status_code


def _tickets(hub: RunningHub, connection: str) -> list[Any]:
    """Those of this connection about the bearing."""
    found = hub.get("/v1/tickets", q="BRG-6205 深沟球轴承")["items"]
    return [ticket for ticket in found if ticket["connection"] == connection]


def _step(page: Page, name: str) -> None:
    """Another step of the draft."""
    page.locator(".studio-draft-nav").get_by_text(name, exact=True).click()


def _filled_in(page: Page, server: kingdee.Server, labels: tuple[str, ...], secret: str) -> None:
    given = (server.url, kingdee.ACCT, kingdee.USER, "100", kingdee.APP_ID, secret)
    for label, value in zip(labels, given, strict=True):
        page.get_by_label(label).first.fill(value)


@pytest.mark.parametrize(("language", "dark"), [("zh", False), ("en", True)])
def test_kingdee_from_nothing_to_a_published_mapping(
    web: Browsing, erp: kingdee.Server, language: Language, dark: bool
) -> None:
    words, known = WORDS[language], len(web.hub.get("/v1/connections")["items"])
    visit = web.open("/studio/catalogue", web.person("integrator"), language=language, dark=dark)
    page = visit.page
    page.get_by_label(words["find"]).first.fill("kingdee")
    expect(page.get_by_role("article")).to_have_count(1)
    visit.check_axe()
    page.get_by_role("button", name=words["add"]).click()
    connection = page.get_by_label(words["id"]).input_value()

    # the form: a wrong secret is told, then the right one; what is missing stands at its field
    visit.expect_refusal(422)
    page.get_by_role("button", name=words["test"]).click()
    expect(page.get_by_text("this field is required").first).to_be_visible()
    _filled_in(page, erp, FORM[language], "not the secret")
    expect(page.get_by_text(HELP[language])).to_be_visible()
    expect(page.get_by_text(HELP[OTHER[language]])).to_have_count(0)
    field, usual, other = LOGIN[language]
    expect(page.locator(".studio-form").get_by_text(usual, exact=True)).to_be_visible()
    page.get_by_label(field).click()
    expect(page.locator(".ant-select-item-option").get_by_text(other, exact=True)).to_be_visible()
    page.locator(".ant-select-item-option").get_by_text(usual, exact=True).click()
    page.get_by_role("button", name=words["test"]).click()
    expect(page.get_by_text(words["fails"])).to_be_visible()
    visit.check_axe()
    page.get_by_label(FORM[language][-1]).first.fill(kingdee.APP_SECRET)
    page.get_by_role("button", name=words["test"]).click()
    expect(page.get_by_text(words["works"])).to_be_visible()
    visit.check_axe()

    # a live sample of a stream, and a mapping that begins with the one in use
    page.get_by_role("button", name=words["sample"].format("stock")).click()
    expect(page.get_by_role("dialog").get_by_text("深沟球轴承")).to_be_visible()
    page.get_by_role("button", name=words["change"]).click()
    page.get_by_role("button", name=words["begin"], exact=True).click()
    result = page.get_by_role("region", name=words["result"])
    expect(result).to_contain_text("深沟球轴承")
    expect(page.get_by_text(words["no_problems"])).to_be_visible()

    # an error in its place, with the name that was meant; then another expression, and its value with all its steps
    _write(page, words["mapping"], "item_name: item_name", "item_name: uper(item_nam)")
    expect(page.get_by_text(words["problems"])).to_be_visible()
    expect(page.locator(".cm-lintRange-error").first).to_be_visible()
    expect(result).to_contain_text("did you mean 'upper'?")
    visit.check_axe()
    _write(page, words["mapping"], "uper(item_nam)", "concat(item, ' ', item_name)")
    expect(result).to_contain_text("BRG-6205 深沟球轴承")
    result.get_by_role("button", name="item_name", exact=True).click()
    expect(result.get_by_role("list", name=words["steps"])).to_contain_text("concat(item, ' ', item_name)")
    expect(result).to_contain_text("DIRECT TRANSFORMATION")
    _write(page, words["mapping"], "      item_name: 深沟球轴承", "      item_name: BRG-6205 深沟球轴承", last=True)
    page.get_by_role("button", name=words["add_test"]).click()
    expect(page.get_by_text(words["no_problems"])).to_be_visible()
    expect(page.get_by_role("status").filter(has_text=words["saved"])).to_be_visible()
    visit.check_axe()

    # which tickets would it make; nothing is there yet
    _step(page, words["changes"])
    page.get_by_role("button", name=words["compare"], exact=True).click()
    expect(page.get_by_role("tab", name=re.compile(f"{words['appear']}.*1"))).to_be_visible(timeout=60_000)
    expect(page.get_by_text("BRG-6205 深沟球轴承").first).to_be_visible()
    visit.check_axe()
    assert len(web.hub.get("/v1/connections")["items"]) == known
    assert not _tickets(web.hub, connection)

    _step(page, words["review"])
    page.get_by_role("button", name=words["publish"], exact=True).click()
    expect(page.get_by_text(words["current"]).first).to_be_visible()
    expect(page.get_by_text(kingdee.APP_SECRET)).to_have_count(0)
    visit.check_axe()
    running = web.hub.get(f"/v1/connections/{connection}")
    assert running["mappings"] == {"stock": f"{connection.replace('-', '_')}_stock"}

    # what was shown comes about
    assert eventually(lambda: _tickets(web.hub, connection), 60)
    visit.go(f"/studio/connections/{connection}")
    expect(page.get_by_text(words["drift"])).to_be_visible()
    visit.check_axe()


def _write(page: Page, editor: str, old: str, new: str, *, last: bool = False) -> None:
    """Replace a text in the editor, by its search for the place and by typing."""
    box = page.get_by_role("textbox", name=editor, exact=True)
    text = page.evaluate(
        "([element, old, new, last]) => { const view = element.cmTile ? element.cmTile.view : element.cmView.view;"
        " const doc = view.state.doc.toString(); const at = last ? doc.lastIndexOf(old) : doc.indexOf(old);"
        " if (at < 0) return doc; view.dispatch({changes: {from: at, to: at + old.length, insert: new}}); return ''; }".replace(
            "new}", "fresh}"
        ).replace("[element, old, new, last]", "[element, old, fresh, last]"),
        [box.element_handle(), old, new, last],
    )
    assert text == "", f"{old!r} does not stand in\n{text}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_the_studio_fits_a_phone(web: Browsing, language: Language) -> None:
    """With messages recorded and one dead: rules on the bench, the letter replayed, figures, versions."""
    words, hub = WORDS[language], web.hub
    assert _alert(hub, "DiskFull", severity="critical", instance="db-1") == 202
    broken = httpx.post(f"{hub.url}/v1/inbound/am", content=b'{"alerts": [{"status": 7}]}',
                        headers={"Authorization": "Bearer token-of-the-alertmanager"})  # fmt: skip
    assert broken.status_code == 422
    visit = web.open("/studio", web.person("integrator"), size="phone", language=language)
    page = visit.page
    expect(page.get_by_role("link", name="am").first).to_be_visible()
    _well(visit)
    for path in ("/studio/catalogue", "/studio/drafts", "/studio/history"):
        visit.go(path)
        page.wait_for_load_state("networkidle")
        _well(visit)
    visit.go("/studio/connections/am")
    page.get_by_label(words["table"]).click()
    _well(visit)

    visit.go("/studio/drafts?new=rules")
    page.get_by_role("button", name=words["take"]).click()
    expect(page.get_by_role("textbox", name=words["rules"], exact=True)).to_be_visible()
    _well(visit)
    page.get_by_text({"zh": "已记录的消息", "en": "Recorded messages"}[language], exact=True).first.click()
    page.get_by_role("button", name=words["try"]).click()
    page.get_by_role("button", name=re.compile("fp-DiskFull")).first.click()
    expect(page.get_by_text(words["trace"])).to_be_visible()
    _well(visit)
    _step(page, words["changes"])
    page.get_by_role("button", name=words["compare"], exact=True).click()
    page.wait_for_load_state("networkidle")
    _well(visit)

    visit.go("/studio/dead-letters")
    page.get_by_role("button", name=re.compile(words["raw"])).first.click()
    expect(page.get_by_role("dialog")).to_contain_text("alerts")
    _well(visit)
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile(words["replay"])).first.click()
    expect(page.get_by_text(re.compile(words["replayed"]))).to_be_visible()
    _well(visit)


def _well(visit: Visit) -> None:
    visit.check_axe()
    visit.check_fits()
