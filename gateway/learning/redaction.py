"""Takes people and customers out of a text that many will read: phone numbers, addresses of mail, numbers of identity,
names of customers, contacts and colleagues. Pure; what is taken out is told, never kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core_tickets.rights.looks import spots

_IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d{6}(?:19|20)\d{9}[0-9Xx](?![0-9A-Za-z])")
_CREDIT = re.compile(r"(?<![0-9A-Za-z])[159Y][1239]\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])")
_URL = re.compile(r"https?://[^\s<>()（）\"'，。；]+")
_MENTION = re.compile(r"(?<![\w.\-])@[\w.\-]{2,64}")
_COMPANY = re.compile(
    r"(?:股份有限公司|有限责任公司|集团有限公司|有限公司|集团|公司|,? (?:co\.?,? ?ltd|ltd|inc|gmbh|corp(?:oration)?|llc)\.?)$",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"^(?:[\u4e00-\u9fff]{2,3}(?:省|市|自治区)|北京|上海|天津|重庆|深圳|广州|苏州|杭州|南京|无锡|宁波|东莞|青岛)+"
)
_TITLE = re.compile(
    r"([\u4e00-\u9fff])(?:先生|女士|小姐|经理|总(?![部是体之共成数计结])|(?<!金)工(?![作程厂件序艺具业人位装时资期]))"
)
_FAMILY = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
SHORTEST = 2
_SHORT_LATIN = 4

ZH: Mapping[str, str] = {"phone": "[电话]", "email": "[邮箱]", "identity": "[证件号]", "link": "[链接]", "customer": "[客户]",
                         "person": "[人员]"}  # fmt: skip
EN: Mapping[str, str] = {"phone": "[phone]", "email": "[e-mail]", "identity": "[id]", "link": "[link]", "customer": "[customer]",
                         "person": "[person]"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Redacted:
    """`counts`: how much of each kind was taken out."""

    text: str
    counts: Mapping[str, int]


class Redactor:
    """For many texts with the same names. `customers`: full and short names; `people`: names of persons."""

    def __init__(self, customers: Iterable[str] = (), people: Iterable[str] = ()) -> None:
        called = {form for name in customers for form in _forms(name)}
        self._customers = _pattern(called)
        self._people = _pattern({name.strip() for name in people if _long_enough(name.strip())} - called)

    def clean(self, text: str, *, zh: bool) -> Redacted:
        """The text with `[客户]` or `[customer]` and so on in the place of what must not be told."""
        marks, counts = ZH if zh else EN, dict.fromkeys(ZH, 0)

        def put(kind: str, pattern: re.Pattern[str] | None, within: str) -> str:
            if pattern is None:
                return within
            made, n = pattern.subn(lambda _: marks[kind], within)
            counts[kind] += n
            return made

        text = put("link", _URL, text)
        text = put("customer", self._customers, text)
        text = put("person", self._people, text)
        text = put("identity", _CREDIT, put("identity", _IDENTITY, text))
        text = put("person", _MENTION, text)
        for look in ("email", "phone"):
            for start, stop in reversed(spots(text, look)):
                text = text[:start] + marks[look] + text[stop:]
                counts[look] += 1

        def titled(found: re.Match[str]) -> str:
            if found[1] not in _FAMILY:
                return found[0]
            counts["person"] += 1
            return marks["person"]

        return Redacted(_TITLE.sub(titled, text), {kind: n for kind, n in counts.items() if n})


def _forms(name: str) -> set[str]:
    """How a company is called: in full, without what says that it is one, without where it sits."""
    full = name.strip()
    bare = _COMPANY.sub("", full).strip()
    core = _PLACE.sub("", bare)
    forms = {full, bare} | ({core} if len(core) >= _SHORT_LATIN or _COMPANY.search(full) else set())
    return {form for form in forms if _long_enough(form)}


def _long_enough(name: str) -> bool:
    return len(name) >= (_SHORT_LATIN if name.isascii() else SHORTEST)


def _pattern(names: set[str]) -> re.Pattern[str] | None:
    """Any of these, the longest first; a Latin name only as whole words."""
    if not names:
        return None
    ways = [
        rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])" if name.isascii() else re.escape(name)
        for name in sorted(names, key=lambda n: (-len(n), n))
    ]
    return re.compile("|".join(ways), re.IGNORECASE)
