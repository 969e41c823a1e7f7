"""The settings of a Feishu connection: a group robot, an app, or both."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.channels import IN_DOUBT, WhenInDoubt
from connectors.contract import Settings


class FeishuConfig(Settings):
    """Which robot writes into which group, and which app writes to whom."""

    robot_hook: SecretStr | None = Field(
        default=None,
        title="Robot hook",
        description="The last part of the custom robot's webhook address, or the whole address (群设置 > 群机器人).",
    )
    robot_secret: SecretStr | None = Field(
        default=None, title="Robot secret", description="The robot's signing secret (签名校验); needed if it is on."
    )
    robot_keyword: str = Field(
        default="",
        title="Robot keyword",
        description="One of the robot's keywords (自定义关键词); it is put into messages that lack it.",
    )
    app_id: str = Field(default="", title="App id", description="For messages of an app: cli_... (开发者后台 > 凭证).")
    app_secret: SecretStr | None = Field(default=None, title="App secret", description="The app's secret.")
    default_receiver: str = Field(
        default="",
        title="Default receiver",
        description="Whom an app message to `default` goes to: a chat (oc_...), an open_id (ou_...), an e-mail address, or "
        "a user_id.",
    )
    when_in_doubt: WhenInDoubt = Field(
        default="ask",
        title="When in doubt",
        description=f"{IN_DOUBT} Only of the robot; app messages never arrive twice.",
    )
    timeout_s: float = Field(default=10, gt=0, le=60, title="Timeout (s)", description="Longest wait for one call.")
    api_url: str = Field(
        default="https://open.feishu.cn",
        title="API",
        description="Address of Feishu's API; https://open.larksuite.com for Lark, another one for the sandbox.",
        pattern=r"^https?://[^/?#@]+/?$",
    )

    @field_validator("robot_hook")
    @classmethod
    def _hook_of_address(cls, value: SecretStr | None) -> SecretStr | None:
        """People copy the whole address; its last part is all that counts of it."""
        text = value.get_secret_value().strip().rstrip("/") if value is not None else ""
        return SecretStr(text.rpartition("/")[2]) if text else None

    @model_validator(mode="after")
    def _one_way_at_least(self) -> FeishuConfig:
        if bool(self.app_id) != (self.app_secret is not None):
            raise ValueError("an app needs `app_id` and `app_secret`, both")
        if self.robot_hook is None and not self.app_id:
            raise ValueError("give `robot_hook`, or `app_id` and `app_secret`")
        return self

    @property
    def has_app(self) -> bool:
        return self.app_secret is not None
