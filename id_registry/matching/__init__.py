"""Matching: which records of different systems tell of one thing.

Pure parts (normal forms, comparison, weights) know no database; the others take the caller's `Connection` and never commit.
"""

from id_registry.matching.deciding import Terms, Verdict
from id_registry.matching.evidence import Evidence, probability
from id_registry.matching.index import count_frequencies, forget_records, note_records
from id_registry.matching.kinds import SCHEMES
from id_registry.matching.online import BATCH, Decided, Matched, decisions, match, model_for
from id_registry.matching.reviews import (
    Decision,
    Doubt,
    Review,
    ReviewPage,
    ReviewState,
    count_reviews,
    decide_review,
    list_reviews,
    propose_reviews,
    read_review,
    settle_reviews,
)

__all__ = [
    "BATCH",
    "SCHEMES",
    "Decided",
    "Decision",
    "Doubt",
    "Evidence",
    "Matched",
    "Review",
    "ReviewPage",
    "ReviewState",
    "Terms",
    "Verdict",
    "count_frequencies",
    "count_reviews",
    "decide_review",
    "decisions",
    "forget_records",
    "list_reviews",
    "match",
    "model_for",
    "note_records",
    "probability",
    "propose_reviews",
    "read_review",
    "settle_reviews",
]
