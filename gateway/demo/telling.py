"""What the tour prints: each step of the story, the tickets the hub makes of it, and what one may do with them.

The commands are meant to be copied: they run in the folder in which `make run` was called.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from gateway.demo.story import Step, ca_files
from gateway.settings import Settings

PAGE = 200
PRETTY = ".venv/bin/python -m json.tool --no-ensure-ascii"
MANY = 3
"""So many tickets of one kind are printed one by one; of a storm's rest only the number."""


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Teller:
    """Prints tickets as they come. `systems`: the company's, as `CompanyProcess.systems()` tells them."""

    def __init__(self, settings: Settings, systems: Mapping[str, Any], token: str) -> None:
        self._hub_url, self._token = settings.url, token
        self._weft = f"WEFT_HOME={settings.home} .venv/bin/weft"
        self._token_file = settings.home / "admin-token"
        self._urls: Mapping[str, str] = systems["urls"]
        self._ca_file = ca_files(systems["connections"]).get("salesforce", "")
        self._seen: dict[str, str] = {}
        self._kinds: dict[str, int] = {}
        self._told: list[Step] = []
        self._matched: set[str] = set()
        self._lock = threading.Lock()

    def step(self, step: Step) -> None:
        with self._lock:
            self._told.append(step)
            say(f"\n▶ {step.zh}\n  {step.en}")

    def left_out(self, step: Step) -> None:
        with self._lock:
            say(f"\n○ 略过 left out: {step.zh} · {step.en}")

    def end(self) -> None:
        with self._lock:
            say(
                "\n■ 故事讲完了，系统继续运行，Ctrl-C 结束 · The story is told; all goes on until Ctrl-C. 对账 the books:"
            )
            for command in ("audit", "lineage verify"):
                say(f"      {self._weft} {command}")

    def look(self) -> None:
        """Print what is new since the last look. Raises httpx.HTTPError when the hub does not answer."""
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = httpx.get(f"{self._hub_url}/v1/tickets", params={"limit": PAGE}, headers=headers, timeout=10)
        answer.raise_for_status()
        with self._lock:
            new = [t for t in reversed(answer.json()["items"]) if self._seen.get(t["id"]) != t["status"]]
            for ticket in new:
                self._tell(ticket)

    def _tell(self, ticket: Mapping[str, Any]) -> None:
        before = self._seen.get(ticket["id"])
        self._seen[ticket["id"]] = ticket["status"]
        kind = ticket["title"].partition(": ")[0]
        if before is None:
            self._kinds[kind] = self._kinds.get(kind, 0) + 1
        count = self._kinds.get(kind, 0)
        if count > MANY:
            if before is None and count == MANY + 1:
                say(f"  …   同类工单还在增加 more and more of this kind: {kind}")
            return
        if before is not None:
            say(f"  ↻ {ticket['id']}  {before} → {ticket['status']}  {ticket['title']}")
            return
        say(f"  ● 工单 ticket {ticket['id']}  {ticket['priority']}  {ticket['title']}")
        step = self._step_of(ticket)
        if step is not None:
            self._matched.add(step.id)
            for line in self._hints(step, ticket["id"]):
                say(f"      {line}")

    def _step_of(self, ticket: Mapping[str, Any]) -> Step | None:
        open_steps = [s for s in self._told if s.shows is not None and s.id not in self._matched]
        return next((s for s in open_steps if s.shows is not None and s.shows.is_it(ticket)), None)

    def _hints(self, step: Step, ticket: str) -> Sequence[str]:
        lines = [f"{self._weft} explain {ticket}", f"{self._weft} lineage show {ticket} title"]
        if step.look:
            lines.append(f"快照 snapshot ({', '.join(step.look)}):")
            lines.append(f"  {self._curl(f'{self._hub_url}/v1/tickets/{ticket}/context')} | {PRETTY}")
        if step.do == "resolve":
            lines += self._resolve(ticket)
        elif step.do == "approve":
            lines.append("批准采购，U8 里就有一张请购单 · approve it, and U8 has a purchase requisition:")
            lines.append(f"  {self._act(ticket, 'approve', '同意采购')}")
            lines.append(f"  curl -s {self._urls['u8']}/sandbox/requisitions")
        return lines

    def _resolve(self, ticket: str) -> list[str]:
        lines = [
            "★ 请动手解决这张工单 · now you: resolve it",
            f"  {self._act(ticket, 'resolve', '重启支付网关')}",
            "  然后看：Zabbix 的问题已关闭，Salesforce 的个案已关闭 · then look: closed in Zabbix, and its case in Salesforce:",
            f"  curl -s {self._urls['zabbix']}/sandbox/problems",
        ]
        if "salesforce" in self._urls:
            lines.append(f"  curl -s --cacert {self._ca_file} {self._urls['salesforce']}/sandbox/records/Case")
        return lines

    def _curl(self, rest: str) -> str:
        return f"""curl -s -H "Authorization: Bearer $(cat {self._token_file})" {rest}"""

    def _act(self, ticket: str, action: str, text: str) -> str:
        field = "resolution" if action == "resolve" else "text"
        body = f"""-H 'Content-Type: application/json' -d '{{"{field}": "{text}"}}'"""
        return self._curl(f"{body} {self._hub_url}/v1/tickets/{ticket}/{action}")
