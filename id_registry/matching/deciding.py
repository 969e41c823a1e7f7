"""From the comparisons of one record with its candidates to what is done: link, review, or keep the minted id. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

from id_registry.matching.evidence import Evidence
from id_registry.matching.kinds import Scheme
from id_registry.matching.model import Weighed

__all__ = ["Candidate", "Outcome", "Terms", "Verdict", "decide"]

Outcome = Literal["link", "review", "mint", "veto"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How sure the matcher must be, in bits of weight (10 is about 999 to 1, 0 is even).

    `expected`: how many of a thing's records are expected elsewhere, which fixes the prior; `shared_by`: the most records
    that may share a value such as a phone for it to count; `largest`: a thing of more records than this grows only by a
    person's word; `within_system`: whether two records of one system may be linked without a person.
    """

    link: float = 10.0
    review: float = 0.0
    margin: float = 3.0
    expected: float = 0.2
    shared_by: int = 5
    largest: int = 50
    within_system: bool = False


class Candidate(NamedTuple):
    """One candidate. `root`: the live id of the thing it is a record of."""

    gid: int
    root: int
    system: str
    weighed: Weighed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a record, and the candidate it is about (None: there was none)."""

    outcome: Outcome
    other: Candidate | None
    reason: str = ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return self.other.weighed.evidence if self.other is not None else ()


Alike = Callable[[Candidate, Candidate], float]


def _never(_a: Candidate, _b: Candidate) -> float:
    return -inf


def decide(
    system: str, candidates: Sequence[Candidate], scheme: Scheme, terms: Terms, alike: Alike = _never
) -> Verdict:
    """What to do with a record of `system`. Each candidate is of another thing than the record's; of several records of one
    thing the one that agrees best speaks for it, but a veto by any of them stands. `alike`: the weight of two candidates, asked
    when both are likely: two that are one thing themselves, though nobody has merged them yet, are no rivals."""
    if not candidates:
        return Verdict("mint", None)
    vetoed = {c.root for c in candidates if c.weighed.vetoes}
    ranked = sorted(candidates, key=lambda c: (-c.weighed.weight, c.gid))
    free = [c for c in ranked if c.root not in vetoed]
    if not free or (ranked[0].root in vetoed and free[0].weighed.weight < terms.review):
        fields = sorted({field for c in candidates if c.root == ranked[0].root for field in c.weighed.vetoes})
        against = ", ".join(fields)
        outcome: Outcome = "veto" if ranked[0].weighed.weight + _lost(ranked[0]) >= terms.review else "mint"
        return Verdict(outcome, ranked[0], f"differs in {against}")
    best = free[0]
    weight = best.weighed.weight
    if weight < terms.review:
        return Verdict("mint", best, f"{weight:.1f} bits, below {terms.review:g}")
    doubt = _doubt(system, best, free, scheme, terms, alike)
    if doubt:
        return Verdict("review", best, doubt)
    return Verdict("link", best, f"{weight:.1f} bits")


def _lost(candidate: Candidate) -> float:
    """What the vetoing fields took away: whether two would have been candidates but for them."""
    return -sum(e.bits for e in candidate.weighed.evidence if e.note == "veto")


def _doubt(system: str, best: Candidate, free: Sequence[Candidate], scheme: Scheme, terms: Terms, alike: Alike) -> str:
    weight = best.weighed.weight
    if weight < terms.link:
        return f"{weight:.1f} bits are between {terms.review:g} and {terms.link:g}"
    against = sorted(e.field for e in best.weighed.evidence if e.field in scheme.guards and e.level == "differs")
    if against:
        return f"differs in {', '.join(against)}"
    if scheme.names and not any(
        e.field in scheme.names and e.level not in ("differs", "missing") for e in best.weighed.evidence
    ):
        return f"agrees in no name ({', '.join(sorted(scheme.names))})"
    if best.system == system and not terms.within_system:
        return f"both are records of {system}"
    for rival in free:
        if weight - rival.weighed.weight >= terms.margin:
            break
        one = rival.root == best.root or (
            (rival.system != best.system or terms.within_system) and alike(best, rival) >= terms.link
        )
        if not one:
            return f"another thing is as likely, {rival.weighed.weight:.1f} bits"
    return ""
