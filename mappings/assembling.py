"""One function for a whole mapping: `where` first, then every field, each with its own net."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mappings.compiler import Compiler
from mappings.evaluation import Evaluator
from mappings.mapping import FieldError, Result, Rule, locate, replay
from mappings.operators import reason, truth
from mappings.outputs import missing, write_coercion
from mappings.tree import LetRead, Node, reads_of, walk
from mappings.writer import FAILURES


def assemble(
    where: Node | None, lets: Mapping[str, Node], rules: Mapping[str, Rule]
) -> tuple[Callable[[Mapping[str, Any]], Result], str]:
    """The mapping's `run` and its source."""
    writer = Compiler()
    writer.names.update(Result=Result, note=_note, dead=_dead, dead_where=_dead_where)
    if where is not None:
        _write_where(writer, lets, where)
    trees = [rule.tree for rule in rules.values()]
    writer.read_all(reads_of(*trees))
    _write_lets(writer, lets, trees)
    writer.line("errors = ()")
    names = [_write_field(writer, rule) for rule in rules.values()]
    pairs = ", ".join(f"{field!r}: {name}" for field, name in zip(rules, names, strict=True))
    writer.line(f"return Result({{{pairs}}}, errors)")
    return writer.build("run", "record")


def _write_where(writer: Compiler, lets: Mapping[str, Node], where: Node) -> None:
    writer.read_all(reads_of(where))
    _write_lets(writer, lets, [where])
    with writer.block("try:"):
        writer.line(f"matched = {writer.test(where)}")
    with writer.block("except FAILURES as error:"):
        writer.line(f"return dead_where({writer.constant(where)}, record, error)")
    with writer.block("if not matched:"):
        writer.line("return Result({}, (), None, False)")


def _write_lets(writer: Compiler, lets: Mapping[str, Node], trees: Iterable[Node]) -> None:
    """Compute the intermediate names these trees need, in the order they are declared."""
    needed = {part.name for tree in trees for part in walk(tree) if isinstance(part, LetRead)}
    for declared, tree in lets.items():
        if declared in needed and declared not in writer.lets:
            name = writer.fresh("n")
            with writer.block("try:"):
                writer.line(f"{name} = {writer.value(tree)}")
            with writer.block("except FAILURES as error:"):
                writer.line(f"{name} = Failed(error)")
            writer.lets[declared] = name


def _write_field(writer: Compiler, rule: Rule) -> str:
    name = writer.fresh("f")
    with writer.block("try:"):
        writer.line(f"{name} = {writer.value(rule.tree)}")
        write_coercion(writer, name, rule.tree, rule.field)
        if rule.field.required:
            refusal = writer.constant(rule.field, "R")
            writer.names["missing"] = missing
            writer.line(f"if {name} is None: raise missing({refusal})")
    with writer.block("except FAILURES as error:"):
        this = writer.constant(rule, "rule")
        if rule.on_error == "dead_letter":
            writer.line(f"return dead({this}, record, errors)")
        else:
            writer.line(f"{name} = {writer.constant(rule.default)}")
            writer.line(f"errors = note({this}, record, errors)")
    return name


def _failure(rule: Rule, record: Mapping[str, Any]) -> FieldError:
    _, error = replay(rule, Evaluator(record))
    if error is None:
        raise RuntimeError(f"the field {rule.field.name!r} failed in run() but not in its replay: {rule.tree.text}")
    return error


def _note(rule: Rule, record: Mapping[str, Any], errors: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
    return (*errors, _failure(rule, record))


def _dead(rule: Rule, record: Mapping[str, Any], errors: tuple[FieldError, ...]) -> Result:
    return Result({}, errors, _failure(rule, record))


def _dead_where(where: Node, record: Mapping[str, Any], error: Exception) -> Result:
    evaluator = Evaluator(record)
    try:
        truth(evaluator.value(where))
    except FAILURES as again:
        if evaluator.steps:
            return Result({}, (), locate("where", evaluator, again))
    return Result({}, (), FieldError("where", reason(error), where.text, where.line, where.column))
