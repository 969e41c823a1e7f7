"""Random expressions and records: some by the grammar of the language, some plain rubbish."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

PATHS = [
    "a",
    "b",
    "n",
    "s",
    "t",
    "flag",
    "labels.instance",
    "labels['a b']",
    "row['字段 名']",
    "items[0]",
    "items[-1].x",
    "gone",
]
TEXTS = ["''", "'x'", "'web-1'", "'2.50'", "'Web-1:9100'", "'10.0.0.1'", "'设备'", "'1e3'"]
NUMBERS = ["0", "1", "2", "7", "-3", "0.1", "0.5", "2.50", "100", "1e3", "99999999999999999999", "0.3333333333"]
PATTERNS = ["'^web'", r"'\d+'", "'(a|b)+'", "'[0-9]{2,}$'", "'x'"]


class Grammar:
    """Expressions that are mostly accepted. `kind` asks for text, number, boolean, list or anything."""

    def __init__(self, random_: random.Random) -> None:
        self.random = random_

    def expression(self, kind: str = "any", depth: int = 3) -> str:
        if kind == "any":
            kind = self.random.choice(["text", "number", "bool", "list", "text", "number", "path"])
        if depth <= 0 or self.random.random() < 0.15:
            return self.leaf(kind)
        if self.random.random() < 0.1:
            test, other = self.expression("bool", depth - 1), self.expression(kind, depth - 1)
            return f"({self.expression(kind, depth - 1)} if {test} else {other})"
        if self.random.random() < 0.08:
            name = self.random.choice(["first", "coalesce", "default"])
            return f"{name}({self.expression(kind, depth - 1)}, {self.expression(kind, depth - 1)})"
        make: Callable[[int], str] = getattr(self, f"make_{kind}", self.make_text)
        return make(depth - 1)

    def leaf(self, kind: str) -> str:
        if kind == "path" or self.random.random() < 0.45:
            return self.random.choice(PATHS)
        choices = {"text": TEXTS, "number": NUMBERS, "bool": ["True", "False", "flag", "flag"], "list": ["[]", "items"]}
        return self.random.choice(choices.get(kind, TEXTS))

    def make_path(self, depth: int) -> str:
        return self.random.choice(
            [
                self.random.choice(PATHS),
                f"get(items, {self.leaf('number')})",
                f"get(labels, {self.leaf('text')})",
                f"lookup({self.expression('text', depth)}, {{'x': 'y', '2.50': 5}}, otherwise='z')",
                f"lookup({self.expression('text', depth)}, {{'x': 'y', '7': 'Z'}})",
            ]
        )

    def make_text(self, depth: int) -> str:
        r, e = self.random, self.expression
        ways: list[Callable[[], str]] = [
            lambda: f"concat({e('any', depth)}, {e('text', depth)})",
            lambda: f"concat({e('text', depth)}, '/', {e('number', depth)}, {e('path', depth)})",
            lambda: f"{r.choice(['lower', 'upper', 'strip', 'digits', 'nonempty'])}({e('text', depth)})",
            lambda: f"text({e('any', depth)})",
            lambda: f"replace({e('text', depth)}, {e('text', depth)}, {self.leaf('text')})",
            lambda: f"before({e('text', depth)}, ':')",
            lambda: f"truncate({e('text', depth)}, {r.choice(['0', '1', '3', 'n'])})",
            lambda: f"join({e('list', depth)}, '-')",
            lambda: f"split({e('text', depth)}, '-')[{r.choice(['0', '1', '-1'])}]",
        ]
        return r.choice(ways)()

    def make_number(self, depth: int) -> str:
        r, e = self.random, self.expression
        sign = r.choice(["+", "-", "*", "/", "%"])
        ways: list[Callable[[], str]] = [
            lambda: f"({e('number', depth)} {sign} {e('number', depth)})",
            lambda: f"({e('number', depth)} {sign} {e('number', depth)})",
            lambda: f"-{e('number', depth)}",
            lambda: f"num({e('any', depth)})",
            lambda: f"num({e('text', depth)}, otherwise={r.choice(['0', 'None', '1.5'])})",
            lambda: f"int({e('any', depth)}, otherwise=None)",
            lambda: f"round({e('number', depth)}, {r.choice(['0', '1', '2'])})",
            lambda: f"{r.choice(['abs', 'floor'])}({e('number', depth)})",
            lambda: f"clamp({e('number', depth)}, {self.leaf('number')}, 50)",
            lambda: f"{r.choice(['min', 'max'])}({e('number', depth)}, {e('number', depth)})",
            lambda: f"{r.choice(['sum', 'min', 'max'])}([{e('number', depth)}, {e('path', depth)}])",
            lambda: f"length({e(r.choice(['text', 'list', 'path']), depth)})",
        ]
        return r.choice(ways)()

    def make_bool(self, depth: int) -> str:
        r, e = self.random, self.expression
        kind = r.choice(["text", "number", "path"])
        order = r.choice(["<", "<=", ">", ">=", "==", "!="])
        ways: list[Callable[[], str]] = [
            lambda: f"({e(kind, depth)} {order} {e(kind, depth)})",
            lambda: f"({e('number', depth)} {order} {self.leaf('number')})",
            lambda: f"({e('path', depth)} {r.choice(['==', '!='])} {self.leaf(r.choice(['text', 'bool', 'number']))})",
            lambda: f"({e('number', depth)} < {e('number', depth)} <= {e('number', depth)})",
            lambda: f"({e('any', depth)} is {r.choice(['', 'not '])}None)",
            lambda: f"({e('path', depth)} {r.choice(['in', 'not in'])} {e('list', depth)})",
            lambda: f"({e('path', depth)} in ['x', 'web-1', ''])",
            lambda: f"({e('text', depth)} {r.choice(['in', 'not in'])} {e('text', depth)})",
            lambda: f"({e('bool', depth)} {r.choice(['and', 'or'])} {e('bool', depth)})",
            lambda: f"({e('bool', depth)} and {e('bool', depth)} or not {e('bool', depth)})",
            lambda: f"{r.choice(['contains', 'starts_with', 'ends_with'])}({e('text', depth)}, {e('text', depth)})",
            lambda: f"matches({e('text', depth)}, {r.choice(PATTERNS)})",
            lambda: f"{r.choice(['is_ip', 'is_number', 'is_text'])}({e('text', depth)})",
        ]
        return r.choice(ways)()

    def make_list(self, depth: int) -> str:
        r, e = self.random, self.expression
        ways: list[Callable[[], str]] = [
            lambda: f"[{e('any', depth)}, {e('any', depth)}]",
            lambda: f"[{e('path', depth)}, {e('text', depth)}, None]",
            lambda: f"split({e('text', depth)}, ':')",
            lambda: "keys(labels)",
            lambda: f"[{{'x': {e('any', depth)}}}, {e('path', depth)}]",
        ]
        return r.choice(ways)()


VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    3,
    -7,
    10**33,
    0.1,
    Decimal("2.50"),
    Decimal("-0.3"),
    Decimal(0),
    Decimal("1E+20"),
    "",
    "x",
    "web-1",
    "Web-17:9100",
    "2.50",
    " 7 ",
    "10.0.0.1",
    "设备",
    [],
    ["x", 3, None],
    [{"x": Decimal("1.5")}],
    {},
    {"x": "y", "instance": "web-1"},
]


def record(random_: random.Random) -> dict[str, Any]:
    """A record whose fields hold anything."""
    names = ["a", "b", "n", "s", "t", "flag", "items", "labels", "字段 名"]
    made = {name: random_.choice(VALUES) for name in names if random_.random() < 0.9}
    if random_.random() < 0.6:
        made |= {
            "n": random_.choice([Decimal("2.50"), Decimal(-4), 3]),
            "flag": random_.random() < 0.5,
            "s": "Web-1:9100",
        }
        made["labels"] = {"instance": "web-1:9100", "a b": random_.choice(VALUES)}
        made["items"] = [random_.choice(VALUES), {"x": random_.choice(VALUES)}]
    return made


_TOKENS = (
    "a b labels items row . , ( ) [ ] { } : + - * / % ** // == != < > <= >= = in is not None and or if else lambda for "
    "True False null 1 0.5 9999999999 'x' \"y\" '' f'{a}' b'x' concat( lower( num( first( lookup( matches( __class__ "
    "__import__ import open( eval( exec( yield await async := ; \\ @ ~ ^ & | << >> -> ... 'a'*9 * ** _ self 字段 ａ "
    "# \t \n"
)
TOKENS = _TOKENS.split(" ")


def rubbish(random_: random.Random) -> str:
    """A string of random tokens."""
    return " ".join(random_.choice(TOKENS) for _ in range(random_.randrange(1, 12)))


def damaged(random_: random.Random, text: str) -> str:
    """A good expression with one thing wrong in it."""
    at = random_.randrange(len(text) + 1)
    what = random_.randrange(3)
    if what == 0:
        return text[:at] + text[at + 1 :]
    return text[:at] + random_.choice(TOKENS) + text[at + (what == 1) :]
