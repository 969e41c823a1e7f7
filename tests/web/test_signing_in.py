"""Signing in and out in a browser."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from gateway.signin import attempts
from tests.web.browsing import Browsing, Language, Size

WORDS = {
    "zh": {"login": "用户名", "password": "密码", "submit": "登录", "wrong": "用户名或密码错误", "wait": "尝试次数过多",
           "tickets": "工单", "overview": "总览", "out": "退出登录"},
    "en": {"login": "User name", "password": "Password", "submit": "Sign in", "wrong": "User name or password is wrong",
           "wait": "Too many tries", "tickets": "Tickets", "overview": "Overview", "out": "Sign out"},
}  # fmt: skip


@pytest.mark.parametrize(("size", "language", "dark"), [("desktop", "zh", False), ("phone", "en", True)])
def test_a_wrong_password_is_told_and_the_right_one_leads_where_one_wanted_to_go(
    web: Browsing, size: Size, language: Language, dark: bool
) -> None:
    words, someone = WORDS[language], web.person("admin")
    visit = web.open("/tickets?priority=P0", size=size, language=language, dark=dark)
    page = visit.page
    visit.expect_refusal(401)
    page.get_by_label(words["login"]).fill(someone.login)
    page.get_by_label(words["password"], exact=True).fill("not the password")
    visit.check_axe()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(words["wrong"])
    visit.check_axe()
    page.get_by_label(words["password"], exact=True).fill(someone.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=words["tickets"], exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/tickets\?priority=P0$"))
    expect(page).to_have_title(re.compile(words["tickets"]))
    visit.check_axe()
    visit.check_fits()
    page.get_by_role("button", name=someone.login).click()
    page.get_by_role("menuitem", name=words["out"]).click()
    expect(page.get_by_label(words["login"])).to_be_visible()
    visit.go("/tickets")
    expect(page.get_by_label(words["login"])).to_be_visible()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_who_guesses_too_often_is_told_to_wait(web: Browsing, language: Language) -> None:
    words, login = WORDS[language], f"guessed-{language}"
    for _ in range(attempts.TOGETHER):
        wrong = {"login": login, "password": "not the password"}
        assert httpx.post(f"{web.hub.url}/v1/session", json=wrong).status_code == 401
    visit = web.open("/signin", language=language)
    visit.expect_refusal(429)
    visit.page.get_by_label(words["login"]).fill(login)
    visit.page.get_by_label(words["password"], exact=True).fill("not the password")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("alert")).to_contain_text(words["wait"])
    visit.check_axe()
