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


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_lists_and_menus_that_are_open_stand_where_a_screen_reader_looks_for_them(
    running_hub: RunningHub, web: Browsing, size: Size
) -> None:
    ticket = made(running_hub, "a belt squeaks")
    visit = web.open("/tickets", web.person("agent"), size=size)
    page = visit.page
    page.get_by_role("combobox", name="状态").click()
    expect(page.locator("main").get_by_text("进行中").first).to_be_visible()
    visit.check_axe()
    page.goto(f"{web.hub.url}/tickets/{ticket}")
    page.get_by_role("button", name="更多操作").click()
    expect(page.get_by_role("main").get_by_role("menu")).to_be_visible()
    visit.check_axe()
    item = page.get_by_role("menuitem", name="解决", exact=True)  # on a phone
    page.get_by_role("button", name="解决", exact=True).or_(item).click()
    page.get_by_role("dialog").get_by_label("原因").click()
    expect(page.get_by_role("dialog").get_by_title("磨损老化")).to_be_visible()
    visit.check_axe()
    page.get_by_role("dialog").get_by_title("磨损老化").click()  # nothing lies above it


def test_behind_the_first_fifty_the_list_goes_on_and_the_keys_with_it(running_hub: RunningHub, web: Browsing) -> None:
    tickets = [made(running_hub, f"gasket {n} leaks") for n in range(53)]
    page = web.open("/tickets?q=gasket", web.person("agent")).page
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("button", name="加载更多").click()
    expect(page.locator("tbody tr")).to_have_count(53)
    expect(page.get_by_role("button", name="加载更多")).to_have_count(0)
    for _ in range(53):
        page.keyboard.press("j")
    expect(page.locator("tr[aria-current=true]")).to_contain_text(tickets[0])  # the oldest stands last
