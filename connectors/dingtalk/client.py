"""DingTalk's API over HTTP: the only network code of this connector."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.channel_http import JsonApi, TokenCache
from connectors.dingtalk import codes
from connectors.dingtalk.config import DingtalkConfig
from connectors.dingtalk.signing import sign
from connectors.errors import AuthProblem, ConfigProblem

Answer = Mapping[str, Any]


class DingtalkClient:
    """One robot and one app. Every method gives the answer when DingTalk took the call or refuses this one message, and
    raises for everything else. `clock`: seconds since 1970, which signatures are made of. Safe from any thread."""

    def __init__(
        self, config: DingtalkConfig, transport: httpx.BaseTransport | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._clock = clock
        self._api = JsonApi("DingTalk", config.api_url, config.timeout_s, transport)
        self._token = TokenCache(self._fetch_token, clock)

    def close(self) -> None:
        self._api.close()

    def say(self, payload: Mapping[str, Any], *, sends: bool = True) -> Answer:
        """The robot says something."""
        token, secret = self._config.robot_token, self._config.robot_secret
        if token is None:
            raise ConfigProblem("This connection has no robot.", hint="Put its webhook address into `robot_token`.")
        params = {"access_token": token.get_secret_value()}
        if secret is not None:
            now = int(self._clock() * 1000)
            params |= {"timestamp": str(now), "sign": sign(now, secret.get_secret_value())}
        return self._good(self._api.call("/robot/send", params=params, body=payload, sends=sends))

    def notify(self, payload: Mapping[str, Any]) -> Answer:
        """The app sends a work notice; the answer's `task_id` is its number."""
        body = {**payload, "agent_id": self._config.agent_id}
        for last in (False, True):
            token = self._token.get()
            path = "/topapi/message/corpconversation/asyncsend_v2"
            answer = self._api.call(path, params={"access_token": token}, body=body, sends=True)
            if answer.get("status") == 1111 or codes.code_of(answer) not in codes.EXPIRED or last:
                break
            self._token.forget(token)  # refused, so nothing has happened; once more with a new one
        return self._good(answer)

    def log_in(self) -> None:
        """A token is to be had. Changes nothing."""
        self._token.renew()

    def _fetch_token(self) -> tuple[str, int]:
        secret = self._config.app_secret
        params = {"appkey": self._config.app_key, "appsecret": secret.get_secret_value() if secret else ""}
        answer = self._good(self._api.call("/gettoken", params=params))
        token, lasts = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(lasts, int):
            hint = "Check `app_key` and `app_secret`."
            raise AuthProblem(codes.refusal(answer) or "DingTalk gives no token.", hint=hint)
        return token, lasts

    @staticmethod
    def _good(answer: dict[str, Any]) -> Answer:
        error = codes.problem(answer)
        if error is not None:
            raise error
        return answer
