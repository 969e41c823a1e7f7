"""The settings of a DingTalk connection: a group robot, an app, or both."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.channels import IN_DOUBT, WhenInDoubt
from connectors.contract import Settings


class DingtalkConfig(Settings):
    """Which robot writes into which group, and which app sends work notices to which people."""

    robot_token: SecretStr | None = Field(
        default=None,
        title="Robot token",
        description="access_token of the group's custom robot, or its whole webhook address (群设置 > 机器人).",
    )
    robot_secret: SecretStr | None = Field(
        default=None,
        title="Robot secret",
        description="The robot's signing secret (安全设置 > 加签), SEC...; needed if signing is on.",
    )
    robot_keyword: str = Field(
        default="",
        title="Robot keyword",
        description="One of the robot's keywords (安全设置 > 自定义关键词); it is put into messages that lack it.",
    )
    app_key: str = Field(default="", title="App key", description="For work notices: the app's AppKey (Client ID).")
    app_secret: SecretStr | None = Field(
        default=None, title="App secret", description="The app's AppSecret (Client Secret)."
    )
    agent_id: int | None = Field(default=None, ge=1, title="Agent id", description="The app's AgentId.")
    default_users: tuple[str, ...] = Field(
        default=(), title="Default users", description="Userids that a work notice to `default` goes to."
    )
    default_departments: tuple[str, ...] = Field(
        default=(), title="Default departments", description="Ids of departments that it goes to as well."
    )
    when_in_doubt: WhenInDoubt = Field(
        default="ask",
        title="When in doubt",
        description=f"{IN_DOUBT} Only of the robot; work notices never arrive twice.",
    )
    timeout_s: float = Field(default=10, gt=0, le=60, title="Timeout (s)", description="Longest wait for one call.")
    api_url: str = Field(
        default="https://oapi.dingtalk.com",
        title="API",
        description="Address of DingTalk's API; another one for a proxy or the sandbox.",
        pattern=r"^https?://[^/?#@]+/?$",
    )

    @field_validator("robot_token")
    @classmethod
    def _token_of_address(cls, value: SecretStr | None) -> SecretStr | None:
        """People copy the whole address; the token is all that counts of it."""
        text = value.get_secret_value().strip() if value is not None else ""
        if "://" in text:
            found = parse_qs(urlsplit(text).query).get("access_token")
            if not found:
                raise ValueError("the address has no access_token=...; copy it again from the group's robot")
            text = found[0]
        return SecretStr(text) if text else None

    @model_validator(mode="after")
    def _one_way_at_least(self) -> DingtalkConfig:
        app = (bool(self.app_key), self.agent_id is not None, self.app_secret is not None)
        if any(app) and not all(app):
            raise ValueError("an app needs `app_key`, `app_secret` and `agent_id`, all three")
        if self.robot_token is None and not any(app):
            raise ValueError("give `robot_token`, or `app_key`, `app_secret` and `agent_id`")
        return self

    @property
    def has_app(self) -> bool:
        return self.app_secret is not None
