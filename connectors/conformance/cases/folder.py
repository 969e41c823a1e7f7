"""The connector's folder: what its source must never do, and what its README must tell."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from connectors.conformance import source
from connectors.conformance.case import Cases, case
from connectors.settings import config_schema

SECTIONS = ("Settings", "Credentials", "Rights", "Objects and fields", "Limits")


class FolderCases(Cases):
    @case()
    def test_it_never_sleeps_or_retries(self, world: Any) -> None:
        self._nothing_found(source.sleeping)

    @case()
    def test_it_catches_only_what_it_names(self, world: Any) -> None:
        self._nothing_found(source.broad_excepts)

    @case()
    def test_it_makes_no_floats(self, world: Any) -> None:
        self._nothing_found(source.floats)

    @case()
    def test_it_makes_no_naive_times(self, world: Any) -> None:
        self._nothing_found(source.naive_times)

    @case()
    def test_it_imports_no_database_and_no_room_of_the_hub(self, world: Any) -> None:
        self._nothing_found(source.forbidden_imports)

    @case()
    def test_every_call_has_a_timeout(self, world: Any) -> None:
        self._nothing_found(source.endless_calls)

    @case()
    def test_secrets_are_compared_in_constant_time(self, world: Any) -> None:
        self._nothing_found(source.timing_leaks)

    @case()
    def test_its_readme_has_the_sections_people_look_for(self, world: Any) -> None:
        headings = re.findall(r"^#+\s*(.+?)\s*$", self._readme(), re.MULTILINE)
        missing = [section for section in SECTIONS if not any(section.lower() in h.lower() for h in headings)]
        assert not missing, f"README.md has no section {', '.join(missing)}"

    @case("silver")
    def test_its_readme_names_every_setting(self, world: Any) -> None:
        text = self._readme()
        names = config_schema(self.world_type.connector_type).schema["properties"]
        missing = [name for name in names if f"`{name}`" not in text]
        assert not missing, f"README.md does not tell of {', '.join(missing)}"

    @case("silver")
    def test_it_comes_with_a_sandbox_to_try_it_on(self, world: Any) -> None:
        assert (self._folder() / "sandbox.py").is_file(), "no sandbox.py: how does one try it without the system?"

    @case("gold")
    def test_its_readme_says_what_to_do_when_it_fails(self, world: Any) -> None:
        assert re.search(
            r"^#+\s*.*(Troubleshooting|Runbook|When it fails)", self._readme(), re.MULTILINE | re.IGNORECASE
        )

    def _folder(self) -> Path:
        return Path(inspect.getfile(self.world_type.connector_type)).parent

    def _readme(self) -> str:
        """The page beside the code; of a connector made of a manifest, the page made of it."""
        written = getattr(self.world_type.connector_type, "readme", None)
        if isinstance(written, str):
            return written
        path = self._folder() / "README.md"
        assert path.is_file(), f"{self._folder().name} has no README.md"
        return path.read_text(encoding="utf-8")

    def _nothing_found(self, finder: source.Finder) -> None:
        found = source.findings(self.world_type.connector_type, finder)
        assert not found, "\n".join(found)
