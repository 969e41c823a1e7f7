"""Names of companies, taken apart: where it is, what it is called, its legal form, and which branch of it.

深圳市腾讯计算机系统有限公司 and 腾讯计算机系统（深圳）有限责任公司 are the same four parts. The core alone never makes
two names one company: 上海华联超市 is not 北京华联超市, and a branch is not its company.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from id_registry.matching.regions import region_at_start
from id_registry.matching.text import is_han, letters, plain

__all__ = ["Company", "company"]

_FORMS = (
    ("有限责任公司", "有限"), ("股份有限公司", "股份"), ("有限公司", "有限"), ("股份公司", "股份"), ("集团公司", "有限"),
    ("总公司", "有限"), ("合伙企业", "合伙"), ("普通合伙", "合伙"), ("有限合伙", "合伙"), ("个人独资企业", "独资"),
    ("有限", "有限"), ("公司", "有限"),
)  # fmt: skip
_LATIN = re.compile(
    r"[\s,.]*\b(?:(?P<stock>corporation|corp|incorporated|inc|plc|ag|sa|jsc)|"
    r"(?P<limited>(?:co(?:mpany)?[\s,.]*)?(?:ltd|limited)|llc|gmbh|pte[\s.]*ltd|pty[\s.]*ltd|bv|srl|company|co))\b[\s.]*$"
)
_BRANCHES = r"(.{1,24}?(?:分公司|子公司|分店|分厂|分行|支行|分院|营业部|分部|办事处|门店|店|项目部|事业部|分校))$"
_BRANCH = (
    re.compile(rf"^(.{{2,}}?(?:公司|集团)){_BRANCHES}"),
    re.compile(rf"^(.{{2,}}?(?:银行|医院|大学|厂|超市|商场|酒店|保险)){_BRANCHES}"),
)
_BRACKETS = re.compile(r"[(\[【「](.*?)[)\]】」]")
_NOISE = re.compile(r"[\s·・•,，.。、'\"“”‘’*_\-—/&+]+")
_GENERIC = frozenset(
    {
        "银行",
        "超市",
        "科技",
        "贸易",
        "商贸",
        "实业",
        "集团",
        "医院",
        "大学",
        "酒店",
        "物流",
        "电子",
        "机械",
        "建筑",
        "能源",
        "电力",
    }
)
_SHORTEST = 2


class Company(NamedTuple):
    """The parts of a name; an empty one is not said. `branch`: - for the company itself. `full`: region, core and form, where all
    three are said."""

    region: str = ""
    core: str = ""
    form: str = ""
    branch: str = ""

    @property
    def full(self) -> str:
        return "|".join(self) if self.region and self.core and self.form else ""


@lru_cache(maxsize=4096)
def company(name: str) -> Company:
    """The parts of a company's name; nothing at all for what has no letters."""
    text = plain(name)
    if not letters(text):
        return Company()
    return _chinese(text) if is_han(text) else _latin(text)


def _chinese(text: str) -> Company:
    region, form, said = "", "", []
    for inner in _BRACKETS.findall(text):
        bare = _NOISE.sub("", inner)
        place, rest = region_at_start(bare + " ")
        if place and not rest.strip():
            region = region or place
        elif bare in ("有限合伙", "普通合伙", "合伙"):
            form = "合伙"
        elif bare not in ("集团", "中国", "控股", "原", "曾用名"):
            said.append(bare)
    text = _NOISE.sub("", _BRACKETS.sub("", text))
    branch = "-"
    if parted := _BRANCH[0].match(text) or _BRANCH[1].match(text):
        text, branch = parted[1], parted[2]
    for ending, kind in _FORMS:
        if text.endswith(ending) and len(text) > len(ending):
            text, form = text[: -len(ending)], form or kind
            break
    text = text.removesuffix("集团") if len(text) > 3 else text
    place, rest = region_at_start(text)
    core = rest + "".join(part for part in said if not is_branch(part))
    branch = next((part for part in said if is_branch(part)), branch)
    region = place or region
    if core in dict(_FORMS):
        return Company()
    if len(core) < _SHORTEST or core in _GENERIC:  # 吉林银行 is called 吉林银行
        core = region.rpartition(" ")[2] + core
    return Company(region, core, form, branch)


def is_branch(text: str) -> bool:
    """Whether a remark in brackets names a branch."""
    return text.endswith(("分公司", "分店", "分厂", "分行", "支行", "营业部", "办事处", "店"))


def _latin(text: str) -> Company:
    text = _BRACKETS.sub(" ", text)
    form = ""
    while found := _LATIN.search(text):
        if not text[: found.start()].strip(" ,."):
            break
        form = form or ("股份" if found["stock"] else "有限")
        text = text[: found.start()]
    words = [letters(word) for word in re.split(r"[\s,.\-/&]+", text)]
    return Company("", " ".join(word for word in words if word and word != "the"), form, "-")
