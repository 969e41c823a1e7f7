"""Regular expressions in time linear in the text, whatever the pattern: no backtracking, so no pattern and no text
can hang the hub.

Known are literals, `.`, classes (`[a-z0-9_]`, `[^ ]`, `\\d` digits, `\\w` letters, digits and `_`, `\\s` white space
and their opposites), groups, `|`, `* + ? {m,n}` (with `?` after them: as little as possible), `^`, `$` and, at the
very beginning, `(?i)` for upper case as lower case. Back-references and look-around cannot be had in linear time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mappings.errors import EvaluationError
from mappings.pattern_syntax import CharSet, Instruction, Operation, compile_pattern

MAX_SEARCHED = 8_192
"""Characters of a text that is searched."""
_MAX_MOVES = 5_000


@dataclass(eq=False, slots=True)
class _State:
    """A set of places in the program, reached together. `decided`: nothing later can change the answer any more."""

    places: frozenset[int]
    decided: bool | None
    at_end: bool
    moves: dict[str, _State] = field(default_factory=dict)


class Pattern:
    """A compiled pattern. Thread-safe; what it learns about texts is bounded."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.program, self.needed = compile_pattern(text)
        self._forget()

    def _forget(self) -> None:
        self._states: dict[frozenset[int], _State] = {}
        self._moves = 0
        self._start = self._state(self._closure([0], at_start=True, at_end=False))

    # -- is it there? -----------------------------------------------------------------------------------------------

    def found_in(self, text: str) -> bool:
        """Whether the pattern occurs anywhere in the text. Raises EvaluationError for a text that is too long."""
        _check_length(text)
        if self.needed not in text:
            return False
        state = self._start
        if not text:
            return self._accepts(self._closure([0], at_start=True, at_end=True))
        for character in text:
            if state.decided is not None:
                return state.decided
            following = state.moves.get(character)
            state = following if following is not None else self._move(state, character)
        return state.at_end if state.decided is None else state.decided

    def _move(self, state: _State, character: str) -> _State:
        """The state after one more character, worked out once and remembered."""
        if self._moves > _MAX_MOVES:
            self._forget()
        program = self.program
        after = [
            program[place].to
            for place in state.places
            if program[place].operation is Operation.CHARACTER and _fits(program[place], character)
        ]
        following = self._state(self._closure([*after, 0], at_start=False, at_end=False))
        state.moves[character] = following
        self._moves += 1
        return following

    def _state(self, places: frozenset[int]) -> _State:
        known = self._states.get(places)
        if known is None:
            matched = self._accepts(places)
            decided = True if matched else None if places else False
            known = _State(
                places, decided, matched or self._accepts(self._closure(places, at_start=False, at_end=True))
            )
            self._states[places] = known
        return known

    def _accepts(self, places: Iterable[int]) -> bool:
        return any(self.program[place].operation is Operation.MATCH for place in places)

    def _closure(self, places: Iterable[int], *, at_start: bool, at_end: bool) -> frozenset[int]:
        """All places reached without reading a character. An end mark waits there until the end has come."""
        reached: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place in reached:
                continue
            reached.add(place)
            step = self.program[place]
            match step.operation:
                case Operation.SPLIT:
                    waiting += [step.to, step.other]
                case Operation.SAVE:
                    waiting.append(step.to)
                case Operation.START if at_start:
                    waiting.append(step.to)
                case Operation.END if at_end:
                    waiting.append(step.to)
        kept = (Operation.CHARACTER, Operation.MATCH, Operation.END)
        return frozenset(place for place in reached if self.program[place].operation in kept)

    # -- what is it? ------------------------------------------------------------------------------------------------

    def extract(self, text: str) -> str | None:
        """The first group of the first occurrence, or the whole occurrence of a pattern without groups; None when it
        does not occur or the group took no part. Raises EvaluationError for a text that is too long."""
        if not self.found_in(text):
            return None
        tried = bytearray(len(self.program) * (len(text) + 1))
        for start in range(len(text) + 1):
            marks = self._run(text, start, tried)
            if marks is not None:
                first, last = (2, 3) if 3 in marks else (0, 1)
                if self._has_group and first == 0:
                    return None
                return text[marks[first] : marks[last]]
        return None

    @property
    def _has_group(self) -> bool:
        return any(step.operation is Operation.SAVE and step.number == 2 for step in self.program)

    def _run(self, text: str, start: int, tried: bytearray) -> dict[int, int] | None:
        """The marks of a match that begins here, preferred ways first. A place is never tried twice at one position,
        by any start: what failed once fails again."""
        width = len(text) + 1
        waiting: list[tuple[int, int, dict[int, int]]] = [(0, start, {0: start})]
        while waiting:
            place, at, marks = waiting.pop()
            if tried[place * width + at]:
                continue
            tried[place * width + at] = 1
            step = self.program[place]
            match step.operation:
                case Operation.MATCH:
                    return {**marks, 1: at}
                case Operation.CHARACTER if at < len(text) and _fits(step, text[at]):
                    waiting.append((step.to, at + 1, marks))
                case Operation.SPLIT:
                    waiting += [(step.other, at, marks), (step.to, at, marks)]
                case Operation.SAVE:
                    waiting.append((step.to, at, {**marks, step.number: at} if step.number < 4 else marks))
                case Operation.START if at == 0:
                    waiting.append((step.to, at, marks))
                case Operation.END if at == len(text):
                    waiting.append((step.to, at, marks))
        return None


def _fits(step: Instruction, character: str) -> bool:
    characters: CharSet | None = step.characters
    return characters is not None and characters.has(character)


def _check_length(text: str) -> None:
    if len(text) > MAX_SEARCHED:
        raise EvaluationError(f"a pattern searches at most {MAX_SEARCHED} characters: shorten the text with truncate()")
