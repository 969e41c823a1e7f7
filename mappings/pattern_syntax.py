"""From the text of a pattern to a small program: read characters, split, mark, match."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace

from mappings.errors import EvaluationError

MAX_PATTERN = 500
MAX_PROGRAM = 200
MAX_REPEAT = 100
MAX_GROUPS = 40


class Operation(enum.Enum):
    CHARACTER = enum.auto()
    SPLIT = enum.auto()
    SAVE = enum.auto()
    START = enum.auto()
    END = enum.auto()
    MATCH = enum.auto()


@dataclass(frozen=True, slots=True)
class CharSet:
    """A set of characters: ranges and classes, or everything but them."""

    ranges: tuple[tuple[str, str], ...] = ()
    classes: tuple[CharSet, ...] = ()
    test: Callable[[str], bool] | None = None
    negated: bool = False
    any_case: bool = False

    def has(self, character: str) -> bool:
        forms = {character, character.lower(), character.upper()} if self.any_case else {character}
        return any(self._holds(form) for form in forms) is not self.negated

    def _holds(self, c: str) -> bool:
        if self.test is not None and self.test(c):
            return True
        return any(low <= c <= high for low, high in self.ranges) or any(part.has(c) for part in self.classes)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a program. `to` comes next; a split prefers `to` to `other`."""

    operation: Operation
    to: int = 0
    other: int = 0
    number: int = 0
    characters: CharSet | None = None


_DIGIT = CharSet(ranges=(("0", "9"),))
_WORD = CharSet(ranges=(("_", "_"),), test=str.isalnum)
_SPACE = CharSet(test=str.isspace)
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CLASSES |= {name.upper(): replace(members, negated=True) for name, members in _CLASSES.items()}
_DOT = CharSet(ranges=(("\n", "\n"),), negated=True)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


# A part of a pattern, before it becomes a program.
@dataclass(frozen=True, slots=True)
class _Part:
    """`kind`: char, sequence, either, repeat, group, start, end."""

    kind: str
    parts: tuple[_Part, ...] = ()
    characters: CharSet | None = None
    literal: str = ""
    low: int = 0
    high: int | None = None
    lazy: bool = False
    number: int = 0


def compile_pattern(text: str) -> tuple[list[Instruction], str]:
    """The program, and a literal text that every match must hold. Raises EvaluationError with what is wrong."""
    if not text or len(text) > MAX_PATTERN:
        raise EvaluationError(f"a pattern has 1 to {MAX_PATTERN} characters")
    if "\x08" in text:
        raise EvaluationError("the pattern holds a backspace: write r'...' so that \\ stays what it is")
    reader = _Reader(text)
    tree = reader.read()
    writer = _Writer()
    end = writer.write(tree)
    for place in end:
        writer.link(place, len(writer.program))
    writer.add(Instruction(Operation.MATCH))
    return writer.program, "" if reader.any_case else _needed(tree)


def _needed(tree: _Part) -> str:
    """The longest run of literal characters that cannot be left out."""
    runs, run = [""], ""
    for part in tree.parts if tree.kind == "sequence" else (tree,):
        if part.kind == "char" and part.literal:
            run += part.literal
        else:
            runs.append(run)
            run = ""
    return max([*runs, run], key=len)


def _may_be_empty(part: _Part) -> bool:
    match part.kind:
        case "sequence" | "group":
            return all(map(_may_be_empty, part.parts))
        case "either":
            return any(map(_may_be_empty, part.parts))
        case "repeat":
            return part.low == 0 or _may_be_empty(part.parts[0])
    return part.kind != "char"


