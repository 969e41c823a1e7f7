"""Settings: the form, the check, and what may be shown."""

import enum
import pickle
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors.conformance.reference import AcmeConnector
from connectors.contract import Connector, Settings
from connectors.errors import ConfigProblem, InvalidConfig
from connectors.settings import MASK, config_schema, parse_config, safe_config, secret_values


class Mode(enum.Enum):
    fast = "fast"


class Topic(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(description="Topic filter")
    qos: int = Field(default=1, ge=0, le=2, description="Quality of service")
    key: SecretStr = Field(default=SecretStr(""), description="Payload key")


class RichConfig(Settings):
    url: str = Field(description="Where it is")
    token: SecretStr | None = Field(default=None, description="API token")
    topics: list[Topic] = Field(default=[], description="What to listen to")
    headers: dict[str, str] = Field(default={}, description="More headers")
    keys: dict[str, SecretStr] = Field(default={}, description="Key by site")
    mode: Mode = Field(default=Mode.fast, description="How")
    ratio: Decimal = Field(default=Decimal("1.5"), description="Share")

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if "://" not in url:
            raise ValueError(f"{url} is no URL")
        return url

    @field_validator("token")
    @classmethod
    def _is_long(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value()) < 8:
            raise ValueError(f"the token {token.get_secret_value()} is too short")
        return token


class Rich(AcmeConnector):
    Config: ClassVar[type[Settings]] = RichConfig


KIND: type[Connector] = Rich


def _refused(data: dict[str, Any]) -> dict[str, tuple[str, str]]:
    with pytest.raises(InvalidConfig) as refusal:
        parse_config(KIND, data)
    return {problem.path: (problem.message, problem.hint) for problem in refusal.value.problems}


def test_the_form_names_its_secrets_at_any_depth() -> None:
    assert set(config_schema(KIND).secrets) == {"token", "topics[].key", "keys.*"}


def test_every_problem_is_told_at_once_with_its_path() -> None:
    problems = _refused({"url": "nowhere", "topics": [{"name": "a"}, {"qos": 7}], "mode": "slow"})
    assert set(problems) == {"url", "topics[1].name", "topics[1].qos", "mode"}


def test_a_misspelt_field_gets_the_nearest_right_name() -> None:
    assert _refused({"url": "http://a", "tokn": "x"})["tokn"][1] == "did you mean 'token'?"
    nested = _refused({"url": "http://a", "topics": [{"name": "a", "qoss": 1}]})
    assert nested == {"topics[0].qoss": ("this field does not exist", "did you mean 'qos'?")}


def test_a_field_unlike_any_other_gets_the_list_of_fields() -> None:
    assert "known fields: url, token" in _refused({"url": "http://a", "zzzzzz": 1})["zzzzzz"][1]


def test_a_missing_field_gets_its_description() -> None:
    assert _refused({})["url"] == ("this field is required", "Where it is")


def test_a_refusal_never_repeats_a_secret() -> None:
    message, _ = _refused({"url": "http://a", "token": "s3cr3t!"})["token"]
    assert "s3cr3t!" not in message
    assert "too short" in message


def test_a_refusal_is_a_config_problem_and_survives_pickling() -> None:
    with pytest.raises(ConfigProblem) as refusal:
        parse_config(KIND, {"url": 5})
    again = pickle.loads(pickle.dumps(refusal.value))
    assert again.problems == refusal.value.problems  # type: ignore[attr-defined]
    assert str(again) == str(refusal.value)


def _config() -> Settings:
    return parse_config(
        KIND,
        {
            "url": "https://weft:in-the-url@host:8443/path?sig=abc#x",
            "token": "long-enough-token",
            "topics": [{"name": "a/#", "key": "topic-key-1"}, {"name": "b"}],
            "headers": {"X-Api-Key": "header-secret"},
            "keys": {"site-1": "site-key-1"},
        },
    )


def test_only_what_is_known_to_be_harmless_is_shown() -> None:
    assert safe_config(_config()) == {
        "url": "https://host:8443/path?…",
        "token": MASK,
        "topics": [{"name": "a/#", "qos": 1, "key": MASK}, {"name": "b", "qos": 1, "key": ""}],
        "headers": {"X-Api-Key": MASK},
        "keys": {"site-1": MASK},
        "mode": "fast",
        "ratio": "1.5",
    }


def test_secrets_are_found_at_any_depth_and_inside_urls() -> None:
    assert secret_values(_config()) == {"long-enough-token", "topic-key-1", "site-key-1", "in-the-url"}
