"""What Kingdee's answers mean. HTTP 200 says nothing: a refusal comes in five shapes, a success may be a partial one.

| shape of a refusal | from |
|---|---|
| `{"Result": {"ResponseStatus": {"IsSuccess": false, "Errors": [...], "MsgCode": 9}}}` | Save, Submit, View … |
| `[[{"Result": {"ResponseStatus": ...}}]]`: a table of one cell | ExecuteBillQuery |
| `[{"Result": ...}]` | BillQuery |
| the text `response_error:{...}` or `response_error:` and words | the service framework |
| `{"errcode": 5001, "description": ...}` with HTTP 519 | the public gateway |

An answer may also be JSON written as a JSON string; IsSuccess may be the text "false".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.exact import load_json

SESSION, NO_FORM, MISSING, INVALID = 1, 4, 8, 9
"""MsgCode: login or authorisation; no such form; an empty parameter; no such field, number or value."""

_ERROR_TEXT = "response_error:"
_SESSION_LOST = re.compile(
    r"会话信息已丢失|会话(已)?(超时|失效|过期)|重新登录|用户未登录|尚未登录|登录已失效|ctx\s*=+\s*null|invalid session|"
    r"session (has )?(timed? ?out|expired|lost)|-10001",
    re.IGNORECASE,
)
_NO_RIGHT = re.compile(r"没有.{0,60}?权限|无.{0,30}?权限|权限不足|no permission|permission denied", re.IGNORECASE)
_PASSING = re.compile(
    r"死锁|deadlock|网络控制|network ?control|正在被.{0,40}(操作|编辑|使用)|服务器繁忙|服务繁忙|too busy", re.IGNORECASE
)
_TIMED_OUT = re.compile(r"执行超时|等待的操作过时|timeout expired|operation timed out", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal in Kingdee's own words. `fields`: (field's name, what is wrong), as far as it says."""

    message: str
    code: int = 0
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def session_lost(self) -> bool:
        return not self.no_right and (self.code == SESSION or _SESSION_LOST.search(self.message) is not None)

    @property
    def no_right(self) -> bool:
        return _NO_RIGHT.search(self.message) is not None

    @property
    def passing(self) -> bool:
        """It was turned down as a whole and may go well in a moment."""
        return _PASSING.search(self.message) is not None

    @property
    def timed_out(self) -> bool:
        """The server gave up waiting for its own database."""
        return _TIMED_OUT.search(self.message) is not None


@dataclass(frozen=True, slots=True)
class Entity:
    """One document that an operation says it has handled."""

    id: str
    number: str


def parsed(text: str) -> tuple[Any, Failure | None]:
    """The answer, and what it says went wrong, if so.

    :raises BadRecord: it is neither JSON nor one of Kingdee's error texts.
    """
    text = text.lstrip("\ufeff \r\n\t")
    if text.startswith(_ERROR_TEXT):
        return None, _error_text(text[len(_ERROR_TEXT) :].strip())
    answer = load_json(text)
    if isinstance(answer, str) and answer.lstrip()[:1] in ("[", "{"):
        answer = load_json(answer)
    if isinstance(answer, str) and answer.startswith(_ERROR_TEXT):
        return None, _error_text(answer[len(_ERROR_TEXT) :].strip())
    return answer, failure_of(answer)


def failure_of(answer: Any) -> Failure | None:
    """What an answer says went wrong; None: nothing."""
    if isinstance(answer, list):
        head = answer[0] if answer else None
        if isinstance(head, list):
            head = head[0] if head else None
        return failure_of(head) if isinstance(head, dict) and ("Result" in head or "ResponseStatus" in head) else None
    if not isinstance(answer, dict):
        return None
    status = status_of(answer)
    if status is not None:
        return None if is_true(status.get("IsSuccess", True)) else _failure(status)
    for name in ("errcode", "error_code"):
        if str(answer.get(name, "0")) not in ("0", "None"):
            said = answer.get("description") or answer.get("description_cn") or answer.get("errmsg") or "refused"
            return Failure(f"{said} ({name} {answer[name]})", _code(answer[name]))
    return None


def status_of(answer: Any) -> Mapping[str, Any] | None:
    """The ResponseStatus of an answer that has one."""
    result = answer.get("Result") if isinstance(answer, dict) else None
    for place in (result, answer):
        if isinstance(place, dict) and isinstance(place.get("ResponseStatus"), dict):
            return dict(place["ResponseStatus"])
    return None


def handled(answer: Any) -> tuple[Entity, ...]:
    """The documents that an operation really handled: SuccessEntitys, whatever IsSuccess says."""
    status = status_of(answer) or {}
    return tuple(
        Entity(str(e.get("Id") or ""), str(e.get("Number") or ""))
        for e in status.get("SuccessEntitys") or ()
        if isinstance(e, dict)
    )


def remarks(answer: Any) -> Failure:
    """The errors that stand beside a success: what a partial success left undone."""
    return _failure(status_of(answer) or {})


def is_true(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("true", "1")


def _failure(status: Mapping[str, Any]) -> Failure:
    errors: Sequence[Any] = status.get("Errors") or ()
    told = [(str(e.get("FieldName") or ""), str(e.get("Message") or "")) for e in errors if isinstance(e, dict)]
    words = list(dict.fromkeys(message for _, message in told if message))
    code = status.get("MsgCode")
    return Failure(
        "；".join(words) or f"no reason given (ErrorCode {status.get('ErrorCode')})",
        _code(code),
        tuple((name, message) for name, message in told if name),
    )


def _error_text(said: str) -> Failure:
    """What follows `response_error:`: words, or the .NET error as JSON."""
    if said.startswith("{"):
        answer = load_json(said)
        inner = failure_of(answer)
        if inner is not None:
            return inner
        message = answer.get("Message") or answer.get("message") or said
        code = answer.get("MsgCode") or answer.get("ErrorCode") or 0
        return Failure(str(message), _code(code))
    return Failure(said or "no reason given")


def _code(value: Any) -> int:
    """A code as a number; 0: none."""
    known = isinstance(value, int) or (isinstance(value, str) and value.lstrip("-").isdecimal() and value.isascii())
    return int(value) if known else 0
