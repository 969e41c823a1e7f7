"""People at the web UI: a Chromium that tells of every error, pages opened as somebody, axe."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response

from gateway.demo.process import components_root, find_program, library_path
from tests.acceptance.running_hub import RunningHub

ROOT = Path(__file__).parents[2]
AXE = ROOT / "gateway" / "web" / "node_modules" / "axe-core" / "axe.min.js"
IMAGES = ROOT / "docs" / "images"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PATIENCE_MS = 30_000
"""A machine that does much else is slow."""

STILL = """() => document.getAnimations().every(
    (a) => a.playState !== "running" || a.effect?.getTiming().iterations === Infinity)"""

Size = Literal["desktop", "phone"]
Language = Literal["zh", "en"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium, the machine's or the unpacked one. Raises MissingComponent."""
    program = find_program("chromium", component="browser")
    unpacked = components_root() in program.parents
    if unpacked:  # the one on the path is a script that knows only its place in the machine
        program = components_root() / "usr" / "lib" / "chromium" / "chromium"
    more: dict[str, Any] = {}
    if unpacked:
        fonts = str(components_root() / "etc" / "fonts" / "weft.conf")
        own = {"LD_LIBRARY_PATH": library_path(program), "FONTCONFIG_FILE": fonts}
        more["env"] = {**os.environ, **own}
    return playwright.chromium.launch(executable_path=str(program), args=FLAGS, timeout=120_000, **more)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    id: str
    login: str
    password: str
    role: str


@dataclass
class Visit:
    """One page of the UI. Errors of the page or of requests that nobody expects fail the test at its end."""

    page: Page
    hub: RunningHub
    errors: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def expect_refusal(self, status: int) -> None:
        """The test provokes an answer of this status; the browser tells of it as an error, and that is right."""
        self.expected.add(status)

    def go(self, path: str) -> Page:
        """Open an address of the UI."""
        self.page.goto(self.hub.url + path)
        return self.page

    def check_axe(self) -> None:
        """No violation that axe can find, on what is shown now."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))  # not as a script in the page: its policy forbids that
        self.page.mouse.move(0, 0)  # where a click ended, a tooltip may open at any moment
        self.page.wait_for_function("() => !document.querySelector('.ant-tooltip:not(.ant-tooltip-hidden)')")
        self.page.wait_for_function(STILL)
        self.page.wait_for_function("() => !document.querySelector('.ant-btn-loading')")  # dimmed while it works
        result = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        told = [
            f"{v['id']}: {v['help']}\n"
            + "\n".join(f"    {n['html'][:200]}\n    {n['failureSummary']}" for n in v["nodes"][:4])
            for v in result["violations"]
        ]
        assert not told, f"axe at {self.page.url}:\n" + "\n".join(told)

    def check_fits(self) -> None:
        """Nothing makes the page wider than its window."""
        over = self.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{self.page.url} is {over} px wider than the window"

    def check_quiet(self) -> None:
        """The page told of no error that is not expected."""
        assert not self.errors, "\n".join(self.errors)

    def _told(self, kind: str, text: str) -> None:
        if kind == "error" and not any(f"status of {status}" in text for status in self.expected):
            self.errors.append(f"console: {text}")

    def _answered(self, answer: Response) -> None:
        if answer.status >= 400 and answer.status not in self.expected:
            self.errors.append(f"{answer.status} {answer.request.method} {answer.url}")


@dataclass
class Browsing:
    """A browser and a hub: `open` gives pages as somebody sees them."""

    browser: Browser
    hub: RunningHub
    people: dict[str, Person] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)

    def person(self, role: str, **account: Any) -> Person:
        """An account of this system role; the same one each time unless more is said (`person`, `roles`, `name`)."""
        if not account and role in self.people:
            return self.people[role]
        login, password = f"{role}-{secrets.token_hex(3)}", secrets.token_urlsafe(12)
        made = self.hub.post("/v1/users", {"login": login, "role": role, "password": password, **account}, status=201)
        someone = Person(made["id"], login, password, role)
        if not account:
            self.people[role] = someone
        return someone

    def open(
        self,
        path: str | None = "/",
        who: Person | None = None,
        *,
        size: Size = "desktop",
        language: Language = "zh",
        dark: bool = False,
    ) -> Visit:
        """A page in a browser of its own, signed in as `who` (None: as nobody). `path` None: nothing is opened yet."""
        context = self.browser.new_context(
            viewport=SIZES[size],  # type: ignore[arg-type]
            locale="zh-CN" if language == "zh" else "en-GB",
            color_scheme="dark" if dark else "light",
            has_touch=size == "phone",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        if who is not None:
            self._sign_in(context, who)
        visit = Visit(context.new_page(), self.hub)
        visit.page.on("console", lambda message: visit._told(message.type, message.text))
        visit.page.on("pageerror", lambda error: visit.errors.append(f"page: {error}"))
        visit.page.on("response", visit._answered)
        self.visits.append(visit)
        if path is not None:
            visit.go(path)
        return visit

    def _sign_in(self, context: BrowserContext, who: Person) -> None:
        answer = httpx.post(
            f"{self.hub.url}/v1/session", json={"login": who.login, "password": who.password}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        context.add_cookies(
            [{"name": name, "value": value, "url": self.hub.url} for name, value in answer.cookies.items()]
        )

    @contextmanager
    def test(self) -> Iterator[Browsing]:
        """Around one test: every page is quiet at its end, and closed."""
        try:
            yield self
            for visit in self.visits:
                visit.check_quiet()
        finally:
            for visit in self.visits:
                visit.page.context.close()
            self.visits.clear()
