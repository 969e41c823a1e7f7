"""The settings of a WeCom connection: a group robot, an app, or both."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.channels import IN_DOUBT, WhenInDoubt
from connectors.contract import Settings


class WecomConfig(Settings):
    """Which robot writes into which group, and which app writes to which people."""

    robot_key: SecretStr | None = Field(
        default=None,
        title="Robot key",
        description="Key of the group robot, or its whole webhook address (group > robots > copy address).",
    )
    corp_id: str = Field(
        default="", title="Corp id", description="For app messages: the company's id (我的企业 > 企业ID)."
    )
    agent_id: int | None = Field(
        default=None, ge=1, title="Agent id", description="The app's AgentId (应用管理 > the app)."
    )
    app_secret: SecretStr | None = Field(
        default=None, title="App secret", description="The app's Secret, on the same page."
    )
    default_users: tuple[str, ...] = Field(
        default=(),
        title="Default users",
        description="Userids that an app message to `default` goes to; `@all`: all whom the app is visible to.",
    )
    default_parties: tuple[str, ...] = Field(
        default=(), title="Default departments", description="Ids of departments that it goes to as well."
    )
    when_in_doubt: WhenInDoubt = Field(
        default="ask",
        title="When in doubt",
        description=f"{IN_DOUBT} Only of the robot; app messages never arrive twice.",
    )
    timeout_s: float = Field(default=10, gt=0, le=60, title="Timeout (s)", description="Longest wait for one call.")
    api_url: str = Field(
        default="https://qyapi.weixin.qq.com",
        title="API",
        description="Address of WeCom's API; another one for a proxy or the sandbox.",
        pattern=r"^https?://[^/?#@]+/?$",
    )

    @field_validator("robot_key")
    @classmethod
    def _key_of_address(cls, value: SecretStr | None) -> SecretStr | None:
        """People copy the whole address; the key is all that counts of it."""
        text = value.get_secret_value().strip() if value is not None else ""
        if "://" in text:
            found = parse_qs(urlsplit(text).query).get("key")
            if not found:
                raise ValueError("the address has no key=...; copy it again from the group's robot")
            text = found[0]
        return SecretStr(text) if text else None

    @model_validator(mode="after")
    def _one_way_at_least(self) -> WecomConfig:
        app = (bool(self.corp_id), self.agent_id is not None, self.app_secret is not None)
        if any(app) and not all(app):
            raise ValueError("an app needs `corp_id`, `agent_id` and `app_secret`, all three")
        if self.robot_key is None and not any(app):
            raise ValueError("give `robot_key`, or `corp_id`, `agent_id` and `app_secret`")
        return self

    @property
    def has_app(self) -> bool:
        return self.app_secret is not None
