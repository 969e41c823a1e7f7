"""Learning a model's probabilities from records without labels, by expectation and maximisation with the prior held fixed.

`u` comes from pairs picked at random, nearly all of which are two things; `m` from pairs that share a blocking key. A field's
`m` is learnt under the model's own prior, which stands for all pairs and is never moved by the candidates, of whom far more
are one thing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from id_registry.matching.model import Model, Record

__all__ = ["learn_m", "learn_u"]

FLOOR = 1e-4
"""No level is impossible: a sample that never saw it says only that it is rare."""


def learn_u(model: Model, records: Sequence[Record], pairs: int = 200_000, seed: int = 7) -> Model:
    """The model with `u` as random pairs show it; the same for the same records and seed."""
    dice = random.Random(seed)
    seen: list[Counter[int]] = [Counter() for _ in model.fields]
    for _ in range(pairs):
        a, b = dice.choice(records), dice.choice(records)
        if a is not b:
            for n, level in enumerate(model.levels(a, b)):
                if level is not None:
                    seen[n][level] += 1
    fields = [
        replace(field, u=_smooth([counts[level] for level in range(len(field.u))], 0.5)) if counts else field
        for field, counts in zip(model.fields, seen, strict=True)
    ]
    return replace(model, fields=tuple(fields))


def learn_m(model: Model, pairs: Iterable[tuple[Record, Record]], *, rounds: int = 50, enough: float = 1e-5) -> Model:
    """The model with `m` as candidate pairs show it. Together their keys should miss no pair that is one thing: what they miss is
    not learnt from. How likely a pair is one thing follows from its agreement, `u` and the prior, whichever key brought it."""
    patterns = Counter(model.levels(a, b) for a, b in pairs)
    prior = model.prior_bits
    for _ in range(rounds):
        found: list[list[float]] = [[0.0] * len(field.m) for field in model.fields]
        for pattern, n in patterns.items():
            bits = prior + sum(
                f.bits[level] for f, level in zip(model.fields, pattern, strict=True) if level is not None
            )
            odds = 2.0 ** min(bits, 60.0)
            matches = n * odds / (1 + odds)
            for counts, level in zip(found, pattern, strict=True):
                if level is not None:
                    counts[level] += matches
        fields = tuple(
            replace(field, m=_smooth(counts, 0.01)) if sum(counts) > 1 else field
            for field, counts in zip(model.fields, found, strict=True)
        )
        moved = max(
            abs(x - y) for f, g in zip(fields, model.fields, strict=True) for x, y in zip(f.m, g.m, strict=True)
        )
        model = replace(model, fields=fields)
        if moved < enough:
            break
    return model


def _smooth(counts: Sequence[float], each: float) -> tuple[float, ...]:
    total = sum(counts) + each * len(counts)
    shares = [max((n + each) / total, FLOOR) for n in counts]
    return tuple(min(share / sum(shares), 1 - FLOOR) for share in shares)
