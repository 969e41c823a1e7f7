"""Global ids: bigints inside, CUST-2026-008921 to people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from id_registry import KINDS, BadGlobalId, BadTime, UnknownKind, format_id, kind_of, parse_id
from id_registry.global_ids import LAST_SEQUENCE, kind_named, make_gid, year_of

gids = st.builds(make_gid, st.sampled_from(sorted(KINDS)), st.integers(1970, 9999), st.integers(1, LAST_SEQUENCE))


def test_a_gid_is_its_kind_its_year_and_its_number() -> None:
    assert make_gid("customer", 2026, 8921) == 12026000008921
    assert format_id(12026000008921) == "CUST-2026-008921"
    assert parse_id("CUST-2026-008921") == 12026000008921


@given(gids)
def test_every_gid_survives_being_written_and_read(gid: int) -> None:
    assert parse_id(format_id(gid)) == gid


@given(gids)
def test_every_gid_is_exact_in_javascript_and_fits_a_bigint(gid: int) -> None:
    assert 0 < gid < 2**53


@given(st.from_regex(r"(CUST|TKT|XY|cust)-[0-9]{3,5}-[0-9]{4,10}", fullmatch=True) | st.text(max_size=30))
def test_whatever_parses_is_exactly_what_would_be_written(text: str) -> None:
    try:
        gid = parse_id(text)
    except BadGlobalId:
        return
    assert format_id(gid) == text


@given(st.integers(-(2**63), 2**63))
def test_a_number_is_a_gid_exactly_if_it_has_a_human_form(number: int) -> None:
    try:
        text = format_id(number)
    except BadGlobalId:
        with pytest.raises(BadGlobalId):
            kind_of(number)
    else:
        assert parse_id(text) == number


def test_six_digits_are_a_minimum_and_numbers_sort_where_texts_do_not() -> None:
    small, large = make_gid("ticket", 2026, 999_999), make_gid("ticket", 2026, 1_000_000)
    assert format_id(large) == "TKT-2026-1000000"
    assert small < large
    assert format_id(small) > format_id(large)


def test_no_two_kinds_share_a_number_or_a_prefix() -> None:
    assert len({kind.number for kind in KINDS.values()}) == len({kind.prefix for kind in KINDS.values()}) == len(KINDS)
    assert all(0 < kind.number < 900 and kind.prefix.isupper() for kind in KINDS.values())


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("cust-2026-008921", "CUST-2026-008921"),
        (" CUST-2026-008921\n", "CUST-2026-008921"),
        ("CUST-2026-8921", "CUST-2026-008921"),
        ("CUST-26-008921", "CUST-2026-008921"),
        ("CUST-2026-0008921", "CUST-2026-008921"),
        ("CUST-2026-000000", "CUST-2026-000001"),
        ("CUTS-2026-008921", "CUST-2026-008921"),
        ("QQQQ-2026-008921", "CUST, "),
        ("CUST-1969-008921", "CUST-2026-008921"),
        ("CUST-2026-1234567890", "CUST-2026-008921"),
        ("CUST-２０２６-008921", "CUST-2026-008921"),
        ("12026000008921", "CUST-2026-008921"),
        ("", "CUST-2026-008921"),
    ],
)
def test_a_wrong_id_is_refused_saying_what_a_right_one_looks_like(text: str, hint: str) -> None:
    with pytest.raises(BadGlobalId) as refused:
        parse_id(text)
    assert hint in refused.value.hint
    assert hint in str(refused.value)


@pytest.mark.parametrize("value", [True, 1.5, "12026000008921", None, 0, -1, 12026000000000, 11969000000001, 10**18])
def test_what_is_no_gid_has_no_human_form(value: object) -> None:
    with pytest.raises(BadGlobalId):
        format_id(value)  # type: ignore[arg-type]


def test_a_human_id_where_a_gid_belongs_is_told_apart() -> None:
    with pytest.raises(BadGlobalId, match="parse_id"):
        kind_of("CUST-2026-008921")  # type: ignore[arg-type]


def test_an_unknown_kind_is_answered_with_the_nearest_known_one() -> None:
    with pytest.raises(UnknownKind, match="did you mean 'customer'") as refused:
        kind_named("costumer")
    assert refused.value.path == "kind"


def test_the_year_of_an_id_is_that_of_utc() -> None:
    new_year = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
    assert (year_of(new_year - 1), year_of(new_year)) == (2025, 2026)


@pytest.mark.parametrize("now", [-1, 10**20, "2026", None])
def test_a_time_that_is_none_is_refused(now: object) -> None:
    with pytest.raises(BadTime):
        year_of(now)  # type: ignore[arg-type]
