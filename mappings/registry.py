"""The one registry of functions of the expression language.

A function is a plain Python function under `@function`: pure, typed by its annotations, documented by its docstring.
The first paragraph says what it does; every line of the form `lower('ABC') == 'abc'` after it is an example, an
expression that must be true (a test runs them all). Null arguments never reach it: the result is null then (false for a
predicate), except where the annotation says `| None`. Every fallible function takes one more argument, `otherwise`:
what to give instead of failing.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mappings.errors import EvaluationError
from mappings.values import Kind, as_decimal, as_number, describe, in_utc, kind_of

F = TypeVar("F", bound=Callable[..., Any])

REQUIRED = object()
DYNAMIC = object()
"""Stands for an argument that is known only with the record, where a function is specialised."""
FUNCTIONS: dict[str, Function] = {}


@dataclass(frozen=True, slots=True)
class Prepared:
    """An argument that is read from text once: a pattern, a zone, a unit. Written as a literal it is checked when the
    mapping is loaded; `literal_only` refuses anything else. `parse` raises EvaluationError."""

    parse: Callable[[str], Any]
    literal_only: bool = False


class Table:
    """Annotation of an argument that names one of the mapping's tables."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Kind
    sees_null: bool = False
    default: Any = REQUIRED
    variadic: bool = False
    exact: bool = False
    """Whole numbers are handed over as Decimal."""
    prepared: Prepared | None = None
    table: bool = False
    takes_text: bool = False
    """A text is handed over as it is."""

    def accept(self, value: Any, function: str) -> Any:
        """The value as the function gets it. Raises EvaluationError when it is of another kind."""
        if self.table:
            return value
        if self.prepared is not None:
            return self.prepared.parse(value) if isinstance(value, str) else self._refuse(value, function)
        kind = kind_of(value)
        if not self.kind.accepts(kind):
            return self._refuse(value, function)
        match self.kind:
            case Kind.NUMBER:
                return as_decimal(value) if self.exact else as_number(value)
            case Kind.INT:
                number = as_number(value)
                return int(number) if number == int(number) else self._refuse(value, function)
            case Kind.DATETIME:
                return in_utc(value)
            case Kind.ANY if isinstance(value, float):
                return as_number(value)
        return value

    def _refuse(self, value: Any, function: str) -> Any:
        wanted = "text" if self.prepared else str(self.kind)
        hints = {
            Kind.TEXT: ": write text(...)",
            Kind.NUMBER: ": write num(...)",
            Kind.DATETIME: ": write datetime(...)",
        }
        hint = hints.get(Kind.TEXT if self.prepared else self.kind, "")
        raise EvaluationError(f"{function}() takes {wanted} as {self.name!r}, got {describe(value)}{hint}")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language. `call` takes checked, non-null arguments; `checked` takes any."""

    name: str
    call: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    returns: Kind
    group: str
    doc: str
    version: int = 1
    predicate: bool = False
    fallible: bool = False
    """It fails on values of the right kind (text that is no number), unless `otherwise` is given."""
    aggregate: bool = False
    masking: bool = False
    lazy: bool = False
    """The first of its arguments that is not null; those after it are not looked at."""
    specialise: Callable[..., Callable[..., Any] | None] | None = None
    """Called once per call in a text, with what is known beforehand (else DYNAMIC). Gives a quicker function of the
    remaining arguments that does the same, or None; raises EvaluationError for arguments that can never go together."""
    inline: Callable[..., str] | None = None
    """Python source that does the same for arguments that are all text."""
    examples: tuple[str, ...] = field(default=())

    @property
    def variadic(self) -> bool:
        return bool(self.parameters) and self.parameters[-1].variadic

    def parameter(self, index: int) -> Parameter:
        """The parameter an argument at this position fills."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def filled_by(self, count: int) -> tuple[Parameter, ...]:
        """The parameters that so many arguments fill."""
        more = count - len(self.parameters)
        return self.parameters + self.parameters[-1:] * more if more > 0 else self.parameters

    def handles(self, count: int) -> bool:
        """Whether a call with so many arguments says what to give instead of failing."""
        return self.fallible and count == len(self.parameters)

    def raw(self, count: int) -> Callable[..., Any]:
        """What to call with so many checked arguments."""
        return self._guarded if self.handles(count) else self.call

    def _guarded(self, *arguments: Any) -> Any:
        try:
            return self.call(*arguments[:-1])
        except EvaluationError:
            return arguments[-1]

    @property
    def signature(self) -> str:
        """As it is documented: `lookup(value, table, [otherwise])`."""
        shown = []
        for p in self.parameters:
            optional = f"[{p.name}]" if self.fallible and p.name == "otherwise" else f"{p.name}={p.default!r}"
            shown.append(f"*{p.name}" if p.variadic else p.name if p.default is REQUIRED else optional)
        return f"{self.name}({', '.join(shown)})"

    def checked(self, *arguments: Any) -> Any:
        """The value for any arguments: null in, null out; other kinds refused. Raises EvaluationError."""
        accepted: list[Any] = []
        for parameter, value in zip(self.filled_by(len(arguments)), arguments, strict=False):
            if value.__class__ is str and parameter.takes_text:
                accepted.append(value)
            elif value is None:
                if not parameter.sees_null:
                    return False if self.predicate else None
                accepted.append(None)
            else:
                accepted.append(parameter.accept(value, self.name))
        return self.raw(len(accepted))(*accepted)


