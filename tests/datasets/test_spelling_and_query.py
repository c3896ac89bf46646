"""Spellings: what is read, what is refused, and where the message points."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.datasets import Query
from assay.datasets.query import width_ns
from assay.datasets.spelling import parse_call, parse_nested, quote_name
from assay.errors import ParameterError, SpellingError, UnknownNameError


def test_a_call_holds_positional_then_named_arguments() -> None:
    call = parse_call(" f( a, 'it''s', 3, 1e-3, size=10 , wide = true, name=\"x \"\"y\") ")
    assert call.name == "f"
    assert call.positional == ("a", "it's", 3, 0.001)
    assert call.keywords == {"size": 10, "wide": True, "name": 'x "y'}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f", "expected '\\('"),
        ("f(", "expected a name, a number or text in quotes"),
        ("f(a b)", "at 'b\\)' \\(character 5\\)"),
        ("f(a=1, a=2)", "a is given twice"),
        ("f(a=1, b)", "expected name=value"),
        ("f(a) g", "expected nothing after"),
        ("f(a;b)", "character 4"),
        ("f(a-b)", "one of .*; a name with blanks or signs stands in double quotes"),
        ("f(;b)", r"one of \( \) , =$"),
        ("3(a)", "expected a name"),
        ("f(a,)", "expected a name, a number or text"),
    ],
)
def test_a_broken_call_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpellingError, match=message):
        parse_call(text)


@given(st.text(min_size=1, max_size=20))
def test_any_column_name_survives_quoting(name: str) -> None:
    assert parse_call(f"point({quote_name(name)})").positional == (name,)


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_refused_but_never_crashes(text: str) -> None:
    with contextlib.suppress(SpellingError):
        parse_call(text)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("point(tailnum)", Query("q", "point", ("tailnum",))),
        ("point(origin, dest)", Query("q", "point", ("origin", "dest"))),
        ("in_list(dest, size=10)", Query("q", "in_list", ("dest",), size=10)),
        ("range(time_hour, width='1d')", Query("q", "range", ("time_hour",), width="1d")),
        ("range(price, width=2.5)", Query("q", "range", ("price",), width=2.5)),
        ('point("odd name")', Query("q", "point", ("odd name",))),
    ],
)
def test_a_query_is_parsed_and_spells_itself_again(spelling: str, expected: Query) -> None:
    query = Query.parse("q", spelling)
    assert query == expected
    assert Query.parse("q", query.spelling) == expected


@pytest.mark.parametrize(
    ("spelling", "error", "message"),
    [
        ("pont(a)", UnknownNameError, 'did you mean "point"'),
        ("point()", SpellingError, "at least one column"),
        ("range(a, b, width=1)", SpellingError, "exactly one column"),
        ("point(a, a)", SpellingError, "names a column twice"),
        ("point(3)", SpellingError, "where a column's name belongs"),
        ("point(a, size=3)", UnknownNameError, 'no parameter of point "size"'),
        ("in_list(a)", ParameterError, "in_list needs size"),
        ("in_list(a, size=0)", ParameterError, "size is 0; expected a whole number of at least 1"),
        ("in_list(a, size=true)", ParameterError, "size is True"),
        ("range(a, width='1 fortnight')", ParameterError, "width is '1 fortnight'"),
        ("range(a, width='0d')", ParameterError, "expected a positive whole number"),
        ("range(a, width=-1)", ParameterError, "expected a number above 0"),
        ("range(a, width=1e999)", ParameterError, "expected a number above 0"),
    ],
)
def test_a_wrong_query_is_refused_with_the_way_out(spelling: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Query.parse("q", spelling)


def test_widths_are_durations_in_nanoseconds() -> None:
    assert width_ns("15m") == 15 * 60 * 10**9
    assert width_ns("1w") == 7 * width_ns("1d") == 168 * width_ns("1h")
    assert Query.parse("q", "range(t, width='250ms')").width_ns == 250_000_000
    assert Query.parse("q", "range(t, width=5)").width_ns is None


def test_a_query_says_which_columns_it_reads_beside_its_own() -> None:
    query = Query.parse("q", 'in_list(dest, size=10, columns=[carrier, "dep time", dest, carrier])')
    assert (query.columns, query.reads, query.needed) == (
        ("dest",),
        ("carrier", "dep time"),
        ("dest", "carrier", "dep time"),
    )
    assert query.spelling == 'in_list(dest, size=10, columns=[carrier, "dep time"])'
    assert Query.parse("q", query.spelling) == query
    assert Query.parse("q", "point(a)").needed == ("a",)


@pytest.mark.parametrize("given", ["a", "3", "[a, 3]", "[[a]]", "true"])
def test_columns_that_are_no_list_of_names_are_refused(given: str) -> None:
    with pytest.raises(ParameterError, match=r"query q: columns is .*expected names in brackets"):
        Query.parse("q", f"point(x, columns={given})")


def test_a_query_that_reads_an_unknown_column_is_refused() -> None:
    with pytest.raises(SpellingError, match="where a column's name belongs"):
        Query.parse("q", "point([a])")
    with pytest.raises(UnknownNameError, match='did you mean "columns"'):
        Query.parse("q", "point(a, colums=[b])")


@pytest.mark.parametrize("text", [" lru", "lru ", "  lru  ", "lru"])
def test_blanks_around_a_name_are_no_part_of_it(text: str) -> None:
    assert parse_nested(text).text == "lru"
