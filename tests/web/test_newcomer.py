"""A newcomer's first ten minutes: `make run`, and what docs/tour.md walks through in the browser.

`WEFT_IMAGES=1` makes the pictures of docs/tour.md anew, in both languages, after the storm of the story (two minutes more).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.running_hub import ADMIN, eventually
from tests.acceptance.test_make_run import TOUR, Run, running
from tests.web.browsing import IMAGES, PATIENCE_MS, SIZES

PICTURES = bool(os.environ.get("WEFT_IMAGES"))
WORDS = {
    "zh-CN": {"login": "用户名", "password": "密码", "context": "现场情况", "gauges": "设备当前值", "equal": "重新计算：一致"},
    "en-GB": {"login": "User name", "password": "Password", "context": "Context", "gauges": "Device now",
              "equal": "Recomputed: equal"},
}  # fmt: skip


@pytest.fixture(scope="module")
def tour(built_ui: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("newcomer") / "home", TOUR) as run:
        yield run


@pytest.fixture(scope="module")
def payment(tour: Run) -> str:
    """The ticket of the story's first scene."""

    def opened() -> list[str]:
        return [str(t["id"]) for t in tour.tickets() if "Payment gateway 1" in t["title"]]

    return eventually(opened, 120, why="the payment ticket")[0]


def picture(page: Page, name: str, locale: str) -> None:
    if PICTURES:
        page.mouse.move(0, 0)
        expect(page.locator(".ant-skeleton")).to_have_count(0)
        IMAGES.mkdir(exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.{locale[:2]}.png", animations="disabled")


@pytest.fixture(params=list(WORDS))
def visitor(request: pytest.FixtureRequest, browser: Browser, tour: Run) -> Iterator[tuple[Page, str]]:
    """Signed in with the password that the terminal shows, in one of the languages."""
    locale = request.param
    context = browser.new_context(viewport=SIZES["desktop"], locale=locale, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    shown = eventually(lambda: re.search(r"user: (\S+) +密码 password: (\S+)", tour.told()), 60, why="the password")
    eventually(lambda: tour.tickets(), 60, 0.2, "the first ticket")
    page.goto(tour.url)
    page.get_by_label(WORDS[locale]["login"]).fill(shown[1])
    page.get_by_label(WORDS[locale]["password"], exact=True).fill(shown[2])
    page.keyboard.press("Enter")
    expect(page.locator(".key-figures")).to_be_visible()
    yield page, locale
    context.close()


def test_from_the_overview_to_the_source_of_a_value(visitor: tuple[Page, str], tour: Run, payment: str) -> None:
    page, locale = visitor
    words = WORDS[locale]
    if PICTURES:
        eventually(lambda: [t for t in tour.tickets() if t["priority"] == "P0"], 240, why="the storm")
        page.reload()
        expect(page.locator("svg .stream").first).to_be_attached()
    picture(page, "overview", locale)
    page.goto(f"{tour.url}/tickets?order=urgent")
    expect(page.get_by_role("link", name=payment)).to_be_visible()
    picture(page, "desk", locale)
    page.get_by_role("link", name=payment).click()
    page.get_by_role("tab", name=words["context"]).click()
    expect(page.get_by_role("heading", name=words["gauges"])).to_be_visible()
    picture(page, "ticket", locale)
    page.goto(f"{tour.url}/lineage?ticket={payment}&field=title")
    expect(page.get_by_text(words["equal"])).to_be_visible()
    picture(page, "lineage", locale)
    page.goto(f"{tour.url}/studio")
    expect(page.get_by_text("salesforce").first).to_be_visible()
    picture(page, "studio", locale)


def test_what_the_terminal_says_to_do_resolves_the_ticket_and_closes_its_problem_in_zabbix(tour: Run) -> None:
    printed = eventually(lambda: re.search(r"now you: resolve it\n(.+)\n", tour.told()), 120, why="what one may do")
    _curl, _silent, url, *_, body = shlex.split(printed[1].split(" -o ")[0])
    assert body == '{"resolution": "重启支付网关 restarted"}'
    headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
    assert httpx.post(url, headers=headers, content=body.encode(), timeout=30).status_code == 200
    own = os.environ | {"WEFT_HOME": str(tour.folder / "var" / "tour")}
    look = [sys.executable, "-m", "gateway.demo.look", "zabbix"]

    def closed() -> bool:
        told = subprocess.run(look, cwd=tour.folder, env=own, capture_output=True, text=True, timeout=60).stdout
        return bool(re.search(r"pay01 +已关闭 closed", told))

    eventually(closed, 60, 1, "the problem is closed in Zabbix")
