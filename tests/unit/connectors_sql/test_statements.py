"""Taking SQL apart: one statement or two, a change or not, a value's place or a colon in a text."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.statements import change, name, parse, select


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        'select a.update, "delete", [insert], `drop` from a',
        "WITH x AS (SELECT 1) SELECT * FROM x;",
        "SELECT replace(name, 'a', 'b') FROM t -- ; DROP TABLE t",
        "SELECT 'it''s; DELETE' /* ; UPDATE */ FROM t ;  -- done",
        "SELECT $$a; DELETE$$, $tag$ 'x' $tag$",
        "SELECT * FROM t WHERE note = 'insert into'",
        "SELECT 数量 FROM 库存",
    ],
)
def test_a_single_select_is_taken(text: str) -> None:
    assert ";" not in select(text).replace("';", "").replace("; D", "").replace("; U", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "begins with nothing"),
        ("DELETE FROM t", "begins with DELETE"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1; DROP TABLE t", "more than one statement"),
        ("SELECT 1;;", "more than one statement"),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "DELETE changes something"),
        ("SELECT * INTO copy FROM t", "INTO changes something"),
        ("SELECT * FROM t FOR UPDATE", "UPDATE changes something"),
        ("SELECT 'open FROM t", "has no end"),
        ("SELECT 1 /* open", "has no end"),
        ("SELECT * FROM t WHERE a = ?", "written :name"),
        ("EXEC sp_who", "begins with EXEC"),
        ("PRAGMA writable_schema = ON", "begins with PRAGMA"),
        ("SELECT load_extension('x'); ATTACH 'y' AS z", "more than one statement"),
    ],
)
def test_what_is_no_single_select_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        select(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT 1", "begins with SELECT"),
        ("DROP TABLE t", "begins with DROP"),
        ("UPDATE t SET a = 1; COMMIT", "more than one statement"),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1 WHERE EXISTS (SELECT TRUNCATE FROM x)", "TRUNCATE does not belong"),
    ],
)
def test_what_is_no_single_change_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        change(text)


def test_places_are_found_where_values_belong_and_nowhere_else() -> None:
    text = """SELECT a::text, '12:30', ":x", [:y], arr[1], $$ :z $$ /* :c */ FROM t WHERE d = :device AND n > :n_1"""
    assert parse(select(text)).places == ("device", "n_1")


@pytest.mark.parametrize(
    ("style", "text", "values"),
    [
        ("qmark", "SELECT '50%' WHERE a = ? OR b = ? OR c = ?", (1, 2, 1)),
        ("format", "SELECT '50%%' WHERE a = %s OR b = %s OR c = %s", (1, 2, 1)),
        ("pyformat", "SELECT '50%%' WHERE a = %(a)s OR b = %(b)s OR c = %(a)s", {"a": 1, "b": 2}),
        ("named", "SELECT '50%' WHERE a = :a OR b = :b OR c = :a", {"a": 1, "b": 2}),
        ("numeric", "SELECT '50%' WHERE a = :1 OR b = :2 OR c = :3", (1, 2, 1)),
        ("numeric_dollar", "SELECT '50%' WHERE a = $1 OR b = $2 OR c = $3", (1, 2, 1)),
    ],
)
def test_every_driver_gets_values_in_its_own_style(style: str, text: str, values: object) -> None:
    statement = parse("SELECT '50%' WHERE a = :a OR b = :b OR c = :a")
    assert statement.render(style, {"a": 1, "b": 2}) == (text, values)


def test_a_comment_at_the_end_cannot_swallow_what_comes_behind_it() -> None:
    assert select("SELECT 1 -- all of it") == "SELECT 1"


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_in_quotes_is_ever_taken_for_more_than_a_text(before: str, inside: str) -> None:
    quoted = "'" + inside.replace("'", "''") + "'"
    spoken = before.replace("'", "").replace('"', "").replace("`", "").replace("[", "").replace("$", "")
    statement = parse(f"SELECT /*{spoken.replace('*', '').replace('/', '')}*/ {quoted}, :device")
    assert statement.places == ("device",)


@given(st.text(max_size=60))
def test_a_bound_value_comes_back_as_it_was_and_does_nothing(value: str) -> None:
    with sqlite3.connect(":memory:") as database:
        text, values = parse(select("SELECT :value")).render("qmark", {"value": value.replace("\0", "")})
        assert database.execute(text, values).fetchone()[0] == value.replace("\0", "")
    database.close()


@pytest.mark.parametrize(
    "text", ["orders", "dbo.Orders", '"Order Lines"', "[Order Lines]", "plant.dbo.[t 1]", "库存", "U8$1"]
)
def test_names_of_tables_are_taken(text: str) -> None:
    assert name(text) == text


@pytest.mark.parametrize(
    "text", ["orders; DROP TABLE x", "orders o", "(SELECT 1)", "a.b.c.d.e", 'x"y', "1a", "orders--", ""]
)
def test_what_is_no_name_of_a_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no name of a table"):
        name(text)
