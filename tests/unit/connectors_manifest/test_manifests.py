"""From a file to a connector: what is refused, and with which words; what it is then."""

from __future__ import annotations

import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import grades
from connectors.conformance.exam import examine
from connectors.contract import capabilities
from connectors.errors import InvalidConfig
from connectors.manifest import BadManifest, connector_of, kinds, read, shipped, yaml_text
from connectors.registry import installed, why_not
from connectors.settings import config_schema, parse_config, safe_config

SCAFFOLD = kinds()["rest"].scaffold("shop")


def changed(**more: Any) -> str:
    return yaml_text.dump(yaml_text.load(SCAFFOLD) | more)


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(BadManifest) as refusal:
        connector_of(text)
    return [(p.path, f"{p.message} {p.hint}") for p in refusal.value.problems]


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_new_manifest_of_every_kind_is_a_connector(kind: str) -> None:
    made: Any = connector_of(kinds()[kind].scaffold("shop"))
    assert why_not(made) == ""
    assert made.name == "shop"
    assert made.manifest.kind == kind


def test_the_same_text_is_the_same_class() -> None:
    assert connector_of(SCAFFOLD) is connector_of(SCAFFOLD)
    assert connector_of(changed(title="Other")) is not connector_of(SCAFFOLD)


def test_it_can_do_what_its_sections_say_and_nothing_else() -> None:
    assert capabilities(connector_of(SCAFFOLD)) == {"reads"}
    assert capabilities(connector_of(kinds()["webhook"].scaffold("bell"))) == {"receives"}


def test_all_mistakes_are_told_at_once() -> None:
    told = problems(changed(title_zh="Shop", policy={"rate_per_s": 0}, streamz={}))
    assert {path for path, _ in told} >= {"title_zh", "policy.rate_per_s", "streamz"}
    assert "did you mean 'streams'?" in dict(told)["streamz"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "not valid YAML"), ("- a", "a manifest is a mapping"), ("a: 1\na: 2", "stands twice"),
        ("a: &x 1\nb: *x", "aliases"), ("connector: x", "write one of"), ("", "a manifest is a mapping"),
        ("kind: !!python/object:os.system x", "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused_in_words(text: str, told: str) -> None:
    assert told in problems(text)[0][1]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"config": {"api_key": {"description": "the key"}}}, "give it `type: secret`"),
        ({"config": {"key": {"type": "secret", "description": "the key", "default": "x"}}}, "a secret has no default"),
        ({"config": {"a": {"type": "choice", "description": "one of"}}}, "choices"),
        ({"check": {"request": {"path": "/x/{config.api_key}"}}}, "a secret in an address"),
        ({"check": {"request": {"path": "/x", "params": {"k": "{config.api_key}"}}}}, "a secret in an address"),
        ({"check": {"request": {"path": "/x/{since}"}}}, "has no value here"),
        ({"check": {"request": {"path": "x"}}}, "pattern"),
        ({"check": {"request": {"path": "/{"}}}, "single '{'"),
        ({"mappings": {"nothing": {}}}, "there is no such stream"),
        ({"auth": {"kind": "oauth2", "client_id": "a", "client_secret": "b"}}, "either token_path or token_url"),
        ({"streams": {}}, "at least one of streams"),
    ],
)
def test_a_mistake_is_refused_with_what_to_write_instead(more: dict[str, Any], told: str) -> None:
    assert told in str(problems(changed(**more)))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"cursor": "nothing"}, "declare the cursor"), ({"cursor": "quantity"}, "datetime"),
        ({"lookback": "soon"}, "write a duration"),
        ({"absent_is_deleted": True}, "belongs to a snapshot"), ({"zone": "Mars/Base"}, "there is no time zone"),
        ({"paging": {"kind": "token"}}, "`next` belongs"), ({"paging": {"kind": "none"}}, "needs a `paging`"),
        ({"paging": {"kind": "offset"}}, "page.offset"), ({"request": {"path": "/items"}}, "uses {since}"),
        ({"fields": {"id": "string"}}, "Input should be"), ({"records": "a..b"}, "is no path"), ({"key": []}, "at least 1"),
    ],
)  # fmt: skip
def test_a_stream_that_cannot_work_is_refused(more: dict[str, Any], told: str) -> None:
    streams = yaml_text.load(SCAFFOLD)["streams"]
    assert told in str(problems(changed(streams={"item": streams["item"] | more})))


