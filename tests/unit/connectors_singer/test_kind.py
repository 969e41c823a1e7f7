"""A tap by manifest: placeholders are filled from the connection, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.manifest import BadManifest, connector_of
from connectors.settings import parse_config
from connectors.singer.kind import KIND

TEXT = KIND.scaffold("purchasing")


def test_the_connections_settings_fill_the_taps_config() -> None:
    kind: Any = connector_of(TEXT)
    connector = kind(parse_config(kind, {"url": "https://erp.example", "api_token": "token-of-the-account"}))
    assert connector.tap_config() == {"url": "https://erp.example", "token": "token-of-the-account"}
    assert "token-of-the-account" not in repr(connector)


def test_a_placeholder_for_no_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        BadManifest, match=r"settings\.token: there is no \{config\.token\}; there are config\.api_token"
    ):
        connector_of(TEXT.replace("{config.api_token}", "{config.token}"))


def test_a_misspelt_section_is_refused_with_the_right_word() -> None:
    with pytest.raises(BadManifest, match="did you mean 'command'"):
        connector_of(TEXT.replace("command:", "comand:"))
