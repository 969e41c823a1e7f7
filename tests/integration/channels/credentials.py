"""Each channel with a credential that can expire while the hub is connected, and be put right again."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import trustme

from connectors.channel_sandbox import ChatSandbox, Server
from connectors.dingtalk import sandbox as dingtalk
from connectors.feishu import sandbox as feishu
from connectors.smtp.sandbox import Sandbox as Mail
from connectors.wecom import sandbox as wecom


@dataclass(frozen=True)
class Channel:
    """`settings` of a connection; `told`: what the ticket says of the expired credential."""

    sandbox: ChatSandbox
    settings: Mapping[str, Any]
    expire: Callable[[], None]
    renew: Callable[[], None]
    told: str

    @property
    def messages(self) -> Sequence[Any]:
        return self.sandbox.messages


def _replaced(sandbox: Any, secret: str, value: str) -> Callable[[], None]:
    """The credential is this one from now on, and what was obtained by another is worth nothing."""

    def change() -> None:
        setattr(sandbox, secret, value)
        if hasattr(sandbox, "expire"):
            sandbox.expire()

    return change


@contextmanager
def _chat(connector: str, sandbox: Any, secret: str, told: str, **config: Any) -> Iterator[Channel]:
    good = getattr(sandbox, secret)
    expire, renew = (_replaced(sandbox, secret, value) for value in ("another-secret-since-today", good))
    with Server(sandbox.handle) as server:
        settings = {"connector": connector, "config": {**config, "api_url": server.url}}
        yield Channel(sandbox, settings, expire, renew, told)


@contextmanager
def _mail() -> Iterator[Channel]:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    sandbox = Mail(tls=context, login=("weft@example.com", "the-mail-password"))
    config = {"host": "127.0.0.1", "port": sandbox.serve(), "security": "starttls", "from_address": "weft@example.com",
              "username": "weft@example.com", "password": "the-mail-password", "default_to": ["duty@example.com"]}  # fmt: skip
    try:
        with authority.cert_pem.tempfile() as ca_file:
            settings = {"connector": "email", "config": {**config, "ca_file": ca_file}}
            yield Channel(sandbox, settings, sandbox.lock_out, sandbox.let_in, "535")
    finally:
        sandbox.close()


def _wecom() -> AbstractContextManager[Channel]:
    made = wecom.Sandbox()
    app = {"corp_id": wecom.CORP, "agent_id": wecom.AGENT, "app_secret": made.secret, "default_users": ["zhangsan"]}
    return _chat("wecom", made, "secret", "app_secret", **app)


def _dingtalk_robot() -> AbstractContextManager[Channel]:
    made = dingtalk.Sandbox()
    robot = {"robot_token": made.robot_token, "robot_secret": made.robot_secret}
    return _chat("dingtalk", made, "robot_secret", "sign not match", **robot)


def _dingtalk_app() -> AbstractContextManager[Channel]:
    made = dingtalk.Sandbox()
    app = {"app_key": dingtalk.APP_KEY, "agent_id": dingtalk.AGENT, "app_secret": made.app_secret}
    return _chat("dingtalk", made, "app_secret", "app_secret", **app, default_users=["zhangsan"])


def _feishu_robot() -> AbstractContextManager[Channel]:
    made = feishu.Sandbox()
    robot = {"robot_hook": made.robot_hook, "robot_secret": made.robot_secret}
    return _chat("feishu", made, "robot_secret", "robot_secret", **robot)


def _feishu_app() -> AbstractContextManager[Channel]:
    made = feishu.Sandbox()
    app = {"app_id": feishu.APP_ID, "app_secret": made.app_secret, "default_receiver": "oc_duty"}
    return _chat("feishu", made, "app_secret", "app_secret", **app)


CREDENTIALS: Mapping[str, Callable[[], AbstractContextManager[Channel]]] = {
    "wecom app": _wecom,
    "dingtalk robot": _dingtalk_robot,
    "dingtalk app": _dingtalk_app,
    "feishu robot": _feishu_robot,
    "feishu app": _feishu_app,
    "e-mail": _mail,
}
