"""Texts that tell of one trouble, found without knowing the troubles. Pure; the order of the texts does not matter.

Leader clustering over TF-IDF vectors: in the order they were opened, a text joins the leader it is most like, or leads a
cluster of its own; then each text goes to the leader that is most like it of all. Unlike connected components it makes no
chains (a is like b, b like c, but a is not like c); unlike k-means it needs no number of clusters and no chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import NamedTuple

from gateway.learning.terms import Term

HEAVIEST = 24
"""Terms of a text that are compared: the most telling ones."""
LABEL = 5
CROWD = 200
"""Leaders that one term leads to, the eldest ones: it bounds what a text that is like nothing costs."""

_Vector = dict[str, float]
"""Weights by term, the heaviest first, of length 1."""


class Text(NamedTuple):
    """One ticket's text. `at`: when it was opened, microseconds."""

    id: int
    at: int
    terms: Mapping[str, Term]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Ids of texts that are alike, in the order they were opened; the first of them leads."""

    members: tuple[int, ...]
    label: tuple[str, ...]
    """The words that tell it from the others, the most telling first."""


def cluster(texts: Iterable[Text], likeness: float) -> list[Cluster]:
    """All texts in clusters, the largest first; a text like no other is alone. `likeness`: the least cosine, 0 to 1."""
    ordered = sorted(texts, key=lambda t: (t.at, t.id))
    spread = Counter(term for text in ordered for term in text.terms)
    vectors = [_vector(text, spread, len(ordered)) for text in ordered]
    leaders = _Leaders(likeness)
    for n, vector in enumerate(vectors):
        if leaders.nearest(vector) is None:
            leaders.add(n, vector)
    groups: dict[int, list[int]] = {}
    for n, vector in enumerate(vectors):
        best = leaders.nearest(vector)
        groups.setdefault(n if best is None else best, []).append(n)
    made = [Cluster(tuple(ordered[n].id for n in group), _label([ordered[n] for n in group], spread, len(ordered)))
            for group in groups.values()]  # fmt: skip
    return sorted(made, key=lambda c: (-len(c.members), c.members))


class _Leaders:
    """The leaders so far, found by the terms they hold."""

    def __init__(self, likeness: float) -> None:
        self._likeness = likeness
        self._vectors: dict[int, _Vector] = {}
        self._holding: dict[str, list[int]] = {}

    def add(self, n: int, vector: _Vector) -> None:
        self._vectors[n] = vector
        for term in vector:
            self._holding.setdefault(term, []).append(n)

    def nearest(self, vector: _Vector) -> int | None:
        """The leader most like this, if it is alike enough; of equals the eldest."""
        best, how = None, self._likeness - 1e-9
        for n in sorted({n for term in self._telling(vector) for n in self._near(term)}):
            theirs = self._vectors[n]
            likeness = sum(weight * theirs[term] for term, weight in vector.items() if term in theirs)
            if likeness > how + 1e-9 or (best is None and likeness >= how):
                best, how = n, likeness
        return best

    def _near(self, term: str) -> Sequence[int]:
        found = self._holding.get(term, ())
        return found if len(found) <= CROWD else found[:CROWD]

    def _telling(self, vector: _Vector) -> Iterator[str]:
        """The heaviest terms, of which a leader alike enough must hold one: all others together weigh too little."""
        left = 1.0
        for term, weight in vector.items():
            if left < self._likeness * self._likeness:
                return
            yield term
            left -= weight * weight


def _vector(text: Text, spread: Mapping[str, int], whole: int) -> _Vector:
    weighed = sorted(((t.weight * _rarity(spread[name], whole), name) for name, t in text.terms.items()), reverse=True)
    kept = weighed[:HEAVIEST]
    length = sqrt(sum(weight * weight for weight, _ in kept))
    return {name: weight / length for weight, name in kept}


def _rarity(holding: int, whole: int) -> float:
    """What half of all texts hold tells little; what one alone holds compares with nothing, and weighs as if two had it."""
    return log(1 + whole / max(holding, 2))


def _label(group: Sequence[Text], spread: Mapping[str, int], whole: int) -> tuple[str, ...]:
    here = Counter(name for text in group for name in text.terms)
    common = [name for name, n in here.items() if 2 * n >= len(group)] or list(here)
    telling = sorted(common, key=lambda name: (-here[name] / len(group) * log(whole / spread[name]), name))[:LABEL]
    words = []
    for name in telling:
        used = Counter(text.terms[name].word for text in group if name in text.terms)
        words.append(min(used, key=lambda word: (-used[word], word)))
    return tuple(words)


def keep_ids(clusters: Sequence[Cluster], before: Mapping[int, int]) -> list[int]:
    """An id for each cluster: the one that most of its members had (`before`: text to id), each id once; what is new is
    named by its first member that names no other, or else by any text that names none."""
    shared = Counter((before[m], n) for n, c in enumerate(clusters) for m in c.members if m in before)
    given: dict[int, int] = {}
    taken: set[int] = set()
    for (old, n), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0][0], clusters[item[0][1]].members)):
        if n not in given and old not in taken:
            given[n] = old
            taken.add(old)
    used = set(before.values())
    for n, c in enumerate(clusters):
        if n not in given:
            free = [m for m in c.members if m not in taken] or [
                m for d in clusters for m in d.members if m not in taken
            ]
            given[n] = next((m for m in free if m not in used), free[0])
            taken.add(given[n])
    return [given[n] for n in range(len(clusters))]
