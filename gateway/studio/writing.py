"""Where a path such as `[2].ticket.title` stands in a YAML text."""

from __future__ import annotations

import re

import yaml

_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")


def place_of(text: str, path: str) -> tuple[int | None, int | None]:
    """Line and column (from 1) of the deepest part of the path that the text has; (None, None) for what is no YAML."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None, None
    if node is None:
        return None, None
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1 and isinstance(node.value[0][1], yaml.SequenceNode):
        node = node.value[0][1]  # `rules:` above the list
    place = node.start_mark
    for number, name in _STEP.findall(path):
        if number and isinstance(node, yaml.SequenceNode) and int(number) < len(node.value):
            node = node.value[int(number)]
            place = node.start_mark
        elif name and isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == name), None)
            if found is None:
                break
            place, node = found[0].start_mark, found[1]
        else:
            break
    return place.line + 1, place.column + 1
