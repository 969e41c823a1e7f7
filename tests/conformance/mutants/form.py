"""Mistakes in the form."""

from tests.conformance.mutants.mutant import CONFIG, CONNECTOR, Mutant

FORM = [
    Mutant(
        "unknown settings are accepted",
        CONFIG,
        "class AcmeConfig(Settings):\n",
        'class AcmeConfig(Settings):\n    model_config = ConfigDict(extra="ignore", frozen=True)\n\n',
        ("test_an_unknown_setting_is_refused_with_its_path",),
    ),
    Mutant(
        "settings can be changed",
        CONFIG,
        "class AcmeConfig(Settings):\n",
        'class AcmeConfig(Settings):\n    model_config = ConfigDict(extra="forbid", frozen=False)\n\n',
        ("test_settings_cannot_be_changed_afterwards",),
    ),
    Mutant(
        "a setting is not described",
        CONFIG,
        'Field(description="The API account")',
        "Field()",
        ("test_every_setting_is_described",),
    ),
    Mutant(
        "a password is a plain text",
        CONFIG,
        '    password: SecretStr = Field(description="The API account\'s password")',
        '    password: str = Field(description="The API account\'s password")',
        ("test_what_is_named_like_a_secret_is_one",),
    ),
    Mutant(
        "a secret has a default",
        CONFIG,
        "webhook_secret: SecretStr = Field(",
        'webhook_secret: SecretStr = Field(default=SecretStr("changeme"), ',
        ("test_no_secret_has_a_default_or_an_example",),
    ),
    Mutant(
        "its repr tells the login",
        CONNECTOR,
        "    @property\n    def namespace",
        """    def __repr__(self) -> str:
        return f"Acme({self._config.password.get_secret_value()})"

    @property
    def namespace""",
        ("test_nothing_that_shows_settings_shows_a_secret",),
    ),
    Mutant(
        "the namespace is no address",
        CONNECTOR,
        'return f"acme://{urlsplit(self._config.url).netloc}"',
        'return "acme"',
        ("test_its_namespace_names_the_system",),
    ),
    Mutant(
        "it has no title",
        CONNECTOR,
        '    title_zh: ClassVar[str] = "Acme 监控（示例）"',
        '    title_zh: ClassVar[str] = "Acme"',
        ("test_it_fits_the_contract",),
    ),
]
