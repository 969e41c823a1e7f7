"""How long does somebody look at an empty page, and how long does the desk take to answer, among 100,000 open tickets?

    python -m benchmarks.web [--tickets 100000] [--rounds 7]

A gateway on a durable PostgreSQL as `weft serve --no-worker` starts it, and Chromium on the same machine; no worker, which
would tell of 100,000 tickets that opened within a minute, and count them. *First view*: a browser that knows nothing of the
hub but a session opens the address, until the page shows its figures or its list (the time is the page's own, from the start
of the navigation). *An interaction*: from the key or click, as the page gets it, to
the frame that shows what was asked for, the answer of the API included. The median of the rounds counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.meters import Claim, durable_postgres, new_database
from benchmarks.state import HOLDER, house, open_many
from gateway import clock
from tests.acceptance.running_hub import RunningHub
from tests.web.browsing import Browsing, Person, launch

ROWS = ".rows tbody tr"
FIRST = {"/": ".key-figures", "/tickets": ROWS}
WATCH = """([event, selector, before]) => {
  window.weftTook = new Promise((resolve) => {
    let began;
    addEventListener(event, () => { began ??= performance.now(); }, {capture: true, once: true});
    const look = () => {
      const found = document.querySelector(selector);
      if (began !== undefined && found && found.textContent !== before) resolve(performance.now() - began);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}"""


def first_view(web: Browsing, who: Person, path: str) -> float:
    """Milliseconds until the page shows something of the hub's; the browser's cache is empty."""
    visit = web.open(None, who)
    try:
        visit.page.goto(web.hub.url + path, wait_until="commit")
        visit.page.wait_for_function("(selector) => document.querySelector(selector)", arg=FIRST[path], polling="raf")
        return float(visit.page.evaluate("() => performance.now()"))
    finally:
        visit.page.context.close()


def interaction(page: Page, event: str, do: Callable[[], Any], shows: str, *, anew: bool = False) -> float:
    """Milliseconds from the event to the frame that has `shows` in it. `anew`: with another text than now."""
    before = page.locator(shows).first.text_content() if anew else None
    page.evaluate(WATCH, [event, shows, before])
    do()
    return float(page.evaluate("() => window.weftTook"))


def desk(page: Page, url: str) -> dict[str, float]:
    """One round of what an agent does on the list."""
    page.goto(f"{url}/tickets")
    page.locator(ROWS).first.wait_for()
    page.locator("h1").first.click()
    key, chip = page.keyboard.press, page.locator(".filters-flags .chip").nth(2)
    took = {"j, the next row": interaction(page, "keydown", lambda: key("j"), ".rows-at")}
    took["x, choose it"] = interaction(page, "keydown", lambda: key("x"), ".rows-selected")
    took["Enter, open the ticket"] = interaction(page, "keydown", lambda: key("Enter"), "main h1", anew=True)
    page.go_back()
    page.locator(ROWS).first.wait_for()
    took["a filter"] = interaction(page, "click", chip.click, ROWS, anew=True)
    more = page.locator(".list-more button")
    with page.expect_response(lambda answer: "cursor=" in answer.url):
        more.scroll_into_view_if_needed()  # as one does who wants more
    took["fifty more"] = interaction(page, "click", more.click, f"{ROWS}:nth-child(51)")
    return took


def run(tickets: int = 100_000, rounds: int = 7) -> list[Claim]:
    """The claims of this part."""
    with durable_postgres() as server, tempfile.TemporaryDirectory(prefix="weft-web-") as home:
        database = new_database(server, "web")
        with house(database) as gateway:
            open_many(gateway, tickets // 10, 0, clock.now())
            open_many(gateway, tickets - tickets // 10, 2, clock.now(), assignee=HOLDER)
            with gateway.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.exec_driver_sql("VACUUM ANALYZE")
        hub = RunningHub(Path(home), database, {}, ("--no-worker",)).start(migrated=True)
        try:
            with sync_playwright() as playwright:
                chromium = launch(playwright)
                web = Browsing(chromium, hub)
                who = web.person("agent", person=HOLDER, name="李娜")
                views = {path: [first_view(web, who, path) for _ in range(rounds)] for path in FIRST}
                page = web.open(None, who).page
                turns = [desk(page, hub.url) for _ in range(rounds + 1)][1:]  # the first loads the ticket page's code
                chromium.close()
        finally:
            hub.stop()
    among = f"{tickets // 1000},000 tickets"
    first = [Claim(f"web: first view of {path}, {among}", median(of), "ms", at_most=1500) for path, of in views.items()]
    then = {name: median(turn[name] for turn in turns) for name in turns[0]}
    return first + [Claim(f"web: {name}, {among}", took, "ms", at_most=100) for name, took in then.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    sys.stdout.write("\n".join(claim.line() for claim in run(given.tickets, given.rounds)) + "\n")


if __name__ == "__main__":
    main()
