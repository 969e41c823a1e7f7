"""WeCom's API over HTTP: the only network code of this connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.channel_http import JsonApi, TokenCache
from connectors.errors import AuthProblem, ConfigProblem
from connectors.wecom import codes
from connectors.wecom.config import WecomConfig

Answer = Mapping[str, Any]


class WecomClient:
    """One robot and one app. Every method gives the answer when WeCom took the call or refuses this one message, and
    raises for everything else. Safe from any thread."""

    def __init__(self, config: WecomConfig, transport: httpx.BaseTransport | None, clock: Callable[[], float]) -> None:
        self._config = config
        self._api = JsonApi("WeCom", config.api_url, config.timeout_s, transport)
        self._token = TokenCache(self._fetch_token, clock)

    def close(self) -> None:
        self._api.close()

    def say(self, payload: Mapping[str, Any], *, sends: bool = True) -> Answer:
        """The robot says something."""
        key = self._config.robot_key
        if key is None:
            raise ConfigProblem("This connection has no robot.", hint="Put its webhook address into `robot_key`.")
        params = {"key": key.get_secret_value()}
        return self._good(self._api.call("/cgi-bin/webhook/send", params=params, body=payload, sends=sends))

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """The app sends something."""
        body = {**payload, "agentid": self._config.agent_id}
        return self._with_token("/cgi-bin/message/send", body=body, sends=True)

    def app(self) -> Answer:
        """What WeCom tells of the app: the call that needs everything a message needs, and changes nothing."""
        self._token.renew()  # a token outlives the secret it was fetched with
        return self._with_token("/cgi-bin/agent/get", params={"agentid": str(self._config.agent_id)})

    def _with_token(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        sends: bool = False,
    ) -> Answer:
        """A call with the token; once more with a new one where the old is refused: then nothing has happened."""
        for last in (False, True):
            token = self._token.get()
            given = {**(params or {}), "access_token": token}
            answer = self._api.call(path, params=given, body=body, sends=sends)
            if codes.code_of(answer) not in codes.EXPIRED or last:
                break
            self._token.forget(token)
        return self._good(answer)

    def _fetch_token(self) -> tuple[str, int]:
        secret = self._config.app_secret
        params = {"corpid": self._config.corp_id, "corpsecret": secret.get_secret_value() if secret else ""}
        answer = self._good(self._api.call("/cgi-bin/gettoken", params=params))
        token, lasts = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(lasts, int):
            raise AuthProblem(
                codes.refusal(answer) or "WeCom gives no token.", hint="Check `corp_id` and `app_secret`."
            )
        return token, lasts

    @staticmethod
    def _good(answer: dict[str, Any]) -> Answer:
        error = codes.problem(answer)
        if error is not None:
            raise error
        return answer
