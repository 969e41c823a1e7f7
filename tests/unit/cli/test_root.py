"""`weft` itself, before any command."""

from __future__ import annotations

from importlib.metadata import version

from typer.testing import CliRunner

from gateway.cli.root import app


def test_it_tells_its_version_and_needs_no_command_for_it() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.output) == (0, version("weft") + "\n")


def test_without_a_command_it_shows_what_there_is_and_says_that_one_is_missing() -> None:
    told = CliRunner().invoke(app, [])
    assert told.exit_code == 2
    assert "serve" in told.output
