"""What WeCom's error codes mean for us. All of them come with HTTP 200; only `errcode` 0 is success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient

EXPIRED = frozenset({40014, 42001})
"""The token is to be fetched anew. In practice an expired one is often called invalid (40014)."""
ALIVE = frozenset({44004, 40008, 40058})
"""What a robot that works answers to an empty message."""
MINUTE_S = 60.0
"""Over 20 messages a minute a robot is deaf for the rest of it."""

_PASSING: Mapping[int, float | None] = {-1: None, 45009: MINUTE_S, 45033: MINUTE_S, 50002: None}
_AUTH: Mapping[int, str] = {
    93000: "The robot is gone: it was removed from its group, or the key is wrong. Make a new one and put its address into "
    "`robot_key`.",
    40001: "Put the app's Secret (应用管理 > the app) into `app_secret`.",
    40013: "Put the company's id (我的企业 > 企业ID) into `corp_id`.",
    40014: "WeCom refuses even a fresh token: is the app disabled?",
    42001: "WeCom refuses even a fresh token: is the clock of a proxy wrong?",
    41001: "Is a proxy dropping the query of the call?",
    48002: "The app has no permission for this API: 应用管理 > the app > 接口权限.",
    60011: "The app may not see these people: 应用管理 > the app > 可见范围.",
    60020: "Put the hub's address into 应用管理 > the app > 企业可信IP.",
    301002: "`agent_id` does not belong to this secret.",
}
_CONFIG: Mapping[int, str] = {40056: "There is no such app: check `agent_id`."}


def problem(answer: Mapping[str, Any]) -> ConnectorError | None:
    """The error an answer stands for; None: it is a success, or a refusal of this one message (see `refusal`)."""
    code = code_of(answer)
    said = f"WeCom answers {code}: {words(answer)}"
    if code in _PASSING:
        return Transient(said, retry_after=_PASSING[code])
    if code in _AUTH:
        return AuthProblem(said, hint=_AUTH[code])
    if code in _CONFIG:
        return ConfigProblem(said, hint=_CONFIG[code])
    return None


def refusal(answer: Mapping[str, Any]) -> str:
    """Why WeCom does not take this message, for good; empty: it took it."""
    code = code_of(answer)
    return "" if code == 0 else f"WeCom answers {code}: {words(answer)}"


def code_of(answer: Mapping[str, Any]) -> int:
    """The error code; an answer without one is no answer of WeCom's."""
    code = answer.get("errcode")
    if isinstance(code, bool) or not isinstance(code, int):
        raise ConfigProblem("The answer has no errcode: this is no WeCom.", hint="Is `api_url` right?")
    return code


def words(answer: Mapping[str, Any]) -> str:
    """WeCom's own words, without the hints and addresses it appends."""
    return str(answer.get("errmsg", "")).split(", hint:")[0][:200]
