"""What the tour prints: each step of the story, the tickets the hub makes of it, and what one may do with them.

The commands are meant to be copied: they run in the folder in which `make run` was called.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from gateway.demo.story import Step
from gateway.settings import Settings

PAGE = 200
LOOK = ".venv/bin/python -m gateway.demo.look"
MANY = 3
"""So many tickets of one kind are printed one by one; of a storm's rest only the number."""


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Teller:
    """Prints tickets as they come."""

    def __init__(self, settings: Settings, token: str) -> None:
        self._hub_url, self._token = settings.url, token
        self._weft = f"WEFT_HOME={settings.home} .venv/bin/weft"
        self._token_file = settings.home / "admin-token"
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
            say(f"\n○ 略过（缺 {step.needs}）left out, as {step.needs} is not there\n  {step.zh}\n  {step.en}")

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

    def _hints(self, step: Step, ticket: str) -> Iterator[str]:
        yield f"为什么 why             {self._weft} explain {ticket}"
        yield f"从哪来 where from      {self._weft} lineage show {ticket} title"
        yield f"都知道什么 what is known {LOOK} {ticket}"
        if step.look:
            yield f"    值得看 worth a look: {', '.join(step.look)}"
        if step.do == "resolve":
            yield "★ 请动手解决它 · now you: resolve it"
            yield f"    {self._act(ticket, 'resolve', 'resolution', '重启支付网关 restarted')}"
            yield "  Zabbix 的问题和 Salesforce 的个案随之关闭 · its problem in Zabbix and its case in Salesforce are closed:"
            yield f"    {LOOK} zabbix"
            yield f"    {LOOK} salesforce"
        elif step.do == "approve":
            yield "★ 请批准采购，U8 里就有一张请购单 · now you: approve it, and U8 has a purchase requisition"
            yield f"    {self._act(ticket, 'approve', 'text', '同意 agreed')}"
            yield f"    {LOOK} u8"
        elif step.do == "channels":
            yield f"    {LOOK} wecom"
            yield f"    {LOOK} dingtalk"

    def _act(self, ticket: str, action: str, field: str, text: str) -> str:
        place = f"{self._hub_url}/v1/tickets/{ticket}/{action}"
        told = f"""-H 'Content-Type: application/json' -d '{{"{field}": "{text}"}}'"""
        who = f'-H "Authorization: Bearer $(cat {self._token_file})"'
        return f"""curl -s {place} {who} {told} -o /dev/null -w '%{{http_code}}\\n'"""
