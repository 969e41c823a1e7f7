"""The overview leads to lists and keeps itself current; an administrator's day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.acceptance.running_hub import ADMIN, RunningHub, eventually
from tests.web.browsing import Browsing, Language, Size

TOKEN = "webhook-token-of-the-tests"
WORDS = {
    "zh": {"open": "未结工单", "overview": "总览", "live": "实时", "users": "用户", "add": "添加用户", "login": "用户名",
           "save": "保存", "once": "只显示这一次", "create": "创建令牌", "name": "名称", "revoke": "吊销", "run": "立即核对",
           "clean": "账目相符", "default": "只看非默认", "actions": "操作", "disable": "停用", "ok": "确定", "disabled": "已停用",
           "retention": "现有", "skip": "跳到正文"},
    "en": {"open": "Open tickets", "overview": "Overview", "live": "Live", "users": "Users", "add": "Add user",
           "login": "User name", "save": "Save", "once": "Shown only this once", "create": "Create token", "name": "Name",
           "revoke": "Revoke", "run": "Audit now", "clean": "The books balance", "default": "Only what is not default",
           "actions": "Actions", "disable": "Disable", "ok": "OK", "disabled": "Disabled", "retention": "There is",
           "skip": "Skip to content"},
}  # fmt: skip


@pytest.fixture(scope="module")
def hub_config() -> Mapping[str, Any]:
    return {
        "connections": [{"id": "am-main", "connector": "prometheus", "config": {"webhook_token": TOKEN}, "context": []}]
    }


def alert(hub: RunningHub, name: str, severity: str = "critical") -> None:
    """One alert as Alertmanager sends it; returns when it is stored."""
    body = {"version": "4", "groupKey": name, "status": "firing", "receiver": "weft", "groupLabels": {},
            "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am", "truncatedAlerts": 0,
            "alerts": [{"status": "firing", "labels": {"alertname": name, "severity": severity, "instance": name},
                        "annotations": {"summary": f"{name} is unwell"}, "startsAt": "2026-11-22T10:00:00Z",
                        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p", "fingerprint": name}]}  # fmt: skip
    answer = httpx.post(
        f"{hub.url}/v1/inbound/am-main", json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
    )
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("size", "language", "dark"),
    [("desktop", "zh", False), ("phone", "en", True), ("desktop", "en", True), ("phone", "zh", False)],
)
def test_the_overview_is_current_and_its_numbers_lead_to_their_lists(
    web: Browsing, size: Size, language: Language, dark: bool
) -> None:
    words = WORDS[language]
    alert(web.hub, f"first-{size}-{language}")
    visit = web.open("/", web.person("admin"), size=size, language=language, dark=dark)
    page = visit.page
    expect(page.get_by_text(words["live"], exact=True)).to_be_visible()
    figure = page.locator("a.figure").filter(has_text=words["open"])
    before = len(web.hub.tickets(open="true"))
    expect(figure.locator(".figure-value")).to_have_text(str(before))  # by now, or by the next round
    alert(web.hub, f"second-{size}-{language}")
    expect(figure.locator(".figure-value")).to_have_text(str(before + 1))  # nobody loaded the page again
    expect(page.locator("svg .stream").first).to_be_attached()
    visit.check_axe()
    visit.check_fits()
    figure.click()
    expect(page).to_have_url(re.compile(r"/tickets\?open=true"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_who_may_not_administer_sees_no_way_there(web: Browsing) -> None:
    visit = web.open("/admin/users", web.person("viewer"), language="en")
    expect(visit.page.get_by_text("You may not see this page")).to_be_visible()
    expect(visit.page.get_by_role("link", name="Admin")).to_have_count(0)
    visit.check_axe()


def test_the_keyboard_reaches_the_content_first(web: Browsing) -> None:
    page = web.open("/", web.person("viewer"), language="en").page
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


@pytest.mark.parametrize(("size", "language", "dark"), [("desktop", "zh", True), ("phone", "en", False)])
def test_an_administrators_day(web: Browsing, size: Size, language: Language, dark: bool) -> None:
    words, login = WORDS[language], f"new-{size}"
    visit = web.open("/admin", web.person("admin"), size=size, language=language, dark=dark)
    page = visit.page
    page.get_by_role("button", name=words["add"]).click()
    page.get_by_role("dialog").get_by_label(words["login"]).fill(login)
    visit.check_axe()
    page.get_by_role("button", name=words["save"]).click()
    once = page.locator(".secret-once")
    expect(once).to_contain_text(words["once"])
    password = once.locator("code").inner_text().strip()
    visit.check_axe()
    visit.check_fits()
    signed_in = httpx.post(f"{web.hub.url}/v1/session", json={"login": login, "password": password}, timeout=30)
    assert signed_in.json()["me"]["must_change_password"] is True
    page.get_by_role("button", name=f"{words['actions']}: {login}").click()
    page.get_by_role("menuitem", name=words["disable"]).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(words["ok"])).click()
    expect(page.get_by_role("row").filter(has_text=login)).to_contain_text(words["disabled"])

    visit.go("/admin/tokens")
    page.get_by_role("button", name=words["create"]).click()
    page.get_by_role("dialog").get_by_label(words["name"], exact=True).fill(f"robot {size}")
    page.get_by_role("button", name=words["save"]).click()
    bearer = {"Authorization": f"Bearer {page.locator('.secret-once code').inner_text().strip()}"}
    assert httpx.get(f"{web.hub.url}/v1/tickets", headers=bearer, timeout=30).status_code == 200
    visit.check_axe()
    page.get_by_role("button", name=f"{words['revoke']}: robot {size}").click()
    page.get_by_role("dialog").get_by_role("button", name=words["revoke"]).click()
    eventually(lambda: httpx.get(f"{web.hub.url}/v1/tickets", headers=bearer, timeout=30).status_code == 401)

    visit.go("/admin/audit")
    page.get_by_role("button", name=words["run"]).click()
    expect(page.get_by_role("alert")).to_contain_text(words["clean"])
    visit.check_axe()
    visit.go("/admin/settings")
    page.get_by_role("switch", name=words["default"]).click()
    expect(page.get_by_text("WEFT_HOME")).to_be_visible()
    expect(page.get_by_text(ADMIN)).to_have_count(0)  # set, and not shown
    visit.check_axe()
    visit.go("/admin/retention")
    expect(page.get_by_text(words["retention"], exact=True)).to_be_visible()
    visit.check_axe()
    visit.go("/admin/policies")
    page.get_by_role("button", name="rights").click()
    expect(page.get_by_role("region", name=re.compile("rights"))).to_contain_text("technician")
    visit.check_axe()
    visit.check_fits()