def function(
    name: str = "",
    *,
    version: int = 1,
    predicate: bool = False,
    fallible: bool = False,
    aggregate: bool = False,
    masking: bool = False,
    lazy: bool = False,
    specialise: Callable[..., Callable[..., Any] | None] | None = None,
    inline: Callable[..., str] | None = None,
) -> Callable[[F], F]:
    """Register a function of the language under its own name or another."""

    def register(call: F) -> F:
        doc, examples = _read_doc(call)
        returns, _ = _kind(get_type_hints(call)["return"])
        otherwise = (Parameter("otherwise", returns, sees_null=True, default=None),) if fallible else ()
        known = Function(
            name=name or call.__name__,
            call=call,
            parameters=(*_parameters(call), *otherwise),
            returns=returns,
            group=call.__module__.rpartition(".")[2],
            doc=doc,
            version=version,
            predicate=predicate,
            fallible=fallible,
            aggregate=aggregate,
            masking=masking,
            lazy=lazy,
            specialise=specialise,
            inline=inline,
            examples=examples,
        )
        if known.name in FUNCTIONS:
            raise ValueError(f"the function {known.name}() is registered twice")
        FUNCTIONS[known.name] = known
        return call

    return register


def prepared(parse: Callable[[str], Any], *, literal_only: bool = False) -> Prepared:
    """For `Annotated[T, prepared(parse)]`; texts that come with the data are parsed once and remembered."""
    return Prepared(lru_cache(maxsize=1024)(parse), literal_only)


def _read_doc(call: Callable[..., Any]) -> tuple[str, tuple[str, ...]]:
    text = inspect.getdoc(call) or ""
    examples = tuple(line for line in text.splitlines() if " == " in line or line.endswith(" is None"))
    doc = "\n".join(line for line in text.splitlines() if line not in examples).strip()
    if not doc or not examples:
        raise ValueError(f"the function {call.__name__}() needs a docstring with an example that is true")
    return doc, examples


def _parameters(call: Callable[..., Any]) -> tuple[Parameter, ...]:
    hints = get_type_hints(call, include_extras=True)
    found = []
    for name, given in inspect.signature(call).parameters.items():
        hint, preparation = hints[name], None
        if get_origin(hint) is Annotated:
            hint, preparation = get_args(hint)[0], get_args(hint)[1]
        kind, sees_null = (Kind.TEXT, type(None) in get_args(hint)) if preparation else _kind(hint)
        found.append(
            Parameter(
                name=name,
                kind=kind,
                sees_null=sees_null,
                default=REQUIRED if given.default is given.empty else given.default,
                variadic=given.kind is given.VAR_POSITIONAL,
                exact=Decimal in (hint, *get_args(hint)) and int not in get_args(hint),
                prepared=preparation,
                table=hint is Table,
                takes_text=kind in (Kind.TEXT, Kind.ANY) and preparation is None and hint is not Table,
            )
        )
    return tuple(found)


_HINTS: Mapping[Any, Kind] = {
    str: Kind.TEXT,
    Decimal: Kind.NUMBER,
    int: Kind.INT,
    bool: Kind.BOOL,
    datetime: Kind.DATETIME,
    date: Kind.DATE,
    list: Kind.LIST,
    dict: Kind.MAP,
    Any: Kind.ANY,
    Table: Kind.MAP,
}


def _kind(hint: Any) -> tuple[Kind, bool]:
    """The kind an annotation stands for, and whether null belongs to it."""
    sees_null = False
    if get_origin(hint) in (Union, types.UnionType):
        parts = set(get_args(hint))
        sees_null = type(None) in parts
        parts.discard(type(None))
        hint = Decimal if parts == {int, Decimal} else parts.pop() if len(parts) == 1 else Any
    return _HINTS[get_origin(hint) or hint], sees_null
