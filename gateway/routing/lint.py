"""What rules of grading and routing did with the tickets of the last month, and what they will never do.

The policies are pure, so they are simply asked again: a rule written a minute ago is told at once what it would have met.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core_tickets.grading import Grading
from core_tickets.matching import Condition, Pattern, Seen, Word, near, normalised
from core_tickets.matching.doubts import contradiction, covers
from core_tickets.routing import Routing, RoutingRule
from gateway.automation.lint import Finding
from mappings.suggestions import among

Of = Literal["grading", "routing"]
VOCABULARY = 5_000
"""So many of the most frequent words are compared with one that nothing has."""


@dataclass(frozen=True, slots=True)
class Month:
    """What is known of the last month."""

    seen: Sequence[Seen]
    channels: frozenset[str]
    """Connections and connectors there are."""
    levels: frozenset[str]
    """The customers' levels that any system tells."""

    def matches(self, condition: Condition) -> int:
        return sum(condition.judge(each).fits for each in self.seen)


def lint_grading(policy: Grading, month: Month) -> tuple[list[Finding], dict[str, int]]:
    """Findings, and how many tickets each rule fits."""
    found: list[Finding] = []
    counts = {rule.id: month.matches(rule.condition) for rule in policy.rules}
    for rule in policy.rules:
        found += _of_condition("grading", rule.id, rule.condition, month, counts[rule.id])
    return found, counts


def lint_routing(policy: Routing, month: Month) -> tuple[list[Finding], dict[str, int]]:
    """Findings, and how many tickets each rule fits."""
    found: list[Finding] = []
    counts = {rule.id: month.matches(rule.condition) for rule in policy.rules}
    for n, rule in enumerate(policy.rules):
        before = next((r for r in policy.rules[:n] if _takes_all(r) and covers(r.condition, rule.condition)), None)
        if before is not None:
            message = f"is never asked: rule {before.id!r} before it takes everything that it would"
            hint = f"move it before {before.id!r}, or ask for less there"
            found.append(Finding("routing", rule.id, message, hint))
        else:
            found += _of_condition("routing", rule.id, rule.condition, month, counts[rule.id])
    return found, counts


def _takes_all(rule: RoutingRule) -> bool:
    """Does a ticket that fits it stay with it, whoever is there?"""
    return rule.group is not None and not rule.skills and rule.nobody_there == "wait"


def _of_condition(of: Of, rule: str, condition: Condition, month: Month, count: int) -> list[Finding]:
    if why := contradiction(condition):
        return [Finding(of, rule, f"can never match: {why}", "take the word away on one side")]
    never = [
        *_unknown(condition.channels, month.channels, "nothing comes by {!r}"),
        *_unknown(condition.levels, month.levels, "no customer has the level {!r}"),
    ]
    if never and (_all_unknown(condition.channels, month.channels) or _all_unknown(condition.levels, month.levels)):
        return [Finding(of, rule, f"can never match: {message}", hint) for message, hint in never]
    found = [Finding(of, rule, message, hint) for message, hint in never]
    if not count and month.seen:
        message = f"matched none of the {len(month.seen)} tickets of the last 30 days"
        found.append(Finding(of, rule, message, _why_idle(condition, month)))
    return found


def _unknown(patterns: Iterable[Pattern], known: frozenset[str], message: str) -> list[tuple[str, str]]:
    return [
        (message.format(p.written), among(p.text, known)) for p in patterns if not any(p.fits(each) for each in known)
    ]


def _all_unknown(patterns: Sequence[Pattern], known: frozenset[str]) -> bool:
    return bool(patterns) and not any(p.fits(each) for p in patterns for each in known)


def _why_idle(condition: Condition, month: Month) -> str:
    """What comes nearest to what the rule asks for."""
    for name, wanted in condition.labels.items():
        values = Counter(value for s in month.seen if (value := s.labels.get(name)) is not None)
        if not values:
            names = {each for s in month.seen for each in s.labels}
            return f"no ticket has a label {name!r}; {among(name, names)}"
        if any(p.fits(v) for p in wanted for v in values):
            continue
        for p in wanted:
            close = next((v for v, _ in values.most_common() if near(p.written, v)), None)
            if close is not None:
                return f"tickets say {close!r}, the rule {p.written!r}: write it as tickets have it"
        return f"label {name!r}: {among(wanted[0].text, values)}"
    if condition.words and not any(w.within(s.text) for w in condition.words for s in month.seen):
        nearest = [f"{w.written!r}: did you mean {n!r}?" for w in condition.words if (n := _nearest(w, month))]
        return "; ".join(nearest) or "no ticket has any of its words"
    return "each part alone is met, but never all together"


def _nearest(word: Word, month: Month) -> str:
    """A word of the month's tickets that is spelled nearly so; empty: none is."""
    if not word.text.isascii():
        parts = Counter(
            text[i : i + len(word.text)] for s in month.seen for text in (s.text,) for i in range(len(text))
        )
        usual = [part for part, _ in parts.most_common(VOCABULARY) if len(part) == len(word.text)]
        cutoff = max(0.5, 1 - 1 / len(word.text))
    else:
        words = Counter(token for s in month.seen for token in s.text.split())
        usual, cutoff = [token for token, _ in words.most_common(VOCABULARY)], 0.75
    found = difflib.get_close_matches(word.text, usual, n=1, cutoff=cutoff)
    return found[0] if found else ""


def of_channels(connections: Mapping[str, str]) -> frozenset[str]:
    """Everything a ticket can come by, in normal form."""
    return frozenset(normalised(c) for c in ("hand", "hub", *connections, *connections.values()))
