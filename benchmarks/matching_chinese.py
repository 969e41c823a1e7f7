"""A synthetic set of Chinese companies: made up here, not taken from life, since no such set with known truth is to be had.

It has what makes companies hard to match: traditional characters, regions in brackets or left out, legal forms in several
wordings, short names, slips of the pen that sound alike, phones in every format; and traps: the same name in another city,
branches, holdings under one switchboard, and names that differ in one character.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import opencc
from stdnum.cn import uscc

CHARACTERS = (
    "华东方大新海天长江明远宏达兴盛恒信德安泰康瑞丰金鑫佳美正中联合众创博宇通顺利和"
    "平光辉力源汇智诚隆昌永固凯越飞腾龙凤祥云峰岭松柏林森"
)
TRADES = (
    "机械", "精密机械", "电子科技", "信息技术", "计算机系统", "自动化设备", "物流", "商贸", "实业", "化工", "新材料",
    "医疗器械", "食品", "建筑工程", "环保科技", "汽车零部件", "模具", "电气", "仪器仪表", "纺织", "包装材料", "能源科技",
    "超市", "软件",
)  # fmt: skip
CITIES = (
    ("广东", "深圳", "0755"), ("上海", "上海", "021"), ("北京", "北京", "010"), ("浙江", "杭州", "0571"),
    ("江苏", "苏州", "0512"), ("江苏", "南京", "025"), ("湖北", "武汉", "027"), ("四川", "成都", "028"),
    ("山东", "青岛", "0532"), ("福建", "厦门", "0592"), ("广东", "东莞", "0769"), ("浙江", "宁波", "0574"),
    ("陕西", "西安", "029"), ("天津", "天津", "022"),
)  # fmt: skip
ROADS = (
    "江南大道", "科技路", "解放路", "人民路", "工业园路", "张江路", "中山路", "建设路", "创新大道", "滨海大道",
)  # fmt: skip
_CODES = {
    "上海": "310000", "北京": "110000", "天津": "120000", "深圳": "440300", "杭州": "330100", "苏州": "320500",
    "南京": "320100", "武汉": "420100", "成都": "510100", "青岛": "370200", "厦门": "350200", "东莞": "441900",
    "宁波": "330200", "西安": "610100",
}  # fmt: skip


class Made(NamedTuple):
    """A record, and the number of the company it is of."""

    company: int
    system: str
    record: dict[str, Any]


@dataclass
class Maker:
    """Makes companies and what systems say of them; the same for the same seed."""

    seed: int = 11
    dice: random.Random = field(init=False)
    _number: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def company(self) -> dict[str, Any]:
        """A company as it is registered."""
        self._number += 1
        dice = self.dice
        province, city, area = dice.choice(CITIES)
        return {
            "number": self._number, "province": province, "city": city, "area": area,
            "core": "".join(dice.choices(CHARACTERS, k=dice.choice((2, 2, 3, 4)))), "trade": dice.choice(TRADES),
            "form": dice.choice(("有限公司",) * 8 + ("股份有限公司",)), "phone": f"{dice.randrange(10**7, 10**8)}",
            "mobile": f"1{dice.choice('3578')}{dice.randrange(10**9):09}", "code": self._code(city),
            "road": dice.choice(ROADS), "house": dice.randrange(1, 900), "branch": "",
        }  # fmt: skip

    def _code(self, city: str) -> str:
        body = f"91{_CODES[city]}MA{self.dice.randrange(10**7):07}"
        return body + uscc.calc_check_digit(body)

    def neighbours(self, of: dict[str, Any]) -> list[dict[str, Any]]:
        """Other companies that look like one: the traps."""
        dice, made = self.dice, []
        if dice.random() < 0.15:  # the same name in another city
            made.append(self.company() | {"core": of["core"], "trade": of["trade"]})
        if dice.random() < 0.1:  # its branch elsewhere, with a code of its own
            _, city, area = dice.choice(CITIES)
            other = self.company()
            made.append(of | {"number": other["number"], "branch": f"{city}分公司", "area": area, "code": self._code(city),
                              "phone": other["phone"] if dice.random() < 0.5 else of["phone"]})  # fmt: skip
        if dice.random() < 0.1:  # a holding's next company, with the same switchboard
            made.append(self.company() | {k: of[k] for k in ("province", "city", "area", "phone", "road", "house")})
        if dice.random() < 0.1:  # one character away
            place = dice.randrange(len(of["core"]))
            core = of["core"][:place] + dice.choice(CHARACTERS) + of["core"][place + 1 :]
            if core != of["core"]:
                made.append(self.company() | {k: of[k] for k in ("province", "city", "area", "trade")} | {"core": core})
        return made

    def said(self, of: dict[str, Any], *, tidy: bool) -> dict[str, Any]:
        """What a system says of a company; `tidy`: as it is registered, as an ERP has it."""
        dice = self.dice
        place = of["city"] if of["province"] == of["city"] or dice.random() < 0.5 else f"{of['province']}省{of['city']}"
        place += dice.choice(("市", "市", ""))
        core, form = of["core"] + of["trade"], of["form"]
        phone = of["phone"]
        if tidy:
            return {"name": f"{place}{core}{form}{of['branch']}", "credit_code": of["code"], "phone": f"{of['area']}-{phone}",
                    "city": of["city"], "address": f"{of['city']}市{of['road']}{of['house']}号"}  # fmt: skip
        if form == "有限公司" and dice.random() < 0.3:
            form = "有限责任公司"
        if dice.random() < 0.12:
            place_at = dice.randrange(len(of["core"]))
            core = core[:place_at] + _sounds_like(core[place_at], dice) + core[place_at + 1 :]
        city = of["city"]
        name = dice.choice(
            (f"{place}{core}{form}", f"{core}（{city}）{form}", f"{core}({city}){form}", f"{place}{core}", f"{core}{form}",
             f"{city}{of['core']}")
        )  # fmt: skip
        name += of["branch"]
        if dice.random() < 0.08:
            name = _traditional(name)
        record: dict[str, Any] = {"name": name}
        if dice.random() < 0.7:
            area = of["area"]
            written = (
                f"{area}-{phone}",
                f"({area}) {phone[:4]} {phone[4:]}",
                f"{area}{phone}转801",
                f"+86 {area[1:]} {phone}",
            )
            record["phone"] = dice.choice(written)
        if dice.random() < 0.5:
            record["city"] = of["city"]
        if dice.random() < 0.5:
            record["address"] = f"{place}{of['road']}{of['house']}号{dice.choice(('', '3栋', 'A座5楼'))}"
        if dice.random() < 0.15:
            record["credit_code"] = of["code"]
        return record

    def records(self, companies: int) -> Iterator[Made]:
        """Every company and its neighbours in the ERP, as registered; six of ten in the CRM, three of ten in the service desk."""
        made: list[Made] = []
        for _ in range(companies):
            first = self.company()
            for each in (first, *self.neighbours(first)):
                made.append(Made(each["number"], "erp", self.said(each, tidy=True)))
                made += [
                    Made(each["number"], system, self.said(each, tidy=False))
                    for system, share in (("crm", 0.6), ("desk", 0.3)) if self.dice.random() < share
                ]  # fmt: skip
        self.dice.shuffle(made)
        yield from made


@cache
def _converter() -> Any:
    return opencc.OpenCC("s2t")


def _traditional(text: str) -> str:
    return str(_converter().convert(text))


@cache
def _homophones() -> dict[str, str]:
    import pypinyin

    by_sound: dict[str, list[str]] = {}
    for character in CHARACTERS + "宏红鸿洪星兴新鑫欣心利力丽立":
        by_sound.setdefault(pypinyin.lazy_pinyin(character)[0], []).append(character)
    return {character: "".join(group) for group in by_sound.values() for character in group}


def _sounds_like(character: str, dice: random.Random) -> str:
    return dice.choice(_homophones().get(character, character))