class _Reader:
    def __init__(self, text: str) -> None:
        self.any_case = text.startswith("(?i)")
        self.text = text
        self.at = 4 if self.any_case else 0
        self.groups = 0

    def read(self) -> _Part:
        tree = self._either(0)
        if self.at < len(self.text):
            raise self._wrong("')' without '('")
        return tree

    def _wrong(self, message: str) -> EvaluationError:
        return EvaluationError(f"the pattern {self.text[:80]!r} cannot be read at character {self.at + 1}: {message}")

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise self._wrong("it ends too early")
        self.at += 1
        return character

    def _either(self, depth: int) -> _Part:
        if depth > 20:
            raise self._wrong("groups are nested too deeply")
        ways = [self._sequence(depth)]
        while self._peek() == "|":
            self.at += 1
            ways.append(self._sequence(depth))
        return ways[0] if len(ways) == 1 else _Part("either", tuple(ways))

    def _sequence(self, depth: int) -> _Part:
        parts = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._one(depth)))
        return _Part("sequence", tuple(parts))

    def _one(self, depth: int) -> _Part:
        character = self._take()
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return self._char(self._class())
            case ".":
                return self._char(_DOT)
            case "^":
                return _Part("start")
            case "$":
                return _Part("end")
            case "\\":
                escaped = self._escape()
                return self._char(escaped) if isinstance(escaped, CharSet) else self._literal(escaped)
            case "*" | "+" | "?" | "{":
                raise self._wrong(f"nothing stands before {character!r}; for the sign itself write \\{character}")
        return self._literal(character)

    def _literal(self, character: str) -> _Part:
        return replace(self._char(CharSet(ranges=((character, character),))), literal=character)

    def _char(self, characters: CharSet) -> _Part:
        return _Part("char", characters=replace(characters, any_case=True) if self.any_case else characters)

    def _group(self, depth: int) -> _Part:
        number = 0
        if self._peek() == "?":
            self.at += 1
            if self._take() != ":":
                hint = "after '(?' only ':' is known; (?i) stands at the very beginning only"
                raise self._wrong(f"{hint}; look-around and names are not supported")
        else:
            self.groups += 1
            number = self.groups
            if number > MAX_GROUPS:
                raise self._wrong(f"more than {MAX_GROUPS} groups")
        inner = self._either(depth + 1)
        if self._peek() != ")":
            raise self._wrong("a ')' is missing")
        self.at += 1
        return _Part("group", (inner,), number=number) if number else inner

    def _escape(self) -> CharSet | str:
        character = self._take()
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise self._wrong(f"'\\{character}' is not supported (back-references and word borders are not)")
        return character

    def _class(self) -> CharSet:
        negated = self._peek() == "^"
        self.at += negated
        ranges: list[tuple[str, str]] = []
        classes: list[CharSet] = []
        begin = self.at
        while self._peek() != "]" or self.at == begin:
            low = self._member()
            if isinstance(low, CharSet):
                classes.append(low)
                continue
            high: CharSet | str = low
            if self._peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._member()
            if isinstance(high, CharSet) or high < low:
                raise self._wrong("the range is turned round")
            ranges.append((low, high))
        self.at += 1
        return CharSet(tuple(ranges), tuple(classes), negated=negated)

    def _member(self) -> CharSet | str:
        character = self._take()
        return self._escape() if character == "\\" else character

    def _repeated(self, part: _Part) -> _Part:
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek(), (-1, None))
        if low >= 0:
            self.at += 1
        elif self._peek() == "{":
            low, high = self._counts()
        else:
            return part
        if part.kind in ("start", "end"):
            raise self._wrong("'^' and '$' cannot be repeated")
        lazy = self._peek() == "?"
        self.at += lazy
        if self._peek() in ("*", "+", "?", "{"):
            raise self._wrong("a repetition of a repetition: put it in a group")
        if high != 1 and _may_be_empty(part):
            raise self._wrong("what is repeated may be empty: write it so that it takes at least one character")
        return _Part("repeat", (part,), low=low, high=high, lazy=lazy)

    def _counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not (low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))):
            raise self._wrong("after '{' a count is needed, such as {3} or {1,3}; for the sign itself write \\{")
        if len(low) > 3 or len(high) > 3 or int(low) > MAX_REPEAT or (high and int(high) > MAX_REPEAT):
            raise self._wrong(f"at most {MAX_REPEAT} repetitions can be counted")
        if high and int(high) < int(low):
            raise self._wrong("the counts are turned round")
        self.at = end + 1
        return int(low), int(high) if high else None if comma else int(low)


class _Writer:
    """Writes the program. `write` gives the places whose `to` (positive) or `other` (negative) is still to be
    linked."""

    def __init__(self) -> None:
        self.program: list[Instruction] = []

    def add(self, instruction: Instruction) -> int:
        if len(self.program) >= MAX_PROGRAM:
            raise EvaluationError("the pattern is too large: count less, or use two patterns")
        self.program.append(instruction)
        return len(self.program) - 1

    def link(self, loose: tuple[int, bool], target: int) -> None:
        place, other = loose
        changed = {"other": target} if other else {"to": target}
        self.program[place] = replace(self.program[place], **changed)  # type: ignore[arg-type]

    def write(self, part: _Part) -> list[tuple[int, bool]]:
        match part.kind:
            case "sequence":
                return self._sequence(part.parts)
            case "either":
                return self._either(part.parts)
            case "repeat":
                return self._repeat(part)
            case "group":
                return self._group(part)
        operation = {"char": Operation.CHARACTER, "start": Operation.START, "end": Operation.END}[part.kind]
        return [(self.add(Instruction(operation, characters=part.characters)), False)]

    def _sequence(self, parts: tuple[_Part, ...]) -> list[tuple[int, bool]]:
        loose: list[tuple[int, bool]] | None = None
        for part in parts:
            if loose is not None:
                self._link_all(loose, len(self.program))
            loose = self.write(part)
        return loose if loose is not None else [(self.add(Instruction(Operation.SAVE, number=99)), False)]

    def _either(self, parts: tuple[_Part, ...]) -> list[tuple[int, bool]]:
        loose: list[tuple[int, bool]] = []
        for index, part in enumerate(parts):
            if index + 1 == len(parts):
                return loose + self.write(part)
            split = self.add(Instruction(Operation.SPLIT))
            self.link((split, False), len(self.program))
            loose += self.write(part)
            self.link((split, True), len(self.program))
        return loose

    def _group(self, part: _Part) -> list[tuple[int, bool]]:
        opened = self.add(Instruction(Operation.SAVE, number=2 * part.number))
        self.link((opened, False), len(self.program))
        self._link_all(self.write(part.parts[0]), len(self.program))
        return [(self.add(Instruction(Operation.SAVE, number=2 * part.number + 1)), False)]

    def _repeat(self, part: _Part) -> list[tuple[int, bool]]:
        inner = part.parts[0]
        loose: list[tuple[int, bool]] = []
        for _ in range(part.low):
            self._link_all(loose, len(self.program))
            loose = self.write(inner)
        if part.high is None:
            self._link_all(loose, len(self.program))
            split = self.add(Instruction(Operation.SPLIT))
            self.link((split, part.lazy), len(self.program))
            self._link_all(self.write(inner), split)
            return [(split, not part.lazy)]
        skipped: list[tuple[int, bool]] = []
        for _ in range(part.high - part.low):
            self._link_all(loose, len(self.program))
            split = self.add(Instruction(Operation.SPLIT))
            self.link((split, part.lazy), len(self.program))
            skipped.append((split, not part.lazy))
            loose = self.write(inner)
        if not loose and not skipped:
            return [(self.add(Instruction(Operation.SAVE, number=99)), False)]
        return loose + skipped

    def _link_all(self, loose: list[tuple[int, bool]], target: int) -> None:
        for place in loose:
            self.link(place, target)
