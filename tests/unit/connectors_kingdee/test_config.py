"""The settings: what fits, and what is said about what does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import InvalidConfig
from connectors.kingdee import KingdeeConnector
from connectors.kingdee.config import KingdeeConfig
from connectors.settings import parse_config

GOOD = {
    "url": "https://erp.example.test/k3cloud/",
    "data_center": "acct01",
    "username": "hub",
    "organization": "100",
    "app_id": "1_x",
    "app_secret": "a-long-secret",
}


def config(**changes: Any) -> KingdeeConfig:
    made = parse_config(KingdeeConnector, {**GOOD, **changes})
    assert isinstance(made, KingdeeConfig)
    return made


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://erp.example.test/k3cloud", "https://erp.example.test/k3cloud/"),
        (" http://10.0.0.5:8080/K3Cloud/ ", "http://10.0.0.5:8080/K3Cloud/"),
        ("https://erp.example.test/k3cloud/html5/index.aspx?ud=1", "https://erp.example.test/k3cloud/"),
    ],
)
def test_the_address_is_taken_as_people_copy_it(given: str, kept: str) -> None:
    assert config(url=given).url == kept


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "erp.example.test"}, "must be the address"),
        ({"url": "https://a:b@erp.example.test/"}, "`username` and `password`"),
        ({"timezone": "China"}, "no time zone"),
        ({"login": "password"}, "needs `password`"),
        ({"login": "app_secret", "app_id": ""}, "needs `app_id` and `app_secret`"),
        ({"app_id": "123456"}, "one underscore"),
        ({"leave_out": ["boms"]}, "'bom'"),
        ({"requisition": {"number_prefix": "AN-ENDLESS-PREFIX"}}, "10"),
        ({"requisition": {"until": "done"}}, "audited"),
    ],
)
def test_what_does_not_fit_is_named_with_its_remedy(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidConfig) as refusal:
        config(**changes)
    assert says in str(refusal.value)
    assert "a-long-secret" not in str(refusal.value)


def test_the_hour_that_summer_time_repeats_is_looked_back_over() -> None:
    assert config(lookback_s=600).lookback == timedelta(minutes=10)
    assert config(lookback_s=600, timezone="Europe/Berlin").lookback == timedelta(hours=1, minutes=10)
