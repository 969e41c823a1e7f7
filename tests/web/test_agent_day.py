"""An agent's day at the desk, on the running hub with the stand-ins of a whole company, in a real browser."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from connectors.mqtt.sandbox import settings as plant_settings
from gateway.demo.company import CompanyProcess
from gateway.demo.connections import documents
from gateway.demo.setting_up import install_zabbix
from gateway.demo.story import Stage, ca_files
from tests.acceptance.running_hub import RunningHub, eventually
from tests.acceptance.test_the_story import Company, PublicHub, all_books_are_read
from tests.real import mosquitto
from tests.real.postgres import free_port
from tests.web.browsing import PATIENCE_MS, Browsing, Language, Person, Size

expect.set_options(timeout=PATIENCE_MS)

PHONE = "13800138000"
PEOPLE = {"persons": [
    {"id": "li.na", "name": "李娜", "roles": ["technician"], "groups": ["line-1"]},
    {"id": "wang.wu", "name": "王五", "roles": ["agent"], "groups": ["service"]},
], "groups": [{"id": "line-1", "name": "一线"}, {"id": "service", "name": "客服"}]}  # fmt: skip
WORDS = {
    "zh": {
        "tickets": "工单", "claim": "认领", "start": "开始处理", "resolve": "解决", "how": "解决办法", "cause": "原因",
        "capacity": "容量不足", "context": "现场情况", "why": "为什么有这张工单", "systems": "外部系统", "in_step": "一致",
        "say": "写评论，@ 提及同事", "send": "发送", "gauges": "设备当前值", "matched": "命中", "link": "生成链接",
        "act": "批量操作", "assign": "指派", "person": "人员", "csv": "导出 CSV", "saved": "已存筛选",
        "save": "保存", "name": "名称",
    },
    "en": {
        "tickets": "Tickets", "claim": "Take it", "start": "Start", "resolve": "Resolve", "how": "What was done",
        "cause": "Cause", "capacity": "Capacity", "context": "Context", "why": "Why this ticket", "systems": "Other systems",
        "in_step": "In step", "say": "Write a comment, @ names somebody", "send": "Send", "gauges": "Device now",
        "matched": "Matched", "link": "Make a link",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def company(built_ui: None, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    home = tmp_path_factory.mktemp("company")
    database = home / "weft.db"
    database.write_bytes(migrated_file.read_bytes())
    with mosquitto.running() as broker, CompanyProcess(home / "company") as running:
        systems = running.systems()
        config = {
            **documents(systems, plant_settings(broker.url), check_after="3s"),
            "policies": [{"policy": "people", **PEOPLE}],
        }
        hub = PublicHub(home, f"sqlite:///{database}", config, port=free_port())
        try:
            hub.start(migrated=True)
            install_zabbix(systems, hub.url)
            with Stage(systems["urls"], broker.url, ca_files(systems["connections"])) as stage:
                made = Company(hub, stage, systems)
                eventually(lambda: all_books_are_read(made), 120, why="the systems are read")
                yield made
        finally:
            hub.stop()
            shutil.rmtree(home / "company", ignore_errors=True)


@pytest.fixture(scope="module")
def running_hub(company: Company) -> RunningHub:
    return company.hub


@pytest.fixture
def agent(web: Browsing) -> Person:
    return web.person("agent", person="wang.wu", name="王五")


def made(hub: RunningHub, title: str, **more: Any) -> str:
    ticket: dict[str, Any] = hub.post("/v1/tickets", {"title": title, **more}, status=201)
    return str(ticket["id"])


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


@pytest.mark.parametrize(
    ("step", "host", "size", "language"),
    [("payment", "pay01", "desktop", "zh"), ("payment-again", "pay02", "phone", "en")],
)
def test_an_agent_works_a_p0_to_the_end_and_its_problem_is_closed_in_zabbix(
    company: Company, web: Browsing, agent: Person, step: str, host: str, size: Size, language: Language
) -> None:
    words = WORDS[language]
    company.play(step)
    ticket = company.ticket(step)["id"]
    company.hub.post(f"/v1/tickets/{ticket}/set", {"priority": "P0"})
    visit = web.open("/tickets?priority=P0&open=true", agent, size=size, language=language, dark=language == "en")
    page = visit.page
    expect(page.get_by_role("heading", name=words["tickets"], exact=True)).to_be_visible()
    page.get_by_role("link", name=re.compile(ticket)).click()
    expect(page).to_have_url(re.compile(f"/tickets/{ticket}$"))
    page.get_by_role("button", name=words["start"]).click()
    expect(page.get_by_role("button", name=words["start"])).to_be_hidden()
    page.get_by_role("button", name=words["claim"]).click()
    expect(page.get_by_text("wang.wu").first).to_be_visible()
    visit.check_axe()

    tab(page, words["context"])
    expect(page.get_by_role("heading", name=words["gauges"])).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("cpu_mean_1h"))).to_be_visible()
    expect(page.get_by_role("heading", name="zabbix.recent_problems")).to_be_visible()
    visit.check_axe()
    visit.check_fits()
    tab(page, words["why"])
    expect(page.get_by_text(words["matched"], exact=True)).to_be_visible()
    visit.check_axe()
    tab(page, page.get_by_role("tab").first.inner_text())
    page.get_by_role("textbox", name=words["say"]).fill("连接池已重启 the pool was restarted")
    page.get_by_role("button", name=words["send"]).click()
    expect(page.get_by_role("listitem").filter(has_text="连接池已重启")).to_be_visible()

    page.get_by_role("button", name=words["resolve"], exact=True).click()
    form = page.get_by_role("dialog")
    form.get_by_label(words["how"]).fill("扩大连接池 a larger pool")
    form.get_by_label(words["cause"]).click()
    page.get_by_title(words["capacity"]).click()
    visit.check_axe()
    form.get_by_role("button", name=words["resolve"], exact=True).click()
    expect(form).to_be_hidden()
    eventually(lambda: not company.problem(host)["open"], why="the problem is closed in Zabbix")
    tab(page, words["systems"])
    expect(page.get_by_text(words["in_step"], exact=True).first).to_be_visible()
    visit.check_axe()
    visit.check_fits()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_technician_never_sees_the_customer_s_phone_number(
    running_hub: RunningHub, web: Browsing, size: Size
) -> None:
    ticket = made(running_hub, f"主轴过热，客户电话 {PHONE}", description=f"请联系 {PHONE}", assignee="li.na",
                  labels={"contact_phone": PHONE, "site": "south"})  # fmt: skip
    running_hub.post(f"/v1/tickets/{ticket}/comment", {"text": f"打过 +86 138-0013-8000 与 {PHONE}"})
    technician = web.person("agent", person="li.na", name="李娜")
    visit = web.open(f"/tickets/{ticket}", technician, size=size)
    bodies: list[str] = []
    visit.page.on(
        "response", lambda answer: bodies.append(answer.text()) if "/v1/" in answer.url and answer.ok else None
    )
    visit.expect_refusal(403)
    page = visit.go("/tickets?mine=true")
    page.get_by_role("link", name=re.compile(ticket)).click()
    expect(page.get_by_role("heading", name=re.compile("主轴过热"))).to_be_visible()
    for name in page.get_by_role("tab").all_inner_texts():
        tab(page, name)
        expect(page.get_by_role("tabpanel")).not_to_be_empty()
        page.wait_for_load_state("networkidle")
        assert PHONE not in page.content()
    visit.check_axe()
    assert len(bodies) > 5
    for body in bodies:
        assert PHONE not in re.sub(r"[\s\-+()]", "", body)


def test_many_are_assigned_at_once_saved_as_a_filter_and_exported(
    running_hub: RunningHub, web: Browsing, agent: Person
) -> None:
    words = WORDS["zh"]
    tickets = [made(running_hub, f"=巡检 {n} inspection", kind="maintenance") for n in range(3)]
    running_hub.post(f"/v1/tickets/{tickets[1]}/resolve", {"resolution": "done", "cause": "other"})
    running_hub.post(f"/v1/tickets/{tickets[1]}/close", {})
    visit = web.open("/tickets?kind=maintenance", agent)
    page = visit.page
    page.get_by_role("textbox", name=re.compile("搜索")).fill("巡检")
    expect(page).to_have_url(re.compile("q="))
    expect(page.get_by_role("row")).to_have_count(4)
    page.get_by_role("checkbox", name="选择本页全部").check()
    page.get_by_role("button", name=words["act"]).click()
    page.get_by_role("menuitem", name=words["assign"]).click()
    form = page.get_by_role("dialog")
    form.get_by_label(words["person"]).fill("wang.wu")
    form.get_by_role("button", name=words["assign"]).click()
    refused = page.get_by_role("dialog").filter(has_text="被拒绝的工单")
    expect(refused.get_by_role("link")).to_have_text(re.compile(tickets[1]))
    page.keyboard.press("Escape")
    expect(refused).to_be_hidden()
    visit.check_axe()
    expect(page.get_by_role("row").filter(has_text="wang.wu")).to_have_count(2)

    page.get_by_role("button", name=words["saved"]).click()
    expect(page.get_by_role("dialog", name=words["saved"])).to_be_visible()
    visit.check_axe()
    page.get_by_role("textbox", name=words["name"]).fill("巡检单")
    page.get_by_role("button", name=words["save"], exact=True).click()
    expect(page.get_by_role("button", name="巡检单", exact=True)).to_be_visible()
    page.goto(running_hub.url + "/tickets")
    page.get_by_role("button", name=words["saved"]).click()
    page.get_by_role("button", name="巡检单", exact=True).click()
    expect(page.get_by_role("row")).to_have_count(4)

    with page.expect_download() as download:
        page.get_by_role("link", name=words["csv"]).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert {row["工单号"] for row in rows} == set(tickets)
    assert all(row["标题"].startswith("'=") for row in rows)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_customer_s_link_shows_the_progress_only_and_takes_the_customer_s_word(
    running_hub: RunningHub, web: Browsing, agent: Person, language: Language
) -> None:
    words = WORDS[language]
    ticket = made(running_hub, "打印机卡纸 printer jams", assignee="wang.wu", labels={"secret": "internal-only"})
    running_hub.post(f"/v1/tickets/{ticket}/comment", {"text": "内部：客户很急"})
    running_hub.post(f"/v1/tickets/{ticket}/comment", {"text": "已派工程师 an engineer is on the way", "public": True})
    desk = web.open(f"/tickets/{ticket}?tab=together", agent, language=language)
    desk.page.get_by_role("button", name=words["link"]).click()
    link = desk.page.locator("code.made-link").inner_text()
    visit = web.open(None, size="phone", language=language)
    page = visit.page
    page.goto(link)
    expect(page.get_by_text("an engineer is on the way")).to_be_visible()
    expect(page.locator("[aria-current=step]")).to_have_count(1)
    for internal in ("内部", "wang.wu", "internal-only", "P2", "secret"):
        assert internal not in page.content()
    visit.check_axe()
    visit.check_fits()
    running_hub.post(f"/v1/tickets/{ticket}/resolve", {"resolution": "换了搓纸轮 a new roller", "cause": "wear"})
    page.reload()
    page.get_by_role("radio").nth(4).click()
    page.get_by_role("button", name="已解决" if language == "zh" else "It is solved").click()
    expect(page.get_by_role("alert")).to_be_visible()
    visit.check_axe()
    seen = running_hub.get(f"/v1/tickets/{ticket}")
    assert seen["confirmed_at"]
    assert next(e for e in seen["timeline"] if e["name"] == "confirm")["data"]["score"] == 5
    number = running_hub.get(f"/v1/tickets/{ticket}/progress-links")["items"][0]["number"]
    httpx.delete(
        f"{running_hub.url}/v1/tickets/{ticket}/progress-links/{number}", headers=running_hub.bearer
    ).raise_for_status()
    visit.expect_refusal(410)
    page.reload()
    expect(page.get_by_text("链接已失效" if language == "zh" else "This link is over")).to_be_visible()


def test_a_ticket_is_made_by_hand_and_its_notice_rings_the_bell(
    running_hub: RunningHub, web: Browsing, agent: Person
) -> None:
    visit = web.open("/tickets/new", agent, size="phone")
    page = visit.page
    page.get_by_label("标题").fill("空调漏水")
    visit.check_axe()
    visit.check_fits()
    page.get_by_role("button", name="创建").click()
    expect(page.get_by_role("heading", name="空调漏水")).to_be_visible()
    ticket = page.url.rpartition("/")[2]
    running_hub.post(f"/v1/tickets/{ticket}/comment", {"text": "@wang.wu 请看一下"})
    bell = page.get_by_role("button", name=re.compile("条未读通知"))
    expect(bell).to_be_visible()
    bell.click()
    page.get_by_role("button", name=re.compile(ticket)).first.click()
    expect(page).to_have_url(re.compile(f"/tickets/{ticket}$"))
    expect(page.get_by_role("dialog")).to_be_hidden()
    visit.check_axe()
