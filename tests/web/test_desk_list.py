"""The desk's list: by the keyboard alone, tickets of no group, and moments when the reader's clock is behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.running_hub import RunningHub
from tests.web.browsing import Browsing, Language, Size


def made(hub: RunningHub, title: str) -> str:
    return str(hub.post("/v1/tickets", {"title": title, "kind": "maintenance"}, status=201)["id"])


def row(page: Page, ticket: str) -> Locator:
    return page.get_by_role("row").filter(has_text=ticket)


def test_the_keyboard_alone_moves_selects_searches_and_opens(running_hub: RunningHub, web: Browsing) -> None:
    tickets = [made(running_hub, f"valve {n} sticks") for n in range(3)][::-1]  # the newest stands first
    other = made(running_hub, "a lamp flickers")
    visit = web.open("/tickets", web.person("agent"))
    page = visit.page
    expect(row(page, other)).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name=re.compile("搜索"))).to_be_focused()
    page.keyboard.type("valve jkx")  # while one types the keys are letters
    expect(page.get_by_text("没有符合条件的工单")).to_be_visible()
    for _ in " jkx":
        page.keyboard.press("Backspace")
    expect(page.get_by_role("row")).to_have_count(4)
    page.keyboard.press("Escape")  # leaves the box

    page.keyboard.press("k")  # nothing is above the first
    here = page.locator("tr[aria-current=true]")
    expect(here).to_contain_text(tickets[0])
    for _ in range(4):
        page.keyboard.press("j")
    expect(here).to_contain_text(tickets[2])  # nothing is below the last
    page.keyboard.press("x")
    expect(row(page, tickets[2]).get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("k")
    expect(here).to_contain_text(tickets[1])
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)
    visit.check_axe()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/tickets/{tickets[1]}$"))


@pytest.mark.parametrize(
    ("size", "language", "words"), [("desktop", "zh", "无组"), ("phone", "en", "No group")], ids=["zh", "en"]
)
def test_tickets_of_no_group_are_chosen_by_one_click(
    running_hub: RunningHub, web: Browsing, size: Size, language: Language, words: str
) -> None:
    orphan = made(running_hub, "nobody's door squeaks")
    visit = web.open("/tickets", web.person("agent"), size=size, language=language)
    page = visit.page
    page.get_by_role("button", name=words, exact=True).click()
    expect(page).to_have_url(re.compile("ungrouped=true"))
    expect(page.get_by_role("link", name=re.compile(orphan))).to_be_visible()
    visit.check_axe()
    visit.check_fits()


def test_a_moment_just_past_is_never_told_as_one_to_come(running_hub: RunningHub, web: Browsing) -> None:
    """The reader's clock is two minutes behind the hub's."""
    ticket = made(running_hub, "a fan rattles")
    visit = web.open(None, web.person("agent"))
    visit.page.clock.set_fixed_time(datetime.now(UTC) - timedelta(minutes=2))
    page = visit.go("/tickets")
    expect(row(page, ticket).locator("time")).to_have_text("几秒前")
