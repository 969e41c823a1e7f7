"""Matching: which records of different systems tell of one thing.

Pure parts (normal forms, comparison, weights) know no database; the others take the caller's `Connection` and never commit.
"""

from id_registry.matching.evidence import Evidence, probability
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
    "Decision",
    "Doubt",
    "Evidence",
    "Review",
    "ReviewPage",
    "ReviewState",
    "count_reviews",
    "decide_review",
    "list_reviews",
    "probability",
    "propose_reviews",
    "read_review",
    "settle_reviews",
]
