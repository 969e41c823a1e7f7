"""The kinds of proposals there are."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.learning.articles import ARTICLES
from gateway.learning.duplicates import DUPLICATES
from gateway.learning.proposals import ProposalKind
from gateway.learning.seasons import PROMISES
from gateway.learning.zombies import ZOMBIES

KINDS: Mapping[str, ProposalKind] = {kind.name: kind for kind in (PROMISES, ARTICLES, ZOMBIES, DUPLICATES)}
