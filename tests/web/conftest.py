"""A running hub with the built UI, and people who look at it.

    def test_the_desk(web: Browsing) -> None:
        visit = web.open("/tickets", web.person("agent"), size="phone", language="en")
        visit.page.get_by_role("heading", name="Tickets").wait_for()
        visit.check_axe()

The hub is one for each test file, on SQLite, with the configuration that the file's own fixture `hub_config` (scope
"module") answers. Errors in the console and refused requests fail the test, unless `visit.expect_refusal(401)`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.running_hub import RunningHub
from tests.web.browsing import ROOT, Browsing, launch


@pytest.fixture(scope="session")
def built_ui() -> None:
    """`make install` built it; here only what changed since is built again."""
    subprocess.run(["make", "-s", "gateway/web/dist/index.html"], cwd=ROOT, check=True, timeout=600)


@pytest.fixture(scope="package")
def browser(built_ui: None) -> Iterator[Browser]:
    """Ends with this folder: while it runs, no other test could open an event loop in this thread."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def hub_config() -> Mapping[str, Any]:
    """What the file's hub runs with; a file overrides it."""
    return {}


@pytest.fixture(scope="module")
def running_hub(
    built_ui: None, hub_config: Mapping[str, Any], migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHub]:
    home = tmp_path_factory.mktemp("hub")
    database = home / "weft.db"
    database.write_bytes(migrated_file.read_bytes())
    hub = RunningHub(home, f"sqlite:///{database}", hub_config)
    yield hub.start(migrated=True)
    hub.stop()


@pytest.fixture(scope="module")
def _browsing(browser: Browser, running_hub: RunningHub) -> Browsing:
    return Browsing(browser, running_hub)


@pytest.fixture
def web(_browsing: Browsing) -> Iterator[Browsing]:
    with _browsing.test():
        yield _browsing
