"""Matching: quality on records with known truth beside Splink in the same run; what an online decision costs at 1M entities.

    python -m benchmarks matching        WEFT_BENCH_ENTITIES=100000 for a smaller registry

Data and estimators come from packages in an environment of their own (setup/er.lock), which the first run makes.
"""

from __future__ import annotations

import logging
import sys

from benchmarks import matching_online, matching_patents, matching_quality
from benchmarks.meters import Claim

F1 = {"RLdata10000": 0.886, "febrl4": 0.999}


def run() -> list[Claim]:
    """Some minutes: the registry of a million companies is made twice."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    return [*_quality(), *_chinese(), *_patents(), *_speed()]


def _quality() -> list[Claim]:
    claims = []
    for found in matching_quality.run():
        name, ours, theirs = found.truth.name, found.linked, found.splink_linked
        claims += [
            Claim(f"{name}: best F1, each record with its best partner", ours.f1, "", at_least=F1[name]),
            Claim(f"{name}: the same by Splink in this run", theirs.f1, ""),
            Claim(f"{name}: best F1 over all pairs", found.ours.f1, ""),
            Claim(f"{name}: the same by Splink in this run", found.splink.f1, ""),
            Claim(f"{name}: recall of the blocking keys", found.recall, "", at_least=1.0),
            Claim(f"{name}: CPU, learning and weighing", found.cpu_s, "s"),
            Claim(f"{name}: CPU, Splink", found.splink_cpu_s, "s"),
        ]
    return claims


def _chinese() -> list[Claim]:
    found = matching_online.chinese()
    name = f"synthetic Chinese companies ({found.records} records)"
    return [
        Claim(f"{name}: precision of links", found.precision, "", at_least=0.99),
        Claim(f"{name}: recall of links", found.recall, ""),
        Claim(f"{name}: recall with reviews", found.recall_with_reviews, ""),
        Claim(f"{name}: pairs for review", found.reviews, ""),
        Claim(f"{name}: of these, one thing", found.review_precision, ""),
    ]


def _patents() -> list[Claim]:
    claims = []
    for release, told in matching_patents.run().items():
        name = "the hub's matcher" if release == "hub" else f"PatentsView's release {release}"
        for measure in ("precision", "recall"):
            error = told[f"{measure}_error"]
            claims.append(Claim(f"PatentsView: {measure} of {name}", told[measure], f"± {error:.3f}"))
    return claims


def _speed() -> list[Claim]:
    claims = []
    for found in matching_online.speed():
        at = f"{found.database}, {found.entities:,} entities"
        claims += [
            Claim(f"{at}: CPU of a decision, in batches of 200", found.decide_ms, "ms", at_most=1.0),
            Claim(f"{at}: of a decision of one record alone", found.alone_ms, "ms"),
            Claim(f"{at}: the same, wall clock, median", found.alone_p50_ms, "ms"),
            Claim(f"{at}: CPU with everything written, merges too", found.whole_ms, "ms"),
        ]
    return claims


if __name__ == "__main__":
    sys.stdout.write("\n".join(claim.line() for claim in run()) + "\n")
