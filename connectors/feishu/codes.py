"""What Feishu's error codes mean for us. Old answers of robots have `StatusCode` instead of `code`; 0 is success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient

EXPIRED = frozenset({99991661, 99991663, 99991664, 99991668})
ALIVE = frozenset({9499, 19002})
"""What a robot that works answers to a message that is none."""

_PASSING: Mapping[int, float | None] = {-1: None, 11232: 60.0, 99991400: 60.0, 230020: 60.0, 2200: None}
_AUTH: Mapping[int, str] = {
    19001: "The robot is gone: it was removed, or the hook is wrong. Add one, put its address into `robot_hook`.",
    19021: "Put the robot's secret (签名校验) into `robot_secret`; is the hub's clock right to the hour?",
    19022: "Put the hub's address into the robot's IP 白名单.",
    10003: "Check `app_id`: 开发者后台 > 凭证与基础信息.",
    10014: "Check `app_secret`: 开发者后台 > 凭证与基础信息.",
    99991672: "The app lacks this permission: 开发者后台 > 权限管理.",
} | dict.fromkeys(EXPIRED, "Feishu refuses even a fresh token: is the app disabled?")
_CONFIG: Mapping[int, str] = {
    19024: "Put one of the robot's keywords (自定义关键词) into `robot_keyword`.",
    230006: "The app has no robot: 开发者后台 > 应用能力 > 机器人.",
}


def code_of(answer: Mapping[str, Any]) -> int:
    for name in ("code", "StatusCode"):
        code = answer.get(name)
        if isinstance(code, int) and not isinstance(code, bool):
            return code
    raise ConfigProblem("The answer has no code: this is no Feishu.", hint="Is `api_url` right?")


def problem(answer: Mapping[str, Any]) -> ConnectorError | None:
    """The error an answer stands for; None: it is a success, or a refusal of this one message (see `refusal`)."""
    code = code_of(answer)
    said = f"Feishu answers {code}: {words(answer)}"
    if code in _PASSING:
        return Transient(said, retry_after=_PASSING[code])
    if code in _AUTH:
        return AuthProblem(said, hint=_AUTH[code])
    if code in _CONFIG:
        return ConfigProblem(said, hint=_CONFIG[code])
    return None


def refusal(answer: Mapping[str, Any]) -> str:
    """Why Feishu does not take this message, for good; empty: it took it."""
    code = code_of(answer)
    return "" if code == 0 else f"Feishu answers {code}: {words(answer)}"


def words(answer: Mapping[str, Any]) -> str:
    return " ".join(str(answer.get("msg") or answer.get("StatusMessage") or "").split())[:200]
