"""Mapping documents: what is accepted, and that everything wrong with one is said at once, at its place."""

from __future__ import annotations

import pickle
import time
from dataclasses import replace
from pathlib import Path

import pytest

import mappings
from mappings import LibraryError, Mapping, MappingError, Problem, load_library, load_mapping
from mappings.registry import FUNCTIONS

STOCK = """
mapping: u8_stock            # the example of the language's design
version: 3
from: {connector: yonyou_u8, stream: current_stock}
to: {dataset: hub.stock, key: [item, warehouse]}
where: iQuantity is not None and bStopFlag == False
tables: {currency: {RMB: CNY, US$: USD}}
fields:
  item: cInvCode
  warehouse: default(cWhCode, 'main')
  location: concat(Factory, '/', Workshop, '/', Line)
  health: 0.3*vib + 0.5*temp + 0.2*load
  currency: lookup(Cur, currency, 'CNY')
  due: {expr: "date(DueDate, '%Y/%m/%d')", on_error: dead_letter}
  qty: {expr: num(iQuantity), type: "decimal(18,4)", on_error: dead_letter}
  note: {call: "mappings.functions.notes:clean", reads: [cMemo, cInvName]}
tests:
  - in:  {cInvCode: M1, iQuantity: "2.5", DueDate: 2026/11/22, Cur: RMB, bStopFlag: false}
    out: {item: M1, qty: "2.5000", due: "2026-11-22", currency: CNY, note: null}
"""

SMALL = """
mapping: small
from: {connector: c, stream: s}
to: Device
fields:
  id: id
  name: name
tests:
  - in: {id: a, name: b}
    out: {id: a}
"""


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(MappingError) as refusal:
        load_mapping(text, "file.yaml")
    return refusal.value.problems


def only(text: str) -> Problem:
    (problem,) = problems(text)
    return problem


def test_the_example_of_the_design_loads_and_holds() -> None:
    mapping = load_mapping(STOCK)
    assert mapping.check() == []
    assert (mapping.name, mapping.connector, mapping.stream) == ("u8_stock", "yonyou_u8", "current_stock")
    assert (mapping.target, mapping.key) == ("hub.stock", ("item", "warehouse"))
    assert mapping.fields[:3] == ("item", "warehouse", "location")
    assert mapping.functions == {"default": 1, "concat": 1, "lookup": 1, "date": 1, "num": 1}


def test_every_example_of_the_page_loads_and_holds() -> None:
    page = (Path(mappings.__file__).parents[1] / "docs" / "mapping-language.md").read_text("utf-8")
    examples = [part.partition("```")[0] for part in page.split("```yaml\n")[1:]]
    assert examples
    for example in examples:
        assert load_mapping(example).check() == []


def test_the_version_is_that_of_the_content() -> None:
    mapping = load_mapping(SMALL)
    assert len(mapping.version) == 64
    assert load_mapping(SMALL.replace("id: id", "id:   id   # the code")).version == mapping.version
    assert load_mapping(SMALL.replace("id: id", "'id': \"id\"")).version == mapping.version
    assert load_mapping(SMALL.replace("id: id", "id: code")).version != mapping.version
    assert (
        load_mapping(SMALL.replace("in: {id: a", "in: {id: 1")).version
        != load_mapping(SMALL.replace("in: {id: a", "in: {id: '1'")).version
    )


