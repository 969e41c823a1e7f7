"""What PostgreSQL refuses in an append of few rows or of many (a COPY) reaches the caller as every other refusal does, so that
its retry sees it."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table
from sqlalchemy.exc import IntegrityError

from core_tickets.batch import FEW, insert_rows


@pytest.mark.parametrize("count", [2, FEW + 1])
def test_a_refused_row_is_an_integrity_error_of_sqlalchemy(engine: Engine, count: int) -> None:
    table = Table("numbered", metadata := MetaData(), Column("id", Integer, primary_key=True, autoincrement=False))
    metadata.create_all(engine)
    with pytest.raises(IntegrityError), engine.begin() as conn:
        insert_rows(conn, table, [{"id": 1}] * count)
