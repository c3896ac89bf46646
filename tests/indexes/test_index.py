"""`assay.Index` answers as a list of entries does: every structure, every type, nulls, duplicates, changes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_oracle import KINDS, ORDERED, Entries

import assay
from assay import _core
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError, UsageError

DAY = dt.date(2024, 2, 28)
NOON = dt.datetime(2024, 2, 29, 12)
# A few values of each type, in no order, with neighbours and ends.
VALUES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "int8": (pa.int8(), [3, -128, 0, 127, -1]),
    "int64": (pa.int64(), [5, -(2**63), 0, 2**63 - 1, -1, 6]),
    "uint32": (pa.uint32(), [7, 0, 2**32 - 1]),
    "uint64": (pa.uint64(), [2**64 - 1, 0, 2**63, 9]),
    "float32": (pa.float32(), [1.5, -0.0, 0.0, float("inf"), float("nan"), -2.0]),
    "float64": (pa.float64(), [0.1, float("nan"), -float("inf"), 1e300, 0.0]),
    "bool": (pa.bool_(), [True, False]),
    "date32": (pa.date32(), [DAY, dt.date(1969, 12, 31), DAY + dt.timedelta(1)]),
    "date64": (pa.date64(), [DAY, dt.date(1960, 1, 1)]),
    "time64": (pa.time64("us"), [dt.time(1, 2, 3, 4), dt.time(23, 59), dt.time(0)]),
    "timestamp": (pa.timestamp("ms"), [NOON, NOON + dt.timedelta(milliseconds=1), dt.datetime(1950, 1, 1)]),
    "zoned": (pa.timestamp("us", "UTC"), [NOON.replace(tzinfo=dt.UTC), dt.datetime(1999, 1, 1, tzinfo=dt.UTC)]),
    "decimal128": (pa.decimal128(20, 2), [Decimal("1.50"), Decimal("-7.25"), Decimal("0"), Decimal("1.51")]),
    "string": (pa.string(), ["b", "", "ba", "é", "a\0", "a", "long enough to be no prefix", "long enough to"]),
    "large_string": (pa.large_string(), ["x", "xy", "", "w"]),
    "string_view": (pa.string_view(), ["short", "a text that no view holds inline", "a text that no view"]),
    "binary": (pa.binary(), [b"\xff", b"", b"\0\0", b"\0"]),
    "fixed": (pa.binary(3), [b"abc", b"\0\0\0", b"ab\xff"]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["red", "blue", "green"]),
}


def columns_of(values: list[Any], kind: pa.DataType) -> Any:
    """The same values in one piece, as a slice, and in chunks."""
    whole = pa.array(values, kind)
    cut = len(values) // 2
    yield whole
    yield pa.concat_arrays([whole, whole, whole]).slice(len(whole), len(whole))
    yield pa.chunked_array([whole.slice(0, cut), whole.slice(cut, 0), whole.slice(cut)], kind)


def compare(index: assay.Index, entries: Entries, asked: list[Any], kind: pa.DataType) -> None:
    """Every question that an index answers."""
    keys = pa.array(asked, kind)
    expected = [entries.lookup(key) for key in asked]
    found = index.lookup(keys)
    lists = [1, 0, *[3] * (len(keys) // 3), len(keys) % 3 - 1] if len(keys) % 3 else [3] * (len(keys) // 3)
    for apart in (True, lists):
        assert index.lookup(keys, apart=apart).equals(found), index.kind
        in_two = pa.chunked_array([keys.slice(0, 2), keys.slice(2)])  # which a list lies across
        assert index.lookup(in_two, apart=apart).equals(found), index.kind
    assert found.type == pa.large_list(pa.uint64())
    assert found.to_pylist() == expected, index.kind
    assert index.lookup_first(keys).to_pylist() == [rows[0] if rows else None for rows in expected], index.kind
    assert len(index) == len(entries.entries)
    if index.kind not in ORDERED:
        return
    assert index.range().to_pylist() == entries.range(None, None), index.kind
    present = [key for key in asked if key is not None][:3]
    for low in present:
        for high in present:
            for closed in ("both", "left", "right", "neither"):
                ends = (pa.scalar(low, _plain(kind)), pa.scalar(high, _plain(kind)))
                assert index.range(*ends, closed=closed).to_pylist() == entries.range(low, high, closed), index.kind
    lows, highs = pa.array(present, kind), pa.array(present[::-1], kind)
    ranges = [entries.range(low, high) for low, high in zip(present, present[::-1], strict=True)]
    assert index.ranges(lows, highs).to_pylist() == ranges, index.kind


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", VALUES)
def test_keys_of_every_type_are_found_and_ranged(kind: str, name: str) -> None:
    arrow, values = VALUES[name]
    keys = [*values, None, *values[:2], None]
    for column in columns_of(keys, arrow):
        index = assay.Index.build(column, kind=kind)
        compare(index, Entries(keys, list(range(len(keys)))), keys, arrow)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_put_in_and_taken_out_is_answered_as_by_a_list(kind: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["int64", "float64", "string", "uint64", "decimal128"]))
    arrow, values = VALUES[name]
    keys_of = st.lists(st.sampled_from([*values, None]), max_size=12)
    keys = data.draw(keys_of)
    index = assay.Index.build(pa.array(keys, arrow), kind=kind)
    entries = Entries(keys, list(range(len(keys))))
    for _ in range(data.draw(st.integers(0, 4))):
        keys = data.draw(keys_of)
        rows = data.draw(st.lists(st.integers(0, 20), min_size=len(keys), max_size=len(keys)))
        column = pa.array(keys, arrow)
        match data.draw(st.sampled_from(["insert", "delete", "delete pairs"])):
            case "insert":
                assert index.insert(column, rows) == entries.insert(keys, rows)
            case "delete":
                present = [key for key in keys if key is not None]
                assert index.delete(column) == entries.delete(present)
            case _:
                assert index.delete(column, rows) == entries.delete(keys, rows)
        compare(index, entries, values, arrow)


@pytest.mark.parametrize("kind", KINDS)
def test_compound_keys_are_found_by_all_parts_and_ranged_by_the_first(kind: str) -> None:
    keys = [("JFK", 2), ("JFK", 1), ("EWR", 7), ("JFK", None), (None, None), (None, 3), ("JFK", 2), ("J", 9)]
    table = pa.table({"origin": [one[0] for one in keys], "hour": pa.array([one[1] for one in keys], pa.int16())})
    index = assay.Index.build(table, kind=kind)
    entries = Entries(keys, list(range(len(keys))))
    assert len(index) == 7
    assert index.lookup(table).to_pylist() == [entries.lookup(key) for key in keys]
    gone = assay.Index.build(table, kind=kind)
    assert gone.delete(table.slice(3, 3), [3, 4, 9]) == 1, "a part may be null, as in the entry"
    assert gone.delete(table) == 6 and len(gone) == 0
    if kind in ORDERED:
        assert index.range().to_pylist() == entries.range(None, None) == [2, 7, 1, 0, 6, 3, 5]
        assert index.range(("JFK",), ("JFK",)).to_pylist() == [1, 0, 6, 3]
        assert index.range(("JFK", 1), ("JFK", 2), closed="right").to_pylist() == [0, 6]
        assert index.range(("EWR",), ("JFK",), closed="neither").to_pylist() == [7]
        assert index.range(low="JFK", closed="right").to_pylist() == [5]


@pytest.mark.parametrize("kind", ORDERED)
def test_batches_of_ranges_take_the_first_columns_of_compound_keys(kind: str) -> None:
    keys = [("JFK", 2), ("JFK", 1), ("EWR", 7), ("JFK", None), (None, 3), ("JFK", 2), ("J", 9)]
    table = pa.table({"origin": [one[0] for one in keys], "hour": pa.array([one[1] for one in keys], pa.int16())})
    index = assay.Index.build(table, kind=kind)
    fronts = pa.chunked_array([["JFK", "E"], ["EWR", None, "J"]])
    assert index.ranges(fronts, fronts).to_pylist() == [[1, 0, 5, 3], [], [2], None, [6]]
    highs = pa.table({"origin": ["JFK", "K", "J", "Z", None], "hour": pa.array([1, 2, 9, None, 4], pa.uint8())})
    assert index.ranges(fronts, highs, closed="right").to_pylist() == [[], [2, 6, 1, 0, 5, 3], [6], None, None]
    with pytest.raises(ParameterError, match="3 parts; the index has 2 columns"):
        index.ranges(fronts, highs.append_column("more", highs["hour"]))


# Of each family a type, others that it may be asked with, and numbers that all or some of them hold.
FAMILIES = [
    (pa.int16(), [pa.int8(), pa.int64(), pa.uint8(), pa.uint64()], [-(2**15), -1, 0, 5, 255, 2**15 - 1, 2**63]),
    (pa.uint64(), [pa.int8(), pa.int64(), pa.uint32()], [-1, 0, 1, 127, 2**31, 2**63, 2**64 - 1]),
    (pa.timestamp("ms"), [pa.timestamp(unit) for unit in ("s", "us", "ns")], [-1, 0, 999, 10**6, 10**9, 10**9 + 1]),
    (pa.time64("us"), [pa.time32("s"), pa.time32("ms"), pa.time64("ns")], [0, 1, 999, 10**6, 86_399]),
    (pa.decimal128(12, 2), [pa.decimal128(12, 0), pa.decimal32(9, 4), pa.decimal256(40, 3)], [-250, -1, 0, 10, 2500]),
]


@pytest.mark.parametrize(("arrow", "others", "numbers"), FAMILIES, ids=[str(family[0]) for family in FAMILIES])
def test_every_type_of_a_family_asks_for_the_same_values(arrow: Any, others: list[Any], numbers: list[int]) -> None:
    held = column_of(numbers, arrow)
    values = [exact(value) for value in held]
    for kind in ORDERED:
        index = assay.Index.build(held, kind=kind)
        for other in others:
            asked = column_of(numbers, other)
            exacts = [exact(value) for value in asked]
            assert index.lookup(asked).to_pylist() == [
                sorted(row for row, value in enumerate(values) if value == one) for one in exacts
            ]
            above = [sorted((value, row) for row, value in enumerate(values) if value > one) for one in exacts]
            below = [sorted((value, row) for row, value in enumerate(values) if value <= one) for one in exacts]
            for scalar, more, less in zip(asked, above, below, strict=True):
                assert index.range(scalar, closed="right").to_pylist() == [row for _, row in more]
                assert index.range(None, scalar).to_pylist() == [row for _, row in less]


def column_of(numbers: list[int], arrow: pa.DataType) -> pa.Array:
    """Those that a type holds, as it counts them: of a decimal its last places, of a time its units."""
    if pa.types.is_decimal(arrow):
        return pa.array([Decimal(number).scaleb(-arrow.scale) for number in numbers], arrow)
    if pa.types.is_integer(arrow):
        low = 0 if pa.types.is_unsigned_integer(arrow) else -(2 ** (arrow.bit_width - 1))
        return pa.array([number for number in numbers if low <= number < low + 2**arrow.bit_width], arrow)
    return pa.array(numbers, pa.int32() if arrow.bit_width == 32 else pa.int64()).view(arrow)


def exact(value: pa.Scalar) -> Decimal:
    """A value as a number: of a time its nanoseconds."""
    if pa.types.is_integer(value.type) or pa.types.is_decimal(value.type):
        return Decimal(value.as_py())
    return Decimal(value.value * {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[value.type.unit])


def test_bounds_are_taken_as_fine_and_as_late_as_they_are() -> None:
    nanoseconds = pa.array([1_001, 1_002, 1_999], pa.int64()).view(pa.time64("ns"))
    index = assay.Index.build(nanoseconds, kind="sorted")
    assert index.range(nanoseconds[1], closed="right").to_pylist() == [2]
    centuries = pa.array([0, 10**12], pa.int64()).view(pa.timestamp("s"))  # the second is beyond the year 9999
    assert assay.Index.build(centuries, kind="sorted").range(centuries[1]).to_pylist() == [1]
    zoned = assay.Index.build(pa.array([NOON], pa.timestamp("ns", "Europe/Berlin")), kind="sorted")
    assert zoned.range(NOON.replace(tzinfo=dt.UTC), NOON).to_pylist() == [0], "one without a zone is of UTC"
    decimals = assay.Index.build(pa.array([Decimal("1.50"), Decimal("2.00")]), kind="sorted")
    assert decimals.range(Decimal("1e-30"), 2).to_pylist() == [0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_insertion_that_fails_puts_nothing_in(kind: str) -> None:
    index = assay.Index.build(pa.array([1, 2], pa.uint16()), kind=kind)
    with pytest.raises(UsageError, match=r"row 2: -1 does not fit"):
        index.insert(pa.chunked_array([[7, 8], [-1]]), [3, 4, 5])
    with pytest.raises(UsageError, match="4294967295"):
        index.insert(pa.chunked_array([[7], [8]]), [3, 2**32 - 1])
    assert len(index) == 2 and index.lookup(pa.array([7, 8, 2])).to_pylist() == [[], [], [1]]
    assert index.insert(pa.chunked_array([[7], [8, None]]), [3, 4, 5]) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_many_rows_are_found_by_any_number_of_threads(kind: str) -> None:
    count = 2_000 if kind == "scan" else 70_000
    keys = np.random.default_rng(5).integers(0, count // 2, count).astype(np.uint64)
    index = assay.Index.build(pa.array(keys), kind=kind, threads=2)
    asked = np.arange(0, count // 2, 1 if kind != "scan" else 40, dtype=np.uint64)
    one, two = (index.lookup(pa.array(asked), threads=threads) for threads in (1, 2))
    assert one.equals(two)
    order = np.argsort(keys, kind="stable")
    spans = np.searchsorted(keys[order], asked), np.searchsorted(keys[order], asked, side="right")
    assert one.value_lengths().to_numpy().tolist() == (spans[1] - spans[0]).tolist()
    if kind != "scan":
        assert one.values.to_numpy().tolist() == order.tolist()
        if kind in ORDERED:
            assert index.range().to_numpy().tolist() == order.tolist()
            assert index.range(limit=5, descending=True).to_pylist() == order[::-1][:5].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_of_nothing_takes_what_comes(kind: str) -> None:
    index = assay.Index.build(pa.array([], pa.string()), kind=kind)
    assert (len(index), index.lookup(pa.array(["a", None])).to_pylist()) == (0, [[], None])
    assert index.insert(pa.array(["a", None, "b"]), [3, 4, 4]) == 2
    assert index.lookup(pa.array(["b", "a"])).to_pylist() == [[4], [3]]
    nulls = assay.Index.build(pa.nulls(3), kind=kind)
    assert (len(nulls), nulls.lookup(pa.nulls(2)).to_pylist()) == (0, [None, None])


def test_rows_may_have_numbers_of_their_own() -> None:
    index = assay.Index.build(pl.Series(["x", "y", "x"]), kind="sorted", rows=[9, 7, 2**32 - 2])
    assert index.lookup(pa.array(["x"])).to_pylist() == [[9, 2**32 - 2]]
    with pytest.raises(UsageError, match="4294967295"):
        assay.Index.build(pa.array(["x"]), kind="sorted", rows=[2**32 - 1])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "scan"])  # which places nothing
def test_building_tells_of_every_entry_that_it_promised(kind: str) -> None:
    keys = np.random.default_rng(1).integers(0, 2**60, 5_000)
    for column in (pa.array(keys), pa.array(keys).cast(pa.string())):
        builder, progress = _core.IndexBuilder(kind, {}), _core.IndexProgress()
        builder.append([column])
        builder.finish(progress=progress)
        assert progress.done == progress.total >= len(keys)
        with_nulls, told = _core.IndexBuilder(kind, {}), _core.IndexProgress()
        with_nulls.append([pa.concat_arrays([column, pa.nulls(100, column.type)])], progress=told)
        promised = told.total
        assert told.done > len(keys)
        with_nulls.finish(progress=told)
        assert told.done == told.total == promised == progress.total * 5_100 // 5_000 + 5_100


def test_progress_is_told_and_may_end_the_building() -> None:
    told: list[tuple[int, int]] = []
    column = pa.array(np.random.default_rng(1).integers(0, 2**60, 300_000))
    assay.Index.build(column, kind="sorted", progress=lambda *counts: told.append(counts))
    assert len(told) >= 2 and told == sorted(told) and all(0 <= done <= total for done, total in told)
    assert {total for _, total in told} == {1_500_000}, "all that there is to do is said first"
    assert told[-1] == (1_500_000, 1_500_000)  # the column is taken, and sorted in four passes
    assert len(assay.Index.build(column, kind="sorted", progress=True)) == len(column)

    def enough(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        assay.Index.build(column, kind="sorted", progress=enough)


INTEGERS = pa.array([5, 3, None, 5])


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: assay.Index.build(INTEGERS, kind="sortd"), UnknownNameError, 'did you mean "sorted"'),
        (lambda: assay.Index.build(INTEGERS, kind="sorted(error=3)"), UnknownNameError, "error"),
        (lambda: assay.Index.build([1, 2], kind="sorted"), UnsupportedTypeError, r"pyarrow\.array"),
        (lambda: assay.Index.build(pa.array([[1]]), kind="sorted"), UnsupportedTypeError, "cannot be a key"),
        (lambda: assay.Index.build(INTEGERS, kind="scan", memory_limit=20), ParameterError, "memory_limit allows 20"),
        (lambda: assay.Index.build(INTEGERS, kind="sorted", rows=[1]), ParameterError, "1 row numbers for 4 keys"),
        (lambda: sorted_index().lookup(pa.array(["a"])), UnsupportedTypeError, "cast the keys to Int64"),
        (lambda: sorted_index().lookup(pa.array([1, 2]), apart=[1]), ParameterError, "sum to 1; expected 2"),
        (lambda: sorted_index().lookup(pa.array([1, 2]), apart=[3, -1]), ParameterError, r"apart is \[3, -1\]"),
        (lambda: sorted_index().lookup(pa.array([1, 2]), apart="all"), ParameterError, "expected True, False, or how"),
        (lambda: sorted_index().range("a"), UnsupportedTypeError, "text keys do not compare with integer ones"),
        (lambda: sorted_index().range(1.5), UnsupportedTypeError, "float"),
        (lambda: sorted_index().range(pa.scalar(None, pa.int64())), ParameterError, "a bound is null"),
        (lambda: sorted_index().range((1, 2)), ParameterError, "low has 2 parts; the index has 1 column"),
        (lambda: sorted_index().range(closed="ends"), ParameterError, "'ends'; expected one of both"),
        (lambda: sorted_index().range(limit=-1), ParameterError, "limit is -1"),
        (lambda: sorted_index().insert(pa.array([1]), [-1]), ParameterError, "whole numbers of 0 or more"),
        (lambda: sorted_index().insert(pa.array([2**63], pa.uint64()), [1]), UsageError, "does not fit the type"),
        (
            lambda: sorted_index().ranges(pa.array([1]), pa.array([1, 2])),
            ParameterError,
            "1 low bounds and 2 high ones",
        ),
        (lambda: sorted_index().range(pd.NaT), ParameterError, "low is NaT"),
        (lambda: sorted_index().range(high={}), ParameterError, r"high is \{\}"),
        (lambda: sorted_index().range(pa.array([1])), ParameterError, "no value of a column of type int64"),
        (lambda: sorted_index().range(2**70), ParameterError, "low is 1180591620717411303424"),
        (lambda: sorted_index().range(closed=["both"]), ParameterError, "expected one of both"),
        (lambda: assay.Index.build(INTEGERS, rows=7), ParameterError, "rows cannot be row numbers"),
        (lambda: assay.Index.build(INTEGERS, progress=3), ParameterError, "progress is 3"),
        (lambda: assay.Index.build(pa.table({})), ParameterError, "table without columns"),
        (lambda: assay.Index(), TypeError, r"Index\.build"),
    ],
)
def test_wrong_use_names_the_thing_and_the_way_out(wrong: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wrong()


def sorted_index() -> assay.Index:
    return assay.Index.build(INTEGERS, kind="sorted")
