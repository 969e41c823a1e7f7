"""The page behind a message's link. Looking at it does nothing: previews and scanners may follow it; its forms act."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

import core_tickets
import id_registry
from core_tickets import stuck
from gateway import clock
from gateway.api.access import GatewayDep
from gateway.errors import NotFound, WeftError
from gateway.notify import links, replies
from gateway.notify.composing import TITLES
from gateway.notify.replies import Reply
from gateway.policies.notification import HOME

router = APIRouter(include_in_schema=False)
MOST = 64 << 10
HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
}  # fmt: skip
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:1em auto;padding:0 1em;color:#222}"
    "h1{font-size:1.2em}form{border:1px solid #ccc;border-radius:6px;padding:.7em;margin:.7em 0}"
    "button{font-size:1em;padding:.5em 1em}textarea,input,select{font-size:1em;width:100%;box-sizing:border-box;margin:.3em 0}"
    ".told{background:#eef7ee;padding:.5em}.wrong{background:#fbeaea;padding:.5em}li{margin:.2em 0}small{color:#666}"
)
_UNTIL = {"1h": "1 小时 hour", "2h": "2 小时 hours", "4h": "4 小时 hours", "8h": "8 小时 hours", "1d": "1 天 day",
          "3d": "3 天 days", "7d": "7 天 days"}  # fmt: skip


@router.get("/r/{token}")
def show(gateway: GatewayDep, token: str) -> Response:
    """What the message was about, and how it stands."""
    try:
        with gateway.reading() as conn:
            reply = replies.look(conn, gateway, token)
        return _page(_body(reply, token), title=reply.values.get("title", ""))
    except (WeftError, core_tickets.TicketError) as error:
        return _refusal(error)


@router.post("/r/{token}")
async def act(gateway: GatewayDep, token: str, request: Request) -> Response:
    """Do what one of the page's forms asks for."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            return _page("<p class=wrong>太长 Too long.</p>", 413)
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return _page("<p class=wrong>这不是本页的表单 This is no form of this page.</p>", 422)
    given = {name: value.replace("\0", "") for name, value in fields}
    return await run_in_threadpool(_act, gateway, token, given)


def _act(gateway: Any, token: str, given: Mapping[str, str]) -> Response:
    try:
        once = given.get("once", "")[:64] or secrets.token_hex(8)
        told = gateway.transact(lambda conn: replies.act(conn, gateway, token, given.get("what", ""), given, once))
        gateway.wake_worker.set()
        with gateway.reading() as conn:
            reply = replies.look(conn, gateway, token)
        return _page(f"<p class=told>✓ {escape(told)}</p>" + _body(reply, token), title=reply.values.get("title", ""))
    except (WeftError, core_tickets.TicketError) as error:
        return _refusal(error)


def _refusal(error: Exception) -> Response:
    status = (
        error.status if isinstance(error, WeftError) else 404 if isinstance(error, core_tickets.UnknownTicket) else 409
    )
    if isinstance(error, core_tickets.InvalidInput):
        status = 422
    if isinstance(error, NotFound | links.LinkExpired):
        text = "链接无效或已过期。This link is not valid, or no longer."
    else:
        text = str(error.args[0]) if isinstance(error, WeftError) else str(error)
    problems = error.problems if isinstance(error, WeftError) else []
    more = "".join(f"<li>{escape(p.path)}: {escape(p.message)} {escape(p.hint)}</li>" for p in problems)
    return _page(f"<p class=wrong>{escape(text)}</p><ul>{more}</ul>", status)


def _page(body: str, status: int = 200, title: str = "") -> Response:
    head = (
        f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title) or 'Weft'}</title>"
    )
    text = f"<!doctype html><html lang=zh><head>{head}<style>{_STYLE}</style></head><body>{body}</body></html>"
    return Response(text, status, HEADERS, "text/html; charset=utf-8")


def _body(reply: Reply, token: str) -> str:
    ticket = reply.ticket
    status = core_tickets.STATUSES[ticket.status]
    number, holder = id_registry.format_id(ticket.id), str(reply.values.get("assignee") or "—")
    parts = [
        f"<h1>P{ticket.priority} {escape(str(reply.values.get('title', '')))}</h1>",
        f"<p>{number} · {status.zh} {status.en} · {escape(TITLES.get(reply.reason, reply.reason))}<br>"
        f"<small>您是 You are {escape(reply.person)}；处理人 held by {escape(holder)}</small></p>",
    ]
    if reply.values.get("description"):
        parts.append(f"<p>{escape(str(reply.values['description'])[:1000])}</p>")
    if reply.values.get("resolution"):
        parts.append(f"<p>解决 Resolution: {escape(str(reply.values['resolution']))}</p>")
    if reply.answered:
        parts.append(f"<p><small>您已回复 You answered: {escape(reply.answered)}</small></p>")
    if reply.question is not None and replies.ANSWER in reply.may:
        asked = reply.question.asked
        parts.append(f"<h2>{escape(asked.zh)}</h2><p>{escape(asked.en)}</p>")
        parts += [_answer_form(token, a) for a in reply.question.answers]
    if replies.CLAIM in reply.may:
        parts.append(_form(token, replies.CLAIM, "", "我来处理 I take it"))
    if replies.COMMENT in reply.may:
        box = "<textarea name=text rows=3 required maxlength=4000></textarea>"
        parts.append(_form(token, replies.COMMENT, box, "留言 Comment"))
    parts.append("<h2>进展 Progress</h2><ul>" + "".join(map(_entry, reply.entries)) + "</ul>")
    return "".join(parts)


def _answer_form(token: str, answer: stuck.Answer) -> str:
    fields = f"<input type=hidden name=answer value={escape(answer.id)}>"
    if answer.needs == "text":
        fields += "<input name=text required maxlength=500>"
    elif answer.needs == "until":
        options = "".join(f"<option value={value}>{escape(label)}</option>" for value, label in _UNTIL.items())
        fields += f"<select name=until>{options}</select>"
    return _form(token, replies.ANSWER, fields, f"{answer.zh} {answer.en}")


def _form(token: str, what: str, fields: str, button: str) -> str:
    """`once` makes a reloaded page or a second click do nothing."""
    hidden = f"<input type=hidden name=what value={what}><input type=hidden name=once value={secrets.token_hex(8)}>"
    return f"<form method=post action='/r/{escape(token)}'>{hidden}{fields}<button>{escape(button)}</button></form>"


def _entry(entry: Mapping[str, Any]) -> str:
    at = clock.to_datetime(int(entry["at"])).astimezone(ZoneInfo(HOME))
    text = f"：{escape(str(entry['text'])[:300])}" if entry.get("text") else ""
    return f"<li><small>{at:%m-%d %H:%M}</small> {escape(str(entry['what']))} {escape(str(entry['who']))}{text}</li>"
