"""YAML with places: every value knows its line and column. Nothing that hides, repeats or guesses: no anchors, aliases,
merge keys, duplicate keys, foreign tags or second documents; bounded in size and depth. Scalars follow YAML 1.2: `no`
and `2026-11-22` are texts, numbers are exact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import yaml

from mappings.errors import MappingError, Problem

MAX_BYTES = 262_144
MAX_DEPTH = 24
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,40})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,40}|(?=\.))(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of the document and where it stands (from 1). `text`: a scalar as written, for expressions."""

    value: Any
    line: int
    column: int
    text: str | None = None
    style: str = ""

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: entry.plain for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain for entry in self.value]
        return self.value

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Where a position inside this scalar's text stands in the document; the scalar's own place if that is not
        known."""
        if self.style == "|":
            return self.line + line, self.column + column - 1
        if self.style == ">":
            return self.line + 1, self.column
        if line == 1 and "\n" not in (self.text or ""):
            return self.line, self.column + column - 1 + (1 if self.style in ("'", '"') else 0)
        return self.line, self.column


Event: TypeAlias = yaml.Event


def read_document(text: str) -> Entry:
    """The document as a tree of entries. Raises MappingError."""
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise MappingError([Problem(f"the document is larger than {MAX_BYTES} bytes")])
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self.text = text
        self.events: Iterator[Event] = iter(())

    def read(self) -> Entry:
        try:
            self.events = iter(self._checked())
            root = self._entry(next(self.events))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise MappingError([Problem(f"this is not YAML: {error.problem}", line=line, column=column)]) from error
        except yaml.YAMLError as error:
            raise MappingError([Problem(f"this is not YAML: {error}".splitlines()[0])]) from error
        except StopIteration:
            raise MappingError([Problem("the document is empty", hint="begin with `mapping: name`")]) from None
        if self.problems:
            raise MappingError(self.problems)
        return root

    def _checked(self) -> list[Event]:
        """The events of the one document, refused before anything is built of them."""
        kept: list[Event] = []
        depth = documents = 0
        for event in yaml.parse(self.text, Loader=_LOADER):
            if isinstance(event, yaml.AliasEvent):
                self._stop(event, "aliases are refused", "write the value out")
            elif isinstance(event, yaml.NodeEvent) and event.anchor:
                self._stop(event, "anchors are refused", "write the value out")
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "a second document is refused", "one mapping per file")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                self._stop(event, f"nested deeper than {MAX_DEPTH}")
            if isinstance(event, (yaml.NodeEvent, yaml.CollectionEndEvent)):
                kept.append(event)
        return kept

    def _stop(self, event: Event, message: str, hint: str = "") -> None:
        line, column = self._place(event)
        raise MappingError([Problem(message, line=line, column=column, hint=hint)])

    def _refuse(self, line: int, column: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, line=line, column=column, hint=hint))

    @staticmethod
    def _place(event: Event) -> tuple[int, int]:
        mark = event.start_mark
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def _entry(self, event: Event) -> Entry:
        line, column = self._place(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, line, column)
        if isinstance(event, yaml.CollectionStartEvent) and event.tag:
            self._refuse(line, column, f"the tag {event.tag!r} is refused", "write plain YAML")
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(following := next(self.events), yaml.SequenceEndEvent):
                items.append(self._entry(following))
            return Entry(items, line, column)
        return Entry(self._pairs(), line, column)

    def _pairs(self) -> dict[str, Entry]:
        pairs: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line, column = self._place(event)
            key = self._entry(event)
            value = self._entry(next(self.events))
            if key.text is None:
                self._refuse(line, column, "a key must be a text")
            elif key.text == "<<":
                self._refuse(line, column, "merge keys are refused", "write the values out")
            elif key.text in pairs:
                self._refuse(line, column, f"the key {key.text!r} stands twice", "keep one of them")
            else:
                pairs[key.text] = value
        return pairs

    def _scalar(self, event: yaml.ScalarEvent, line: int, column: int) -> Entry:
        style = event.style or ""
        if style in ("|", ">"):
            lines = self.text.splitlines()
            first = next((row for row in lines[line:] if row.strip()), "")
            column = len(first) - len(first.lstrip()) + 1
        try:
            value = self._value(event, style)
        except (ValueError, ArithmeticError) as error:
            self._refuse(line, column, f"this value cannot be read: {error}")
            value = None
        return Entry(value, line, column, event.value, style)

    def _value(self, event: yaml.ScalarEvent, style: str) -> Any:
        text, tag = event.value, event.tag
        if tag == "!datetime":
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(f"the time {text!r} needs a zone, such as 2026-11-22T08:00:00Z")
            return moment
        if tag == "!date":
            return date.fromisoformat(text)
        if tag is not None and tag != "!":
            raise ValueError(f"the tag {tag!r} is refused; !datetime and !date are known")
        if style or tag == "!":
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and any(c.isdigit() for c in text):
            return Decimal(text)
        if re.fullmatch(r"[-+]?0[0-9]+", text):
            raise ValueError(f"{text} can be a number or a text: write it in quotes")
        return text