def test_the_form_is_made_of_the_inputs() -> None:
    config = {
        "api_key": {"type": "secret", "description": "the key"},
        "mode": {"type": "choice", "choices": ["a", "b"], "description": "which"},
        "limit": {"type": "number", "min": 1, "max": 2.5, "default": 1.5, "description": "how much"},
        "site": {"description": "where", "optional": True},
    }
    made = connector_of(changed(config=config))
    schema = config_schema(made)
    assert schema.secrets == ("api_key",)
    assert set(schema.schema["required"]) == {"url", "api_key", "mode"}
    given = {"url": "http://x/", "api_key": "k", "mode": "a"}
    told: Any = parse_config(made, given)
    assert (told.url, told.limit, told.site, told.page_size) == ("http://x", Decimal("1.5"), None, 200)
    assert "k" not in safe_config(told).values()
    wrongs: list[dict[str, Any]] = [{"mode": "c"}, {"limit": 3}, {"url": "ftp://x"}, {"url": "http://u:p@x"}]
    for wrong in wrongs:
        with pytest.raises(InvalidConfig) as refusal:
            parse_config(made, given | wrong)
        assert [p.path for p in refusal.value.problems] == list(wrong)


def test_its_page_tells_what_people_look_for() -> None:
    made: Any = connector_of(SCAFFOLD)
    for part in ("## Settings", "`api_key`", "`page_size`", "Secret.", "Stream `item`", "## Limits", "`updated_at`"):
        assert part in made.readme


def test_a_tests_record_goes_through_the_fields_first() -> None:
    mapping = yaml_text.load(SCAFFOLD)["mappings"]["item"]
    wrong = {**mapping, "tests": [{"in": {"id": "a", "quantity": "abc"}, "out": {}}]}
    ((path, told),) = problems(changed(mappings={"item": wrong}))
    assert path == "mappings.item.tests[0].in"
    assert "quantity" in told


def test_an_error_survives_pickling() -> None:
    with pytest.raises(BadManifest) as refusal:
        connector_of("a: [", "x.yaml")
    again = pickle.loads(pickle.dumps(refusal.value))
    assert (str(again), again.problems) == (str(refusal.value), refusal.value.problems)


def test_the_manifests_that_come_with_weft_are_installed() -> None:
    names = {path.stem for path in shipped()}
    assert names >= {"scm_scorecards", "hris_shifts", "knowledge_base"}
    catalogue = installed()
    assert names <= set(catalogue.good)
    assert not {f"{name}.yaml" for name in names} & set(catalogue.broken)


def test_a_broken_file_is_listed_with_its_reason_and_the_others_load(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SCAFFOLD, "utf-8")
    (tmp_path / "bad.yaml").write_text("connector: bad\nkind: rest\n", "utf-8")
    (tmp_path / "twin.yaml").write_text(SCAFFOLD, "utf-8")
    (tmp_path / "latin.yaml").write_bytes(b"title: \xff")
    catalogue = installed([], [tmp_path, tmp_path / "nowhere"])
    assert list(catalogue.good) == ["shop"]
    assert set(catalogue.broken) == {"bad.yaml", "twin.yaml", "latin.yaml"}
    assert "title" in catalogue.broken["bad.yaml"]
    assert "already taken" in catalogue.broken["twin.yaml"]


def test_a_grade_is_computed_kept_and_lost_with_the_first_change(tmp_path: Path) -> None:
    path = tmp_path / "bell.yaml"
    path.write_text(kinds()["webhook"].scaffold("bell"), "utf-8")
    made = read(path)
    assert grades.grade_of(made) is None
    report, failures = examine(made)
    assert (report.grade, failures) == ("gold", {})
    grades.save(made, report.grade)
    assert grades.grade_of(made) == "gold"
    path.write_text(path.read_text("utf-8") + "# changed\n", "utf-8")
    assert grades.grade_of(read(path)) is None


def test_without_a_sample_there_is_nothing_to_try_it_on() -> None:
    stream = yaml_text.load(SCAFFOLD)["streams"]["item"] | {"samples": []}
    with pytest.raises(BadManifest, match="samples"):
        examine(connector_of(changed(streams={"item": stream})))


def test_a_manifest_whose_confirm_finds_nothing_gets_no_grade() -> None:
    send = {
        "title": "Send", "title_zh": "发送", "key": ["id"], "request": {"method": "POST", "path": "/things/{key.id}"},
        "confirm": {"request": {"path": "/things/{key.id}"}, "where": {"ref": "{command.idempotency_key}"}},
        "sample": {"key": {"id": "a"}},
    }  # fmt: skip
    report, failures = examine(connector_of(changed(operations={"send": send})))
    assert report.grade is None
    assert "test_a_written_command_is_confirmed_after_a_crash" in failures
