"""A technician sees the device and its history, never how to reach the customer: through every door of the API."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from tests.integration.rights.house import ADDRESS, CREDIT, DIGITS, EMAIL, SPELLINGS, Company


def digits_of(text: str) -> str:
    """All digits of a text in a row, whatever stands between them."""
    chinese = str.maketrans("〇零一二三四五六七八九", "00123456789")
    return "".join(str(unicodedata.digit(c)) for c in text.translate(chinese) if unicodedata.digit(c, -1) >= 0)


def assert_safe(text: str) -> None:
    for secret in (*SPELLINGS, EMAIL, ADDRESS, CREDIT):
        assert secret not in text
    assert DIGITS not in digits_of(text)


def test_the_number_is_there_for_who_may_read_it(company: Company) -> None:
    told = company.told(None) + company.told(None, "/context")
    for spelling in SPELLINGS:
        assert spelling in told
    assert ADDRESS in told


@pytest.mark.parametrize("path", ["", "/context", "/explain"])
def test_a_technician_reads_the_ticket_without_it(company: Company, path: str) -> None:
    told = company.told("li.na", path)
    assert_safe(told)
    assert "press-7" in told or "spindle" in told


def test_the_history_of_the_device_is_there(company: Company) -> None:
    told: Any = company.get("li.na", "/context")
    sections = {s["name"]: s for s in told["sections"]}
    assert sections["mes.downtime"]["values"]["recent"] == [{"reason": "bearing", "minutes": 16}]
    assert "crm.account" not in sections
