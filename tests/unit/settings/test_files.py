"""Settings whose values lie in files, as secrets are mounted into containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import BadConfiguration
from gateway.settings import Settings, load


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WEFT_{name.upper()}", raising=False)


def test_a_setting_is_read_from_the_file_that_its_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("weft_secret\n", "utf-8")
    monkeypatch.setenv("WEFT_ADMIN_TOKEN_FILE", str(tmp_path / "token"))
    token = load().admin_token
    assert token is not None
    assert token.get_secret_value() == "weft_secret"


def test_a_value_beside_its_file_is_refused_since_nobody_knows_which_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("one", "utf-8")
    monkeypatch.setenv("WEFT_ADMIN_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("WEFT_ADMIN_TOKEN", "two")
    with pytest.raises(BadConfiguration, match="both given"):
        load()


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_SECRET_KEY_FILE", "/run/secrets/nobody-mounted-me")
    with pytest.raises(BadConfiguration, match="nobody-mounted-me"):
        load()


def test_the_password_of_the_database_is_put_into_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("p@ss/word", "utf-8")
    monkeypatch.setenv("WEFT_DATABASE_URL", "postgresql://weft@db:5432/weft")
    monkeypatch.setenv("WEFT_DATABASE_PASSWORD_FILE", str(tmp_path / "password"))
    s = load()
    assert s.database == "postgresql://weft:p%40ss%2Fword@db:5432/weft"
    assert "p@ss" not in repr(s)
