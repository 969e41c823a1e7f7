"""Mistakes that only the source shows, and gaps in the README."""

from tests.conformance.mutants.mutant import CLIENT, CONNECTOR, README, Mutant

SOURCE = [
    Mutant(
        "it sleeps",
        CLIENT,
        "    def close(self)",
        "    def rest(self) -> None:\n        time.sleep(1)\n\n    def close(self)",
        ("test_it_never_sleeps_or_retries",),
    ),
    Mutant(
        "it catches everything",
        CLIENT,
        "        except httpx.TransportError as error:\n            raise Transient",
        "        except Exception as error:\n            raise Transient",
        ("test_it_catches_only_what_it_names",),
    ),
    Mutant(
        "it uses the local time",
        CLIENT,
        "    def close(self)",
        "    def now(self) -> Any:\n        return datetime.now()\n\n    def close(self)",
        ("test_it_makes_no_naive_times",),
    ),
    Mutant(
        "it imports the database",
        CLIENT,
        "class Refused(Exception):",
        "def _engine() -> Any:\n    import sqlalchemy\n\n    return sqlalchemy\n\n\nclass Refused(Exception):",
        ("test_it_imports_no_database_and_no_room_of_the_hub",),
    ),
    Mutant(
        "a call may wait for ever",
        CLIENT,
        "            timeout=config.timeout_s,\n",
        "            timeout=None,\n",
        ("test_every_call_has_a_timeout",),
    ),
    Mutant(
        "a secret is compared letter by letter",
        CONNECTOR,
        "        if not delivery.verified:\n",
        "        if self._config.webhook_secret.get_secret_value() == delivery.path_token or not delivery.verified:\n",
        ("test_secrets_are_compared_in_constant_time",),
    ),
    Mutant(
        "its README lacks a section",
        README,
        "## Rights\n",
        "\n",
        ("test_its_readme_has_the_sections_people_look_for",),
    ),
    Mutant(
        "its README leaves out a setting",
        README,
        "`timeout_s`, ",
        "",
        ("test_its_readme_names_every_setting",),
    ),
    Mutant(
        "its README has no remedy",
        README,
        "## Troubleshooting\n",
        "\n",
        ("test_its_readme_says_what_to_do_when_it_fails",),
    ),
]
