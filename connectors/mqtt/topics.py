"""Topic templates: `dt/{site}/{device}/{metric}` says what to subscribe to and what a topic's levels mean.

A level is fixed text, `{name}`, or MQTT's `+` (any one level, meaning nothing). The last may be `{name*}` or `#`: all
levels that follow, `{name*}` at least one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

_LEVEL = re.compile(r"\{([a-z][a-z0-9_]*)(\*?)\}")
_SHARE = "$share"
UNFIT = re.compile(r"[/+#\x00]")
"""What a value must not hold to stand in one level of a topic."""


class TemplateError(ValueError):
    """A topic template can't be read; says which part and what to write instead."""


class Unfit(ValueError):
    """A value can't stand in a topic, or is missing; says which."""


class TopicTemplate:
    """A parsed template. `filter` is what to subscribe to, `names` the names its levels give."""

    __slots__ = ("_parts", "_pattern", "filter", "names", "text")

    def __init__(self, text: str) -> None:
        """:raises TemplateError:"""
        if not text or len(text) > 1000:
            raise TemplateError("write a topic such as dt/{site}/{device}/{metric}")
        if text.startswith(_SHARE):
            raise TemplateError("leave $share out of the topic and give `shared_group` instead")
        self.text = text
        self._parts = text.split("/")
        filters: list[str] = []
        patterns: list[str | None] = []
        names: list[str] = []
        for place, level in enumerate(self._parts):
            last = place == len(self._parts) - 1
            if level == "#" and last:
                filters.append("#")
                patterns.append(None)
            elif level == "+":
                filters.append("+")
                patterns.append("[^/]*")
            elif found := _LEVEL.fullmatch(level):
                name, many = found.groups()
                if name in names:
                    raise TemplateError(f"{{{name}}} stands twice in {text!r}")
                if many and not last:
                    raise TemplateError(f"{level} takes all levels that follow, so it must be the last of {text!r}")
                names.append(name)
                filters.append("#" if many else "+")
                patterns.append(f"(?P<{name}>{'.+' if many else '[^/]+'})")
            elif re.search(r"[{}+#]", level) or "\x00" in level:
                raise TemplateError(
                    f"level {level!r} of {text!r}: write fixed text, {{name}}, + or, as the last one, {{name*}} or #"
                )
            else:
                filters.append(level)
                patterns.append(re.escape(level))
        self.filter = "/".join(filters)
        self.names = frozenset(names)
        self._pattern = _compiled(patterns)

    def __repr__(self) -> str:
        return f"TopicTemplate({self.text!r})"

    def match(self, topic: str) -> dict[str, str] | None:
        """What the levels of this topic mean; None: it is no topic of this template. As in MQTT, a wildcard in the
        first level takes no topic that begins with $."""
        if topic.startswith("$") and self._parts[0][:1] in ("{", "+", "#"):
            return None
        found = self._pattern.fullmatch(topic)
        return None if found is None else found.groupdict()

    def fill(self, values: Mapping[str, object]) -> str:
        """The topic with these values in it.

        :raises Unfit: a name has no value, or one that can't stand in a topic.
        """
        levels = []
        for level in self._parts:
            found = _LEVEL.fullmatch(level)
            if found is None:
                if level in ("+", "#"):
                    raise Unfit(f"{self.text!r} has a wildcard; nothing can be published to it")
                levels.append(level)
                continue
            name, many = found.groups()
            value = values.get(name)
            text = "" if value is None else str(value)
            if not text:
                raise Unfit(f"{name} is missing; {self.text!r} needs it")
            parts = text.split("/") if many else [text]
            if any(UNFIT.search(part) or not part for part in parts) or len(text) > 500:
                raise Unfit(f"{name}: {text[:80]!r} can't stand in a topic (no /, +, # and no zero byte)")
            levels.append(text)
        return "/".join(levels)


def _compiled(patterns: Iterable[str | None]) -> re.Pattern[str]:
    text = ""
    for place, pattern in enumerate(patterns):
        if pattern is None:  # a/# also takes a itself
            text += ".*" if place == 0 else "(?:/.*)?"
        else:
            text += pattern if place == 0 else "/" + pattern
    return re.compile(text, re.DOTALL)


class TopicTable:
    """Finds the first of several templates that a topic belongs to; remembers topics, for the same ones come again."""

    def __init__(self, templates: Iterable[TopicTemplate]) -> None:
        self._templates = tuple(templates)
        self.find = lru_cache(maxsize=20_000)(self._find)

    def _find(self, topic: str) -> tuple[int, Mapping[str, str]] | None:
        """The place of the template and what the topic's levels mean; None: it belongs to none."""
        for place, template in enumerate(self._templates):
            values = template.match(topic)
            if values is not None:
                return place, values
        return None