def test_the_version_is_also_that_of_the_functions_called(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_mapping(STOCK), load_mapping(SMALL)
    monkeypatch.setitem(FUNCTIONS, "concat", replace(FUNCTIONS["concat"], version=2))
    assert load_mapping(STOCK).version != before[0].version
    assert load_mapping(STOCK).functions["concat"] == 2
    assert load_mapping(SMALL).version == before[1].version


def test_the_text_alone_makes_the_same_mapping_again() -> None:
    mapping = load_mapping(STOCK, "stock.yaml")
    again = load_mapping(mapping.text)
    assert again.version == mapping.version
    assert again.edges == mapping.edges
    copy: Mapping = pickle.loads(pickle.dumps(mapping))
    assert (copy.version, copy.origin) == (mapping.version, "stock.yaml")


def test_all_problems_are_listed_in_the_order_of_the_text() -> None:
    text = (
        STOCK.replace("mapping:", "maping:")
        .replace("Factory, '/'", "Factory + '/'")
        .replace("lookup(Cur, currency,", "lookup(Cur, curency,")
        .replace("on_error: dead_letter}\n  qty", "on_error: dead_leter}\n  qty")
        .replace("item: cInvCode", "item: lowwer(cInvCode)")
        .replace("decimal(18,4)", "decimal(4,18)")
    )
    found = problems(text)
    said = [(p.path, p.hint or p.message) for p in found]
    assert ("mapping", "'mapping' is missing") in said
    assert ("maping", "did you mean 'mapping'?") in said
    assert ("fields.item", "did you mean 'lower'?") in said
    assert ("fields.location", "join texts with concat()") in said
    assert ("fields.currency", "did you mean 'currency'?") in said
    assert ("fields.due.on_error", "did you mean 'dead_letter'?") in said
    assert any(path == "fields.qty.type" and "1 <= p" in hint for path, hint in said)
    assert [p.line for p in found] == sorted(p.line for p in found)


def test_a_problem_in_an_expression_points_into_the_document() -> None:
    for form in (
        "  name: concat(a, nope(b))",
        "  name: 'concat(a, nope(b))'",
        '  name: {expr: "concat(a, nope(b))"}',
        "  name: |\n    concat(a,\n      nope(b))",
    ):
        text = SMALL.replace("  name: name", form)
        problem = only(text)
        assert text.splitlines()[problem.line - 1][problem.column - 1 :].startswith("nope("), form


def test_the_origin_stands_before_every_problem() -> None:
    with pytest.raises(MappingError, match=r"(?m)^file.yaml: line 3.*\nfile.yaml: line 4"):
        load_mapping(SMALL.replace("connector: c", "conector: c").replace("to: Device", "to: Devise"), "file.yaml")


# -- the form -------------------------------------------------------------------------------------------------------


def test_a_mapping_without_tests_is_refused() -> None:
    assert "without tests is refused" in only(SMALL.partition("tests:")[0]).hint
    for nothing in ("tests: []", "tests:", "tests: {}"):
        assert only(SMALL.partition("tests:")[0] + nothing).path == "tests"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("to: Device", "to: Devise", "did you mean 'Device'?"),
        ("  name: name", "  nam: name", "did you mean 'name'?"),
        ("  name: name", "  serial: name", "the required field 'name' is missing"),
        ("  name: name", "  name: None", "'name' must have a value"),
        ("  name: name", "  name:", "the expression is empty"),
        ("  name: name", "  name: [name]", "an expression is needed here"),
        ("  name: name", "  name: {expr: name, tpye: text}", "did you mean 'type'?"),
        ("  name: name", "  name: {expr: name, type: number}", "'name' is text, it cannot be number"),
        ("  name: name", "  name: {expr: name, type: txt}", "did you mean 'text'?"),
        ("  name: name", "  name: {type: text}", "exactly one of 'expr' and 'call'"),
        ("  name: name", "  name: {expr: name, on_error: null}", "'name' must have a value"),
        ("  name: name", "  name: {expr: name, on_error: {default: null}}", "'name' must have a value"),
        ("  name: name", "  name: {expr: name, on_error: {default: [1]}}", "has no text of its own"),
        ("  name: name", "  name: {expr: name, on_error: {defalt: x}}", "did you mean 'default'?"),
        ("  name: name", "  name: split(name, '/')", "'name' is text, this is list: convert it with join() or json()"),
        ("  name: name", "  name: name\n  installed_at: text(x)", "convert it with datetime()"),
        ("  name: name", "  name: name\n  installed_at: 5", "datetime is needed, got int 5"),
        ("  name: name", "  name: name\nwhere: lower(x)", "a condition is true or false, this is text"),
        ("  name: name", "  name: name\nwhere: None", "a condition is true or false, this is null"),
        ("  name: name", "  name: name\nlet: {row: a}", "'row' cannot be used as a name here"),
        ("  name: name", "  name: name\nlet: {a b: a}", "'a b' cannot be used as a name here"),
        ("  name: name", "  name: name\ntables: {t: [1]}", "keys and values are needed here"),
        ("  name: name", "  name: name\ntables: {t: {a: [1]}}", "a text, a number or a boolean"),
        ("  name: name", "  name: t\ntables: {t: {a: b}}\nfrom2: 1", "the key 'from2' is not known"),
        ("to: Device", "to: {dataset: Device, key: [id]}", "write to: Device"),
        ("to: Device", "to: {dataset: d}", "'key' is missing"),
        ("to: Device", "to: {dataset: d, key: id}", "a list of field names is needed"),
        ("to: Device", "to: {dataset: d, key: [code]}", "the required field 'code' is missing"),
        ("  name: name", "  name: name\n  '*': name", "'*' cannot be the name of a field"),
        ("from: {connector: c, stream: s}", "from: c", "keys and values are needed here"),
        ("from: {connector: c, stream: s}", "from: {connector: c}", "'stream' is missing"),
        ("from: {connector: c, stream: s}", "from: {record: Alarm}", "there is no record 'Alarm'"),
        ("from: {connector: c, stream: s}", "from: {record: Alert}", "there is no 'id' here"),
        ("mapping: small", "mapping: small one", "letters, digits and _ only"),
        ("    out: {id: a}", "    out: {idd: a}", "did you mean 'id'?"),
        ("    out: {id: a}", "    outt: {id: a}", "exactly one of 'out', 'dead' and 'skipped'"),
        ("    out: {id: a}", "    skipped: false", "only true can stand here"),
        ("    out: {id: a}", "    out: {id: a}\n    dead: x", "exactly one of"),
        ("  - in: {id: a, name: b}\n", "  - name: x\n", "'in' is missing"),
    ],
)
def test_a_wrong_part_is_named_with_what_to_write(old: str, new: str, said: str) -> None:
    assert old in SMALL
    assert said in "\n".join(map(str, problems(SMALL.replace(old, new))))


