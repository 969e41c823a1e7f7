"""A short look, while the tour runs: at a ticket's snapshot, or at what a stand-in holds now.

    python -m gateway.demo.look TKT-2026-000005
    python -m gateway.demo.look zabbix|salesforce|u8|mes|wecom|dingtalk

It asks the hub's API and the stand-ins' control surfaces, as curl would, and prints lines instead of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from gateway.demo.story import Stage, ca_files
from gateway.settings import load

WIDTH = 150
NOTES = "tour.json"


def note(folder: Path, hub_url: str) -> None:
    """Where the tour's hub is, for whoever looks."""
    (folder / NOTES).write_text(json.dumps({"hub": hub_url}), "utf-8")


def ticket(hub_url: str, token: str, number: str) -> Iterator[str]:
    """The lines of a ticket: itself, what each system told, what was written where. Raises httpx.HTTPError."""
    with httpx.Client(base_url=f"{hub_url}/v1/tickets", headers={"Authorization": f"Bearer {token}"}) as client:
        shown = client.get(f"/{number}").raise_for_status().json()
        sections = client.get(f"/{number}/context").raise_for_status().json()["sections"]
    yield f"{shown['id']}  {shown['priority']}  {shown['status']}  {shown['title']}"
    for section in sections:
        if section["status"] == "ok":
            values = json.dumps(section["values"], ensure_ascii=False)
            yield f"  {section['name']:<30} {_cut(values)}"
    for status in sorted({s["status"] for s in sections} - {"ok"}):
        yield f"  {status}: {', '.join(s['name'] for s in sections if s['status'] == status)}"
    for command in shown["commands"]:
        yield f"  → {command['connection']} {command['op']}: {command['state']}"


def zabbix(stage: Stage) -> Iterator[str]:
    for problem in _asked(stage, "zabbix", "problems"):
        yield f"{problem['host']:<8} {'未关闭 open' if problem['open'] else '已关闭 closed'}  {problem['name']}"
        for update in problem["updates"]:
            yield f"         {update['by']}: {update['message']}"


def salesforce(stage: Stage) -> Iterator[str]:
    comments = _asked(stage, "salesforce", "records/CaseComment")
    for case in _asked(stage, "salesforce", "records/Case"):
        yield f"{case['CaseNumber']}  {case['Status']:<8} {case.get('Weft_Ticket__c') or '-':<16} {case['Subject']}"
        for comment in comments:
            if comment["ParentId"] == case["Id"]:
                yield f"          {comment['CommentBody']}"
    for account in _asked(stage, "salesforce", "records/Account"):
        if account.get("Health_Score__c") is not None:
            yield f"健康度 health  {account['Health_Score__c']}  {account['Name']}"


def u8(stage: Stage) -> Iterator[str]:
    for each in _asked(stage, "u8", "requisitions"):
        lines = ", ".join(f"{line['item']} × {line['quantity']}" for line in each["lines"])
        yield f"请购单 requisition {each['code']}: {lines}  {each['memo']}"


def mes(stage: Stage) -> Iterator[str]:
    state = _asked(stage, "mes", "state")
    for machine in state["machines"]:
        yield f"{machine['equipmentId']:<10} {machine['status']}"
    for report in state["reports"]:
        yield f"维修工单 maintenance order {report['orderNo']}: {_cut(str(report.get('description', '')))}"


def wecom(stage: Stage) -> Iterator[str]:
    yield from _messages(stage, "wecom")


def dingtalk(stage: Stage) -> Iterator[str]:
    yield from _messages(stage, "dingtalk")


LOOKS: Mapping[str, Callable[[Stage], Iterator[str]]] = {
    "zabbix": zabbix,
    "salesforce": salesforce,
    "u8": u8,
    "mes": mes,
    "wecom": wecom,
    "dingtalk": dingtalk,
}


def _messages(stage: Stage, channel: str) -> Iterator[str]:
    for message in _asked(stage, channel, "messages")["messages"]:
        to = f"@{', '.join(message['mentioned'])}  " if message["mentioned"] else ""
        yield _cut(to + " ".join((message["title"] + " " + message["text"]).split()))


def _asked(stage: Stage, system: str, path: str) -> Any:
    return stage.client(system).get(f"/sandbox/{path}").raise_for_status().json()


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def folder_of_the_tour() -> Path:
    """Where the running tour keeps its files, whether WEFT_HOME names the hub's home or the tour's own. Exits when no
    tour was started here."""
    home = load().home
    for folder in (home / "tour", home):
        if (folder / NOTES).exists():
            return folder
    sys.exit(f"no tour in {home}: start it with `make run`")


def main(arguments: list[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1 or not (given[0] in LOOKS or given[0].startswith("TKT-")):
        sys.exit(f"say what to look at: a ticket such as TKT-2026-000001, or one of {', '.join(LOOKS)}")
    folder = folder_of_the_tour()
    systems = json.loads((folder / "company" / "systems.json").read_text("utf-8"))
    if given[0] in systems["left_out"]:
        sys.exit(f"{given[0]} is left out: {systems['left_out'][given[0]]}")
    try:
        if given[0] in LOOKS:
            with Stage(systems["urls"], ca_files=ca_files(systems["connections"])) as stage:
                lines = list(LOOKS[given[0]](stage))
        else:
            hub_url = json.loads((folder / NOTES).read_text("utf-8"))["hub"]
            lines = list(ticket(hub_url, (folder / "admin-token").read_text("ascii").strip(), given[0]))
    except httpx.HTTPError as error:
        sys.exit(f"the tour does not answer: {error}")
    sys.stdout.write("\n".join(lines or ["（空）nothing yet"]) + "\n")


if __name__ == "__main__":
    main()
