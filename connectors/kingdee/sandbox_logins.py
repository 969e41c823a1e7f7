"""Who may come in: the stand-in's logins, sessions and both signatures of header mode, checked as Kingdee checks them."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.kingdee.sandbox_state import State, User
from connectors.kingdee.signing import client_secret, login_signature, signature

SKEW_S = 900
"""How far a signature's timestamp may be off."""
LOST = "会话信息已丢失，请重新登录"
VERSION = "8.2.0.20251016"


class WrongDataCenter(Exception):
    """The acctID names no data centre."""


class Door:
    """Logins of one data centre. `ends_after`: calls a session serves before it is lost; `old`: SHA-1 in LoginBySign."""

    def __init__(self, state: State, acct: str, app_id: str, app_secret: str) -> None:
        self._state = state
        self.acct = acct
        self.app_id = app_id
        self.app_secret = app_secret
        self.ends_after = 0
        self.old = False
        self.remark = ""

    # -- logging in -----------------------------------------------------------------------------------------------------

    def log_in(self, service: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """The answer of a login service and the session's id ("" when refused)."""
        given = _parameters(service, body)
        if len(given) < 3 or str(given[0]) != self.acct:
            raise WrongDataCenter
        user = self._state.users.get(str(given[1]))
        proved = user is not None and self._proved(service, given, user)
        if user is None or not proved:
            return {
                "Message": "用户名或密码错误，请重新输入！"
                if service == "ValidateUser"
                else "第三方系统登录授权失败！",
                "MessageCode": "CheckPasswordFailed",
                "LoginResultType": 0,
                "Context": None,
                "KDSVCSessionId": "",
                "IsSuccessByAPI": False,
            }, ""
        sid = self._state.open_session(user)
        return self._welcome(user, sid), sid

    def _proved(self, service: str, given: list[Any], user: User) -> bool:
        if service == "ValidateUser":
            return hmac.compare_digest(str(given[2]).encode(), user.password.encode())
        if str(given[2]) != self.app_id:
            return False
        if service == "LoginByAppSecret":
            return hmac.compare_digest(str(given[3]).encode(), self.app_secret.encode())
        stamp = int(given[3])
        good = login_signature(self.acct, user.name, self.app_id, self.app_secret, stamp, sha1=self.old)
        return abs(time.time() - stamp) <= SKEW_S and hmac.compare_digest(str(given[4]).encode(), good.encode())

    def _welcome(self, user: User, sid: str) -> dict[str, Any]:
        context = {
            "SessionId": sid[:24],
            "UserToken": "",
            "UserId": 100007,
            "UserName": user.name,
            "DBid": self.acct,
            "DataCenterName": "示例数据中心",
            "DatabaseType": 3,
            "DisplayVersion": VERSION,
            "CurrentOrganizationInfo": {"ID": 1, "AcctOrgType": "1", "Name": "总公司", "FunctionIds": [101, 102]},
            "UseLanguages": [{"LocaleId": 2052, "LocaleName": "中文(简体)"}],
        }
        return {
            "Message": self.remark or None,
            "MessageCode": "CheckPasswordPolicy",
            "LoginResultType": 1,
            "Context": context,
            "KDSVCSessionId": sid,
            "Lcid": 2052,
            "AccessToken": None,
            "KdAccessResult": None,
            "IsSuccessByAPI": True,
        }

    # -- every other call -----------------------------------------------------------------------------------------------

    def user_of(self, request: httpx.Request) -> tuple[User | None, str]:
        """Who calls, and the id of a session that was made for it. A live session is not checked again, whatever the
        signature; in header mode a dead one is silently replaced."""
        live = self._state.sessions.get(_session_id(request))
        if live is not None:
            live.calls += 1
            if not self.ends_after or live.calls <= self.ends_after:
                return live.user, ""
            del self._state.sessions[_session_id(request)]
        if "x-kd-signature" not in request.headers:
            return None, ""
        user = self._signed_by(request)
        return (user, self._state.open_session(user)) if user is not None else (None, "")

    def _signed_by(self, request: httpx.Request) -> User | None:
        headers = request.headers
        app, stamp, nonce = (headers.get(n, "") for n in ("x-kd-appkey", "x-api-timestamp", "x-api-nonce"))
        try:
            data = base64.b64decode(headers.get("x-kd-appdata", ""), validate=True).decode()
            age = abs(time.time() - int(stamp))
        except ValueError:
            return None
        acct, name = [*data.split(","), ""][:2]
        if acct != self.acct:
            raise WrongDataCenter
        client, key = client_secret(app)
        path = urlsplit(str(request.url)).path.replace("/", "%2F")
        gateway = signature(f"POST\n{path}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{stamp}\n", key)
        erp = signature(app + data, self.app_secret)
        proofs = ((gateway, headers.get("x-api-signature", "")), (erp, headers.get("x-kd-signature", "")))
        good = all(hmac.compare_digest(a.encode(), b.encode()) for a, b in proofs)
        known = app == self.app_id and headers.get("x-api-clientid") == client
        return self._state.users.get(name) if good and known and age <= SKEW_S else None


def _session_id(request: httpx.Request) -> str:
    """From the cookie, else from the header that some clients send."""
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = str(part).strip().partition("=")
        if name == "kdservice-sessionid":
            return value
    return str(request.headers.get("kdservice-sessionid", ""))


def _parameters(service: str, body: Mapping[str, Any]) -> list[Any]:
    """The parameters of a login: a list, a JSON text of one, or named."""
    given = body.get("parameters")
    if isinstance(given, str):
        given = json.loads(given, parse_float=str)
    if isinstance(given, list):
        return list(given)
    lower = {str(k).lower(): v for k, v in body.items()}
    names = {
        "ValidateUser": ("acctid", "username", "password"),
        "LoginByAppSecret": ("acctid", "username", "appid", "appsecret"),
        "LoginBySign": ("acctid", "username", "appid", "timestamp", "sign"),
    }[service]
    return [lower.get(name, "") for name in names]
