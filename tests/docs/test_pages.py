"""What the documentation says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from gateway.cli.document import DOCS, PAGES, commands
from gateway.cli.root import app

ROOT = Path(__file__).parents[2]
PROMISED = {
    "serve", "worker", "migrate", "apply", "export", "connector list", "check", "sync run", "sync status", "mapping test",
    "mapping explain", "mapping try", "lineage show", "lineage impact", "lineage verify", "audit", "dead list", "dead show",
    "dead replay", "explain", "sandbox up", "token create",
}  # fmt: skip


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_reference_page_is_what_the_code_says(page: str) -> None:
    remedy = "run: python -m gateway.cli.document"
    assert (DOCS / page).read_text("utf-8") == PAGES[page](), remedy


def test_every_command_that_users_rely_on_is_there() -> None:
    there = {path.removeprefix("weft ") for path, _ in commands(typer.main.get_command(app))}
    assert there >= PROMISED


def test_every_command_says_what_it_does_and_what_each_option_means() -> None:
    for path, command in commands(typer.main.get_command(app)):
        assert command.help, path
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.help, f"{path} {parameter.name}"


def test_every_reading_command_can_print_json() -> None:
    reading = PROMISED - {"serve", "worker", "sandbox up"}
    for path, command in commands(typer.main.get_command(app)):
        if path.removeprefix("weft ") in reading:
            assert "--json" in {o for p in command.params for o in getattr(p, "opts", ())}, path


def test_every_target_of_the_makefile_explains_itself() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    explained = set(re.findall(r"^([a-z]+):.*## ", text, re.M))
    assert explained >= {"help", "install", "run", "test", "check", "conformance", "bench", "campaign"}


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("connectors/*/README.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_the_two_readmes_have_the_same_sections() -> None:
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert len(re.findall(r"^## ", english, re.M)) == len(re.findall(r"^## ", chinese, re.M))
    assert re.findall(r"^```", english, re.M) == re.findall(r"^```", chinese, re.M)
