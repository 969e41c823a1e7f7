"""What DingTalk's error codes mean for us. All of them come with HTTP 200; only `errcode` 0 is success.

The robot's 310000 stands for any refusal by its security settings; only the words tell which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient

EXPIRED = frozenset({40014, 42001})
SECURITY = 310000
MUTED_S = 600.0
"""Over 20 messages a minute a robot is mute for so long."""
PARAMETERS = frozenset({40035, 400105, 400106, 43004})
"""What a robot that works answers to a message that is none."""

_PASSING: Mapping[int, float | None] = {
    -1: None,
    130101: MUTED_S,
    410100: 60.0,
    90030: 60.0,
    143103: 60.0,
    143104: 60.0,
}
_GONE = "The robot is gone: it was removed or its token is wrong. Add one, put its address into `robot_token`."
_AUTH: Mapping[int, str] = {
    300001: _GONE,
    300005: _GONE,
    400013: "The group was dissolved. Add a robot to another group, put its address into `robot_token`.",
    400101: _GONE,
    400102: "The robot is disabled: enable it in the group's settings.",
    40001: "Put the app's AppSecret into `app_secret`.",
    40089: "Check `app_key` and `app_secret`: 开放平台 > the app > 凭证与基础信息.",
    40014: "DingTalk refuses even a fresh token: is the app disabled?",
    42001: "DingTalk refuses even a fresh token: is the app disabled?",
    60011: "The app lacks this permission: 开放平台 > the app > 权限管理.",
    60020: "Put the hub's address into 开放平台 > the app > 安全设置 > 服务器出口IP.",
    50002: "The receivers are outside of the app's 可使用范围.",
}
_BY_SECURITY: tuple[tuple[str, type[ConfigProblem], str], ...] = (
    ("keyword", ConfigProblem, "Put one of the robot's keywords (安全设置 > 自定义关键词) into `robot_keyword`."),
    ("sign", AuthProblem, "Put the robot's secret (安全设置 > 加签, SEC...) into `robot_secret`."),
    ("whitelist", AuthProblem, "Put the hub's address into the robot's 安全设置 > IP地址（段）."),
    ("ip ", AuthProblem, "Put the hub's address into the robot's 安全设置 > IP地址（段）."),
)


def code_of(answer: Mapping[str, Any]) -> int:
    """The code that counts: that of an app's gateway (88) stands in `sub_code`."""
    code = answer.get("errcode")
    if isinstance(code, str) and code.lstrip("-").isdecimal():
        code = int(code)
    if isinstance(code, bool) or not isinstance(code, int):
        raise ConfigProblem("The answer has no errcode: this is no DingTalk.", hint="Is `api_url` right?")
    sub = str(answer.get("sub_code", ""))
    return int(sub) if code == 88 and sub.isdecimal() else code


def problem(answer: Mapping[str, Any]) -> ConnectorError | None:
    """The error an answer stands for; None: it is a success, or a refusal of this one message (see `refusal`)."""
    if answer.get("status") == 1111:  # the page of DingTalk's defence against too many calls
        wait = answer.get("wait")
        return Transient("DingTalk holds the hub back.", retry_after=wait if isinstance(wait, int) else None)
    code = code_of(answer)
    said = f"DingTalk answers {code}: {words(answer)}"
    if code in _PASSING:
        return Transient(said, retry_after=_PASSING[code])
    if code in _AUTH:
        return AuthProblem(said, hint=_AUTH[code])
    return _by_security(answer, said) if code == SECURITY else None


def _by_security(answer: Mapping[str, Any], said: str) -> ConnectorError:
    reason = words(answer).lower()
    if "timestamp" in reason:
        return Transient(f"{said}; the hub's clock and DingTalk's differ by more than an hour.", hint="Mend the clock.")
    for sign, kind, hint in _BY_SECURITY:
        if sign in reason:
            return kind(said, hint=hint)
    return ConfigProblem(said, hint="Compare the robot's 安全设置 with this connection's settings.")


def wants_keyword(error: ConnectorError) -> bool:
    """Is it the refusal of a message without any of the robot's keywords? The robot itself is well then."""
    return "keyword" in str(error).lower() and f" {SECURITY}:" in str(error)


def refusal(answer: Mapping[str, Any]) -> str:
    """Why DingTalk does not take this message, for good; empty: it took it."""
    code = code_of(answer)
    return "" if code == 0 else f"DingTalk answers {code}: {words(answer)}"


def words(answer: Mapping[str, Any]) -> str:
    """DingTalk's own words, without the links it appends."""
    said = str(answer.get("sub_msg") or answer.get("errmsg") or "")
    return " ".join(said.split("http", maxsplit=1)[0].split())[:200]