def test_a_fallible_call_in_a_required_field_must_say_what_happens() -> None:
    for expression in ("text(num(name))", "lookup(name, {'a': 'b'})", "text(convert(1, name, 'C'))"):
        problem = only(SMALL.replace("name: name", f'name: "{expression}"'))
        assert "can fail, and 'name' must have a value" in problem.message
        assert "on_error: dead_letter" in problem.hint
        long = f'name: {{expr: "{expression}", on_error: dead_letter}}'
        assert load_mapping(SMALL.replace("name: name", long)).fields == ("id", "name")
    assert load_mapping(SMALL.replace("name: name", "name: \"lookup(name, {'a': 'b'}, 'c')\""))
    assert load_mapping(SMALL.replace("name: name", "name: name\n  serial: text(num(x))"))


def test_a_literal_is_checked_against_its_field() -> None:
    text = "mapping: m\nfrom: {connector: c, stream: s}\nto: Ticket\nfields:\n  kind: \"'incident'\"\n  title: t\n"
    tests = "tests: [{in: {t: x}, out: {title: x}}]\n"
    assert load_mapping(text + "  priority: \"'P1'\"\n" + tests).check() == []
    assert "none of P0, P1, P2, P3" in only(text + "  priority: \"'P7'\"\n" + tests).message


