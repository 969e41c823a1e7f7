"""The connector itself: its form, its honesty about the system's state, and its silence about secrets."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from connectors.conformance.case import Cases, abilities, case
from connectors.conformance.offline import no_network
from connectors.conformance.values import is_chinese
from connectors.conformance.world import Break
from connectors.contract import Connector, Health, Policy
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, InvalidConfig, Transient
from connectors.registry import why_not
from connectors.settings import config_schema, parse_config, safe_config, secret_values

SECRET_NAME = re.compile(r"password|passwd|secret|token$|api_?key|private_?key|credential", re.IGNORECASE)


class ItselfCases(Cases):
    @case()
    def test_it_fits_the_contract(self, world: Any) -> None:
        kind = self.world_type.connector_type
        assert why_not(kind) == ""
        assert isinstance(world.connector(), Connector)
        assert isinstance(kind.policy, Policy)
        assert kind.title, "no title"
        assert is_chinese(kind.title_zh), "title_zh is not Chinese"

    @case()
    def test_every_setting_is_described(self, world: Any) -> None:
        bare = [path for path, field in _fields(config_schema(type(world.connector())).schema) if not field]
        assert not bare, f"without a description: {', '.join(bare)}"

    @case()
    def test_an_unknown_setting_is_refused_with_its_path(self, world: Any) -> None:
        data = {**world.config(), "no_such_setting": 1}
        with pytest.raises(InvalidConfig) as refusal:
            parse_config(type(world.connector()), data)
        assert [problem.path for problem in refusal.value.problems] == ["no_such_setting"]
        nested = config_schema(type(world.connector())).schema.get("$defs", {})
        lax = [name for name, model in nested.items() if "properties" in model and model.get("additionalProperties", 1)]
        assert not lax, f"these inner models take unknown fields, set extra='forbid': {', '.join(lax)}"

    @case()
    def test_settings_cannot_be_changed_afterwards(self, world: Any) -> None:
        config = parse_config(type(world.connector()), world.config())
        with pytest.raises(ValidationError, match="frozen"):
            setattr(config, next(iter(type(config).model_fields)), "x")

    @case()
    def test_no_secret_has_a_default_or_an_example(self, world: Any) -> None:
        kind = type(world.connector())
        for path in config_schema(kind).secrets:
            field = kind.Config.model_fields[path.split(".")[0].removesuffix("[]")]
            default = field.get_default(call_default_factory=False)
            text = default.get_secret_value() if hasattr(default, "get_secret_value") else default
            assert not (isinstance(text, str) and text), f"{path} has a default secret"
            assert not field.examples, f"{path} has an example"

    @case()
    def test_what_is_named_like_a_secret_is_one(self, world: Any) -> None:
        schema = config_schema(self.world_type.connector_type)
        secret = {path.replace("[]", "").rpartition(".")[2] for path in schema.secrets}
        names = [name for name in _texts(schema.schema) if SECRET_NAME.search(name) and name not in secret]
        assert not names, f"make these SecretStr: {', '.join(names)}"

    @case()
    def test_nothing_that_shows_settings_shows_a_secret(self, world: Any) -> None:
        kind, scrubber = type(world.connector()), self.scrubber(world)
        config = parse_config(kind, world.config())
        schema = config_schema(kind)
        assert not schema.secrets or secret_values(config), "config() must set the secrets"
        connector = world.connector()
        shown = [repr(config), str(config), config.model_dump_json(), str(safe_config(config)), str(schema.schema)]
        shown += [repr(connector), str(connector), connector.namespace]
        assert not [text for text in shown if scrubber.leaks(text)]

    @case()
    def test_making_one_calls_nobody(self, world: Any) -> None:
        kind = self.world_type.connector_type
        with no_network():
            made: Any = kind
            made(parse_config(kind, world.config())).close()

    @case()
    def test_its_namespace_names_the_system(self, world: Any) -> None:
        first, second = world.connector().namespace, world.connector().namespace
        parts = urlsplit(first)
        assert parts.scheme, f"{first!r}: use scheme://host:port"
        assert parts.netloc, f"{first!r}: use scheme://host:port"
        assert "@" not in parts.netloc
        assert first == second

    @case()
    def test_closing_twice_is_closing_once(self, world: Any) -> None:
        connector = world.connector()
        connector.close()
        connector.close()

    @case()
    def test_check_says_yes_to_a_healthy_system(self, world: Any) -> None:
        changes = world.changes
        health = world.connector().check()
        assert isinstance(health, Health)
        assert health.ok, health.message
        assert world.calls > 0 or self._only_listens(), "check() must really ask the system"
        assert world.changes == changes, "check() changed the system"

    @case(breaks=["auth"])
    def test_check_says_no_to_refused_credentials(self, world: Any) -> None:
        world.break_next(Break("auth"))
        _unhealthy(world, (AuthProblem,))

    @case(breaks=["cut"])
    def test_check_says_no_when_nobody_answers(self, world: Any) -> None:
        world.break_next(Break("cut"))
        _unhealthy(world, (Transient, ConfigProblem))

    @case(breaks=["junk"])
    def test_check_says_no_to_an_unreadable_answer(self, world: Any) -> None:
        world.break_next(Break("junk"))
        _unhealthy(world, (Transient, ConfigProblem))

    @case("silver")
    def test_check_tells_the_version_it_met(self, world: Any) -> None:
        if self._only_listens():
            pytest.skip("nobody is asked: the other side calls us")
        assert world.connector().check().remote_version

    @case("silver")
    def test_every_missing_right_says_what_for_and_where_to_grant_it(self, world: Any) -> None:
        if not hasattr(world, "without_rights"):
            pytest.skip("this system knows no rights")
        world.without_rights()
        health = world.connector().check()
        assert health.missing_rights, "check() does not notice the missing rights"
        for lack in health.missing_rights:
            assert lack.right
            assert lack.needed_for
            assert lack.grant_at

    @case()
    def test_every_failure_is_typed_and_tells_no_secret(self, world: Any) -> None:
        scrubber = self.scrubber(world)
        for kind in sorted(world.breaks):
            with self.fresh() as other, _listening() as heard:
                told = "\n".join(_say(other, Break(kind)))
            assert not scrubber.leaks(told), f"an error after {kind} holds a secret: {scrubber.text(told)}"
            assert not scrubber.leaks(heard.getvalue()), f"a log line after {kind} holds a secret"

    def _only_listens(self) -> bool:
        return abilities(self.world_type.connector_type) <= {"receives"}


def _unhealthy(world: Any, allowed: tuple[type[ConnectorError], ...]) -> None:
    """A failing check either says no, with a message, or raises one of these."""
    try:
        health = world.connector().check()
    except allowed:
        return
    assert not health.ok, "check() says all is well"
    assert health.message, "check() says no, but not why"


def _verbs(world: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    """One call of everything the connector can do."""
    can = abilities(world.connector_type)
    yield "check", lambda: world.connector().check()
    if "answers" in can:
        for known in world.asks():
            yield "lookup", lambda known=known: world.connector().lookup(known.ask)  # type: ignore[misc]
    if "writes" in can:
        for command in world.commands():
            yield "write", lambda command=command: world.connector().write(command)  # type: ignore[misc]
            yield "confirm", lambda command=command: world.connector().confirm(command)  # type: ignore[misc]
    if "receives" in can:
        for delivery in world.forged():
            yield "receive", lambda delivery=delivery: world.connector().receive(delivery)  # type: ignore[misc]
    if "reads" in can:
        for stream in world.connector().streams():
            yield "read", lambda stream=stream: list(world.connector().read(stream, None))  # type: ignore[misc]


def _say(world: Any, how: Break) -> Iterator[str]:
    """Everything the connector says when this happens to each of its calls."""
    done: set[str] = set()
    for verb, call in _verbs(world):
        if how.kind == "timeout" and verb in done:
            continue  # waiting takes its time: once for each verb is enough
        done.add(verb)
        world.break_next(how)
        try:
            said = call()
        except ConnectorError as error:
            yield "\n".join([str(error), repr(error), error.hint, repr(vars(error))])
            continue
        yield str(said) if isinstance(said, Health) else ""


@contextlib.contextmanager
def _listening() -> Iterator[io.StringIO]:
    """All that is logged or printed meanwhile, libraries' debug lines included."""
    heard = io.StringIO()
    handler, root = logging.StreamHandler(heard), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            yield heard
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _texts(schema: dict[str, Any]) -> Iterator[str]:
    """Every field of the form that can hold a text, nested models' included."""
    for model in (schema, *schema.get("$defs", {}).values()):
        for name, field in model.get("properties", {}).items():
            kinds = {field.get("type"), *(branch.get("type") for branch in field.get("anyOf", ()))}
            if "string" in kinds:
                yield name


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every field of the form, nested models' included, with its description."""
    for owner, model in {"": schema, **schema.get("$defs", {})}.items():
        for name, field in model.get("properties", {}).items():
            described = field.get("description") or re.sub(r"\s", "", str(field.get("const", "")))
            yield (f"{owner}.{name}" if owner else name), str(described)
