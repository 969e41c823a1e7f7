"""Feishu's API over HTTP: the only network code of this connector."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.channel_http import JsonApi, TokenCache
from connectors.errors import AuthProblem, ConfigProblem
from connectors.feishu import codes
from connectors.feishu.config import FeishuConfig
from connectors.feishu.signing import sign

Answer = Mapping[str, Any]


class FeishuClient:
    """One robot and one app. Every method gives the answer when Feishu took the call or refuses this one message, and
    raises for everything else. `clock`: seconds since 1970, which signatures are made of. Safe from any thread."""

    def __init__(
        self, config: FeishuConfig, transport: httpx.BaseTransport | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._clock = clock
        self._api = JsonApi("Feishu", config.api_url, config.timeout_s, transport)
        self._token = TokenCache(self._fetch_token, clock)

    def close(self) -> None:
        self._api.close()

    def say(self, payload: Mapping[str, Any], *, sends: bool = True) -> Answer:
        """The robot says something."""
        hook, secret = self._config.robot_hook, self._config.robot_secret
        if hook is None:
            raise ConfigProblem("This connection has no robot.", hint="Put its webhook address into `robot_hook`.")
        body = dict(payload)
        if secret is not None:
            now = int(self._clock())
            body |= {"timestamp": str(now), "sign": sign(now, secret.get_secret_value())}
        path = f"/open-apis/bot/v2/hook/{hook.get_secret_value()}"
        return self._good(self._api.call(path, body=body, sends=sends))

    def send(self, payload: Mapping[str, Any], kind: str) -> Answer:
        """The app sends something to a receiver of this kind (chat_id, open_id, email, user_id)."""
        return self._with_token("/open-apis/im/v1/messages", {"receive_id_type": kind}, payload, sends=True)

    def app(self) -> Answer:
        """What Feishu tells of the app's robot. Changes nothing."""
        self._token.renew()  # a token outlives the secret it was fetched with
        return self._with_token("/open-apis/bot/v3/info", {})

    def _with_token(
        self, path: str, params: Mapping[str, str], body: Mapping[str, Any] | None = None, *, sends: bool = False
    ) -> Answer:
        """A call with the token; once more with a new one where the old is refused: then nothing has happened."""
        for last in (False, True):
            token = self._token.get()
            headers = {"Authorization": f"Bearer {token}"}
            answer = self._api.call(path, params=params, body=body, headers=headers, sends=sends)
            if codes.code_of(answer) not in codes.EXPIRED or last:
                break
            self._token.forget(token)
        return self._good(answer)

    def _fetch_token(self) -> tuple[str, int]:
        secret = self._config.app_secret
        body = {"app_id": self._config.app_id, "app_secret": secret.get_secret_value() if secret else ""}
        answer = self._good(self._api.call("/open-apis/auth/v3/tenant_access_token/internal", body=body))
        token, lasts = answer.get("tenant_access_token"), answer.get("expire")
        if not isinstance(token, str) or not token or not isinstance(lasts, int):
            hint = "Check `app_id` and `app_secret`."
            raise AuthProblem(codes.refusal(answer) or "Feishu gives no token.", hint=hint)
        return token, lasts

    @staticmethod
    def _good(answer: dict[str, Any]) -> Answer:
        error = codes.problem(answer)
        if error is not None:
            raise error
        return answer