# -- YAML -----------------------------------------------------------------------------------------------------------

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "anchors are refused"),
        ("a: *b", "aliases are refused"),
        ("a: &b 1", "anchors are refused"),
        ("<<: {a: 1}", "merge keys are refused"),
        ("a: 1\na: 2", "the key 'a' stands twice"),
        ("a: {b: 1, b: 2}", "the key 'b' stands twice"),
        ("!!python/object/apply:os.system ['true']", "is refused"),
        ("a: !!python/name:os.system x", "is refused"),
        ("a: !!binary aGk=", "is refused"),
        ("--- a\n--- b", "second document"),
        ("a: [1", "not YAML"),
        ("a: 'b", "not YAML"),
        ("\tb: 1", "not YAML"),
        ("a: \x00", "not YAML"),
        ("", "the document is empty"),
        ("# nothing", "the document is empty"),
        ("just a text", "keys and values are needed"),
        ("[1, 2]", "keys and values are needed"),
        ("? [a]\n: b", "a key must be a text"),
        ("[" * 50_000, "nested deeper"),
        ("{a: " * 5_000 + "1", "nested deeper"),
        ("x: " + "y" * 300_000, "larger than"),
        ("tests: [{in: {a: 007}}]", "write it in quotes"),
        ("tests: [{in: {a: !datetime 2026-11-22T08:00:00}}]", "needs a zone"),
        ("tests: [{in: {a: !date 2026-13-22}}]", "cannot be read"),
    ],
)
def test_hostile_and_broken_yaml_is_refused_at_once(text: str, said: str) -> None:
    started = time.process_time()
    assert said in "\n".join(map(str, problems(text)))
    assert time.process_time() - started < 1


def test_scalars_are_what_they_look_like() -> None:
    text = SMALL.replace(
        "in: {id: a, name: b}",
        "in: {id: no, name: 2026-11-22, a: 12:30, b: 1.50, c: true, d: null, e: 12, f: '12', "
        "g: !datetime 2026-11-22T08:00:00Z}",
    ).replace("id: a}", "id: 'no'}")
    case = load_mapping(text).cases[0]
    assert str(case.record["b"]) == "1.50"
    assert {k: v for k, v in case.record.items() if k not in "bg"} == {
        "id": "no",
        "name": "2026-11-22",
        "a": "12:30",
        "c": True,
        "d": None,
        "e": 12,
        "f": "12",
    }
    assert case.record["g"].isoformat() == "2026-11-22T08:00:00+00:00"
    assert load_mapping(text).check() == []


def test_an_expression_is_text_whatever_yaml_makes_of_it() -> None:
    mapping = load_mapping(SMALL.replace("name: name", "name: name\n  serial: 1.50\n  model: no\n  labels: {expr: a}"))
    assert mapping.run({"id": 1, "name": 2, "no": "x"}).values["serial"] == "1.50"
    assert mapping.run({"id": 1, "name": 2, "no": "x"}).values["model"] == "x"


# -- libraries ------------------------------------------------------------------------------------------------------


def test_a_library_is_every_mapping_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shipped_mappings"
    package.mkdir()
    (package / "__init__.py").write_text('"""Mappings."""\n')
    (package / "b.yaml").write_text(SMALL)
    (package / "a.yaml").write_text(STOCK)
    (package / "readme.txt").write_text("no mapping")
    monkeypatch.syspath_prepend(str(tmp_path))
    library = load_library("shipped_mappings")
    assert list(library) == ["u8_stock", "small"]
    assert library["small"].origin == "shipped_mappings/b.yaml"
    (package / "c.yaml").write_text(SMALL)
    with pytest.raises(MappingError, match=r"c.yaml: .*'small' is the name of shipped_mappings/b.yaml too"):
        load_library("shipped_mappings")
    (package / "c.yaml").write_text("a: 1")
    (package / "d.yaml").write_text("b: [")
    with pytest.raises(LibraryError, match=r"(?s)c.yaml: line 1.*d.yaml: line") as refusal:
        load_library("shipped_mappings")
    assert [error.origin for error in refusal.value.errors] == ["shipped_mappings/c.yaml", "shipped_mappings/d.yaml"]
    copy = pickle.loads(pickle.dumps(refusal.value))
    assert (str(copy), copy.problems) == (str(refusal.value), refusal.value.problems)


@pytest.mark.parametrize("text", ["E5", "e10", "+E5"])
def test_an_unquoted_word_that_only_looks_like_a_number_is_a_text(text: str) -> None:
    document = "mapping: m\nfrom: {connector: c, stream: s}\nto: {dataset: d.e, key: [id]}\nfields: {id: model}\n"
    mapping = load_mapping(document + f"tests:\n  - in: {{model: {text}}}\n    out: {{id: '{text}'}}\n")
    assert mapping.check() == []
