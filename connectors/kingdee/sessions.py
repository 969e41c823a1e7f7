"""Logging in: the bodies of the four services that do it, and what their answer says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from connectors.errors import AuthProblem, ConfigProblem, Transient
from connectors.kingdee.config import KingdeeConfig
from connectors.kingdee.signing import login_signature

LOGIN_SERVICES: Mapping[str, str] = {
    "password": "ValidateUser",
    "app_secret": "LoginByAppSecret",
    "signed": "LoginBySign",
    "signed_sha1": "LoginBySign",
}
_DONE = 1
_OLD_PASSWORD = -5
"""LoginResultType: in; in, but the password is older than the policy likes."""
_FULL = ("并发", "站点数", "许可数", "已满")


@dataclass(frozen=True, slots=True)
class Session:
    """The cookies that make later calls part of one session; empty in header mode until the server gives them."""

    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def sid(self) -> str:
        return self.cookies.get("kdservice-sessionid", "")

    @property
    def headers(self) -> Mapping[str, str]:
        named = {"kdservice-sessionid": self.sid} if self.sid else {}
        return {**named, "Cookie": "; ".join(["Theme=standard", *(f"{k}={v}" for k, v in self.cookies.items())])}

    def with_cookies(self, cookies: Mapping[str, str]) -> Session:
        return replace(self, cookies={**self.cookies, **cookies})


class LoginAnswer(NamedTuple):
    """What a login tells about the system and the user."""

    version: str
    user: str
    organization: str
    data_center: str
    remark: str
    """A message beside a success, e.g. how many days the licence still runs."""


def login_body(config: KingdeeConfig, kind: str, now: int) -> dict[str, Any]:
    """The body of a login; `now` in seconds since 1970."""
    acct, user = config.data_center, config.username
    if kind == "password":
        return {"parameters": [acct, user, config.password.get_secret_value() if config.password else "", config.lcid]}
    secret = config.app_secret.get_secret_value() if config.app_secret else ""
    if kind == "app_secret":
        return {"parameters": [acct, user, config.app_id, secret, config.lcid]}
    sign = login_signature(acct, user, config.app_id, secret, now, sha1=kind == "signed_sha1")
    return {"parameters": [acct, user, config.app_id, now, sign, config.lcid]}


def taken_up(answer: Any, cookies: Mapping[str, str], *, clean: Callable[[str], str]) -> tuple[Session, LoginAnswer]:
    """The session of a login's answer. A Message beside LoginResultType 1 is a remark, no refusal.

    :raises AuthProblem: the credentials are refused. :raises Transient: all licences are in use.
    """
    if not isinstance(answer, dict) or "LoginResultType" not in answer:
        raise ConfigProblem("`url` answers the login, but not as K3 Cloud does.")
    said = clean(str(answer.get("Message") or ""))
    context: dict[str, Any] = answer.get("Context") or {}
    if answer["LoginResultType"] not in (_DONE, _OLD_PASSWORD):
        if any(mark in said for mark in _FULL):
            raise Transient(f"Kingdee lets nobody else in now: {said}")
        raise AuthProblem(
            f"Kingdee refuses the login: {said or answer.get('MessageCode') or answer['LoginResultType']}",
            hint="Check `username`, `password` or `app_id` and `app_secret`, `data_center` and the user's state.",
        )
    sid, aspnet = str(answer.get("KDSVCSessionId") or ""), str(context.get("SessionId") or "")
    own = {name: value for name, value in (("kdservice-sessionid", sid), ("ASP.NET_SessionId", aspnet)) if value}
    organization = context.get("CurrentOrganizationInfo") or {}
    told = LoginAnswer(
        version=str(context.get("DisplayVersion") or ""),
        user=str(context.get("UserName") or ""),
        organization=str(organization.get("Name") or ""),
        data_center=str(context.get("DataCenterName") or ""),
        remark=said,
    )
    return Session({**cookies, **own}), told
