"""The form of a mapping document, checked part by part; every problem is noted with its place."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from mappings.calls import fallible_calls
from mappings.document_reader import Entry
from mappings.edges import EVERY_FIELD
from mappings.errors import EvaluationError, MappingError, Problem
from mappings.external import external, find_function
from mappings.mapping import Case, OnError, Rule
from mappings.outputs import coerce, fits, read_type
from mappings.parsing import Scope, parse, parse_path
from mappings.record_types import Field, RecordType
from mappings.records import RECORDS
from mappings.suggestions import among, nearest
from mappings.tree import Literal, Node, Read, depth_of, is_name
from mappings.values import Kind

MAX_FIELDS = 300
MAX_TABLE = 10_000
MAX_LET_DEPTH = 120
"""Levels of nesting, with every intermediate name replaced by what it stands for."""
_TOP = ("mapping", "description", "version", "from", "to", "where", "tables", "let", "fields", "tests")
_FIELD = ("expr", "call", "reads", "type", "on_error")
_TEST = ("name", "in", "out", "dead", "skipped")


@dataclass(slots=True)
class Checked:
    """What a sound document says."""

    name: str
    description: str
    connector: str
    stream: str
    target: RecordType
    lets: dict[str, Node]
    where: Node | None
    rules: dict[str, Rule]
    cases: tuple[Case, ...]


# a rule's template is tried on stored messages before it is published; it may have tests, but need not
_UNTESTED = frozenset({"Ticket"})


class DocumentChecker:
    """Reads the parts of one document; `check` gives them, or raises MappingError with every problem."""

    def __init__(self, root: Entry, allow: Collection[str]) -> None:
        self.root = root
        self.allow = allow
        self.problems: list[Problem] = []
        self.scope = Scope()

    def check(self) -> Checked:
        top = self.pairs(self.root, "", _TOP)
        for key in ("mapping", "from", "to", "fields"):
            if key not in top:
                self.refuse(self.root, key, f"{key!r} is missing")
        name = self.text(top.get("mapping"), "mapping")
        if name and not is_name(name):
            self.refuse(top["mapping"], "mapping", f"{name!r} is no name", "letters, digits and _ only")
        connector, stream, names = self.origin(top.get("from"))
        target = self.target(top.get("to"))
        if "tests" not in top and target.name not in _UNTESTED:
            self.refuse(
                self.root, "tests", "'tests' is missing", "a mapping without tests is refused: give one `in` and `out`"
            )
        tables = self.tables(top.get("tables"))
        self.scope = Scope(names, {}, tables)
        lets = self.lets(top.get("let"))
        self.scope = Scope(names, lets, tables)
        where = self.where(top.get("where"))
        rules = self.rules(top.get("fields"), target)
        cases = self.cases(top.get("tests"), rules)
        if self.problems:
            raise MappingError(sorted(self.problems, key=lambda p: (p.line, p.column)))
        description = self.text(top.get("description"), "description")
        return Checked(name, description, connector, stream, target, lets, where, rules, cases)

    # -- notes ------------------------------------------------------------------------------------------------------

    def refuse(self, at: Entry, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, path, at.line, at.column, hint))

    def pairs(self, entry: Entry | None, path: str, known: Collection[str] | None = None) -> dict[str, Entry]:
        """The entries of a map, unknown keys noted; empty when there is none."""
        if entry is None:
            return {}
        if not isinstance(entry.value, dict):
            self.refuse(entry, path, "keys and values are needed here", f"write {', '.join(known)}" if known else "")
            return {}
        for key, value in entry.value.items():
            if known is not None and key not in known:
                self.refuse(value, f"{path}.{key}" if path else key, f"the key {key!r} is not known", among(key, known))
        return entry.value

    def text(self, entry: Entry | None, path: str) -> str:
        if entry is None:
            return ""
        if entry.text is None or entry.value is None:
            self.refuse(entry, path, "a text is needed here")
            return ""
        return entry.text

    def expression(
        self, entry: Entry, path: str, read: Callable[[str, Scope], tuple[Any, list[Problem]]] = parse
    ) -> Any:
        """The tree of an expression, or None with its problems noted at their place in the document."""
        if entry.text is None:
            self.refuse(entry, path, "an expression is needed here", 'in braces, put it in quotes: {expr: "..."}')
            return None
        tree, problems = read(entry.text, self.scope)
        for problem in problems:
            line, column = entry.place(problem.line, problem.column)
            self.problems.append(Problem(problem.message, path, line, column, problem.hint))
        return tree

    # -- parts ------------------------------------------------------------------------------------------------------

    def origin(self, entry: Entry | None) -> tuple[str, str, Collection[str] | None]:
        """Connector, stream and, for a canonical record of the hub, the names that may be read."""
        parts = self.pairs(entry, "from", ("connector", "stream", "record"))
        if "record" not in parts:
            for key in ("connector", "stream"):
                if entry is not None and key not in parts:
                    self.refuse(entry, f"from.{key}", f"{key!r} is missing", "from: {connector: ..., stream: ...}")
            return (
                self.text(parts.get("connector"), "from.connector"),
                self.text(parts.get("stream"), "from.stream"),
                None,
            )
        record = self.text(parts["record"], "from.record")
        if record not in RECORDS:
            self.refuse(parts["record"], "from.record", f"there is no record {record!r}", among(record, RECORDS))
            return "hub", record, None
        return "hub", record, {*RECORDS[record].fields, "ids", "hub"}

    def target(self, entry: Entry | None) -> RecordType:
        """The canonical record, or a dataset of one's own whose fields have the types that the mapping says."""
        own = RecordType("", "", (), {})
        if entry is None:
            return own
        if not isinstance(entry.value, dict):
            name = self.text(entry, "to")
            if name not in RECORDS:
                hint = among(name, RECORDS, 20) + "; for a dataset of your own: {dataset: name, key: [field]}"
                self.refuse(entry, "to", f"there is no record {name!r}", hint)
            return RECORDS.get(name, own)
        parts = self.pairs(entry, "to", ("dataset", "key"))
        for part in ("dataset", "key"):
            if part not in parts:
                self.refuse(entry, f"to.{part}", f"{part!r} is missing", "to: {dataset: name, key: [field]}")
        key = parts["key"].plain if "key" in parts else []
        if not isinstance(key, list) or not key or not all(isinstance(k, str) for k in key):
            self.refuse(parts.get("key", entry), "to.key", "a list of field names is needed here")
            key = []
        name = self.text(parts.get("dataset"), "to.dataset")
        if name in RECORDS:
            self.refuse(parts["dataset"], "to.dataset", f"{name!r} is a canonical record", f"write to: {name}")
        return RecordType(name, "", tuple(key), {})

    def tables(self, entry: Entry | None) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, table in self.pairs(entry, "tables").items():
            path = f"tables.{name}"
            if not is_name(name):
                self.refuse(table, path, f"{name!r} is no name", "letters, digits and _ only")
            rows = self.pairs(table, path)
            if len(rows) > MAX_TABLE:
                self.refuse(table, path, f"a table has at most {MAX_TABLE} rows")
            for key, value in rows.items():
                if value.text is None or value.value is None:
                    self.refuse(value, f"{path}.{key}", "a text, a number or a boolean is needed here")
            found[name] = {key: value.plain for key, value in rows.items()}
        return found

    def lets(self, entry: Entry | None) -> dict[str, Node]:
        lets: dict[str, Node] = {}
        for name, expression in self.pairs(entry, "let").items():
            path = f"let.{name}"
            if not is_name(name) or name == "row" or name in self.scope.tables:
                self.refuse(expression, path, f"{name!r} cannot be used as a name here")
            self.scope = Scope(self.scope.names, lets, self.scope.tables)
            tree = self.expression(expression, path)
            if tree is not None and depth_of(tree) > MAX_LET_DEPTH:
                self.refuse(expression, path, "the names build on one another too deeply", "use fewer steps")
                tree = None
            lets[name] = tree if tree is not None else Literal("None", 1, 1, Kind.ANY, True, None)
        if len(lets) > MAX_FIELDS and entry is not None:
            self.refuse(entry, "let", f"at most {MAX_FIELDS} names are allowed")
        return lets

    def where(self, entry: Entry | None) -> Node | None:
        if entry is None:
            return None
        tree = self.expression(entry, "where")
        if isinstance(tree, Node) and (tree.kind is Kind.NULL or not Kind.BOOL.accepts(tree.kind)):
            self.refuse(
                entry, "where", f"a condition is true or false, this is {tree.kind}", "compare it with something"
            )
        return tree if isinstance(tree, Node) else None

    def rules(self, entry: Entry | None, target: RecordType) -> dict[str, Rule]:
        rules: dict[str, Rule] = {}
        parts = self.pairs(entry, "fields")
        if entry is not None and not 0 < len(parts) <= MAX_FIELDS:
            self.refuse(entry, "fields", f"between 1 and {MAX_FIELDS} fields are needed")
        for name, form in parts.items():
            rule = self.rule(name, form, target)
            if rule is not None:
                rules[name] = rule
        needed = target.required or target.key if not target.fields else target.required
        for name in needed:
            if entry is not None and target.name and name not in parts:
                self.refuse(
                    entry, f"fields.{name}", f"the required field {name!r} is missing", f"{target.name} needs it"
                )
        return rules

    def rule(self, name: str, form: Entry, target: RecordType) -> Rule | None:
        path = f"fields.{name}"
        if name in ("", EVERY_FIELD):
            self.refuse(form, path, f"{name!r} cannot be the name of a field")
        if target.fields and name not in target.fields:
            self.refuse(form, path, f"{target.name} has no field {name!r}", among(name, target.fields, 30))
            return None
        field = target.fields.get(name) or Field(name, Kind.ANY, required=name in target.key)
        parts = self.pairs(form, path, _FIELD) if isinstance(form.value, dict) else {"expr": form}
        if "type" in parts:
            try:
                field = read_type(self.text(parts["type"], f"{path}.type"), field)
            except ValueError as error:
                self.refuse(parts["type"], f"{path}.type", str(error))
        tree = self.tree(parts, form, path)
        if tree is None:
            return None
        complaint = fits(tree, field)
        if complaint:
            self.refuse(form, path, complaint)
        policy, default = self.on_error(parts.get("on_error"), f"{path}.on_error", field)
        if policy is None:
            policy = "dead_letter" if field.required else "null"
            failing = fallible_calls(tree)
            if field.required and failing:
                message = f"{failing[0].function.name}() can fail, and {name!r} must have a value"
                self.refuse(form, path, message, "say on_error: dead_letter, or on_error: {default: ...}")
        return Rule(field, tree, policy, default, form.line)

    def tree(self, parts: dict[str, Entry], form: Entry, path: str) -> Node | None:
        if ("expr" in parts) == ("call" in parts):
            self.refuse(form, path, "exactly one of 'expr' and 'call' is needed")
            return None
        if "expr" in parts:
            tree = self.expression(parts["expr"], f"{path}.expr" if parts["expr"] is not form else path)
            return tree if isinstance(tree, Node) else None
        if "reads" not in parts or not isinstance(parts["reads"].value, list) or not parts["reads"].value:
            self.refuse(parts.get("reads", form), f"{path}.reads", "'call' needs the list of fields it reads")
            return None
        return self.call(parts, path)

    def call(self, parts: dict[str, Entry], path: str) -> Node | None:
        reads: list[Read] = []
        for index, entry in enumerate(parts["reads"].value):
            found = self.expression(entry, f"{path}.reads[{index}]", parse_path)
            if found is None:
                continue
            if not found or not all(isinstance(key, str) for key in found):
                self.refuse(entry, f"{path}.reads[{index}]", "a named field is needed here")
            elif any(found[: len(r.path)] == r.path or r.path[: len(found)] == found for r in reads):
                self.refuse(entry, f"{path}.reads[{index}]", "this field lies inside another one of the list")
            else:
                reads.append(Read(entry.text or "", entry.line, entry.column, Kind.ANY, True, found))
        name = self.text(parts["call"], f"{path}.call")
        try:
            function = find_function(name, self.allow)
        except ValueError as error:
            self.refuse(parts["call"], f"{path}.call", str(error))
            return None
        return external(name, function, tuple(reads), parts["call"].line)

    def on_error(self, entry: Entry | None, path: str, field: Field) -> tuple[OnError | None, Any]:
        if entry is None:
            return None, None
        if isinstance(entry.value, dict):
            parts = self.pairs(entry, path, ("default",))
            if "default" not in parts:
                return None, None
            try:
                default = coerce(parts["default"].plain, field)
            except EvaluationError as error:
                self.refuse(entry, path, str(error))
                return "null", None
            if default is None and field.required:
                self.refuse(entry, path, f"{field.name!r} must have a value")
            return "default", default
        if entry.text == "dead_letter":
            return "dead_letter", None
        if entry.text == "null":
            if field.required:
                self.refuse(entry, path, f"{field.name!r} must have a value", "dead_letter, or {default: ...}")
            return "null", None
        hint = nearest(entry.text or "", ("dead_letter", "null", "default"))
        self.refuse(entry, path, "this is no way to handle an error", hint or "dead_letter, null, or {default: ...}")
        return None, None

    def cases(self, entry: Entry | None, rules: dict[str, Rule]) -> tuple[Case, ...]:
        if entry is None:
            return ()
        if not isinstance(entry.value, list) or not entry.value:
            self.refuse(entry, "tests", "a list of at least one test is needed", "- in: {...}  then  out: {...}")
            return ()
        return tuple(self.case(item, index, rules) for index, item in enumerate(entry.value))

    def case(self, entry: Entry, index: int, rules: dict[str, Rule]) -> Case:
        path = f"tests[{index}]"
        parts = self.pairs(entry, path, _TEST)
        if "in" not in parts:
            self.refuse(entry, path, "'in' is missing")
        if sum(key in parts for key in ("out", "dead", "skipped")) != 1:
            self.refuse(entry, path, "exactly one of 'out', 'dead' and 'skipped' is needed")
        self.pairs(parts.get("in"), f"{path}.in")
        expected = self.pairs(parts.get("out"), f"{path}.out")
        for name in expected:
            if rules and name not in rules:
                self.refuse(expected[name], f"{path}.out.{name}", f"the mapping sets no {name!r}", among(name, rules))
        if "skipped" in parts and parts["skipped"].value is not True:
            self.refuse(parts["skipped"], f"{path}.skipped", "only true can stand here")
        return Case(
            name=self.text(parts.get("name"), f"{path}.name") or f"test {index + 1}",
            record=parts["in"].plain if "in" in parts and isinstance(parts["in"].value, dict) else {},
            out={name: item.plain for name, item in expected.items()},
            dead=self.text(parts["dead"], f"{path}.dead") if "dead" in parts else None,
            skipped="skipped" in parts,
            line=entry.line,
        )
