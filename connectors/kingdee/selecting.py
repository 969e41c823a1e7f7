"""Rows of a form with the fields this site's version has; a field it does not know is left out from then on."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from connectors.errors import ConfigProblem
from connectors.kingdee.answers import INVALID
from connectors.kingdee.client import KingdeeClient, Refused
from connectors.kingdee.forms import Column

Where = Callable[[frozenset[str]], str]
"""The filter, made without the fields that are absent."""


class Selector:
    """Safe to use from several threads. What it learns about absent fields lasts as long as it does."""

    def __init__(self, client: KingdeeClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._absent: dict[str, frozenset[str]] = {}

    def rows(
        self,
        form: str,
        columns: Sequence[Column],
        where: Where,
        *,
        order: str,
        limit: int,
        start: int = 0,
        until: float | None = None,
    ) -> list[Any]:
        """Rows with a value for each column, None for those this site does not have.

        :raises ConfigProblem: a field that can't be missed does not exist.
        """
        while True:
            absent = self._absent.get(form, frozenset())
            asked = [column.key for column in columns if column.key not in absent]
            try:
                rows = self._client.query(
                    form, asked, where=where(absent), order=order, start=start, limit=limit, until=until
                )
            except Refused as refusal:
                self._learn(form, columns, asked, refusal)
                continue
            if len(asked) == len(columns):
                return rows
            return [_filled(columns, absent, row) for row in rows]

    def _learn(self, form: str, columns: Sequence[Column], asked: Sequence[str], refusal: Refused) -> None:
        """Note which fields the refusal names as unknown; anything else is raised again."""
        named = _unknown(refusal, asked)
        needed = [c.key for c in columns if c.key in named and not c.optional]
        if not named:
            raise refusal
        if needed:
            raise ConfigProblem(
                f"{form} has no field {', '.join(needed)} here: {refusal.failure.message}",
                hint="Is it K3 Cloud, and is the field's key in `extra_fields` spelt as in Kingdee?",
            ) from refusal
        with self._lock:
            self._absent[form] = self._absent.get(form, frozenset()) | named


def _unknown(refusal: Refused, asked: Sequence[str]) -> frozenset[str]:
    """The fields that a refusal calls unknown."""
    said = refusal.failure.message
    if refusal.failure.code != INVALID and "字段" not in said and "field" not in said.lower():
        return frozenset()
    whole = {key for key in asked if _stands_in(key, said)}
    return frozenset(whole or {key for key in asked if _stands_in(key.partition(".")[0], said)})


def _stands_in(key: str, said: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.]*\w)", said, re.ASCII | re.IGNORECASE) is not None


def _filled(columns: Sequence[Column], absent: frozenset[str], row: Any) -> Any:
    if not isinstance(row, list) or len(row) != sum(c.key not in absent for c in columns):
        return row
    values = iter(row)
    return [None if column.key in absent else next(values) for column in columns]
