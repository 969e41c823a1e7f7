"""An auditor's day: a figure on a ticket is traced to the record it came from, recomputed, and taken along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.running_hub import RunningHub
from tests.web import registers
from tests.web.browsing import Browsing, Language, Size

WORDS = {
    "zh": {"ticket": "工单号", "go": "查看工单的值", "field": "请选择一个字段", "equal": "重新计算：一致", "export": "导出",
           "graph": "图", "table": "表格", "schema": "在字段图中查看", "selected": "所选字段", "kinds": "关系种类",
           "INDIRECT": "间接（决定是否或如何）", "more": "再显示", "search": "搜索字段"},
    "en": {"ticket": "Ticket id", "go": "Look at a ticket's values", "field": "Choose a field", "equal": "Recomputed: equal",
           "export": "Export", "graph": "Graph", "table": "Table", "schema": "In the field graph",
           "selected": "Selected field", "kinds": "Kinds of relation", "INDIRECT": "Indirect (it decides whether or how)",
           "more": "Show", "search": "Search fields"},
}  # fmt: skip
BOTH = pytest.mark.parametrize(
    ("size", "language", "dark"), [("desktop", "zh", False), ("phone", "en", True)], ids=["desktop-zh", "phone-en"]
)


@pytest.fixture(scope="module")
def hub_config(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return registers.config(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def ticket(running_hub: RunningHub) -> str:
    return registers.raise_alert(running_hub, name="Spindle at 97.3 degrees")


def laid_out(page: Page) -> None:
    page.locator('.lineage-graph[data-laid-out="true"]').wait_for()


def saved(page: Page, words: Mapping[str, str], kind: str) -> Path:
    """What the menu of exports gives."""
    page.get_by_role("button", name=words["export"]).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=kind).click()
    return Path(download.value.path())


@BOTH
def test_a_figure_on_a_ticket_is_traced_to_its_source_and_taken_along(
    web: Browsing, ticket: str, size: Size, language: Language, dark: bool
) -> None:
    words = WORDS[language]
    auditor = web.person("viewer", name="Shen Ji", roles=["auditor"])
    visit = web.open("/lineage", auditor, size=size, language=language, dark=dark)
    page = visit.page
    page.get_by_label(words["ticket"]).fill(ticket)
    page.get_by_role("button", name=words["go"]).click()
    page.get_by_label(words["field"]).click()
    page.locator(".ant-select-item-option", has_text="title").click()
    expect(page.get_by_text(words["equal"])).to_be_visible()
    source = page.locator(".moment-source")
    expect(source).to_contain_text("am/alert")
    expect(source).to_contain_text("0000000000000001")
    expect(source).to_contain_text("Spindle at 97.3 degrees on web-1")
    expect(page.locator(".moment-mapping").first).to_contain_text("prometheus_alert")
    expect(page.locator(".moment-result")).to_contain_text("Spindle at 97.3 degrees on web-1")
    visit.check_axe()
    visit.check_fits()
    (event,) = json.loads(saved(page, words, "OpenLineage").read_text("utf-8"))
    (output,) = event["outputs"]
    inputs = output["facets"]["columnLineage"]["fields"]["title"]["inputFields"]
    assert "annotations.summary" in {each["field"] for each in inputs}
    assert "97.3" not in json.dumps(event)
    page.get_by_text(words["table"], exact=True).click()
    expect(page.get_by_role("cell", name="annotations.summary").first).to_contain_text("97.3")
    visit.check_axe()
    page.get_by_text(words["graph"], exact=True).click()
    laid_out(page)
    expect(page.get_by_role("button", name="annotations.summary")).to_be_attached()
    assert b"97.3" in saved(page, words, "SVG").read_bytes()
    assert saved(page, words, "PNG").read_bytes().startswith(b"\x89PNG")
    visit.check_axe()
    visit.check_fits()


@BOTH
def test_the_field_graph_is_opened_step_by_step_and_shared_by_its_link(
    web: Browsing, size: Size, language: Language, dark: bool
) -> None:
    words = WORDS[language]
    node = quote(json.dumps(["Ticket", "title"]))
    visit = web.open(
        f"/lineage?node={node}", web.person("viewer", roles=["auditor"]), size=size, language=language, dark=dark
    )
    page = visit.page
    laid_out(page)
    panel = page.locator(".panel", has=page.get_by_role("heading", name=words["selected"]))
    expect(panel).to_contain_text("12 / 15" if language == "zh" else "12 of 15")
    visit.check_axe()
    visit.check_fits()
    panel.get_by_role("button", name=words["more"]).click()
    expect(panel).to_contain_text("15 / 15" if language == "zh" else "15 of 15")
    start = page.locator(".row-start")
    start.focus()
    page.keyboard.press("ArrowLeft")
    chosen = page.locator('.row[aria-pressed="true"]')
    expect(chosen).not_to_have_class("row-start")
    expect(chosen).to_be_focused()
    link = page.url
    assert "open=" in link
    again = web.open(link.removeprefix(visit.hub.url), web.person("viewer"), size=size, language=language)
    laid_out(again.page)
    expect(again.page.locator(".schema")).to_contain_text("15 / 15" if language == "zh" else "15 of 15")
    again.page.get_by_text(words["table"], exact=True).click()
    again.page.get_by_label(words["kinds"]).click()
    again.page.locator(".ant-select-item-option", has_text=words["INDIRECT"]).click()
    again.page.keyboard.press("Escape")
    expect(again.page.get_by_role("cell", name="rule_alert_incident").first if size == "desktop" else
           again.page.get_by_role("cell", name="Alert · title").first).to_be_visible()  # fmt: skip
    again.check_axe()
    again.check_fits()


def test_a_field_is_found_by_its_name(web: Browsing) -> None:
    visit = web.open("/lineage", web.person("viewer"), language="en")
    page = visit.page
    expect(page.get_by_text("am/alert")).to_be_visible()
    page.get_by_label(WORDS["en"]["search"]).fill("annotations summary")
    page.locator(".ant-select-item-option", has_text="annotations.summary").first.click()
    laid_out(page)
    expect(page.locator(".row-start")).to_have_attribute("data-row", '["am/alert","annotations.summary"]')
