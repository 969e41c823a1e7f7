"""Patterns: regular expressions whose time is linear in the text, without back-references and look-around."""

from __future__ import annotations

from typing import Annotated

from mappings.registry import function, prepared
from mappings.regular import Pattern

PatternText = Annotated[Pattern, prepared(Pattern, literal_only=True)]


@function(predicate=True)
def matches(value: str, pattern: PatternText) -> bool:
    """Whether the pattern occurs in the text; `^` and `$` bind it to the ends, `(?i)` in front takes upper case as
    lower case. The pattern is a literal. False with null.

    matches('web-17.example', r'^web-\\d+') == True
    matches('Disk FULL', '(?i)disk (full|failed)') == True
    """
    return pattern.found_in(value)


@function()
def extract(value: str, pattern: PatternText) -> str | None:
    """What the first group of the pattern took where it first occurs, or the whole occurrence when it has no group;
    null when it does not occur. The pattern is a literal.

    extract('CPU on web-17 is 95%', r'on (\\S+) is') == 'web-17'
    extract('CPU 95%', '[0-9]+') == '95'
    extract('idle', '[0-9]+') is None
    """
    return pattern.extract(value)
